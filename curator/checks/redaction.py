"""Outside records in the form that the project's own are compared in: redacted by its checks."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from curator.checks import check_class
from curator.redact import edits_of, redacted
from curator.tables import finding_row, records_table

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from curator.types import Record


def redaction(checks: Sequence[tuple[str, Mapping[str, Any]]]) -> Redaction:
    """Return the redaction by these checks, built once in a process."""
    return _built(json.dumps(checks, sort_keys=True))


@lru_cache(maxsize=1)
def _built(checks: str) -> Redaction:
    return Redaction(json.loads(checks))


class Redaction:
    """Puts in what the project's checks of the raw view propose; nothing is kept or written."""

    def __init__(self, checks: Sequence[tuple[str, Mapping[str, Any]]]) -> None:
        """Build the checks, given as names and parameters, and so load their models."""
        self._checks = [check_class(name)(**params) for name, params in checks]

    def __call__(self, records: Sequence[Record]) -> list[Record]:
        """Return the records as the project's redacted view would show them."""
        # Records from several files may go by one id; here each has its own.
        numbered = [replace(record, id=str(i)) for i, record in enumerate(records)]
        table = records_table(numbered)
        rows = [
            finding_row(finding, "")
            for check in self._checks
            for finding in check(table)  # type: ignore[operator]
        ]
        edits = edits_of(rows)
        return [
            replace(redacted(record, edits.get(record.id, [])), id=old.id)
            for record, old in zip(numbered, records, strict=True)
        ]
