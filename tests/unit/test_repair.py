"""Broken text is mended, sound text is left alone, and every offset leads back."""

from __future__ import annotations

import re
import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from curator.checks.encoding import Encoding
from curator.redact import edits_of, redacted
from curator.repair import Repair, repaired, repairs, searchable
from curator.repair.forms import composed
from curator.repair.plain import is_plain
from curator.tables import finding_row, records_table
from curator.types import Finding, Part, Provenance, Record, Span
from tests.synthetic import PII_PARAMS, conversation

CHINESE = [
    "宝宝发烧怎么办？",
    "你好，我的订单还没到。",
    "請問保固期多久？",
    "体温38.5℃，咳嗽三天了",
]
LATIN = ["the café costs 5€", "it’s “nice”", "naïve façade", "Müller – Zürich"]


ENCODING = Encoding(
    ner_zh="lac",
    ner_en="en-core-web-sm",
    pii_rules=PII_PARAMS["pii_rules"],
    allow=PII_PARAMS["allow"],
)


def read_as(text: str, encoding: str) -> str:
    return text.encode().decode(encoding)


def fix(text: str) -> str:
    return repaired(text, repairs(text)).text


@pytest.mark.parametrize("text", CHINESE)
def test_utf8_read_as_gbk_is_undone(text: str) -> None:
    broken = text.encode().decode("gb18030", errors="replace")
    fixed = fix(broken)
    assert fixed.replace("\ufffd", "")[:6] == text[:6]
    if "\ufffd" not in broken:
        assert fixed == text


@pytest.mark.parametrize("text", [*CHINESE, *LATIN])
def test_utf8_read_as_latin_1_is_undone(text: str) -> None:
    assert fix(read_as(text, "latin-1")) == text


@pytest.mark.parametrize("text", [*CHINESE, *LATIN, "联通", "AT&T; R&D", "a<b && c>d", "1 < 2 > 0"])
def test_sound_text_needs_no_repair(text: str) -> None:
    assert repairs(text) == []


def partly_read_as_gbk(text: str) -> str:
    """Read pairs of characters as GBK where that can be; leave the others as they are."""
    broken, at = "", 0
    while at < len(text):
        try:
            broken += text[at : at + 2].encode().decode("gbk")
            at += 2
        except UnicodeDecodeError:
            broken += text[at]
            at += 1
    return broken


@pytest.mark.parametrize(
    "text",
    [
        "借款合同没有约定利息的，视为没有利息，起诉时要带上原件",
        "孩子反复咳嗽两周，夜里加重，需要去医院拍片检查吗，还是再观察几天",
        "保固期內免費維修，請攜帶發票與保證書到原購買門市辦理",
    ],
)
def test_characters_that_stayed_intact_do_not_stop_the_repair(text: str) -> None:
    broken = partly_read_as_gbk(text)
    assert sum(a == b for a, b in zip(broken, text, strict=False)) < len(text) / 2
    assert fix(broken).rstrip("\ufffd") in {text, text[:-1]}


def test_a_character_cut_off_at_the_end_is_lost() -> None:
    broken = partly_read_as_gbk("赌债不受法律保护，也不属于夫妻共同债务，你不用") + "还銆"
    assert fix(broken) == "赌债不受法律保护，也不属于夫妻共同债务，你不用还\ufffd"


@pytest.mark.parametrize(
    "text",
    [
        "魑魅魍魎，饕餮耄耋，龜鶴遐齡，鬱鬱蔥蔥",
        "患者喆昊玥璟瑄翀彧祎旻昱，姓名皆生僻字",
        "關關雎鳩，在河之洲。窈窕淑女，君子好逑",
        "犇骉鱻麤淼焱垚燚",
    ],
)
def test_rare_characters_alone_are_no_damage(text: str) -> None:
    assert repairs(text) == []


def test_a_lost_character_in_a_gbk_run_does_not_invent_another() -> None:
    # Nine bytes: the last one makes a pair with the digit, and both are lost.
    broken = "我电话1".encode().decode("gb18030", errors="replace")
    assert broken.endswith("\ufffd")
    assert fix(broken) == "我电\ufffd"


def test_entities_and_tags_become_what_they_stand_for() -> None:
    assert fix("体温&gt;38&#8451;<br/>怎么办&nbsp;&amp;") == "体温>38℃\n怎么办 &"
    assert fix('<p class="x">Tom</p><b>!</b>') == "Tom\n!"


