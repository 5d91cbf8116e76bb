"""Preference pairs: what a reviewer wrote in place of an answer, beside what stood there.

A row has TRL's explicit prompt: `prompt` (the messages up to the answer), `chosen` and
`rejected` (the answer as a message each), for DPO and its kin. `split` is where the record's
row went, so that what validates is not trained on by another way.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from curator.exports.folder import Lines

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import pyarrow as pa

    from curator.exports.dialogue import Dialogue

FILE = "preferences.jsonl"


def preference(row: Mapping[str, Any], before: Dialogue) -> dict[str, Any] | None:
    """Return the pair of the first answer that was corrected; None where no answer was.

    Args:
        row: the record's row, corrected.
        before: its dialogue before that.

    """
    messages: Sequence[Mapping[str, str]] = row["messages"]
    first = 1 if messages[0]["role"] == "system" else 0
    if len(messages) - first != len(before.turns):
        return None
    for at, turn in enumerate(before.turns, first):
        if turn.role == "assistant" and messages[at]["content"] != turn.text:
            return {
                "id": row["id"],
                "prompt": list(messages[:at]),
                "chosen": [messages[at]],
                "rejected": [{"role": "assistant", "content": turn.text}],
                "lang": row["lang"],
            }
    return None


def write_preferences(
    folder: Path, pairs: Sequence[Mapping[str, Any]], splits: Mapping[str, pa.Array]
) -> dict[str, int]:
    """Write the pairs of rows that are exported; no file where there are none.

    Args:
        folder: the export.
        pairs: what `preference` returned.
        splits: the ids of each split's records.

    Returns:
        The rows of the file, by its name.

    """
    of = {name: split for split, ids in splits.items() for name in ids.to_pylist()}
    there = [pair for pair in pairs if pair["id"] in of]
    if not there:
        return {}
    with Lines(folder / FILE) as lines:
        for pair in there:
            lines.add({**pair, "split": of[pair["id"]]})
        return {FILE: lines.rows}
