"""What pairs of shingle sets have in common, and their true Jaccard similarity."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from curator.similarity.shingles import Sets

_BLOCK = 1 << 18  # set elements at a time


def jaccard(sets: Sets, left: NDArray[np.int64], right: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return |A ∩ B| / |A ∪ B| of each pair of sets; 0 where both are empty."""
    sizes = np.diff(sets.bounds)
    shared = common(sets, left, right)
    return shared / np.maximum(sizes[left] + sizes[right] - shared, 1)


def common(sets: Sets, left: NDArray[np.int64], right: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return |A ∩ B| of each pair of sets."""
    sizes = np.diff(sets.bounds)
    ends = np.cumsum(sizes[left] + sizes[right])
    counts = np.zeros(len(left), np.int64)
    low = 0
    while low < len(left):
        before = int(ends[low - 1]) if low else 0
        high = max(low + 1, int(np.searchsorted(ends, before + _BLOCK, side="right")))
        counts[low:high] = _common(sets, left[low:high], right[low:high])
        low = high
    return counts


def _common(sets: Sets, left: NDArray[np.int64], right: NDArray[np.int64]) -> NDArray[np.int64]:
    """Count the shared elements: those that come twice among a pair's elements in order."""
    pairs = np.arange(len(left), dtype=np.uint64) << np.uint64(32)
    sizes = np.diff(sets.bounds)
    packed = np.concatenate(
        [
            np.repeat(pairs, sizes[side]) | sets.values[_gather(sets, side, sizes)]
            for side in (left, right)
        ]
    )
    packed.sort()
    twice = packed[1:][packed[1:] == packed[:-1]]
    counts: NDArray[np.int64] = np.bincount(
        (twice >> np.uint64(32)).astype(np.int64), minlength=len(left)
    )
    return counts


def _gather(sets: Sets, rows: NDArray[np.int64], sizes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the positions of all elements of the rows' sets, row after row."""
    lengths = sizes[rows]
    ends = np.cumsum(lengths)
    positions: NDArray[np.int64] = np.arange(ends[-1] if len(ends) else 0)
    positions += np.repeat(sets.bounds[:-1][rows] - (ends - lengths), lengths)
    return positions
