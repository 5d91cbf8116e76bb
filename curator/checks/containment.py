"""The search for texts inside others: samples → candidates → verified containment.

Band keys bring together sets of much the same size alone. Here every row is
listed under a sample of its shingles, the same shingles in every row (those
whose hash is divisible by eight: Broder's modulo sketch, "On the resemblance
and containment of documents", 1997). A longer row that is listed under three
fifths of a row's samples is verified.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from curator.checks.search import sets_of
from curator.similarity.jaccard import common
from curator.similarity.steps import sets_in
from curator.tables import read_table

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from curator.protocols import Scope

SHORTEST = 20
"""Texts of fewer shingles (characters or words) are inside others by chance."""
LONGER = 1.2
"""How many times as many shingles the longer text has at least; below, bands find the pair."""
SAMPLE = np.uint32(7)
"""Of a hash, the bits that are zero in the sample."""
_NEAREST = 16
"""Under a shingle, a row meets the next longer rows and the longest, so many of each, so that a
phrase that thousands share costs thousands, not millions."""
_ASKING = 8192  # rows at a time
_LOW = np.uint64(0xFFFFFFFF)
_HALF = np.uint64(32)


@dataclass(frozen=True)
class Inside:
    """Verified pairs of row numbers, and how much of the inner row's set is in the outer's."""

    inner: NDArray[np.int64]
    outer: NDArray[np.int64]
    containment: NDArray[np.float64]
    jaccard: NDArray[np.float64]

    def where(self, kept: NDArray[np.bool_]) -> Inside:
        """Return the pairs that `kept` says."""
        return Inside(
            self.inner[kept], self.outer[kept], self.containment[kept], self.jaccard[kept]
        )


def inside_pairs(
    scope: Scope, signatures: Sequence[Path], takes_part: NDArray[np.bool_], *, floor: float
) -> Inside:
    """Return pairs of which at least `floor` of the shorter lies in the longer."""
    workers = scope.engine.workers
    pairs = candidates(*_samples(signatures, takes_part), workers)
    inner, outer = (pairs >> _HALF).astype(np.int64), (pairs & _LOW).astype(np.int64)
    rows, sets = sets_of(signatures, inner, outer, workers=workers)
    a, b = np.searchsorted(rows, inner), np.searchsorted(rows, outer)
    shared, sizes = common(sets, a, b, threads=workers), np.diff(sets.bounds)
    of_inner = shared / np.maximum(sizes[a], 1)
    alike = shared / np.maximum(sizes[a] + sizes[b] - shared, 1)
    return Inside(inner, outer, of_inner, alike).where(of_inner >= floor)


def _samples(
    signatures: Sequence[Path], takes_part: NDArray[np.bool_]
) -> tuple[NDArray[np.uint32], NDArray[np.int64], NDArray[np.int64]]:
    """Return the samples of the rows that take part, row after row, and their rows and sizes.

    The rows are ordered by size; one row has one entry for each of its samples.
    """
    values, counts, rows, sizes, low = [], [], [], [], 0
    for path in signatures:
        sets = sets_in(read_table(path, columns=["shingles"])["shingles"])
        size = np.diff(sets.bounds)
        chosen = takes_part[low : low + len(size)] & (size >= SHORTEST)
        sampled = (sets.values & SAMPLE) == 0
        sampled &= np.repeat(chosen, size)
        at = np.flatnonzero(sampled)
        values.append(sets.values[at])
        counts.append(np.diff(np.searchsorted(at, sets.bounds))[chosen])
        rows.append(np.flatnonzero(chosen) + low)
        sizes.append(size[chosen])
        low += len(size)
    row, size, count = (np.concatenate(columns) for columns in (rows, sizes, counts))
    order = np.lexsort((row, size))
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order))
    return np.concatenate(values), np.repeat(rank, count), np.stack([row, size])[:, order]


def candidates(
    values: NDArray[np.uint32],
    ranks: NDArray[np.int64],
    rows: NDArray[np.int64],
    workers: int = 1,
) -> NDArray[np.uint64]:
    """Return pairs of a row (above) and a longer one (below) that has most of its samples.

    `ranks` are the samples' rows, places in `rows`, which is the number and the
    size of each row by size.
    """
    from curator.similarity import kernels  # noqa: PLC0415 - what is compiled takes long to load

    number, size = rows
    place = values.astype(np.uint64)
    place <<= _HALF
    place |= ranks.astype(np.uint64)
    place.sort()
    counts = np.bincount(ranks, minlength=len(size))
    bounds = np.concatenate([[0], np.cumsum(counts)])
    asked = np.empty(len(place), np.uint32)
    kernels.listed(place, bounds[:-1].copy(), asked)
    least = np.searchsorted(size, np.ceil(size * LONGER))

    def of_rows(low: int) -> NDArray[np.uint64]:
        high, room = min(low + _ASKING, len(size)), 64 * _ASKING
        while True:
            found = np.empty(room, np.uint64)
            n = kernels.holders(place, bounds, asked, least, low, high, _NEAREST, found, room)
            if n >= 0:
                return found[:n].copy()
            room *= 4

    with ThreadPoolExecutor(workers) as threads:
        ranked = np.concatenate(
            [np.zeros(0, np.uint64), *threads.map(of_rows, range(0, len(size), _ASKING))]
        )
    inner, outer = (
        number[side.astype(np.int64)].astype(np.uint64) for side in (ranked >> _HALF, ranked & _LOW)
    )
    pairs: NDArray[np.uint64] = (inner << _HALF) | outer
    return pairs


def closest(pairs: Inside, most: int) -> Inside:
    """Return for each inner row the outer ones that hold the most of it, `most` at most.

    Of equals the first in source order come first.
    """
    order = np.lexsort((pairs.outer, -pairs.containment, pairs.inner))
    inner = pairs.inner[order]
    starts = np.ones(len(order), np.bool_)
    starts[1:] = inner[1:] != inner[:-1]
    first = np.maximum.accumulate(np.where(starts, np.arange(len(order)), 0))
    kept = np.zeros(len(order), np.bool_)
    kept[order[np.arange(len(order)) - first < most]] = True
    return pairs.where(kept)
