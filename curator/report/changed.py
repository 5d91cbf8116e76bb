"""Records whose fate differs from an earlier decision's, as the report shows them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from curator.report.facts import in_chinese

if TYPE_CHECKING:
    from curator.changes import Changes, RecordChange
    from curator.evidence import Told
    from curator.report.excerpts import Reader

GROUPS, RECORDS = 40, 6
"""How many groups are shown, and how many records of each; `curator report --json` has all."""


@dataclass(frozen=True, slots=True)
class ChangedGroup:
    """Records that the same became of for the same reasons; `shown` with how each begins."""

    before: str
    after: str
    before_zh: str
    after_zh: str
    why: tuple[Told, ...]
    total: int
    shown: tuple[tuple[RecordChange, str], ...]


def changed_groups(changes: Changes, reader: Reader) -> list[ChangedGroup]:
    """Return the groups, the largest first."""
    grouped = changes.grouped()[:GROUPS]
    titles = reader.titles(one.record_id for _, some in grouped for one in some[:RECORDS])
    return [
        ChangedGroup(
            before,
            after,
            in_chinese(before),
            in_chinese(after),
            why,
            len(some),
            tuple((one, titles.get(one.record_id, "")) for one in some[:RECORDS]),
        )
        for (before, after, why), some in grouped
    ]
