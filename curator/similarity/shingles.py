"""Shingle sets: the overlapping short sequences of tokens that a text is made of.

A token is one Han, kana or hangul character, one word of another script, or
one symbol that carries meaning. A shingle has three tokens where it begins
with a character, two where it begins with a word: a Chinese word is about two
characters, so both say about as much. Each turn begins with a token for its
role, and a text ends with an end token, so a text of one token has shingles too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray


@dataclass(frozen=True)
class Sets:
    """32-bit shingle hashes; those of text i are values[bounds[i]:bounds[i + 1]].

    In a set each stands once, in a list they stand as in the text.
    """

    values: NDArray[np.uint32]
    bounds: NDArray[np.int64]

    def __len__(self) -> int:
        """How many sets there are."""
        return len(self.bounds) - 1


def distinct(lists: Sets) -> Sets:
    """Return the set of each list, in the order of first appearance."""
    from curator.similarity import kernels  # noqa: PLC0415 - what is compiled takes long to load

    values, bounds = lists.values.copy(), lists.bounds.copy()
    kept = kernels.distinct(values, bounds, *kernels.room(lists.bounds))
    return Sets(values[:kept].copy(), bounds)


def join(parts: Iterable[Sets]) -> Sets:
    """Return the sets, or lists, of all parts, in order."""
    left = list(parts)
    sizes = [np.diff(part.bounds) for part in left]
    bounds = np.concatenate([np.zeros(1, np.int64), *sizes]).cumsum()
    values, low = np.empty(int(bounds[-1]), np.uint32), 0
    left.reverse()
    while left:  # each is let go once it is copied
        part = left.pop()
        values[low : low + len(part.values)] = part.values
        low += len(part.values)
    return Sets(values, bounds)


def taken(sets: Sets, rows: NDArray[np.int64]) -> Sets:
    """Return the sets of some rows, in that order."""
    sizes = np.diff(sets.bounds)[rows]
    bounds = np.concatenate([np.zeros(1, np.int64), sizes]).cumsum()
    at = np.arange(bounds[-1]) + np.repeat(sets.bounds[rows] - bounds[:-1], sizes)
    return Sets(sets.values[at], bounds)
