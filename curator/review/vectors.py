"""The vectors of records under review, and the records that ask what they ask."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from curator.checks.embeddings import CAP, Embed, embedding, vectors_of
from curator.tables import read_table, records_table

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from curator.check import Plan
    from curator.types import Record
    from curator.workspace import Workspace

    Vector = NDArray[np.float32]

_BLOCK = 1024
_FIELDS = ("question", "answer")


class Vectors:
    """What was embedded of the records: made by the checks, else for a few records alone."""

    def __init__(self, workspace: Workspace, plan: Plan, encoder: str) -> None:
        """Look for the files that the checks left in the cache."""
        work = embedding(encoder)
        self._encoder = encoder
        self._files: list[Path] = []
        if plan.view_parts:
            folder = workspace.cache / plan.view_parts[0].parent.name / work.name / work.key
            files = [folder / path.name for path in plan.view_parts]
            self._files = files if all(path.exists() for path in files) else []

    def of(
        self, records: Sequence[Record], pair: Mapping[str, int]
    ) -> dict[str, dict[str, Vector]]:
        """Return the vectors of question and answer of one pair of each record that has pairs.

        Args:
            records: of the redacted view.
            pair: which of its pairs, counted from 0.

        """
        found: dict[str, dict[str, Vector]] = {}
        tables = self._tables({r.id for r in records}) if self._files else [self._made(records)]
        for table in tables:
            rows = table.select(["record_id", "field", "pair"]).to_pylist()
            for row, vector in zip(rows, vectors_of(table), strict=True):
                if row["field"] in _FIELDS and pair.get(row["record_id"]) == row["pair"]:
                    found.setdefault(row["record_id"], {})[row["field"]] = vector
        return found

    def _tables(self, ids: Collection[str]) -> Iterator[pa.Table]:
        wanted = pa.array(sorted(ids), pa.string())
        for path in self._files:
            table = read_table(path)
            mask = pc.is_in(table["record_id"], value_set=wanted)
            if pc.any(mask).as_py():
                yield table.filter(mask)

    def _made(self, records: Sequence[Record]) -> pa.Table:
        return Embed(self._encoder, CAP)(records_table(records))

    def nearest(
        self, vectors: Mapping[str, Vector], allowed: Collection[str]
    ) -> dict[str, tuple[str, int, float]]:
        """Return for each record the one whose question is nearest: id, pair and cosine.

        Where nothing is in the cache there is none.

        Args:
            vectors: the records' question vectors, of length 1.
            allowed: the records that may be found.

        """
        if not vectors or not self._files:
            return {}
        ids = sorted(vectors)
        mine = np.stack([vectors[i] for i in ids])
        best = np.full(len(ids), -np.inf, np.float32)
        who: list[tuple[str, int]] = [("", 0)] * len(ids)
        others = pa.array(sorted(allowed), pa.string())
        for path in self._files:
            table = read_table(path)
            asked = pc.equal(table["field"], "question")
            table = table.filter(pc.and_(asked, pc.is_in(table["record_id"], value_set=others)))
            if not table.num_rows:
                continue
            names, pairs_ = table["record_id"].to_pylist(), table["pair"].to_pylist()
            theirs = vectors_of(table)
            own = {name: at for at, name in enumerate(ids)}
            for low in range(0, len(ids), _BLOCK):
                likeness = mine[low : low + _BLOCK] @ theirs.T
                for column, name in enumerate(names):
                    at = own.get(name, -1) - low
                    if 0 <= at < len(likeness):
                        likeness[at, column] = -np.inf
                top = likeness.argmax(axis=1)
                for row, column in enumerate(top.tolist()):
                    value = likeness[row, column]
                    if value > best[low + row]:
                        best[low + row] = value
                        who[low + row] = (names[column], pairs_[column])
        return {
            name: (*who[at], round(float(best[at]), 4)) for at, name in enumerate(ids) if who[at][0]
        }


def clusters(vectors: NDArray[np.float32]) -> NDArray[np.int64]:
    """Return which of about √(n/2) groups of like questions each row belongs to."""
    from sklearn.cluster import KMeans  # noqa: PLC0415 - heavy, and only reviewing needs it

    n = len(vectors)
    k = min(len(np.unique(vectors, axis=0)), max(1, round((n / 2) ** 0.5))) if n else 0
    if k < 2:
        return np.zeros(n, np.int64)
    fitted = KMeans(k, n_init=1, random_state=0, max_iter=50).fit(vectors)
    return np.asarray(fitted.labels_, np.int64)
