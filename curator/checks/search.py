"""The search for near pairs: bands → candidates → verified pairs, and what sets each pair apart.

Rows of all parts are numbered through, in source order. Those that share a
band key are candidates; every candidate is verified by its true Jaccard
similarity, so chance collisions never show.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from curator.protocols import Step
from curator.similarity.contrasts import Contrast, Sides, contrast
from curator.similarity.jaccard import jaccard
from curator.similarity.minhash import BANDS
from curator.similarity.shingles import Sets, distinct, join
from curator.similarity.steps import turns
from curator.workspace import write_table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from curator.protocols import Scope

_ROWS_PER_BUCKET = 50_000
_MOST_BUCKETS = 256
_NEAREST = 8
"""In a band, a row meets the 8 before it and the first 8 that share its key, so that a key shared
by thousands costs thousands, not millions."""
_PAIRS = 4_096
"""Pairs whose texts are Python strings at a time."""
_LOW = np.uint64(0xFFFFFFFF)
_HALF = np.uint64(32)


@dataclass(frozen=True)
class NearPairs:
    """Verified pairs of row numbers, left before right, with their Jaccard similarity."""

    left: NDArray[np.int64]
    right: NDArray[np.int64]
    jaccard: NDArray[np.float64]

    def where(self, kept: NDArray[np.bool_]) -> NearPairs:
        """Return the pairs that `kept` says."""
        return NearPairs(self.left[kept], self.right[kept], self.jaccard[kept])


class Bands:
    """Signatures and the chosen rows' numbers → one row for each band key of each chosen row."""

    columns: ClassVar[list[str]] = ["keys"]

    def __call__(self, signatures: pa.Table, chosen: pa.Table) -> pa.Table:
        """Return the column `packed` (uint64): the row number above, the band key below."""
        column = signatures["keys"].combine_chunks()
        size = signatures.num_rows
        keys = (
            column.flatten().to_numpy().reshape(size, BANDS) if size else np.empty((0, BANDS), "u4")
        )
        rows = np.repeat(chosen["row"].to_numpy().astype(np.uint64), BANDS)
        return pa.table({"packed": (rows << _HALF) | keys[chosen["at"].to_numpy()].ravel()})


class Candidates:
    """A bucket of band keys → the pairs of rows that share one."""

    def __call__(self, bands: pa.Table) -> pa.Table:
        """Return the columns `left` and `right`, each pair once, left before right."""
        packed = bands["packed"].to_numpy()
        packed = (packed << _HALF) | (packed >> _HALF)
        packed.sort()  # by key; rows of one key stay in order
        key, row = packed >> _HALF, (packed & _LOW).astype(np.int64)
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
        left, right = pairs >> np.int64(32), pairs & np.int64(0xFFFFFFFF)
        apart = left != right  # a row may have one key in two bands
        return pa.table({"left": left[apart], "right": right[apart]})


def chosen_rows(
    scope: Scope, files: Sequence[Path], takes_part: NDArray[np.bool_], name: str
) -> list[tuple[Path, Path]]:
    """Return each file with one that names the rows of it that take part.

    `at` are their places in the file, `row` their numbers among all rows.
    """
    inputs = []
    offsets = row_offsets(files)
    for path, low, high in zip(files, offsets, offsets[1:], strict=False):
        chosen = scope.phase(f"{name}-chosen") / path.name
        at = np.flatnonzero(takes_part[low:high])
        write_table(chosen, pa.table({"at": at, "row": at + low}))
        inputs.append((path, chosen))
    return inputs


def row_offsets(files: Sequence[Path]) -> NDArray[np.int64]:
    """Return the number of each file's first row, and that of all rows at the end."""
    return np.cumsum([0, *(pq.read_metadata(path).num_rows for path in files)])


def buckets_for(rows: int) -> int:
    """Return into how many buckets so many rows are shuffled: a power of two."""
    return min(_MOST_BUCKETS, 1 << (rows // _ROWS_PER_BUCKET).bit_length())


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
    engine = scope.engine
    bands = engine.map(
        Step(f"{__name__}:Bands"),
        chosen_rows(scope, signatures, takes_part, name),
        scope.phase(f"{name}-bands"),
        label="bands",
    )
    buckets = buckets_for(len(takes_part))
    shuffled = engine.shuffle(bands, "packed", scope.phase(f"{name}-buckets"), buckets=buckets)
    candidates = engine.map(
        Step(f"{__name__}:Candidates"),
        [(path,) for path in shuffled],
        scope.phase(f"{name}-candidates"),
        label="candidates",
    )
    table = engine.collect(candidates)
    pairs = np.unique((table["right"].to_numpy() << np.int64(32)) | table["left"].to_numpy())
    left, right = pairs & np.int64(0xFFFFFFFF), pairs >> np.int64(32)
    rows, sets = sets_of(signatures, left, right)
    score = jaccard(sets, np.searchsorted(rows, left), np.searchsorted(rows, right))
    return NearPairs(left, right, score).where(score >= floor)


def sets_of(
    signatures: Sequence[Path], *sides: NDArray[np.int64]
) -> tuple[NDArray[np.int64], Sets]:
    """Return the rows that the sides name, each once and in order, and their shingle sets.

    Only these rows' sets are kept in memory.
    """
    rows = np.unique(np.concatenate(sides))
    offsets = row_offsets(signatures)
    parts = []
    for path, low, high in zip(signatures, offsets, offsets[1:], strict=False):
        at = rows[np.searchsorted(rows, low) : np.searchsorted(rows, high)] - low
        if at.size:
            column = pq.read_table(path, columns=["shingles"])["shingles"].combine_chunks()
            taken = column.take(pa.array(at))
            lists = Sets(taken.flatten().to_numpy(), taken.offsets.to_numpy().astype(np.int64))
            parts.append(distinct(lists))
    return rows, join(parts)


class Texts:
    """Records and chosen rows → what is asked and what is told in each of those records."""

    columns: ClassVar[list[str]] = ["parts"]

    def __call__(self, records: pa.Table, chosen: pa.Table) -> pa.Table:
        """Return the columns `asked` and `told`, the turns of each joined by lines."""
        taken = turns(records.select(["parts"]).take(chosen["at"].combine_chunks()))
        asked = ["\n".join(t for role, t in record if role == "user") for record in taken]
        told = ["\n".join(t for role, t in record if role != "user") for record in taken]
        return pa.table(
            {"asked": pa.array(asked, pa.large_string()), "told": pa.array(told, pa.large_string())}
        )


def contrasts(
    scope: Scope,
    left: NDArray[np.int64],
    right: NDArray[np.int64],
    *,
    name: str,
    compare: Callable[[Sides, Sides], Contrast] = contrast,
) -> Iterator[Contrast]:
    """Yield how the two records of each pair of row numbers differ, as `compare` tells."""
    if not len(left):
        return
    rows = np.unique(np.concatenate([left, right]))
    wanted = np.zeros(int(row_offsets(scope.parts)[-1]), np.bool_)
    wanted[rows] = True
    files = scope.engine.map(
        Step(f"{__name__}:Texts"),
        chosen_rows(scope, scope.parts, wanted, f"{name}-texts"),
        scope.phase(f"{name}-texts"),
        label="texts",
    )
    texts = scope.engine.collect(files)
    left, right = np.searchsorted(rows, left), np.searchsorted(rows, right)
    for low in range(0, len(left), _PAIRS):
        sides = (
            texts.take(pa.array(side[low : low + _PAIRS])).to_pydict() for side in (left, right)
        )
        ours, theirs = (map(Sides, side["asked"], side["told"]) for side in sides)
        yield from map(compare, ours, theirs)
