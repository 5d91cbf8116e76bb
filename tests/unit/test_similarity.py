"""Shingles, MinHash, Jaccard, components, fingerprints, and what texts claim."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from curator.similarity.agreement import compare
from curator.similarity.codepoints import composed
from curator.similarity.components import components
from curator.similarity.differences import negations, polarity, quantities
from curator.similarity.fingerprints import groups, hash128
from curator.similarity.jaccard import jaccard
from curator.similarity.minhash import BANDS, PERMUTATIONS, band_keys, minhash
from curator.similarity.placeholders import renumbered
from curator.similarity.scanning import folded, shingle_sets
from curator.similarity.shingles import Sets
from curator.text import fold


def similarity(a: str, b: str) -> float:
    sets = shingle_sets([[("user", a)], [("user", b)]])
    return float(jaccard(sets, np.array([0]), np.array([1]))[0])


def sizes(*texts: str) -> list[Any]:
    found: list[Any] = np.diff(shingle_sets([[("user", t)] for t in texts]).bounds).tolist()
    return found


def test_shingles_count_three_characters_or_two_words() -> None:
    # With the role before and the end after, n tokens make n + 1 shingles.
    assert sizes("退", "退货", "退货款", "return", "return goods", "") == [2, 3, 4, 2, 3, 0]


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("退货要几天？", "退货要几天"),
        ("Return the GOODS", "return, the goods!"),
        ("每天１片", "每天1片"),
        ("ﬁnd it", "find it"),
        ("cafe\u0301 au lait", "café au lait"),
        ("㎎", "mg"),
    ],
)
def test_width_case_marks_and_composition_do_not_count(a: str, b: str) -> None:
    assert similarity(a, b) == 1.0


@pytest.mark.parametrize(
    ("a", "b"),
    [("👍", "👎"), ("38.5度", "385度"), ("10mg", "100mg"), ("ab cd", "abcd"), ("甲乙", "乙甲")],
)
def test_what_differs_is_not_equal(a: str, b: str) -> None:
    assert similarity(a, b) < 1.0


def test_no_token_no_shingle() -> None:
    assert sizes("……", "？！", "  ", "\n") == [0, 0, 0, 0]


def test_roles_and_the_order_of_turns_count() -> None:
    sets = shingle_sets(
        [
            [("user", "你好"), ("assistant", "再见")],
            [("assistant", "你好"), ("user", "再见")],
            [("user", "再见"), ("assistant", "你好")],
        ]
    )
    assert (jaccard(sets, np.array([0, 0, 1]), np.array([1, 2, 2])) < 1).all()


def test_long_and_many_texts_are_cut_into_blocks_without_a_seam() -> None:
    texts = [[("user", f"第{i}条记录 number {i} " * (1 + i % 7 * 300))] for i in range(60)]
    whole = shingle_sets(texts)
    for i in (0, 6, 13, 59):
        own = shingle_sets([texts[i]])
        assert whole.values[whole.bounds[i] : whole.bounds[i + 1]].tolist() == own.values.tolist()


def test_signatures_have_their_shape_and_an_empty_set_is_all_ones() -> None:
    sets = shingle_sets([[("user", "你好")], [("user", "")], [("user", "hello")]])
    found = minhash(sets)
    assert found.shape == (3, PERMUTATIONS)
    assert band_keys(found).shape == (3, BANDS)
    assert (found[1] == 0xFFFFFFFF).all()
    assert not (found[[0, 2]] == 0xFFFFFFFF).all(axis=1).any()


def test_signatures_stay_what_they_are() -> None:
    # Stored signatures would silently miss pairs if a library's generator changed them.
    sets = Sets(np.array([1, 2, 3, 7, 9], np.uint32), np.array([0, 3, 5]))
    assert hash128([minhash(sets).tobytes()]).hex() == "5daa61aee2460f0b78633d10f3e0858e"


def test_band_keys_differ_between_bands() -> None:
    keys = band_keys(np.zeros((1, PERMUTATIONS), np.uint32))
    assert len(set(keys[0].tolist())) == BANDS


def test_jaccard_of_known_sets() -> None:
    sets = Sets(np.array([1, 2, 3, 2, 3, 4, 9], np.uint32), np.array([0, 3, 6, 7, 7]))
    left, right = np.array([0, 0, 0, 3]), np.array([1, 2, 3, 3])
    assert jaccard(sets, left, right).tolist() == [0.5, 0.0, 0.0, 0.0]
    assert jaccard(sets, left[:0], right[:0]).tolist() == []


def test_components_name_the_smallest_member() -> None:
    left, right = np.array([5, 1, 6, 3]), np.array([1, 2, 7, 6])
    assert components(9, left, right).tolist() == [0, 1, 1, 3, 4, 1, 3, 3, 8]
    assert components(2, left[:0], right[:0]).tolist() == [0, 1]


def test_groups_point_at_the_first_equal_row() -> None:
    hashes = np.frombuffer(b"".join(hash128([x.encode()]) for x in "abacab"), "V16")
    assert groups(hashes).tolist() == [0, 1, 0, 3, 0, 1]
    assert groups(hashes[:0]).tolist() == []


@pytest.mark.parametrize(
    "text",
    [
        "体温38.5℃。",
        "A.B",
        "3．5",
        "½ ﬁ ㈱ ß",
        "…",
        "",
        "é e\u0301",
        "版本1.2.3。",
        "5.",
        ".5",
        "3. 5",
        "３．５",
    ],
)
def test_folding_in_bulk_is_folding(text: str) -> None:
    keys, _ = folded(["前", text, fold(composed(text)), "后"])
    assert keys[0] != keys[1] == keys[2] != keys[3]


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("1+1", "1-1"),
        ("3*4", "3/4"),
        ("x<5", "x>5"),
        ("C++", "C#"),
        ("零下-5度", "零下5度"),
        ("$20", "€20"),
        ("5 - 3", "5 + 3"),
    ],
)
def test_signs_that_carry_meaning_are_kept(a: str, b: str) -> None:
    keys, signs = folded([a, b])
    assert keys[0] != keys[1]
    assert signs[0] != signs[1]


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("e-mail", "email"),
        ("- 苹果", "苹果"),
        ("**重要**", "重要"),
        ("# 标题", "标题"),
        ("1＋1", "1+1"),
        ("COVID-19", "COVID19"),
        ("和/或", "和或"),
    ],
)
def test_signs_that_carry_none_are_not(a: str, b: str) -> None:
    keys, signs = folded([a, b])
    assert keys[0] == keys[1]
    assert signs[0] == signs[1]


def test_placeholders_are_numbered_within_a_text() -> None:
    texts = ["[姓名7]和[姓名3]，电话[电话7]", "[姓名3]是[姓名7]的家人 [PERSON_12]"]
    assert renumbered(texts) == [
        "[姓名1]和[姓名2]，电话[电话1]",
        "[姓名2]是[姓名1]的家人 [PERSON_1]",
    ]
    assert renumbered(["a[3]"]) == ["a[3]"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("每次0.5克", [("500", "mg")]),
        ("take 500 mg", [("500", "mg")]),
        ("三天", [(str(3 * 86400), "s")]),
        ("72 hours", [(str(3 * 86400), "s")]),
        ("three-day course", [(str(3 * 86400), "s")]),
        ("twice", [("2", "time")]),
        ("两次", [("2", "time")]),
        ("一年半", [("18", "month")]),
        ("半片", [("1/2", "tablet")]),
        ("1,200元", [("1200", "yuan")]),
        ("￥1200", [("1200", "yuan")]),
        ("$12.50", [("25/2", "dollar")]),
        ("38.5℃", [("77/2", "degree")]),
        ("版本1.2.3", [("1.2.3", "")]),
        ("一百零五次，两万元", [("105", "time"), ("20000", "yuan")]),
        ("1. 休息\n2. 喝水", []),
        ("（1）休息；2、喝水", []),
        ("[电话12] [PHONE_3]", []),
        ("一些 万一 one of them", []),
    ],
)
def test_quantities(text: str, expected: list[tuple[str, str]]) -> None:
    assert [(q.value, q.unit) for q in quantities(text)] == expected


def test_a_long_code_is_no_quantity_and_no_error() -> None:
    assert len(quantities("9" * 6000 + " " + "九" * 6000 + "天")) == 2
    assert Fraction(quantities("9" * 20)[0].value) == 10**20 - 1


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("可以吃", 0),
        ("不可以吃", 1),
        ("别吃", 1),
        ("分别服用", 0),
        ("能不能吃，有没有药，非常好", 0),
        ("You must not take it, and don't drive.", 2),
        ("nothing noted, no problem", 1),
        ("无糖 without sugar", 2),
    ],
)
def test_negations(text: str, count: int) -> None:
    assert negations(text) == count


@pytest.mark.parametrize(
    ("question", "answer", "expected"),
    [
        ("能吃吗？", "您好，可以吃。", "yes"),
        ("能不能吃", "不能吃。", "no"),
        ("能吃吗", "最好不要吃。", "no"),
        ("能吃吗", "没关系，可以吃", "yes"),
        ("Is it safe?", "Yes, it is.", "yes"),
        ("Is it safe?", "It is not.", "no"),
        ("Can I drive?", "Hello, you can.", "yes"),
        ("怎么吃？", "不要空腹吃", None),
        ("What is it?", "No idea", None),
    ],
)
def test_polarity(question: str, answer: str, expected: str | None) -> None:
    assert polarity(question, answer)[0] == expected


def test_answers_that_agree() -> None:
    assert compare("吃多少", "每次0.5克，饭后服用", "每次500毫克，饭后服用") is None
    assert compare("Where?", "In the settings.", "In the settings. Scroll down to the end.") is None


def test_one_other_number_in_the_same_clause_is_a_disagreement() -> None:
    found = compare("Sum?", "The sum of 40, 20 and 7 is 1,067.", "The sum of 40, 20 and 7 is 67.")
    assert found is not None
    assert found.kinds == ("number",)
    found = compare("吃几天", "先吃3天，每次2片到4片。", "先吃3天，每次2片到6片。")
    assert found is not None
    assert found.kinds == ("number",)


def test_answers_that_disagree_score_higher_than_answers_that_only_differ() -> None:
    sure = compare("可以吃吗", "可以吃，没有影响。", "不可以吃，会有影响。")
    number = compare("吃多少", "每次10mg，饭后服用", "每次100mg，饭后服用")
    differ = compare("写一首诗", "春风吹绿江南岸", "明月照我还故乡")
    assert sure is not None
    assert number is not None
    assert differ is not None
    assert sure.kinds[0] == "yes_no"
    assert number.kinds == ("number",)
    assert differ.kinds == ("other",)
    assert 0.6 < min(sure.score, number.score) <= 0.9
    assert differ.score < 0.4


def test_accents_of_their_own_are_joined_and_disturb_no_neighbour() -> None:
    texts = ["退货 3.5", "un cafe\u0301", "x<5", "ﬁn e\u0301", "re\u0301sume\u0301", "退货 3.5"]
    keys, signs = folded(texts)
    assert keys[1:2] + keys[4:5] == folded(["un café", "résumé"])[0]
    assert keys[0] == keys[5] == folded(["退货3.5"])[0][0]
    assert [bool(sign) for sign in signs] == [False, False, True, False, False, False]
    assert similarity("un cafe\u0301", "un café") == 1.0


def test_spaces_between_a_number_and_its_operator_cost_no_square() -> None:
    wide = " " * 200_000
    keys, signs = folded([f"5{wide}-{wide}3", "5-3", f"- {wide}" * 4, ""])
    assert keys[0] == keys[1]
    assert signs[0] == signs[1] != 0
    assert keys[2:] == [b"", b""]


def test_long_words_and_texts_keep_apart() -> None:
    assert similarity("x" * 100_000 + " a b", "x" * 99_999 + " a b") < 1.0
    assert similarity("𠮷" * 50, "𠮷" * 49 + "吉") < 1.0
