"""Train and validation: groups of related records, never parted. Pure.

Records that are duplicates of each other, or that answer the same question, are
one group, and a group goes to one side as a whole; so nothing that a model is
validated on was in its training data in other words.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np

from curator.text import fold, length

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

_LATER_QUESTION_UNITS = 12
"""Below this a later turn is small talk ("thank you very much"), which is no question."""


def question_keys(questions: Sequence[str]) -> tuple[int, ...]:
    """Return what tells a conversation's questions from others: 63-bit hashes of folded texts.

    The opening question always counts; a later one only where it is long enough
    to be a question of its own.
    """
    keys = []
    for index, question in enumerate(questions):
        if index == 0 or length(question) >= _LATER_QUESTION_UNITS:
            folded = fold(question) or question
            keys.append(_hash(folded) >> 1)
    return tuple(dict.fromkeys(keys))


def chain(keys: NDArray[np.int64], nodes: NDArray[np.int64]) -> tuple[NDArray[np.int64], ...]:
    """Return edges (left, right) that connect all nodes that share a key.

    Args:
        keys: one key for each entry, shape (entries,).
        nodes: the node that has the key, same shape.
    """
    order = np.lexsort((nodes, keys))
    keys, nodes = keys[order], nodes[order]
    same = np.flatnonzero(keys[1:] == keys[:-1])
    return nodes[same], nodes[same + 1]


def validation(
    members: Sequence[str], group: NDArray[np.int64], rows: NDArray[np.bool_], share: float
) -> NDArray[np.bool_]:
    """Return which nodes go to validation.

    A group's side follows from the hash of its smallest member's id, so it stays
    the same while other records come and go. A group that alone would fill more
    than half of the validation set (everybody who opened with "hello") goes to
    train. Where chance would leave validation empty, the group that came nearest
    to it is taken.

    Args:
        members: each node's id, sorted, shape (n,).
        group: each node's group: the smallest node that it is related to, shape (n,).
        rows: which nodes are rows of the dataset, shape (n,).
        share: the wanted share of rows in validation, 0 to 1.
    """
    chosen = np.zeros(len(group), bool)
    total = int(rows.sum())
    if share <= 0 or total == 0:
        return chosen
    found, sizes = np.unique(group[rows], return_counts=True)
    small = found[sizes <= max(1.0, total * share / 2)]
    if len(small) == 0 or len(found) == 1:
        return chosen
    draw = np.array([_hash(members[g]) / 2**64 for g in small.tolist()])
    taken = small[draw < share] if (draw < share).any() else small[[int(draw.argmin())]]
    return np.isin(group, taken) & rows


def _hash(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big")
