"""The search for near pairs: bands → candidates → verified pairs.

Rows of all parts are numbered through, in source order. Those that share a
band key are candidates; every candidate is verified by its true Jaccard
similarity, so chance collisions never show.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from curator.protocols import Step
from curator.similarity.jaccard import jaccard
from curator.similarity.minhash import BANDS
from curator.similarity.shingles import Sets, join
from curator.workspace import write_table

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from curator.protocols import Scope

_ROWS_PER_BUCKET = 50_000
_NEAREST = 8
"""In a band, a row meets the 8 before it and the first 8 that share its key, so that a key shared
by thousands costs thousands, not millions."""


@dataclass(frozen=True)
class NearPairs:
    """Verified pairs of row numbers, left before right, with their Jaccard similarity."""

    left: NDArray[np.int64]
    right: NDArray[np.int64]
    jaccard: NDArray[np.float64]


class Bands:
    """Signatures and the chosen rows' numbers → one row for each band key of each chosen row."""

    def __call__(self, signatures: pa.Table, chosen: pa.Table) -> pa.Table:
        """Return the columns `key` (uint64) and `row` (int64, ascending)."""
        column = signatures["keys"].combine_chunks()
        size = signatures.num_rows
        keys = (
            column.flatten().to_numpy().reshape(size, BANDS) if size else np.empty((0, BANDS), "u8")
        )
        picked = keys[chosen["at"].to_numpy()]
        rows = np.repeat(chosen["row"].to_numpy(), BANDS)
        return pa.table({"key": pa.array(picked.ravel(), pa.uint64()), "row": rows})


class Candidates:
    """A bucket of band keys → the pairs of rows that share one."""

    def __call__(self, bands: pa.Table) -> pa.Table:
        """Return the columns `left` and `right`, each pair once, left before right."""
        key = bands["key"].to_numpy()
        order = np.argsort(key, kind="stable")  # rows of one key stay in order
        key, row = key[order], bands["row"].to_numpy()[order]
        starts = np.ones(len(key), np.bool_)
        starts[1:] = key[1:] != key[:-1]
        first = np.maximum.accumulate(np.where(starts, np.arange(len(key)), 0))
        rank = np.arange(len(key)) - first
        found = []
        for back in range(1, _NEAREST + 1):
            here = np.flatnonzero(rank >= back)
            found.append((row[here - back] << np.int64(32)) | row[here])
        for ahead in range(_NEAREST):
            here = np.flatnonzero(rank > ahead + _NEAREST)
            found.append((row[first[here] + ahead] << np.int64(32)) | row[here])
        pairs = np.unique(np.concatenate(found))
        return pa.table({"left": pairs >> np.int64(32), "right": pairs & np.int64(0xFFFFFFFF)})


def near_pairs(
    scope: Scope,
    signatures: Sequence[Path],
    takes_part: NDArray[np.bool_],
    *,
    name: str,
    floor: float,
) -> NearPairs:
    """Return all verified pairs of at least `floor`, in the order of (right, left).

    `signatures` are files of schema `curator.similarity.steps.SIGNATURES`;
    `takes_part` says for each of their rows whether it is compared. The phases'
    folders in `scope` begin with `name`.
    """
    sizes = [pq.read_metadata(path).num_rows for path in signatures]
    offsets = np.cumsum([0, *sizes])
    inputs = []
    for path, low, high in zip(signatures, offsets, offsets[1:], strict=False):
        chosen = scope.phase(f"{name}-chosen") / path.name
        at = np.flatnonzero(takes_part[low:high])
        write_table(chosen, pa.table({"at": at, "row": at + low}))
        inputs.append((path, chosen))
    engine = scope.engine
    bands = engine.map(
        Step(f"{__name__}:Bands"), inputs, scope.phase(f"{name}-bands"), label="bands"
    )
    buckets = min(256, 1 + int(offsets[-1]) // _ROWS_PER_BUCKET)
    shuffled = engine.shuffle(bands, "key", scope.phase(f"{name}-buckets"), buckets=buckets)
    candidates = engine.map(
        Step(f"{__name__}:Candidates"),
        [(path,) for path in shuffled],
        scope.phase(f"{name}-candidates"),
        label="candidates",
    )
    table = engine.collect(candidates)
    pairs = np.unique((table["right"].to_numpy() << np.int64(32)) | table["left"].to_numpy())
    left, right = pairs & np.int64(0xFFFFFFFF), pairs >> np.int64(32)
    return _verified(signatures, offsets, left, right, floor)


def _verified(
    signatures: Sequence[Path],
    offsets: NDArray[np.int64],
    left: NDArray[np.int64],
    right: NDArray[np.int64],
    floor: float,
) -> NearPairs:
    """Keep the pairs whose sets are alike; only the candidates' sets are read into memory."""
    rows = np.unique(np.concatenate([left, right]))
    parts = []
    for path, low, high in zip(signatures, offsets, offsets[1:], strict=False):
        wanted = rows[(rows >= low) & (rows < high)] - low
        if wanted.size:
            column = pq.read_table(path, columns=["shingles"])["shingles"].combine_chunks()
            taken = column.take(pa.array(wanted))
            parts.append(
                Sets(taken.flatten().to_numpy(), taken.offsets.to_numpy().astype(np.int64))
            )
    sets = join(parts)
    score = jaccard(sets, np.searchsorted(rows, left), np.searchsorted(rows, right))
    kept = score >= floor
    return NearPairs(left[kept], right[kept], score[kept])
