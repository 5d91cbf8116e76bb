"""Reveal: whatever the format and however a record was cut, what was hidden is there again."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq
import pytest

from curator.errors import SourceError
from curator.exports.instruction import export_instruction
from curator.exports.rag import export_rag
from curator.originals import Mention, hidden, restored
from curator.reveal import reveal
from curator.schema import Recipe
from curator.vault import create_key
from tests.synthetic import POLICY, Made, conversation, document
from tests.unit.test_corrections import review

if TYPE_CHECKING:
    from pathlib import Path

    from curator.workspace import Workspace

NAME, SHORT, FULL = "王小明", "138 0013 8000", "138-0013-8000"
FORMATS = ["prompt_completion", "sharegpt", "alpaca", "kto"]
CHAT = (
    ("system", f"客户{NAME}的会话"), ("user", f"我是{NAME}，电话{SHORT}。"), ("assistant", "记下了。"),
    ("user", f"电话{FULL}。"), ("assistant", f"{NAME}您好，电话{FULL}。"),
    ("user", f"电话{SHORT}。"), ("assistant", f"好的，电话{SHORT}。\n再见，{NAME}。"),
)  # fmt: skip
PAPER = (
    ("heading", f"{NAME}的病历", ()),
    ("paragraph", f"联系人{NAME}，电话{FULL}。夜里发热，" + "次日复诊。" * 30, (f"{NAME}的病历",)),
    ("paragraph", f"联系人{NAME}，电话{SHORT}。", (f"{NAME}的病历",)),
)


def made(root: Path, *, hide: bool) -> tuple[Workspace, Any]:
    """A long conversation, one that was corrected, an English one, and a document."""
    made = Made()
    records = [
        made.add(conversation("1", *CHAT)),
        made.add(conversation("2", ("user", f"我是{NAME}"), ("assistant", f"{NAME}您好，不退。"))),
        made.add(
            conversation(
                "3", ("user", "Ann Lee here, ann.lee@mail.com"), ("assistant", "Hello Ann Lee"),
                lang="en",
            )
        ),
        made.add(document("病历.md", *PAPER)),
    ]  # fmt: skip
    found = {
        NAME: ("[姓名1]", "PII001"), SHORT: ("[电话1]", "PII002"), FULL: ("[电话1]", "PII002"),
        "Ann Lee": ("[PERSON_1]", "PII001"), "ann.lee@mail.com": ("[EMAIL_1]", "PII003"),
    }  # fmt: skip
    for record in records if hide else ():
        for part, held in enumerate(record.parts):
            for text, shown_as in found.items():
                if text in held.text:
                    made.hide(record, part, text, *shown_as)
    workspace, plan = made.lay(root)
    # Who corrects sees placeholders; the plain export is made of what they stand for.
    who = "[姓名1]" if hide else NAME
    review(workspace, plan, records[1], verdict="fix", corrected_answer=f"{who}您好，可以退。")
    return workspace, plan


def recipe(key: Path, style: str, link: str, **how: Any) -> Recipe:
    instruction = {"validation": 0, "formats": FORMATS, "files": ["parquet"]} | how
    exports = {"instruction": instruction, "rag": {"chunk_length": 90}}
    settings = {"style": style, "link": link, "key_file": str(key)} if style else {}
    return Recipe.model_validate({"name": "made", "exports": exports, "pseudonyms": settings})


def plain(path: Path) -> list[dict[str, Any]]:
    if path.suffix == ".parquet":
        return pq.read_table(path).to_pylist()  # type: ignore[no-any-return]
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def shown(root: Path, style: str, link: str, **how: Any) -> tuple[Any, Recipe, Path, Path]:
    workspace, plan = made(root / "project", hide=bool(style))
    if style:
        create_key(root / "a.key")
    asked = recipe(root / "a.key", style, link, **how)
    rules = tuple(rule for rule in POLICY.rules if style or rule.then != "edit")
    policy = POLICY.model_copy(update={"rules": rules})
    return (
        workspace,
        asked,
        export_instruction(workspace, asked, policy, plan),
        export_rag(workspace, asked, policy, plan),
    )


SHAPES = [{"turns": "whole"}, {"turns": "split"}, {"turns": "window", "window": 1}]


@pytest.mark.parametrize("how", SHAPES, ids=["whole", "split", "window"])
@pytest.mark.parametrize(
    ("style", "link"), [("coded", "project"), ("realistic", "project"), ("coded", "none")]
)
def test_every_file_is_as_if_nothing_had_been_hidden(
    tmp_path: Path, style: str, link: str, how: dict[str, Any]
) -> None:
    workspace, asked, folder, _ = shown(tmp_path / "hidden", style, link, **how)
    _, _, wanted, _ = shown(tmp_path / "plain", "", "", **how)
    files = sorted(p.name for p in wanted.iterdir() if p.suffix in {".jsonl", ".parquet"})
    kinds = {name.split(".")[1] for name in files}
    assert kinds >= {*FORMATS, "preferences", "jsonl", "parquet"}
    assert files == sorted(p.name for p in folder.iterdir() if p.suffix in {".jsonl", ".parquet"})
    for name in files:
        rows = plain(folder / name)
        assert [json.loads(line) for line in reveal(workspace, asked, folder / name)] == plain(
            wanted / name
        )
        assert NAME not in json.dumps(rows, ensure_ascii=False)


@pytest.mark.parametrize("form", ["jsonl", "parquet"])
def test_so_is_every_chunk(tmp_path: Path, form: str) -> None:
    workspace, asked, _, folder = shown(tmp_path / "hidden", "coded", "project")
    rows = [json.loads(line) for line in reveal(workspace, asked, folder / f"chunks.{form}")]
    text = " ".join(row["text"] for row in rows if row["kind"] == "document")
    assert f"联系人{NAME}，电话{FULL}。夜里" in text
    assert text.endswith(f"联系人{NAME}，电话{SHORT}。")
    (path,) = {tuple(row["heading_path"]) for row in rows if row["kind"] == "document"}
    assert path == (f"{NAME}的病历",)
    assert all(f"{NAME}的病历" in r["citation"] for r in rows if r["kind"] == "document")
    pairs = [row for row in rows if row["kind"] == "conversation"]
    assert all(row["text"].startswith(row["key"]) for row in pairs)
    said = [turn for _, turn in CHAT[1:]]
    assert [p["text"] for p in pairs[:3]] == ["\n".join(said[i : i + 2]) for i in (0, 2, 4)]


def test_the_routes_keep_apart_what_each_hides(tmp_path: Path) -> None:
    """The second export does not make the first one's rows unreadable."""
    workspace, asked, folder, _ = shown(tmp_path, "coded", "none")
    first = [json.loads(line) for line in reveal(workspace, asked, folder / "train.jsonl")]
    assert NAME in json.dumps(first, ensure_ascii=False)


