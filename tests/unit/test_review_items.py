"""What a reviewer is shown: redacted, the pair that is in doubt, in a form that a server takes."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from curator.errors import GateError
from curator.exports.leaks import gate_of, refuse
from curator.review import items as module
from curator.review.items import LONGEST_MESSAGE, MOST_MESSAGES, Item, items
from curator.review.queue import metadata, suggestions
from curator.tables import finding_row
from curator.types import Span
from curator.verdicts import Mark, Verdict
from tests.synthetic import POLICY, Made, conversation, document, recipe

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from curator.check import Plan
    from curator.types import Record
    from curator.workspace import Workspace

NAME, PHONE = "欧阳晓燕", "13800138000"


class NoVectors:
    """Stands for the vectors, which need a model: none, or those that a test gives."""

    given: Mapping[str, Any] = {}

    def __init__(self, *_: object) -> None: ...

    def of(self, records: Sequence[Record], _: Mapping[str, int]) -> dict[str, Any]:
        return {r.id: self.given[r.id] for r in records if r.id in self.given}

    def nearest(self, *_: object) -> dict[str, Any]:
        return {}


@pytest.fixture(autouse=True)
def _without_a_model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "Vectors", NoVectors)


def laid(made: Made, tmp_path: Path) -> tuple[Workspace, Plan, dict[str, Item]]:
    workspace, plan = made.lay(tmp_path)
    return workspace, plan, {i.record_id: i for i in items(workspace, recipe(), plan, {})}


def doubtful(
    made: Made, record: Record, code: str = "LBL001", score: float = 0.8, **more: Any
) -> None:
    made.find("quality", record, code, score, **more)
    row = finding_row(made.findings[-1][1], "")
    made.fates[record.id] = {"action": "review", "instruction": False, "rag": False,
                             "finding_ids": [row["id"]]}  # fmt: skip


def test_only_what_is_held_goes_to_review_and_only_redacted(tmp_path: Path) -> None:
    made = Made()
    record = made.add(conversation("1", ("user", f"我是{NAME}，电话{PHONE}"), ("assistant", "好")))
    made.hide(record, 0, NAME, "[姓名1]", "PII001")
    made.hide(record, 0, PHONE, "[电话1]", "PII002")
    doubtful(made, record)
    made.add(conversation("2", ("user", "在吗"), ("assistant", "在")))
    _, _, found = laid(made, tmp_path)
    assert list(found) == [record.id]
    item = found[record.id]
    assert item.fields["question"] == "我是[姓名1]，电话[电话1]"
    assert item.spans["question"] == ((2, 7), (10, 15))
    assert item.fields["reason"].endswith("the answer may not match the question (LBL001 0.80)")
    told = str(item) + str(metadata(item, 1))
    for secret in (NAME, PHONE, "SPEAKER", "META"):
        assert secret not in told
    assert item.problems() == []


def test_the_pair_in_doubt_is_asked_about_and_the_conversation_stands_beside_it(
    tmp_path: Path,
) -> None:
    made = Made()
    turns = [("user", "第一问"), ("assistant", "第一答"), ("user", "第二问"), ("user", "补一句"),
             ("assistant", "第二答"), ("assistant", "还有")]  # fmt: skip
    record = made.add(conversation("1", *turns))
    doubtful(made, record, span=Span(4, 0, 3))
    _, _, found = laid(made, tmp_path)
    item = found[record.id]
    assert (item.fields["question"], item.fields["answer"]) == ("第二问\n补一句", "第二答\n还有")
    assert item.parts == {"question": (2, 3), "answer": (4, 5)}
    assert [m["content"] for m in item.fields["conversation"]] == [text for _, text in turns]


def test_a_document_is_shown_whole(tmp_path: Path) -> None:
    made = Made()
    record = made.add(document("a.md", ("heading", "标题", ()), ("paragraph", "正文\x00。", ())))
    doubtful(made, record, "QLT003", 0.4)
    made.fates[record.id]["finding_ids"] = []
    _, _, found = laid(made, tmp_path)
    item = found[record.id]
    assert item.fields == {"document": "标题\n正文\ufffd。"}
    assert item.problems() == []


def test_a_long_conversation_is_told_in_messages_that_a_server_takes(tmp_path: Path) -> None:
    made = Made()
    turns = [("user", f"问{i}") if i % 2 == 0 else ("assistant", f"答{i}") for i in range(900)]
    turns[700] = ("user", "长" * (LONGEST_MESSAGE + 5))
    record = made.add(conversation("1", *turns))
    doubtful(made, record, span=Span(701, 0, 2))
    _, _, found = laid(made, tmp_path)
    messages = found[record.id].fields["conversation"]
    assert len(messages) == MOST_MESSAGES
    assert max(len(m["content"]) for m in messages) == LONGEST_MESSAGE
    assert "答701" in {m["content"] for m in messages}
    assert found[record.id].problems() == []


def test_what_contradicts_stands_beside_it_and_its_answer_is_suggested(tmp_path: Path) -> None:
    made = Made()
    one = made.add(conversation("1", ("user", "要吃药吗"), ("assistant", "要吃。")))
    two = made.add(conversation("2", ("user", "要吃药吗"), ("assistant", "不用吃。")))
    made.find("near_duplicates", one, "LBL002", 0.9, peer_id=two.id)
    made.fates[one.id] = {"action": "review", "instruction": False, "rag": False}
    _, _, found = laid(made, tmp_path)
    assert "不用吃。" in found[one.id].fields["context"]
    assert found[one.id].suggested == "不用吃。"
    # What a reviewer marked as private in the other one must not be shown.
    workspace, plan = Made.lay(made, tmp_path / "again")
    secret = {two.id: Verdict(two.id, "keep", ("ann",), hidden=(Mark(1, 0, 2),))}
    again = {i.record_id: i for i in items(workspace, recipe(), plan, secret)}
    assert "context" not in again[one.id].fields


def test_an_advertisement_is_left_out_of_the_answer_that_is_suggested(tmp_path: Path) -> None:
    made = Made()
    answer = "多喝水。加微信领红包！"
    record = made.add(conversation("1", ("user", "发烧怎么办"), ("assistant", answer)))
    doubtful(made, record, "LBL009", 0.9, span=Span(1, 4, len(answer)))
    _, _, found = laid(made, tmp_path)
    item = found[record.id]
    assert (item.suggested, item.tags, item.scores) == (
        "多喝水。",
        ("advertisement",),
        {"LBL009": 0.9},
    )
    asked = {name: name for name in ("verdict", "tags", "corrected_answer", "personal_in_question")}
    told = {s["question_id"]: s for s in suggestions(item, asked)}
    assert told.keys() == {"tags", "corrected_answer"}, "the verdict is never filled in"
    assert told["tags"]["score"] == [0.9]


def test_the_likelier_category_is_filled_in(tmp_path: Path) -> None:
    made = Made()
    record = made.add(
        conversation("1", ("user", "宝宝发烧"), ("assistant", "多喝水。"), label="外科")
    )
    doubtful(made, record, "LBL003", 0.9, evidence={"suggested": "儿科"})
    _, _, found = laid(made, tmp_path)
    item = found[record.id]
    assert (item.fields["category"], item.category) == ("外科", "儿科")
    told = suggestions(item, {"corrected_category": "it", "verdict": "no"})
    assert [(s["question_id"], s["value"]) for s in told] == [("it", "儿科")]


@pytest.mark.parametrize("where", ["question", "context", "department"])
def test_a_private_detail_that_would_show_stops_it(tmp_path: Path, where: str) -> None:
    made = Made()
    hidden = made.add(conversation("1", ("user", f"我是{NAME}"), ("assistant", "好")))
    made.hide(hidden, 0, NAME, "[姓名1]", "PII001")
    record = made.add(conversation("2", ("user", "在吗"), ("assistant", "在")))
    doubtful(made, record)
    workspace, plan, found = laid(made, tmp_path)
    item = found[record.id]
    leaking = replace(item, fields={**item.fields, where: f"昨天{NAME}来过"})
    if where == "department":
        leaking = replace(item, department=f"{NAME}的订单")
    gate = gate_of(workspace.sql(plan.findings), plan, POLICY, {})
    assert gate is not None
    refuse(gate.leaks(item.texts()), "nothing goes to review", "again")
    with pytest.raises(GateError) as stopped:
        refuse(gate.leaks(leaking.texts()), "nothing goes to review", "again")
    assert record.id in str(stopped.value)
    assert NAME not in str(stopped.value)


def test_what_a_reviewer_marked_is_looked_for_everywhere(tmp_path: Path) -> None:
    made = Made()
    marked = made.add(conversation("1", ("user", f"我是{NAME}"), ("assistant", "好")))
    made.add(conversation("2", ("user", f"{NAME}昨天来过"), ("assistant", "好的")))
    workspace, plan = made.lay(tmp_path)
    verdict = Verdict(marked.id, "keep", ("ann",), hidden=(Mark(0, 2, 6),))
    text = next(
        iter(Item("r", "s", {"question": f"请问{NAME}在吗"}, {}, {}, (), "", "", "zh").texts())
    )
    none = gate_of(workspace.sql(plan.findings), plan, POLICY, {})
    gate = gate_of(workspace.sql(plan.findings), plan, POLICY, {marked.id: verdict})
    assert none is not None
    assert gate is not None
    assert not list(none.leaks([text]))
    assert [leak.entity for leak in gate.leaks([text])] == ["PERSON"]


def test_what_a_server_would_refuse_is_noticed_before() -> None:
    fine = Item("r", "s", {"question": "a", "answer": "b"}, {}, {"LBL001": 0.5}, (), "", "", "en")
    assert fine.problems() == []
    for changed, told in (
        ({"fields": {}}, "no text"),
        ({"scores": {"LBL001": 1.5}}, "score"),
        ({"scores": {"LBL001": float("nan")}}, "score"),
        ({"vectors": {"question": np.array([np.nan, 1])}}, "vector"),
        ({"vectors": {"question": np.zeros(3)}}, "vector"),
        ({"spans": {"question": ((0, 9),)}}, "span"),
        ({"fields": {"answer": "b", "conversation": [{"role": "user", "content": ""}]}}, "message"),
    ):
        assert any(told in p for p in replace(fine, **changed).problems()), changed


def test_the_id_changes_with_the_text_and_the_label(tmp_path: Path) -> None:
    names = set()
    for n, (answer, label) in enumerate((("好", None), ("好。", None), ("好", "类别"))):
        made = Made()
        record = made.add(conversation("1", ("user", "在吗"), ("assistant", answer), label=label))
        doubtful(made, record)
        names |= {i.content_sha for i in laid(made, tmp_path / str(n))[2].values()}
    assert len(names) == 3
