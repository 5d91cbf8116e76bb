"""The redacted view: records with private details replaced and encodings repaired.

Everything but the PII and encoding checks sees records in this form alone:
edits applied, speakers and unmapped columns left out.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING

import pyarrow as pa

from curator.edits import apply
from curator.tables import records_from, records_table
from curator.types import Edit, Span

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from curator.types import Record

VERSION = "1"
_PII_RANK = 1


def edits_of(findings: Iterable[Mapping[str, object]]) -> dict[str, list[Edit]]:
    """Return each record's edits: one for each finding row that has a span and a replacement.

    An edit that hides a private detail wins over one that repairs an encoding.
    """
    edits: dict[str, list[Edit]] = defaultdict(list)
    for row in findings:
        if row["replacement"] is not None and row["part"] is not None:
            edits[str(row["record_id"])].append(
                Edit(
                    Span(int(row["part"]), int(row["start"]), int(row["end"])),  # type: ignore[call-overload]
                    str(row["replacement"]),
                    _PII_RANK if str(row["code"]).startswith("PII") else 0,
                )
            )
    return edits


def redacted(record: Record, edits: Sequence[Edit]) -> Record:
    """Return the record as everybody but the PII check may see it."""
    parts = apply(record.parts, edits)
    # The paths that repeat a heading must not keep what an edit of the heading hides.
    headings = {
        old.text.strip(): new.text.strip()
        for old, new in zip(record.parts, parts, strict=True)
        if old.role == "heading" and old.text != new.text
    }
    shown = tuple(
        replace(
            part,
            speaker=None,
            heading_path=tuple(headings.get(h.strip(), h) for h in part.heading_path),
        )
        for part in parts
    )
    return replace(record, parts=shown, meta={})


class Redact:
    """The step that makes one part of the redacted view."""

    def __call__(self, records: pa.Table, *findings: pa.Table) -> pa.Table:
        """Return the records with the findings' replacements put in."""
        columns = ["record_id", "code", "part", "start", "end", "replacement"]
        rows = (
            pa.concat_tables([f.select(columns) for f in findings]).to_pylist() if findings else []
        )
        edits = edits_of(rows)
        return records_table(redacted(r, edits.get(r.id, [])) for r in records_from(records))
