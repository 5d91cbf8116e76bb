"""Contamination: tokens and runs, what overlaps, what evaluation files hold, which run answers."""

from __future__ import annotations

import gzip
import json
import zipfile
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curator.check import plan
from curator.checks.contamination import Contamination, _tokens
from curator.checks.evaluation import Item, evaluation_items
from curator.contamination.index import Index, build
from curator.contamination.meaning import likeness, told, weight, written
from curator.contamination.overlap import Overlap, overlaps, short_questions
from curator.contamination.tokens import HIDDEN, runs, tokenise, weights, wholes
from curator.engine import LocalEngine
from curator.errors import RecipeError
from curator.protocols import Scope
from curator.rules import load_rules
from curator.schema import Recipe
from curator.tables import records_table
from curator.types import Part, Provenance, Record
from curator.workspace import Workspace

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from curator.types import Finding

WORDS = [
    *("amber", "basil", "cedar", "dahlia", "elder", "fennel", "ginger"),
    *("hazel", "iris", "juniper", "kale", "lotus", "maple", "nettle"),
]
HAN = "春夏秋冬山川湖海风雨雷电日月星辰松竹梅兰"
LONG = "When the harvest was over the three brothers carried forty sacks of barley to the mill by the river"


def index_of(*items: tuple[str, str]) -> Index:
    return build(
        *_tokens([Item("eval.jsonl", f"line {i}", q, a) for i, (q, a) in enumerate(items, 1)])
    )


def told_of(index: Index, *texts: str, floor: float = 0.01) -> dict[int, Overlap]:
    return dict(overlaps(index, tokenise(texts), floor))


# --- tokens -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("The Mill, by the RIVER!", "the mill by the river"),
        ("ＡＢＣ １２３", "abc 123"),
        ("春天来了，山川秀丽。", "春天来了 山川秀丽"),
        ("用 WiFi 上网", "用wifi上网"),
        ("cafe\u0301", "café"),
        ("costs $2 + 3%", "costs 2 3%"),
    ],
)
def test_layout_case_and_width_do_not_count(one: str, other: str) -> None:
    found = tokenise([one, other])
    assert found.sizes[0] == found.sizes[1] > 0
    assert wholes(found)[0] == wholes(found)[1]


@pytest.mark.parametrize(
    ("one", "other"),
    [("ab c", "a bc"), ("abc", "acb"), ("春天", "天春"), ("a b", "b a"), ("12", "21"), ("a", "aa")],
)
def test_other_words_have_other_hashes(one: str, other: str) -> None:
    first, second = wholes(tokenise([one, other])).tolist()
    assert first != second


def test_a_han_character_is_a_token_and_weighs_two_thirds() -> None:
    found = tokenise(["我用 WiFi 上网", "", "two words", "[PERSON_1] 和[姓名2]"])
    assert found.sizes.tolist() == [5, 0, 2, 3]
    assert weights(found).tolist() == pytest.approx([1 + 4 * 2 / 3, 0, 2, 2 + 2 / 3], abs=0.01)
    assert (found.hashes[-3:] == np.uint64(HIDDEN)).tolist() == [True, False, True]
    assert wholes(found)[1] == 0


def test_numbers_are_known_by_their_first_character() -> None:
    assert tokenise(["48 metres, 3rd b2"]).number.tolist() == [True, False, True, False]


def test_runs_stay_in_their_text() -> None:
    found = tokenise(["a b c", "d", "", "e f"])
    hashes, at = runs(found, 2)
    assert at.tolist() == [0, 1, 4]
    assert len(set(hashes.tolist())) == 3
    assert len(runs(found, 4)[0]) == 0
    assert len(runs(tokenise([]), 2)[0]) == 0


# --- overlaps ---------------------------------------------------------------------------


def test_a_copy_is_found_wherever_it_stands() -> None:
    index = index_of((LONG, "two"), ("春夏秋冬山川湖海风雨雷电日月星辰在哪里", "在天上"))
    found = told_of(
        index,
        f"Hello there. {LONG.upper()} and home again",
        "问：春夏秋冬山川湖海，风雨雷电日月星辰在哪里？",
    )
    assert {at: (o.item, o.score, o.share) for at, o in found.items()} == {
        0: (0, 1.0, 1.0),
        1: (1, 1.0, 1.0),
    }
    assert [o.longest_run for o in found.values()] == [19, 19]


