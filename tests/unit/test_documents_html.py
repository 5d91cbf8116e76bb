"""Web pages: exact blocks, heading paths and locators, in Chinese and English."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.unit.document_reading import blocks_of, reason_of, record_of

if TYPE_CHECKING:
    from pathlib import Path

ZH = """<!DOCTYPE html>
<html lang="zh"><head><meta charset="{charset}"><title>退货
 说明</title><style>p {{color: red}}</style></head>
<body>
<nav><a href="/">首页</a></nav>
<header><h1>退货说明</h1></header>
<script>var a = "不要";</script>
<main>
<p>七天内可以退货，
请保留<b>小票</b>。<br>节假日顺延。</p>
<h2>步骤</h2>
<ol start="2"><li>联系客服<ul><li>电话</li><li>微信</li></ul></li><li>寄回商品</li></ol>
<div class="ad">广告</div>
<div hidden>看不见</div>
<table><caption>费用</caption><tr><th>类型</th><th>金额</th></tr>
<tr><td rowspan="2">运费</td><td>10</td></tr><tr><td>12|15</td></tr></table>
</main>
<footer>版权所有</footer>
</body></html>"""


@pytest.mark.parametrize(("charset", "encoding"), [("utf-8", "utf-8"), ("gb2312", "gb18030")])
def test_a_chinese_page(tmp_path: Path, charset: str, encoding: str) -> None:
    (tmp_path / "a.html").write_bytes(ZH.format(charset=charset).encode(encoding))
    title, steps = "退货说明", "步骤"
    assert blocks_of(tmp_path / "a.html") == [
        ("heading", "line 6", (), title),
        ("paragraph", "line 9", (title,), "七天内可以退货，请保留小票。\n节假日顺延。"),
        ("heading", "line 11", (title,), steps),
        ("list", "line 12", (title, steps), "2. 联系客服\n  - 电话\n  - 微信\n3. 寄回商品"),
        (
            "table",
            "line 15",
            (title, steps),
            "| 费用 |  |\n| --- | --- |\n| 类型 | 金额 |\n| 运费 | 10 |\n| 运费 | 12\\|15 |",
        ),
    ]
    record = record_of(tmp_path / "a.html")
    assert record.meta == {
        "title": "退货 说明",
        "left_out": "4 parts of navigation, page frame and advertising",
    }


def test_an_english_page_without_a_declaration(tmp_path: Path) -> None:
    page = """<h1>Install &amp; run</h1>
<p>Use <code>pip</code>
   first.
<p>Then:
<pre><code>curator run
  --json</code></pre>
<blockquote><p>Quoted.</p></blockquote>
<table role="presentation"><tr><td><p>Laid out</p></td><td>in a table</td></tr></table>
<dl><dt>Recipe</dt><dd>A file.</dd></dl>
tail
"""
    (tmp_path / "a.htm").write_text(page)
    path = ("Install & run",)
    assert blocks_of(tmp_path / "a.htm") == [
        ("heading", "line 1", (), "Install & run"),
        ("paragraph", "line 2", path, "Use pip first."),
        ("paragraph", "line 4", path, "Then:"),
        ("code", "line 5", path, "```\ncurator run\n  --json\n```"),
        ("paragraph", "line 7", path, "Quoted."),
        ("paragraph", "line 8", path, "Laid out"),
        ("paragraph", "line 8", path, "in a table"),
        ("paragraph", "line 9", path, "Recipe"),
        ("paragraph", "line 9", path, "A file."),
        ("paragraph", "line 9", path, "tail"),
    ]


def test_a_header_within_an_article_is_text(tmp_path: Path) -> None:
    page = "<!doctype html><header><a>Menu</a></header><article><header>By Ann</header><p>Text.</p></article>"
    (tmp_path / "a.html").write_text(page)
    assert [text for *_, text in blocks_of(tmp_path / "a.html")] == ["By Ann", "Text."]


def test_deep_pages_are_read_and_too_deep_ones_told(tmp_path: Path) -> None:
    for depth in (1500, 5000):
        page = "<!doctype html>" + "<div>" * depth + "深处" + "</div>" * depth
        (tmp_path / f"{depth}.html").write_text(page)
    assert [text for *_, text in blocks_of(tmp_path / "1500.html")] == ["深处"]
    assert reason_of(tmp_path / "5000.html") == ("file", "elements nested deeper than 2048")


def test_pages_without_text_are_quarantined(tmp_path: Path) -> None:
    (tmp_path / "a.html").write_text("<!doctype html><html><body><script>1</script></body></html>")
    assert reason_of(tmp_path / "a.html") == ("file", "no text at all")
