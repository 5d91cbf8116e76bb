"""Boilerplate: clauses that stand in many records beside ever other clauses.

A greeting goes before anything, a signature or a disclaimer after anything. The clauses of a
text that was copied a thousand times are as frequent, but stand beside the same clauses each
time; so what counts is how many different clauses stand before or after one, not how often.
"""

from __future__ import annotations

import re
from hashlib import blake2b
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from curator.text import PLACEHOLDER

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

NEIGHBOURS = 10
"""So many different clauses stand before it, or after it, at least."""
SHARE = 0.005
"""In such a share of the records a clause stands at least."""
_CLAUSE = re.compile(r"[^，,。！!？?；;：:…\n]*[，,。！!？?；;：:…\n]*\s*")
_SAID = re.compile(r"[\W_]+")
_NUMBER = re.compile(r"(?:\d+|[a-z2-7]{8})(?=\]$)")
_EDGE = 0  # of a turn

_MOSTLY = 0.9
"""In such a share of its records a clause goes with a block to belong to it."""

PLACED = pa.schema([("clause", pa.uint64()), ("before", pa.uint64()), ("after", pa.uint64())])
BESIDE = pa.schema(
    [
        ("clause", pa.uint64()),
        ("is_after", pa.bool_()),
        ("beside", pa.uint64()),
        ("n", pa.int32()),
        ("records", pa.int64()),
    ]
)
"""The `n` different clauses beside one, before or after it, and in how many records each; of
`NEIGHBOURS` and more only one."""


def clauses(text: str) -> list[str]:
    """Cut a text into clauses, each with the marks that end it; joined they are the text."""
    return [clause for clause in _CLAUSE.findall(text) if clause]


def clause_key(clause: str) -> int:
    """Return a hash of what a clause says, whatever its marks and spaces; 0 where it says nothing.

    Placeholders count by their kind.
    """
    if "[" in clause:
        clause = PLACEHOLDER.sub(lambda m: _NUMBER.sub("", m.group()), clause)
    said = _SAID.sub("", clause).casefold()
    return int.from_bytes(blake2b(said.encode(), digest_size=8).digest(), "little") if said else 0


def places(texts: Sequence[Sequence[tuple[str, str]]]) -> pa.Table:
    """Return where each clause of some records stands: the clauses before and after it.

    A clause is told once a record; the ends of a turn count as a clause.
    """
    rows: list[tuple[int, int, int]] = []
    for text in texts:
        found: dict[int, tuple[int, int]] = {}
        for _, turn in text:
            keys = [_EDGE, *filter(None, map(clause_key, clauses(turn))), _EDGE]
            for (before, key), (_, after) in pairwise(pairwise(keys)):
                found.setdefault(key, (before, after))
        rows += [(key, *place) for key, place in found.items()]
    columns = zip(*rows, strict=True) if rows else [[], [], []]
    return pa.table([pa.array(c, pa.uint64()) for c in columns], schema=PLACED)


def frequent(placed: pa.Table, least: int) -> pa.Table:
    """Return what stands beside the clauses of at least so many records (schema `BESIDE`)."""
    key = placed["clause"].to_numpy()
    _, which, count = np.unique(key, return_inverse=True, return_counts=True)
    often = (count >= least)[which]
    sides = []
    for is_after, name in enumerate(("before", "after")):
        both = np.stack([key[often], placed[name].to_numpy()[often]], axis=1)
        pairs, records = np.unique(both, axis=0, return_counts=True)
        start = np.searchsorted(pairs[:, 0], pairs[:, 0])
        n = np.searchsorted(pairs[:, 0], pairs[:, 0], side="right") - start
        told = (n < NEIGHBOURS) | (np.arange(len(pairs)) == start)
        columns = [
            pairs[told, 0],
            np.full(int(told.sum()), bool(is_after)),
            pairs[told, 1],
            n[told].astype(np.int32),
            records[told],
        ]
        sides.append(pa.table([pa.array(column) for column in columns], schema=BESIDE))
    return pa.concat_tables(sides)


def boilerplate(often: pa.Table) -> NDArray[np.uint64]:
    """Return the clauses that are boilerplate, in order, out of what stands beside frequent ones.

    Those are the ones with many neighbours on a side; and what follows on nothing but an
    ending (many stand before it, few after it), or goes before nothing but an opening; mostly,
    since a clause may stand alone somewhere.
    """
    many: set[int] = set()
    few: tuple[dict[int, dict[int, int]], ...] = ({}, {})
    for row in often.to_pylist():
        if row["n"] >= NEIGHBOURS:
            many.add(row["clause"])
        else:
            few[row["is_after"]].setdefault(row["clause"], {})[row["beside"]] = row["records"]
    found = set(many)
    for beside, other in (few, few[::-1]):
        block = {clause for clause in many if clause not in beside and clause in other}
        while grown := {c for c in beside if c not in block and _goes_with(beside[c], block)}:
            block |= grown
        found |= block
    return np.array(sorted(found), np.uint64)


def _goes_with(beside: Mapping[int, int], block: set[int]) -> bool:
    with_block = sum(n for clause, n in beside.items() if clause in block)
    return with_block >= _MOSTLY * sum(beside.values())


def stripped(texts: Sequence[str], left_out: frozenset[int]) -> Iterator[str]:
    """Yield the texts of a record without the clauses that are left out.

    A record that is nothing else stays as it is.
    """
    kept = ["".join(c for c in clauses(t) if clause_key(c) not in left_out) for t in texts]
    yield from kept if any(map(str.strip, kept)) else texts
