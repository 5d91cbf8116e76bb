from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from curator.checks.quality import Quality
from curator.readability import readability
from curator.tables import records_table
from curator.types import Finding, Part, Provenance, Record

if TYPE_CHECKING:
    from collections.abc import Mapping


def record(*turns: tuple[str, str], kind: str = "conversation") -> Record:
    parts = tuple(Part(role, text) for role, text in turns)
    return Record("r1", kind, parts, "und", Provenance("u", "s", "line 1"))  # type: ignore[arg-type]


def scores(one: Record, **params: int) -> Mapping[str, float]:
    found: list[Finding] = list(Quality(**params)(records_table([one])))
    return {f.code: f.score for f in found}


ZH = "感冒的时候要多喝水，多休息。房间要常通风。如果发烧超过三天，就要去医院看医生。"
EN = "Drink a lot of water and rest. Keep the room aired. See a doctor after three days."


@pytest.mark.parametrize("text", [ZH, EN, ZH + EN])
def test_a_good_answer_has_no_finding(text: str) -> None:
    assert scores(record(("user", "感冒怎么办 what now"), ("assistant", text))) == {}


@pytest.mark.parametrize(
    ("answer", "least", "most"),
    [
        ("", 1.0, 1.0),
        ("？？！", 1.0, 1.0),
        ("好的。", 0.9, 0.9),
        ("ＯＫ", 0.9, 0.9),
        ("Thank you!", 0.9, 0.9),
        ("Noted, thanks.", 0.9, 0.9),
        ("Hi, please wait a moment.", 0.9, 0.9),
        ("在吗", 0.9, 0.9),
        ("您好，請稍等。", 0.9, 0.9),
        ("可以", 0.3, 0.7),
        ("Yes.", 0.3, 0.7),
        ("[PERSON_1]", 0.3, 0.7),
    ],
)
def test_how_short_an_answer_is_shows_in_its_score(answer: str, least: float, most: float) -> None:
    found = scores(record(("user", "感冒可以吃鸡蛋吗？"), ("assistant", answer)))
    assert least <= found["QLT010"] <= most


def test_yes_and_no_are_no_fillers_since_they_answer() -> None:
    for answer in ("可以", "不是", "没有", "yes", "No."):
        assert scores(record(("user", "能退吗"), ("assistant", answer)))["QLT010"] < 0.8


def test_a_filler_is_small_talk_in_a_longer_conversation() -> None:
    turns = [("user", "在吗"), ("assistant", "好的"), ("user", "怎么退货"), ("assistant", ZH)]
    assert scores(record(*turns))["QLT010"] < 0.5


def test_the_least_length_is_a_parameter() -> None:
    short = record(("user", "要注意什么"), ("assistant", "少盐少糖"))
    assert scores(short) == {}
    assert "QLT010" in scores(short, shortest=6)


def test_a_question_without_an_answer_is_told() -> None:
    assert scores(record(("user", "有人吗")))["QLT010"] == 1.0


@pytest.mark.parametrize("last", ["知道了。", "thanks", "那运费谁出？"])
def test_a_last_turn_that_nobody_answered_is_no_finding(last: str) -> None:
    assert scores(record(("user", "怎么退货"), ("assistant", ZH), ("user", last))) == {}


def test_short_answers_are_judged_where_no_answer_is_longer() -> None:
    talk = [("user", "在吗"), ("assistant", "在的"), ("user", "能退吗"), ("assistant", "稍等")]
    assert scores(record(*talk))["QLT010"] >= 0.8
    longer = [*talk, ("user", "怎么退"), ("assistant", ZH)]
    assert scores(record(*longer))["QLT010"] < 0.5
    empty = [*longer, ("user", "还有呢"), ("assistant", "")]
    assert 0.5 <= scores(record(*empty))["QLT010"] < 0.8


def test_a_chat_whose_parties_are_not_known_is_not_judged() -> None:
    parts = tuple(Part("user", text) for text in ("怎么退货", ZH, "谢谢"))
    chat = Record("r1", "conversation", parts, "und", Provenance("u", "s", "line 1"))
    assert scores(chat) == {}


def test_documents_may_be_short_and_long() -> None:
    assert scores(record(("heading", "一"), ("paragraph", "是。"), kind="document")) == {}
    assert "QLT011" not in scores(record(("paragraph", ZH), kind="document"), longest=5)


@pytest.mark.parametrize("unit", ["字", "word "])
def test_length_counts_han_characters_and_words_alike(unit: str) -> None:
    def long(n: int) -> Mapping[str, float]:
        return scores(record(("user", "问题"), ("assistant", unit * n)), longest=100)

    assert "QLT011" not in long(98)
    assert 0.5 <= long(100)["QLT011"] < 0.6
    assert long(300)["QLT011"] == 1.0


@pytest.mark.parametrize(
    "once",
    ["请先检查电源是否接好，再长按开关三秒。", "Please check the plug, then hold the switch. "],
)
def test_the_more_a_text_repeats_itself_the_higher_the_score(once: str) -> None:
    other = ZH if "请" in once else EN + " "

    def repeated(n: int) -> float:
        text = other + once * n
        return scores(record(("user", "怎么办"), ("assistant", text))).get("QLT012", 0.0)

    assert repeated(1) == 0.0
    assert repeated(2) < repeated(4) < repeated(8) <= 1.0
    assert repeated(8) > 0.6


def test_tables_and_code_may_repeat_themselves() -> None:
    row = "| 体温 | 三十七度 | 正常 |\n"
    assert scores(record(("table", row * 8), ("code", "x = x + 1\n" * 20), kind="document")) == {}


def test_reading_ease_falls_with_longer_words_and_sentences() -> None:
    plain = "The cat sat on the mat. It was warm. The dog came in and ate the fish."
    dense = (
        "Administrative reconsideration necessitates comprehensive documentation "
        "demonstrating extraordinary circumstances and satisfactory authentication."
    )
    assert readability(plain, "en") > 90
    assert readability(dense, "en") < 0


def test_reading_ease_of_chinese_falls_with_long_clauses_and_rare_characters() -> None:
    plain = "我们去公园玩。今天天气很好。小狗也来了，它很高兴。"
    long = "经上级主管部门批准设立并依法办理登记手续的各类单位在申请相关资质时应当提交证明材料"
    rare = "痄腮疠疡，瘰疬痈疽。鼽衄齁喘，癃闭淋浊。"
    assert readability(plain, "zh") > 80
    assert readability(plain, "zh") - readability(long, "zh") > 40
    assert readability(plain, "zh") - readability(rare, "zh") > 40


def test_traditional_chinese_is_as_easy_as_simplified() -> None:
    simplified, traditional = (
        "我们去学校读书。老师给我们讲故事。",
        "我們去學校讀書。老師給我們講故事。",
    )
    assert readability(simplified, "zh") == readability(traditional, "zh")


def test_flesch_reading_ease_agrees_with_the_published_formula() -> None:
    # 6 words, 1 sentence, 8 syllables: 206.835 - 1.015 * 6 - 84.6 * 8 / 6
    text = "The doctor looked at the baby."
    assert readability(text, "en") == pytest.approx(206.835 - 1.015 * 6 - 84.6 * 8 / 6)


def test_a_text_without_words_is_easy() -> None:
    assert readability("12345 !!", "en") == readability("12345 ！！", "zh") == 100.0
