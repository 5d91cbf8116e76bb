"""TRL's rules, from its pages on dataset formats and SFT; asked where TRL itself is not there.

A row is `messages`, or `prompt` with `completion`, or with `chosen` and `rejected`, each a list
of messages. What exceeds `max_length` is cut off at the end; a row of which nothing is learnt
after that is dropped without a word.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from curator.exports.handshake.conversations import Learnt, RefusedError, sound

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray


def read(row: Mapping[str, Any]) -> Learnt:
    """Return what TRL makes of a row.

    Raises:
        RefusedError: it would learn nothing from the row.

    """
    if "messages" in row:
        messages = sound(row["messages"])
        return Learnt((messages,), last=any(m.get("weight") == 0 for m in messages))
    if "chosen" in row:
        if row["chosen"] == row["rejected"]:
            raise RefusedError("both answers are the same")
        answers = (row["chosen"], row["rejected"])
        return Learnt(tuple(sound([*row["prompt"], *a]) for a in answers), last=True)
    return Learnt((sound([*row["prompt"], *row["completion"]]),), last=True)


def kept(pairs: NDArray[Any], length: int, *, last: bool) -> int:
    """Return how many tokens are learnt after a row is cut to `length`."""
    ends = pairs.sum(axis=1).cumsum()
    starts = ends - pairs[:, 1]
    inside = ends.clip(max=length) - starts.clip(max=length)
    return int(inside[-1] if last else inside.sum())
