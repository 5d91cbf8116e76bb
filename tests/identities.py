"""Invented people, in Chinese and English, and conversations in which their details are said.

All of it follows from the seed. Names are drawn from syllables and lists of their own, so a
name is hardly one that any list of the product's knows as a whole; phones, identity and bank
numbers carry right checksums.
"""

from __future__ import annotations

import json
import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_SURNAMES = (
    "赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨朱秦许何吕施孔曹严金魏陶姜谢邹喻柏苏潘葛范彭鲁韦马苗方俞任袁柳"
)
_COMPOUND = ("欧阳", "司马", "上官", "诸葛", "慕容", "夏侯")
_GIVEN = "嘉怡宇轩梓涵思远雨桐浩然静姝志强丽娟建华晓燕国栋秀英俊杰佳琪明哲文博雅婷海峰永福春梅立新玉兰振东"
_FIRST = [
    "Abigail",
    "Alistair",
    "Beatrice",
    "Callum",
    "Cordelia",
    "Dermot",
    "Edwina",
    "Fergus",
    "Gwendolen",
    "Hamish",
    "Isolde",
    "Jocelyn",
    "Kieran",
    "Leticia",
    "Magnus",
    "Nerissa",
    "Orlando",
    "Philippa",
    "Quincy",
    "Rosalind",
    "Sebastian",
    "Tabitha",
    "Ulric",
    "Verena",
    "Winifred",
    "Yolanda",
    "Zachary",
    "Marcus",
    "Helena",
    "Priya",
    "Rahul",
    "Mei",
    "Kenji",
    "Fatima",
    "Omar",
    "Ingrid",
    "Lars",
]
_ONSET = [
    "Ash",
    "Bram",
    "Crow",
    "Dun",
    "Ever",
    "Far",
    "Glen",
    "Hart",
    "Ives",
    "Kel",
    "Lang",
    "Mar",
    "Nor",
    "Oak",
    "Pem",
    "Quin",
    "Rad",
    "Sel",
    "Thorn",
    "Wex",
]
_CODA = [
    "bury",
    "croft",
    "dale",
    "field",
    "ford",
    "gate",
    "ham",
    "land",
    "ley",
    "lock",
    "mere",
    "more",
    "ridge",
    "shaw",
    "stead",
    "ton",
    "well",
    "wick",
    "wood",
    "worth",
]
_STREETS = ("建设", "解放", "人民", "中山", "和平", "新华", "长江", "滨河", "学院", "文昌")
_CITIES = (
    "杭州市西湖区",
    "成都市武侯区",
    "南京市鼓楼区",
    "武汉市洪山区",
    "西安市雁塔区",
    "青岛市市南区",
)
_ROADS = (
    "Maple Street",
    "Orchard Road",
    "Station Lane",
    "Mill Road",
    "Church Street",
    "Park Avenue",
)
_TOWNS = (
    "Leeds",
    "Bristol",
    "Denver, CO 80203",
    "Austin, TX 78701",
    "Norwich",
    "Madison, WI 53703",
)
_WEIGHTS, _CHECK = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2), "10X98765432"


@dataclass(frozen=True)
class Identity:
    """A person: language, and each detail by its entity."""

    lang: str
    details: dict[str, str] = field(default_factory=dict)


def identities(count: int, seed: int = 7) -> list[Identity]:
    """Return people, every other one Chinese; no two share a detail."""
    draw = random.Random(seed)
    made: list[Identity] = []
    taken: set[str] = set()
    while len(made) < count:
        person = _chinese(draw) if len(made) % 2 == 0 else _english(draw)
        values = set(person.details.values())
        if not values & taken:
            taken |= values
            made.append(person)
    return made


