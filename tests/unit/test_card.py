"""Cards: what the hub, `datasets` and Croissant readers make of an exported folder."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from curator.exports.instruction import export_instruction
from curator.exports.rag import export_rag
from tests.synthetic import POLICY, Made, conversation, document, recipe
from tests.unit.test_splits import manifest, said

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    made = Made()
    for n in range(40):
        turns = (("user", said(n)), ("assistant", said(n + 300)))
        made.add(
            conversation(
                f"line {n}", *turns, label="甲|乙" if n % 2 else "丙", license="CC BY-SA 4.0"
            )
        )
    made.add(
        document(
            "guide.md", ("heading", "说明", ()), ("paragraph", "多喝水。", ("说明",)), license="MIT"
        )
    )
    workspace, plan = made.lay(tmp_path_factory.mktemp("card"), part_size=64)
    asked = recipe(instruction={"test": 0.1, "mix": {"max_per_source": 30, "select": "best"}})
    return {
        "instruction": export_instruction(workspace, asked, POLICY, plan),
        "rag": export_rag(workspace, asked, POLICY, plan),
    }


def head(folder: Path) -> dict[str, Any]:
    _, front, _ = (folder / "README.md").read_text("utf-8").split("---\n", 2)
    found: dict[str, Any] = yaml.safe_load(front)
    return found


@pytest.mark.parametrize("name", ["instruction", "rag"])
def test_the_head_is_what_the_hub_reads(folders: dict[str, Path], name: str) -> None:
    from huggingface_hub import DatasetCard

    card = DatasetCard.load(folders[name] / "README.md")
    told = card.data.to_dict()
    assert told["size_categories"] == ["n<1K"]
    assert told["language"] == ["zh"]
    assert "curator" in told["tags"]
    assert re.fullmatch(r"[a-z0-9.-]+", told["license"])


def test_licences_are_those_of_what_is_exported(folders: dict[str, Path]) -> None:
    assert head(folders["instruction"])["license"] == "cc-by-sa-4.0"
    corpus = head(folders["rag"])
    assert corpus["license"] == "other"
    assert corpus["license_name"] == "CC-BY-SA-4.0 AND MIT"


def test_datasets_loads_the_folder_by_its_card(folders: dict[str, Path], tmp_path: Path) -> None:
    import datasets

    for name, splits in (("instruction", {"train", "validation", "test"}), ("rag", {"train"})):
        loaded = datasets.load_dataset(str(folders[name]), cache_dir=str(tmp_path / name))
        assert set(loaded) == splits
        told = manifest(folders[name])
        wanted = sum(told["splits"].values()) if name == "instruction" else told["chunks"]["rows"]
        assert sum(split.num_rows for split in loaded.values()) == wanted


@pytest.mark.parametrize(("name", "table"), [("instruction", "test"), ("rag", "chunks")])
def test_croissant_is_valid_and_its_records_can_be_read(
    folders: dict[str, Path], name: str, table: str
) -> None:
    import mlcroissant

    found = mlcroissant.Dataset(jsonld=str(folders[name] / "croissant.json"))
    assert not found.metadata.ctx.issues.errors
    missing = {w.split('"')[1].rpartition("/")[2] for w in found.metadata.ctx.issues.warnings}
    assert missing == {"citeAs", "datePublished"}  # a version tells no time
    rows = [
        json.loads(line)
        for line in (folders[name] / f"{table}.jsonl").read_text("utf-8").splitlines()
    ]
    read = list(found.records(table))
    assert [r[f"{table}/id"].decode() for r in read] == [row["id"] for row in rows]
    if name == "instruction":
        said_there = [[c.decode() for c in r[f"{table}/messages/content"]] for r in read]
        assert said_there == [[m["content"] for m in row["messages"]] for row in rows]


def test_croissant_names_every_data_file_with_its_sha256(folders: dict[str, Path]) -> None:
    for folder in folders.values():
        files = {f["path"]: f["sha256"] for f in manifest(folder)["files"] if f["rows"] is not None}
        told = json.loads((folder / "croissant.json").read_text("utf-8"))["distribution"]
        assert {f["contentUrl"]: f["sha256"] for f in told} == files


def test_a_card_tells_splits_mix_and_what_was_left_out(folders: dict[str, Path]) -> None:
    text = (folders["instruction"] / "README.md").read_text("utf-8")
    for wanted in (
        "## Splits / 划分",
        "| pairs of near-duplicates / 近似重复对 | 0 | 0.0 |",
        "## Mix / 配比",
        "`max_per_source: 30`",
        "| 甲\\|乙 |",
        "— left out, mix: max_per_source / 未选入 | 10 |",
    ):
        assert wanted in text
