"""Details that are hidden in part: what is left, what the policy makes of it, what the gate says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from curator.errors import GateError
from curator.exports.instruction import export_instruction
from curator.exports.rag import export_rag
from curator.partly import MASK, left_of
from curator.schema import Policy
from curator.tables import finding_row
from curator.types import Finding, Span
from tests.synthetic import POLICY, Made, conversation, recipe
from tests.unit.test_policy import BECAUSE, outcome, policy, records, reviews

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("entity", "said", "left"),
    [
        ("PHONE", "13812345678", "••••••••678"),
        ("PHONE", "(212) 555-0147", "(•••) •••-•147"),
        ("BANK_CARD", "4111 1111 1111 1111", "•••• •••• •••• 1111"),
        ("EMAIL", "li@qq.com", "••@••.•om"),
        ("ADDRESS", "文三路478号3单元402室", "••••••••••402室"),
        ("ORDER_NUMBER", "4821", "••••"),
        ("PERSON", "张伟", "••"),
        ("PERSON", "John Smith", "•••• •••••"),
        ("SECRET", "hunter2pass", None),
    ],
)
def test_a_mask_keeps_the_length_and_a_third_at_the_most(
    entity: str, said: str, left: str | None
) -> None:
    assert left_of("mask", entity, said) == left


@pytest.mark.parametrize(
    ("entity", "said", "left"),
    [
        ("AGE", "93", "90-99"),
        ("AGE", "104", "100-109"),
        ("AGE", "九十五", "90-99"),
        ("AGE", "一百零二", "100-109"),
        ("DATE_OF_BIRTH", "1990年3月7日", "1990年"),
        ("DATE_OF_BIRTH", "March 7, 1990", "1990"),
        ("DATE_OF_BIRTH", "03/07/1990", "1990"),
        ("ADDRESS", "浙江省杭州市西湖区文三路478号3单元402室", "浙江省杭州市"),
        ("ADDRESS", "杭州市西湖区文三路478号", "杭州市"),
        ("ADDRESS", "广西壮族自治区桂林市象山区中山路8号", "广西壮族自治区桂林市"),
        ("ADDRESS", "北京市朝阳区建国路88号", "北京市"),
        ("ADDRESS", "中山路12号3单元402室", None),
        ("ADDRESS", "1600 Amphitheatre Pkwy, Mountain View, CA 94043", "Mountain View, CA"),
        ("ADDRESS", "Flat 3, 14 Alder Road, Leeds LS6 2AB", "Leeds"),
        ("ADDRESS", "15 Quay Lane, Cork T12 A1C2", "Cork"),
        ("ADDRESS", "742 Evergreen Terrace", None),
        ("ADDRESS", "Flat 3, Alder Road", None),
        ("PHONE", "13812345678", None),
    ],
)
def test_what_is_general(entity: str, said: str, left: str | None) -> None:
    assert left_of("generalise", entity, said) == left


@given(st.text("0123456789 -@.aB张路号", min_size=1, max_size=40))
def test_a_mask_of_a_mask_is_the_same(said: str) -> None:
    once = left_of("mask", "PHONE", said)
    assert once is not None
    assert len(once) == len(said)
    letters = [c for c in said if c.isalnum()]
    shown = [c for c in once if c.isalnum()]
    assert len(shown) <= min(4, len(letters) // 3)
    if letters and not shown:
        assert MASK in once


PHONE = Finding("a", "pii", "PII002", 0.9, Span(0, 0, 11), replacement="[电话1]")
REPLACE: dict[str, Any] = {"when": {"code": "PII002"}, "then": "edit"}
ONE = {"routes": ["instruction"]}


@pytest.mark.parametrize(
    ("rules", "instruction", "rag"),
    [
        ([REPLACE], "replace", "replace"),
        ([REPLACE | {"how": "mask"}], "mask", "mask"),
        ([REPLACE | {"how": "mask"} | ONE], "mask", "leave"),
        ([REPLACE | ONE, REPLACE | {"how": "mask"}], "replace", "mask"),
        ([REPLACE | {"how": "mask"}, REPLACE | {"how": "generalise"}], "generalise", "generalise"),
    ],
)
def test_what_leaves_least_of_a_detail_holds_on_each_route(
    rules: list[dict[str, Any]], instruction: str, rag: str
) -> None:
    for order in (rules, rules[::-1]):
        row = outcome(records("a"), [PHONE], reviews(), policy(*order))["a"]
        how = {o["route"]: o["how"] for o in row["otherwise"]}
        assert len(row["edits"]) == 1
        assert (how.get("instruction", "replace"), how.get("rag", "replace")) == (instruction, rag)


def test_doubtful_details_go_to_a_reviewer() -> None:
    doubtful = policy(
        {
            "when": {"code": "PII001", "score_at_least": 0.4, "score_below": 0.6},
            "then": "review",
        }
    )
    found = [
        Finding(i, "pii", "PII001", score, Span(0, 0, 2), replacement="[姓名1]")
        for i, score in (("a", 0.39), ("b", 0.4), ("c", 0.59), ("d", 0.6))
    ]
    decided = outcome(records("abcd"), found, reviews(), doubtful)
    assert [row["action"] for row in decided.values()] == ["keep", "review", "review", "keep"]
    assert len(decided["b"]["finding_ids"]) == 1, "the reviewer is told where"


def test_a_record_with_a_detail_may_be_dropped() -> None:
    row = outcome(records("a"), [PHONE], reviews(), policy(REPLACE | {"then": "drop"}))["a"]
    assert row["action"] == "drop"


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ({"when": {"code": "QLT001"}, "then": "edit", "how": "mask"}, "codes that begin with PII"),
        ({"when": {"check": "pii"}, "then": "edit", "how": "mask"}, "codes that begin with PII"),
        ({"when": {"code": "PII002"}, "then": "drop", "how": "mask"}, "needs then: edit"),
        ({"when": {"code": "PII001"}, "then": "review", "routes": ["rag"]}, "no review"),
        (
            {"when": {"code": "PII001", "score_at_least": 0.6, "score_below": 0.5}, "then": "drop"},
            "above",
        ),
    ],
)
def test_a_rule_that_would_do_nothing_is_an_error(rule: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Policy.model_validate({"rules": [{"id": "r", "because": BECAUSE} | rule]})


# --- exports ----------------------------------------------------------------------------------

NUMBER, HOME = "13800138000", "杭州市西湖区文三路478号3单元402室"


def hidden_in_part(how: dict[str, str], *more: tuple[str, str]) -> Made:
    """Make a workspace with a phone and an address, hidden on each route as `how` says."""
    made = Made()
    record = made.add(
        conversation(
            "line 1",
            ("user", f"我的手机{NUMBER}打不通，住在{HOME}，请在周末上门检查一下线路"),
            ("assistant", "好的，已经记下了您的要求，师傅会在周末上午先与您联系。"),
        )
    )
    made.hide(record, 0, NUMBER, "[电话1]", "PII002")
    made.hide(record, 0, HOME, "[地址1]", "PII005")
    made.fates[record.id]["otherwise"] = [
        {"finding_id": finding_row(finding, "")["id"], "route": route, "how": kind}
        for _, finding in made.findings
        for route, kind in how.items()
    ]
    for turn in more:
        made.add(conversation("line 9", turn, ("assistant", "好的，稍等，我查一下再回复您。")))
    return made


def written(folder: Path) -> str:
    return "".join(path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.jsonl")))


def test_what_is_left_differs_by_route_and_passes_the_gate(tmp_path: Path) -> None:
    made = hidden_in_part({"instruction": "mask", "rag": "generalise"})
    workspace, plan = made.lay(tmp_path)
    told = written(export_instruction(workspace, recipe(), POLICY, plan))
    assert "我的手机••••••••000打不通" in told
    assert f"住在{MASK * 16}402室" in told
    told = written(export_rag(workspace, recipe(), POLICY, plan))
    assert "我的手机[电话1]打不通" in told, "a phone has nothing general"
    assert "住在杭州市，" in told


@pytest.mark.parametrize("export", [export_instruction, export_rag])
@pytest.mark.parametrize("text", [f"打{NUMBER}试试看吧", "打138 0013 8000试试看吧", f"到{HOME}来"])
def test_the_whole_detail_elsewhere_still_stops_an_export(
    tmp_path: Path, export: Any, text: str
) -> None:
    made = hidden_in_part({"instruction": "mask", "rag": "mask"}, ("user", text))
    workspace, plan = made.lay(tmp_path)
    with pytest.raises(GateError, match="private details would show"):
        export(workspace, recipe(), POLICY, plan)


def test_what_a_route_leaves_stops_the_other_alone(tmp_path: Path) -> None:
    made = hidden_in_part({"rag": "leave"})
    workspace, plan = made.lay(tmp_path)
    narrow = Policy.model_validate(
        {
            "rules": [
                {"id": "hide", "because": BECAUSE, "when": {"code": "PII*"}, "then": "edit"} | ONE
            ]
        }
    )
    told = written(export_instruction(workspace, recipe(), narrow, plan))
    assert NUMBER not in told
    assert HOME not in told
    told = written(export_rag(workspace, recipe(), narrow, plan))
    assert NUMBER in told
    assert HOME in told
