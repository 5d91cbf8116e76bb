"""The search across sets: the project's records beside those of a reference.

The same keys and probes as in the search within the project (`search`, `containment`), but a
record meets only rows of the other side.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import pyarrow as pa

from curator.checks.containment import LONGER, SAMPLE, SHORTEST
from curator.checks.search import chosen_rows, row_offsets, sets_of
from curator.protocols import Step
from curator.similarity.contrasts import Sides, contrast, contrast_inside
from curator.similarity.fingerprints import groups, hashes_of
from curator.similarity.jaccard import common
from curator.similarity.minhash import BANDS
from curator.similarity.shingles import Sets, taken
from curator.similarity.steps import keys_of, sets_in, signatures, turns
from curator.tables import read_table, records_table
from curator.types import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from curator.checks.reference import Reference
    from curator.protocols import Scope
    from curator.similarity.contrasts import Contrast
    from curator.types import Record

_CAP = 0.64
_SURELY = 0.9
_ROWS_PER_BUCKET = 50_000
_MOST_BUCKETS = 256
_NEAREST = 8
"""Under a key, a record meets the first 8 rows of the reference and the last 8."""
_PROBES, _ENOUGH = 5, 3
_MOST = 4
"""With how many of the likest rows of the reference a record's words are compared."""
_LOW = np.uint64(0xFFFFFFFF)
_HALF = np.uint64(32)


@dataclass(frozen=True)
class Met:
    """Pairs of a record's row and a reference's row, and how alike their shingle sets are."""

    ours: NDArray[np.int64]
    theirs: NDArray[np.int64]
    jaccard: NDArray[np.float64]
    containment: NDArray[np.float64]
    inside: NDArray[np.bool_]
    """Whether the record may lie inside the other: it is long enough, and the other longer."""


class Bands:
    """Signatures and the chosen rows' numbers → one row for each band key of each chosen row."""

    columns: ClassVar[list[str]] = ["keys"]

    def __call__(self, sketches: pa.Table, chosen: pa.Table) -> pa.Table:
        """Return the column `packed` (uint64): the row number above, the band key below."""
        keys = keys_of(sketches["keys"])
        rows = np.repeat(chosen["row"].to_numpy().astype(np.uint64), BANDS)
        return pa.table({"packed": (rows << _HALF) | keys[chosen["at"].to_numpy()].ravel()})


class Probes:
    """Signatures and the chosen rows' numbers → the sampled shingles of each chosen row."""

    columns: ClassVar[list[str]] = ["shingles"]

    def __call__(self, sketches: pa.Table, chosen: pa.Table) -> pa.Table:
        """Return the columns `key`, `row`, `size` (of the row's list) and `probes`.

        `probes` is how often the row asks in all, on the shingles under which it
        asks, and 0 on the others.
        """
        whole = taken(sets_in(sketches["shingles"]), chosen["at"].to_numpy())
        sizes = np.diff(whole.bounds)
        sampled = (whole.values & SAMPLE) == 0
        sampled &= np.repeat(sizes >= SHORTEST, sizes)
        counts = np.concatenate([[0], np.cumsum(sampled)])
        sets = Sets(whole.values[sampled], counts[whole.bounds])
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


class Sharing:
    """A bucket of band keys → pairs of a record and a row of the reference that share one."""

    def __init__(self, ours: int) -> None:
        """Take how many rows are the project's; they come first."""
        self.ours = np.uint64(ours)

    def __call__(self, bands: pa.Table) -> pa.Table:
        """Return the column `pair`: the record's row above, the other's below."""
        packed = bands["packed"].to_numpy()
        row, key = packed >> _HALF, packed & _LOW
        mine = row < self.ours
        theirs = np.sort((key[~mine] << _HALF) | row[~mine])
        start = np.searchsorted(theirs, key[mine] << _HALF)
        end = np.searchsorted(theirs, (key[mine] << _HALF) | _LOW, side="right")
        found = _first_and_last(row[mine], theirs, start, end)
        return pa.table({"pair": np.unique(np.concatenate([p for p, _ in found]))})


class Holding:
    """A bucket of sampled shingles → pairs of a record that asks and a longer reference row."""

    def __init__(self, ours: int) -> None:
        """Take how many rows are the project's; they come first."""
        self.ours = ours

    def __call__(self, sampled: pa.Table) -> pa.Table:
        """Return the columns `pair`, `asked` and `met`, as `containment.Longer` does."""
        key, size, row = (sampled[n].to_numpy().astype(np.uint64) for n in ("key", "size", "row"))
        probes = sampled["probes"].to_numpy()
        theirs = row >= self.ours
        order = np.lexsort((row[theirs], size[theirs], key[theirs]))
        place = ((key << _HALF) | size)[theirs][order]
        rows = row[theirs][order]
        asks = np.flatnonzero(~theirs & (probes > 0))
        least = np.ceil(size[asks] * LONGER).astype(np.uint64)
        start = np.searchsorted(place, (key[asks] << _HALF) | least)
        end = np.searchsorted(place, (key[asks] << _HALF) | _LOW, side="right")
        found = _first_and_last(row[asks], rows, start, end)
        pairs = np.concatenate([pair for pair, _ in found])
        asked = np.concatenate([probes[asks[at]] for _, at in found])
        pair, first, met = np.unique(pairs, return_index=True, return_counts=True)
        return pa.table({"pair": pair, "asked": asked[first], "met": met})


