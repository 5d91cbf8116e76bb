"""Nearest neighbours among many pairs of vectors, exactly, in blocks: nothing quadratic is kept.

A block of rows is multiplied with a block of rows, questions first; the answers of few
pairs need a look after that. 100,000 rows are 5,000 million products, a minute or two
of one core: a tenth of what it takes to embed them. So an approximate index, which misses
pairs and depends on the order of rows, would gain little.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    Vectors = NDArray[np.float32]

_BLOCK = 1024
_DENSE = 32
"""From so many hits a row on, a block of answers is multiplied as a whole."""
_ROUNDING = 1e-5
_SAME = 5e-5
"""Cosines are compared to four digits: nearer than this they are equal."""


@dataclass(frozen=True)
class Rows:
    """Pairs of vectors of length 1 (question and answer), each of shape (rows, dimensions).

    Rows are compared with those of the same key; `least` is what both of a row's cosines have to
    reach, the same in all rows of a key.
    """

    questions: Vectors
    answers: Vectors
    keys: NDArray[np.uint64]
    least: NDArray[np.float64]


@dataclass(frozen=True)
class Near:
    """Pairs of rows, sorted by (left, right), with the mean of their two cosines."""

    left: NDArray[np.int64]
    right: NDArray[np.int64]
    cosine: NDArray[np.float64]


def near(left: Rows, right: Rows | None, floor: float, most: int) -> Near:
    """Return the pairs of rows of one key whose cosines reach `floor` in the mean, `least` each.

    Args:
        left: rows.
        right: other rows, or None for the pairs among `left`, each told once, the lower
            row at the left.
        floor: the least mean of the cosines.
        most: how many pairs of a row are kept (see `nearest`).

    """
    other = left if right is None else right
    kept = _Kept(len(left.keys), 0 if right is None else len(other.keys), most)
    for mine, theirs in _same_keys(left.keys, None if right is None else right.keys):
        for low in range(0, len(mine), _BLOCK):
            for start in range(low if right is None else 0, len(theirs), _BLOCK):
                one, two = mine[low : low + _BLOCK], theirs[start : start + _BLOCK]
                hits = _hits(left, other, (one, two), floor)
                i, j = one[hits.left], two[hits.right]
                new = kept.nearer(i, j, hits.cosine)
                if right is None:
                    new &= i < j
                kept.add(i[new], j[new], hits.cosine[new])
    found = kept.all()
    asked, answered = (_cosines(left, other, found, side) for side in ("questions", "answers"))
    mean = (asked + answered) / 2
    sure = (mean >= floor) & (np.minimum(asked, answered) >= left.least[found.left])
    order = np.lexsort((found.right, found.left))
    order = order[sure[order]]
    return Near(found.left[order], found.right[order], mean[order])


def nearest(
    left: NDArray[np.int64], right: NDArray[np.int64], cosine: NDArray[np.float64], most: int
) -> NDArray[np.bool_]:
    """Return which pairs of rows are among the `most` nearest of either of their rows.

    Of equally near ones the pairs with the lower row are kept.
    """
    return _ranked(left, right, cosine, most)[0]


def _ranked(
    left: NDArray[np.int64], right: NDArray[np.int64], cosine: NDArray[np.float64], most: int
) -> tuple[NDArray[np.bool_], NDArray[np.int64], NDArray[np.float64]]:
    """Return which pairs are kept; and the rows that have `most` pairs, the last one's cosine."""
    row = np.concatenate([left, right])
    peer = np.concatenate([right, left])
    value = np.round(np.tile(cosine, 2), 4)
    order = np.lexsort((peer, -value, row))
    row = row[order]
    starts = np.ones(len(row), np.bool_)
    starts[1:] = row[1:] != row[:-1]
    place = np.arange(len(row))
    place -= np.maximum.accumulate(np.where(starts, place, 0))
    kept = np.zeros(len(left), np.bool_)
    kept[order[place < most] % max(1, len(left))] = True
    last = place == most - 1
    return kept, row[last], value[order[last]]