def _chinese(draw: random.Random) -> Identity:
    surname = draw.choice(_COMPOUND) if draw.random() < 0.05 else draw.choice(_SURNAMES)
    name = surname + "".join(draw.sample(_GIVEN, 2))
    born = f"{draw.randint(1950, 2005)}{draw.randint(1, 12):02}{draw.randint(1, 28):02}"
    first = (
        f"{draw.choice(('110105', '330106', '510107', '440305'))}{born}{draw.randint(1, 999):03}"
    )
    check = _CHECK[sum(int(d) * w for d, w in zip(first, _WEIGHTS, strict=True)) % 11]
    where = f"{draw.choice(_CITIES)}{draw.choice(_STREETS)}路{draw.randint(1, 399)}号"
    return Identity(
        "zh",
        {
            "PERSON": name,
            "PHONE": f"1{draw.choice('35789')}{draw.randint(0, 999_999_999):09}",
            "EMAIL": f"{_handle(draw)}@{draw.choice(('163.com', 'qq.com', 'mail.cn'))}",
            "CN_ID_CARD": first + check,
            "BANK_CARD": _luhn(draw, "622202", 19),
            "ADDRESS": f"{where}{draw.randint(1, 20)}栋{draw.randint(101, 2804)}室",
            "SOCIAL_ACCOUNT": _handle(draw),
        },
    )


def _english(draw: random.Random) -> Identity:
    name = f"{draw.choice(_FIRST)} {draw.choice(_ONSET)}{draw.choice(_CODA)}"
    where = f"{draw.randint(1, 999)} {draw.choice(_ROADS)}, {draw.choice(_TOWNS)}"
    phone = f"({draw.randint(201, 989)}) 555-{draw.randint(100, 9999):04}"
    return Identity(
        "en",
        {
            "PERSON": name,
            "PHONE": phone,
            "EMAIL": f"{_handle(draw)}@{draw.choice(('example.org', 'mail.com', 'post.net'))}",
            "BANK_CARD": _luhn(draw, "4539", 16),
            "ADDRESS": where,
            "SOCIAL_ACCOUNT": "@" + _handle(draw),
        },
    )


def _handle(draw: random.Random) -> str:
    letters = "".join(draw.choice("bcdfghjklmnprstvw") + draw.choice("aeiou") for _ in range(4))
    return f"{letters}{draw.randint(1000, 99999)}"


