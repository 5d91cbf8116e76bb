"""Records inside longer ones, and searches that stay bounded whatever the rows are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pytest

from curator.checks import containment, search
from curator.checks.exact_duplicates import ExactDuplicates
from curator.checks.near_duplicates import NearDuplicates
from curator.checks.search import near_pairs
from curator.engine import LocalEngine
from curator.protocols import Scope
from curator.similarity.minhash import BANDS, PERMUTATIONS
from curator.similarity.steps import SKETCHES
from curator.tables import records_table
from curator.types import Part, Provenance, Record
from curator.workspace import write_table

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from curator.types import Finding

ANSWER = {
    "zh": "平时要注意保湿，洗澡水温不要太高，洗完及时涂抹润肤霜，衣物选择纯棉宽松的，室内保持通风。",
    "en": "Turn off the machine and let it cool down, pull out the old filter, rinse the holder with clean water, and push the new filter in until it clicks.",
}
MORE = {
    "zh": "以下内容转自健康专栏，由值班编辑整理，供您参考，文中图片请到网页查看，转发时请注明来源，祝您阅读愉快：",
    "en": "Our technician has asked me to pass the following on to all customers who wrote to us about this during the past weeks, since it answers most of what you want to know. ",
}
ASKED = {
    "zh": ("湿疹怎么护理", "信用卡丢了找谁"),
    "en": ("How do I change it?", "Who won the cup?"),
}


def qa(number: int, question: str, answer: str) -> Record:
    parts = (Part("user", question), Part("assistant", answer))
    return Record(f"r{number}", "conversation", parts, "und", Provenance("s", "0", str(number)))


def scope_of(records: Sequence[Record], folder: Path, engine: LocalEngine) -> Scope:
    part = folder / "view" / "s-00000.parquet"
    write_table(part, records_table(records))
    return Scope(engine, (part,), folder / "cache", folder / "phases")


def run(records: Sequence[Record], folder: Path) -> list[Finding]:
    with LocalEngine() as engine:
        return list(NearDuplicates().run(scope_of(records, folder, engine)))


@pytest.fixture
def candidates(monkeypatch: pytest.MonkeyPatch) -> dict[str, set[int]]:
    """The candidate pairs that each search comes up with before it verifies them."""
    found: dict[str, set[int]] = {}
    for name, module in (("near", search), ("inside", containment)):

        def watched(*args: Any, find: Any = module.candidates, pairs: Any = name) -> Any:
            told = find(*args)
            found.setdefault(pairs, set()).update(told.tolist())
            return told

        monkeypatch.setattr(module, "candidates", watched)
    return found


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_the_shorter_record_is_told_of_wherever_it_stands(lang: str, tmp_path: Path) -> None:
    question, answer = ASKED[lang][0], ANSWER[lang]
    shorter, longer = (qa(1, question, answer), qa(2, question, MORE[lang] + answer))
    for i, records in enumerate(([shorter, longer], [longer, shorter])):
        found = [f for f in run(records, tmp_path / str(i)) if f.code == "DUP003"]
        assert [(f.record_id, f.peer_id) for f in found] == [("r1", "r2")]
        assert found[0].score >= 0.9
        assert not any(v is True for v in found[0].evidence.values())


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_a_canned_answer_to_another_question_is_kept(lang: str, tmp_path: Path) -> None:
    one, other = ASKED[lang]
    long = ANSWER[lang] + MORE[lang]
    found = run(
        [qa(1, one, long), qa(2, other, long), qa(3, other, long + ANSWER[lang][::-1])], tmp_path
    )
    assert found
    for finding in found:
        if "r1" in (finding.record_id, finding.peer_id):
            assert finding.score <= 0.64
            assert finding.evidence["question_differs"] is True


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_another_number_inside_is_no_containment(lang: str, tmp_path: Path) -> None:
    sentence = {"zh": "每次用{}毫升。", "en": " Use {} ml of oil."}[lang]
    question, answer = ASKED[lang][0], ANSWER[lang]
    records = [
        qa(1, question, answer + sentence.format(5)),
        qa(2, question, MORE[lang] + answer + sentence.format(15)),
    ]
    found = [f for f in run(records, tmp_path) if f.code == "DUP003"]
    assert [f.score for f in found] == [0.64]
    assert found[0].evidence["numbers_differ"] is True


def test_three_holders_are_told_at_most(tmp_path: Path) -> None:
    question, answer = ASKED["zh"][0], ANSWER["zh"]
    prefaces = ["".join(chr(0x4E00 + 997 * i + 31 * j) for j in range(60)) for i in range(6)]
    records = [qa(i, question, p + answer) for i, p in enumerate(prefaces)]
    found = [f for f in run([*records, qa(9, question, answer)], tmp_path) if f.code == "DUP003"]
    assert [f.record_id for f in found] == ["r9"] * 3


def test_a_hundred_thousand_identical_rows_are_compared_with_nobody(
    tmp_path: Path, candidates: dict[str, set[int]]
) -> None:
    one = records_table([qa(0, ASKED["zh"][0], ANSWER["zh"])])
    n = 100_000
    table = one.take(pa.array(np.zeros(n, np.int64)))
    table = table.set_column(0, "id", pa.array([f"r{i}" for i in range(n)]))
    part = tmp_path / "view" / "s-00000.parquet"
    write_table(part, table)
    with LocalEngine() as engine:
        scope = Scope(engine, (part,), tmp_path / "cache", tmp_path / "phases")
        exact = list(ExactDuplicates().run(scope))
        assert len(exact) == n - 1
        assert {f.peer_id for f in exact} == {"r0"}
        assert list(NearDuplicates().run(scope)) == []
    assert len(candidates["near"]) == 0
    assert len(candidates["inside"]) == 0


def test_texts_of_one_character_and_of_a_million(
    tmp_path: Path, candidates: dict[str, set[int]]
) -> None:
    letters = [qa(i, "", chr(0x4E00 + i)) for i in range(3_000)]
    huge = [
        qa(3_000, "", "的" * 1_000_000),
        qa(3_001, "", "的" * 999_999),
        qa(3_002, "", "a b " * 250_000),
        qa(3_003, "", "x" * 1_000_000),
        qa(3_004, "", "".join(chr(0x4E00 + i % 20_000) for i in range(1_000_000))),
    ]
    found = run(letters + huge, tmp_path)
    assert [(f.record_id, f.peer_id, f.code) for f in found] == [("r3001", "r3000", "DUP002")]
    assert len(candidates["near"]) <= 16 * BANDS * len(letters + huge)
    assert len(candidates["inside"]) <= 80 * len(letters + huge)


def test_colliding_band_keys_cost_a_bounded_number_of_comparisons(
    tmp_path: Path, candidates: dict[str, set[int]]
) -> None:
    n, size = 5_000, 30
    shingles = np.arange(n * size, dtype=np.uint32)
    table = pa.table(
        [
            pa.array([bytes(4 * BANDS)] * n, pa.binary(4 * BANDS)),
            pa.array([bytes(PERMUTATIONS)] * n, pa.binary(PERMUTATIONS)),
            pa.array([row.tobytes() for row in shingles.reshape(n, size)], pa.binary()),
        ],
        schema=SKETCHES,
    )
    path = tmp_path / "signatures.parquet"
    write_table(path, table)
    with LocalEngine() as engine:
        scope = Scope(engine, (path,), tmp_path / "cache", tmp_path / "phases")
        found = near_pairs(scope, [path], np.ones(n, np.bool_), floor=0.5)
    assert len(found.left) == 0
    assert 0 < len(candidates["near"]) <= 16 * BANDS * n


def test_a_crowd_of_records_inside_others_costs_a_bounded_number_of_comparisons(
    tmp_path: Path, candidates: dict[str, set[int]]
) -> None:
    n = 600
    answer = ANSWER["zh"]
    records = [
        qa(
            i,
            "",
            answer + "".join(chr(0x4E00 + (i * 37 + j * 101) % 20_000) for j in range(i % 90)),
        )
        for i in range(n)
    ]
    run(records, tmp_path)
    assert len(candidates["inside"]) <= 80 * n
