"""The readers on real files, where they are at hand."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from curator.schema import Chat, Source
from curator.sources import Tally, read, sniff
from curator.types import Quarantined, Record, SetAside

DATA = Path(os.environ.get("CURATOR_DATA", "../shared/data"))
pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason="the real data (CURATOR_DATA) is absent")


def ingested(
    name: str, **settings: Any
) -> tuple[Source, list[Record | Quarantined | SetAside], Counter[str]]:
    """Read a file; return its settled source, what came out, and the reasons."""
    path = DATA / name
    source = sniff(path, Source(path=str(path), **settings)).source
    tally = Tally()
    out = list(read(path, path.name, "sha", source, tally))
    assert sum(item.n_units for item in out) == tally.units_read
    return source, out, Counter(i.reason for i in out if not isinstance(i, Record))


def test_a_csv_in_gb18030() -> None:
    source, out, reasons = ingested("raw/toyhom_neike_gb18030_first2000lines.csv")
    assert (source.format, source.encoding) == ("csv", "gb18030")
    assert source.columns is not None
    assert source.columns.user == ("title", "ask")
    assert source.columns.label == "department"
    assert reasons == {"header": 1}
    assert all(isinstance(item, SetAside) or item.lang == "zh" for item in out)  # type: ignore[union-attr]
    lines = [int(i.provenance.locator.split()[1]) for i in out if isinstance(i, Record)]
    raw = (DATA / "raw/toyhom_neike_gb18030_first2000lines.csv").read_bytes()
    assert lines == sorted(set(lines))
    assert 2 <= lines[0] <= lines[-1] <= raw.count(b"\n") + 1


def test_json_lines_of_questions_with_titles() -> None:
    _, out, reasons = ingested("medical/toyhom_neike_sample_raw.jsonl.gz")
    assert len(out) == 3837
    assert not reasons


def test_an_invalid_json_array_gives_all_its_good_elements() -> None:
    source, out, reasons = ingested("raw/alpaca_zh_9407-12345_INVALID_JSON.json")
    assert source.format == "json"
    assert len(out) == 2801
    assert not reasons


def test_an_irc_log() -> None:
    chat = Chat(
        line=r"(?:\[(?P<time>\d\d:\d\d)\] +)?(?P<speaker>===|\*|<[^>]+>) ?(?P<text>.*)",
        assistant="<JHBuddy>",
        system="===",
        gap_minutes=10,
    )
    _, out, reasons = ingested("raw/irc_2005-06-27_12.raw.txt", chat=chat)
    raw = (DATA / "raw/irc_2005-06-27_12.raw.txt").read_bytes()
    assert reasons["system line"] == sum(line.startswith(b"===") for line in raw.splitlines())
    assert sum(item.n_units for item in out) == len(raw.splitlines())
    assert any(isinstance(item, Record) for item in out)


@pytest.mark.parametrize(
    ("name", "records", "reasons"),
    [
        ("csv-semicolon.csv", 5, {"header": 1}),
        ("csv-too-many-columns.csv", 3, {"header": 1, "5 columns where 4 are named": 1}),
        ("test_mskanji.csv", 3, {"header": 1}),
        ("wiki.md", 1, {}),
        ("xlsx_01.xlsx", 32, {"header": 6, "blank row": 1}),
        ("xlsx_05_table_with_title.xlsx", 6, {"blank row": 2, "above the header": 1, "header": 1}),
    ],
)
def test_tables_and_documents(name: str, records: int, reasons: dict[str, int]) -> None:
    _, out, found = ingested(f"rag/files/{name}")
    assert sum(isinstance(item, Record) for item in out) == records
    assert dict(found) == reasons


def test_markdown_sections() -> None:
    _, (record,), _ = ingested("rag/files/wiki.md")
    assert isinstance(record, Record)
    assert record.parts[0].role == "heading"
    assert all(part.heading_path[0] == record.parts[0].text for part in record.parts[1:])
