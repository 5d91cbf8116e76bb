"""The question–answer pairs of a conversation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from curator.types import Record


@dataclass(frozen=True, slots=True)
class Pair:
    """What was asked and what was answered.

    `part` is the index, in the record, of the answer's first turn; `n_pairs` is
    how many pairs the record has.
    """

    record_id: str
    question: str
    answer: str
    part: int
    n_pairs: int


def pairs(record: Record) -> list[Pair]:
    """Return the record's pairs, in order; a document has none.

    A question is all user turns since the previous answer, an answer all
    assistant turns up to the next user turn, each joined by a line break. Turns
    of system and tools belong to neither. An assistant turn that nobody asked
    for (a greeting at the start) and a question that nobody answered make no pair.
    """
    if record.kind != "conversation":
        return []
    found: list[tuple[list[str], list[str], int]] = []
    asked: list[str] = []
    for index, part in enumerate(record.parts):
        if part.role == "user":
            asked.append(part.text)
        elif part.role == "assistant":
            if asked:
                found.append((asked, [part.text], index))
                asked = []
            elif found:
                found[-1][1].append(part.text)
    return [
        Pair(record.id, "\n".join(question), "\n".join(answer), part, len(found))
        for question, answer, part in found
    ]


def in_context(found: Sequence[Pair], index: int) -> str:
    """Return a pair's question as it is to be understood: a follow-up with the opening question.

    The follow-up comes first, so that it stays where only the start of a text counts.
    """
    question = found[index].question
    return f"{question}\n{found[0].question}" if index else question
