"""What went into which vector table: so that an erasure can name the tables, none of them asked.

.curator/tables.json             the tables, the version of the corpus that each follows, and how
                                 many erasures its disk has seen
.curator/tables/<table>.parquet  the ids of the records of which a table has held chunks
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa

from curator.tables import digest, read_table
from curator.workspace import read_json, write_json, write_table

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from curator.exports.targets.protocol import Place
    from curator.workspace import Workspace


class SyncLog:
    """The tables of a workspace, by what they are called."""

    def __init__(self, workspace: Workspace) -> None:
        """Read what is known; the workspace is locked by whoever writes."""
        self._workspace = workspace
        self._path = workspace.store / "tables.json"
        self._known: dict[str, dict[str, Any]] = (
            read_json(self._path) if self._path.exists() else {}
        )

    def begin(self, place: Place, records: Collection[str]) -> None:
        """Note that a table is about to hold chunks of these records, beside those it holds."""
        self._keep(place, {*self._records(str(place)), *records})
        self._known.setdefault(str(place), {"version": None, "erasures": 0})
        write_json(self._path, self._known)

    def end(self, place: Place, version: str, records: Collection[str], *, purged: bool) -> None:
        """Note that a table holds chunks of these records alone."""
        entry = self._known[str(place)]
        erasures = self._erasures() if purged else entry["erasures"]
        self._known[str(place)] = {"version": version, "erasures": erasures}
        self._keep(place, records)
        write_json(self._path, self._known)

    def is_to_purge(self, place: Place) -> bool:
        """Whether something was erased since a table's disk was last rid of what it lost."""
        entry = self._known.get(str(place))
        return entry is not None and entry["erasures"] < self._erasures()

    def start(self, place: Place) -> None:
        """Note that a table is new: nothing that was erased before was ever in it."""
        self._known[str(place)] = {"version": None, "erasures": self._erasures()}

    def holding(self, gone: Collection[str]) -> list[dict[str, Any]]:
        """Return the tables that hold chunks of these records, and of how many."""
        counts = {name: len(self._records(name) & set(gone)) for name in sorted(self._known)}
        return [{"table": name, "records": n} for name, n in counts.items() if n]

    def _erasures(self) -> int:
        return sum(entry["status"] == "done" for entry in self._workspace.erasures())

    def _records(self, name: str) -> set[str]:
        path = self._file(name)
        return set(read_table(path)["record_id"].to_pylist()) if path.exists() else set()

    def _keep(self, place: Place, records: Collection[str]) -> None:
        ids = pa.array(sorted(records), pa.string())
        write_table(self._file(str(place)), pa.table({"record_id": ids}))

    def _file(self, name: str) -> Path:
        return self._workspace.store / "tables" / f"{digest(name)}.parquet"
