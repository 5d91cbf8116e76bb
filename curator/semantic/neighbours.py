"""Nearest neighbours among many vectors, exactly, in blocks: nothing quadratic is kept.

Every product of two blocks is looked through for what is near enough, and of each
row's finds only the nearest stay. 100,000 rows are 5,000 million products of vectors,
some minutes of one core: about a tenth of what embedding them takes, so that an
approximate index, which misses pairs and depends on the order of rows, would gain little.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_BLOCK = 2048


@dataclass(frozen=True)
class Rows:
    """Vectors of length 1, shape (rows, dimensions), and each row's key."""

    vectors: NDArray[np.float32]
    keys: NDArray[np.uint64]


@dataclass(frozen=True)
class Near:
    """Pairs of rows, sorted by (left, right), with the cosine of their vectors."""

    left: NDArray[np.int64]
    right: NDArray[np.int64]
    cosine: NDArray[np.float32]


def near(left: Rows, right: Rows | None, floor: float, most: int) -> Near:
    """Return the pairs of rows with the same key and a cosine of at least `floor`.

    Args:
        left: rows.
        right: other rows, or None for the pairs among `left`, each told once, the lower
            row at the left.
        floor: the least cosine.
        most: how many pairs of a row are kept (see `nearest`).

    """
    other = left if right is None else right
    shift = 0 if right is None else len(left.keys)
    found = Near(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0, np.float32))
    for low in range(0, len(left.keys), _BLOCK):
        mine = slice(low, low + _BLOCK)
        for start in range(low if right is None else 0, len(other.keys), _BLOCK):
            theirs = slice(start, start + _BLOCK)
            cosines = left.vectors[mine] @ other.vectors[theirs].T
            hit = (cosines >= floor) & (left.keys[mine, None] == other.keys[None, theirs])
            a, b = np.nonzero(hit)
            values = cosines[a, b]
            a, b = a + low, b + start
            if right is None:
                above = a < b
                a, b, values = a[above], b[above], values[above]
            found = _kept(
                Near(
                    np.concatenate([found.left, a]),
                    np.concatenate([found.right, b]),
                    np.concatenate([found.cosine, values]),
                ),
                most,
                shift,
            )
    order = np.lexsort((found.right, found.left))
    return Near(found.left[order], found.right[order], found.cosine[order])


def _kept(found: Near, most: int, shift: int) -> Near:
    kept = nearest(found.left, found.right + shift, found.cosine, most)
    return Near(found.left[kept], found.right[kept], found.cosine[kept])


def nearest(
    left: NDArray[np.int64], right: NDArray[np.int64], cosine: NDArray[np.float32], most: int
) -> NDArray[np.bool_]:
    """Return which pairs of rows are among the `most` nearest of either of their rows.

    Of equally near ones the pairs with the lower row are kept.
    """
    row = np.concatenate([left, right])
    peer = np.concatenate([right, left])
    order = np.lexsort((peer, -np.round(np.tile(cosine, 2), 4), row))
    row = row[order]
    starts = np.ones(len(row), np.bool_)
    starts[1:] = row[1:] != row[:-1]
    place = np.arange(len(row))
    place -= np.maximum.accumulate(np.where(starts, place, 0))
    kept = np.zeros(len(left), np.bool_)
    kept[order[place < most] % max(1, len(left))] = True
    return kept
