"""MinHash signatures of shingle sets, and the band keys that bring likely pairs together."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from curator.similarity.mixing import mix

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from curator.similarity.shingles import Sets

BANDS = 24
_ROWS = 3
PERMUTATIONS = BANDS * _ROWS
"""24 bands of 3 rows: a pair of Jaccard 0.7 shares a key with probability 0.9999, one of 0.5
with 0.96, one of 0.1 with 0.02 (Leskovec, Rajaraman and Ullman, Mining of Massive Datasets, 3.4).
"""


@cache
def _multipliers() -> NDArray[np.uint32]:
    """Return odd multipliers: fixed numbers, whatever NumPy's generators do.

    Shingles are hashes already, so that a multiplication permutes them well enough.
    """
    return (mix(np.arange(PERMUTATIONS, dtype=np.uint64)) >> np.uint64(32)).astype(
        np.uint32
    ) | np.uint32(1)


def minhash(sets: Sets) -> NDArray[np.uint32]:
    """Return the signatures, shape (sets, PERMUTATIONS); an empty set's is all ones.

    Two signatures agree in about as many places as the sets' Jaccard similarity says.
    """
    from curator.similarity import kernels  # noqa: PLC0415 - what is compiled takes long to load

    signatures = np.empty((len(sets), PERMUTATIONS), np.uint32)
    kernels.lowest(sets.values, sets.bounds, _multipliers(), signatures)
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


def glances(signatures: NDArray[np.uint32]) -> NDArray[np.uint8]:
    """Return the lowest byte of each number, of which two share about as many as they are alike."""
    return signatures.astype(np.uint8)


NO_KEYS = band_keys(np.full((1, PERMUTATIONS), 0xFFFFFFFF, np.uint32))[0]
"""The keys of the empty set."""