def test_thirteen_tokens_are_a_copy_and_twelve_are_none() -> None:
    index = index_of((LONG, ""))
    cut = LONG.split()
    found = told_of(index, " ".join(["x", *cut[:13], "y"]), " ".join(["x", *cut[:12], "y"]))
    assert found[0].longest_run == 13
    assert found[0].share == pytest.approx(13 / 19)
    assert 1 not in found or found[1].longest_run == 0


@pytest.mark.parametrize(
    ("item", "inside", "turn"),
    [
        ("amber basil cedar dahlia elder fennel ginger hazel", True, True),
        ("amber basil cedar dahlia elder fennel ginger", False, True),
        ("amber basil cedar dahlia", False, True),
        ("amber basil cedar", False, False),
        ("春夏秋冬山川湖海风雨雷电", True, True),
        ("春夏秋冬山川湖海风雨雷", False, True),
        ("春夏秋冬山川", False, True),
        ("春夏秋冬山", False, False),
        ("春夏秋冬山川 WiFi 湖海 app 风雨", True, True),
    ],
)
def test_how_short_an_item_may_be(item: str, *, inside: bool, turn: bool) -> None:
    index = index_of((item, ""))
    assert (0 in told_of(index, f"maple {item} nettle")) is inside
    heard = tokenise([item.upper() + "?"])
    alone = dict(short_questions(index, heard))
    assert bool(alone) or 0 in told_of(index, item) if turn else not alone
    assert all(found.score == 0.69 for found in alone.values())


def test_a_short_question_with_a_long_answer_is_looked_for_as_a_whole() -> None:
    index = index_of(("Why so?", LONG))
    found = told_of(index, f"Why so? {LONG}.", "Why so? Because.")
    assert found.keys() == {0}
    assert found[0].share == 1


def test_a_record_inside_an_item() -> None:
    index = index_of((f"{' '.join(WORDS * 10)} {LONG}", ""))
    found = told_of(index, LONG)[0]
    assert (found.of_record, found.score) == (1, 1)
    assert found.share < 0.2


def test_what_many_items_share_is_boilerplate() -> None:
    few = [(f"{LONG} {WORDS[i % 14]}{i}", "") for i in range(30)]
    many = [*few, (f"{LONG} one more", "")]
    assert told_of(index_of(*few), LONG)
    assert not told_of(index_of(*many), LONG)


def test_light_rewording_is_found_by_order_and_by_runs_of_five() -> None:
    index = index_of((LONG, ""))
    reworded = LONG.replace("three brothers", "four sisters").replace("mill", "barn")
    found = told_of(index, reworded, "The three of them sat by the river and ate barley bread.")
    assert found.keys() == {0}
    assert found[0].longest_run == 0
    assert found[0].share == pytest.approx(16 / 19)


def test_a_short_question_with_another_word_is_not_surely_the_same() -> None:
    index = index_of(("Which of the following is an example of a virtue?", "Telling the truth"))
    found = told_of(index, "Which of the following is an example of a cat?")
    assert (found[0].score, found[0].share) == (0.69, 0.9)


def test_a_placeholder_stands_for_a_name() -> None:
    item = "Early yesterday evening Maria Lopez sold seven baskets of plums to her neighbour at the gate"
    hidden = item.replace("Maria Lopez", "[PERSON_1]")
    other = item.replace("Maria Lopez", "somebody")
    index = index_of((item, ""))
    found = told_of(index, hidden, other)
    assert found[0].share == 1
    assert found[1].share < 1


def test_another_number_is_another_question() -> None:
    item = "A tank holds 640 litres of water and loses 15 litres every hour through a crack in its floor"
    found = told_of(index_of((item, "")), item, item.replace("640", "720"))
    assert (found[0].score, found[0].numbers_differ) == (1, False)
    assert (found[1].score, found[1].numbers_differ) == (0.69, True)


