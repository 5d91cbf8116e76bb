"""The splits of an export: what belongs together goes to one, and nothing exported ever moves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from curator.exports.together import CONTAINERS
from curator.splits import NAMES, NEW, TEST, VALIDATION
from curator.splits.allot import allot
from curator.splits.keys import draw
from curator.splits.leakage import keys_across, pairs_across
from curator.splits.settle import settle

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from curator.exports.assigned import Assigned
    from curator.exports.pool import Keyed, Pool
    from curator.schema import InstructionExport
    from curator.splits.related import Related

LEFT_OUT = "related to rows of two splits that were exported before"
_KEPT_KEYS = ("question", "content")
"""What a record is known by in later exports; a person's key is never written."""
_FEWEST = 10
"""Rows of a stratum; what is rarer makes one stratum together."""


@dataclass(frozen=True)
class Bound:
    """What holds the rows of a pool together, and where their groups are already settled.

    settled: the split of each row, `NEW` or `BETWEEN`. torn: groups whose members were
    exported apart. cut: how many rooms or files are so large that they are cut, by kind.
    """

    related: Related
    settled: NDArray[np.int8]
    torn: int
    cut: Mapping[str, int]


def bound(pool: Pool, params: InstructionExport, earlier: Assigned) -> Bound:
    """Return what holds the rows of a pool together."""
    shares = wanted_shares(params)
    keyed, cut = {}, {}
    for kind, entries in pool.keyed.items():
        keyed[kind] = _without_large(entries, len(pool), shares) if kind in CONTAINERS else entries
        if kind in CONTAINERS:
            left = len(np.unique(entries.keys)) - len(np.unique(keyed[kind].keys))
            cut[kind] = left
    related = pool.related(params.together, keyed)
    of_records = np.full(related.n, NEW, np.int8)
    of_records[pool.own] = earlier.of_records(pool.ids)
    settled, torn = settle(related, np.concatenate([of_records, earlier.of_keys(related.distinct)]))
    return Bound(related, settled[pool.own], torn, {k: n for k, n in cut.items() if n})


def wanted_shares(params: InstructionExport) -> dict[int, float]:
    """Return the shares of the splits that are held out."""
    return {VALIDATION: params.validation, TEST: params.test}


def split(
    pool: Pool,
    held: Bound,
    kept: NDArray[np.bool_],
    strata: Sequence[tuple[str, ...]],
    params: InstructionExport,
) -> NDArray[np.int8]:
    """Return the split of each row that is kept, `BETWEEN` where it can go nowhere.

    Args:
        pool: the rows.
        held: what holds them together.
        kept: which of them are exported, shape (rows,).
        strata: what each row is about: every stratum gives its share to every split.
        params: the shares and the seed.

    """
    side = np.where(kept, held.settled, NEW)
    stratum = _numbered(strata, kept)
    known = kept & (side >= 0)
    counts = np.zeros((int(stratum.max(initial=0)) + 1, len(NAMES)), np.int64)
    np.add.at(counts, (stratum[known], side[known]), 1)
    new = np.flatnonzero(kept & (side == NEW))
    # The row with the smallest content speaks for its group, in whatever order they come.
    new = new[np.lexsort((pool.content[new], held.related.group[pool.own[new]]))]
    groups, first, sizes = np.unique(
        held.related.group[pool.own[new]], return_index=True, return_counts=True
    )
    speaker = new[first]
    draws = np.array(
        [draw(params.seed, str(pool.content[row])) for row in speaker.tolist()], np.float64
    )
    # By number a group may come early in one export and late in the next: by draw it does not.
    found = allot(sizes, stratum[speaker], draws, wanted_shares(params), counts)
    side[new] = found[np.searchsorted(groups, held.related.group[pool.own[new]])]
    return side


def leakage(pool: Pool, held: Bound, side: NDArray[np.int8], threshold: float) -> dict[str, Any]:
    """Return what lies on both sides of a border, beside what a random split would have left.

    Args:
        pool: the rows.
        held: what holds them together.
        side: each row's split, below 0 where it is not exported.
        threshold: the similarity from which the policy takes rows for near-duplicates.

    """
    rows = np.flatnonzero(side >= 0)
    place = np.full(len(pool), -1, np.int64)
    place[rows] = np.arange(len(rows))
    own = side[rows]
    across: dict[str, tuple[int, float]] = {}
    for name, pairs in (("near_duplicates", pool.near), ("near_questions", pool.asked)):
        near = pairs.where(pairs.jaccard >= threshold)
        across[name] = _pairs(own, place[near.left], place[near.right])
    by_node = np.full(len(pool.nodes), -1, np.int64)
    by_node[pool.own] = place
    across["related_by_checks"] = _pairs(own, by_node[pool.left], by_node[pool.right])
    for kind, entries in pool.keyed.items():
        if kind != "content":
            there = entries.where(place[entries.rows] >= 0)
            across[f"{kind}s"] = keys_across(own, there.keys, place[there.rows])
    return {
        "groups": len(np.unique(held.related.group[pool.own[rows]])),
        "near_duplicates_from": threshold,
        "across": {name: n for name, (n, _) in across.items()},
        "across_a_random_split": {name: n for name, (_, n) in across.items()},
        "settled_before": int((held.settled[rows] >= 0).sum()),
        "exported_apart_before": held.torn,
        "too_large_to_keep_together": dict(held.cut),
    }


def keep(pool: Pool, side: NDArray[np.int8], earlier: Assigned) -> None:
    """Keep where each row went, for later exports."""
    entries = [pool.keyed[kind] for kind in _KEPT_KEYS]
    keys = np.concatenate([e.keys for e in entries])
    rows = np.concatenate([e.rows for e in entries])
    there = side[rows] >= 0
    order = np.lexsort((keys[there], rows[there]))
    keys, rows = keys[there][order], rows[there][order]
    earlier.keep([pool.ids[row] for row in rows.tolist()], keys, side[rows])


def _pairs(
    side: NDArray[np.int8], left: NDArray[np.int64], right: NDArray[np.int64]
) -> tuple[int, float]:
    there = (left >= 0) & (right >= 0)
    return pairs_across(side, left[there], right[there])


def _without_large(entries: Keyed, n: int, shares: Mapping[int, float]) -> Keyed:
    """Return the entries without the keys of rooms and files that are too large to be whole.

    What is larger than half of a split stays in train, as long as enough is left for the rest.
    """
    least = [n * share for share in shares.values() if share > 0]
    if not least:
        return entries
    _, key, counts = np.unique(entries.keys, return_inverse=True, return_counts=True)
    large = (counts > max(1.0, min(least) / 2))[key]
    rest = n - len(np.unique(entries.rows[large]))
    return entries.where(~large) if rest < 2 * sum(least) else entries


def _numbered(strata: Sequence[tuple[str, ...]], kept: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return each row's stratum by number, the rare ones as one."""
    names = sorted(set(strata))
    number = {name: i for i, name in enumerate(names)}
    found = np.array([number[name] for name in strata], np.int64)
    counts = np.bincount(found[kept], minlength=len(names))
    return np.where(counts[found] >= _FEWEST, found, len(names)) if names else found
