"""Golden files of each format, by hand checked, and what they are beside JSONL."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq
import pytest
import yaml

from curator.exports.formats import NoPlaceError, alpaca, sharegpt
from curator.exports.instruction import export_instruction
from curator.schema import Recipe
from tests.conftest import ROOT
from tests.synthetic import POLICY, Made, conversation
from tests.unit.test_corrections import review

if TYPE_CHECKING:
    from pathlib import Path

TOLD = ("README.md", "croissant.json", "manifest.json")
GOLDEN = ROOT / "tests" / "golden" / "instruction"
FORMATS = ["prompt_completion", "sharegpt", "alpaca", "kto"]
PROMPTS = {"zh": "你是{label}医生。", "en": "You are a doctor."}


def export(tmp_path: Path, **how: Any) -> Path:
    """Two turns in Chinese, a question in English, a tool, and an answer that was corrected."""
    made = Made()
    made.add(
        conversation(
            "1", ("user", "孩子发烧 38.5 ℃ 怎么办？"), ("assistant", "多喝水。"),
            ("user", "晚上呢？"), ("assistant", "让孩子“睡”。\n第二天复诊。"), label="儿科",
        )
    )  # fmt: skip
    made.add(
        conversation("2", ("user", "What is a fever?"), ("assistant", "Above 38 °C."), lang="en")
    )
    made.add(
        conversation(
            "3", ("system", "查完再答"), ("user", "查订单"), ("assistant", "稍等"),
            ("tool", '{"状态": "已发货"}'), ("assistant", "已发货"),
        )
    )  # fmt: skip
    corrected = made.add(
        conversation("4", ("user", "能退吗"), ("assistant", "不行"), label="售后", uri="b.jsonl")
    )
    workspace, plan = made.lay(tmp_path)
    review(workspace, plan, corrected, verdict="fix", corrected_answer="七天内可以退。")
    given = {"validation": 0, "system_prompt": PROMPTS, "formats": FORMATS} | how
    recipe = Recipe.model_validate({"name": "golden", "exports": {"instruction": given}})
    return export_instruction(workspace, recipe, POLICY, plan)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return export(tmp_path_factory.mktemp("golden"), files=["parquet", "datasets"])


def rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


@pytest.mark.parametrize(
    "name", sorted(p.name for p in GOLDEN.iterdir() if p.name.partition(".")[0] != "split")
)
def test_files_are_as_they_were_checked_by_hand(folder: Path, name: str) -> None:
    assert (folder / name).read_text("utf-8") == (GOLDEN / name).read_text("utf-8")


def test_every_file_has_a_golden_one(folder: Path) -> None:
    made = {
        p.name for p in folder.iterdir()
        if p.is_file() and p.suffix != ".parquet" and p.name not in TOLD
    }  # fmt: skip
    empty = {"validation.jsonl"}
    assert made - empty == {p.name for p in GOLDEN.iterdir()} - {"split.jsonl"}


def test_split_rows_are_as_they_were_checked_by_hand(tmp_path: Path) -> None:
    folder = export(tmp_path, turns="split")
    assert (folder / "train.jsonl").read_text("utf-8") == (GOLDEN / "split.jsonl").read_text(
        "utf-8"
    )
    assert yaml.safe_load((folder / "llamafactory.yaml").read_text())["mask_history"] is True
    (data,) = yaml.safe_load((folder / "axolotl.yaml").read_text())["datasets"]
    assert data["message_field_training"] == "weight"


def test_parquet_and_datasets_hold_the_same_rows(folder: Path) -> None:
    from datasets import load_from_disk

    manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
    listed = {file["path"] for file in manifest["files"]}
    names = ["messages", *FORMATS, "kto.llamafactory", "preferences", "preferences.llamafactory"]
    for name in names:
        stem = "train" if name == "messages" else f"train.{name}"
        wanted = rows(folder / f"{stem}.jsonl")
        assert pq.read_table(folder / f"{stem}.parquet").to_pylist() == wanted
        assert load_from_disk(folder / "datasets" / name)["train"].to_list() == wanted
        assert f"datasets/{name}/train/state.json" in listed


def test_the_same_rows_make_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    again = export(tmp_path, files=["parquet", "datasets"])
    assert again.name == folder.name
    for path in folder.rglob("*"):
        if path.is_file():
            assert path.read_bytes() == (again / path.relative_to(folder)).read_bytes(), path


def test_a_format_without_a_place_for_a_row_is_told(folder: Path) -> None:
    manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
    assert manifest["formats"] == {
        "prompt_completion": {
            "answers that are context alone (prompt_completion learns the last one)": 2
        },
        "sharegpt": {},
        "alpaca": {"tools have no place in Alpaca rows": 1},
        "kto": {"answers that are context alone (kto learns the last one)": 2},
    }
    tools = next(
        row
        for row in rows(folder / "train.jsonl")
        if any(m["role"] == "tool" for m in row["messages"])
    )
    with pytest.raises(NoPlaceError, match="tools"):
        alpaca(tools)
    roles = [t["from"] for t in sharegpt(tools)["conversations"]]
    assert roles == ["human", "gpt", "observation", "gpt"]


def test_every_trainer_takes_every_row(folder: Path) -> None:
    manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
    asked = {
        (t["trainer"], t["file"]): (t["taken"], t["rows"]) for t in manifest["handshake"]["told"]
    }
    assert all(taken == n for taken, n in asked.values())
    assert asked["llamafactory", "train.preferences.llamafactory.jsonl"] == (1, 1)
    assert asked["llamafactory", "train.alpaca.jsonl"] == (3, 3)
    assert asked["trl", "train.kto.jsonl"] == (5, 5)
