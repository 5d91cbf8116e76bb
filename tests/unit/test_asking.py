"""Whether two questions ask the same, what texts say of dates and articles, and who is named."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from curator.semantic.answers import disagreement, named
from curator.semantic.asking import LONGEST, asking, likely_same
from curator.similarity.claims import Date, articles, dates, edition
from curator.similarity.differences import polarity


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("大人吃维生素C一次吃多少？", "请问维生素C大人每次的用量是多少"),
        ("发烧的人可不可以洗澡", "发烧适合洗澡吗？"),
        ("社保卡能不能异地办理", "异地办理社保卡行不行"),
        ("酒驾按哪一条处罚", "酒驾依据道交法哪条处罚？"),
        ("科技馆在哪", "请问科技馆位于什么地方？"),
        ("科技馆是哪一年建成的？", "科技馆建成是在哪年"),
        ("How long is the lease?", "What is the length of the lease?"),
        ("Can I cancel the policy by phone?", "May the policy be cancelled by phone?"),
        ("When was the mill rebuilt?", "In which year was the mill rebuilt?"),
        (
            "Which article covers data exports?",
            "What article of the privacy law covers data exports?",
        ),
    ],
)
def test_one_question_in_other_words(left: str, right: str) -> None:
    assert likely_same(left, right) >= 0.85
    assert likely_same(left, right) == likely_same(right, left)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("大人吃维生素C一次吃多少？", "孩子吃维生素C一次吃多少？"),
        ("大人吃维生素C一次吃多少？", "吃维生素C一次吃多少？"),
        ("大人吃维生素C一次吃多少？", "大人吃维生素C一天吃多少？"),
        ("猫怕狗吗", "狗怕猫吗"),
        ("谁喜欢唐嫣", "唐嫣喜欢谁"),
        ("面膜怎么用", "面膜怎么做"),
        ("面膜有什么用", "什么是面膜"),
        ("你喜欢苹果吗", "她喜欢苹果吗"),
        ("酒驾依据民法典哪条", "酒驾依据刑法哪条"),
        ("能报销吗，医保卡", "不能报销吗，医保卡"),
        ("How much iron do adults need?", "How much iron do toddlers need?"),
        ("How long is the lease?", "Who signs the lease?"),
        ("Why is the mill closed?", "When is the mill closed?"),
        ("Does iron affect zinc?", "Does zinc affect iron?"),
        ("Hello there", "Hi there"),
        ("", ""),
    ],
)
def test_other_questions(left: str, right: str) -> None:
    assert likely_same(left, right) == 0.0


def test_a_story_is_no_question_to_be_put_in_other_words() -> None:
    assert asking("我" * LONGEST + "吃多少钙？") is None
    assert asking("一次吃多少钙？") is not None


@given(st.text(max_size=40), st.text(max_size=40))
def test_any_two_texts_can_be_compared(left: str, right: str) -> None:
    assert 0.0 <= likely_same(left, right) <= 1.0
    disagreement(left, right, left)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2021年3月1日起", [Date(2021, 3, 1)]),
        ("2021-03-01.", [Date(2021, 3, 1)]),
        ("二〇二一年三月", [Date(2021, 3, None)]),
        ("十二月三日", [Date(None, 12, 3)]),
        ("March 1, 2021", [Date(2021, 3, 1)]),
        ("the 1st of March 2021", [Date(2021, 3, 1)]),
        ("in 1987.", [Date(1987, None, None)]),
        ("用3年", []),
        ("in 2000 ml of water, 1200 mg", []),
        ("12 people may come", []),
        ("版本 1.2.3", []),
    ],
)
def test_dates(text: str, expected: list[Date]) -> None:
    assert dates(text) == expected


def test_dates_of_which_one_says_less_may_be_one() -> None:
    assert Date(2021, 3, 1).meets(Date(2021, None, None))
    assert Date(2021, 3, 1).meets(Date(None, 3, 1))
    assert not Date(2021, 3, 1).meets(Date(2021, 4, None))


def test_articles_and_editions() -> None:
    assert articles("第三十九条、第133条之一") == {"39", "133-1"}
    assert articles("第一千零四十二条") == articles("第1042条")
    assert articles("Section 12(b), art. 5 and §7") == {"12(b)", "5", "7"}
    assert articles("一条裤子, an article") == frozenset()
    assert edition("2018年版高血压指南") == edition("高血压指南（2018）") == 2018
    assert edition("the 2021 ESC heart failure guidelines") == 2021
    assert edition("2018年买的") is None


@pytest.mark.parametrize(
    ("question", "answer", "expected"),
    [
        ("客服中心在哪个城市？", "客服中心设在成都，工作日开放。", ["成都"]),
        ("首选什么药", "一般先用阿奇霉素治疗。", ["阿奇霉素"]),
        ("In which city is the shop?", "The shop is in Leeds.", ["leeds"]),
        (
            "Who wrote it?",
            "Legend credits three brothers from some village near Trondheim harbour.",
            [],
        ),
    ],
)
def test_what_an_answer_names(question: str, answer: str, expected: list[str]) -> None:
    assert named(question, answer) == expected


@pytest.mark.parametrize(
    ("question", "answer", "expected"),
    [
        ("这件支持七天无理由退货吗", "这件支持七天无理由退货。", "yes"),
        ("这件支持七天无理由退货吗", "抱歉，这件不支持。", "no"),
        ("不吃药可以吗", "不吃药可以。", "yes"),
        ("不吃药可以吗", "不吃药不可以。", "no"),
        ("Is rowing safe?", "It is too risky.", "no"),
        ("Is rowing safe?", "Sorry, no.", "no"),
        ("主要表现是什么？", "是头痛。", None),
    ],
)
def test_yes_or_no(question: str, answer: str, expected: str | None) -> None:
    assert polarity(question, answer)[0] == expected
