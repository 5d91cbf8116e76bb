"""MinHash signatures of shingle sets, and the band keys that bring likely pairs together."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from curator.similarity.shingles import Sets

PERMUTATIONS = 128
BANDS = 32
"""32 bands of 4 rows: a pair of Jaccard 0.7 shares a key with probability 0.9998, one of 0.5
with 0.87, one of 0.2 with 0.05 (Leskovec, Rajaraman and Ullman, Mining of Massive Datasets, 3.4).
"""
_ROWS = PERMUTATIONS // BANDS
_BLOCK = 1 << 15  # shingles at a time: three arrays of this size lie in the cache


@cache
def _permutations() -> tuple[NDArray[np.uint32], NDArray[np.uint32]]:
    """Return multipliers (odd) and addends: fixed numbers, whatever NumPy's generators do."""
    state, numbers = 0x63757261746F72, []
    for _ in range(2 * PERMUTATIONS):
        state = (state + 0x9E3779B97F4A7C15) % (1 << 64)
        z = ((state ^ (state >> 30)) * 0xBF58476D1CE4E5B9) % (1 << 64)
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) % (1 << 64)
        numbers.append((z ^ (z >> 31)) >> 32)
    array = np.array(numbers, np.uint32)
    return array[:PERMUTATIONS] | np.uint32(1), array[PERMUTATIONS:]


def minhash(sets: Sets) -> NDArray[np.uint32]:
    """Return the signatures, shape (sets, PERMUTATIONS); an empty set's is all ones.

    Two signatures agree in about as many places as the sets' Jaccard similarity says.
    """
    multipliers, addends = _permutations()
    signatures = np.full((len(sets), PERMUTATIONS), 0xFFFFFFFF, np.uint32)
    sizes = np.diff(sets.bounds)
    filled = np.flatnonzero(sizes)
    starts = sets.bounds[:-1][filled]
    low = 0
    while low < len(filled):
        high = int(np.searchsorted(starts, starts[low] + _BLOCK, side="left"))
        rows = filled[low:high]
        first, last = starts[low], sets.bounds[rows[-1] + 1]
        values, cuts = sets.values[first:last], starts[low:high] - first
        work = np.empty_like(values)
        block = np.empty((PERMUTATIONS, len(rows)), np.uint32)
        for p in range(PERMUTATIONS):
            np.multiply(values, multipliers[p], out=work)
            np.add(work, addends[p], out=work)
            np.minimum.reduceat(work, cuts, out=block[p])
        signatures[rows] = block.T
        low = high
    return signatures


def band_keys(signatures: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """Return the keys, shape (sets, BANDS): equal keys in a band mean a candidate pair."""
    rows = signatures.reshape(len(signatures), BANDS, _ROWS)
    keys = np.broadcast_to(np.arange(BANDS, dtype=np.uint64), (len(signatures), BANDS)).copy()
    for r in range(_ROWS):
        keys ^= rows[:, :, r]
        keys *= np.uint64(0xD6E8FEB86659FD93)
        keys ^= keys >> np.uint64(32)
    return (keys >> np.uint64(32)).astype(np.uint32)
