"""The first hour on files of one's own, messy as they come: what is found, and how it is told."""

from __future__ import annotations

import csv
import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Curator = Callable[..., Any]

ZH = [
    ("李娜", "你好，我的订单到现在还没发货，怎么回事？", "您好李娜，已安排加急，单号稍后发到 13912345678。"),
    ("李娜", "你好，我的订单到现在还没发货，怎么回事？？", "您好李娜，已安排加急，单号稍后发到 13912345678。"),
    ("王建国", "空气炸锅的发票怎么开？", "您好，订单完成后在“我的发票”里自助开具，一般十分钟内发送到邮箱。"),
    ("陈晨", "退货运费谁出？", "在的亲"),
    ("", "", ""),
    ("吴芳", "怎么联系人工？", "作为一个人工智能语言模型，我无法处理您的请求。"),
    ("郑爽", "&lt;p&gt;优惠券用不了&lt;/p&gt;", "<div>请检查是否过期，部分商品不参与活动。</div>"),
    ("冯强", "你们周末上班吗", "周末早上十点到晚上八点都有人工客服在线，欢迎咨询。"),
]  # fmt: skip
EN = [
    ("My parcel never came. Call me at 415-555-0142, Bob Miller", "Hi Bob, sorry! It was returned to us; we'll resend it today."),
    ("my parcel never came. call me at 415-555-0142, bob miller", "Hi Bob, sorry! It was returned to us; we'll resend it today."),
    ("How do I reset my password?", "Click 'Forgot password' on the sign-in page and follow the mail we send."),
    ("Is the kettle BPA free?", "As an AI language model, I cannot help with that request."),
    ("Do you ship to Ireland?", "<p>Yes, we do&nbsp;&ndash; it takes about four days.</p>"),
]  # fmt: skip


def lay(folder: Path) -> tuple[Path, Path]:
    zh, en = folder / "客服记录.csv", folder / "support.csv"
    with zh.open("w", encoding="gb18030", newline="") as file:
        out = csv.writer(file)
        out.writerow(["时间", "客户", "问题描述", "客服回复", "类型"])
        out.writerows([[f"2024-03-{i + 1:02}", *row, "售后"] for i, row in enumerate(ZH)])
    with en.open("w", encoding="utf-8", newline="") as file:
        out = csv.writer(file)
        out.writerow(["ticket", "created", "customer said", "we said", "queue"])
        rows = [[i, f"2024-03-{i + 1:02}", *row, "shipping"] for i, row in enumerate(EN)]
        out.writerows(rows)
    return zh, en


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, curator: Curator) -> tuple[Path, Any, Any]:
    """The two commands of the README, on two files."""
    folder = tmp_path_factory.mktemp("hour")
    zh, en = lay(folder)
    began = curator("init", "mine", "--from", zh, "--from", en, cwd=folder)
    return folder / "mine", began, curator("run", "mine", cwd=folder)


def test_two_commands_lead_to_the_report(made: tuple[Path, Any, Any]) -> None:
    project, began, ran = made
    for said in ("问题描述", "客服回复", "← 类型", "customer said", "we said", "← queue"):
        assert said in began.stderr + began.stdout
    assert "next: curator run mine" in began.stderr
    assert "report.html" in ran.stderr
    page = (project / "report.html").read_text("utf-8")
    for code in ("PII001", "PII002", "DUP001", "LBL004", "QLT002"):
        assert f'id="{code}"' in page, code
    for private in ("13912345678", "415-555-0142"):
        assert private not in page


def test_status_is_a_funnel_in_both_languages_and_says_what_comes_next(
    made: tuple[Path, Any, Any], curator: Curator
) -> None:
    done = curator("status", cwd=made[0])
    for said in ("units read\t读入单元", "held for review\t  待审", "kept\t  保留"):
        assert said in done.stdout
    assert "账目相符" in done.stderr
    assert "next: " in done.stderr
    assert "curator ingest" in done.stderr, "where the row that could not be read stands"


@pytest.mark.parametrize(
    ("place", "told"),
    [
        ("客服记录.csv#line 5", ("dropped: the answer is courtesy", "舍弃：只有客套话")),
        ("客服记录.csv#line 4", ("kept for instruction and rag", "保留，用于指令集、检索库")),
        ("support.csv#line 5", ("dropped: ", "舍弃：")),
    ],
)
def test_why_begins_with_what_became_of_the_record(
    made: tuple[Path, Any, Any], curator: Curator, place: str, told: tuple[str, str]
) -> None:
    first, second = curator("why", place, cwd=made[0]).stdout.splitlines()[:2]
    story = json.loads(curator("why", place, "--json", cwd=made[0]).stdout)
    fate = {"keep": "kept", "review": "held for review", "drop": "dropped"}
    assert first.startswith(f"fate     {fate[story['decision']['action']]}")
    if not first.startswith("fate     held"):  # how far a text lies from so few is chance
        assert told[0] in first
        assert told[1] in second
