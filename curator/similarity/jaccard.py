"""What pairs of shingle sets have in common, and their true Jaccard similarity."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from curator.similarity.shingles import Sets


_AT_ONCE = 1 << 14  # pairs


def jaccard(
    sets: Sets, left: NDArray[np.int64], right: NDArray[np.int64], *, threads: int = 1
) -> NDArray[np.float64]:
    """Return |A ∩ B| / |A ∪ B| of each pair of sets; 0 where both are empty."""
    sizes = np.diff(sets.bounds)
    shared = common(sets, left, right, threads=threads)
    return shared / np.maximum(sizes[left] + sizes[right] - shared, 1)


def common(
    sets: Sets, left: NDArray[np.int64], right: NDArray[np.int64], *, threads: int = 1
) -> NDArray[np.int64]:
    """Return |A ∩ B| of each pair of sets; fast where pairs of one left set follow each other."""
    from curator.similarity import kernels  # noqa: PLC0415 - what is compiled takes long to load

    found = np.zeros(len(left), np.int64)

    def some(low: int) -> None:
        here = slice(low, low + _AT_ONCE)
        room = kernels.room(sets.bounds)
        kernels.common(sets.values, sets.bounds, left[here], right[here], *room, found[here])

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(some, range(0, len(left), _AT_ONCE)))
    return found
