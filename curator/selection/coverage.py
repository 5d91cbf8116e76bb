"""Rows that stand for the others: facility location, weighed by quality.

Chosen is the set S that makes Σ_i max_{j∈S} q_j · s_ij large, where s is the cosine (0 where it
is below) and q the quality of the row that stands for another. The function is submodular, so
the greedy set reaches 1 - 1/e of the best (Nemhauser et al. 1978), and gains that only
shrink need not be worked out again until they come first (Minoux 1978). Many rows are halved
along their first principal direction until a block of similarities fits into memory; each
block gets its part of the budget, as in Mirzasoleiman et al. 2013 (arXiv 1605.09619).
"""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

BLOCK = 2048
"""Rows whose similarities are in memory at a time: 16 MB."""
_ROUNDS = 30


def covering(
    vectors: NDArray[np.float32],
    quality: NDArray[np.float64],
    costs: NDArray[np.float64],
    budget: float,
) -> NDArray[np.int64]:
    """Return the rows that are chosen, whose costs together are at most the budget.

    Args:
        vectors: of length 1, shape (rows, dimensions); the order of the rows breaks ties.
        quality: each row's, above 0.
        costs: what each row takes from the budget.
        budget: what all may cost.

    """
    if costs.sum() <= budget:
        return np.arange(len(costs))
    chosen: list[int] = []
    total, spent = float(costs.sum()), 0.0
    ahead = 0.0
    for block in _blocks(vectors, np.arange(len(costs))):
        # What an earlier block could not spend is for the next.
        ahead += budget * float(costs[block].sum()) / total
        found = _greedy(vectors[block], quality[block], costs[block], ahead - spent)
        spent += float(costs[block[found]].sum())
        chosen += block[found].tolist()
    return np.sort(np.array(chosen, np.int64))


def best(
    quality: NDArray[np.float64], costs: NDArray[np.float64], budget: float
) -> NDArray[np.int64]:
    """Return the rows of the highest quality whose costs together are at most the budget."""
    order = np.argsort(-quality, kind="stable")
    return np.sort(order[_fitting(costs[order], budget)])


def _fitting(costs: NDArray[np.float64], budget: float) -> NDArray[np.int64]:
    """Return the places of the costs that fit, taken one after the other."""
    kept = []
    for place, cost in enumerate(costs.tolist()):
        if cost <= budget + 1e-9:
            kept.append(place)
            budget -= cost
    return np.array(kept, np.int64)


def _blocks(vectors: NDArray[np.float32], rows: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
    """Yield rows that lie near each other, at most `BLOCK` at a time."""
    if len(rows) <= BLOCK:
        yield rows
        return
    along = _along(vectors[rows])
    order = np.lexsort((rows, along))
    half = len(rows) // 2
    yield from _blocks(vectors, np.sort(rows[order[:half]]))
    yield from _blocks(vectors, np.sort(rows[order[half:]]))


def _along(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return how far each vector lies along the first principal direction."""
    middle = vectors.mean(axis=0)
    direction = vectors[0] - middle
    for _ in range(_ROUNDS):
        direction = (vectors - middle).T @ ((vectors - middle) @ direction)
        size = float(np.linalg.norm(direction))
        if size < 1e-12:
            return np.zeros(len(vectors), np.float32)
        direction = direction / np.float32(size)
    along: NDArray[np.float32] = np.round((vectors - middle) @ direction, 5)
    return along


def _greedy(
    vectors: NDArray[np.float32],
    quality: NDArray[np.float64],
    costs: NDArray[np.float64],
    budget: float,
) -> NDArray[np.int64]:
    """Return the rows that are chosen one by one, the greatest gain first."""
    standing = np.maximum(vectors @ vectors.T, 0) * quality.astype(np.float32)[:, None]
    covered = np.zeros(len(vectors), np.float32)
    # A gain, then what breaks a tie: quality, and the place.
    heap = [
        (-gain, -value, row)
        for row, (gain, value) in enumerate(
            zip(np.round(standing.sum(axis=1), 4).tolist(), quality.tolist(), strict=True)
        )
    ]
    heapq.heapify(heap)
    chosen = []
    while heap:
        _, value, row = heapq.heappop(heap)
        if costs[row] > budget + 1e-9:
            continue
        gain = round(float(np.maximum(standing[row] - covered, 0).sum()), 4)
        if heap and (-gain, value, row) > heap[0]:
            heapq.heappush(heap, (-gain, value, row))
            continue
        chosen.append(row)
        budget -= float(costs[row])
        np.maximum(covered, standing[row], out=covered)
    return np.array(chosen, np.int64)
