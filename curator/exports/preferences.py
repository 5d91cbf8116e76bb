"""Preference pairs: what a reviewer wrote in place of an answer, beside what stood there.

A pair has TRL's explicit prompt: `prompt` (the messages up to the answer), `chosen` and
`rejected` (the answer as a message each), for DPO and its kin. It goes to the split of its
record, so that what validates is not trained on by another way.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from curator.exports.dialogue import Dialogue


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