def _luhn(draw: random.Random, prefix: str, length: int) -> str:
    body = prefix + "".join(str(draw.randint(0, 9)) for _ in range(length - len(prefix) - 1))
    doubled = [int(d) * (2 - i % 2) for i, d in enumerate(reversed(body))]
    return body + str(-sum(d // 10 + d % 10 for d in doubled) % 10)


# In each form, {v} is the detail; the first of an entity says what it is, the others mention it.
_FORMS: dict[str, dict[str, tuple[str, ...]]] = {
    "zh": {
        "PERSON": ("我叫{v}，想问一下进度", "昨天是{v}接待我的，他人呢", "麻烦转告 {v} 一声", "{v}的快递到了没有"),
        "PHONE": ("我的手机号是{v}", "打{v}没人接", "联系方式：{v}，谢谢"),
        "EMAIL": ("邮箱是{v}", "请把发票发到{v}，谢谢"),
        "CN_ID_CARD": ("身份证号{v}", "证件号码：{v}"),
        "BANK_CARD": ("银行卡号{v}", "退到卡{v}就行"),
        "ADDRESS": ("我家住{v}", "寄到{v}，别放快递柜"),
        "SOCIAL_ACCOUNT": ("我的微信号：{v}", "加我微信{v}聊"),
    },
    "en": {
        "PERSON": ("My name is {v} and I need help.", "I spoke to {v} yesterday about it.", "Could you tell {v} that I called?", "was {v} there on monday"),
        "PHONE": ("My phone number is {v}.", "Please call {v} after five."),
        "EMAIL": ("My e-mail is {v}.", "Send the invoice to {v}, please."),
        "BANK_CARD": ("My card number is {v}.", "Refund it to the card {v}, please."),
        "ADDRESS": ("I live at {v}.", "Ship it to {v}, please."),
        "SOCIAL_ACCOUNT": ("My Twitter handle is {v}.", "You can find me as {v} there."),
    },
}  # fmt: skip
_TALK = {
    "zh": (
        ("这件外套什么时候能发货？", "付款后四十八小时内发出，节假日会晚一两天，请您留意物流通知。"),
        ("宝宝拉肚子要不要禁食？", "不用禁食，少量多次喂养，注意补水，精神变差就尽快去医院看看。"),
        ("合同到期之前能解除吗？", "可以协商解除，也要看违约条款怎么约定，建议先以书面方式通知对方。"),
        ("发票抬头开错了怎么办？", "可以申请红冲后重新开具，一般三到五个工作日能收到新的电子发票。"),
    ),
    "en": (
        ("How long does the delivery take?", "Usually three to five working days; you get a message once it leaves."),
        ("Can the fever come back at night?", "Yes, it often rises in the evening; offer drinks and watch how he behaves."),
        ("May I end the lease before it runs out?", "Often yes, with notice in writing; check the clause on early termination."),
        ("The invoice shows the wrong company.", "We can cancel it and send a new one within a few working days."),
    ),
}  # fmt: skip
_THANKS = {
    "zh": ("好的{v}，已经为您登记。", "收到。"),
    "en": ("Thank you, {v}, noted.", "Noted, thanks."),
}


@dataclass(frozen=True)
class Planted:
    """A detail as it is said in one turn: which identity's, the entity, the text."""

    identity: int
    entity: str
    text: str


def conversations(
    people: list[Identity], count: int, seed: int = 11
) -> Iterator[tuple[str, list[Planted]]]:
    """Yield conversations as JSON lines, with what is planted in each.

    Every person is in about as many conversations as there are of them a person; a
    detail is introduced in one and mentioned in others, in the usual spellings.
    """
    draw = random.Random(seed)
    for n in range(count):
        number = n % len(people)
        person = people[number]
        question, answer = draw.choice(_TALK[person.lang])
        turns, planted = [("user", f"{question}（{n}）"), ("assistant", f"{answer} {n}")], []
        entities = ["PERSON", *draw.sample(sorted(set(person.details) - {"PERSON"}), 2)]
        for entity in entities:
            forms = _FORMS[person.lang][entity]
            form = forms[0] if n < len(people) else draw.choice(forms)
            said = _spelled(person.details[entity], entity, draw)
            planted.append(Planted(number, entity, said))
            turns.append(("user", form.format(v=said)))
            turns.append(
                ("assistant", draw.choice(_THANKS[person.lang]).format(v=person.details["PERSON"]))
            )
        planted.append(Planted(number, "PERSON", person.details["PERSON"]))
        row = {"messages": [{"role": role, "content": text} for role, text in turns]}
        yield json.dumps(row, ensure_ascii=False), planted


def _spelled(value: str, entity: str, draw: random.Random) -> str:
    """Return a detail as people write it: mostly plain, else spaced, dashed, wide or raised."""
    how = draw.random()
    if how < 0.7:
        return value
    if entity == "PHONE" and value.isdigit():
        return draw.choice(
            (
                f"{value[:3]} {value[3:7]} {value[7:]}",
                f"{value[:3]}-{value[3:7]}-{value[7:]}",
                f"+86 {value}",
                _wide(value),
            )
        )
    if entity == "BANK_CARD":
        return " ".join(value[i : i + 4] for i in range(0, len(value), 4))
    if entity == "CN_ID_CARD":
        return f"{value[:6]} {value[6:14]} {value[14:]}"
    if entity == "PERSON":
        return (
            draw.choice((value.upper(), value))
            if value.isascii()
            else draw.choice((f"{value[:1]}\u200b{value[1:]}", value))
        )
    if entity == "EMAIL":
        return draw.choice((value.upper(), value))
    return value


def _wide(value: str) -> str:
    return "".join(chr(ord(char) + 0xFEE0) for char in value)
