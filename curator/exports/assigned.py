"""In which split each record was exported: kept in the workspace, so that none ever moves.

    .curator/splits/<seed>/0001-<request>.parquet

Each file is what one export settled. A request is a hash of what was asked for: the decision
and the parameters. The same request rests on the files before its own, so it gives the same
bytes whenever it is repeated. A record is known by its id, by what it says and by its
questions: where a line is put in above it, or its answer is corrected, it stays where it was.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from curator.splits import NAMES, NEW
from curator.tables import digest, read_table
from curator.workspace import write_table

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from curator.workspace import Workspace

ASSIGNED = pa.schema([("record_id", pa.string()), ("key", pa.int64()), ("split", pa.string())])


@dataclass(frozen=True)
class Assigned:
    """What earlier exports settled, and where this one's part of it is kept.

    id: a hash of the earlier ones, empty where there are none.
    """

    path: Path
    earlier: tuple[Path, ...]

    @property
    def id(self) -> str:
        """Tell apart what this export rests on."""
        return digest([path.name for path in self.earlier]) if self.earlier else ""

    def of_records(self, ids: Sequence[str]) -> NDArray[np.int8]:
        """Return the split of each record by its id, `NEW` where there is none."""
        known: dict[str, int] = {}
        for table in self._tables():
            for name, split in _distinct(table, "record_id"):
                known.setdefault(name, split)
        return np.array([known.get(i, NEW) for i in ids], np.int8)

    def of_keys(self, keys: NDArray[np.int64]) -> NDArray[np.int8]:
        """Return the split of each key, `NEW` where it has none or had two.

        Args:
            keys: each once and in order.

        """
        side = np.full(len(keys), NEW, np.int8)
        two = np.zeros(len(keys), np.bool_)
        for table in self._tables():
            given = table["key"].to_numpy()
            split = _numbers(table["split"])
            at = np.searchsorted(keys, given)
            at[at == len(keys)] = 0
            hit = keys[at] == given if len(keys) else np.zeros(len(given), np.bool_)
            for one in np.unique(split[hit]).tolist():
                where = np.unique(at[hit & (split == one)])
                two[where] |= (side[where] != NEW) & (side[where] != one)
                side[where] = np.where(side[where] == NEW, one, side[where])
        side[two] = NEW
        return side

    def keep(self, ids: Sequence[str], keys: NDArray[np.int64], side: NDArray[np.int8]) -> None:
        """Keep in which split each record with each of its keys was exported."""
        names = pa.array(NAMES).take(pa.array(side.astype(np.int64)))
        columns = [pa.array(ids, pa.string()), pa.array(keys, pa.int64()), names]
        write_table(self.path, pa.table(columns, schema=ASSIGNED))

    def _tables(self) -> list[pa.Table]:
        return [read_table(path) for path in self.earlier]


def assigned(workspace: Workspace, seed: int, request: str) -> Assigned:
    """Return what the exports before a request have settled."""
    folder = workspace.splits / str(seed)
    there = sorted(folder.glob("*.parquet")) if folder.exists() else []
    for at, path in enumerate(there):
        if path.stem.endswith(f"-{request}"):
            return Assigned(path, tuple(there[:at]))
    last = int(there[-1].stem.split("-")[0]) if there else 0
    return Assigned(folder / f"{last + 1:06d}-{request}.parquet", tuple(there))


def _distinct(table: pa.Table, column: str) -> list[tuple[str, int]]:
    names = table[column].to_pylist()
    return list(dict(zip(names, _numbers(table["split"]).tolist(), strict=True)).items())


def _numbers(splits: pa.ChunkedArray) -> NDArray[np.int8]:
    return np.array([NAMES.index(name) for name in splits.to_pylist()], np.int8)
