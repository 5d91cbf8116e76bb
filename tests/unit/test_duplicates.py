"""The duplicate and contradiction checks as a whole, and the pairs of a record."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from curator.checks.contradictions import Contradictions
from curator.checks.exact_duplicates import ExactDuplicates
from curator.checks.near_duplicates import NearDuplicates
from curator.engine import LocalEngine
from curator.pairs import pairs
from curator.protocols import Scope
from curator.similarity.agreement import compare
from curator.similarity.differences import quantities
from curator.tables import finding_row, records_table
from curator.types import Part, Provenance, Record
from curator.workspace import write_table

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from curator.types import Finding, Kind

CHECKS = (ExactDuplicates, NearDuplicates, Contradictions)


def record(number: int, *turns: tuple[str, str], kind: Kind = "conversation") -> Record:
    parts = tuple(Part(role, text) for role, text in turns)
    return Record(f"r{number}", kind, parts, "und", Provenance("s", "0", str(number)))


def qa(number: int, question: str, answer: str) -> Record:
    return record(number, ("user", question), ("assistant", answer))


def run(
    check: Any, records: Sequence[Record], folder: Path, *, size: int = 1000, workers: int = 1
) -> list[Finding]:
    parts = []
    for low in range(0, max(1, len(records)), size):
        part = folder / "view" / f"source-{low:05d}.parquet"
        write_table(part, records_table(records[low : low + size]))
        parts.append(part)
    with LocalEngine(workers) as engine:
        scope = Scope(engine, tuple(parts), folder / "cache", folder / "phases" / check.name)
        return list(check.run(scope))


def corpus() -> list[Record]:
    answers = ["可以，每次吃10mg。", "不可以吃。", "可以，每次吃100mg。", "请咨询医生。"]
    records = []
    for i in range(60):
        topic = f"第{i % 9}种药物和牛奶可以一起吃吗"
        records.append(qa(i, topic, f"{answers[i % 4]}如有不适请及时就医，注意休息，多喝温水。"))
    records += [
        qa(
            100 + i,
            f"How do I reset device number {i % 3}?",
            "Hold the button" + " please" * (i % 5),
        )
        for i in range(20)
    ]
    return records


def test_pairs_join_turns_up_to_the_next_speaker() -> None:
    found = pairs(
        record(
            1,
            ("system", "s"),
            ("assistant", "欢迎"),
            ("user", "a"),
            ("user", "b"),
            ("assistant", "c"),
            ("tool", "t"),
            ("assistant", "d"),
            ("user", "e"),
            ("assistant", "f"),
            ("user", "g"),
        )
    )
    assert [(p.question, p.answer, p.part, p.n_pairs) for p in found] == [
        ("a\nb", "c\nd", 4, 2),
        ("e", "f", 8, 2),
    ]


def test_documents_have_no_pairs() -> None:
    assert pairs(record(1, ("paragraph", "a"), ("paragraph", "b"), kind="document")) == []


@pytest.mark.parametrize("check", CHECKS)
def test_nothing_comes_of_nothing(check: Any, tmp_path: Path) -> None:
    assert run(check(), [], tmp_path / "empty") == []
    blank = [record(1), record(2, ("user", "")), qa(3, "", ""), qa(4, "？", "。")]
    found = run(check(), blank, tmp_path / "blank")
    assert all(f.code == "DUP001" for f in found)
    with LocalEngine() as engine:
        assert list(check().run(Scope(engine, (), tmp_path / "c", tmp_path / "p"))) == []


@pytest.mark.parametrize("check", CHECKS)
def test_parts_make_no_difference(check: Any, tmp_path: Path) -> None:
    whole = run(check(), corpus(), tmp_path / "whole")
    assert whole
    assert run(check(), corpus(), tmp_path / "parts", size=13) == whole


def test_workers_make_no_difference(tmp_path: Path) -> None:
    whole = run(NearDuplicates(), corpus(), tmp_path / "one", size=30)
    assert run(NearDuplicates(), corpus(), tmp_path / "two", size=30, workers=2) == whole


def test_a_new_part_costs_only_itself(tmp_path: Path) -> None:
    records = corpus()
    run(NearDuplicates(), records[:40], tmp_path, size=40)
    kept = {p: p.stat().st_mtime_ns for p in (tmp_path / "cache").rglob("*.parquet")}
    run(NearDuplicates(), records, tmp_path / "more", size=40)
    write_table(tmp_path / "view" / "source-00040.parquet", records_table(records[40:]))
    parts = tuple(sorted((tmp_path / "view").iterdir()))
    with LocalEngine() as engine:
        list(NearDuplicates().run(Scope(engine, parts, tmp_path / "cache", tmp_path / "again")))
    assert (
        kept.items()
        <= {p: p.stat().st_mtime_ns for p in (tmp_path / "cache").rglob("*.parquet")}.items()
    )


def test_another_view_of_the_same_parts_is_looked_at_anew(tmp_path: Path) -> None:
    for view, texts in (("one", ("甲乙丙", "丁戊己")), ("two", ("甲乙丙", "甲乙丙"))):
        part = tmp_path / view / "source-000.parquet"
        write_table(part, records_table([qa(i, t, "好") for i, t in enumerate(texts)]))
        with LocalEngine() as engine:
            scope = Scope(engine, (part,), tmp_path / "cache" / view, tmp_path / "phases" / view)
            assert len(list(ExactDuplicates().run(scope))) == (view == "two")


def test_exact_groups_tell_their_size_and_first(tmp_path: Path) -> None:
    records = [qa(i, "你好", "在的") for i in range(4)] + [qa(9, "在吗", "在的")]
    found = run(ExactDuplicates(), records, tmp_path)
    assert [(f.record_id, f.peer_id, f.score, dict(f.evidence)) for f in found] == [
        (f"r{i}", "r0", 1.0, {"group_size": 4}) for i in (1, 2, 3)
    ]


@pytest.mark.parametrize("check", [ExactDuplicates, NearDuplicates])
def test_kinds_are_never_duplicates_of_each_other(check: Any, tmp_path: Path) -> None:
    text = "同样的一段话，写在对话和文档里，一字不差。"
    records = [
        record(1, ("code", text)),
        record(2, ("code", text), kind="document"),
        record(3, ("code", text + "好"), kind="document"),
    ]
    found = run(check(), records, tmp_path)
    assert {f.record_id for f in found} <= {"r3"}


@pytest.mark.parametrize(
    ("left", "right", "reason"),
    [
        ("体温38.5度时", "体温39.5度时", "numbers_differ"),
        ("每天吃三次，", "每天吃两次，", "numbers_differ"),
        ("服药期间可以开车，", "服药期间不可以开车，", "negation_differs"),
        ("when x < 5 ", "when x > 5 ", "signs_differ"),
        ("You may drive ", "You may not drive ", "negation_differs"),
    ],
)
def test_what_may_say_the_opposite_is_capped(
    left: str, right: str, reason: str, tmp_path: Path
) -> None:
    rest = "请按照医生的建议服药并注意休息，多喝温水，如果症状没有好转请及时到医院复诊检查。" * 2
    found = run(
        NearDuplicates(), [qa(1, "怎么办", left + rest), qa(2, "怎么办", right + rest)], tmp_path
    )
    assert len(found) == 1
    assert found[0].score == 0.64
    assert found[0].evidence["jaccard"] > 0.7  # type: ignore[operator]
    differs = [k for k, v in found[0].evidence.items() if v is True]
    assert differs == [reason]


def test_other_differences_keep_their_score(tmp_path: Path) -> None:
    rest = "请按照医生的建议服药并注意休息，多喝温水，如果症状没有好转请及时到医院复诊检查。"
    found = run(NearDuplicates(), [qa(1, "怎么办", rest), qa(2, "怎么办", rest + "谢谢")], tmp_path)
    assert len(found) == 1
    assert round(found[0].score, 4) == found[0].evidence["jaccard"]
    assert found[0].score > 0.7


def test_an_edge_is_told_once_from_the_later_to_the_earlier(tmp_path: Path) -> None:
    found = run(NearDuplicates(), corpus(), tmp_path, size=11)
    order = {r.id: i for i, r in enumerate(corpus())}
    edges = [(order[f.record_id], order[str(f.peer_id)]) for f in found]
    assert len(edges) == len({frozenset(e) for e in edges}) == len(set(edges))
    assert all(later > earlier for later, earlier in edges)


def test_crowds_are_joined_at_a_bounded_cost(tmp_path: Path) -> None:
    import numpy as np

    from curator.similarity.components import components

    n = 1200
    base = (
        "这是一段几千条记录都有的开场白，除了最后的名字以外都是一样的，请大家注意查收并及时回复，谢谢配合。"
        * 2
    )
    records = [qa(i, base, chr(0x4E00 + i) + chr(0x5E00 + i)) for i in range(n)]
    began = time.process_time()
    found = run(NearDuplicates(), records, tmp_path)
    assert time.process_time() - began < 20
    assert len(found) <= 40 * n
    left = np.array([int(str(f.peer_id)[1:]) for f in found])
    right = np.array([int(f.record_id[1:]) for f in found])
    assert (components(n, left, right) == 0).all()


def test_many_answers_to_one_question_are_bounded(tmp_path: Path) -> None:
    records = [
        qa(i, "你好", f"回答{chr(0x4E00 + i)}{chr(0x6E00 + i)}{chr(0x7E00 + i)}")
        for i in range(500)
    ]
    records += [qa(1000 + i, "你好", "请问有什么可以帮您") for i in range(3)]
    found = run(Contradictions(), records, tmp_path)
    peers = {f.peer_id for f in found if f.record_id != "r1000"}
    assert peers == {"r1000"}
    assert len(found) == 2 * 500


def test_both_sides_of_a_contradiction_are_told(tmp_path: Path) -> None:
    records = [qa(1, "能吃吗", "能吃。"), qa(2, "能吃吗？", "不能吃。"), qa(3, "好喝吗", "好喝。")]
    found = run(Contradictions(), records, tmp_path)
    assert [(f.record_id, f.peer_id) for f in found] == [("r1", "r2"), ("r2", "r1")]
    assert found[0].score == found[1].score
    assert 0.8 <= found[0].score <= 0.9
    assert "yes_no" in found[0].evidence["kinds"]  # type: ignore[operator]


def timed(number: int, question: str, answer: str, timestamp: str | None) -> Record:
    return replace(qa(number, question, answer), timestamp=timestamp)


@pytest.mark.parametrize(
    ("left", "right", "newer", "by"),
    [
        (
            ("能吃吗", "能吃。", "2021-05-01T08:00:00"),
            ("能吃吗", "不能吃。", "2023-01-02"),
            "peer",
            "timestamp",
        ),
        (
            ("血压多少算高", "按2018年版指南，140毫米。", "2024-01-01"),
            ("血压多少算高", "按2010年版指南，160毫米。", "2024-02-01"),
            "this",
            "guideline",
        ),
        (
            ("What dose of aspirin is best?", "75 mg, says the 2016 ESC guideline.", None),
            ("What dose of aspirin is best?", "300 mg, says the 2021 ESC guideline.", None),
            "peer",
            "guideline",
        ),
        (("能吃吗", "能吃。", "2021-05-01"), ("能吃吗", "不能吃。", None), None, None),
        (("能吃吗", "能吃。", "yesterday"), ("能吃吗", "不能吃。", "2021-05-01"), None, None),
    ],
)
def test_what_may_have_replaced_the_other_answer(
    left: Any, right: Any, newer: str | None, by: str | None, tmp_path: Path
) -> None:
    first, second = run(Contradictions(), [timed(1, *left), timed(2, *right)], tmp_path)
    assert (first.evidence.get("newer"), first.evidence.get("newer_by")) == (newer, by)
    other = {"this": "peer", "peer": "this"}.get(newer or "")
    assert second.evidence.get("newer") == other


def test_many_questions_that_name_the_same_things_are_bounded(tmp_path: Path) -> None:
    opening = ["请问", "想问", "请问一下", "我想问", "我想知道", "麻烦问问", "咨询一下", "谁知道"]
    asking = ["怕不怕水", "是否怕水", "会不会怕水", "怕水吗", "是不是怕水", "怕水是吗"]
    texts = [f"{a}机器{b}{end}" for a in opening for b in asking for end in ("", "呢", "啊")]
    records = [qa(i, text, "怕。" if i % 2 else "不怕。") for i, text in enumerate(texts)]
    found = run(Contradictions(), records, tmp_path)
    assert found
    assert len(found) < 2 * 17 * len(records)


@pytest.mark.parametrize("workers", [1, 2])
def test_a_question_in_other_words_is_found_across_parts(workers: int, tmp_path: Path) -> None:
    records = [
        qa(1, "孩子布洛芬混悬液一次吃多少", "每次5毫升。"),
        qa(2, "天气如何", "晴。"),
        qa(3, "请问布洛芬混悬液孩子每次的用量是多少？", "每次20毫升。"),
    ]
    found = run(Contradictions(), records, tmp_path, size=1, workers=workers)
    assert [(f.record_id, f.peer_id) for f in found] == [("r1", "r3"), ("r3", "r1")]
    assert found[0].evidence["question"] == "reworded"
    assert found[0].score >= 0.5


@pytest.mark.parametrize("check", CHECKS)
def test_evidence_holds_no_text(check: Any, tmp_path: Path) -> None:
    for finding in run(check(), corpus(), tmp_path):
        row = finding_row(finding, "run")
        assert "牛奶" not in row["evidence"]
        assert "button" not in row["evidence"]
        assert finding.span is None


@pytest.mark.parametrize(
    ("words", "digits"),
    [
        ("twenty-five euros", "25 euros"),
        ("two hundred and fifty dollars", "250 dollars"),
        ("eight or ten doses", "8 times, 10 times"),
        ("二十五元", "25元"),
        ("五千单位", "5000 IU"),
    ],
)
def test_numbers_in_words_are_numbers(words: str, digits: str) -> None:
    assert quantities(words) == quantities(digits)


@pytest.mark.parametrize(
    ("question", "free", "charged"),
    [
        ("改地址要不要收费？", "首次免费，以后另算。", "都收，每次二十五元。"),
        ("Is there a charge for delivery?", "No charge above 50 euros.", "Yes, it costs 5 euros."),
    ],
)
def test_free_and_charged_contradict_each_other(question: str, free: str, charged: str) -> None:
    found = compare(question, free, charged)
    assert found is not None
    assert "yes_no" in found.kinds
    assert compare(question, free, free) is None
