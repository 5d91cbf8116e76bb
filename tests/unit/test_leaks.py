"""The leak gate: what is hidden in one place shows nowhere in an export, or there is no export."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from curator.errors import GateError
from curator.exports.instruction import export_instruction
from curator.exports.rag import export_rag
from curator.pii.known import KnownSearch, Said, Value, Values, longest
from curator.pseudonyms import same
from curator.text import fold, fold_places
from tests.synthetic import POLICY, Made, conversation, recipe

if TYPE_CHECKING:
    from pathlib import Path

    from curator.types import Record

ZH, EN, PHONE = "王小明", "Clara Whitcombe", "13800138000"


def found_once() -> tuple[Made, Record]:
    """Make a workspace in which a Chinese and an English name and a phone are found once."""
    made = Made()
    zh = made.add(
        conversation("line 1", ("user", f"我叫{ZH}，电话{PHONE}"), ("assistant", "好的。"))
    )
    made.hide(zh, 0, ZH, "[姓名1]", "PII001")
    made.hide(zh, 0, PHONE, "[电话1]", "PII002")
    en = made.add(
        conversation("line 2", ("user", f"I am {EN}."), ("assistant", "Welcome."), lang="en")
    )
    made.hide(en, 0, EN, "[PERSON_1]", "PII001")
    return made, zh


@pytest.mark.parametrize(
    ("text", "entity"),
    [
        (f"昨天{ZH}来过", "PERSON"),
        ("昨天王 小\u200b明来过", "PERSON"),
        ("We met CLARA  whitcombe there.", "PERSON"),
        ("Ｃｌａｒａ Ｗｈｉｔｃｏｍｂｅ said so.", "PERSON"),
        ("号码+86 138-0013-8000可以吗", "PHONE"),
        ("号码１３８００１３８０００可以吗", "PHONE"),
    ],
)
@pytest.mark.parametrize("export", [export_instruction, export_rag])
def test_what_is_found_once_stops_an_export_wherever_it_stands(
    tmp_path: Path, text: str, entity: str, export: object
) -> None:
    made, _ = found_once()
    other = made.add(conversation("line 9", ("user", text), ("assistant", "好的，知道了。")))
    workspace, plan = made.lay(tmp_path)
    with pytest.raises(GateError) as stopped:
        export(workspace, recipe(), POLICY, plan)  # type: ignore[operator]
    said = f"{stopped.value.message}\n{stopped.value.hint}"
    assert other.id in said
    assert entity in said
    assert fold(ZH) not in fold(said)
    assert fold(EN) not in fold(said)
    assert PHONE not in fold(said)
    assert not list(workspace.exports.rglob("*.parquet")), "nothing is left of the export"


@pytest.mark.parametrize(
    "text",
    ["Whitcombe, Clara", "Claraa Whitcombe", "王小，明天来", "2138001380001", "王先和小明"],
)
def test_what_only_looks_like_it_stops_none(tmp_path: Path, text: str) -> None:
    made, _ = found_once()
    made.add(conversation("line 9", ("user", text), ("assistant", "好的，知道了。")))
    workspace, plan = made.lay(tmp_path)
    assert export_rag(workspace, recipe(), POLICY, plan).exists()


def test_a_word_that_was_held_for_a_name_once_stops_none(tmp_path: Path) -> None:
    made, _ = found_once()
    wrong = made.add(conversation("line 8", ("user", "卡马西平怎么吃"), ("assistant", "饭后。")))
    made.hide(wrong, 0, "卡马西平", "[姓名1]", "PII001")
    for n in range(3):
        made.add(
            conversation(f"line 2{n}", ("user", f"卡马西平吃{n}次行吗"), ("assistant", "可以。"))
        )
    workspace, plan = made.lay(tmp_path)
    assert export_instruction(workspace, recipe(), POLICY, plan).exists()


def test_a_label_and_a_source_that_show_a_detail_stop_an_export(tmp_path: Path) -> None:
    made, _ = found_once()
    made.add(
        conversation("line 9", ("user", "在吗"), ("assistant", "在的。"), label="回电13912345679")
    )
    made.add(
        conversation("line 1", ("user", "问题"), ("assistant", "回答。"), uri=f"{ZH}的聊天.csv")
    )
    workspace, plan = made.lay(tmp_path)
    with pytest.raises(GateError) as stopped:
        export_instruction(workspace, recipe(), POLICY, plan)
    assert re.search(r"PHONE \(PII002\), rule \S+, in train\.jsonl, label", str(stopped.value))
    assert re.search(r"PERSON \(PII001\), found elsewhere, in \S+, source\.uri", str(stopped.value))


def test_ten_records_are_named_and_the_others_counted(tmp_path: Path) -> None:
    made = Made()
    for n in range(30):
        record = made.add(
            conversation(f"line {n}", ("user", f"{ZH}第{n}次来"), ("assistant", f"第{n}次。"))
        )
        if n < 15:
            made.hide(record, 0, ZH, "[姓名1]", "PII001")
    workspace, plan = made.lay(tmp_path)
    with pytest.raises(GateError) as stopped:
        export_rag(workspace, recipe(), POLICY, plan)
    assert str(stopped.value).count("\n  record ") == 10
    assert "… and 5 more" in str(stopped.value)


def test_the_title_of_a_hidden_name_stops_none(tmp_path: Path) -> None:
    made, _ = found_once()
    said = "It is under my partner's name Mrs. Tammy Ellingham"
    record = made.add(conversation("line 8", ("user", said), ("assistant", "Found it, thanks.")))
    made.hide(record, 0, "Tammy Ellingham", "[PERSON_1]", "PII001")
    workspace, plan = made.lay(tmp_path)
    assert export_rag(workspace, recipe(), POLICY, plan).exists()


def value(text: str, entity: str = "PERSON") -> dict[str, Value]:
    return {same(entity, text): Value(entity, "PII001", text)}


def test_what_the_allow_list_names_and_placeholders_are_no_places() -> None:
    search = KnownSearch(value("王小明"), ["王小明路"])
    assert not search.places("去王小明路[王小明1]")
    assert [p[:2] for p in search.places("去王小明家")] == [(1, 4)]


def test_of_one_value_in_another_the_longer_is_told() -> None:
    search = KnownSearch(value("欧阳修远") | value("阳修远"), [])
    said = list(longest(search.places("问欧阳修远，还有阳修远")))
    assert [p.key for p in said] == ["欧阳修远", "阳修远"]


@pytest.mark.parametrize(
    ("text", "entity", "score", "evidence"),
    [
        ("可能", "PERSON", 0.88, {}),
        ("蘑菇", "PERSON", 0.7, {}),
        ("区块链", "PERSON", 0.68, {}),
        ("John", "PERSON", 0.97, {}),
        ("1990-01-01", "DATE_OF_BIRTH", 0.8, {}),
        ("92岁", "AGE", 0.8, {}),
        ("[姓名1]", "PERSON", 0.95, {}),
        ("YOUR_API_KEY", "SECRET", 0.8, {}),
        ("1234", "ORDER_NUMBER", 0.8, {}),
    ],
)
def test_what_is_nobodys_is_not_looked_for(
    text: str, entity: str, score: float, evidence: dict[str, object]
) -> None:
    values = Values()
    values.add(text, "a", "PII001", score, {"entity": entity, **evidence})
    assert not values.held(Said())


@pytest.mark.parametrize(
    ("text", "entity", "score", "evidence"),
    [
        ("王小明", "PERSON", 0.8, {}),
        ("张伟", "PERSON", 0.75, {"recogniser": "rule"}),
        ("阿迪力·买买提", "PERSON", 0.91, {}),
        ("Clara Whitcombe", "PERSON", 0.75, {}),
        ("José María O'Neill", "PERSON", 0.75, {}),
        ("0571-86421973", "PHONE", 0.6, {}),
        ("wang.xm@mail.cn", "EMAIL", 0.9, {}),
        ("建国路88号", "ADDRESS", 0.8, {}),
    ],
)
def test_what_is_somebodys_is_looked_for(
    text: str, entity: str, score: float, evidence: dict[str, object]
) -> None:
    values = Values()
    values.add(text, "a", "PII001", score, {"entity": entity, **evidence})
    said = Said()
    said.records[same(entity, text)] = {"a", "b"}
    assert values.held(said)


def test_a_heading_that_is_said_in_small_letters_is_nobody() -> None:
    values, said = Values(), Said()
    values.add("Skin Cancer", "a", "PII001", 0.75, {"entity": "PERSON"})
    search = KnownSearch(values.by_key, [])
    for record_id in "bc":
        text = "What is skin cancer?"
        for place in search.places(text):
            said.add(record_id, text, place)
    assert len(said.records["skincancer"]) == 2
    assert not values.held(said)


@given(st.text(st.sampled_from("王a.３3 ½㎡\u200b·é,ﬁ"), max_size=12))
def test_each_folded_character_has_its_place(text: str) -> None:
    at = fold_places(text)
    assert len(at) == len(fold(text))
    assert at == sorted(at)
