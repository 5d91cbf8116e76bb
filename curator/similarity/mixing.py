"""Hashes of 64 bits, mixed so that every bit of a value tells in every bit of its hash."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

MULTIPLIER = 0x9E3779B97F4A7C15
"""The odd number nearest to 2**64 divided by the golden ratio."""


def mix(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Return well-mixed 64-bit hashes (the finaliser of SplitMix64, Steele et al. 2014)."""
    mixed = values + np.uint64(MULTIPLIER)
    mixed ^= mixed >> np.uint64(30)
    mixed *= np.uint64(0xBF58476D1CE4E5B9)
    mixed ^= mixed >> np.uint64(27)
    mixed *= np.uint64(0x94D049BB133111EB)
    mixed ^= mixed >> np.uint64(31)
    return mixed
