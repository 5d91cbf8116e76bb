"""Presentations: exact blocks, heading paths and locators, in Chinese and English."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pptx
from pptx.chart.data import CategoryChartData
from pptx.enum.chart import XL_CHART_TYPE
from pptx.util import Inches

from tests.unit.document_reading import blocks_of, reason_of, record_of

if TYPE_CHECKING:
    from pathlib import Path

BOX = (Inches(1), Inches(1), Inches(3), Inches(1))


def slide_of(presentation: Any, layout: int, title: str = "") -> Any:
    slide = presentation.slides.add_slide(presentation.slide_layouts[layout])
    if title:
        slide.shapes.title.text = title
    return slide


def test_a_chinese_presentation_with_lists_a_merged_table_and_notes(tmp_path: Path) -> None:
    presentation = pptx.Presentation()
    first = slide_of(presentation, 1, "季度总结")
    body = first.placeholders[1].text_frame
    body.text = "营收增长"
    for level, text in ((1, "线上渠道"), (0, "成本下降")):
        paragraph = body.add_paragraph()
        paragraph.text, paragraph.level = text, level
    first.notes_slide.notes_text_frame.text = "先讲结论。\n再讲原因。"
    second = slide_of(presentation, 5, "明细")
    table = second.shapes.add_table(3, 2, *BOX).table
    for row, texts in enumerate((("部门", "人数"), ("研发", "30"), ("", "12"))):
        for column, text in enumerate(texts):
            table.cell(row, column).text = text
    table.cell(1, 0).merge(table.cell(2, 0))
    presentation.save(tmp_path / "总结.pptx")
    assert blocks_of(tmp_path / "总结.pptx") == [
        ("heading", "slide 1", (), "季度总结"),
        ("list", "slide 1", ("季度总结",), "- 营收增长\n  - 线上渠道\n- 成本下降"),
        ("paragraph", "slide 1 notes", ("季度总结",), "先讲结论。\n再讲原因。"),
        ("heading", "slide 2", (), "明细"),
        (
            "table",
            "slide 2 table 1",
            ("明细",),
            "| 部门 | 人数 |\n| --- | --- |\n| 研发 | 30 |\n| 研发 | 12 |",
        ),
    ]
    assert record_of(tmp_path / "总结.pptx").meta == {"slides": "2"}


def test_an_english_presentation_with_groups_numbers_and_a_chart(tmp_path: Path) -> None:
    presentation = pptx.Presentation()
    first = slide_of(presentation, 5, "Plan")
    group = first.shapes.add_group_shape()
    group.shapes.add_textbox(*BOX).text_frame.text = "Grouped text"
    steps = first.shapes.add_textbox(*BOX).text_frame
    steps.text = "Measure"
    steps.add_paragraph().text = "Cut"
    for paragraph in steps.paragraphs:
        numbering = paragraph._p.get_or_add_pPr().makeelement(
            "{http://schemas.openxmlformats.org/drawingml/2006/main}buAutoNum",
            {"type": "arabicPeriod"},
        )
        paragraph._p.pPr.append(numbering)
    second = slide_of(presentation, 6)
    data = CategoryChartData()
    data.categories = ["Q1", "Q2"]
    data.add_series("Sales", (1.5, 2.0))
    chart = second.shapes.add_chart(XL_CHART_TYPE.COLUMN_CLUSTERED, *BOX, data).chart
    chart.has_title = True
    chart.chart_title.text_frame.text = "Growth"
    presentation.save(tmp_path / "a.pptx")
    assert blocks_of(tmp_path / "a.pptx") == [
        ("heading", "slide 1", (), "Plan"),
        ("paragraph", "slide 1", ("Plan",), "Grouped text"),
        ("list", "slide 1", ("Plan",), "1. Measure\n2. Cut"),
        ("paragraph", "slide 2 chart", (), "Growth"),
        ("table", "slide 2 chart", (), "|  | Sales |\n| --- | --- |\n| Q1 | 1.5 |\n| Q2 | 2 |"),
    ]


def test_an_empty_presentation_is_quarantined(tmp_path: Path) -> None:
    pptx.Presentation().save(tmp_path / "a.pptx")
    assert reason_of(tmp_path / "a.pptx") == ("file", "no text at all")
