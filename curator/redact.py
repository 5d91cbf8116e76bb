"""The redacted view: records with private details replaced and encodings repaired.

Everything but the PII and encoding checks sees records in this form alone:
edits applied, speakers and unmapped columns left out.
"""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING

import pyarrow as pa

from curator.edits import apply
from curator.tables import records_from, records_table
from curator.types import Edit, Span

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import duckdb

    from curator.types import Part, Record

VERSION = "2"
NOT_CHECKED = "QLT015"
"""The code of a finding that a check could not look at a record."""
_PII_RANK, _NOT_CHECKED_RANK = 1, 2
FIELDS = ("label", "source_uri")
"""What of a record beside its parts is shown, and may hold a private detail."""


def edits_of(findings: Iterable[Mapping[str, object]]) -> dict[str, list[Edit]]:
    """Return each record's edits: one for each finding row that has a span and a replacement.

    An edit that hides a private detail wins over one that repairs an encoding, and one that
    hides what was not looked at wins over both.
    """
    edits: dict[str, list[Edit]] = defaultdict(list)
    for row in findings:
        if row["replacement"] is not None and row["part"] is not None:
            edits[str(row["record_id"])].append(
                Edit(
                    Span(int(row["part"]), int(row["start"]), int(row["end"])),  # type: ignore[call-overload]
                    str(row["replacement"]),
                    _rank(str(row["code"])),
                )
            )
    return edits


def _rank(code: str) -> int:
    if code == NOT_CHECKED:
        return _NOT_CHECKED_RANK
    return _PII_RANK if code.startswith("PII") else 0


def fields_of(findings: Iterable[Mapping[str, object]]) -> dict[str, dict[str, str]]:
    """Return for each record what its label and its source's name are shown as, where not as is.

    A finding about a field has a replacement for the whole of it, no span, and the field's
    name in its evidence.
    """
    fields: dict[str, dict[str, str]] = defaultdict(dict)
    for row in findings:
        if row["replacement"] is not None and row["part"] is None:
            name = json.loads(str(row["evidence"])).get("field")
            if name in FIELDS:
                fields[str(row["record_id"])][name] = str(row["replacement"])
    return fields


def shown_sources(con: duckdb.DuckDBPyConnection, *, decided: bool) -> dict[str, str]:
    """Return what the names of sources are shown as, where they hold a private detail.

    Args:
        con: with the views `records`, `findings` and `decisions`.
        decided: whether only what the decision hides counts.

    """
    hidden = " AND f.id IN (SELECT unnest(edits) FROM decisions)" if decided else ""
    rows = con.execute(
        "SELECT DISTINCT r.source_uri, f.replacement FROM findings f"  # noqa: S608 - fixed text
        " JOIN records r ON r.id = f.record_id WHERE f.part IS NULL AND f.replacement IS NOT NULL"
        f' AND f.evidence LIKE \'%"field": "source_uri"%\'{hidden} ORDER BY ALL'
    ).fetchall()
    return dict(rows)


def redacted(
    record: Record, edits: Sequence[Edit], fields: Mapping[str, str] | None = None
) -> Record:
    """Return the record as everybody but the PII check may see it."""
    parts = apply(record.parts, edits)
    # The paths that repeat a heading must not keep what an edit of the heading hides.
    headings = {
        old.text.strip(): new.text.strip()
        for old, new in zip(record.parts, parts, strict=True)
        if old.role == "heading" and old.text != new.text
    }
    shown = tuple(_shown(part, headings) for part in parts)
    fields = fields or {}
    source = record.provenance
    return replace(
        record,
        parts=shown,
        meta={},
        label=fields.get("label", record.label),
        provenance=replace(source, source_uri=fields.get("source_uri", source.source_uri)),
    )


def _shown(part: Part, headings: Mapping[str, str]) -> Part:
    """Return a part without its speaker, and with the headings above it as they are shown."""
    path = part.heading_path
    if headings:
        path = tuple(headings.get(h.strip(), h) for h in path)
    # Most parts of most documents stay as they are.
    if part.speaker is None and path == part.heading_path:
        return part
    return replace(part, speaker=None, heading_path=path)


class Redact:
    """The step that makes one part of the redacted view."""

    def __call__(self, records: pa.Table, *findings: pa.Table) -> pa.Table:
        """Return the records with the findings' replacements put in."""
        columns = ["record_id", "code", "part", "start", "end", "replacement", "evidence"]
        rows = (
            pa.concat_tables([f.select(columns) for f in findings]).to_pylist() if findings else []
        )
        edits, fields = edits_of(rows), fields_of(rows)
        return records_table(
            redacted(r, edits.get(r.id, []), fields.get(r.id)) for r in records_from(records)
        )
