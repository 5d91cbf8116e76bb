"""Excerpts of the redacted view: what a finding points at, and two records side by side."""

from __future__ import annotations

import difflib
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from curator.edits import resolve
from curator.redact import edits_of
from curator.report.facts import rows
from curator.text import PLACEHOLDER

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import duckdb

    from curator.check import Plan
    from curator.types import Edit

AROUND = 90
"""How many characters before and after a highlight are shown."""
WHOLE = 24
"""A longer part is not marked where a finding speaks of all of it."""
OPENING = 260
"""How many characters of a part are shown where nothing is highlighted."""
COMPARED = 700
"""How many characters of each of two records are compared."""

ALIKE = 0.35
"""Texts less alike than this are shown as they are: marking everything marks nothing."""

_CHANCE = " \n\t,.，。、！？!?"
_TOKEN = re.compile(r"[A-Za-z0-9]+|\s+|.", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Run:
    """A stretch of text of one style: plain, mark (the finding), hidden (a placeholder), diff."""

    text: str
    style: str = "plain"


@dataclass(frozen=True, slots=True)
class Turn:
    """One part of a record, or a stretch of it."""

    role: str
    runs: tuple[Run, ...]


@dataclass(frozen=True, slots=True)
class Example:
    """A finding with the text that it speaks of."""

    record_id: str
    score: float
    source: str
    turns: tuple[Turn, ...]
    evidence: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class SideBySide:
    """Two records that a finding pairs."""

    code: str
    score: float
    left: Example
    right: Example
    evidence: tuple[tuple[str, str], ...]


class Reader:
    """Reads single records of the redacted view; raw text is never opened."""

    def __init__(self, con: duckdb.DuckDBPyConnection, plan: Plan) -> None:
        """Take the connection (with the view `redacted`) and the plan."""
        self.con = con
        self.raw = {check.name for check in plan.checks if check.cls.view == "raw"}

    def records(self, ids: Iterable[str]) -> dict[str, dict[str, Any]]:
        """Return records by id: parts as dicts, source and locator."""
        wanted = sorted(set(ids))
        if not wanted:
            return {}
        marks = ", ".join("?" * len(wanted))
        query = f"SELECT id, label, parts, source_uri, locator FROM redacted WHERE id IN ({marks})"  # noqa: S608
        return {row["id"]: row for row in rows(self.con, query, wanted)}

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
                *((("label", record["label"]),) if finding["code"] == "LBL003" else ()),
                *evidence_of(finding["evidence"]),
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
                        evidence_of(f["evidence"]),
                    )
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


def plain(text: str) -> list[Run]:
    """Return text with its placeholders set apart."""
    runs, at = [], 0
    for match in PLACEHOLDER.finditer(text):
        runs += [Run(text[at : match.start()]), Run(match.group(), "hidden")]
        at = match.end()
    return [r for r in [*runs, Run(text[at:])] if r.text]


def compared(
    left: Sequence[Mapping[str, Any]], right: Sequence[Mapping[str, Any]]
) -> tuple[tuple[Turn, ...], tuple[Turn, ...]]:
    """Return two records' parts, cut to what is shown, with the words that differ marked."""
    ours, theirs = _cut(left), _cut(right)
    sides: tuple[list[Turn], list[Turn]] = ([], [])
    for i in range(max(len(ours), len(theirs))):
        a = ours[i] if i < len(ours) else None
        b = theirs[i] if i < len(theirs) else None
        a_tokens = _TOKEN.findall(a[1]) if a else []
        b_tokens = _TOKEN.findall(b[1]) if b else []
        match = difflib.SequenceMatcher(None, a_tokens, b_tokens, autojunk=False)
        a_runs: list[Run] = []
        b_runs: list[Run] = []
        alike = match.ratio() >= ALIKE or not (a and b)
        for tag, a0, a1, b0, b1 in match.get_opcodes():
            ours_text, theirs_text = "".join(a_tokens[a0:a1]), "".join(b_tokens[b0:b1])
            # A lone space or comma in common is chance, not agreement.
            same = tag == "equal" and (ours_text.strip(_CHANCE) != "" or len(a_tokens) == a1 - a0)
            style = "plain" if same or not alike else "diff"
            a_runs.append(Run(ours_text, style))
            b_runs.append(Run(theirs_text, style))
        if a:
            sides[0].append(Turn(a[0], tuple(r for r in a_runs if r.text)))
        if b:
            sides[1].append(Turn(b[0], tuple(r for r in b_runs if r.text)))
    return tuple(sides[0]), tuple(sides[1])


def _cut(parts: Sequence[Mapping[str, Any]]) -> list[tuple[str, str]]:
    room, cut = COMPARED, []
    for part in parts:
        if room <= 0:
            break
        text = part["text"]
        cut.append((part["role"], text if len(text) <= room else text[:room] + "…"))
        room -= len(text)
    return cut


def _telling(parts: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return the parts that tell what a record is about: two, a question and an answer if any."""
    asked = next((p for p in parts if p["role"] == "user"), None)
    answered = next((p for p in parts if p["role"] == "assistant"), None)
    found = [p for p in (asked, answered) if p is not None]
    return found if len(found) == 2 else list(parts[:2])


def _place(record: Mapping[str, Any]) -> str:
    return ", ".join(x for x in (record["source_uri"], record["locator"]) if x)


def evidence_of(text: str) -> tuple[tuple[str, str], ...]:
    """Return a finding's evidence as names and short values, sorted by name."""
    values = json.loads(text) if text else {}
    return tuple((str(k), _short(v)) for k, v in sorted(values.items()))


def _short(value: object) -> str:
    if isinstance(value, bool) or value is None:
        return {True: "yes", False: "no", None: "—"}[value]
    if isinstance(value, float):
        return f"{value:.3g}"
    if isinstance(value, list):
        return ", ".join(_short(v) for v in value)
    shown = str(value)
    return shown if len(shown) <= 60 else shown[:59] + "…"