def test_lost_characters_have_no_replacement() -> None:
    found = repairs("孩子\ufffd\ufffd三天锟斤拷")
    assert [(r.start, r.end, r.replacement) for r in found] == [(2, 4, None), (6, 9, None)]


def test_a_repaired_stretch_is_taken_whole() -> None:
    text = "ab<br>cdé"
    view = repaired(text, [Repair(2, 6, "\n", "markup"), Repair(8, 9, "xyz", "mojibake")])
    assert view.text == "ab\ncdxyz"
    assert view.original(0, 3) == (0, 6)
    assert view.original(3, 5) == (6, 8)
    assert view.original(6, 7) == (8, 9)
    assert view.whole(6, 7) == (5, 8)
    assert view.whole(3, 4) == (3, 4)


@given(
    st.lists(
        st.tuples(st.text("ab你好1", min_size=1, max_size=5), st.text("xy好", max_size=4)),
        max_size=6,
    )
)
def test_every_offset_of_a_repaired_text_leads_back(pieces: list[tuple[str, str]]) -> None:
    original, found, expected = "", [], ""
    for kept, put in pieces:
        original += kept
        found.append(Repair(len(original), len(original) + 1, put, "markup"))
        original += "#"
        expected += kept + put
    view = repaired(original, found)
    assert view.text == expected
    for start in range(len(expected)):
        for end in range(start + 1, len(expected) + 1):
            a, b = view.original(start, end)
            assert 0 <= a < b <= len(original)
            if "#" not in original[a:b]:
                assert original[a:b] == expected[start:end]


def findings(text: str) -> list[Finding]:
    record = Record(
        "r", "conversation", (Part("user", text),), "zh", Provenance("u", "s", "line 1")
    )
    return list(ENCODING(records_table([record])))


def finding_codes(text: str) -> list[tuple[str, float]]:
    return [(f.code, f.score) for f in findings(text)]


def test_the_score_of_lost_characters_grows_with_their_share() -> None:
    (few,) = finding_codes("孩子发烧三天了" * 20 + "\ufffd")
    (many,) = finding_codes("孩\ufffd\ufffd了")
    assert few[0] == many[0] == "QLT003"
    assert 0 < few[1] < many[1] <= 1


def test_a_repair_that_leaves_gaps_is_told_as_both() -> None:
    broken = "你好，我的电话".encode().decode("gb18030", errors="replace")
    codes = {code for code, _ in finding_codes(broken + "1")}
    assert "QLT001" in codes
    assert ("QLT003" in codes) == ("\ufffd" in broken)


@pytest.mark.parametrize(
    ("broken", "whole"),
    [
        ("It\x92s \x93fine\x94 \x97 wait\x85", "It’s “fine” — wait…"),
        ("the Statute \x80\x94an action\x80\x99s", "the Statute —an action’s"),
        ("One.\x85Two.", "One.\nTwo."),
        ("Is it\x81 so?", "Is it so?"),
        ("孩子\x93发烧\x94了", "孩子发烧了"),
    ],
)
def test_c1_controls_are_windows_1252_in_latin_text_alone(broken: str, whole: str) -> None:
    assert fix(broken) == whole


@pytest.mark.parametrize(
    ("text", "code", "span", "replacement"),
    [
        ("cafe&#769; 好", "QLT002", (3, 10), "é"),
        ("体温&#8203;38℃", "QLT002", (2, 9), ""),
        ("第一行&#13;\n第二行", "QLT002", (3, 9), "\n"),
        ("一<br><br>\n<br>二", "QLT002", (1, 14), "\n\n"),
        ("ＡＢ\u200bＣＤ", "QLT005", (0, 5), "ABCD"),
        ("e\u200b\u0301", "QLT005", (0, 3), "é"),
    ],
)
def test_two_kinds_of_repair_in_one_place_are_one_finding(
    text: str, code: str, span: tuple[int, int], replacement: str
) -> None:
    (finding,) = findings(text)
    assert (finding.code, finding.span, finding.replacement) == (code, Span(0, *span), replacement)


