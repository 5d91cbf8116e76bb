"""What tells two near-equal records apart, in Chinese and English."""

from __future__ import annotations

import pytest

from curator.similarity.contrasts import Contrast, Sides, contrast, contrast_inside


def kinds(left: str, right: str, asked: tuple[str, str] = ("", "")) -> set[str]:
    found = contrast(Sides(asked[0], left), Sides(asked[1], right))
    assert found == contrast(Sides(asked[1], right), Sides(asked[0], left)), "either way round"
    return {name for name in Contrast.__slots__ if getattr(found, name)}


ZH = "请按照医生的建议服药并注意休息，多喝温水，如果症状没有好转请及时到医院复诊检查。"
EN = " Please rest and drink enough, and see us again if you do not feel better in the meantime."


@pytest.mark.parametrize(
    ("left", "right", "kind"),
    [
        ("体温38.5度时", "体温39.5度时", "numbers"),
        ("每次0.5克，", "每次5克，", "numbers"),
        ("每天吃三次，", "每天吃两次，", "numbers"),
        ("服药期间可以开车，", "服药期间不可以开车，", "negation"),
        ("饭前服用，", "饭后服用，", "terms"),
        ("左眼滴药，", "右眼滴药，", "terms"),
        ("周一复诊，", "周三复诊，", "terms"),
        ("高血压患者慎用，", "低血压患者慎用，", "terms"),
        ("请服用布洛芬，", "请服用阿司匹林，", "terms"),
        ("请服用青霉素，", "请服用红霉素，", "terms"),
        ("请服用头孢克肟，", "请服用头孢拉定，", "terms"),
        ("请服用泼尼松，", "请服用泼尼松龙，", "terms"),
        ("阿司匹林和布洛芬都行，先吃布洛芬，", "阿司匹林和布洛芬都行，先吃阿司匹林，", "terms"),
        ("补充维生素C，", "补充维生素D，", "terms"),
        ("快递寄往上海，", "快递寄往北京，", "terms"),
        ("请联系 QQ 客服，", "请联系微信客服，", "terms"),
    ],
)
def test_chinese_that_says_another_thing(left: str, right: str, kind: str) -> None:
    assert kinds(left + ZH, right + ZH) == {kind}
    assert kinds(ZH + left, ZH + right) == {kind}


@pytest.mark.parametrize(
    ("left", "right", "kind"),
    [
        ("Take 10 mg at once.", "Take 100 mg at once.", "numbers"),
        ("Take 10 mg now.", "Take 10 g now.", "numbers"),
        ("Take it twice a day.", "Take it three times a day.", "numbers"),
        ("You may drive.", "You may not drive.", "negation"),
        ("You can drive.", "You can't drive.", "negation"),
        ("Take it before meals.", "Take it after meals.", "terms"),
        ("Take it daily.", "Take it weekly.", "terms"),
        ("Take ibuprofen.", "Take aspirin.", "terms"),
        ("Take prednisone.", "Take prednisolone.", "terms"),
        ("Take hydroxyzine.", "Take hydralazine.", "terms"),
        ("Use vitamin C.", "Use vitamin D.", "terms"),
        ("This is hepatitis A.", "This is hepatitis B.", "terms"),
        ("We ship to Paris.", "We ship to London.", "terms"),
        ("Ask for Smith.", "Ask for Miller.", "terms"),
    ],
)
def test_english_that_says_another_thing(left: str, right: str, kind: str) -> None:
    assert kinds(left + EN, right + EN) == {kind}
    assert kinds(EN + " " + left, EN + " " + right) == {kind}


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("每次0.5克，", "每次500毫克，"),
        ("咳嗽加重时，", "咳嗽加剧时，"),
        ("区别很大，", "子别很大，"),
        ("忠诚度很高，", "诚忠度很高，"),
        ("您好，", "医生您好：请问一下，"),
        ("ＧＰＴ-3 很好，", "GPT-3 很好，"),
        ("他叫 Smith，", "他叫 Smi中th，"),
    ],
)
def test_chinese_that_says_the_same(left: str, right: str) -> None:
    assert kinds(left + ZH, right + ZH) == set()
    assert kinds(ZH + left, ZH + right) == set()


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("Take 500 mg of it.", "Take 0.5 g of it."),
        ("It may have caused it.", "It may haev caused it."),
        ("Take the tablet.", "Take the tablets."),
        ("Wait 30 minutes.", "Wait 30 full minutes."),
        ("It is good.", "It is really very good."),
        ("Hello, it is good.", "Good morning, it is good."),
        ("It is good.", "IT IS GOOD!"),
    ],
)
def test_english_that_says_the_same(left: str, right: str) -> None:
    assert kinds(left + EN, right + EN) == set()
    assert kinds(EN + " " + left, EN + " " + right) == set()


@pytest.mark.parametrize(
    ("one", "two", "answer"),
    [
        ("糖尿病人能喝牛奶吗", "信用卡怎么还款", ZH),
        ("Can I pay by card?", "Where is my parcel now?", EN),
    ],
)
def test_one_canned_answer_to_two_questions(one: str, two: str, answer: str) -> None:
    assert "question" in kinds(answer, answer, (one, two))


@pytest.mark.parametrize(
    ("question", "one", "two"),
    [
        (ZH + "可以吗", "可以的，完全没有问题", "建议先做检查再说"),
        (EN + " Is that so?", "Yes, that is so.", "Our branch opens at noon."),
    ],
)
def test_one_question_with_two_answers(question: str, one: str, two: str) -> None:
    assert "answer" in kinds(one, two, (question, question))


def test_a_question_takes_one_character_to_be_meant() -> None:
    assert kinds(ZH, ZH, ("孕妇能吃鱼吗", "孕妇能吃虾吗")) == {"terms"}
    assert kinds(ZH, ZH, ("Can I eat fish?", "Can I eat meat?")) == {"terms"}


def test_a_longer_text_may_say_more_but_not_another_thing() -> None:
    inner = Sides("发烧怎么办", f"每次吃10毫克。{ZH}")
    more = "以下是我们专栏的内容，共3条，每条不超过50字：饭后用药，不要空腹。"
    assert not contrast_inside(inner, Sides("发烧怎么办", f"{more}每次吃10毫克。{ZH}"))
    assert contrast_inside(inner, Sides("发烧怎么办", f"{more}每次吃20毫克。{ZH}")).numbers
    assert contrast_inside(inner, Sides("信用卡丢了", f"{more}每次吃10毫克。{ZH}")).question


def test_texts_of_any_size_and_none() -> None:
    assert kinds("", "") == set()
    assert kinds("好", "") == {"answer"}
    for unit in ("一", "1 ", "您好", "祝", "不", "hello ", "twenty ", "\u3000", "头孢", "x ", "1,"):
        long = unit * (20_000 // len(unit))
        assert "answer" not in kinds(long, long + "xx"), unit
    assert kinds("字,ab。" * 50_000, "字,ab。" * 50_000 + "布洛芬") == set()
