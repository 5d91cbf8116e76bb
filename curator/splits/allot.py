"""Where new groups go: each whole, the shares near what was asked, over all strata alike."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from curator.splits import NEW, TEST, TRAIN, VALIDATION

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray


def allot(
    sizes: NDArray[np.int64],
    strata: NDArray[np.int64],
    draws: NDArray[np.float64],
    shares: Mapping[int, float],
    held: NDArray[np.int64],
) -> NDArray[np.int8]:
    """Return the split of each group.

    In each stratum the groups with the smallest draws go to test, the next to validation,
    until the share is reached; what a stratum of a few rows has too much or too little is
    made up for in the next one. A group that alone would fill more than half of a split
    (everybody who opened with "hello") goes to train. Where a split would be empty, the
    group with the smallest draw is taken, and one is always left for train.

    Args:
        sizes: each group's rows, shape (groups,).
        strata: each group's stratum, 0 and up.
        draws: a number from 0 to 1 that follows from the group alone.
        shares: the wanted share of all rows in validation and in test.
        held: the rows that earlier exports have settled, shape (strata, 3).

    """
    side = np.full(len(sizes), NEW, np.int8)
    total = int(sizes.sum() + held.sum())
    rows = np.bincount(strata, sizes, len(held)).astype(np.int64) + held.sum(axis=1)
    order = np.lexsort((draws, strata))
    bounds = np.searchsorted(strata[order], np.arange(len(held) + 1))
    for split in (TEST, VALIDATION):
        share = shares.get(split, 0.0)
        if share <= 0 or not len(sizes):
            continue
        fits = sizes <= max(1.0, total * share / 2)
        carry = 0.0
        for stratum in range(len(held)):
            wanted = share * rows[stratum] - held[stratum, split] + carry
            own = order[bounds[stratum] : bounds[stratum + 1]]
            for group in own[fits[own] & (side[own] == NEW)].tolist():
                if wanted < 0.5:
                    break
                if sizes[group] <= 2 * wanted:
                    side[group] = split
                    wanted -= sizes[group]
            carry = wanted
        free = np.flatnonzero(fits & (side == NEW))
        if not held[:, split].any() and not (side == split).any() and len(free) > 1:
            side[free[draws[free].argmin()]] = split
    if len(sizes) and not (side == NEW).any() and not held[:, TRAIN].any():
        side[draws.argmax()] = TRAIN
    side[side == NEW] = TRAIN
    return side
