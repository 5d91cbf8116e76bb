"""One form of characters: it says the same, numbers and units keep their value, and twice is once."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from functools import cache
from itertools import pairwise
from typing import Any

from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from curator.checks.encoding import Encoding
from curator.checks.pii import Pii
from curator.redact import edits_of, redacted
from curator.repair import _STAGES, repaired, repairs
from curator.repair.encodings import damage
from curator.repair.plain import is_plain
from curator.rules import bundled, rule_files
from curator.schema import PiiRules, load
from curator.tables import finding_row, records_table
from curator.types import Part, Provenance, Record

FLAT = "½¼⅓⅞²³⁻¹⁰⁵₂①⑳⑴㈠Ⅳⅻ㎎㎡㎏㏄℃℉℅№™µ㍿ﬁ﹪：；，。！％～（）￥…〇㊗"
"""What NFKC would flatten, or what stands in full width in Chinese: all of it stays."""
UNSEEN = "\u200b\u200c\u200d\u200e\u200f\u202a\u202c\u202e\u2060\u2063\ufeff\u00ad\u2066\u2069"
PIECES = [
    *FLAT,
    *UNSEEN,
    *"\x00\x07\x08\x1c\x1f\x7f\x81\ufffc\uffff\ufe0f\ufe0e\ufe01\U000e0101\U000e0041",
    *"\r\n\x0b\x0c\x85\u2028\u2029\t \u00a0\u2002\u2009\u202f\u3000",
    "\r\n", "\n\n\n\n", "\n \n\u3000\n\n", "\x1b[31m", "\r\r\n",
    *"０１２３９．／＠－＿＆＇ＡＢＺａｂｚ", "３．５ｍｇ", "１２：３０",
    *"ｱｶﾞﾟｯ｡･", "e\u0301", "か\u3099", "\u1112\u1161\u11ab", "\uf914", "\u212a", "\u2126", "\u212b",
    "\u0301", "\u3099", "\u0327", "क\u093c", "\u0958", "می\u200cخواهم", "क्\u200d", "ไทย\u200bดี",
    "👩\u200d👩\u200d👧", "❤\ufe0f\u200d🔥", "1\ufe0f\u20e3", "🏴\U000e0067\U000e0062\U000e0065\U000e007f",
    "体重", "每次", "孩子发烧", "片", "次", "dose ", "take ", "of water ", "is", "a", "b", "Z",
    "5", "0", "12", "3.5", "mg", "ml/kg", "km", "×10⁻³", "Ω", "kPa", "38.5℃", "-5", "1,200", "1 000",
]  # fmt: skip
TEXT = st.lists(st.sampled_from(PIECES), max_size=14).map("".join)
ANY = st.text(st.characters(exclude_categories=("Cs",)), max_size=40)

_HIDDEN = {"Cc", "Cf", "Cn"}
_QUANTITY = re.compile(
    r"([+\-−]?\d+(?:[.,⁄]\d+)*)[^\S\n\r\x0b\x0c\x85\u2028\u2029]?([^\W\d_]+(?:/[^\W\d_]+)*|%|°C)?"
)


def fix(text: str) -> str:
    return repaired(text, repairs(text)).text


def quantities(text: str) -> list[tuple[str, ...]]:
    """The numbers of a text with the units behind them, read by other means than ours."""
    text = re.sub(r"\x1b\[\d+m", "", text)
    text = "".join(
        c for c in text if c.isspace() or not (unicodedata.category(c) in _HIDDEN or c == "\ufffc")
    )
    text = re.sub("[\ufe00-\ufe0f\U000e0100-\U000e01ef\u20e3]", "", text)
    return _QUANTITY.findall(unicodedata.normalize("NFKC", text))


@settings(max_examples=600, deadline=None)
@given(TEXT)
@example("３．５ｍｇ／ｋｇ×１０⁻³")
@example("1\u00a0000\u00a0㎎")
@example("a\u200d\u0301")
def test_numbers_and_units_keep_their_value(text: str) -> None:
    assume(not damage(text))
    assert quantities(fix(text)) == quantities(text)


@settings(max_examples=400, deadline=None)
@given(TEXT)
def test_what_nfkc_would_flatten_stays(text: str) -> None:
    assume(not damage(text))
    # Marks give way only in a part of Latin words alone, which has no Han character.
    text += "。孩子"
    count = Counter(c for c in text if c in FLAT)
    assert Counter(c for c in fix(text) if c in FLAT) == count


@settings(max_examples=600, deadline=None)
@given(st.one_of(TEXT, ANY))
@example("e\u200b\u0301")
@example("\n\u200b\n\r\n\u2028\n")
@example("か\uff9eｱｲ")
@example("a\ufe0f\u200d🔥")
@example("\u212a\u3000b")
def test_twice_is_once(text: str) -> None:
    once = fix(text)
    assume(not damage(text))
    assume(not damage(once))
    assert repairs(once) == []
    assert unicodedata.is_normalized("NFC", once)
    assert "\r" not in once
    assert "\x00" not in once


@settings(max_examples=600, deadline=None)
@given(st.one_of(TEXT, ANY, st.text("ab好，。ＡＢ１é①½m²\n \u3000！", max_size=20)))
@example("one two three，four")
@example("\n \n\t\n\n")
def test_no_stage_changes_what_the_first_look_lets_pass(text: str) -> None:
    if is_plain(text):
        assert [r for stage in _STAGES for r in stage(text)] == []


@settings(max_examples=600, deadline=None)
@given(st.lists(st.one_of(TEXT, ANY, st.sampled_from(["&nbsp;", "<br>", "&#8203;", "&#13;", "cafÃ©", "浣犲ソ", "锟斤拷", "\ufffd"]))).map("".join))  # fmt: skip
def test_every_repair_has_its_own_place(text: str) -> None:
    found = repairs(text)
    assert all(0 <= r.start < r.end <= len(text) for r in found)
    assert all(a.end <= b.start for a, b in pairwise(found))
    assert all(r.replacement != text[r.start : r.end] for r in found)
    kept = [text[a:b] for a, b in pairwise([0, *(i for r in found for i in (r.start, r.end)), len(text)])][::2]  # fmt: skip
    assert unified(kept, [text[r.start : r.end] for r in found]) == text
    put_in = [text[r.start : r.end] if r.replacement is None else r.replacement for r in found]
    assert fix(text) == unified(kept, put_in)


def unified(kept: list[str], between: list[str]) -> str:
    return "".join(a + b for a, b in zip(kept, [*between, ""], strict=True))


@cache
def pii() -> Pii:
    return Pii(ner_zh="lac", ner_en="en-core-web-sm", **rules())


def encoding() -> Encoding:
    return Encoding(ner_zh="lac", ner_en="en-core-web-sm", **rules())


def rules() -> dict[str, Any]:
    files = [load(path, PiiRules) for path in rule_files(bundled())]
    return {
        "pii_rules": [r.model_dump(mode="json", by_alias=True) for f in files for r in f.rules],
        "allow": [pattern for f in files for pattern in f.allow],
    }


HIDING = st.sampled_from(["", "", "", *UNSEEN, "\x00", "\x08", "\x1b[0m", "\ufe0f", "\ufffc"])


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.sampled_from(["我的电话{}\r\n请回电", "Call me at {} \u00a0today\r\nplease"]),
    st.lists(HIDING, min_size=11, max_size=11),
    st.sampled_from(["13800138000", "１３８００１３８０００"]),
)
def test_nothing_hides_a_private_detail_and_both_edits_are_put_in(
    template: str, between: list[str], digits: str
) -> None:
    text = template.format("".join(d + x for d, x in zip(digits, between, strict=True)))
    record = Record("r", "conversation", (Part("user", text),), "zh", Provenance("u", "s", "1"))
    table = records_table([record])
    rows = [finding_row(f, "run") for check in (encoding(), pii()) for f in check(table)]
    (shown,) = redacted(record, edits_of(rows)["r"]).parts
    placeholder = "[电话1]" if "电话" in template else "[PHONE_1]"
    expected = template.format(placeholder).replace("\r\n", "\n").replace("\u00a0", " ")
    assert shown.text == expected
