"""One pass over the texts of many records: what they are when folded, and their shingles."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from curator.similarity.codepoints import composed, tables
from curator.similarity.shingles import Sets, distinct
from curator.similarity.turns import Turns

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


@dataclass(frozen=True)
class Scanned:
    """The turns of some records, folded, and the records' shingle sets.

    Turn i lies folded at fold_bounds[i]:fold_bounds[i + 1] of `fold`, in a code
    of its own. `signs` is a hash of the signs in a record that carry meaning, 0
    where it has none.
    """

    fold: NDArray[np.uint8]
    fold_bounds: NDArray[np.int64]
    signs: NDArray[np.uint64]
    shingles: Sets


def scanned(turns: Turns) -> Scanned:
    """Fold the records' turns and cut them into shingles.

    `fold` is that of `curator.text.fold` over the composed text, but keeps the
    signs that carry meaning: `1+1` is not `1-1`, `C++` is not `C#`, `x<5` is
    not `x>5`, `-3` is not `3`.
    """
    found, postponed = _scanned(turns, ready_made=False)
    if not postponed.size:
        return found
    again = [
        [(role, composed(text)) for role, text in turns[i : i + 1].to_pylist()[0]]
        for i in postponed.tolist()
    ]
    return _merged(found, postponed, _scanned(Turns.of(again), ready_made=True)[0], turns.bounds)


def shingle_sets(texts: Sequence[Sequence[tuple[str, str]]]) -> Sets:
    """Return the shingle set of each text, given as its (role, text) turns or blocks.

    A text without a single token (blank, or nothing but punctuation) has the empty set.
    """
    return scanned(Turns.of(texts)).shingles


def folded(texts: Sequence[str]) -> tuple[list[bytes], list[int]]:
    """Return each text as it is compared, and a hash of the signs in it that carry meaning."""
    found = scanned(Turns.of([[("", text)] for text in texts]))
    data, bounds = found.fold.tobytes(), found.fold_bounds.tolist()
    return [data[a:b] for a, b in pairwise(bounds)], found.signs.tolist()


def _scanned(turns: Turns, *, ready_made: bool) -> tuple[Scanned, NDArray[np.int64]]:
    """Scan the records; return also which are left out, since they are to be composed before."""
    from curator.similarity import kernels  # noqa: PLC0415 - what is compiled takes long to load

    data, ends = turns.data
    n, n_turns, size = len(turns), len(turns.roles), int(ends[-1] - ends[0])
    # Room for the most that may come, most of which is never touched.
    fold, fold_bounds = np.empty(2 * size, np.uint8), np.zeros(n_turns + 1, np.int64)
    shingles, bounds = np.empty(size + 2 * n_turns + 2 * n, np.uint32), np.zeros(n + 1, np.int64)
    signs, postponed = np.zeros(n, np.uint64), np.zeros(n, np.bool_)
    roles = np.array([_role(name) for name in turns.names], np.uint64)[turns.roles]
    kernels.scan(
        data,
        ends,
        turns.bounds,
        roles,
        tables().packed,
        ready_made,
        fold,
        fold_bounds[1:],
        signs,
        shingles,
        bounds[1:],
        postponed,
    )
    found = distinct(Sets(shingles[: bounds[-1]], bounds))
    scan = Scanned(fold[: fold_bounds[-1]].copy(), fold_bounds, signs, found)
    return scan, np.flatnonzero(postponed)


def _merged(
    most: Scanned, rows: NDArray[np.int64], some: Scanned, turns: NDArray[np.int64]
) -> Scanned:
    """Put the records that were left out into their rows; `turns` are the records' bounds."""
    signs = most.signs.copy()
    signs[rows] = some.signs
    cuts = most.shingles.bounds[rows].tolist()
    shingles = _inserted(most.shingles.values, cuts, some.shingles.values, some.shingles.bounds)
    sizes = np.diff(most.shingles.bounds)
    sizes[rows] = np.diff(some.shingles.bounds)
    first, counts = turns[rows], turns[rows + 1] - turns[rows]
    ends = np.concatenate([[0], np.cumsum(counts)])
    fold = _inserted(most.fold, most.fold_bounds[first].tolist(), some.fold, some.fold_bounds[ends])
    lengths = np.diff(most.fold_bounds)
    at = np.arange(ends[-1]) + np.repeat(first - ends[:-1], counts)
    lengths[at] = np.diff(some.fold_bounds)
    return Scanned(fold, _bounds(lengths), signs, Sets(shingles, _bounds(sizes)))


def _inserted(
    values: NDArray[Any], cuts: Sequence[int], others: NDArray[Any], bounds: NDArray[np.int64]
) -> NDArray[Any]:
    """Return the values with a piece of the others at each cut."""
    pieces, low = [], 0
    for cut, a, b in zip(cuts, bounds[:-1].tolist(), bounds[1:].tolist(), strict=True):
        pieces += [values[low:cut], others[a:b]]
        low = cut
    return np.concatenate([*pieces, values[low:]])


def _bounds(sizes: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.concatenate([np.zeros(1, np.int64), sizes]).cumsum()


def _role(role: str) -> int:
    return int.from_bytes(blake2b(role.encode(), digest_size=8).digest(), "little")
