"""Recall and precision for each finding code against the answer key of the sample data.

As a program: python -m tests.answer_key PROJECT   (a project made by `curator demo`)

A finding counts from the threshold of the policy's rule for its code. Private details match
where a finding of the same code hides the whole planted span; the rest match by record, and
duplicates and contradictions by the pair of records.
"""

from __future__ import annotations

import gzip
import json
import sys
from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

import curator
from curator.tables import records_from

SAMPLE = Path(__file__).resolve().parent.parent / "sample_data"
PAIRS = ("DUP001", "DUP002", "LBL002")
Place = tuple[str, str]


@dataclass(frozen=True)
class Score:
    """How a code did."""

    code: str
    planted: int
    recalled: int
    found: int
    right: int

    @property
    def recall(self) -> float:
        return self.recalled / self.planted if self.planted else 1.0

    @property
    def precision(self) -> float:
        return self.right / self.found if self.found else 1.0


def key(folder: Path = SAMPLE) -> list[dict[str, Any]]:
    """The answer key's rows."""
    return [
        json.loads(line) for line in (folder / "answer_key.jsonl").read_text("utf-8").splitlines()
    ]


def scores(root: Path) -> list[Score]:
    """The score of each code that the key has, quarantine and set-aside units included."""
    project = curator.open(root)
    records = {
        record.id: record
        for part in project.workspace.record_parts()
        for record in records_from(pq.read_table(part))
    }
    place = {i: (_name(r.provenance.source_uri), r.provenance.locator) for i, r in records.items()}
    thresholds = _thresholds(project)
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in project.findings().to_pylist():
        if row["score"] >= thresholds.get(row["code"], 0.0):
            found[row["code"]].append(row)
    planted: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in key():
        planted[row["code"]].append(row)
    out = []
    for code in sorted(set(planted) | set(found)):
        if code.startswith("PII"):
            out.append(_spans(code, planted[code], found[code], records))
        elif code in ("QUARANTINE", "SET_ASIDE"):
            out.append(_units(project, code, planted[code]))
        elif code in PAIRS:
            wanted = {_pair(_place(r), _place(r["peer"])) for r in planted[code]}
            got = {_pair(place[r["record_id"]], place[r["peer_id"]]) for r in found[code]}
            out.append(Score(code, len(wanted), len(wanted & got), len(got), len(wanted & got)))
        else:
            places = {_place(r) for r in planted[code]}
            seen = {place[r["record_id"]] for r in found[code]}
            out.append(Score(code, len(places), len(places & seen), len(seen), len(places & seen)))
    return out


def _thresholds(project: Any) -> dict[str, float]:
    out: dict[str, float] = {}
    for rule in project.rules.policy.rules:
        for code in rule.when.code if isinstance(rule.when.code, tuple) else (rule.when.code,):
            out[code] = min(out.get(code, 1.0), rule.when.score_at_least)
    return out


def _name(uri: str) -> str:
    return uri.rpartition("/")[2]


def _place(row: dict[str, Any]) -> Place:
    return row["source"], row["locator"]


def _pair(a: Place, b: Place) -> tuple[Place, Place]:
    return (a, b) if a <= b else (b, a)


def _units(project: Any, code: str, planted: list[dict[str, Any]]) -> Score:
    view = "quarantine" if code == "QUARANTINE" else "set_aside"
    rows = project.workspace.sql().sql(f"SELECT source_uri, locator, reason FROM {view}").fetchall()
    kept = {
        (_name(uri), locator)
        for uri, locator, reason in rows
        if reason not in ("header", "blank line", "blank row")
    }
    wanted = {_place(r) for r in planted}
    return Score(code, len(wanted), len(wanted & kept), len(kept), len(wanted & kept))


def _spans(
    code: str, planted: list[dict[str, Any]], found: list[dict[str, Any]], records: dict[str, Any]
) -> Score:
    spans = defaultdict(list)  # (source, record's locator or line, part) → (start, end)
    for row in found:
        record = records[row["record_id"]]
        where: tuple[Any, ...]
        source = _name(record.provenance.source_uri)
        if record.kind == "document":
            for line, start, end in _lines(record.parts[row["part"]], row["start"], row["end"]):
                spans[source, line, None].append((start, end))
        else:
            spans[source, record.provenance.locator, row["part"]].append((row["start"], row["end"]))
    recalled = 0
    right = Counter[tuple[Any, ...]]()
    for row in planted:
        where = (row["source"], row["locator"], row.get("part"))
        hits = [s for s in spans[where] if s[0] < row["end"] and row["start"] < s[1]]
        recalled += any(s[0] <= row["start"] and row["end"] <= s[1] for s in hits)
        for hit in hits:
            right[(*where, *hit)] = 1
    return Score(code, len(planted), recalled, sum(map(len, spans.values())), sum(right.values()))


def _lines(part: Any, start: int, end: int) -> list[tuple[str, int, int]]:
    """The span as (line, start, end) in the file's own line, found again by its text."""
    text = part.text[start:end]
    first = int(part.locator.partition(" ")[2].partition("–")[0].partition("-")[0])
    for name in (SAMPLE / "docs").iterdir():
        lines = _read(name)
        number = first + part.text[:start].count("\n")
        if number <= len(lines) and text in lines[number - 1]:
            at = lines[number - 1].index(text)
            return [(f"line {number}", at, at + len(text))]
    return [(part.locator, start, end)]


def _read(path: Path) -> list[str]:
    data = path.read_bytes()
    return (gzip.decompress(data) if path.suffix == ".gz" else data).decode("utf-8").split("\n")


def table(rows: list[Score]) -> str:
    """The scores as a Markdown table."""
    lines = [
        "| code | planted | recall | found | precision |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    for s in rows:
        # What was not planted was not looked for in the sample, so it may well be right.
        recall, precision = (f"{s.recall:.2f}", f"{s.precision:.2f}") if s.planted else ("—", "—")
        lines.append(f"| {s.code} | {s.planted} | {recall} | {s.found} | {precision} |")
    return "\n".join(lines)


if __name__ == "__main__":
    print(table(scores(Path(sys.argv[1]))))
