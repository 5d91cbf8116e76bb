"""The rows that may be exported, and what holds them together."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from curator.exports.near import near_rows, spoken
from curator.exports.together import relations
from curator.similarity.components import components
from curator.splits.keys import key_of
from curator.splits.related import Related
from curator.tables import read_table
from curator.text import fold

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import duckdb
    from numpy.typing import NDArray

    from curator.check import Plan
    from curator.checks.search import NearPairs
    from curator.schema import Together
    from curator.workspace import Workspace

_RELATED = "(code LIKE 'DUP%' OR code = 'LBL002')"


@dataclass(frozen=True)
class Keyed:
    """Keys of one kind, each with the row that has it: both of shape (entries,)."""

    keys: NDArray[np.int64]
    rows: NDArray[np.int64]

    def where(self, kept: NDArray[np.bool_]) -> Keyed:
        """Return the entries that `kept` says."""
        return Keyed(self.keys[kept], self.rows[kept])


@dataclass(frozen=True)
class Pool:
    """Rows, one a record, in the order of the sources.

    nodes: the ids of all records of the project, sorted; `own` is each row's place there. A
    record that has no row can still hold its neighbours together.
    left, right: nodes that the checks have paired, with what score. near, asked: verified pairs
    of rows that say, or ask, nearly the same. keyed: what rows share, by kind; `question` and
    `content` are always there.
    """

    ids: Sequence[str]
    nodes: pa.Array
    own: NDArray[np.int64]
    left: NDArray[np.int64]
    right: NDArray[np.int64]
    scores: NDArray[np.float64]
    near: NearPairs
    asked: NearPairs
    keyed: Mapping[str, Keyed] = field(default_factory=dict)

    def __len__(self) -> int:
        """Return how many rows there are."""
        return len(self.ids)

    @cached_property
    def content(self) -> NDArray[np.int64]:
        """The key of what each row says: an order that hangs on nothing else."""
        keys = np.zeros(len(self), np.int64)
        keys[self.keyed["content"].rows] = self.keyed["content"].keys
        return keys

    def related(self, together: Together, keyed: Mapping[str, Keyed]) -> Related:
        """Return what belongs together, by the pairs and by these keys."""
        kinds = [k for kind, k in keyed.items() if kind != "question" or together.duplicates]
        none = np.zeros(0, np.int64)
        near = ((self.own[found.left], self.own[found.right]) for found in (self.near, self.asked))
        pairs = [(self.left, self.right), *near]
        left, right = (
            (np.concatenate(side) for side in zip(*pairs, strict=True))
            if together.duplicates
            else (none, none)
        )
        return Related(
            len(self.nodes),
            left,
            right,
            np.concatenate([none, *(k.keys for k in kinds)]),
            self.own[np.concatenate([none, *(k.rows for k in kinds)])],
        )

    def clusters(self, near_from: float) -> NDArray[np.int64]:
        """Return each row's group of duplicates and of the same question, by a number.

        Unlike what is kept together, these pairs have at least a similarity of `near_from`.
        """
        question, close = self.keyed["question"], self.scores >= near_from
        near = self.near.where(self.near.jaccard >= near_from)
        _, place = np.unique(question.keys, return_inverse=True)
        n = len(self.nodes)
        left = [self.left[close], self.own[near.left], self.own[question.rows]]
        right = [self.right[close], self.own[near.right], n + place]
        joined = components(n + len(place), np.concatenate(left), np.concatenate(right))
        return joined[self.own]


def pool_of(
    workspace: Workspace,
    con: duckdb.DuckDBPyConnection,
    plan: Plan,
    together: Together,
    rows: Rows,
    staged: Path,
    near_from: float,
) -> Pool:
    """Return the rows of an export before any is left out, and what holds them together.

    Args:
        workspace: the project's workspace.
        con: with the views `records`, `findings` and `decisions`.
        plan: the check runs that count.
        together: what is kept together.
        rows: the records that have rows, and their questions.
        staged: the folder of the rows' tables.
        near_from: the similarity from which the policy takes rows for near-duplicates.

    """
    nodes = con.sql("SELECT id FROM records ORDER BY id").to_arrow_table()["id"].combine_chunks()
    edges = con.sql(
        "SELECT record_id, peer_id, max(score) AS score FROM findings"  # noqa: S608
        f" WHERE peer_id IS NOT NULL AND {_RELATED} GROUP BY ALL ORDER BY ALL"
    ).to_arrow_table()
    ends = [numbers(edges[c].combine_chunks(), nodes) for c in ("record_id", "peer_id")]
    inside = (ends[0] >= 0) & (ends[1] >= 0)
    files = sorted(staged.glob("*.parquet"))
    given = pa.array(rows.ids, pa.string())
    keyed = {
        "question": Keyed(np.array(rows.keys, np.int64), np.array(rows.key_owners, np.int64)),
        "content": _contents(files, given),
    }
    for kind, entries in relations(workspace, con, plan, together, rows.ids).items():
        owners = pa.array([owner for owner, _ in entries], pa.string())
        keys = np.array([key for _, key in entries], np.int64)
        keyed[kind] = Keyed(keys, numbers(owners, given))
    return Pool(
        ids=rows.ids,
        nodes=nodes,
        own=numbers(given, nodes),
        left=ends[0][inside],
        right=ends[1][inside],
        scores=edges["score"].to_numpy()[inside],
        near=near_rows(files, staged / ".sketches", rows.ids),
        asked=near_rows(files, staged / ".asked", rows.ids, near_from, questions=True),
        keyed=keyed,
    )


@dataclass
class Rows:
    """The records that have rows, in order, and the keys of their questions with their owners."""

    ids: list[str] = field(default_factory=list)
    keys: list[int] = field(default_factory=list)
    key_owners: list[int] = field(default_factory=list)


def numbers(ids: pa.Array, nodes: pa.Array) -> NDArray[np.int64]:
    """Return each id's place among the nodes, -1 where it is not among them."""
    found = pc.fill_null(pc.index_in(ids, value_set=nodes), -1)
    return np.asarray(found.to_numpy(zero_copy_only=False), dtype=np.int64)


def _contents(files: Sequence[Path], ids: pa.Array) -> Keyed:
    """Return a key for what each row says."""
    keys, owners = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    for path in files:
        table = read_table(path, columns=["id", "messages"])
        said = [
            key_of("content", *(f"{role}\x1e{fold(text) or text}" for role, text in spoken(row)))
            for row in table["messages"].to_pylist()
        ]
        keys.append(np.array(said, np.int64))
        owners.append(numbers(table["id"].combine_chunks(), ids))
    return Keyed(np.concatenate(keys), np.concatenate(owners))
