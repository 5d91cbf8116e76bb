"""axolotl's rules for `type: chat_template`, from its page on conversations and version 0.19.

Messages are rendered by the chat template; answers are learnt (`roles_to_train`), but for one
whose `weight` is 0 where `message_field_training` names that field. A row that is longer than
`sequence_len` is dropped (`excess_length_strategy: drop` is the default), and one of which
nothing is learnt too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from curator.exports.handshake.conversations import Learnt, RefusedError, sound

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray


def read(row: Mapping[str, Any]) -> Learnt:
    """Return what axolotl makes of a row of `messages`.

    Raises:
        RefusedError: it would learn nothing from the row.

    """
    messages = sound(row["messages"])
    if messages[-1].get("weight") == 0:
        raise RefusedError("the last answer is not learnt")
    return Learnt((messages,), last=any(m.get("weight") == 0 for m in messages))


def kept(pairs: NDArray[Any], tokens: int, length: int, *, last: bool) -> int:
    """Return how many tokens are learnt of a row of so many.

    Raises:
        RefusedError: it is longer than it may be.

    """
    if tokens > length:
        raise RefusedError("longer than sequence_len, so dropped")
    return int(pairs[-1, 1] if last else pairs[:, 1].sum())