def test_what_nobody_sees_is_named_in_the_evidence() -> None:
    named = {f.code: f.evidence for f in findings("\u200b\ufeff孩\x00子 e\u0301\u00a0ＡＢ")}
    assert named == {
        "QLT004": {"kind": "control", "characters": "U+0000"},
        "QLT005": {"kind": "invisible", "characters": "U+200B U+FEFF"},
        "QLT006": {"kind": "composed", "characters": "U+0301"},
        "QLT007": {"kind": "width"},
        "QLT008": {"kind": "space", "characters": "U+00A0"},
    }


@pytest.mark.parametrize(
    "text",
    [
        "每次½片，5㎎，10⁻³，10²，m²，㎡，38.5℃，①②，Ⅳ期，№1",
        "take 1½ tsp, 5 µg, 10⁻³ mol, 3 ㎖, x₁, ﬁne",
        "1\u00a0000\u202f000 km",
    ],
)
def test_what_has_no_other_form_of_the_same_meaning_stays(text: str) -> None:
    assert repairs(text) == []


def test_an_edit_that_hides_a_detail_wins_over_one_of_form() -> None:
    text = "电话１３８\u200b００１３８０００\r\n请回电\u00a0谢谢"
    record = Record("r", "conversation", (Part("user", text),), "zh", Provenance("u", "s", "1"))
    hidden = Finding("r", "pii", "PII002", 1.0, Span(0, 2, 14), replacement="[电话1]")
    rows = [finding_row(f, "run") for f in [*ENCODING(records_table([record])), hidden]]
    (part,) = redacted(record, edits_of(rows)["r"]).parts
    assert part.text == "电话[电话1]\n请回电 谢谢"


@pytest.mark.parametrize(
    "hiding", ["\x00", "\u200b", "\ufe0f", "\ufe0f\u20e3", "\u00ad", "\x1b[1m"]
)
def test_nothing_hides_a_number_from_a_search(hiding: str) -> None:
    text = hiding.join("13800138000")
    assert repaired(text, searchable(text)).text == "13800138000"


def test_odd_spaces_in_a_number_are_plain_ones_for_a_search() -> None:
    text = "138\u20090013\u202f8000"
    assert repairs(text) == []
    assert repaired(text, searchable(text)).text == "138 0013 8000"


def test_ordinary_characters_are_ordinary_wherever_they_stand() -> None:
    ordinary = [
        char for char in map(chr, range(sys.maxunicode + 1)) if char == "\n" or is_plain(char)
    ]
    assert len(ordinary) > 90_000
    changing = re.compile("[０-９Ａ-Ｚａ-ｚ\uff61-\uff9f]")
    for char in ordinary:
        category = unicodedata.category(char)
        assert category not in {"Cc", "Cf", "Cs", "Co", "Zs", "Zl", "Zp"} or char in "\t\n "
        assert category[0] != "M"
        assert unicodedata.is_normalized("NFC", char)
        assert not changing.match(char)


def test_every_pair_that_has_a_composed_form_is_composed() -> None:
    n_pairs = 0
    for char in map(chr, range(sys.maxunicode + 1)):
        apart = unicodedata.normalize("NFD", char)
        if unicodedata.normalize("NFC", apart) != apart:
            n_pairs += 1
            text = f"好{apart}\u4e00"
            found = composed(text)
            assert repaired(text, found).text == unicodedata.normalize("NFC", text)
            assert [r.end for r in found] == [1 + len(apart)]
            # A mark alone belongs to the letter before it.
            assert found[0].start == (unicodedata.category(apart[0])[0] != "M")
    assert n_pairs > 12_000


def test_a_finding_does_not_tell_what_it_repairs_where_that_is_private() -> None:
    record = conversation("line 1", ("user", "型号ＡＢＣ１２，电话１３８００１３８０００"))
    found = list(ENCODING(records_table([record])))
    assert [f.replacement for f in found] == ["ABC12"]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("王建国昨天去了协和医院，李秀英陪他。".encode().decode("gbk", "ignore"), "王建国"),
        ("Ｊｏｎａｔｈａｎ Ｗｈｉｔａｋｅｒ said that it was fine.", "Jonathan"),
    ],
)
def test_no_repair_tells_a_name(text: str, name: str) -> None:
    record = conversation("line 1", ("user", text))
    said = [f.replacement or "" for f in ENCODING(records_table([record]))]
    assert not any(name in words for words in said)
