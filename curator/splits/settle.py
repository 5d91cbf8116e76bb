"""What earlier exports have settled: a record stays in the split where it was exported.

What belongs to a group of one split goes there too. Where data that were added relate
records that were exported apart, those stay where they were; of the new records between
them each goes to the side that it is related to, and one that is related to both is left
out: it could go nowhere without lying on both sides of a border.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import numpy as np

from curator.splits import BETWEEN, NEW, TRAIN

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from curator.splits.related import Related


def settle(related: Related, earlier: NDArray[np.int8]) -> tuple[NDArray[np.int8], int]:
    """Return each node's split as far as it is settled, and how many groups span splits.

    Args:
        related: what belongs together.
        earlier: the split of each node (records, then keys) in earlier exports, `NEW` where
            it was in none.

    Returns:
        For each node its split, `NEW` where its group is new, `BETWEEN` where it is related
        to records of two splits.

    """
    side = np.full(len(earlier), NEW, np.int8)
    was = np.flatnonzero(earlier >= 0)
    if not len(was):
        return side, 0
    group = related.group
    least = np.full(len(earlier), 127, np.int8)
    most = np.full(len(earlier), NEW, np.int8)
    np.minimum.at(least, group[was], earlier[was])
    np.maximum.at(most, group[was], earlier[was])
    known = most[group] >= 0
    side[known] = most[group][known]
    torn = (least < most)[group] & known
    if torn.any():
        _between(related, earlier, side, np.flatnonzero(torn))
    return side, len(np.unique(group[torn]))


def _between(
    related: Related,
    earlier: NDArray[np.int8],
    side: NDArray[np.int8],
    nodes: NDArray[np.int64],
) -> None:
    """Settle the nodes of groups that span splits, in `side`."""
    side[nodes] = earlier[nodes]
    inside = np.zeros(len(side), np.bool_)
    inside[nodes] = True
    neighbours: dict[int, list[int]] = defaultdict(list)
    left, right = related.edges
    here = inside[left]
    for a, b in zip(left[here].tolist(), right[here].tolist(), strict=True):
        neighbours[a].append(b)
        neighbours[b].append(a)
    front = [node for node in nodes.tolist() if side[node] >= 0]
    while front:
        reached = sorted({b for a in front for b in neighbours[a] if side[b] == NEW})
        front = []
        for node in reached:
            sides = {int(side[b]) for b in neighbours[node] if side[b] >= 0}
            if len(sides) == 1:
                side[node] = sides.pop()
                front.append(node)
            else:
                _leave_out(node, related.n, neighbours, side)
    # Related to nothing but what is left out: free to go anywhere.
    side[nodes[side[nodes] == NEW]] = TRAIN


def _leave_out(node: int, n: int, neighbours: dict[int, list[int]], side: NDArray[np.int8]) -> None:
    """Leave out a node, and with a key all new records that have it."""
    side[node] = BETWEEN
    if node >= n:
        for record in neighbours[node]:
            if side[record] == NEW:
                side[record] = BETWEEN
