"""Word documents: exact blocks, heading paths and locators, in Chinese and English."""

from __future__ import annotations

import zipfile
from typing import TYPE_CHECKING, Any

import docx
import pytest
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls, qn

from curator.sources.documents.numbering import chinese, circled, letters, roman
from tests.unit.document_reading import blocks_of, reason_of, record_of

if TYPE_CHECKING:
    from pathlib import Path

W = nsdecls("w")


def appended(document: Any, xml: str) -> Any:
    element = parse_xml(xml)
    document.element.body.insert(len(document.element.body) - 1, element)
    return element


def numbered(document: Any, levels: list[tuple[str, str]]) -> int:
    """Define a list of these formats and texts, and return its number."""
    root = document.part.numbering_part.element
    abstract = "".join(
        f'<w:lvl w:ilvl="{i}"><w:start w:val="1"/><w:numFmt w:val="{how}"/>'
        f'{"<w:isLgl/>" if text == "%1.%2" else ""}<w:lvlText w:val="{text}"/></w:lvl>'
        for i, (how, text) in enumerate(levels)
    )
    number = 900 + len(root)
    root.insert(
        0, parse_xml(f'<w:abstractNum {W} w:abstractNumId="{number}">{abstract}</w:abstractNum>')
    )
    root.append(
        parse_xml(f'<w:num {W} w:numId="{number}"><w:abstractNumId w:val="{number}"/></w:num>')
    )
    return number


def in_list(paragraph: Any, number: int, level: int = 0) -> None:
    paragraph._p.get_or_add_pPr().append(
        parse_xml(f'<w:numPr {W}><w:ilvl w:val="{level}"/><w:numId w:val="{number}"/></w:numPr>')
    )


def test_a_chinese_document_with_numbered_chapters_lists_and_a_merged_table(tmp_path: Path) -> None:
    document = docx.Document()
    chapters = numbered(document, [("chineseCountingThousand", "第%1章"), ("decimal", "%1.%2")])
    document.add_paragraph("员工手册", style="Title")
    in_list(document.add_paragraph("总则", style="Heading 1"), chapters)
    document.add_paragraph("本手册适用于全体员工。\n自发布之日起施行。")
    in_list(document.add_paragraph("适用范围", style="Heading 2"), chapters, 1)
    steps = numbered(document, [("decimalEnclosedCircle", "%1"), ("bullet", "●")])
    for level, text in ((0, "提交申请"), (1, "附上凭证"), (1, "写明原因"), (0, "等待审批")):
        in_list(document.add_paragraph(text), steps, level)
    in_list(document.add_paragraph("休假", style="Heading 1"), chapters)
    table = document.add_table(3, 3)
    for row, texts in zip(
        table.rows,
        (("类别", "天数", "备注"), ("年假", "10", "带薪"), ("", "5", "病假|需证明")),
        strict=True,
    ):
        for cell, text in zip(row.cells, texts, strict=True):
            cell.text = text
    table.cell(1, 0).merge(table.cell(2, 0))
    document.save(tmp_path / "手册.docx")
    title, first, second = "员工手册", "第一章 总则", "1.1 适用范围"
    assert blocks_of(tmp_path / "手册.docx") == [
        ("heading", "paragraph 1", (), title),
        ("heading", "paragraph 2", (title,), first),
        ("paragraph", "paragraph 3", (title, first), "本手册适用于全体员工。\n自发布之日起施行。"),
        ("heading", "paragraph 4", (title, first), second),
        (
            "list",
            "paragraph 5",
            (title, first, second),
            "① 提交申请\n  - 附上凭证\n  - 写明原因\n② 等待审批",
        ),
        ("heading", "paragraph 9", (title,), "第二章 休假"),
        (
            "table",
            "table 1",
            (title, "第二章 休假"),
            "| 类别 | 天数 | 备注 |\n| --- | --- | --- |\n| 年假 | 10 | 带薪 |\n| 年假 | 5 | 病假\\|需证明 |",
        ),
    ]
    assert record_of(tmp_path / "手册.docx").lang == "zh"


def test_an_english_document_with_links_changes_fields_and_frames(tmp_path: Path) -> None:
    document = docx.Document()
    document.add_heading("Safety", 1)
    appended(
        document,
        f"<w:p {W}><w:r><w:t>See </w:t></w:r><w:hyperlink><w:r><w:t>the manual</w:t></w:r></w:hyperlink>"
        "<w:del><w:r><w:delText> gone</w:delText></w:r></w:del><w:ins><w:r><w:t>, page</w:t></w:r></w:ins>"
        "<w:r><w:noBreakHyphen/></w:r><w:r><w:instrText>PAGEREF x</w:instrText></w:r>"
        "<w:fldSimple><w:r><w:t>7</w:t></w:r></w:fldSimple></w:p>",
    )
    appended(
        document,
        f"<w:sdt {W}><w:sdtContent><w:p><w:r><w:t>In a control.</w:t></w:r></w:p></w:sdtContent></w:sdt>",
    )
    frame = document.add_table(1, 1)
    frame.cell(0, 0).text = "Framed, no table."
    document.save(tmp_path / "a.docx")
    found = blocks_of(tmp_path / "a.docx")
    assert found[:2] == [
        ("heading", "paragraph 1", (), "Safety"),
        ("paragraph", "paragraph 2", ("Safety",), "See the manual, page-7"),
    ]
    assert found[-2:] == [
        ("paragraph", "paragraph 3", ("Safety",), "In a control."),
        ("paragraph", "table 1", ("Safety",), "Framed, no table."),
    ]


