"""The encoding of a file is told right, from few bytes too."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from curator.sources.files.encodings import judge, sniff_encoding

if TYPE_CHECKING:
    from pathlib import Path

SIMPLIFIED = [
    "你好，世界",
    "联通",
    "退货流程",
    "头疼",
    "孩子三岁，咳嗽两天了，需要吃药吗？",
    "问题,回答\n几点关门,九点",
    "您的订单已经发出，预计后天送到。",
    "肺炎支原体感染的疗程",
    "Order 订单 status 状态 ok",
    "儿科\t阿莫西林克拉维酸钾颗粒",
]
TRADITIONAL = [
    "你好，世界",
    "退貨流程",
    "頭痛",
    "請問這個多少錢？可以刷卡嗎？",
    "問題,回答\n幾點關門,九點",
    "您的訂單已經寄出，預計後天送達。",
    "肺炎黴漿菌感染的療程",
    "Order 訂單 status 狀態 ok",
    "臺北市信義區",
    "小孩發燒三天要不要看醫生",
]


@pytest.mark.parametrize("text", SIMPLIFIED)
def test_short_simplified_texts_in_gb18030(text: str) -> None:
    assert judge(text.encode("gb18030")) == "gb18030"


@pytest.mark.parametrize("text", TRADITIONAL)
def test_short_traditional_texts_in_big5_and_in_gb18030(text: str) -> None:
    assert judge(text.encode("big5")).startswith("big5")
    assert judge(text.encode("gb18030")) == "gb18030"


@pytest.mark.parametrize("text", [*SIMPLIFIED, *TRADITIONAL, "café, naïve", "Привет", "plain"])
def test_utf8_proves_itself(text: str) -> None:
    assert judge(text.encode()) == "utf-8"


def test_western_and_japanese_texts_are_not_taken_for_chinese() -> None:
    assert judge("Il a mangé près de l’école, déjà.".encode("cp1252")) == "cp1252"
    assert judge("お問い合わせありがとうございます。返品できますか？".encode("cp932")) == "cp932"


def test_a_few_broken_bytes_do_not_change_the_verdict() -> None:
    utf8 = "这是一个很正常的问题，请问怎么办？\n".encode() * 20
    assert judge(utf8[:100] + b"\xff\xb0\xa1" + utf8[100:]) == "utf-8"
    gb = "这是一个很正常的问题，请问怎么办？\n".encode("gb18030") * 20
    assert judge(gb[:100] + b"\xff\xff" + gb[100:]) == "gb18030"


@pytest.mark.parametrize(
    ("encoding", "name"),
    [
        ("utf-8", "utf-8"),
        ("utf-8-sig", "utf-8-sig"),
        ("utf-16", "utf-16-le"),
        ("utf-16-le", "utf-16-le"),
        ("utf-16-be", "utf-16-be"),
        ("gb18030", "gb18030"),
        ("big5", "big5"),
    ],
)
def test_files(tmp_path: Path, encoding: str, name: str) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes("問題和回答\r\n請問，這個可以退嗎？ yes, of course.\r\n".encode(encoding))
    assert sniff_encoding(path) == name


def test_chinese_far_behind_plain_ascii_is_found(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"ascii only\n" * 200_000 + "最后才是中文，怎么办？\n".encode("gb18030"))
    assert sniff_encoding(path) == "gb18030"
