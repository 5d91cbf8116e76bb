"""A row of any format as the conversation that a trainer makes of it, or why it makes none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    Messages = Sequence[Mapping[str, Any]]

NOTHING_LEFT = "truncated to nothing: no token of an answer is left"
ROLES = frozenset({"system", "user", "assistant", "tool"})


class RefusedError(Exception):
    """A trainer would not learn from a row; the message is the reason, a stable phrase."""


@dataclass(frozen=True, slots=True)
class Learnt:
    """Conversations that a row becomes, one for each answer that is compared, or one.

    last: whether only the last answer is learnt.
    """

    conversations: tuple[Messages, ...]
    last: bool


def sound(messages: Messages) -> Messages:
    """Return messages that a chat template can render and learn from.

    Raises:
        RefusedError: an unknown role, no text, no answer, or a system prompt that is not first.

    """
    if any(turn["role"] not in ROLES for turn in messages):
        raise RefusedError("a role that chat templates do not know")
    if any(not str(turn["content"] or "").strip() for turn in messages):
        raise RefusedError("a message without text")
    if any(turn["role"] == "system" for turn in messages[1:]):
        raise RefusedError("a system prompt in the middle")
    if not any(turn["role"] == "assistant" for turn in messages):
        raise RefusedError("no answer to learn from")
    return messages
