"""The search for texts inside others: probes → candidates → verified containment.

Band keys bring together sets of much the same size alone. Here every row is
listed under a sample of its shingles, the same shingles in every row (those
whose hash is divisible by four: Broder's modulo sketch, "On the resemblance
and containment of documents", 1997), and asks under five of them for longer
rows; those that answer to three of the five are verified.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import pyarrow as pa

from curator.checks.search import buckets_for, chosen_rows, sets_of
from curator.protocols import Step
from curator.similarity.jaccard import common
from curator.similarity.shingles import Sets, distinct

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from curator.protocols import Scope

SHORTEST = 20
"""Texts of fewer shingles (characters or words) are inside others by chance."""
_LONGER = 1.2
"""How many times as many shingles the longer text has at least; below, bands find the pair."""
_LOW = np.uint64(0xFFFFFFFF)
_HALF = np.uint64(32)
_SAMPLE = np.uint32(3)  # of a hash, the bits that are zero
_PROBES, _ENOUGH = 5, 3
_NEAREST = 8
"""Under a shingle, a row meets the 8 next longer and the 8 longest, so that a phrase that thousands
share costs thousands, not millions."""


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


class Probes:
    """Signatures and the chosen rows' numbers → the sampled shingles of each chosen row."""

    columns: ClassVar[list[str]] = ["shingles"]

    def __call__(self, signatures: pa.Table, chosen: pa.Table) -> pa.Table:
        """Return the columns `key`, `row`, `size` (of the row's list) and `probes`.

        `probes` is how often the row asks in all, on the shingles under which it
        asks, and 0 on the others.
        """
        column = signatures["shingles"].combine_chunks()
        if isinstance(column, pa.ChunkedArray):
            column = pa.array([], pa.list_(pa.uint32()))
        taken = column.take(chosen["at"].combine_chunks())
        values, bounds = taken.flatten().to_numpy(), taken.offsets.to_numpy().astype(np.int64)
        sizes = np.diff(bounds)
        sampled = (values & _SAMPLE) == 0
        sampled &= np.repeat(sizes >= SHORTEST, sizes)
        counts = np.concatenate([[0], np.cumsum(sampled)])
        sets = distinct(Sets(values[sampled], counts[bounds]))
        own = np.diff(sets.bounds)
        rank = np.arange(len(sets.values)) - np.repeat(sets.bounds[:-1], own)
        return pa.table(
            {
                "key": pa.array(sets.values, pa.uint32()),
                "row": np.repeat(chosen["row"].to_numpy().astype(np.uint32), own),
                "size": np.repeat(sizes.astype(np.uint32), own),
                "probes": np.where(
                    rank < _PROBES, np.minimum(np.repeat(own, own), _PROBES), 0
                ).astype(np.uint8),
            }
        )


class Longer:
    """A bucket of sampled shingles → pairs of a row that asks and a longer one."""

    def __call__(self, sampled: pa.Table) -> pa.Table:
        """Return the columns `pair` (the shorter row above, the longer below), `asked`, `met`.

        `asked` is how often the shorter row asks in all buckets, `met` how often
        the longer one answers in this one.
        """
        key, size = (sampled[name].to_numpy().astype(np.uint64) for name in ("key", "size"))
        row, probes = sampled["row"].to_numpy().astype(np.uint64), sampled["probes"].to_numpy()
        place = (key << _HALF) | size
        order = np.lexsort((row, place))
        place, row, probes = place[order], row[order], probes[order]
        asks = np.flatnonzero(probes)
        least = np.ceil((place[asks] & _LOW) * _LONGER).astype(np.uint64)
        above = place[asks] & ~_LOW
        start = np.searchsorted(place, above | least)
        end = np.searchsorted(place, above | _LOW, side="right")
        found, asked = [np.zeros(0, np.uint64)], [np.zeros(0, np.uint8)]
        for step in range(_NEAREST):
            for other, kept in (
                (start + step, start + step < end),
                (end - 1 - step, end - 1 - step >= start + _NEAREST),
            ):
                here = asks[kept]
                found.append((row[here] << _HALF) | row[other[kept]])
                asked.append(probes[here])
        pair, first, met = np.unique(np.concatenate(found), return_index=True, return_counts=True)
        columns = {"pair": pair, "asked": np.concatenate(asked)[first], "met": met}
        return pa.table(columns)


def inside_pairs(
    scope: Scope, signatures: Sequence[Path], takes_part: NDArray[np.bool_], *, floor: float
) -> Inside:
    """Return pairs of which at least `floor` of the shorter lies in the longer."""
    engine = scope.engine
    sampled = engine.map(
        Step(f"{__name__}:Probes"),
        chosen_rows(scope, signatures, takes_part, "inside"),
        scope.phase("inside-sampled"),
        label="probes",
    )
    shuffled = engine.shuffle(
        sampled, "key", scope.phase("inside-buckets"), buckets=buckets_for(len(takes_part))
    )
    candidates = engine.map(
        Step(f"{__name__}:Longer"),
        [(path,) for path in shuffled],
        scope.phase("inside-candidates"),
        label="longer texts",
    )
    table = engine.collect(candidates)
    pairs, first, which = np.unique(
        table["pair"].to_numpy(), return_index=True, return_inverse=True
    )
    met = np.bincount(which, weights=table["met"].to_numpy(), minlength=len(pairs))
    pairs = pairs[_PROBES * met >= _ENOUGH * table["asked"].to_numpy()[first]]
    inner, outer = (pairs >> _HALF).astype(np.int64), (pairs & _LOW).astype(np.int64)
    rows, sets = sets_of(signatures, inner, outer)
    a, b = np.searchsorted(rows, inner), np.searchsorted(rows, outer)
    shared, sizes = common(sets, a, b), np.diff(sets.bounds)
    of_inner = shared / np.maximum(sizes[a], 1)
    alike = shared / np.maximum(sizes[a] + sizes[b] - shared, 1)
    enough = (of_inner >= floor) & (sizes[a] >= SHORTEST)
    return Inside(inner, outer, of_inner, alike).where(enough)


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
