"""A conversation in the shape that training and retrieval want: questions and their answers."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from curator.types import Record


@dataclass(frozen=True, slots=True)
class Turn:
    """What one side says before the other does; `first` to `last` are its parts."""

    role: str
    text: str
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Dialogue:
    """A conversation that begins with a question and ends with an answer.

    `turns` is empty where the record has no answered question. `left_out` counts
    the turns that have no place in that shape, by reason; nothing goes unnoticed.
    """

    system: str
    turns: tuple[Turn, ...]
    left_out: Mapping[str, int]

    @property
    def questions(self) -> tuple[str, ...]:
        """What the user says, turn by turn."""
        return tuple(turn.text for turn in self.turns if turn.role == "user")


def dialogue(record: Record) -> Dialogue:
    """Return the record's dialogue.

    Neighbouring turns of one role become one, since chat templates want sides
    that alternate; what a system says goes to the front.
    """
    left_out: Counter[str] = Counter()
    system: list[str] = []
    turns: list[Turn] = []
    for index, part in enumerate(record.parts):
        if not part.text.strip():
            left_out["blank"] += 1
        elif part.role == "system":
            system.append(part.text)
        elif not turns and part.role != "user":
            left_out["before the first question"] += 1
        elif turns and turns[-1].role == part.role:
            turns[-1] = replace(turns[-1], text=f"{turns[-1].text}\n{part.text}", last=index)
        else:
            turns.append(Turn(part.role, part.text, index, index))
    while turns and turns[-1].role != "assistant":
        left_out["after the last answer"] += 1
        turns.pop()
    return Dialogue("\n".join(system), tuple(turns), left_out)


def answered(spoken: Dialogue) -> list[tuple[Turn, Turn]]:
    """Return the pairs of question and answer; what tools say belongs to neither."""
    found: list[tuple[Turn, Turn | None]] = []
    for turn in spoken.turns:
        if turn.role == "user":
            if found and found[-1][1] is None:
                found[-1] = (_joined(found[-1][0], turn), None)
            else:
                found.append((turn, None))
        elif turn.role == "assistant" and found:
            question, answer = found[-1]
            found[-1] = (question, _joined(answer, turn) if answer else turn)
    return [(question, answer) for question, answer in found if answer]


def _joined(first: Turn, second: Turn) -> Turn:
    return replace(first, text=f"{first.text}\n{second.text}", last=second.last)
