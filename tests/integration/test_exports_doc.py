"""docs/exports.md: its commands run, its recipe is one, and a trainer starts as it says."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from curator.project import Project
from curator.schema import Recipe
from tests.conftest import ROOT, clean_env, command
from tests.integration.test_readme import chat
from tests.letters import letters

if TYPE_CHECKING:
    from collections.abc import Sequence

DOCS = ["exports.md", "exports.zh-CN.md"]


def blocks(name: str, language: str) -> list[str]:
    text = (ROOT / "docs" / name).read_text("utf-8")
    return re.findall(rf"```{language}\n(.*?)```", text, flags=re.DOTALL)


def run(args: Sequence[str], cwd: Path, **env: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        args, cwd=cwd, env=clean_env(**env), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{args}\n{done.stdout}\n{done.stderr}"
    return done


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project of the page, after its commands."""
    folder = tmp_path_factory.mktemp("doc")
    chat(folder)
    for line in blocks(DOCS[0], "sh")[0].splitlines():
        run([command(), *line.split()[1:]], folder)
    return folder / "shop"


def test_both_pages_tell_the_same() -> None:
    for language in ("sh", "yaml", "text"):
        assert blocks(DOCS[0], language) == blocks(DOCS[1], language)


def test_the_commands_write_what_the_page_says(shop: Path) -> None:
    latest = shop / "exports" / "instruction" / "latest"
    made = {path.name for path in latest.iterdir()}
    text = (ROOT / "docs" / DOCS[0]).read_text("utf-8")
    table = text[text.index("| file |") : text.index("Put your model")]
    named = {n for n in re.findall(r"`(\w+\.\w+)`", table) if "preferences" not in n}
    assert named <= made, named - made
    assert {"train.alpaca.jsonl", "train.sharegpt.jsonl"} <= made
    started = blocks(DOCS[0], "text")[0].splitlines()
    for name in ("llamafactory", "axolotl", "trl"):
        head = (latest / f"{name}.yaml").read_text("utf-8").splitlines()[0]
        assert any(head.startswith(f"# {line} ") for line in started), head


def test_the_recipe_of_the_page_exports(shop: Path) -> None:
    path = shop / "curator.yaml"
    before = path.read_text("utf-8")
    asked = yaml.safe_load(blocks(DOCS[0], "yaml")[0])
    recipe = yaml.safe_load(before) | asked
    path.write_text(yaml.safe_dump(recipe, allow_unicode=True), encoding="utf-8")
    try:
        Recipe.model_validate(recipe)
        folder = Project(shop).export("instruction")
    finally:
        path.write_text(before, encoding="utf-8")
    manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
    assert manifest["handshake"]["length"] == 1024
    assert {told["trainer"] for told in manifest["handshake"]["told"]} == {"llamafactory", "trl"}
    row = json.loads((folder / "train.jsonl").read_text("utf-8").splitlines()[0])
    assert row["messages"][0] == {"role": "system", "content": "你是客服。"}
    assert (folder / "datasets" / "kto" / "train" / "state.json").exists()


@pytest.mark.slow
def test_trl_trains_as_the_page_says(shop: Path, tmp_path: Path) -> None:
    """One step of a model of a few parameters, with the configuration that was written."""
    pytest.importorskip("trl")
    from transformers import LlamaConfig, LlamaForCausalLM

    model = tmp_path / "model"
    tokenizer: Any = letters()
    tokenizer.save_pretrained(model)
    config = LlamaConfig(
        vocab_size=len(tokenizer), hidden_size=8, intermediate_size=8, num_hidden_layers=1,
        num_attention_heads=1, eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id, bos_token_id=tokenizer.bos_token_id,
    )  # fmt: skip
    LlamaForCausalLM(config).save_pretrained(model)
    folder = Project(shop).export("instruction", tokenizer=str(model), trainers=("trl",))
    path = folder / "trl.yaml"
    work = tmp_path / "work"
    work.mkdir()
    (work / "chat_template.jinja").write_bytes((folder / "chat_template.jinja").read_bytes())
    text = path.read_text("utf-8").replace("YOUR_MODEL", str(model))
    (work / "trl.yaml").write_text(text, encoding="utf-8")
    line = next(line for line in blocks(DOCS[0], "text")[0].splitlines() if line.startswith("trl "))
    words = line.replace('"$PWD"', str(folder)).split()
    small = ["--max_steps", "1", "--use_cpu", "--bf16", "false", "--use_peft", "false"]
    trl = str(Path(sys.executable).parent / "trl")
    done = run(
        [trl, *words[1:], *small],
        work,
        HF_DATASETS_CACHE=str(tmp_path / "cache"),
        HF_HUB_OFFLINE="1",
        PYTHONWARNINGS="ignore",
    )
    assert "'train_loss'" in done.stdout + done.stderr
    assert (work / "output-trl" / "config.json").exists()