def test_the_item_that_shares_most_is_told_and_the_others_are_counted() -> None:
    index = index_of((f"{LONG} at dawn with a heavy cart", ""), (LONG, ""))
    found = told_of(index, LONG)[0]
    assert (found.item, found.items) == (1, 2)


def test_no_items_no_tokens_no_records() -> None:
    assert not told_of(index_of(("", ""), ("？！", "…")), LONG, "")
    assert not told_of(index_of((LONG, "")))
    assert not told_of(index_of((LONG, "")), "", "?!", "x")


texts = st.lists(st.sampled_from([*WORDS[:5], *HAN[:4]]), max_size=40).map(" ".join)


@given(
    items=st.lists(texts, min_size=1, max_size=6, unique=True), records=st.lists(texts, max_size=6)
)
@settings(max_examples=60, deadline=None)
def test_runs_of_thirteen_as_sets_tell_them(items: list[str], records: list[str]) -> None:
    """What share and longest run should be, worked out slowly."""
    found = told_of(index_of(*((item, "") for item in items)), *records, floor=0.0)
    for at, record in enumerate(records):
        units = record.split()
        for number, item in enumerate(items):
            wanted = item.split()
            known = {tuple(units[i : i + 13]) for i in range(len(units) - 12)}
            hits = [i for i in range(len(wanted) - 12) if tuple(wanted[i : i + 13]) in known]
            share = len({j for i in hits for j in range(i, i + 13)}) / max(1, len(wanted))
            if hits:
                assert found[at].score >= share - 1e-9
            if at in found and found[at].item == number and found[at].longest_run >= 13:
                assert " ".join(wanted) in record or found[at].longest_run <= len(wanted)
                assert any(
                    " ".join(wanted[i : i + found[at].longest_run]) in record
                    for i in range(len(wanted))
                )


@given(records=st.lists(texts, min_size=1, max_size=8), cut=st.integers(1, 7))
@settings(max_examples=30, deadline=None)
def test_a_record_is_told_alike_whatever_it_lies_beside(records: list[str], cut: int) -> None:
    index = index_of((" ".join(WORDS[:5] * 4), ""), (HAN[:4] * 5, "amber basil"))
    whole = told_of(index, *records)
    first, second = told_of(index, *records[:cut]), told_of(index, *records[cut:])
    assert whole == first | {at + cut: found for at, found in second.items()}


def test_the_index_is_the_same_after_a_round_through_files(tmp_path: Path) -> None:
    for items in ([(LONG, "two"), ("why so", "")], [("a", "")]):
        made = index_of(*items)
        made.save(tmp_path)
        opened = Index.open(tmp_path)
        assert told_of(opened, LONG) == told_of(made, LONG)
        assert opened.sizes.tolist() == made.sizes.tolist()


# --- meaning ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("one", "other", "score"),
    [
        ("She sells 12 eggs for 3 dollars each day", "她每天卖 12 个鸡蛋，每个 3 美元", 0.8),
        ("She sells twelve eggs for 3 dollars each day", "她每天卖十二个鸡蛋，每个 3 美元", 0.75),
        ("A car needs 1,200 litres of fuel each year", "一辆车每年需要 1200 升汽油", 0.75),
        ("She sells 12 eggs for 3 dollars each day", "她每天卖 14 个鸡蛋，每个 3 美元", 0.0),
        ("How many eggs does she sell in a week?", "她一周卖 14 个鸡蛋吗", 0.0),
        ("What is the tallest mountain of the country?", "这个国家最高的山是哪座", 0.7),
        ("What is the tallest mountain of the country?", "最高的山", 0.0),
        ("What is the tallest mountain of the country?", "Which is its highest peak?", 0.65),
        ("哪座山是这个国家最高的", "这个国家最高的山是哪座", 0.65),
    ],
)
def test_numbers_and_lengths_have_to_agree(one: str, other: str, score: float) -> None:
    assert likeness(0.7, one, other) == pytest.approx(score)
    assert likeness(0.7, other, one) == pytest.approx(score)


def test_which_numbers_a_text_has() -> None:
    assert written("2.50 and ２ and 1,000 by [PERSON_7]") == {"2.5", "2", "1000"}
    assert {"2", "3", "12"} <= told("两个人，three of them, twelve in all")
    assert weight("我用 WiFi") == pytest.approx(1 + 4 / 3)


