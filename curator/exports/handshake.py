"""Would a trainer take each row? Asked before training, where some trainers skip in silence.

The rules are LLaMA-Factory's (turns alternate, beginning with the user or an observation
and ending with an answer; other rows are skipped with a warning) and those of TRL's and
axolotl's chat templates (a known role and a text in every message, an answer to learn from).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    Messages = Sequence[Mapping[str, str]]

SHOWN = 20
TRAINERS = ("llamafactory", "trl", "axolotl")
_ASKS, _ANSWERS = ("user", "tool"), ("assistant",)


@dataclass
class Handshake:
    """Which rows each trainer would not learn from, and why; the first ids are named."""

    rows: int = 0
    refused: dict[str, Counter[str]] = field(
        default_factory=lambda: {name: Counter() for name in TRAINERS}
    )
    named: dict[str, list[dict[str, str]]] = field(
        default_factory=lambda: {name: [] for name in TRAINERS}
    )

    def look_at(self, row: Mapping[str, Any]) -> None:
        """Ask every trainer about a row of `id` and `messages`."""
        self.rows += 1
        messages = row["messages"]
        told = templated(messages)
        for name, reason in zip(TRAINERS, (alternates(messages), told, told), strict=True):
            if reason:
                self.refused[name][reason] += 1
                if len(self.named[name]) < SHOWN:
                    self.named[name].append({"id": row["id"], "reason": reason})

    def facts(self) -> dict[str, Any]:
        """Return the figures for a manifest."""
        return {
            name: {
                "rows": self.rows,
                "taken": self.rows - sum(self.refused[name].values()),
                "refused": dict(sorted(self.refused[name].items())),
                "first_refused": self.named[name],
            }
            for name in TRAINERS
        }


def alternates(messages: Messages) -> str | None:
    """Return why LLaMA-Factory would skip a row, or None."""
    turns = messages[1:] if messages and messages[0]["role"] == "system" else messages
    if not turns:
        return "no turns"
    for index, turn in enumerate(turns):
        if turn["role"] not in (_ANSWERS if index % 2 else _ASKS):
            return "turns that do not alternate"
    return None if len(turns) % 2 == 0 else "no answer at the end"


def templated(messages: Messages) -> str | None:
    """Return why a chat template would leave nothing to learn, or None."""
    if any(not turn["content"].strip() for turn in messages):
        return "a message without text"
    if not any(turn["role"] == "assistant" for turn in messages):
        return "no answer to learn from"
    if any(turn["role"] == "system" for turn in messages[1:]):
        return "a system prompt in the middle"
    return None