def _first_and_last(
    ours: NDArray[np.uint64],
    theirs: NDArray[np.uint64],
    start: NDArray[np.int64],
    end: NDArray[np.int64],
) -> list[tuple[NDArray[np.uint64], NDArray[np.int64]]]:
    """Return the pairs of each of our rows with the ends of its stretch, and which row asks."""
    found = []
    for step in range(_NEAREST):
        for other, kept in (
            (start + step, start + step < end),
            (end - 1 - step, end - 1 - step >= start + _NEAREST),
        ):
            at = np.flatnonzero(kept)
            found.append(((ours[at] << _HALF) | (theirs[other[at]] & _LOW), at))
    return found


def in_reference(
    scope: Scope, check: str, reference: Reference, *, floor: float, inside_floor: float
) -> Iterator[Finding]:
    """Yield for each record what the reference holds of it, in source order.

    One finding tells of the likest row (DUP004), one of the row that holds most of the record
    (DUP006). All records of a group of exact duplicates are told of, since what one rule drops
    leaves the next of the group standing.
    """
    files, outside = signatures(scope), reference.files()
    prints = scope.engine.collect(files, ["id", "kind", "hash", "signs"])
    columns = ["file", "item", "id", "kind", "hash", "signs"]
    theirs = pa.concat_tables([read_table(path, columns=columns) for path in outside])
    ours, n = prints.num_rows, theirs.num_rows
    # The first of equals, the reference's before the project's.
    equal = groups(np.concatenate([hashes_of(theirs["hash"]), hashes_of(prints["hash"])]))
    first = equal[n:] - n
    by_id = {name: row for row, name in enumerate(theirs["id"].to_pylist()) if name}
    takes_part = np.concatenate([first == np.arange(ours), equal[:n] == np.arange(n)])
    kinds = np.concatenate([_column(prints, "kind"), _column(theirs, "kind")])
    signs = np.concatenate([_column(prints, "signs"), _column(theirs, "signs")])
    met = _met(scope, [*files, *outside], takes_part, ours)
    met = _likest(_where(met, kinds[met.ours] == kinds[met.theirs]), floor, inside_floor)
    best = _judged(scope, outside, reference, met, signs, ours)
    for row, name in enumerate(prints["id"].to_pylist()):
        found: dict[str, tuple[float, int, Mapping[str, object]]] = {}
        if name in by_id:
            found["DUP004"] = 1.0, by_id[name], {"relation": "same record"}
        elif first[row] < 0:
            found["DUP004"] = 1.0, int(equal[n + row]), {"relation": "exact"}
        else:
            found = best.get(int(first[row]), {})
        for code, (score, place, evidence) in sorted(found.items()):
            where = {c: theirs[c][place].as_py() for c in ("file", "item")}
            yield Finding(name, check, code, score, evidence={**where, **evidence})


def _column(table: pa.Table, name: str) -> NDArray[np.generic]:
    values: NDArray[np.generic] = table[name].to_numpy()
    return values