# --- evaluation files -------------------------------------------------------------------


def items_in(folder: Path, *names: str) -> list[Item]:
    return evaluation_items([str(folder / name) for name in names], folder / "unpacked")


def test_every_format_of_a_source_can_be_an_evaluation_file(tmp_path: Path) -> None:
    row = {"question": "哪一座山最高", "choices": ["甲", "乙"], "answer": "甲"}
    line = json.dumps(row, ensure_ascii=False)
    (tmp_path / "a.jsonl").write_text(line, encoding="utf-8")
    (tmp_path / "b.jsonl.gz").write_bytes(gzip.compress(line.encode()))
    (tmp_path / "c.json").write_text(json.dumps([row]), encoding="utf-8")
    (tmp_path / "d.csv").write_bytes("question,answer\n哪一座山最高,甲\n".encode("gb18030"))
    pq.write_table(pa.Table.from_pylist([row]), tmp_path / "e.parquet")
    with zipfile.ZipFile(tmp_path / "f.zip", "w") as archive:
        archive.writestr("inner/f.jsonl", line)
    for name in ("a.jsonl", "b.jsonl.gz", "c.json", "d.csv", "e.parquet", "f.zip"):
        (found,) = items_in(tmp_path, name)
        assert (found.question, found.answer) == ("哪一座山最高", "甲"), name
        assert name in found.file
        assert found.locator
    assert len(items_in(tmp_path, "a.jsonl", "c.json")) == 1


def test_a_row_that_no_name_explains_is_taken_by_its_longest_columns(tmp_path: Path) -> None:
    rows = [{"code": "x1", "stem": LONG, "options": f"{LONG} or not", "level": 3}]
    for name in ("a.jsonl", "b.json"):
        text = json.dumps(rows if name == "b.json" else rows[0])
        (tmp_path / name).write_text(text, encoding="utf-8")
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "c.parquet")
    for name in ("a.jsonl", "b.json", "c.parquet"):
        (found,) = items_in(tmp_path, name)
        assert found.question == f"{LONG}\n{LONG} or not", name


def test_a_line_that_is_broken_is_compared_as_it_stands(tmp_path: Path) -> None:
    good = json.dumps({"question": "why", "answer": "so"})
    (tmp_path / "a.jsonl").write_text(f'{good}\n{{"question": "{LONG}"\n', encoding="utf-8")
    found = items_in(tmp_path, "a.jsonl")
    assert [item.locator for item in found] == ["line 1", "line 2"]
    assert LONG in found[1].question


def test_a_document_is_compared_block_by_block(tmp_path: Path) -> None:
    (tmp_path / "exam.md").write_text(f"# Exam\n\n{LONG}?\n\n春天什么时候来？\n", encoding="utf-8")
    found = items_in(tmp_path, "exam.md")
    assert f"{LONG}?" in [item.question for item in found]


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    folder = tmp_path / "eval"
    folder.mkdir()
    (folder / "good.jsonl").write_text('{"question": "a", "answer": "b"}', encoding="utf-8")
    (folder / "picture.png").write_bytes(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(range(256)))
    with pytest.raises(RecipeError, match=r"contamination\.against: .*picture\.png"):
        items_in(tmp_path, "eval")


# --- the check --------------------------------------------------------------------------


def records(*turns: tuple[str, str]) -> pa.Table:
    return records_table(
        Record(
            f"r{i}",
            "conversation",
            (Part("user", question), Part("assistant", answer)),
            "en",
            Provenance("a.jsonl", "0" * 64, f"line {i}"),
        )
        for i, (question, answer) in enumerate(turns)
    )


def found_in(table: pa.Table, cuts: Sequence[int], against: Path, folder: Path) -> list[Finding]:
    folder.mkdir()
    paths = []
    for number, (low, high) in enumerate(zip([0, *cuts], [*cuts, table.num_rows], strict=True)):
        paths.append(folder / f"part-{number:05d}.parquet")
        pq.write_table(table.slice(low, high - low), paths[-1])
    check = Contamination(encoder="use-multilingual", against=(str(against),))
    scope = Scope(LocalEngine(), tuple(paths), folder / "cache", folder / "phases")
    return list(check.run(scope))


