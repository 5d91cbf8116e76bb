"""Which records of an exported instruction dataset rest on a source that has changed since.

What a model learnt from them is not unlearnt by a new corpus, so they are named. A record that
only stands elsewhere in its source now is not stale.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from curator.tables import read_table

if TYPE_CHECKING:
    from pathlib import Path

    import duckdb

    from curator.workspace import Workspace

CHANGED, GONE, ERASED = "changed", "gone", "erased"

_SAID = "hash(list_transform(parts, lambda p: struct_pack(role := p.role, text := p.text)))"
_MISSING = "SELECT e.id, e.uri FROM exported e ANTI JOIN records r ON r.id = e.id"
_OLDER = f"""
SELECT id, source_uri, {_SAID} AS said FROM read_parquet(?) SEMI JOIN missing USING (id)
"""  # noqa: S608 - fixed text
_NOW = f"""
SELECT DISTINCT source_uri, {_SAID} AS said FROM read_parquet(?)
WHERE source_uri IN (SELECT source_uri FROM older)
"""  # noqa: S608 - fixed text
_STALE = f"""
SELECT DISTINCT m.id, m.uri,
       CASE WHEN o.id IS NULL THEN '{ERASED}'
            WHEN o.source_uri IN (SELECT source_uri FROM records) THEN '{CHANGED}'
            ELSE '{GONE}' END
FROM missing m LEFT JOIN older o USING (id)
WHERE o.id IS NULL OR NOT EXISTS
      (SELECT 1 FROM now n WHERE n.source_uri = o.source_uri AND n.said = o.said)
ORDER BY ALL
"""  # noqa: S608 - fixed text


@dataclass(frozen=True, slots=True)
class Stale:
    """A source as an export names it, what became of it, and the export's records from it."""

    source: str
    why: str
    records: tuple[str, ...]


def stale(workspace: Workspace, version: Path) -> list[Stale]:
    """Return what is stale of a version of the instruction dataset, source by source.

    `why` is `changed` (the source says something else now), `gone` (it is no source any more),
    or `erased`.

    Args:
        workspace: its active sources are what holds now.
        version: the folder of the version.

    """
    exported = _exported(version)
    con = workspace.sql()
    con.register("exported", exported)
    con.execute(f"CREATE TEMP TABLE missing AS {_MISSING}")
    found = con.execute("SELECT count(*) FROM missing").fetchone()
    if not found or not found[0]:
        return []
    parts = [str(path) for path in sorted(workspace.records.glob("*.parquet"))]
    _table(con, "older", _OLDER, parts)
    _table(con, "now", _NOW, [str(path) for path in workspace.record_parts()])
    by_source: dict[tuple[str, str], list[str]] = {}
    for record, uri, why in con.execute(_STALE).fetchall():
        by_source.setdefault((uri, why), []).append(record)
    return [Stale(uri, why, tuple(ids)) for (uri, why), ids in sorted(by_source.items())]


def _table(con: duckdb.DuckDBPyConnection, name: str, query: str, files: list[str]) -> None:
    """Make a table of what a query finds in record parts; an empty one where there are none."""
    if files:
        con.execute(f"CREATE TEMP TABLE {name} AS {query}", [files])
    else:
        con.execute(f"CREATE TEMP TABLE {name} (id VARCHAR, source_uri VARCHAR, said UBIGINT)")


def _exported(version: Path) -> pa.Table:
    """Return id and source of each row of a version: of all its Parquet files that have them."""
    tables = []
    for path in sorted(version.glob("*.parquet")):
        if {"id", "source"} <= set(pq.read_schema(path).names):
            rows = read_table(path, columns=["id", "source"])
            uri = pc.struct_field(rows["source"].combine_chunks(), "uri")
            tables.append(pa.table({"id": rows["id"].combine_chunks(), "uri": uri}))
    none = pa.schema([("id", pa.string()), ("uri", pa.string())]).empty_table()
    return pa.concat_tables([none, *tables])
