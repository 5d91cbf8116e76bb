"""What reviewers said, in the exports: corrections, pairs, marks, whatever stands for private details."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from curator.errors import GateError
from curator.exports.instruction import export_instruction
from curator.exports.preferences import preference
from curator.exports.rag import export_rag
from curator.reveal import reveal
from curator.reviews import append, contents
from curator.schema import Recipe
from curator.types import Review
from curator.vault import create_key
from tests.synthetic import POLICY, Made, conversation

if TYPE_CHECKING:
    from pathlib import Path

    from curator.check import Plan
    from curator.exports.dialogue import Dialogue
    from curator.types import Record
    from curator.workspace import Workspace

NAME = "欧阳晓燕"


def review(workspace: Workspace, plan: Plan, record: Record, **answers: Any) -> None:
    """Let somebody answer."""
    sha = contents(plan, [record.id])[record.id]
    parts = {"corrected_answer": (1,), "corrected_question": (0,)}
    append(
        workspace,
        [
            Review(record.id, sha, q, v if isinstance(v, str) else json.dumps(v), "submitted",
                   "ann", (), "1", parts.get(q, ()))
            for q, v in answers.items()
        ],
    )  # fmt: skip


def lines(folder: Path, name: str) -> list[dict[str, Any]]:
    path = folder / name
    return (
        [json.loads(line) for line in path.read_text("utf-8").splitlines()] if path.exists() else []
    )


def rows(folder: Path) -> dict[str, list[dict[str, str]]]:
    found = [*lines(folder, "train.jsonl"), *lines(folder, "validation.jsonl")]
    return {row["id"]: row["messages"] for row in found}


@pytest.mark.parametrize("style", ["numbered", "coded", "realistic"])
def test_a_correction_speaks_of_people_as_the_export_does(tmp_path: Path, style: str) -> None:
    made = Made()
    record = made.add(
        conversation("1", ("user", f"我是{NAME}，想退货"), ("assistant", f"{NAME}您好，不行"))
    )
    other = made.add(conversation("2", ("user", "在吗"), ("assistant", "在的。")))
    made.hide(record, 0, NAME, "[姓名1]", "PII001")
    made.hide(record, 1, NAME, "[姓名1]", "PII001")
    workspace, plan = made.lay(tmp_path / "project")
    create_key(tmp_path / "a.key")
    link = "conversation" if style == "numbered" else "project"
    settings = {"style": style, "link": link, "key_file": str(tmp_path / "a.key")}
    recipe = Recipe.model_validate({"name": "made", "pseudonyms": settings})
    review(workspace, plan, record, verdict="fix", corrected_answer="[姓名1]您好，可以退。")
    folder = export_instruction(workspace, recipe, POLICY, plan)
    question, answer = (m["content"] for m in rows(folder)[record.id])
    who = question.removeprefix("我是").removesuffix("，想退货")
    assert who not in (NAME, "")
    assert answer == f"{who}您好，可以退。"
    assert [m["content"] for m in rows(folder)[other.id]] == ["在吗", "在的。"]
    (path,) = folder.glob("*.preferences.jsonl")
    (pair,) = lines(folder, path.name)
    assert pair["chosen"] == [{"role": "assistant", "content": answer}]
    assert pair["rejected"] == [{"role": "assistant", "content": f"{who}您好，不行"}]
    assert pair["prompt"] == [{"role": "user", "content": question}]
    split = f"{path.name.partition('.')[0]}.jsonl"
    assert record.id in {row["id"] for row in lines(folder, split)}
    manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
    assert manifest["reviews"] == {"keep": 0, "fix": 1, "drop": 0, "review": 0}
    chunks = lines(export_rag(workspace, recipe, POLICY, plan), "chunks.jsonl")
    assert any("可以退" in c["text"] for c in chunks)
    assert not any("不行" in c["text"] for c in chunks)
    if style != "numbered":
        back = [json.loads(row) for row in reveal(workspace, recipe, folder / split)]
        told = next(row for row in back if row["id"] == record.id)["messages"]
        assert [m["content"] for m in told] == [f"我是{NAME}，想退货", f"{NAME}您好，可以退。"]


@pytest.mark.parametrize(
    ("text", "shown"),
    [("住在长安街的红房子里", "[隐私1]"), ("I live in the red house", "[PRIVATE_1]")],
)
def test_what_a_reviewer_marked_is_hidden(tmp_path: Path, text: str, shown: str) -> None:
    made = Made()
    record = made.add(conversation("1", ("user", text), ("assistant", "好的。")))
    workspace, plan = made.lay(tmp_path)
    mark = {"part": 0, "start": 2, "end": 8, "label": "personal", "findings": []}
    review(workspace, plan, record, verdict="keep", personal=[mark])
    folder = export_instruction(workspace, Recipe(name="made"), POLICY, plan)
    assert rows(folder)[record.id][0]["content"] == f"{text[:2]}{shown}{text[8:]}"


def test_a_correction_that_shows_a_private_detail_stops_the_export(tmp_path: Path) -> None:
    made = Made()
    record = made.add(conversation("1", ("user", "怎么联系"), ("assistant", "不知道。")))
    workspace, plan = made.lay(tmp_path)
    review(workspace, plan, record, verdict="fix", corrected_answer="请打13800138000。")
    with pytest.raises(GateError) as stopped:
        export_instruction(workspace, Recipe(name="made"), POLICY, plan)
    assert record.id in str(stopped.value)
    assert "13800138000" not in str(stopped.value)


def test_a_corrected_category_is_the_category(tmp_path: Path) -> None:
    made = Made()
    record = made.add(
        conversation("1", ("user", "宝宝发烧"), ("assistant", "多喝水。"), label="外科")
    )
    other = made.add(
        conversation("2", ("user", "骨折了"), ("assistant", "拍片看看。"), label="外科")
    )
    workspace, plan = made.lay(tmp_path)
    review(workspace, plan, record, verdict="fix", corrected_category=" 儿科 ")
    review(workspace, plan, other, verdict="keep", corrected_category="filled in and not meant")
    folder = export_instruction(workspace, Recipe(name="made"), POLICY, plan)
    told = [*lines(folder, "train.jsonl"), *lines(folder, "validation.jsonl")]
    assert {row["id"]: row["label"] for row in told} == {record.id: "儿科", other.id: "外科"}
    assert not (folder / "preferences.jsonl").exists()


def test_only_a_corrected_answer_makes_a_pair(tmp_path: Path) -> None:
    made = Made()
    asked = made.add(conversation("1", ("user", "怎摸退货"), ("assistant", "点这里。")))
    kept = made.add(conversation("2", ("user", "几天到"), ("assistant", "三天。")))
    workspace, plan = made.lay(tmp_path)
    review(workspace, plan, asked, verdict="fix", corrected_question="怎么退货")
    review(workspace, plan, kept, verdict="keep", corrected_answer="filled in and not meant")
    folder = export_instruction(workspace, Recipe(name="made"), POLICY, plan)
    assert not list(folder.glob("*.preferences.jsonl"))
    assert rows(folder)[asked.id][0]["content"] == "怎么退货"
    assert rows(folder)[kept.id][1]["content"] == "三天。"


def test_the_first_corrected_answer_of_a_long_conversation_ends_the_prompt() -> None:
    from curator.exports.dialogue import dialogue

    record = conversation("1", ("user", "a"), ("assistant", "b"), ("user", "c"), ("assistant", "d"))
    before: Dialogue = dialogue(record)
    messages = [{"role": "system", "content": "s"}, {"role": "user", "content": "a"},
                {"role": "assistant", "content": "b"}, {"role": "user", "content": "c"},
                {"role": "assistant", "content": "D"}]  # fmt: skip
    pair = preference({"id": "r", "messages": messages, "lang": "en"}, before)
    assert pair is not None
    assert pair["prompt"] == messages[:4]
    assert pair["rejected"][0]["content"] == "d"
    assert preference({"id": "r", "messages": messages[:2], "lang": "en"}, before) is None
