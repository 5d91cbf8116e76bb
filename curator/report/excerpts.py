"""Excerpts of the redacted view: what a finding points at, and two records side by side."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from curator.edits import resolve
from curator.evidence import Told, told
from curator.redact import edits_of
from curator.report.comparison import Run, Turn, compared, plain
from curator.report.facts import rows

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import duckdb

    from curator.check import Plan
    from curator.report.groups import Group, Member, Shown
    from curator.types import Edit

AROUND = 90
"""How many characters before and after a highlight are shown."""
WHOLE = 24
"""A longer part is not marked where a finding speaks of all of it."""
OPENING = 260
"""How many characters of a part are shown where nothing is highlighted."""
TITLE = 90
"""How many characters of a record stand for it."""


@dataclass(frozen=True, slots=True)
class Example:
    """A finding with the text that it speaks of."""

    record_id: str
    score: float
    source: str
    turns: tuple[Turn, ...]
    evidence: tuple[Told, ...]


@dataclass(frozen=True, slots=True)
class SideBySide:
    """Two records that a finding pairs."""

    code: str
    score: float
    left: Example
    right: Example
    evidence: tuple[Told, ...]


@dataclass(frozen=True, slots=True)
class MemberBeside:
    """A member of a duplicate group beside the record that stands, with what differs marked."""

    member: Member
    source: str
    left: tuple[Turn, ...]
    right: tuple[Turn, ...]
    evidence: tuple[Told, ...]


@dataclass(frozen=True, slots=True)
class GroupBeside:
    """A duplicate group with its texts; `opening` is how the record that stands begins."""

    group: Group
    source: str
    opening: str
    members: tuple[MemberBeside, ...]


class Reader:
    """Reads single records of the redacted view; raw text is never opened."""

    def __init__(self, con: duckdb.DuckDBPyConnection, plan: Plan) -> None:
        """Take the connection (with the view `redacted`) and the plan."""
        self.con = con
        self.raw = {check.name for check in plan.checks if check.cls.view == "raw"}
        self._known: dict[str, dict[str, Any]] = {}

    def records(self, ids: Iterable[str]) -> dict[str, dict[str, Any]]:
        """Return records by id, parts as dicts, source and locator; what was read is remembered."""
        wanted = set(ids)
        missing = sorted(wanted - self._known.keys())
        if missing:
            marks = ", ".join("?" * len(missing))
            query = "SELECT id, label, parts, source_uri, locator FROM redacted WHERE id IN"
            found = rows(self.con, f"{query} ({marks})", missing)
            self._known |= {row["id"]: row for row in found}
        return {i: self._known[i] for i in sorted(wanted & self._known.keys())}

    def titles(self, ids: Iterable[str]) -> dict[str, str]:
        """Return how records begin, by id."""
        return {i: _title(record["parts"]) for i, record in self.records(ids).items()}

    def edits(self, ids: Iterable[str]) -> dict[str, list[Edit]]:
        """Return the edits between each record and its redacted view, overlaps resolved."""
        wanted = sorted(set(ids))
        if not wanted or not self.raw:
            return {}
        marks, names = ", ".join("?" * len(wanted)), sorted(self.raw)
        found = rows(
            self.con,
            'SELECT record_id, code, part, start, "end", replacement FROM findings'  # noqa: S608
            f" WHERE record_id IN ({marks})"
            f' AND "check" IN ({", ".join("?" * len(names))}) AND replacement IS NOT NULL',
            [*wanted, *names],
        )
        return {record: resolve(edits) for record, edits in edits_of(found).items()}

    def examples(self, findings: Sequence[Mapping[str, Any]]) -> list[Example]:
        """Return each finding's excerpt."""
        records = self.records(f["record_id"] for f in findings)
        edits = self.edits(f["record_id"] for f in findings if f["check"] in self.raw)
        return [
            self._example(f, records[f["record_id"]], edits.get(f["record_id"], []))
            for f in findings
            if f["record_id"] in records
        ]

    def _example(
        self, finding: Mapping[str, Any], record: Mapping[str, Any], edits: Sequence[Edit]
    ) -> Example:
        part = finding["part"]
        parts = record["parts"]
        if part is None or part >= len(parts):
            turns = tuple(opening(p) for p in _telling(parts))
        else:
            start, end = finding["start"], finding["end"]
            if finding["check"] in self.raw:
                start, end = moved(start, end, [e for e in edits if e.span.part == part])
            turns = (*self._asked(finding, parts), highlighted(parts[part], start, end))
        return Example(
            finding["record_id"],
            finding["score"],
            _place(record),
            turns,
            (
                *(_given(record["label"]) if finding["code"] == "LBL003" else ()),
                *evidence_of(finding["code"], finding["evidence"]),
            ),
        )

    def _asked(
        self, finding: Mapping[str, Any], parts: Sequence[Mapping[str, Any]]
    ) -> tuple[Turn, ...]:
        """Return the question before the answer that is judged; a private detail needs none."""
        part = finding["part"]
        if finding["check"] in self.raw or parts[part]["role"] != "assistant":
            return ()
        before = next((p for p in reversed(parts[:part]) if p["role"] == "user"), None)
        return (opening(before),) if before else ()

    def side_by_side(self, findings: Sequence[Mapping[str, Any]]) -> list[SideBySide]:
        """Return the two records of each finding, with what differs marked."""
        ids = [i for f in findings for i in (f["record_id"], f["peer_id"])]
        records = self.records(ids)
        found = []
        for f in findings:
            if f["record_id"] in records and f["peer_id"] in records:
                one, two = records[f["peer_id"]], records[f["record_id"]]
                left, right = compared(one["parts"], two["parts"])
                found.append(
                    SideBySide(
                        f["code"],
                        f["score"],
                        Example(f["peer_id"], f["score"], _place(one), left, ()),
                        Example(f["record_id"], f["score"], _place(two), right, ()),
                        evidence_of(f["code"], f["evidence"]),
                    )
                )
        return found

    def groups(self, shown: Shown) -> list[GroupBeside]:
        """Return the groups with the texts of those whose records lie in the view."""
        records = self.records(shown.record_ids)
        found = []
        for group in shown.groups:
            if group.record_id in records:
                stands = records[group.record_id]
                members = [
                    MemberBeside(
                        m,
                        _place(records[m.record_id]),
                        *compared(stands["parts"], records[m.record_id]["parts"]),
                        _measures(m.code, m.evidence),
                    )
                    for m in group.members
                    if m.record_id in records
                ]
                found.append(
                    GroupBeside(group, _place(stands), _title(stands["parts"]), tuple(members))
                )
        return found


