"""Workbooks whose rows are documents: titles, merged cells, headers in two rows, charts."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import openpyxl
import pytest
import xlwt
from openpyxl.chart import BarChart, Reference

from curator.errors import SourceError
from curator.types import Quarantined, Record, SetAside
from tests.unit.document_reading import Item, items_of

if TYPE_CHECKING:
    from pathlib import Path


def said(items: list[Item]) -> list[tuple[Any, ...]]:
    """Return locator, heading path and text of records, locator and reason of the rest."""
    return [
        (item.provenance.locator, *((p.heading_path, p.text) for p in item.parts))
        if isinstance(item, Record)
        else (item.locator, item.reason)
        for item in items
    ]


def test_a_chinese_sheet_with_a_title_a_header_in_two_rows_and_merged_groups(
    tmp_path: Path,
) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "编制"
    for row in (
        ["2024 年人员编制", None, None, None],
        ["单位", "在岗", None, "备注"],
        [None, "男", "女", None],
        ["内科", 12, 20, "含规培"],
        [None, 3, 4.5, None],
        ["合计以财务口径为准", None, None, None],
    ):
        sheet.append(row)
    for cells in ("A1:D1", "A2:A3", "B2:C2", "D2:D3", "A4:A5", "A6:D6"):
        sheet.merge_cells(cells)
    book.save(tmp_path / "a.xlsx")
    context = ("编制", "2024 年人员编制")
    assert said(items_of(tmp_path / "a.xlsx")) == [
        ("sheet 编制 row 1", "above the header"),
        ("sheet 编制 row 2", "header"),
        ("sheet 编制 row 3", "header"),
        ("sheet 编制 row 4", (context, "单位: 内科\n在岗 男: 12\n在岗 女: 20\n备注: 含规培")),
        ("sheet 编制 row 5", (context, "单位: 内科\n在岗 男: 3\n在岗 女: 4.5")),
        ("sheet 编制 row 6", (context, "单位: 合计以财务口径为准")),
    ]


def test_an_english_sheet_with_a_second_table_below_a_chart_and_an_empty_sheet(
    tmp_path: Path,
) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    for row in (["Year", "Ducks"], [2023, 160], [2024, 180], [], ["Place", "Geese"], ["Lake", 7]):
        sheet.append(row)
    chart = BarChart()
    chart.title = "Ducks seen"
    chart.add_data(Reference(sheet, min_col=2, min_row=1, max_row=3), titles_from_data=True)
    sheet.add_chart(chart, "D2")
    book.create_sheet("empty")
    book.save(tmp_path / "a.xlsx")
    found = items_of(tmp_path / "a.xlsx")
    assert said(found)[:6] == [
        ("sheet Sheet row 1", "header"),
        ("sheet Sheet row 2", ((), "Year: 2023\nDucks: 160")),
        ("sheet Sheet row 3", ((), "Year: 2024\nDucks: 180")),
        ("sheet Sheet row 4", "blank row"),
        ("sheet Sheet row 5", "header"),
        ("sheet Sheet row 6", ((), "Place: Lake\nGeese: 7")),
    ]
    chart_record = found[6]
    assert isinstance(chart_record, Record)
    assert chart_record.provenance.locator == "sheet Sheet chart 1"
    assert (chart_record.parts[0].role, chart_record.parts[0].text) == ("heading", "Ducks seen")
    assert len(found) == 7


def test_charts_of_a_sheet_of_questions_are_set_aside(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    for row in (["问题", "回答"], ["几点关门？", "九点。"]):
        sheet.append(row)
    chart = BarChart()
    chart.add_data(Reference(sheet, min_col=2, min_row=1, max_row=2), titles_from_data=True)
    sheet.add_chart(chart, "D2")
    book.save(tmp_path / "a.xlsx")
    found = items_of(tmp_path / "a.xlsx")
    assert [type(item) for item in found] == [SetAside, Record, SetAside]
    assert said(found)[-1] == ("sheet Sheet chart 1", "chart")


def test_an_old_workbook_has_the_same_rows_and_types(tmp_path: Path) -> None:
    book = xlwt.Workbook()
    sheet = book.add_sheet("价格")
    date = xlwt.easyxf(num_format_str="YYYY-MM-DD")
    sheet.write_merge(0, 0, 0, 2, "价目表")
    for column, name in enumerate(("品名", "单价", "生效")):
        sheet.write(2, column, name)
    sheet.write_merge(3, 4, 0, 0, "苹果")
    for row, price in ((3, 5), (4, 6.5)):
        sheet.write(row, 1, price)
        sheet.write(row, 2, dt.datetime(2024, 5, 1), date)  # noqa: DTZ001 - a cell has no zone
    book.save(str(tmp_path / "a.xls"))
    context = ("价格", "价目表")
    assert said(items_of(tmp_path / "a.xls")) == [
        ("sheet 价格 row 1", "above the header"),
        ("sheet 价格 row 2", "blank row"),
        ("sheet 价格 row 3", "header"),
        ("sheet 价格 row 4", (context, "品名: 苹果\n单价: 5\n生效: 2024-05-01")),
        ("sheet 价格 row 5", (context, "品名: 苹果\n单价: 6.5\n生效: 2024-05-01")),
    ]


def test_figures_without_a_header_keep_their_first_row(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    for row in ([1, 2.5], [3, 4]):
        book.active.append(row)
    book.save(tmp_path / "a.xlsx")
    assert said(items_of(tmp_path / "a.xlsx")) == [
        ("sheet Sheet row 1", ((), "column 1: 1\ncolumn 2: 2.5")),
        ("sheet Sheet row 2", ((), "column 1: 3\ncolumn 2: 4")),
    ]


def test_a_workbook_without_any_row_says_so(tmp_path: Path) -> None:
    openpyxl.Workbook().save(tmp_path / "a.xlsx")
    with pytest.raises(SourceError, match="no sheet holds any row"):
        items_of(tmp_path / "a.xlsx")


def test_a_sheet_that_breaks_off_keeps_its_rows(tmp_path: Path) -> None:
    import zipfile

    book = openpyxl.Workbook()
    for number in range(300):
        book.active.append(["name", "value"] if not number else [f"n{number}", number])
    book.save(tmp_path / "whole.xlsx")
    with (
        zipfile.ZipFile(tmp_path / "whole.xlsx") as old,
        zipfile.ZipFile(tmp_path / "a.xlsx", "w") as new,
    ):
        for name in old.namelist():
            data = old.read(name)
            cut = data.find(b'<row r="290"') if name.endswith("sheet1.xml") else len(data)
            new.writestr(name, data[:cut])
    found = items_of(tmp_path / "a.xlsx")
    assert sum(isinstance(item, Record) for item in found) == 288
    assert isinstance(found[-1], Quarantined)
    assert (found[-1].locator, found[-1].reason) == (
        "sheet Sheet after row 289",
        "the rest of the sheet is damaged",
    )
