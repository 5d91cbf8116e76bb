"""The finding about a record that a check could not look at."""

from __future__ import annotations

from typing import TYPE_CHECKING

from curator.redact import NOT_CHECKED
from curator.tables import records_from
from curator.types import Finding, Span

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa

    from curator.types import View


def not_checked(records: pa.Table, check: str, view: View) -> Iterator[Finding]:
    """Yield what is found of records for which a check had too little memory: QLT015.

    A check of the raw view looks for what must be hidden: of a record that it could not look
    at, everything is, so that nobody sees what nobody has checked.
    """
    for record in records_from(records):
        shown = "[未检查]" if record.lang == "zh" else "[not checked]"
        texts = [part.text for part in record.parts] if view == "raw" else []
        spans = [Span(at, 0, len(text)) for at, text in enumerate(texts) if text]
        for span in spans or (None,):
            yield Finding(
                record_id=record.id,
                check=check,
                code=NOT_CHECKED,
                score=1.0,
                span=span,
                replacement=shown if span else None,
                evidence={"reason": "out of memory"},
            )
