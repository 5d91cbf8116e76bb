"""PDF files: exact blocks, heading paths and locators, in Chinese and English."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pypdfium2
import pytest
from reportlab.lib.pdfencrypt import StandardEncryption
from reportlab.lib.utils import ImageReader
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfgen.canvas import Canvas

from curator.errors import SourceError
from curator.sources.documents.pdf.mending import compounds, joined
from tests.unit.document_reading import blocks_of, items_of, reason_of, record_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

SONG = "STSong-Light"
WIDTH, HEIGHT = 600, 800
pdfmetrics.registerFont(UnicodeCIDFont(SONG))


def canvas(path: Path, **settings: Any) -> Canvas:
    return Canvas(str(path), pagesize=(WIDTH, HEIGHT), **settings)


def lines(
    on: Canvas, x: float, y: float, texts: Sequence[str], font: str = SONG, size: float = 10
) -> None:
    """Draw lines from above; a line that begins with a wide space is indented by two letters."""
    on.setFont(font, size)
    for i, text in enumerate(texts):
        indent = 2 * size if text.startswith("\u3000") else 0
        on.drawString(x + indent, HEIGHT - y - i * 1.5 * size, text.lstrip("\u3000"))


def grid(
    on: Canvas,
    xs: Sequence[float],
    ys: Sequence[float],
    cells: Sequence[Sequence[str]],
    font: str = SONG,
) -> None:
    on.grid(xs, [HEIGHT - y for y in ys])
    on.setFont(font, 10)
    for row, y in zip(cells, ys, strict=False):
        for text, x in zip(row, xs, strict=False):
            on.drawString(x + 4, HEIGHT - y - 14, text)


def test_a_chinese_document_in_two_columns(tmp_path: Path) -> None:
    on = canvas(tmp_path / "报告.pdf")
    left, right = 60, 320
    for page in (1, 2):
        lines(on, left, 40, ["某某医院年度报告"], size=9)
        lines(on, 280, 780, [f"第 {page} 页"], size=9)
        if page == 1:
            lines(on, left, 90, ["医院信息化建设情况"], size=20)
            lines(on, left, 130, ["一、背景"], size=14)
            lines(on, left, 160, [
                "　　近年来，医院持续推进信息化建设，电子病历系统",
                "覆盖全部科室，接入设备三百余台，数据质量明显提高，",
                "日均处理请求超过 10 万次。",
                "　　在此基础上，医院启动了新一轮的升级改造工作，重",
                "点解决系统之间互不相通的问题，并且引入 Python 工具",
                "自动核对各类报表，减少了重复劳动，各科室的反馈良好",
            ])  # fmt: skip
            lines(on, right, 160, [
                "而且稳定，值班人员不再需要手工抄录任何一项数据。",
                "　　下表列出了主要科室的使用情况，数据截至年底为止，",
                "由信息科统计并且逐项复核完毕。",
            ])  # fmt: skip
            grid(
                on,
                [right, 400, 480, 560],
                [210, 230, 250, 270],
                [("科室", "人数", "占比"), ("内科", "120", "60%"), ("外科", "80", "40%")],
            )
        else:
            lines(on, left, 90, ["二、计划"], size=14)
            lines(on, left, 120, ["　　明年继续完善。"])
        on.showPage()
    on.save()
    title, first = "医院信息化建设情况", "一、背景"
    assert blocks_of(tmp_path / "报告.pdf") == [
        ("heading", "page 1 box 60,74,240,94", (), title),
        ("heading", "page 1 box 60,119,116,133", (title,), first),
        (
            "paragraph",
            "page 1 box 60,152,310,192",
            (title, first),
            "近年来，医院持续推进信息化建设，电子病历系统覆盖全部科室，接入设备三百余台，数据质量明显提高，日均处理请求超过 10 万次。",
        ),
        (
            "paragraph",
            "page 1 box 60,197,310,237; page 1 box 320,152,560,162",
            (title, first),
            "在此基础上，医院启动了新一轮的升级改造工作，重点解决系统之间互不相通的问题，并且引入 Python 工具自动核对各类报表，减少了重复劳动，各科室的反馈良好而且稳定，值班人员不再需要手工抄录任何一项数据。",
        ),
        (
            "paragraph",
            "page 1 box 320,167,580,192",
            (title, first),
            "下表列出了主要科室的使用情况，数据截至年底为止，由信息科统计并且逐项复核完毕。",
        ),
        (
            "table",
            "page 1 box 320,210,560,270",
            (title, first),
            "| 科室 | 人数 | 占比 |\n| --- | --- | --- |\n| 内科 | 120 | 60% |\n| 外科 | 80 | 40% |",
        ),
        ("heading", "page 2 box 60,79,116,93", (title,), "二、计划"),
        ("paragraph", "page 2 box 80,112,150,122", (title, "二、计划"), "明年继续完善。"),
    ]
    record = record_of(tmp_path / "报告.pdf")
    assert (record.lang, record.meta) == (
        "zh",
        {"pages": "2", "left_out": "4 lines of headers, footers and page numbers"},
    )


def test_what_stands_across_two_columns_is_read_before_and_after_them(tmp_path: Path) -> None:
    on = canvas(tmp_path / "a.pdf")
    lines(
        on,
        60,
        80,
        [
            "摘要：本文讨论两栏排版的文档应当怎样阅读才不会把左右两栏的文字混在一起，",
            "并给出结论。",
        ],
        size=12,
    )
    left = [
        "左栏第一行文字写满整个栏目的宽度为止",
        "左栏第二行文字写满整个栏目的宽度为止",
        "左栏第三行文字写满整个栏目的宽度为止",
        "左栏最后一行结束。",
    ]
    lines(on, 60, 130, left, size=12)
    lines(on, 320, 130, [text.replace("左", "右") for text in left], size=12)
    lines(on, 60, 250, ["附录"], size=12)
    lines(
        on,
        60,
        275,
        ["通栏的文字从页面的左边一直写到右边，跨过中间的空白，所以在两栏之后。"],
        size=12,
    )
    on.showPage()
    lines(on, 60, 80, left, size=12)
    lines(on, 320, 80, ["右栏只剩一行。"], size=12)
    on.showPage()
    on.save()
    assert [text for *_, text in blocks_of(tmp_path / "a.pdf")] == [
        "摘要：本文讨论两栏排版的文档应当怎样阅读才不会把左右两栏的文字混在一起，并给出结论。",
        "左栏第一行文字写满整个栏目的宽度为止左栏第二行文字写满整个栏目的宽度为止左栏第三行文字写满整个栏目的宽度为止左栏最后一行结束。",
        "右栏第一行文字写满整个栏目的宽度为止右栏第二行文字写满整个栏目的宽度为止右栏第三行文字写满整个栏目的宽度为止右栏最后一行结束。",
        "附录",
        "通栏的文字从页面的左边一直写到右边，跨过中间的空白，所以在两栏之后。",
        "左栏第一行文字写满整个栏目的宽度为止左栏第二行文字写满整个栏目的宽度为止左栏第三行文字写满整个栏目的宽度为止左栏最后一行结束。",
        "右栏只剩一行。",
    ]


def test_chinese_numbers_tell_headings_from_items(tmp_path: Path) -> None:
    on = canvas(tmp_path / "a.pdf")
    lines(on, 60, 100, [
        "一、基本 要求",
        "　　申请人应当提交真实完整的材料，并且对材料的真实性负责，不得隐瞒任何情况。",
        "（一）材料",
        "　　材料一式两份，由经办人员当面核对之后退还原件，复印件归档保存五年以上。",
        "　　1. 身份证明",
        "　　2. 申请表",
    ])  # fmt: skip
    lines(on, 60, 250, ["二、甲方义务", "三、乙方义务"])
    on.showPage()
    on.save()
    one, two = "一、基本 要求", "（一）材料"
    assert [(role, path, text) for role, _, path, text in blocks_of(tmp_path / "a.pdf")] == [
        ("heading", (), one),
        (
            "paragraph",
            (one,),
            "申请人应当提交真实完整的材料，并且对材料的真实性负责，不得隐瞒任何情况。",
        ),
        ("heading", (one,), two),
        (
            "paragraph",
            (one, two),
            "材料一式两份，由经办人员当面核对之后退还原件，复印件归档保存五年以上。",
        ),
        ("list", (one, two), "1. 身份证明\n2. 申请表"),
        ("list", (one, two), "二、甲方义务\n三、乙方义务"),
    ]


def test_code_in_letters_of_one_width_keeps_its_lines(tmp_path: Path) -> None:
    on = canvas(tmp_path / "a.pdf")
    lines(
        on,
        60,
        80,
        ["The program below prints a greeting in both languages, one after the other:"],
        "Helvetica",
    )
    lines(on, 60, 110, ["def hello():", "    print('你')".replace("你", "hi")], "Courier")
    lines(on, 60, 150, ["Run it with Python."], "Helvetica")
    on.showPage()
    on.save()
    assert [(role, text) for role, _, _, text in blocks_of(tmp_path / "a.pdf")] == [
        (
            "paragraph",
            "The program below prints a greeting in both languages, one after the other:",
        ),
        ("code", "```\ndef hello():\n    print('hi')\n```"),
        ("paragraph", "Run it with Python."),
    ]


def test_an_english_document_with_lists_hyphens_and_a_table_without_rules(tmp_path: Path) -> None:
    on = canvas(tmp_path / "a.pdf")
    lines(on, 60, 80, ["Annual Review"], "Helvetica", 18)
    lines(on, 60, 120, ["1.1 Results"], "Helvetica-Bold")
    lines(on, 60, 140, [
        "The committee reviewed the long-term strategy and found that the multi-agent plan remains in-",
        "formative, although several regional offices reported some delays in the procurement of multi-",
        "agent tools.",
        "Costs stayed flat.",
    ], "Helvetica")  # fmt: skip
    lines(on, 60, 220, ["• First item", "• Second item"], "Helvetica")
    for i, row in enumerate(
        (("Quarter", "Revenue", "Cost"), ("Q1", "1,200", ""), ("Q2", "1,350", "820"))
    ):
        for x, text in zip((60, 160, 260), row, strict=True):
            lines(on, x, 280 + 18 * i, [text], "Helvetica")
    lines(on, 60, 360, ["Owner: Ann", "Site: Delft"], "Helvetica")
    on.showPage()
    on.save()
    title, section = "Annual Review", "1.1 Results"
    found = blocks_of(tmp_path / "a.pdf")
    assert [(role, path, text) for role, _, path, text in found] == [
        ("heading", (), title),
        ("heading", (title,), section),
        (
            "paragraph",
            (title, section),
            "The committee reviewed the long-term strategy and found that the multi-agent plan remains informative, although several regional offices reported some delays in the procurement of multi-agent tools.",
        ),
        ("paragraph", (title, section), "Costs stayed flat."),
        ("list", (title, section), "- First item\n- Second item"),
        (
            "table",
            (title, section),
            "| Quarter | Revenue | Cost |\n| --- | --- | --- |\n| Q1 | 1,200 |  |\n| Q2 | 1,350 | 820 |",
        ),
        ("paragraph", (title, section), "Owner: Ann"),
        ("paragraph", (title, section), "Site: Delft"),
    ]
    assert found[5][1] == "page 1 box 60,272,281,318"


def test_a_drawn_table_with_merged_cells_and_rows_without_rules(tmp_path: Path) -> None:
    on = canvas(tmp_path / "a.pdf")
    xs, top = (60, 160, 260, 360), 100
    for y0, y1, edges in ((100, 120, (60, 160, 360)), (120, 140, xs), (140, 200, xs)):
        for x in edges:
            on.line(x, HEIGHT - y0, x, HEIGHT - y1)
        on.line(60, HEIGHT - y0, 360, HEIGHT - y0)
    on.line(60, HEIGHT - 200, 360, HEIGHT - 200)
    for x, y, text in (
        (64, top + 14, "区域"), (164, top + 14, "销售额"), (164, 134, "线上"), (264, 134, "线下"),
        *((64, 154 + 16 * i, name) for i, name in enumerate(("华东", "华南", "华北"))),
        *((164, 154 + 16 * i, name) for i, name in enumerate(("10", "20", "30"))),
        *((264, 154 + 16 * i, name) for i, name in enumerate(("1", "2", "3"))),
    ):  # fmt: skip
        lines(on, x, y, [text])
    on.showPage()
    on.save()
    assert [text for *_, text in blocks_of(tmp_path / "a.pdf")] == [
        "| 区域 | 销售额 | 销售额 |\n| --- | --- | --- |\n|  | 线上 | 线下 |\n| 华东 | 10 | 1 |\n| 华南 | 20 | 2 |\n| 华北 | 30 | 3 |"
    ]


@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
def test_pages_that_are_turned(tmp_path: Path, rotation: int) -> None:
    on = canvas(tmp_path / "a.pdf")
    on.setPageRotation(rotation)
    on.translate(WIDTH / 2, HEIGHT / 2)
    on.rotate(rotation)
    on.setFont(SONG, 12)
    on.drawString(-100, 20, "第一行文字，")
    on.drawString(-100, 0, "Second line.")
    on.showPage()
    on.save()
    texts = [text for *_, text in blocks_of(tmp_path / "a.pdf")]
    assert " ".join(texts) == "第一行文字， Second line."


def test_text_that_runs_otherwise_is_kept(tmp_path: Path) -> None:
    on = canvas(tmp_path / "a.pdf")
    lines(on, 60, 100, ["正文内容在这里。"])
    on.translate(20, 300)
    on.rotate(90)
    lines(on, 0, HEIGHT, ["侧边 stamp"])
    on.showPage()
    on.save()
    assert [(locator, text) for _, locator, _, text in blocks_of(tmp_path / "a.pdf")] == [
        ("page 1 box 60,92,140,102", "正文内容在这里。"),
        ("page 1 box 0,0,600,800", "侧边 stamp"),
    ]


def test_scans_are_quarantined_and_pages_without_text_told(tmp_path: Path) -> None:
    for name, text in (("scan.pdf", ""), ("mixed.pdf", "有字")):
        on = canvas(tmp_path / name)
        on.drawImage(ImageReader(picture()), 0, 0, WIDTH, HEIGHT)
        on.showPage()
        lines(on, 60, 100, [text])
        on.showPage()
        on.save()
    assert reason_of(tmp_path / "scan.pdf") == (
        "file",
        "no text layer, and OCR finds no text",
    )
    assert record_of(tmp_path / "mixed.pdf").meta == {"pages": "2", "pages_without_text": "1"}


def picture() -> Any:
    from PIL import Image

    return Image.new("L", (8, 8), 128)


def test_a_pdf_with_a_password_says_so(tmp_path: Path) -> None:
    on = canvas(tmp_path / "a.pdf", encrypt=StandardEncryption("secret"))
    lines(on, 60, 100, ["机密内容"])
    on.showPage()
    on.save()
    with pytest.raises(SourceError, match="needs a password") as caught:
        items_of(tmp_path / "a.pdf")
    assert caught.value.hint == "save it without a password"


def test_a_pdf_without_pages_and_damaged_ones(tmp_path: Path) -> None:
    pypdfium2.PdfDocument.new().save(tmp_path / "empty.pdf")
    (tmp_path / "cut.pdf").write_bytes(b"%PDF-1.4\n1 0 obj<</Type/Catalog")
    (tmp_path / "random.pdf").write_bytes(bytes(range(256)) * 64)
    for name, says in (
        ("empty.pdf", "without pages"),
        ("cut.pdf", "a damaged PDF"),
        ("random.pdf", "not a PDF"),
    ):
        with pytest.raises(SourceError, match=says):
            items_of(tmp_path / name)


def test_a_web_page_that_is_called_pdf_is_read_as_what_it_is(tmp_path: Path) -> None:
    (tmp_path / "a.pdf").write_text("<!doctype html><p>Please sign in.</p>")
    assert blocks_of(tmp_path / "a.pdf") == [("paragraph", "line 1", (), "Please sign in.")]


@pytest.mark.parametrize(
    ("parts", "whole"),
    [
        (["信息化", "建设"], "信息化建设"),
        (["使用 Python", "工具"], "使用 Python 工具"),
        (["完成，", "然后"], "完成，然后"),
        (["an exam-", "ple here"], "an example here"),
        (["the multi-", "agent plan"], "the multi-agent plan"),
        (["from 2020-", "2021"], "from 2020-2021"),
        (["two", "words"], "two words"),
    ],
)
def test_lines_are_put_together(parts: list[str], whole: str) -> None:
    assert joined(parts, compounds("a Multi-agent system")) == whole
