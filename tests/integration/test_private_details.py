"""The policy of docs/private-details.md, on a project: what is hidden in part, where, and what goes."""

from __future__ import annotations

import csv
import json
import re
from typing import TYPE_CHECKING

import pytest
import yaml

from curator.project import Project
from curator.scaffold import scaffold
from tests.conftest import ROOT

if TYPE_CHECKING:
    from pathlib import Path

DOCS = ["private-details.md", "private-details.zh-CN.md"]
ROWS = [
    ("我的手机13912345678打不通，请尽快帮我查一下线路", "您好，已为您登记，师傅今天下午会上门检查线路。"),
    ("我住在浙江省杭州市西湖区文三路478号3单元402室，能上门吗", "可以上门，收费标准和门店一样，请提前一天预约。"),
    ("我奶奶今年93岁，生日是1931年5月1日，能办优待证吗", "可以办理，请带上户口簿和近期照片到社区办理。"),
    ("My phone number is (212) 555-0147, please call me about the refund.", "Thank you, we will call you back within two working days."),
    ("Please ship it to 1600 Amphitheatre Pkwy, Mountain View, CA 94043 next week.", "It leaves our warehouse on Monday and arrives on Thursday."),
    ("我的身份证号是11010519491231002X，帮我查询社保缴费", "请登录官方网站或者前往服务大厅查询缴费记录。"),
]  # fmt: skip


def rules_of(name: str) -> list[dict[str, object]]:
    (block,) = re.findall(
        r"```yaml\n(.*?)```", (ROOT / "docs" / name).read_text("utf-8"), re.DOTALL
    )
    rules: list[dict[str, object]] = yaml.safe_load(block)
    return rules


def test_both_pages_tell_the_same_rules() -> None:
    assert rules_of(DOCS[0]) == rules_of(DOCS[1])


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("project")
    with (folder / "chat.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("问题", "回答"), *ROWS])
    scaffold(folder / "p", [folder / "chat.csv"])
    path = folder / "p" / "rules" / "policy.yaml"
    policy = yaml.safe_load(path.read_text("utf-8"))
    others = [r for r in policy["rules"] if not r["id"].startswith("hide-")]
    policy["rules"] = [*rules_of(DOCS[0]), *others]
    path.write_text(yaml.safe_dump(policy, allow_unicode=True), encoding="utf-8")
    Project(folder / "p").run()
    return {
        route: told(folder / "p" / "exports" / route / "latest") for route in ("instruction", "rag")
    }


def told(folder: Path) -> str:
    rows = [
        json.loads(line)
        for path in sorted(folder.glob("*.jsonl"))
        for line in path.read_text("utf-8").splitlines()
    ]
    return json.dumps(rows, ensure_ascii=False)


@pytest.mark.parametrize(
    ("said", "instruction", "rag"),
    [
        ("13912345678", "我的手机••••••••678打不通", "我的手机[电话1]打不通"),
        ("(212) 555-0147", "number is (•••) •••-•147, please", "number is [PHONE_1], please"),
        ("文三路478号3单元402室", "住在浙江省杭州市，能", "住在浙江省杭州市，能"),
        ("1600 Amphitheatre", "ship it to Mountain View, CA", "ship it to Mountain View, CA"),
        ("1931年5月1日", "今年90-99岁，生日是1931年，", "今年90-99岁，生日是1931年，"),
    ],
)
def test_an_export_shows_what_the_policy_leaves(
    exported: dict[str, str], said: str, instruction: str, rag: str
) -> None:
    assert instruction in exported["instruction"]
    assert rag in exported["rag"]
    assert said not in exported["instruction"] + exported["rag"]


def test_a_record_that_the_policy_drops_is_gone(exported: dict[str, str]) -> None:
    assert "社保缴费" not in exported["instruction"] + exported["rag"]
