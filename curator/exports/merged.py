"""Merged provenance: the duplicates that an exported record stands for, and where they come from.

A record that fell is in no export, but what it says is. Its source and licence
must not be lost with it, so `provenance.jsonl` beside the rows names them.
"""

from __future__ import annotations

from collections import Counter
from itertools import groupby
from typing import TYPE_CHECKING, Any

from curator.exports.folder import Lines

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    import duckdb

FILE = "provenance.jsonl"

_MERGED = """
SELECT s.id AS survivor, s.source_uri, s.locator, s.license,
       f.id AS record_id, f.source_uri AS uri, f.locator AS place, f.license AS terms
FROM decisions d
JOIN records f ON f.id = d.record_id
JOIN records s ON s.id = d.survivor_id
ORDER BY s.id, f.source_uri, f.locator, f.id
"""


def write_merged(
    con: duckdb.DuckDBPyConnection, folder: Path, exported: Collection[str]
) -> tuple[dict[str, int], Counter[str]]:
    """Write a line for each exported record that stands for others; no file where none does.

    Args:
        con: with the views `records` and `decisions`.
        folder: the export.
        exported: the ids of the records that have rows.

    Returns:
        The rows of the file, by its name, and how many records of each source are merged.

    """
    rows = (row for row in con.execute(_MERGED).fetchall() if row[0] in exported)
    groups = [(key, list(group)) for key, group in groupby(rows, key=lambda row: row[:4])]
    by_source: Counter[str] = Counter()
    if not groups:
        return {}, by_source
    with Lines(folder / FILE) as lines:
        for (survivor, *own), group in groups:
            merged = [{"record_id": row[4], **_source(*row[5:])} for row in group]
            by_source.update(row[5] for row in group)
            lines.add({"survivor_id": survivor, "source": _source(*own), "merged": merged})
        return {FILE: lines.rows}, by_source


def _source(uri: str, locator: str, terms: str | None) -> dict[str, Any]:
    return {"uri": uri, "locator": locator, "license": terms}
