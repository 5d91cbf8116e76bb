"""Records as a reviewer sees them now, and the way from there to the records as they were read."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from curator.review.places import Places
from curator.reviews import content_sha, shown
from curator.tables import read_table

if TYPE_CHECKING:
    from collections.abc import Collection

    from curator.check import Plan
    from curator.types import Record

_COLUMNS = ["id", "record_id", "code", "part", "start", "end", "replacement"]


class Shown:
    """Some records of the redacted view; `contents` are their content hashes.

    Args:
        plan: the check runs that count.
        ids: the records that are asked for; those that are not there are left out.

    """

    def __init__(self, plan: Plan, ids: Collection[str]) -> None:
        self._plan = plan
        self.records: dict[str, Record] = {}
        self._part: dict[str, int] = {}
        for at, record in shown(plan, ids):
            self.records[record.id] = record
            self._part[record.id] = at
        self.contents = {i: content_sha(record) for i, record in self.records.items()}
        self._findings: dict[int, dict[str, list[dict[str, Any]]]] = {}

    def places(self, record_id: str) -> Places:
        """Return the way from a record's redacted text back to the record."""
        at = self._part[record_id]
        if at not in self._findings:
            about: dict[str, list[dict[str, Any]]] = defaultdict(list)
            name = self._plan.parts[at].name
            for check in self._plan.checks:
                path = check.folder / name
                if check.cls.view == "raw" and path.exists():
                    for row in read_table(path, columns=_COLUMNS).to_pylist():
                        about[row["record_id"]].append(row)
            self._findings = {at: about}
        return Places(record_id, self._findings[at].get(record_id, []))
