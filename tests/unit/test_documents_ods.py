"""OpenDocument sheets: rows with sheet and row, values, merged cells, what is only counted."""

from __future__ import annotations

import zipfile
from typing import TYPE_CHECKING

import pandas as pd
import pytest

from curator.errors import SourceError
from curator.schema import Source
from curator.sources import sniff
from curator.types import Record
from tests.unit.document_reading import items_of
from tests.unit.test_documents_odt import NAMES
from tests.unit.test_documents_sheets import said

if TYPE_CHECKING:
    from pathlib import Path

MIME = "application/vnd.oasis.opendocument.spreadsheet"
MANIFEST = (
    '<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0">'
    f'<manifest:file-entry manifest:full-path="/" manifest:media-type="{MIME}"/></manifest:manifest>'
)


def ods(path: Path, *sheets: str, manifest: str = MANIFEST) -> Path:
    content = (
        f'<?xml version="1.0" encoding="UTF-8"?><office:document-content {NAMES}><office:body>'
        f"<office:spreadsheet>{''.join(sheets)}</office:spreadsheet></office:body></office:document-content>"
    )
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("mimetype", MIME)
        archive.writestr("content.xml", content)
        archive.writestr("META-INF/manifest.xml", manifest)
    return path


def sheet(name: str, *rows: str) -> str:
    return f'<table:table table:name="{name}">{"".join(rows)}</table:table>'


def row(*cells: str, times: int = 1) -> str:
    shown = "".join(c if c.startswith("<") else text(c) for c in cells)
    return f'<table:table-row table:number-rows-repeated="{times}">{shown}</table:table-row>'


def text(said: str, more: str = "") -> str:
    inner = "".join(f"<text:p>{line}</text:p>" for line in said.split("\n") if line)
    return f'<table:table-cell office:value-type="string" {more}>{inner}</table:table-cell>'


def value(kind: str, said: str, shown: str) -> str:
    name = {"date": "date-value", "boolean": "boolean-value"}.get(kind, "value")
    return (
        f'<table:table-cell office:value-type="{kind}" office:{name}="{said}">'
        f"<text:p>{shown}</text:p></table:table-cell>"
    )


COVERED = "<table:covered-table-cell/>"
EMPTY_COLUMNS = '<table:table-cell table:number-columns-repeated="16384"/>'


def test_a_sheet_with_a_title_merged_cells_and_kinds_of_values(tmp_path: Path) -> None:
    path = ods(
        tmp_path / "编制.ods",
        sheet(
            "编制",
            row(text("2024 年人员编制", 'table:number-columns-spanned="3"'), COVERED, COVERED),
            row("单位", "人数", "占比"),
            row(text("内科", 'table:number-rows-spanned="2"'), value("float", "12", "12"), value("percentage", "0.6", "60%")),
            row(COVERED, value("float", "3.25", "3.3"), value("currency", "8", "¥8.00"), EMPTY_COLUMNS),
            row("外科\n二病区", value("date", "2024-05-01", "五月一日"), value("boolean", "true", "是")),
            row("", times=1048000),
        ),
    )  # fmt: skip
    assert sniff(path, Source(path=str(path))).source.format == "ods"
    context = ("编制", "2024 年人员编制")
    assert said(items_of(path)) == [
        ("sheet 编制 row 1", "above the header"),
        ("sheet 编制 row 2", "header"),
        ("sheet 编制 row 3", (context, "单位: 内科\n人数: 12\n占比: 60%")),
        ("sheet 编制 row 4", (context, "单位: 内科\n人数: 3.25\n占比: ¥8.00")),
        (
            "sheet 编制 row 5",
            (context, "单位: 外科\n二病区\n人数: 2024-05-01T00:00:00\n占比: true"),
        ),
    ]


def test_rows_that_are_only_counted_keep_their_numbers(tmp_path: Path) -> None:
    path = ods(
        tmp_path / "a.ods",
        sheet("Q&amp;A", row("question", "answer"), row("", times=3), row("When?", "At nine.", times=2)),
        sheet("empty", row("", times=1048576)),
        sheet("more", "<table:table-row-group>", row("question", "answer"), row("Where?", "Here."), "</table:table-row-group>"),
    )  # fmt: skip
    items = items_of(path)
    records = [item for item in items if isinstance(item, Record)]
    assert [(r.provenance.locator, r.parts[0].text, r.parts[1].text) for r in records] == [
        ("sheet Q&A row 5", "When?", "At nine."),
        ("sheet Q&A row 6", "When?", "At nine."),
        ("sheet more row 2", "Where?", "Here."),
    ]
    assert ("sheet Q&A rows 2-4", "blank row") in said(items)


def test_dates_that_do_not_exist_and_spaces_are_as_shown(tmp_path: Path) -> None:
    spaced = "<table:table-cell><text:p>两<text:s text:c='3'/>格<office:annotation><text:p>注</text:p></office:annotation></text:p></table:table-cell>"
    path = ods(
        tmp_path / "a.ods",
        sheet("Sheet1", row("name", "when"), row(spaced, value("date", "2023-02-30", "30 Feb"))),
    )
    assert said(items_of(path))[-1] == ("sheet Sheet1 row 2", ((), "name: 两   格\nwhen: 30 Feb"))


def test_copies_of_other_files_are_no_sheets_and_boxes_are_documents(tmp_path: Path) -> None:
    box = "<table:shapes><draw:frame><draw:text-box><text:p>见附件</text:p></draw:text-box></draw:frame></table:shapes>"
    copy = sheet("'file:///b.ods'#$S", "<table:table-source/>", row("a", "b"), row("c", "d"))
    path = ods(tmp_path / "a.ods", sheet("s", box, row("k", "v"), row("x", "y")), copy)
    assert said(items_of(path)) == [
        ("sheet s row 1", "header"),
        ("sheet s row 2", (("s",), "k: x\nv: y")),
        ("sheet s text box 1", (("s",), "见附件")),
    ]


def test_more_rows_than_a_sheet_has_are_no_endless_work(tmp_path: Path) -> None:
    path = ods(
        tmp_path / "a.ods",
        sheet(
            "s",
            row("question", "answer"),
            row("q", "a", times=300),
            row("x", "y", times=99_999_999),
        ),
    )
    items = items_of(path)
    assert len(items) == 302
    assert said(items)[-1] == ("sheet s after row 301", "the rest of the sheet is damaged")


def test_damage_and_passwords_say_so(tmp_path: Path) -> None:
    locked = ods(
        tmp_path / "locked.ods",
        manifest="<manifest:manifest><manifest:encryption-data/></manifest:manifest>",
    )
    cut = ods(tmp_path / "cut.ods", sheet("s", row("a", "b")))
    cut.write_bytes(cut.read_bytes()[:300])
    named = tmp_path / "named.ods"
    named.write_bytes(bytes(range(256)) * 20)
    for path, why in ((locked, "needs a password"), (cut, "damaged"), (named, "")):
        with pytest.raises(SourceError, match=why):
            items_of(path)


def test_pandas_reads_the_same_values(tmp_path: Path) -> None:
    path = ods(
        tmp_path / "a.ods",
        sheet("s", row("项目", "n"), *(row(f"第{i}个", value("float", str(i), str(i))) for i in range(40))),
    )  # fmt: skip
    theirs = pd.read_excel(path, engine="calamine")
    ours = [item.parts[0].text for item in items_of(path) if isinstance(item, Record)]
    assert ours == [f"项目: {q}\nn: {n}" for q, n in theirs.itertuples(index=False)]
