"""The search for near pairs: keys → candidates → verified pairs, and what sets each pair apart.

Rows of all parts are numbered through, in source order. Those that share a
band key are candidates; every candidate is verified by its true Jaccard
similarity, so chance collisions never show.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import pyarrow as pa

from curator.protocols import Step
from curator.similarity.contrasts import Contrast, Sides, contrast, contrast_inside
from curator.similarity.jaccard import jaccard
from curator.similarity.minhash import NO_KEYS, PERMUTATIONS
from curator.similarity.shingles import Sets, join, taken
from curator.similarity.steps import bytes_of, keys_of, sets_in, turns
from curator.tables import n_rows, read_table
from curator.workspace import write_table

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from curator.protocols import Scope

_NEAREST = 8
"""In a band, a row meets the 8 before it and the first 8 that share its key, so that a key shared
by thousands costs thousands, not millions."""
_UNSURE = 0.2
"""By so much a glance may misjudge how alike two rows are: more than three standard errors."""
_PAIRS = 4_096
"""Pairs whose texts are compared at a time."""
_SIDES = ["asked", "told", "other_asked", "other_told"]
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
    return np.cumsum([0, *(n_rows(path) for path in files)])


def near_pairs(
    scope: Scope, signatures: Sequence[Path], takes_part: NDArray[np.bool_], *, floor: float
) -> NearPairs:
    """Return all verified pairs of at least `floor`, in the order of (right, left).

    `signatures` are files with the columns of `curator.similarity.steps.SKETCHES`;
    `takes_part` says for each of their rows whether it is compared.
    """
    workers = scope.engine.workers
    pairs, rows = _candidate_pairs(signatures, takes_part, floor, workers)
    # By the left row, whose set is then laid out once for all its pairs.
    left, right = rows[(pairs >> _HALF).astype(np.int64)], rows[(pairs & _LOW).astype(np.int64)]
    chosen, sets = sets_of(signatures, left, right, workers=workers)
    score = jaccard(
        sets, np.searchsorted(chosen, left), np.searchsorted(chosen, right), threads=workers
    )
    order = np.lexsort((left, right))
    return NearPairs(left[order], right[order], score[order]).where(score[order] >= floor)


def _candidate_pairs(
    signatures: Sequence[Path], takes_part: NDArray[np.bool_], floor: float, workers: int
) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    """Return pairs that share a key and look alike at a glance, as places in the rows returned."""
    from curator.similarity import kernels  # noqa: PLC0415 - what is compiled takes long to load

    keys, glances, rows = _sketches(signatures, takes_part)
    least = int((floor - _UNSURE) * PERMUTATIONS)

    def of_band(band: NDArray[np.uint32]) -> NDArray[np.uint64]:
        pairs = candidates(band)
        kept = np.empty_like(pairs)
        return kept[: kernels.alike(glances, pairs, least, kept)].copy()

    with ThreadPoolExecutor(workers) as threads:
        pairs = np.concatenate([*threads.map(of_band, keys)])
    pairs.sort()  # `np.unique` would hash them, which takes longer
    new = np.ones(len(pairs), np.bool_)
    new[1:] = pairs[1:] != pairs[:-1]
    return pairs[new], rows


def _sketches(
    signatures: Sequence[Path], takes_part: NDArray[np.bool_]
) -> tuple[NDArray[np.uint32], NDArray[np.uint8], NDArray[np.int64]]:
    """Return the keys of the rows that take part, shape (BANDS, rows), their glances and numbers.

    Rows without a shingle have none.
    """
    keys, glances, rows, low = [], [], [], 0
    for path in signatures:
        table = read_table(path, columns=["keys", "glance"])
        found = keys_of(table["keys"])
        kept = np.flatnonzero(takes_part[low : low + len(found)] & (found != NO_KEYS).any(axis=1))
        keys.append(np.ascontiguousarray(found[kept].T))
        glances.append(bytes_of(table["glance"])[kept])
        rows.append(kept + low)
        low += len(found)
    return np.concatenate(keys, axis=1), np.concatenate(glances), np.concatenate(rows)


def candidates(keys: NDArray[np.uint32]) -> NDArray[np.uint64]:
    """Return pairs of rows with the same key in a band, the earlier row above, the later below."""
    packed = keys.astype(np.uint64)
    packed <<= _HALF
    packed |= np.arange(len(keys), dtype=np.uint64)
    packed.sort()  # by key; rows of one key stay in order
    starts = np.ones(len(packed) + 1, np.bool_)
    starts[1:-1] = (packed[1:] >> _HALF) != (packed[:-1] >> _HALF)
    shared = np.flatnonzero(~(starts[:-1] & starts[1:]))
    row, starts = packed[shared] & _LOW, starts[:-1][shared]
    first = np.maximum.accumulate(np.where(starts, np.arange(len(row)), 0))
    rank = np.arange(len(row)) - first
    found = [np.zeros(0, np.uint64)]
    for back in range(1, _NEAREST + 1):
        here = np.flatnonzero(rank >= back)
        found.append((row[here - back] << _HALF) | row[here])
    for ahead in range(_NEAREST):
        here = np.flatnonzero(rank > ahead + _NEAREST)
        found.append((row[first[here] + ahead] << _HALF) | row[here])
    return np.concatenate(found)


def sets_of(
    signatures: Sequence[Path], *sides: NDArray[np.int64], workers: int = 1
) -> tuple[NDArray[np.int64], Sets]:
    """Return the rows that the sides name, each once and in order, and their shingle sets.

    Only these rows' sets are kept in memory.
    """
    rows = np.unique(np.concatenate(sides))
    offsets = row_offsets(signatures)

    def of_file(number: int) -> Sets:
        low, high = offsets[number : number + 2]
        at = rows[np.searchsorted(rows, low) : np.searchsorted(rows, high)] - low
        if not at.size:
            return Sets(np.zeros(0, np.uint32), np.zeros(1, np.int64))
        column = read_table(signatures[number], columns=["shingles"])["shingles"]
        return taken(sets_in(column), at)

    with ThreadPoolExecutor(workers) as threads:
        return rows, join(threads.map(of_file, range(len(signatures))))


class Texts:
    """Records and chosen rows → what is asked and what is told in each of those records."""

    columns: ClassVar[list[str]] = ["parts"]

    def __call__(self, records: pa.Table, chosen: pa.Table) -> pa.Table:
        """Return the columns `asked` and `told`, the turns of each joined by lines."""
        said = turns(records.select(["parts"]).take(chosen["at"].combine_chunks()))
        asked = ["\n".join(t for role, t in record if role == "user") for record in said]
        told = ["\n".join(t for role, t in record if role != "user") for record in said]
        return pa.table(
            {"asked": pa.array(asked, pa.large_string()), "told": pa.array(told, pa.large_string())}
        )


class Contrasts:
    """Pairs of texts, as asked and told on either side → how the two of each pair differ."""

    def __init__(self, *, inside: bool = False) -> None:
        """Take whether the right one is longer and holds the left one."""
        self._compare = contrast_inside if inside else contrast

    def __call__(self, pairs: pa.Table) -> pa.Table:
        """Return a column for each field of `Contrast`."""
        columns = [pairs[name].to_pylist() for name in _SIDES]
        found = [
            self._compare(Sides(*ours), Sides(*theirs))
            for ours, theirs in zip(
                zip(*columns[:2], strict=True), zip(*columns[2:], strict=True), strict=True
            )
        ]
        names = Contrast.__slots__
        return pa.table({n: pa.array([getattr(c, n) for c in found], pa.bool_()) for n in names})


def contrasts(
    scope: Scope,
    left: NDArray[np.int64],
    right: NDArray[np.int64],
    *,
    name: str,
    inside: bool = False,
) -> list[Contrast]:
    """Return how the two records of each pair of row numbers differ.

    Where it is `inside`, the right one is longer and holds the left one.
    """
    if not len(left):
        return []
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
    sides = [pa.array(np.searchsorted(rows, side)) for side in (left, right)]
    pairs = []
    for low in range(0, len(left), _PAIRS):
        columns = [c for side in sides for c in texts.take(side[low : low + _PAIRS]).columns]
        pairs.append(scope.phase(f"{name}-pairs") / f"pairs-{low // _PAIRS:05d}.parquet")
        write_table(pairs[-1], pa.table(columns, names=_SIDES))
    del texts
    compared = scope.engine.map(
        Step(f"{__name__}:Contrasts", {"inside": inside}),
        [(path,) for path in pairs],
        scope.phase(f"{name}-contrasts"),
        label="contrasts",
    )
    found = scope.engine.collect(compared)
    return [Contrast(*row) for row in zip(*(c.to_pylist() for c in found.columns), strict=True)]
