"""Redaction hides what was put in, and a second pass finds nothing new."""

from __future__ import annotations

import random
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from curator.checks.pii import Pii
from curator.edits import apply
from curator.partly import left_of
from curator.rules import bundled, rule_files
from curator.schema import PiiRules, load
from curator.tables import records_table
from curator.text import language
from curator.types import Edit, Finding, Part, Provenance, Record

if TYPE_CHECKING:
    from curator.partly import How

WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)

ZH = [
    "我叫{name}，电话{phone}，请尽快回电。",
    "姓名：{name}\n身份证号：{id_card}",
    "订单号{order}还没到，收货人：{name}，地址：中山路{number}号{room}室",
    "孩子发烧三天了，病历号ZY{number}0012，邮箱{email}",
    "加我微信{account}，或者打{phone}",
    "{name}您好，您尾号的订单{order}已发出，请留意{phone}的短信。",
    "生日是19{year}年5月1日，车牌粤B{plate}",
    "每次5ml/kg，一天三次，体温38.5℃。",
]
EN = [
    "My name is {english}, call me at (212) 555-{number}.",
    "Dear {english},\nyour order {order} has shipped.\nBest regards,\nHannah Lee",
    "Write to {email} or visit {number} Baker Street.",
    "My SSN is 219-09-{number} and my DOB is 03/07/19{year}.",
    "Take 5 ml twice a day, and call 911 if it gets worse.",
]
PARTS = [
    "我奶奶今年93岁，住在浙江省杭州市西湖区文三路{number}号。",
    "My grandfather is 97 years old and lives at 14 Alder Road, Leeds LS6 2AB.",
    "患者年龄：91，出生日期：19{year}-03-07",
    "Ship it to {number} Amphitheatre Pkwy, Mountain View, CA 94043 please.",
    "车牌粤B{plate}，住院号：2023{number}，银行卡6222020200112230442",
]
NAMES = ["张伟", "李秀英", "王小明", "欧阳娜娜", "赵六顺", "陈建国", "刘洋", "周杰"]
ENGLISH = ["John Smith", "Maria Garcia", "Priya Patel", "Omar Haddad", "Emily Watson"]


@cache
def checker() -> Pii:
    files = [load(path, PiiRules) for path in rule_files(bundled())]
    return Pii(
        ner_zh="lac",
        ner_en="en-core-web-sm",
        pii_rules=[r.model_dump(mode="json", by_alias=True) for f in files for r in f.rules],
        allow=[pattern for f in files for pattern in f.allow],
    )


def id_card(draw: random.Random) -> str:
    body = f"110105{draw.randint(1950, 2010)}{draw.randint(1, 12):02}{draw.randint(1, 28):02}{draw.randint(0, 999):03}"
    total = sum(int(d) * w for d, w in zip(body, WEIGHTS, strict=True))
    return body + "10X98765432"[total % 11]


def filled(template: str, draw: random.Random) -> tuple[str, list[str]]:
    values = {
        "name": draw.choice(NAMES),
        "english": draw.choice(ENGLISH),
        "phone": f"1{draw.choice('3578')}{draw.randint(10**8, 10**9 - 1)}",
        "id_card": id_card(draw),
        "order": f"2024{draw.randint(10**9, 10**10 - 1)}",
        "email": f"user{draw.randint(1, 999)}@example.com",
        "account": f"wx_{draw.randint(10**4, 10**6)}",
        "number": str(draw.randint(1001, 9998)),
        "room": str(draw.randint(101, 999)),
        "year": str(draw.randint(50, 99)),
        "plate": str(draw.randint(10000, 99999)),
    }
    hidden = ["name", "english", "phone", "id_card", "order", "email", "account"]
    return template.format(**values), [values[k] for k in hidden if f"{{{k}}}" in template]


def record(texts: list[str]) -> Record:
    parts = tuple(Part(("user", "assistant")[i % 2], text) for i, text in enumerate(texts))
    return Record("r", "conversation", parts, language(" ".join(texts)), Provenance("u", "s", "1"))


def findings(texts: list[str]) -> list[Finding]:
    return list(checker()(records_table([record(texts)])))


def redacted(texts: list[str]) -> list[str]:
    edits = [
        Edit(f.span, f.replacement, 1)
        for f in findings(texts)
        if f.span is not None and f.replacement is not None
    ]
    return [part.text for part in apply(record(texts).parts, edits)]


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.sampled_from([*ZH, *EN]), min_size=1, max_size=4), st.integers(0, 2**32 - 1))
def test_redaction_hides_everything_and_is_idempotent(templates: list[str], seed: int) -> None:
    draw = random.Random(seed)
    pairs = [filled(template, draw) for template in templates]
    texts = redacted([text for text, _ in pairs])
    for value in (v for _, values in pairs for v in values):
        assert not any(value in text for text in texts)
    assert [f for f in findings(texts) if f.replacement] == []


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(st.sampled_from([*ZH, *EN, *PARTS]), min_size=2, max_size=6), st.integers(0, 2**32 - 1)
)
def test_findings_do_not_depend_on_what_is_read_beside(templates: list[str], seed: int) -> None:
    """However records are shared out among files, batches and workers, and in every run."""
    draw = random.Random(seed)
    texts = [filled(template, draw)[0] for template in templates]
    records = [replace(record([text]), id=f"r{i}") for i, text in enumerate(texts)]
    alone = [f for r in records for f in checker()(records_table([r]))]
    together = list(checker()(records_table(records)))
    backwards = list(checker()(records_table(records[::-1])))
    assert together == alone
    assert sorted(backwards, key=repr) == sorted(alone, key=repr)


def hidden_in_part(texts: list[str], how: How) -> list[str]:
    edits = []
    for f in findings(texts):
        if f.span is not None and f.replacement is not None:
            said = texts[f.span.part][f.span.start : f.span.end]
            left = left_of(how, str(f.evidence["entity"]), said)
            edits.append(Edit(f.span, f.replacement if left is None else left, 1))
    return [part.text for part in apply(record(texts).parts, edits)]


@pytest.mark.parametrize("how", ["mask", "generalise"])
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(st.sampled_from([*ZH, *EN, *PARTS]), min_size=1, max_size=4),
    st.integers(0, 2**32 - 1),
)
def test_what_is_hidden_in_part_is_hidden_and_stays_as_it_is(
    how: How, templates: list[str], seed: int
) -> None:
    draw = random.Random(seed)
    pairs = [filled(template, draw) for template in templates]
    texts = hidden_in_part([text for text, _ in pairs], how)
    for value in (v for _, values in pairs for v in values):
        assert not any(value in text for text in texts)
    assert [f for f in findings(texts) if f.replacement] == []


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.text("一二张王我叫电话：138013800 00-@.abcAB[]1_姓名\u200b&;<>锟", max_size=60))
def test_any_text_at_all_can_be_redacted(text: str) -> None:
    for finding in findings([text]):
        assert finding.span is not None
        assert 0 <= finding.span.start < finding.span.end <= len(text)
    redacted([text])