def moved(start: int, end: int, edits: Sequence[Edit]) -> tuple[int, int]:
    """Return where a span of the raw text lies once the edits (sorted, disjoint) are put in.

    Where an edit touches the span, what it put in is part of the outcome.
    """
    new_start, new_end, shift = start, end, 0
    opened = False
    for edit in edits:
        span = edit.span
        grown = len(edit.replacement) - (span.end - span.start)
        if span.end <= start and not (span.start == start and span.end == start):
            shift += grown
            new_start, new_end = start + shift, end + shift
        elif span.start < end or (span.start == start == end):
            if not opened and span.start < start:
                new_start = span.start + shift
            opened = True
            new_end = max(end, span.end) + shift + grown
            shift += grown
    return new_start, max(new_start, new_end)


def highlighted(part: Mapping[str, Any], start: int, end: int) -> Turn:
    """Return a part's text around a span, with the span marked if it is not all of a long part."""
    text = part["text"]
    start, end = min(start, len(text)), min(end, len(text))
    if start == 0 and end == len(text) > WHOLE:
        return opening(part)
    shown_end = min(end, start + OPENING)
    low, high = max(0, start - AROUND), min(len(text), shown_end + AROUND)
    runs = [
        Run("…" if low else ""),
        *plain(text[low:start]),
        Run(text[start:shown_end], "mark"),
        *plain(text[shown_end:high]),
        Run("…" if high < len(text) else ""),
    ]
    return Turn(part["role"], tuple(r for r in runs if r.text))


def opening(part: Mapping[str, Any]) -> Turn:
    """Return the beginning of a part."""
    text = part["text"]
    cut = text[:OPENING]
    return Turn(part["role"], (*plain(cut), *([Run("…")] if len(text) > len(cut) else [])))


def _telling(parts: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return the parts that tell what a record is about: two, a question and an answer if any."""
    asked = next((p for p in parts if p["role"] == "user"), None)
    answered = next((p for p in parts if p["role"] == "assistant"), None)
    found = [p for p in (asked, answered) if p is not None]
    return found if len(found) == 2 else list(parts[:2])


def _title(parts: Sequence[Mapping[str, Any]]) -> str:
    text = " ".join(" ".join(p["text"] for p in parts[:2])[: 2 * TITLE].split())
    return text if len(text) <= TITLE else text[:TITLE] + "…"


def _place(record: Mapping[str, Any]) -> str:
    return ", ".join(x for x in (record["source_uri"], record["locator"]) if x)


def evidence_of(code: str, text: str) -> tuple[Told, ...]:
    """Return a finding's evidence in plain words."""
    return tuple(told(code, json.loads(text))) if text else ()


def _measures(code: str, evidence: Mapping[str, Any]) -> tuple[Told, ...]:
    """Return the evidence but for what sets the two apart: that is told as the reason."""
    return tuple(told(code, {k: v for k, v in evidence.items() if not isinstance(v, bool)}))


def _given(label: str | None) -> tuple[Told, ...]:
    return (Told(f"标签“{label}”", f"label “{label}”"),)
