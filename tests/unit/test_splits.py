"""Splits: what belongs together is never parted, and what was exported never moves."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from curator.exports.instruction import export_instruction
from curator.splits import BETWEEN, NEW, TEST, TRAIN, VALIDATION
from curator.splits.allot import allot
from curator.splits.keys import question_keys
from curator.splits.leakage import keys_across, pairs_across
from curator.splits.related import Related
from curator.splits.settle import settle
from curator.text import fold
from tests.synthetic import POLICY, Made, conversation, recipe

if TYPE_CHECKING:
    from pathlib import Path

NAMES = ("train", "validation", "test")
# Words that have next to nothing in common, so that no two texts made of them are near.
WORDS = "霜降 麦田 铜铃 渡口 灯塔 砚台 松针 石桥 风筝 竹篮 棉袄 陶罐 海盐 芦苇 银杏 瓦片 煤油 纸伞".split()  # noqa: SIM905


def said(n: int) -> str:
    """A sentence of its own for each number."""
    a, b, c = n % 18, n // 18 % 18, n * 7 % 18
    return (
        f"{WORDS[a]}{n}号{WORDS[b]}为何{WORDS[c]}{n * n}而{WORDS[n * 5 % 18]}又{WORDS[n * 11 % 18]}"
    )


def rows_of(folder: Path) -> dict[str, list[dict[str, Any]]]:
    files = {name: folder / f"{name}.jsonl" for name in NAMES}
    return {
        name: [json.loads(line) for line in path.read_text("utf-8").splitlines()]
        for name, path in files.items()
        if path.exists()
    }


def sides(folder: Path) -> dict[str, str]:
    """The split of each row, by the text of its first answer."""
    return {
        next(m["content"] for m in row["messages"] if m["role"] == "assistant"): name
        for name, rows in rows_of(folder).items()
        for row in rows
    }


def manifest(folder: Path) -> dict[str, Any]:
    told: dict[str, Any] = json.loads((folder / "manifest.json").read_text("utf-8"))
    return told


def talks(made: Made, *numbers: int, **more: Any) -> None:
    for n in numbers:
        made.add(
            conversation(
                f"line {n}", ("user", said(n)), ("assistant", f"答{said(n + 5000)}"), **more
            )
        )


def lay(made: Made, root: Path, **params: Any) -> Path:
    workspace, plan = made.lay(root, part_size=64)
    return export_instruction(workspace, recipe(instruction=params), POLICY, plan)


# --- what belongs together ----------------------------------------------------------------


def test_related_records_are_never_parted(tmp_path: Path) -> None:
    made = Made()
    for n in range(120):
        # Three askers of each question, in other spellings; answers differ.
        question = said(n // 3) + " " * (n % 3)
        made.add(conversation(f"line {n}", ("user", question), ("assistant", said(n + 900))))
    for n in range(0, 120, 6):
        # A weak finding, under every threshold of the policy, still holds records together.
        made.find("near_duplicates", made.records[n + 3], "DUP002", 0.5, peer_id=made.records[n].id)
    folder = lay(made, tmp_path, validation=0.2, test=0.2)
    found = rows_of(folder)
    side = {row["source"]["locator"]: split for split, rows in found.items() for row in rows}
    assert set(side.values()) == set(NAMES)
    for n in range(0, 120, 6):
        assert len({side[f"line {m}"] for m in range(n, n + 6)}) == 1
    questions = [{fold(r["messages"][0]["content"]) for r in rows} for rows in found.values()]
    assert sum(map(len, questions)) == len(set.union(*questions))
    told = manifest(folder)["leakage"]
    assert told["groups"] == 20
    assert set(told["across"].values()) == {0}
    assert told["across_a_random_split"]["questions"] > 10
    assert told["across_a_random_split"]["related_by_checks"] > 3


def test_a_dropped_duplicate_still_holds_its_neighbours_together(tmp_path: Path) -> None:
    made = Made()
    talks(made, *range(60))
    hub = made.records[0]
    made.fates[hub.id] = {"action": "drop", "instruction": False, "rag": False}
    for n in (1, 2, 3):
        made.find("near_duplicates", made.records[n], "DUP002", 0.8, peer_id=hub.id)
    places = [
        {r["source"]["locator"] for r in rows}
        for rows in rows_of(lay(made, tmp_path, validation=0.5)).values()
    ]
    assert any({"line 1", "line 2", "line 3"} <= place for place in places)


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_near_duplicates_are_kept_together_though_no_check_told_of_them(
    lang: str, tmp_path: Path
) -> None:
    made = Made()
    for n in range(60):
        text = (
            said(n // 2)
            if lang == "zh"
            else f"Why does lamp {n // 2} of {'abcdefghij'[n // 2 % 10] * 5} burn {n // 2 * 37}?"
        )
        twin = text + ("呢" if n % 2 else "") if lang == "zh" else ("Please, " * (n % 2)) + text
        answer = (
            said(n // 2 + 500) * 2
            if lang == "zh"
            else f"Because oil {n // 2 * 91} runs into wick {n // 2 * 53} slowly."
        )
        made.add(conversation(f"line {n}", ("user", twin), ("assistant", answer + "." * (n % 2))))
    folder = lay(made, tmp_path, validation=0.3)
    side = {r["source"]["locator"]: s for s, rows in rows_of(folder).items() for r in rows}
    assert all(side[f"line {n}"] == side[f"line {n + 1}"] for n in range(0, 60, 2))
    told = manifest(folder)["leakage"]
    assert told["across"]["near_duplicates"] == 0
    assert told["across_a_random_split"]["near_duplicates"] > 5


def test_what_one_person_asks_stays_on_one_side(tmp_path: Path) -> None:
    made = Made()
    for n in range(60):
        turns = (
            ("user", f"{said(n)}，电话138{n // 4 * 7919 + 10013579}"),
            ("assistant", said(n + 700)),
        )
        record = made.add(conversation(f"line {n}", *turns))
        made.hide(record, 0, f"138{n // 4 * 7919 + 10013579}", "[电话1]", "PII002")
    folder = lay(made, tmp_path, validation=0.3)
    side = {r["source"]["locator"]: s for s, rows in rows_of(folder).items() for r in rows}
    assert all(len({side[f"line {m}"] for m in range(n, n + 4)}) == 1 for n in range(0, 60, 4))
    assert manifest(folder)["leakage"]["across"]["persons"] == 0
    assert manifest(folder)["leakage"]["across_a_random_split"]["persons"] > 5
    assert "13800" not in "".join(p.read_text("utf-8") for p in folder.glob("*.json*"))


def test_a_column_that_is_named_holds_rows_together(tmp_path: Path) -> None:
    made = Made()
    talks(made, *range(40))
    folder = lay(made, tmp_path, validation=0.3, together={"columns": ["column"]})
    # All rows have the same value there: they are one group, which is train.
    assert set(sides(folder).values()) == {"train"}


# --- where groups go ------------------------------------------------------------------------


def groups(sizes: list[int], shares: dict[int, float], strata: list[int] | None = None) -> Any:
    rng = np.random.default_rng(3)
    stratum = np.array(strata or [0] * len(sizes))
    held = np.zeros((stratum.max() + 1, 3), np.int64)
    return allot(np.array(sizes), stratum, rng.random(len(sizes)), shares, held)


def test_the_share_is_met_and_a_common_greeting_stays_in_train() -> None:
    sizes = [1500] + [1] * 2500
    side = groups(sizes, {VALIDATION: 0.1, TEST: 0.05})
    assert side[0] == TRAIN
    assert (side == VALIDATION).sum() == 400
    assert (side == TEST).sum() == 200


def test_every_stratum_gives_its_share() -> None:
    strata = [n % 7 for n in range(700)]
    side = groups([1] * 700, {VALIDATION: 0.1, TEST: 0.1}, strata)
    for stratum in range(7):
        own = side[np.array(strata) == stratum]
        assert (own == VALIDATION).sum() == 10
        assert (own == TEST).sum() == 10


def test_a_held_out_split_is_not_left_empty_and_zero_means_none() -> None:
    assert (groups([1] * 4, {VALIDATION: 0.01}) == VALIDATION).sum() == 1
    assert (groups([1] * 4, {}) == TRAIN).all()
    assert (groups([1], {VALIDATION: 0.5}) == TRAIN).all()


def test_small_talk_later_in_a_conversation_is_no_question() -> None:
    assert len(question_keys(["孩子咳嗽怎么办", "好的谢谢", "谢谢您"])) == 1
    assert question_keys(["你好！"]) == question_keys(["你好"])
    later = "What dose of ibuprofen is right for a child of twelve kilograms who has fever?"
    assert len(question_keys(["Hello", later, "thanks a lot"])) == 2


# --- what earlier exports settled -----------------------------------------------------------


def related(n: int, *pairs: tuple[int, int], keys: tuple[tuple[int, int], ...] = ()) -> Related:
    def column(values: list[int]) -> Any:
        return np.array(values, np.int64)

    return Related(
        n,
        column([a for a, _ in pairs]),
        column([b for _, b in pairs]),
        column([k for k, _ in keys]),
        column([o for _, o in keys]),
    )


def test_what_is_related_to_an_exported_record_goes_where_that_is() -> None:
    chain = related(5, (0, 1), (1, 2), (3, 4))
    side, torn = settle(chain, np.array([NEW, NEW, TEST, NEW, NEW], np.int8))
    assert side.tolist() == [TEST, TEST, TEST, NEW, NEW]
    assert torn == 0


def test_where_new_records_relate_what_was_exported_apart_none_lies_on_both_sides() -> None:
    # 0 (train) – 2 – 3 – 1 (test), 4 touches both, 5 hangs on 4 alone.
    bridge = related(6, (0, 2), (2, 3), (3, 1), (0, 4), (4, 1), (4, 5))
    side, torn = settle(bridge, np.array([TRAIN, TEST, NEW, NEW, NEW, NEW], np.int8))
    assert torn == 1
    assert side[[0, 1]].tolist() == [TRAIN, TEST]
    assert side[4] == BETWEEN
    left, right = bridge.edges
    there = (side[left] >= 0) & (side[right] >= 0)
    assert (side[left] == side[right])[there].all()


def test_a_new_record_of_a_person_that_is_on_both_sides_is_left_out() -> None:
    both = related(3, keys=((70, 0), (70, 1), (70, 2)))
    side, torn = settle(both, np.array([TRAIN, TEST, NEW, NEW], np.int8))
    assert (side[2], torn) == (BETWEEN, 1)


def test_added_data_move_no_record(tmp_path: Path) -> None:
    made = Made()
    talks(made, *range(80))
    first = sides(lay(made, tmp_path, validation=0.2, test=0.1))
    assert set(first.values()) == set(NAMES)
    talks(made, *range(200, 330), uri="added.jsonl")
    second_folder = lay(made, tmp_path, validation=0.2, test=0.1)
    second = sides(second_folder)
    assert {answer: second[answer] for answer in first} == first
    held = [side for side in second.values() if side != "train"]
    assert 0.25 < len(held) / len(second) < 0.35
    # The same again, and from the same beginning: the same version.
    assert lay(made, tmp_path, validation=0.2, test=0.1) == second_folder


def test_a_record_that_has_moved_in_its_file_or_whose_answer_was_mended_stays(
    tmp_path: Path,
) -> None:
    made = Made()
    talks(made, *range(60))
    first = {
        r["messages"][0]["content"]: s
        for s, rows in rows_of(lay(made, tmp_path, validation=0.3)).items()
        for r in rows
    }
    again = Made()
    for n in range(60):
        answer = f"答{said(n + 5000)}" if n % 2 else f"改{said(n + 9000)}"
        again.add(conversation(f"line {n + 1}", ("user", said(n)), ("assistant", answer)))
    second = {
        r["messages"][0]["content"]: s
        for s, rows in rows_of(lay(again, tmp_path, validation=0.3)).items()
        for r in rows
    }
    assert second == first


def test_a_bridge_between_splits_is_left_out_and_accounted_for(tmp_path: Path) -> None:
    made = Made()
    talks(made, *range(40))
    first = rows_of(lay(made, tmp_path, validation=0.3))
    a, b = (first[name][0] for name in ("train", "validation"))
    turns = (("user", a["messages"][0]["content"]), ("assistant", said(3000)))
    more = (("user", b["messages"][0]["content"]), ("assistant", said(3001)))
    made.add(conversation("line 900", *turns, *more))
    folder = lay(made, tmp_path, validation=0.3)
    told = manifest(folder)
    reason = "related to rows of two splits that were exported before"
    assert told["conservation"]["left_out"] == {reason: 1}
    assert told["conservation"]["exported"] == 40
    assert told["leakage"]["exported_apart_before"] == 1
    assert told["leakage"]["across"]["questions"] == 0
    (left,) = [
        json.loads(line) for line in (folder / "left_out.jsonl").read_text("utf-8").splitlines()
    ]
    assert left == {"id": made.records[-1].id, "reason": reason}


def test_another_seed_draws_anew_and_the_first_is_remembered(tmp_path: Path) -> None:
    made = Made()
    talks(made, *range(80))
    first = lay(made, tmp_path, validation=0.3)
    other = lay(made, tmp_path, validation=0.3, seed=1)
    assert sides(first) != sides(other)
    assert lay(made, tmp_path, validation=0.3) == first


# --- what is measured -----------------------------------------------------------------------


def test_a_random_split_parts_as_many_pairs_as_is_told() -> None:
    rng = np.random.default_rng(5)
    side = np.repeat(np.array([TRAIN, VALIDATION, TEST], np.int8), [700, 200, 100])
    left, right = (rng.integers(0, 1000, 400) for _ in range(2))
    left, right = left[left != right], right[left != right]
    keys, owners = rng.integers(0, 300, 900), rng.integers(0, 1000, 900)
    parted, spread = [], []
    for _ in range(300):
        shuffled = rng.permutation(side)
        parted.append(pairs_across(shuffled, left, right)[0])
        spread.append(keys_across(shuffled, keys, owners)[0])
    assert pairs_across(side, left, right)[1] == pytest.approx(np.mean(parted), rel=0.02)
    assert keys_across(side, keys, owners)[1] == pytest.approx(np.mean(spread), rel=0.02)


def test_what_is_erased_is_forgotten_by_the_splits_too(tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    from curator.erase import Wanted, erase

    made = Made()
    talks(made, *range(20))
    workspace, plan = made.lay(tmp_path, part_size=64)
    export_instruction(workspace, recipe(), POLICY, plan)
    (path,) = (workspace.store / "splits").glob("*/*.parquet")
    gone = made.records[3].id
    assert gone in pq.read_table(path)["record_id"].to_pylist()
    erase(workspace, recipe(), Wanted(record=gone))
    left = pq.read_table(path)["record_id"].to_pylist()
    assert gone not in left
    assert made.records[4].id in left
