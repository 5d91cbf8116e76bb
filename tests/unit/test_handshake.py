"""What trainers make of each row: our rules of LLaMA-Factory, axolotl and TRL, and TRL itself.

Lengths are those of a tokenizer of bytes: a message costs its bytes and what is around it, an
answer its bytes and one token that ends it.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from curator.errors import EmptyError, GateError, ModelError, WorkspaceError
from curator.exports.handshake import axolotl, llamafactory, trl_itself, trl_rules
from curator.exports.handshake.conversations import RefusedError
from curator.exports.instruction import export_instruction, load_instruction
from curator.exports.measures import Ruler, lengths
from curator.exports.trainers import dataset_info
from tests.letters import letters
from tests.synthetic import POLICY, Made, conversation, recipe

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("somewhere") / "letters"
    letters().save_pretrained(folder)
    return str(folder)


def said(*turns: tuple[str, str]) -> dict[str, Any]:
    return {"id": "r1", "messages": [{"role": role, "content": text} for role, text in turns]}


TALK = said(("system", "简短"), ("user", "发烧怎么办？"), ("assistant", "多喝水。"))
INFO = dataset_info(
    "x",
    {
        kind: {"train": kind}
        for kind in (
            "messages",
            "sharegpt",
            "alpaca",
            "kto.llamafactory",
            "preferences.llamafactory",
        )
    },
)


def entry(kind: str) -> dict[str, Any]:
    return next(e for e in INFO.values() if e["file_name"] == kind)


# --- LLaMA-Factory ----------------------------------------------------------------------------


def test_llama_factory_reads_every_format_as_the_same_conversation() -> None:
    shown = [
        (entry("messages"), TALK),
        (
            entry("sharegpt"),
            {
                "system": "简短",
                "conversations": [
                    {"from": "human", "value": "发烧怎么办？"},
                    {"from": "gpt", "value": "多喝水。"},
                ],
            },
        ),
        (
            entry("alpaca"),
            {"instruction": "发烧怎么办？", "input": "", "output": "多喝水。", "system": "简短", "history": []},
        ),
        (entry("kto.llamafactory"), {**TALK, "label": False}),
    ]  # fmt: skip
    for description, row in shown:
        (read,) = llamafactory.read(row, description).conversations
        assert read == TALK["messages"]
    pair = {
        "messages": TALK["messages"][:2],
        "chosen": TALK["messages"][2],
        "rejected": {"role": "assistant", "content": "吃药。"},
    }
    first, second = llamafactory.read(pair, entry("preferences.llamafactory")).conversations
    assert (first, second[-1]["content"]) == (TALK["messages"], "吃药。")


@pytest.mark.parametrize(
    ("turns", "reason"),
    [
        ((("user", "a"), ("tool", "b"), ("assistant", "c")), "turns that do not alternate"),
        ((("assistant", "a"), ("user", "b")), "turns that do not alternate"),
        ((("user", "a"), ("developer", "b")), "turns that do not alternate"),
        ((("user", "a"), ("assistant", "b"), ("user", "c")), "no answer at the end"),
        ((("system", "a"),), "no turns"),
        ((("user", "a"), ("assistant", " \n")), "a message without text"),
    ],
)
def test_rows_that_llama_factory_skips(turns: Any, reason: str) -> None:
    with pytest.raises(RefusedError, match=reason):
        llamafactory.read(said(*turns), entry("messages"))


def test_llama_factory_takes_tools_that_alternate() -> None:
    row = said(("user", "a"), ("assistant", "b"), ("tool", "c"), ("assistant", "d"))
    assert llamafactory.read(row, entry("messages")).conversations[0] == row["messages"]


def test_roles_that_the_file_does_not_have_are_refused() -> None:
    """A description with the wrong tags would make LLaMA-Factory skip all rows, or take none."""
    wrong = {**entry("messages"), "tags": {"role_tag": "role", "content_tag": "content"}}
    with pytest.raises(RefusedError, match="do not alternate"):
        llamafactory.read(said(*[("user", "a"), ("assistant", "b")]), wrong)


@pytest.mark.parametrize(
    ("pairs", "cutoff", "learnt"),
    [
        ([(10, 20)], 40, 20),  # all of it has room
        ([(100, 20)], 50, 20),  # the question is cut: the answer is less than half
        ([(20, 100)], 50, 30),  # the answer is cut: the question is less than half
        ([(300, 100)], 40, 10),  # both are cut, in proportion
        ([(1000, 1)], 2, 0),  # nothing is left of the answer
        ([(10, 10), (10, 10)], 20, 10),  # the second turn is gone
        ([(10, 10), (10, 10)], 30, 15),
    ],
)
def test_what_llama_factory_leaves_of_a_long_row(
    pairs: list[tuple[int, int]], cutoff: int, learnt: int
) -> None:
    assert llamafactory.kept(np.array(pairs), cutoff, last=False, history=False) == learnt


def test_with_masked_history_the_last_turn_comes_first() -> None:
    pairs = np.array([(10, 100), (10, 10)])
    assert llamafactory.kept(pairs, 20, last=False, history=True) == 10
    assert llamafactory.kept(pairs, 20, last=True, history=True) == 10
    # A comparison is one turn, all before the answer its question.
    assert llamafactory.kept(pairs, 30, last=True, history=False) == 10
    assert llamafactory.kept(np.array([(1000, 1)]), 2, last=True, history=False) == 0


# --- axolotl and TRL, by their rules ----------------------------------------------------------


def test_axolotl_drops_what_is_too_long() -> None:
    pairs = np.array([(10, 5), (10, 7)])
    assert axolotl.kept(pairs, 33, 33, last=False) == 12
    assert axolotl.kept(pairs, 33, 33, last=True) == 7
    with pytest.raises(RefusedError, match="sequence_len"):
        axolotl.kept(pairs, 34, 33, last=False)


def test_trl_cuts_at_the_end() -> None:
    pairs = np.array([(10, 5), (10, 7)])
    for length, whole, last in ((40, 12, 7), (27, 7, 2), (25, 5, 0), (13, 3, 0), (10, 0, 0)):
        assert trl_rules.kept(pairs, length, last=False) == whole
        assert trl_rules.kept(pairs, length, last=True) == last


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (said(("user", "a")), "no answer to learn from"),
        (said(("user", "a"), ("system", "b"), ("assistant", "c")), "a system prompt in the middle"),
        (said(("human", "a"), ("gpt", "b")), "a role that chat templates do not know"),
        ({"prompt": [], "chosen": ["x"], "rejected": ["x"]}, "both answers are the same"),
    ],
)
def test_rows_that_trl_learns_nothing_from(row: dict[str, Any], reason: str) -> None:
    with pytest.raises(RefusedError, match=reason):
        trl_rules.read(row)


# --- lengths ----------------------------------------------------------------------------------


def test_lengths_are_counted_to_the_token(tokenizer: str) -> None:
    ruler = Ruler(tokenizer)
    (found,) = ruler.measures(
        [said(("user", "abc"), ("assistant", "de"), ("user", "f"), ("assistant", "g"))["messages"]]
    )
    # <bos>; <start>user<end>\n\n (8) abc <eot>; <start>assistant<end>\n\n (13); then de <eot>.
    assert found.pairs.tolist() == [[1 + 8 + 4 + 13, 3], [8 + 2 + 13, 2]]
    assert (found.tokens, found.learnt, found.exact, found.control) == (54, 5, True, False)
    figures = lengths([found])
    assert (figures["median"], figures["longest"], figures["learnt"]) == (54, 54, 5)
    assert {b["up_to"]: b["rows"] for b in figures["histogram"] if b["rows"]} == {64: 1}
    assert lengths([])["rows"] == 0


# --- whole exports ----------------------------------------------------------------------------


def lay(tmp_path: Path, **more: list[tuple[str, str]]) -> Any:
    """Ten plain conversations, and those that are given by name."""
    made = Made()
    for n in range(10):
        made.add(conversation(f"line {n}", ("user", f"问题{n}？"), ("assistant", f"Answer {n}.")))
    named = {name: made.add(conversation(name, *turns)).id for name, turns in more.items()}
    return (*made.lay(tmp_path), named)


def told(folder: Path, trainer: str, file: str = "train.jsonl") -> dict[str, Any]:
    manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
    return next(
        t for t in manifest["handshake"]["told"] if (t["trainer"], t["file"]) == (trainer, file)
    )


LONG_QUESTION = [("user", "q" * 400), ("assistant", "short")]
LONG_ANSWER = [("user", "why"), ("assistant", "a" * 400)]
CONTROL = [("user", "what is <|eot_id|>"), ("assistant", "a token")]
TOOLS = [("user", "查"), ("tool", "{}"), ("assistant", "有")]


@pytest.mark.parametrize("itself", [True, False], ids=["trl itself", "rules"])
def test_rows_that_would_teach_nothing_are_named(
    tmp_path: Path, tokenizer: str, monkeypatch: pytest.MonkeyPatch, *, itself: bool
) -> None:
    if itself:
        pytest.importorskip("trl")
    else:
        monkeypatch.setattr(trl_itself, "installed", lambda: None)
    workspace, plan, ids = lay(
        tmp_path, question=LONG_QUESTION, answer=LONG_ANSWER, control=CONTROL, tools=TOOLS
    )
    first = {name: f"{record} (1)" for name, record in ids.items()}
    how = {
        "validation": 0,
        "tokenizer": tokenizer,
        "max_tokens": 128,
        "formats": ["prompt_completion"],
    }
    folder = export_instruction(workspace, recipe(instruction=how), POLICY, plan)
    control = {"a text that holds a control token of the tokenizer": [first["control"]]}
    nothing = {"truncated to nothing: no token of an answer is left": [first["question"]]}
    for file in ("train.jsonl", "train.prompt_completion.jsonl"):
        trl = told(folder, "trl", file)
        assert trl["refused"] == control | nothing
        assert (trl["rows"], trl["taken"], trl["cut"]) == (14, 12, 1)
        assert trl["by"].startswith("trl ") == itself
    assert told(folder, "llamafactory")["refused"] == control | {
        "turns that do not alternate": [first["tools"]]
    }
    assert told(folder, "llamafactory")["cut"] == 2
    assert told(folder, "axolotl")["refused"] == control | {
        "longer than sequence_len, so dropped": [first["question"], first["answer"]]
    }
    if itself:
        trl = told(folder, "trl")
        assert trl["format"] == "conversational language modeling"
        assert told(folder, "trl", "train.prompt_completion.jsonl")["format"] == (
            "conversational prompt-completion"
        )
        # What TRL learns is what we count: ten short answers, the tools' and 128 tokens' worth.
        ruler = Ruler(tokenizer)
        rows = load_instruction(folder)["train"]
        left = [r for r in rows if r["id"] not in {ids["control"], ids["question"]}]
        measures = ruler.measures([r["messages"] for r in left])
        assert trl["tokens"] == sum(min(m.tokens, 128) for m in measures)
        assert trl["learnt"] == sum(trl_rules.kept(m.pairs, 128, last=False) for m in measures)
        assert 0 < trl["packed"] <= 12
    assert not [p for p in folder.iterdir() if p.name.startswith(".")]


def test_trl_learns_each_answer_of_split_rows_once(tmp_path: Path, tokenizer: str) -> None:
    pytest.importorskip("trl")
    workspace, plan, _ = lay(
        tmp_path,
        long=[("user", "一"), ("assistant", "甲甲"), ("user", "二"), ("assistant", "乙乙乙")],
    )
    formats = ["prompt_completion"]
    how = {"validation": 0, "tokenizer": tokenizer, "formats": formats, "trainers": ["trl"]}
    split = recipe(instruction=how | {"turns": "split"})
    folder = export_instruction(workspace, split, POLICY, plan)
    once = 10 * (len("Answer 1.") + 1) + (3 * 2 + 1) + (3 * 3 + 1)
    manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
    assert manifest["tokens"]["train"]["learnt"] == once
    assert told(folder, "trl")["learnt"] == once
    assert told(folder, "trl", "train.prompt_completion.jsonl")["learnt"] == once


def test_refused_rows_are_left_out_of_every_file(tmp_path: Path, tokenizer: str) -> None:
    workspace, plan, ids = lay(tmp_path, question=LONG_QUESTION, tools=TOOLS)
    how = {
        "validation": 0,
        "tokenizer": tokenizer,
        "max_tokens": 128,
        "formats": ["sharegpt", "kto"],
        "trainers": ["llamafactory", "axolotl"],
        "refused": "leave_out",
    }
    folder = export_instruction(workspace, recipe(instruction=how), POLICY, plan)
    manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
    assert manifest["handshake"]["left_out"] == {
        f"{ids['question']} (1)": "longer than sequence_len, so dropped",
        f"{ids['tools']} (1)": "turns that do not alternate",
    }
    assert all(not t["refused"] for t in manifest["handshake"]["told"])
    assert manifest["conservation"]["exported"] == 10
    assert manifest["conservation"]["unusable"] == {"a trainer would not learn from it": 2}
    assert manifest["splits"] == {"train": 10, "validation": 0}
    for path in folder.glob("*.jsonl"):
        text = path.read_text("utf-8")
        assert ids["question"] not in text, path
        assert ids["tools"] not in text, path
    assert "10 |" in (folder / "README.md").read_text("utf-8")


def test_refused_rows_may_stop_the_export(tmp_path: Path, tokenizer: str) -> None:
    workspace, plan, ids = lay(tmp_path, tools=TOOLS)
    how = {"tokenizer": tokenizer, "refused": "stop", "trainers": ["llamafactory"]}
    with pytest.raises(GateError) as stopped:
        export_instruction(workspace, recipe(instruction=how), POLICY, plan)
    assert f"{ids['tools']}: llamafactory: turns that do not alternate" in stopped.value.message
    assert "leave_out" in stopped.value.hint
    assert list((tmp_path / "exports" / "instruction").iterdir()) == []


def test_without_a_tokenizer_roles_are_asked_about_and_lengths_are_not(tmp_path: Path) -> None:
    workspace, plan, ids = lay(tmp_path, tools=TOOLS, question=LONG_QUESTION)
    folder = export_instruction(workspace, recipe(instruction={"validation": 0}), POLICY, plan)
    assert told(folder, "llamafactory")["refused"] == {
        "turns that do not alternate": [ids["tools"]]
    }
    assert told(folder, "trl")["by"] == "rules"
    assert json.loads((folder / "manifest.json").read_text("utf-8"))["tokens"] == {}
    assert not (folder / "chat_template.jinja").exists()
    assert "not measured in tokens" in (folder / "README.md").read_text("utf-8")


def test_the_card_draws_how_long_rows_are(tmp_path: Path, tokenizer: str) -> None:
    workspace, plan, _ = lay(tmp_path, answer=LONG_ANSWER)
    how = {"tokenizer": tokenizer, "validation": 0, "trainers": ["axolotl"]}
    folder = export_instruction(workspace, recipe(instruction=how), POLICY, plan)
    card = (folder / "README.md").read_text("utf-8")
    bars = [line for line in card.splitlines() if "█" in line or "▏" in line]
    assert [line.split()[-1] for line in bars] == ["10", "1"]
    assert "`letters`" in card
    for path in folder.rglob("*"):
        if path.is_file():
            assert tokenizer.encode() not in path.read_bytes(), path
    config = (folder / "axolotl.yaml").read_text("utf-8")
    assert "sequence_len: 448" in config  # the longest row, rounded up to 64


# --- what goes wrong --------------------------------------------------------------------------


def test_a_tokenizer_that_is_not_there_is_told_before_anything_is_written(tmp_path: Path) -> None:
    workspace, plan, _ = lay(tmp_path)
    how = {"tokenizer": str(tmp_path / "no-model")}
    with pytest.raises(ModelError, match="no such tokenizer here"):
        export_instruction(workspace, recipe(instruction=how), POLICY, plan)
    assert not (tmp_path / "exports").exists()


def test_an_empty_selection_is_told_with_why(tmp_path: Path) -> None:
    made = Made()
    made.add(conversation("1", ("user", "在吗")))
    made.add(conversation("2", ("user", "a"), ("assistant", "b")), action="drop", instruction=False)
    workspace, plan = made.lay(tmp_path)
    with pytest.raises(EmptyError, match="1 with no question with an answer") as stopped:
        export_instruction(workspace, recipe(), POLICY, plan)
    assert "curator status" in stopped.value.hint
    assert list((tmp_path / "exports" / "instruction").iterdir()) == []


def test_a_file_that_trl_stops_at_stops_the_export(
    tmp_path: Path, tokenizer: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("trl")
    workspace, plan, _ = lay(tmp_path)
    how = {"tokenizer": tokenizer, "trainers": ["trl"], "validation": 0}
    real = trl_itself.ask

    def ask(tasks: Any, ruler: Any, length: int, scratch: Path) -> Any:
        ruler.template = "{% if false %}{% generation %}{% endgeneration %}{% endif %}"
        return real(tasks, ruler, length, scratch)

    monkeypatch.setattr(trl_itself, "ask", ask)
    with pytest.raises(GateError, match="cannot train with"):
        export_instruction(workspace, recipe(instruction=how), POLICY, plan)
    assert list((tmp_path / "exports" / "instruction").iterdir()) == []


def test_two_exports_at_once_are_told(tmp_path: Path) -> None:
    workspace, _, _ = lay(tmp_path)
    with workspace.lock(), pytest.raises(WorkspaceError, match="in use"), workspace.lock():
        pass
