"""What lies on both sides of a border between splits, and what a random split would have left."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def pairs_across(
    side: NDArray[np.int8], left: NDArray[np.int64], right: NDArray[np.int64]
) -> tuple[int, float]:
    """Return how many pairs of rows are parted, and how many a random split would part.

    The second is the expectation over all splits of the same sizes.

    Args:
        side: each row's split, shape (rows,).
        left: the rows of the pairs, shape (pairs,).
        right: as `left`.

    """
    across = int((side[left] != side[right]).sum())
    return across, round(len(left) * _parted(side), 1)


def keys_across(
    side: NDArray[np.int8], keys: NDArray[np.int64], owners: NDArray[np.int64]
) -> tuple[int, float]:
    """Return how many keys have rows in several splits, and how many a random split would have.

    Args:
        side: each row's split, shape (rows,).
        keys: shape (entries,).
        owners: the row that has the key, same shape.

    """
    if not len(keys):
        return 0, 0.0
    pairs = np.unique(np.stack([keys, owners]), axis=1)
    _, key, counts = np.unique(pairs[0], return_inverse=True, return_counts=True)
    in_split = np.zeros((len(counts), int(side.max()) + 1), np.bool_)
    in_split[key, side[pairs[1]]] = True
    across = int((in_split.sum(axis=1) > 1).sum())
    shares = np.bincount(side) / len(side)
    alone = (shares[None, :] ** counts[:, None]).sum(axis=1)
    return across, round(float((1 - alone).sum()), 1)


def _parted(side: NDArray[np.int8]) -> float:
    """Return the probability that two different rows are in different splits."""
    n = len(side)
    if n < 2:
        return 0.0
    sizes = np.bincount(side).astype(np.float64)
    return float(1 - (sizes * (sizes - 1)).sum() / (n * (n - 1.0)))