def test_a_text_box_is_read_once(tmp_path: Path) -> None:
    document = docx.Document()
    document.save(tmp_path / "empty.docx")
    box = "<w:txbxContent><w:p><w:r><w:t>框中文字</w:t></w:r></w:p></w:txbxContent>"
    xml = (
        '<mc:AlternateContent xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006">'
        f"<mc:Choice Requires='wps'><w:drawing>{box}</w:drawing></mc:Choice>"
        f"<mc:Fallback><w:pict>{box}</w:pict></mc:Fallback></mc:AlternateContent>"
    )
    appended(document, f"<w:p {W}><w:r>{xml}</w:r><w:r><w:t>框外文字</w:t></w:r></w:p>")
    document.save(tmp_path / "a.docx")
    assert [(locator, text) for _, locator, _, text in blocks_of(tmp_path / "a.docx")] == [
        ("paragraph 1", "框外文字"),
        ("paragraph 1 text box", "框中文字"),
    ]


def test_footnotes_stand_behind_the_paragraph_that_refers_to_them(tmp_path: Path) -> None:
    document = docx.Document()
    document.add_heading("Notes", 1)
    appended(
        document,
        f'<w:p {W}><w:r><w:t>A claim.</w:t></w:r><w:r><w:footnoteReference w:id="2"/></w:r></w:p>',
    )
    document.add_paragraph("After it.")
    document.save(tmp_path / "plain.docx")
    notes = (
        f'<w:footnotes {W}><w:footnote w:id="0" w:type="separator"><w:p/></w:footnote>'
        '<w:footnote w:id="2"><w:p><w:r><w:t>出处：年报。</w:t></w:r></w:p></w:footnote></w:footnotes>'
    )
    with_part(
        tmp_path / "plain.docx",
        tmp_path / "a.docx",
        "footnotes",
        notes,
    )
    assert blocks_of(tmp_path / "a.docx") == [
        ("heading", "paragraph 1", (), "Notes"),
        ("paragraph", "paragraph 2", ("Notes",), "A claim.[^2]"),
        ("paragraph", "footnote 2", ("Notes",), "[^2]: 出处：年报。"),
        ("paragraph", "paragraph 3", ("Notes",), "After it."),
    ]


def with_part(source: Path, target: Path, kind: str, xml: str) -> None:
    """Write a document again with one more part that it refers to."""
    base = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            data = old.read(name)
            if name == "word/_rels/document.xml.rels":
                more = f'<Relationship Id="rId99" Type="{base}/{kind}" Target="{kind}.xml"/></Relationships>'
                data = data.replace(b"</Relationships>", more.encode())
            if name == "[Content_Types].xml":
                mime = f"application/vnd.openxmlformats-officedocument.wordprocessingml.{kind}+xml"
                more = f'<Override PartName="/word/{kind}.xml" ContentType="{mime}"/></Types>'
                data = data.replace(b"</Types>", more.encode())
            new.writestr(name, data)
        new.writestr(f"word/{kind}.xml", xml)


def test_what_is_beside_the_body_is_counted(tmp_path: Path) -> None:
    document = docx.Document()
    document.sections[0].header.paragraphs[0].text = "机密"
    document.add_paragraph("正文。")
    document.save(tmp_path / "a.docx")
    record = record_of(tmp_path / "a.docx")
    assert [part.text for part in record.parts] == ["正文。"]
    assert record.meta == {"left_out": "1 header"}


def test_headings_by_outline_level_and_by_the_name_of_a_style(tmp_path: Path) -> None:
    document = docx.Document()
    style = document.styles.add_style("标题 2", 1)
    document.add_paragraph("乙", style=style)
    own = document.add_paragraph("甲")
    own._p.get_or_add_pPr().append(parse_xml(f'<w:outlineLvl {W} w:val="0"/>'))
    document.add_paragraph("Text", style=style).style.element.set(qn("w:customStyle"), "1")
    document.save(tmp_path / "a.docx")
    assert [(role, path, text) for role, _, path, text in blocks_of(tmp_path / "a.docx")] == [
        ("heading", (), "乙"),
        ("heading", (), "甲"),
        ("heading", ("甲",), "Text"),
    ]


@pytest.mark.parametrize(
    ("shown", "numbers"),
    [
        (chinese, {0: "零", 5: "五", 10: "十", 12: "十二", 20: "二十", 105: "一百零五", 110: "一百一十", 1003: "一千零三", 10050: "一万零五十"}),
        (roman, {1: "i", 4: "iv", 9: "ix", 14: "xiv", 1990: "mcmxc", 0: "0"}),
        (letters, {1: "a", 26: "z", 27: "aa", 0: "0"}),
        (circled, {1: "①", 20: "⑳", 21: "21"}),
    ],
)  # fmt: skip
def test_numbers_as_word_shows_them(shown: Any, numbers: dict[int, str]) -> None:
    assert {number: shown(number) for number in numbers} == numbers


def test_an_empty_document_is_quarantined(tmp_path: Path) -> None:
    docx.Document().save(tmp_path / "a.docx")
    assert reason_of(tmp_path / "a.docx") == ("file", "no text at all")
