"""The mix: caps, budgets, topics, diversity, order, and the replay share of general data."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from curator.errors import RecipeError
from curator.exports.instruction import export_instruction
from curator.exports.rag import export_rag
from curator.funnel import funnel
from curator.schema import Recipe
from curator.selection.coverage import BLOCK, best, covering
from curator.selection.quotas import quotas
from curator.workspace import read_json, write_json
from tests.synthetic import POLICY, Made, conversation, recipe
from tests.unit.test_splits import manifest, rows_of, said

if TYPE_CHECKING:
    from pathlib import Path

    from curator.check import Plan
    from curator.workspace import Workspace


def unit(vectors: Any) -> Any:
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def blobs(*sizes: int, seed: int = 0) -> Any:
    """Vectors in as many tight clouds, far from each other."""
    rng = np.random.default_rng(seed)
    middles = np.eye(len(sizes), 16)
    rows = [m + rng.normal(0, 0.02, (n, 16)) for m, n in zip(middles, sizes, strict=True)]
    return unit(np.concatenate(rows))


# --- selection, pure ----------------------------------------------------------------------


def test_a_budget_is_spent_on_rows_that_stand_for_all_others() -> None:
    vectors = blobs(50, 50, 50, 3)
    chosen = covering(vectors, np.ones(153), np.ones(153), 4)
    assert sorted(np.searchsorted([50, 100, 150], chosen, side="right")) == [0, 1, 2, 3]


def test_of_rows_alike_the_better_one_is_chosen() -> None:
    vectors = blobs(10, 10)
    quality = np.full(20, 0.5)
    quality[[7, 13]] = 0.9
    assert covering(vectors, quality, np.ones(20), 2).tolist() == [7, 13]
    assert best(quality, np.ones(20), 2).tolist() == [7, 13]


@pytest.mark.parametrize("n", [300, BLOCK * 2 + 5])
def test_a_budget_is_kept_and_nearly_used_up(n: int) -> None:
    rng = np.random.default_rng(1)
    vectors = unit(rng.normal(size=(n, 8)))
    costs = rng.integers(10, 90, n).astype(float)
    chosen = covering(vectors, rng.random(n) + 0.1, costs, costs.sum() / 3)
    spent = costs[chosen].sum()
    assert costs.sum() / 3 - 90 <= spent <= costs.sum() / 3
    assert covering(vectors, np.ones(n), costs, costs.sum()).tolist() == list(range(n))


def test_the_greedy_choice_is_the_best_one_where_that_can_be_tried() -> None:
    from itertools import combinations

    rng = np.random.default_rng(4)
    for _ in range(20):
        vectors, quality = unit(rng.normal(size=(9, 4))), rng.random(9) + 0.2
        stand = np.maximum(vectors @ vectors.T, 0) * quality[:, None]

        def value(chosen: Any, stand: Any = stand) -> float:
            return float(stand[list(chosen)].max(axis=0).sum())

        most = max(value(c) for c in combinations(range(9), 3))
        assert value(covering(vectors, quality, np.ones(9), 3)) >= (1 - 1 / np.e) * most


def test_quotas_follow_size_evenness_and_weights_and_never_exceed_what_is_there() -> None:
    sizes = {"a": 900, "b": 90, "c": 10}
    assert quotas(sizes, 100, 1, {}) == pytest.approx({"a": 90, "b": 9, "c": 1})
    assert quotas(sizes, 90, 0, {}) == pytest.approx({"a": 40, "b": 40, "c": 10})
    assert quotas(sizes, 100, 1, {"b": 10, "c": 0}) == pytest.approx({"a": 50, "b": 50, "c": 0})
    assert quotas(sizes, 5000, 0.5, {}) == pytest.approx(sizes)
    assert sum(quotas(sizes, 100, 0.5, {}).values()) == pytest.approx(100)


# --- in an export -------------------------------------------------------------------------


@pytest.fixture
def made() -> Made:
    """Sixty good conversations of three labels and two sources, the last of each doubtful."""
    made = Made()
    for n in range(60):
        uri = "one.jsonl" if n < 45 else "two.jsonl"
        label = ("儿科", "内科", "外科")[0 if n % 4 < 2 else n % 4 - 1]
        turns = (("user", said(n)), ("assistant", said(n + 2000) * (1 + n % 3)))
        made.add(conversation(f"line {n}", *turns, uri=uri, label=label))
        if n % 5 == 0:
            made.find("quality", made.records[-1], "LBL001", 0.4)
    return made


@pytest.fixture
def laid(made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Workspace, Plan]:
    """The workspace, with vectors from a table instead of an encoder."""
    from curator.exports import chosen

    def vectors(_plan: Any, _cache: Any, _encoder: str, ids: list[str]) -> Any:
        return unit(np.array([[int(i[k : k + 2], 16) for k in range(0, 16, 2)] for i in ids]) + 1.0)

    monkeypatch.setattr(chosen, "vectors", vectors)
    return made.lay(tmp_path, part_size=64)


def export(laid: tuple[Workspace, Plan], **mix: Any) -> Path:
    workspace, plan = laid
    return export_instruction(workspace, recipe(instruction={"mix": mix}), POLICY, plan)


def all_rows(folder: Path) -> list[dict[str, Any]]:
    return [row for rows in rows_of(folder).values() for row in rows]


def test_a_budget_in_rows_and_each_row_left_out_has_a_reason(laid: tuple[Workspace, Plan]) -> None:
    folder = export(laid, rows=30)
    told = manifest(folder)
    assert len(all_rows(folder)) == 30
    assert told["conservation"]["left_out"] == {"mix: over the budget": 30}
    listed = [
        json.loads(line) for line in (folder / "left_out.jsonl").read_text("utf-8").splitlines()
    ]
    assert {row["id"] for row in listed}.isdisjoint(row["id"] for row in all_rows(folder))
    assert len(listed) == 30
    counted = funnel(laid[0], POLICY)
    assert counted["conserved"], counted["problems"]
    assert counted["exports"][0]["left_out"] == {"mix: over the budget": 30}
    assert told["mix"]["quality"]["exported"] > told["mix"]["quality"]["all"]


def test_topics_can_have_even_parts_of_a_budget(laid: tuple[Workspace, Plan]) -> None:
    as_they_are = manifest(export(laid, rows=24))["mix"]["topics"]
    assert {t: n["rows"] for t, n in as_they_are.items()} == {"儿科": 12, "内科": 6, "外科": 6}
    even = manifest(export(laid, rows=24, balance=0))["mix"]["topics"]
    assert {t: n["rows"] for t, n in even.items()} == {"儿科": 8, "内科": 8, "外科": 8}
    weighed = manifest(export(laid, rows=24, balance=0, weights={"内科": 2}))["mix"]["topics"]
    assert {t: n["rows"] for t, n in weighed.items()} == {"儿科": 6, "内科": 12, "外科": 6}


def test_a_budget_in_tokens_is_kept(laid: tuple[Workspace, Plan]) -> None:
    whole = manifest(export(laid))["mix"]["about_tokens"]
    told = manifest(export(laid, tokens=whole // 2))["mix"]
    assert 0.9 * (whole // 2) < told["about_tokens"] <= whole // 2


def test_caps_per_source_and_per_cluster(
    made: Made, laid: tuple[Workspace, Plan], tmp_path: Path
) -> None:
    folder = export(laid, max_per_source=20)
    counts = [
        sum(r["source"]["uri"] == uri for r in all_rows(folder))
        for uri in ("one.jsonl", "two.jsonl")
    ]
    assert counts == [20, 15]
    assert manifest(folder)["conservation"]["left_out"] == {"mix: max_per_source": 25}
    for n in range(1, 6):
        made.find("near_duplicates", made.records[n], "DUP002", 0.7, peer_id=made.records[0].id)
    again = made.lay(tmp_path / "b", part_size=64)
    folder = export(again, max_per_cluster=2)
    left = {made.records[n].id for n in range(6)} & {row["id"] for row in all_rows(folder)}
    # The first is doubtful, so it is none of the two.
    assert len(left) == 2
    assert made.records[0].id not in left
    assert manifest(folder)["conservation"]["left_out"] == {"mix: max_per_cluster": 4}


def test_a_curriculum_begins_with_what_is_short_and_sure(laid: tuple[Workspace, Plan]) -> None:
    plain, ordered = rows_of(export(laid)), rows_of(export(laid, order="curriculum"))
    assert {r["id"] for r in plain["train"]} == {r["id"] for r in ordered["train"]}
    assert ordered["validation"] == plain["validation"]

    def length(row: dict[str, Any]) -> int:
        return sum(len(m["content"]) for m in row["messages"])

    sizes = [length(row) for row in ordered["train"]]
    third = len(sizes) // 3
    assert sum(sizes[:third]) < sum(sizes[third : 2 * third]) < sum(sizes[-third:])


def test_the_order_of_the_sources_and_of_the_records_does_not_matter(
    made: Made, laid: tuple[Workspace, Plan], tmp_path: Path
) -> None:
    first = {row["id"] for row in all_rows(export(laid, rows=25, max_per_source=30))}
    made.records.reverse()
    again = made.lay(tmp_path / "turned", part_size=7)
    assert {row["id"] for row in all_rows(export(again, rows=25, max_per_source=30))} == first


# --- replay -------------------------------------------------------------------------------

GENERAL: dict[str, Any] = {"sources": [{"path": "general.jsonl", "replay": True}]}


def with_general(made: Made, root: Path, n: int = 60) -> tuple[Workspace, Plan]:
    for number in range(n):
        turns = (
            ("user", f"Who wrote book {number * 37} of shelf {number}?"),
            ("assistant", said(number + 7000)),
        )
        made.add(conversation(f"line {number}", *turns, uri="general.jsonl", lang="en"), rag=False)
    workspace, plan = made.lay(root, part_size=64)
    for path in (workspace.store / "ingest").glob("*.json"):
        told = read_json(path)
        if told["uri"] == "general.jsonl":
            told["source"]["replay"] = True
            write_json(path, told)
    return workspace, plan


def replayed(workspace: Workspace, plan: Plan, **mix: Any) -> Path:
    asked = Recipe.model_validate(
        {"name": "made", "exports": {"instruction": {"test": 0.1, "mix": mix}}, **GENERAL}
    )
    return export_instruction(workspace, asked, POLICY, plan)


def general(rows: list[dict[str, Any]]) -> int:
    return sum(row["source"]["uri"] == "general.jsonl" for row in rows)


@pytest.mark.usefixtures("laid")
def test_a_share_of_train_is_general_data_and_of_nothing_else(made: Made, tmp_path: Path) -> None:
    workspace, plan = with_general(made, tmp_path / "g")
    folder = replayed(workspace, plan, replay=0.2)
    rows = rows_of(folder)
    assert general(rows["train"]) / len(rows["train"]) == pytest.approx(0.2, abs=0.01)
    assert general(rows["validation"] + rows["test"]) == 0
    told = manifest(folder)
    spare = 60 - general(rows["train"])
    assert told["conservation"]["left_out"] == {"mix: general data beyond the replay share": spare}
    assert told["mix"]["replay"]["wanted"] == told["mix"]["replay"]["found"]
    corpus = manifest(export_rag(workspace, recipe(), POLICY, plan))
    assert corpus["conservation"]["not_routed"] == {"general data make no chunks": 60}
    assert funnel(workspace, POLICY)["conserved"]


@pytest.mark.usefixtures("laid")
def test_general_data_that_repeat_a_held_out_row_stay_out(made: Made, tmp_path: Path) -> None:
    for record in list(made.records)[:60]:
        # The very question of each row, with an answer of its own.
        turns = (
            ("user", record.parts[0].text),
            ("assistant", said(int(record.provenance.locator[5:]) + 8000)),
        )
        made.add(
            conversation(f"again {record.provenance.locator}", *turns, uri="general.jsonl"),
            rag=False,
        )
    workspace, plan = with_general(made, tmp_path / "g", 0)
    folder = replayed(workspace, plan, replay=0.4)
    told, rows = manifest(folder), rows_of(folder)
    held_out = len(rows["validation"]) + len(rows["test"])
    assert (
        told["conservation"]["left_out"]["mix: general data related to a row that is held out"]
        == held_out
    )
    assert told["leakage"]["across"]["questions"] == 0
    assert general(rows["train"]) > 20


@pytest.mark.usefixtures("laid")
def test_too_little_general_data_is_told(made: Made, tmp_path: Path) -> None:
    workspace, plan = with_general(made, tmp_path / "g", 4)
    folder = replayed(workspace, plan, replay=0.5)
    told = manifest(folder)["mix"]["replay"]
    assert (told["rows"], told["wanted"]) == (4, 48)
    assert "4 rows of general data in train (4 rows, 48 wanted" in (folder / "README.md").read_text(
        "utf-8"
    )


def test_a_share_without_a_source_of_general_data_is_an_error(laid: tuple[Workspace, Plan]) -> None:
    with pytest.raises(RecipeError, match="no source of general data"):
        export(laid, replay=0.1)


@pytest.mark.usefixtures("laid")
def test_a_budget_holds_with_replay(made: Made, tmp_path: Path) -> None:
    workspace, plan = with_general(made, tmp_path / "g")
    folder = replayed(workspace, plan, rows=40, replay=0.25)
    rows = rows_of(folder)
    assert len(all_rows(folder)) <= 40
    assert general(rows["train"]) / len(rows["train"]) == pytest.approx(0.25, abs=0.03)


@pytest.mark.parametrize(
    ("mix", "message"),
    [
        ({"rows": 3, "tokens": 9}, "not in both"),
        ({"balance": 0.5}, "divide a budget"),
        ({"replay": 1.0}, "less than 1"),
    ],
)
def test_a_mix_that_means_nothing_is_refused(mix: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        recipe(instruction={"mix": mix})
