"""Merged provenance: the duplicates that an exported record stands for, and where they come from.

A record that fell is in no export, but what it says is. Its source and licence
must not be lost with it, so `provenance.jsonl` beside the rows names them.
"""

from __future__ import annotations

from collections import Counter
from itertools import groupby
from typing import TYPE_CHECKING, Any

from curator.exports.folder import Lines
from curator.redact import shown_sources

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    import duckdb

    from curator.exports.card import SourceKey

FILE = "provenance.jsonl"

_MERGED = """
SELECT s.id AS survivor, s.source_uri, s.locator, s.license,
       f.id AS record_id, f.source_uri AS uri, f.locator AS place, f.license AS terms,
       f.source_sha256 AS sha256
FROM decisions d
JOIN records f ON f.id = d.record_id
JOIN records s ON s.id = d.survivor_id
ORDER BY s.id, f.source_uri, f.locator, f.id
"""


def write_merged(
    con: duckdb.DuckDBPyConnection, folder: Path, exported: Collection[str]
) -> tuple[dict[str, int], Counter[SourceKey]]:
    """Write a line for each exported record that stands for others; no file where none does.

    Args:
        con: with the views `records` and `decisions`.
        folder: the export.
        exported: the ids of the records that have rows.

    Returns:
        The rows of the file, by its name, and how many records of each source are merged.

    """
    names = shown_sources(con, decided=True)
    rows = (
        (survivor, names.get(own, own), *place, names.get(uri, uri), *terms)
        for survivor, own, *place, uri, at, license_, sha in con.execute(_MERGED).fetchall()
        for terms in [(at, license_, sha)]
        if survivor in exported
    )
    groups = [(key, list(group)) for key, group in groupby(rows, key=lambda row: row[:4])]
    by_source: Counter[SourceKey] = Counter()
    if not groups:
        return {}, by_source
    with Lines(folder / FILE) as lines:
        for (survivor, *own), group in groups:
            merged = [{"record_id": row[4], **_source(*row[5:8])} for row in group]
            by_source.update((row[5], row[8]) for row in group)
            lines.add({"survivor_id": survivor, "source": _source(*own), "merged": merged})
        return {FILE: lines.rows}, by_source


def _source(uri: str, locator: str, terms: str | None) -> dict[str, Any]:
    return {"uri": uri, "locator": locator, "license": terms}
