"""Golden rows of each format, and what trainers would refuse."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from curator.exports import export_instruction, load_instruction
from curator.exports.formats import NoPlaceError, alpaca, dataset_info, prompt_completion, sharegpt
from curator.exports.handshake import Handshake, alternates, templated
from tests.synthetic import POLICY, Made, conversation, recipe

if TYPE_CHECKING:
    from pathlib import Path


def said(*turns: tuple[str, str]) -> dict[str, Any]:
    return {"id": "r1", "messages": [{"role": role, "content": text} for role, text in turns]}


TALK = said(
    ("system", "你是医生。"),
    ("user", "孩子发烧 38.5 ℃ 怎么办？"),
    ("assistant", "多喝水。"),
    ("user", "And at night?"),
    ("assistant", "Let the child sleep."),
)
TOOL = said(("user", "查订单"), ("assistant", "好的"), ("tool", "{}"), ("assistant", "已发货"))


def test_prompt_and_completion_for_trl() -> None:
    row = prompt_completion(TALK)
    assert row["prompt"] == TALK["messages"][:-1]
    assert row["completion"] == [{"role": "assistant", "content": "Let the child sleep."}]


def test_sharegpt() -> None:
    assert sharegpt(TALK) == {
        "id": "r1",
        "system": "你是医生。",
        "conversations": [
            {"from": "human", "value": "孩子发烧 38.5 ℃ 怎么办？"},
            {"from": "gpt", "value": "多喝水。"},
            {"from": "human", "value": "And at night?"},
            {"from": "gpt", "value": "Let the child sleep."},
        ],
    }
    assert [t["from"] for t in sharegpt(TOOL)["conversations"]] == [
        "human", "gpt", "observation", "gpt",
    ]  # fmt: skip


def test_alpaca() -> None:
    assert alpaca(TALK) == {
        "id": "r1",
        "instruction": "And at night?",
        "input": "",
        "output": "Let the child sleep.",
        "system": "你是医生。",
        "history": [["孩子发烧 38.5 ℃ 怎么办？", "多喝水。"]],
    }
    with pytest.raises(NoPlaceError, match="tools"):
        alpaca(TOOL)


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (TALK, None),
        (TOOL, None),
        (said(("user", "a"), ("tool", "b"), ("assistant", "c")), "turns that do not alternate"),
        (said(("assistant", "a"), ("user", "b")), "turns that do not alternate"),
        (said(("user", "a"), ("assistant", "b"), ("user", "c")), "no answer at the end"),
        (said(("system", "a")), "no turns"),
    ],
)
def test_what_llama_factory_would_skip(row: dict[str, Any], reason: str | None) -> None:
    assert alternates(row["messages"]) == reason


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (TALK, None),
        (said(("user", "a"), ("assistant", " \n")), "a message without text"),
        (said(("user", "a")), "no answer to learn from"),
        (
            said(("user", "a"), ("system", "b"), ("assistant", "c")),
            "a system prompt in the middle",
        ),
    ],
)
def test_what_a_chat_template_would_leave_empty(row: dict[str, Any], reason: str | None) -> None:
    assert templated(row["messages"]) == reason


def test_a_refused_row_is_named_with_its_reason() -> None:
    asked = Handshake()
    for row in (TALK, said(("user", "a"), ("tool", "b"), ("assistant", "c"))):
        asked.look_at(row)
    told = asked.facts()
    assert told["llamafactory"] == {
        "rows": 2,
        "taken": 1,
        "refused": {"turns that do not alternate": 1},
        "first_refused": [{"id": "r1", "reason": "turns that do not alternate"}],
    }
    assert told["trl"]["taken"] == 2


def test_an_export_holds_every_format_that_was_asked_for(tmp_path: Path) -> None:
    made = Made()
    for number in range(30):
        made.add(conversation(f"line {number}", ("user", f"问题{number}"), ("assistant", "答案")))
    made.add(
        conversation(
            "line 99", ("user", "查"), ("assistant", "好"), ("tool", "{}"), ("assistant", "有")
        )
    )
    workspace, plan = made.lay(tmp_path)
    formats = ["prompt_completion", "sharegpt", "alpaca"]
    folder = export_instruction(workspace, recipe(instruction={"formats": formats}), POLICY, plan)
    manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
    assert manifest["formats"] == {
        "prompt_completion": {},
        "sharegpt": {},
        "alpaca": {"tools have no place in Alpaca rows": 1},
    }
    for split, rows in load_instruction(folder).items():
        lines = (folder / f"{split}.sharegpt.jsonl").read_text("utf-8").splitlines()
        assert [json.loads(line)["id"] for line in lines] == rows["id"]
    info = json.loads((folder / "dataset_info.json").read_text("utf-8"))
    assert info == dataset_info("made", ("train", "validation"), formats)
    assert {entry["file_name"] for entry in info.values()} <= {p.name for p in folder.iterdir()}
    listed = {f["path"]: f["rows"] for f in manifest["files"]}
    assert listed["train.alpaca.jsonl"] + listed["validation.alpaca.jsonl"] == 30
    assert manifest["handshake"]["llamafactory"]["taken"] == 31
