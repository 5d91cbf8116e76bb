"""The question–answer pairs of a conversation."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from curator.types import Record


@dataclass(frozen=True, slots=True)
class Pair:
    """What was asked and what was answered.

    `part` is the index, in the record, of the answer's first turn, and `asked_at` that of
    the question's; `n_pairs` is how many pairs the record has. `asked` and `answered` are
    the indexes of all turns of question and answer, which a line break joins.
    """

    record_id: str
    question: str
    answer: str
    part: int
    n_pairs: int
    asked_at: int
    asked: tuple[int, ...] = ()
    answered: tuple[int, ...] = ()

    @property
    def id(self) -> str:
        """The pair's name: its record and the part where its answer begins, `c0ffee#4`."""
        return f"{self.record_id}#{self.part}"


@dataclass(slots=True)
class _Asked:
    """A turn that waits for an answer."""

    part: int
    speaker: str | None
    text: str


def pairs(record: Record) -> list[Pair]:
    """Return the record's pairs, in order; a document has none.

    A question is all user turns since the previous answer, an answer all
    assistant turns up to the next user turn, each joined by a line break. Where
    several people have asked, an answer that is addressed to one of them (`@name`,
    `name: …`) answers that one, and the others still wait. Turns of system and
    tools belong to neither. An assistant turn that nobody asked for (a greeting at
    the start) and a question that nobody answered make no pair.
    """
    if record.kind != "conversation":
        return []
    found: list[tuple[list[_Asked], int, dict[int, str]]] = []
    waiting: list[_Asked] = []
    heard_user = False
    for index, part in enumerate(record.parts):
        if part.role == "user":
            waiting.append(_Asked(index, part.speaker, part.text))
            heard_user = True
        elif part.role == "assistant":
            answered = _answered(waiting, part.text, fresh=heard_user)
            if answered:
                found.append((answered, index, {index: part.text}))
                waiting = [asked for asked in waiting if asked not in answered]
            elif found:
                found[-1][2][index] = part.text
            heard_user = False
    return [
        Pair(
            record.id,
            "\n".join(asked.text for asked in question),
            "\n".join(answer.values()),
            part,
            len(found),
            question[0].part,
            tuple(asked.part for asked in question),
            tuple(answer),
        )
        for question, part, answer in found
    ]


def _answered(waiting: Sequence[_Asked], text: str, *, fresh: bool) -> list[_Asked]:
    """Return the turns that an answer answers.

    One that comes right after another answer (not `fresh`) goes on with it, unless it is
    addressed to somebody who still waits.
    """
    people = {asked.speaker for asked in waiting if asked.speaker}
    if len(people) > 1 or not fresh:
        for name in sorted(people, key=len, reverse=True):
            if _addresses(text, name):
                return [asked for asked in waiting if asked.speaker == name]
    return list(waiting) if fresh else []


def _addresses(text: str, name: str) -> bool:
    """Whether a text is addressed to a person."""
    told = re.escape(name)
    form = rf"\s*[@＠]?{told}\s*[:：,，]|.*[@＠]{told}(?![A-Za-z0-9_])"
    return re.match(form, text, re.IGNORECASE | re.DOTALL) is not None


def in_context(found: Sequence[Pair], index: int) -> str:
    """Return a pair's question as it is to be understood: a follow-up with the opening question.

    The follow-up comes first, so that it stays where only the start of a text counts.
    """
    question = found[index].question
    return f"{question}\n{found[0].question}" if index else question
