"""From conversations to rows: whole, or a row an answer; with a system prompt; of a bounded size.

A row is what a trainer learns from at once: `id` (the record's), `messages`, `label`, `lang`
and `source`. Where a record can make several rows, `piece` numbers them from 1. Where earlier
answers are only context, they have `weight: 0` and the last one 1, as in OpenAI's format: each
answer is learnt once.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from curator.exports.dialogue import Dialogue, Turn
    from curator.schema import InstructionExport
    from curator.types import Record

    Row = dict[str, Any]
    Fits = Callable[[Sequence[dict[str, Any]]], bool]


def row_schema(how: InstructionExport) -> pa.Schema:
    """Return the columns of the rows of an export."""
    message = [("role", pa.string()), ("content", pa.string())]
    if how.turns != "whole":
        message.append(("weight", pa.int8()))
    several = [("piece", pa.int32())] if in_pieces(how) else []
    return pa.schema(
        [
            ("id", pa.string()),
            *several,
            ("messages", pa.list_(pa.struct(message))),
            ("label", pa.string()),
            ("lang", pa.string()),
            ("source", pa.struct([("uri", pa.string()), ("locator", pa.string())])),
        ]
    )


def in_pieces(how: InstructionExport) -> bool:
    """Whether a record can make several rows."""
    return how.turns != "whole" or how.max_tokens is not None


def rows_of(
    record: Record, spoken: Dialogue, how: InstructionExport, fits: Fits | None = None
) -> list[Row]:
    """Return a record's rows.

    Args:
        record: whose `id`, label, language and source they bear.
        spoken: what was said, with at least one answer.
        how: the shape of the rows, and the system prompt.
        fits: whether messages are at most as long as they may be; None where any length is.

    """
    system = spoken.system or system_prompt(how, record.lang, record.label)
    head = [{"role": "system", "content": system}] if system else []
    made = _pieces(spoken.turns, how, lambda turns: fits is None or fits([*head, *turns]))
    return [
        {
            "id": record.id,
            **({"piece": number} if in_pieces(how) else {}),
            "messages": [*head, *messages],
            "label": record.label,
            "lang": record.lang,
            "source": {
                "uri": record.provenance.source_uri,
                "locator": record.provenance.locator,
            },
        }
        for number, messages in enumerate(made, 1)
    ]


def system_prompt(how: InstructionExport, lang: str, label: str | None) -> str:
    """Return the recipe's system prompt for a row of that language and label; or nothing."""
    asked = how.system_prompt
    if isinstance(asked, dict):
        asked = asked.get(lang) or asked.get("other")
    if asked is None:
        return ""
    return asked.format(label=label or "", lang=lang).strip()


def without_nulls(row: Row) -> Row:
    """Return a row that was read from a table as it was made: only answers have a `weight`."""
    messages = [{k: v for k, v in m.items() if v is not None} for m in row["messages"]]
    return {**row, "messages": messages}


def _pieces(
    turns: Sequence[Turn], how: InstructionExport, fits: Fits
) -> Iterator[list[dict[str, Any]]]:
    """Yield the messages of each row."""
    starts = [
        at
        for at, turn in enumerate(turns)
        if turn.role == "user" and (at == 0 or turns[at - 1].role == "assistant")
    ]
    if how.turns == "whole":
        yield from _whole(turns, starts, fits)
        return
    for at, turn in enumerate(turns):
        if turn.role != "assistant":
            continue
        before = [start for start in starts if start < at]
        if how.window is not None:
            before = before[-how.window :]
        rows = (_said(turns[start : at + 1], last_alone=True) for start in before)
        longest = next((row for row in rows if fits(row)), None)
        yield longest or _said(turns[before[-1] : at + 1], last_alone=True)


def _whole(
    turns: Sequence[Turn], starts: Sequence[int], fits: Fits
) -> Iterator[list[dict[str, Any]]]:
    """Yield the conversation, cut between exchanges where it is too long as a whole."""
    if fits(whole := _said(turns)):
        yield whole
        return
    held: list[dict[str, Any]] = []
    for first, end in pairwise([*starts, len(turns)]):
        exchange = _said(turns[first:end])
        if held and not fits([*held, *exchange]):
            yield held
            held = []
        held += exchange
    yield held


def _said(turns: Iterable[Turn], *, last_alone: bool = False) -> list[dict[str, Any]]:
    """Return the turns as messages; with `last_alone`, answers before the last are context."""
    messages: list[dict[str, Any]] = [{"role": t.role, "content": t.text} for t in turns]
    if last_alone:
        for at, message in enumerate(messages, 1):
            if message["role"] == "assistant":
                message["weight"] = int(at == len(messages))
    return messages