class _Kept:
    """The nearest pairs so far, of rows that come in ascending order."""

    def __init__(self, n_left: int, n_right: int, most: int) -> None:
        """Begin without any; without right rows, pairs are among the left ones."""
        self.most = most
        self.shift = n_left if n_right else 0
        self.last = np.full(n_left + n_right, -np.inf)
        """Of each row that has enough pairs the cosine of the last of these."""
        self.found = Near(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0))
        self.waiting: list[Near] = []
        self.n_waiting = 0

    def nearer(
        self, left: NDArray[np.int64], right: NDArray[np.int64], cosine: NDArray[np.float64]
    ) -> NDArray[np.bool_]:
        """Return which pairs are nearer than the last one kept of either of their rows."""
        last = np.minimum(self.last[left], self.last[right + self.shift])
        nearer: NDArray[np.bool_] = cosine >= last + _SAME
        return nearer

    def add(
        self, left: NDArray[np.int64], right: NDArray[np.int64], cosine: NDArray[np.float64]
    ) -> None:
        """Take pairs in."""
        self.waiting.append(Near(left, right, cosine))
        self.n_waiting += len(left)
        if self.n_waiting > _BLOCK * _DENSE:
            self.all()

    def all(self) -> Near:
        """Return the pairs that are kept."""
        pool = [self.found, *self.waiting]
        left, right, cosine = (
            np.concatenate([getattr(near_, name) for near_ in pool])
            for name in ("left", "right", "cosine")
        )
        kept, rows, last = _ranked(left, right + self.shift, cosine, self.most)
        self.last[rows] = last
        self.found = Near(left[kept], right[kept], cosine[kept])
        self.waiting, self.n_waiting = [], 0
        return self.found


def _hits(
    left: Rows, right: Rows, rows: tuple[NDArray[np.int64], NDArray[np.int64]], floor: float
) -> Near:
    """Return the places in a block that reach what is asked for, give or take the rounding."""
    one, two = rows
    least = float(left.least[one[0]]) - _ROUNDING
    floor -= _ROUNDING
    asked = left.questions[one] @ right.questions[two].T
    # From here on the mean reaches the floor, if the answers are the same.
    hits = np.flatnonzero(asked >= max(least, 2 * floor - 1))
    if len(hits) > _DENSE * len(one):
        answered = left.answers[one] @ right.answers[two].T
        hits = np.flatnonzero(asked + answered >= 2 * floor)
        answers = answered.ravel()[hits]
        i, j = np.divmod(hits, len(two))
    else:
        i, j = np.divmod(hits, len(two))
        answers = np.einsum("ij,ij->i", left.answers[one[i]], right.answers[two[j]])
    questions = asked.ravel()[hits]
    mean = (questions + answers).astype(np.float64) / 2
    sure = (mean >= floor) & (np.minimum(questions, answers) >= least)
    return Near(i[sure], j[sure], mean[sure])


def _same_keys(
    left: NDArray[np.uint64], right: NDArray[np.uint64] | None
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Yield the left and the right rows of each key that both have, each in ascending order."""
    sides = [_by_key(left)]
    sides.append(sides[0] if right is None else _by_key(right))
    for key, rows in sides[0].items():
        if key in sides[1]:
            yield rows, sides[1][key]


def _by_key(keys: NDArray[np.uint64]) -> dict[int, NDArray[np.int64]]:
    order = np.argsort(keys, kind="stable")
    values, starts = np.unique(keys[order], return_index=True)
    return dict(zip(values.tolist(), np.split(order, starts[1:]), strict=bool(len(keys))))


def _cosines(left: Rows, right: Rows, found: Near, side: str) -> NDArray[np.float64]:
    """Return the pairs' cosines, always summed in the same order."""
    one, two = getattr(left, side), getattr(right, side)
    values = [
        np.einsum("ij,ij->i", one[found.left[s]], two[found.right[s]], dtype=np.float64)
        for s in (slice(at, at + _BLOCK) for at in range(0, len(found.left), _BLOCK))
    ]
    return np.concatenate([np.zeros(0), *values])