def test_parts_change_nothing(tmp_path: Path) -> None:
    against = tmp_path / "eval.jsonl"
    lines = [
        {"question": LONG, "answer": "two"},
        {
            "question": "A farmer has 36 chickens and 14 cows. How many legs have they?",
            "answer": "128",
        },
    ]
    against.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    table = records(
        (LONG, "two"),
        ("How do I bake bread?", "Slowly."),
        ("一位农民有 36 只鸡和 14 头牛，它们一共有多少条腿？", "128"),
        (LONG.replace("mill", "barn"), "none"),
        ("怎么养鸡", "要有耐心。"),
    )
    whole = found_in(table, [], against, tmp_path / "whole")
    assert [(f.record_id, f.code) for f in whole] == [
        ("r0", "CON001"),
        ("r3", "CON001"),
        ("r2", "CON002"),
    ]
    assert found_in(table, [1, 3], against, tmp_path / "cut") == whole
    for found in whole:
        assert found.evidence["file"] == "eval.jsonl"
        said = json.dumps(dict(found.evidence), ensure_ascii=False)
        assert "harvest" not in said
        assert "鸡" not in said


def test_nothing_to_compare_with(tmp_path: Path) -> None:
    pq.write_table(records((LONG, "two")), tmp_path / "part.parquet")
    scope = Scope(LocalEngine(), (tmp_path / "part.parquet",), tmp_path / "c", tmp_path / "p")
    assert list(Contamination(encoder="use-multilingual").run(scope)) == []


# --- the run ----------------------------------------------------------------------------


def run_id(root: Path, **params: Any) -> str:
    recipe = Recipe.model_validate({"checks": {"contamination": params} if params else {}})
    planned = plan(Workspace(root), recipe, load_rules())
    return next(check.run_id for check in planned.checks if check.name == "contamination")


def test_a_changed_evaluation_file_asks_for_another_run(tmp_path: Path) -> None:
    folder = tmp_path / "eval"
    folder.mkdir()
    file = folder / "a.jsonl"
    file.write_text('{"question": "a"}', encoding="utf-8")
    before = {
        name: run_id(tmp_path, against=[name]) for name in ("eval/a.jsonl", "eval", "eval/*.jsonl")
    }
    assert before == {name: run_id(tmp_path, against=[name]) for name in before}
    assert run_id(tmp_path) not in before.values()
    file.write_text('{"question": "b"}', encoding="utf-8")
    after = {name: run_id(tmp_path, against=[name]) for name in before}
    assert all(before[name] != after[name] for name in before)
    (folder / "b.jsonl").write_text('{"question": "c"}', encoding="utf-8")
    assert run_id(tmp_path, against=["eval"]) != after["eval"]
    assert run_id(tmp_path, against=["eval/*.jsonl"]) != after["eval/*.jsonl"]
    assert run_id(tmp_path, against=["eval/a.jsonl"]) == after["eval/a.jsonl"]


def test_the_run_does_not_depend_on_where_the_project_lies(tmp_path: Path) -> None:
    ids = []
    for name in ("here", "there"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.jsonl").write_text('{"question": "a"}', encoding="utf-8")
        ids.append(run_id(tmp_path / name, against=["a.jsonl"]))
    assert ids[0] == ids[1]


@pytest.mark.parametrize(
    ("against", "message", "hint"),
    [
        (["eval/none.jsonl"], "eval/none.jsonl: no such file or folder", "paths start at"),
        (["eval/*.jsonl"], "no file goes by that pattern", "correct the path"),
        ([3], "a path is not text", "eval/test.jsonl"),
        (["empty"], "holds no file", "name a file"),
        ("eval.jsonl", "contamination.against: str given", "give a list"),
    ],
)
def test_what_the_recipe_may_get_wrong(
    tmp_path: Path, against: object, message: str, hint: str
) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(RecipeError) as raised:
        run_id(tmp_path, against=against)
    assert message in raised.value.message
    assert hint in raised.value.hint
