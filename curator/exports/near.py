"""Near-duplicates among the rows of an export, found and verified as the check does it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from curator.checks.search import NearPairs, near_pairs
from curator.engine import LocalEngine
from curator.policy import speaks_of
from curator.protocols import Scope
from curator.similarity.steps import sketches
from curator.tables import read_table

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from curator.schema import Policy

FLOOR = 0.5
"""Pairs from this Jaccard similarity on are kept together."""
_OTHERWISE = 0.65


def near_rows(
    staged: Sequence[Path],
    folder: Path,
    ids: Sequence[str],
    floor: float = FLOOR,
    *,
    questions: bool = False,
) -> NearPairs:
    """Return the verified pairs of records, by their number in `ids`, whose rows are near.

    Compared is what is exported, after all edits, roles and all.

    Args:
        staged: tables of rows with `id` and `messages`.
        folder: where their sketches may lie for the time being.
        ids: the records.
        floor: the least Jaccard similarity.
        questions: whether to compare what users say alone.

    """
    files, owners = [], []
    folder.mkdir()
    for path in staged:
        table = read_table(path, columns=["id", "messages"])
        texts = [spoken(row) for row in table["messages"].to_pylist()]
        if questions:
            texts = [[said for said in text if said[0] == "user"] for text in texts]
        files.append(folder / path.name)
        pq.write_table(sketches(texts), files[-1], compression="none", use_dictionary=False)
        owners.append(pc.index_in(table["id"], value_set=pa.array(ids, pa.string())).to_numpy())
    owner = np.concatenate([np.zeros(0, np.int64), *owners]).astype(np.int64)
    if not len(owner):
        return NearPairs(owner, owner, np.zeros(0, np.float64))
    with LocalEngine(1) as engine:
        scope = Scope(engine, tuple(staged), folder, folder)
        found = near_pairs(scope, files, np.ones(len(owner), np.bool_), floor=floor)
    pairs = NearPairs(owner[found.left], owner[found.right], found.jaccard)
    return pairs.where(pairs.left != pairs.right)


def spoken(messages: Sequence[dict[str, Any]]) -> list[tuple[str, str]]:
    """Return who says what, without the system prompt, which rows may have in common."""
    return [(m["role"], m["content"]) for m in messages if m["role"] != "system"]


def threshold(policy: Policy) -> float:
    """Return the score from which the policy takes records for near-duplicates."""
    least = [
        rule.when.score_at_least
        for rule in policy.rules
        if rule.then in {"keep_one", "drop"} and speaks_of(rule, "near_duplicates", "DUP002")
    ]
    return min(least, default=_OTHERWISE)