def test_a_name_that_was_made_up_and_is_a_word_elsewhere_stays_there() -> None:
    texts = ["王安说：明天去长王安街。", "好的，王安。"]
    known = hidden(texts, [Mention(0, 0, "王安", "刘芳"), Mention(1, 3, "王安", "刘芳")])
    assert restored(texts, known) == ["刘芳说：明天去长王安街。", "好的，刘芳。"]
    assert restored(["明天去长王安街。", "好的，王安。"], known) == [
        "明天去长王安街。",
        "好的，刘芳。",
    ]


def test_one_name_within_another() -> None:
    texts = ["王安静和王安来了"]
    known = hidden(texts, [Mention(0, 0, "王安静", "刘芳芳"), Mention(0, 4, "王安", "刘芳")])
    assert restored(texts, known) == ["刘芳芳和刘芳来了"]


def test_what_is_no_file_of_an_export_says_so(tmp_path: Path) -> None:
    workspace, asked, folder, _ = shown(tmp_path, "coded", "project")
    broken = tmp_path / "broken.parquet"
    broken.write_bytes(b"PAR1 and no more")
    lines = tmp_path / "list.jsonl"
    lines.write_text("{}\n[1]\n", "utf-8")
    for path, said in (
        (tmp_path / "none.jsonl", "cannot be read"), (folder, "cannot be read"),
        (broken, "no Parquet file"), (lines, r"list\.jsonl:2: not a row"),
    ):  # fmt: skip
        with pytest.raises(SourceError, match=said):
            list(reveal(workspace, asked, path))
