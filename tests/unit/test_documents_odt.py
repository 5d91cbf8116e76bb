"""OpenDocument texts: exact blocks, heading paths and locators, in Chinese and English."""

from __future__ import annotations

import zipfile
from typing import TYPE_CHECKING

from tests.unit.document_reading import blocks_of, reason_of

if TYPE_CHECKING:
    from pathlib import Path

NAMES = " ".join(
    f'xmlns:{short}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"'
    for short, name in (
        ("office", "office"),
        ("text", "text"),
        ("table", "table"),
        ("draw", "drawing"),
        ("style", "style"),
    )
)
STYLES = (
    '<office:automatic-styles><text:list-style style:name="L1"><text:list-level-style-number text:level="1"/>'
    '<text:list-level-style-bullet text:level="2"/></text:list-style></office:automatic-styles>'
)


def odt(path: Path, body: str) -> Path:
    content = (
        f'<?xml version="1.0" encoding="UTF-8"?><office:document-content {NAMES}>{STYLES}'
        f"<office:body><office:text>{body}</office:text></office:body></office:document-content>"
    )
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.text")
        archive.writestr("content.xml", content)
    return path


def test_a_chinese_text_with_lists_a_merged_table_and_a_note(tmp_path: Path) -> None:
    body = """<text:tracked-changes><text:p>删去的</text:p></text:tracked-changes>
<text:h text:outline-level="1">制度</text:h>
<text:p>正文<text:s text:c="2"/>一<text:line-break/>二。<text:note><text:note-citation>1</text:note-citation>
<text:note-body><text:p>脚注内容</text:p></text:note-body></text:note></text:p>
<text:h text:outline-level="2">步骤</text:h>
<text:list text:style-name="L1"><text:list-item><text:p>申请</text:p><text:list><text:list-item><text:p>附件</text:p></text:list-item></text:list></text:list-item>
<text:list-item><text:p>审批</text:p></text:list-item></text:list>
<table:table><table:table-row><table:table-cell table:number-rows-spanned="2"><text:p>部门</text:p></table:table-cell><table:table-cell><text:p>甲</text:p></table:table-cell></table:table-row>
<table:table-row><table:covered-table-cell/><table:table-cell><text:p>乙</text:p></table:table-cell></table:table-row></table:table>"""
    assert blocks_of(odt(tmp_path / "a.odt", body)) == [
        ("heading", "paragraph 1", (), "制度"),
        ("paragraph", "paragraph 2", ("制度",), "正文  一\n二。[^1]"),
        ("paragraph", "note 1", ("制度",), "[^1]: 脚注内容"),
        ("heading", "paragraph 3", ("制度",), "步骤"),
        ("list", "paragraph 4", ("制度", "步骤"), "1. 申请\n  - 附件\n2. 审批"),
        ("table", "table 1", ("制度", "步骤"), "| 部门 | 甲 |\n| --- | --- |\n| 部门 | 乙 |"),
    ]


def test_an_english_text_with_a_section_a_box_and_a_link(tmp_path: Path) -> None:
    body = """<text:section><text:p>See <text:a>the <text:span>manual</text:span></text:a>.</text:p></text:section>
<text:p>Beside.<draw:frame><draw:text-box><text:p>Boxed</text:p></draw:text-box></draw:frame></text:p>"""
    assert blocks_of(odt(tmp_path / "a.odt", body)) == [
        ("paragraph", "paragraph 1", (), "See the manual."),
        ("paragraph", "paragraph 2", (), "Beside."),
        ("paragraph", "paragraph 2 text box", (), "Boxed"),
    ]


def test_an_empty_text_is_quarantined(tmp_path: Path) -> None:
    assert reason_of(odt(tmp_path / "a.odt", "<text:p/>")) == ("file", "no text at all")