def _met(scope: Scope, files: Sequence[Path], takes_part: NDArray[np.bool_], ours: int) -> Met:
    """Return the pairs of a record and a row of the reference that share keys, with their sets."""
    engine = scope.engine
    buckets = min(_MOST_BUCKETS, 1 << (len(takes_part) // _ROWS_PER_BUCKET).bit_length())
    chosen = chosen_rows(scope, files, takes_part, "across")
    found = []
    for name, key, sketch, step in (
        ("across-bands", "packed", f"{__name__}:Bands", "Sharing"),
        ("across-probes", "key", f"{__name__}:Probes", "Holding"),
    ):
        keys = engine.map(Step(sketch), chosen, scope.phase(name), label="reference keys")
        shuffled = engine.shuffle(keys, key, scope.phase(f"{name}-buckets"), buckets=buckets)
        pairs = engine.map(
            Step(f"{__name__}:{step}", {"ours": ours}),
            [(path,) for path in shuffled],
            scope.phase(f"{name}-pairs"),
            label="reference pairs",
        )
        found.append(engine.collect(pairs))
    shared, probed = found
    pair, at, which = np.unique(probed["pair"].to_numpy(), return_index=True, return_inverse=True)
    met = np.bincount(which, weights=probed["met"].to_numpy(), minlength=len(pair))
    pair = pair[_PROBES * met >= _ENOUGH * probed["asked"].to_numpy()[at]]
    pair = np.unique(np.concatenate([pair, shared["pair"].to_numpy()]))
    left, right = (pair >> _HALF).astype(np.int64), (pair & _LOW).astype(np.int64)
    rows, sets = sets_of(files, left, right)
    a, b = np.searchsorted(rows, left), np.searchsorted(rows, right)
    in_common, sizes = common(sets, a, b), np.diff(sets.bounds)
    return Met(
        left,
        right,
        in_common / np.maximum(sizes[a] + sizes[b] - in_common, 1),
        in_common / np.maximum(sizes[a], 1),
        (sizes[a] >= SHORTEST) & (sizes[b] >= LONGER * sizes[a]),
    )


def _where(met: Met, kept: NDArray[np.bool_]) -> Met:
    return Met(
        met.ours[kept],
        met.theirs[kept],
        met.jaccard[kept],
        met.containment[kept],
        met.inside[kept],
    )


def _likest(met: Met, floor: float, inside_floor: float) -> Met:
    """Return of each record the likest pairs that are told, `_MOST` that are near or inside."""
    inside = met.inside & (met.containment >= inside_floor)
    inside &= (met.containment >= _SURELY) | (met.jaccard <= _CAP)
    met = Met(met.ours, met.theirs, met.jaccard, met.containment, inside)
    met = _where(met, inside | (met.jaccard >= floor))
    score = np.where(met.inside, met.containment, met.jaccard)
    order = np.lexsort((met.theirs, -score, met.inside, met.ours))
    group = (met.ours * 2 + met.inside)[order]
    starts = np.ones(len(order), np.bool_)
    starts[1:] = group[1:] != group[:-1]
    begin = np.maximum.accumulate(np.where(starts, np.arange(len(order)), 0))
    kept = np.zeros(len(order), np.bool_)
    kept[order[np.arange(len(order)) - begin < _MOST]] = True
    return _where(met, kept)


def _judged(
    scope: Scope,
    outside: Sequence[Path],
    reference: Reference,
    met: Met,
    signs: NDArray[np.generic],
    ours: int,
) -> dict[int, dict[str, tuple[float, int, Mapping[str, object]]]]:
    """Return for each record and code the best score, the reference's row, and the evidence."""
    mine = _our_sides(scope, np.unique(met.ours))
    others = _their_sides(outside, reference, np.unique(met.theirs) - ours)
    best: dict[int, dict[str, tuple[float, int, Mapping[str, object]]]] = {}
    for row, other, alike, share, inside in zip(
        *(c.tolist() for c in (met.ours, met.theirs, met.jaccard, met.containment, met.inside)),
        strict=True,
    ):
        sides = mine[row], others[other - ours]
        how = contrast_inside(*sides) if inside else contrast(*sides)
        differs = _differs(how, signs=not inside and bool(signs[row] != signs[other]))
        score = share if inside else alike
        told = (
            min(score, _CAP) if any(differs.values()) else score,
            other - ours,
            {
                "relation": "contained" if inside else "near",
                "containment" if inside else "jaccard": round(score, 4),
                **differs,
            },
        )
        code = "DUP006" if inside else "DUP004"
        known = best.setdefault(row, {})
        if code not in known or (told[0], -told[1]) > (known[code][0], -known[code][1]):
            known[code] = told
    return best


def _differs(how: Contrast, *, signs: bool) -> dict[str, object]:
    return {
        "numbers_differ": how.numbers,
        "negation_differs": how.negation,
        "signs_differ": signs,
        "terms_differ": how.terms,
        "question_differs": how.question,
        "answer_differs": how.answer,
    }


def _our_sides(scope: Scope, rows: NDArray[np.int64]) -> dict[int, Sides]:
    found: dict[int, Sides] = {}
    offsets = row_offsets(scope.parts)
    for path, low, high in zip(scope.parts, offsets, offsets[1:], strict=False):
        at = rows[np.searchsorted(rows, low) : np.searchsorted(rows, high)]
        if at.size:
            parts = read_table(path, columns=["parts"]).take(pa.array(at - low))
            found |= zip(at.tolist(), _sides(parts), strict=True)
    return found


def _their_sides(
    outside: Sequence[Path], reference: Reference, rows: NDArray[np.int64]
) -> dict[int, Sides]:
    offsets = row_offsets(outside)
    wanted: dict[Path, list[int]] = {}
    numbers: dict[tuple[Path, int], int] = {}
    for path, low, high in zip(outside, offsets, offsets[1:], strict=False):
        at = rows[np.searchsorted(rows, low) : np.searchsorted(rows, high)]
        if at.size:
            wanted[path] = (at - low).tolist()
            numbers |= {(path, row): int(low) + row for row in wanted[path]}
    records: dict[tuple[Path, int], Record] = reference.texts(wanted)
    table = records_table(records.values()).select(["parts"])
    return {numbers[key]: side for key, side in zip(records, _sides(table), strict=True)}


def _sides(records: pa.Table) -> list[Sides]:
    """Return what is asked and what is told in each record."""
    return [
        Sides(
            "\n".join(text for role, text in said if role == "user"),
            "\n".join(text for role, text in said if role != "user"),
        )
        for said in turns(records)
    ]
