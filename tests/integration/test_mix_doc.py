"""What docs/mix.md tells to run and to write runs, on a small project of a shop."""

from __future__ import annotations

import csv
import json
import re
import subprocess
from pathlib import Path
from typing import Any

import yaml

from curator.checks import CHECKS
from tests.conftest import ROOT, clean_env, command
from tests.unit.test_splits import said

PAGES = ["mix.md", "mix.zh-CN.md"]
TOPICS = ["退款", "发货", "发票", "尺码", "换货", "积分", "优惠券", "地址", "物流", "售后"]
PLACES = ["Oslo", "Lima", "Cairo", "Quito", "Hanoi", "Accra", "Sofia", "Perth", "Turin", "Davao"]
ASKED = ("What is the river of {}?", "How old is {}?", "Who rules {}?")
CHECKED = ("exact_duplicates", "near_duplicates", "quality", "contamination")


def blocks(name: str, language: str) -> list[str]:
    text = (ROOT / "docs" / name).read_text("utf-8")
    return re.findall(rf"```{language}\n(.*?)```", text, flags=re.DOTALL)


def shop(folder: Path) -> None:
    folder.mkdir()
    with (folder / "chat.csv").open("w", encoding="utf-8", newline="") as file:
        out = csv.writer(file)
        out.writerow(["问题", "回答", "household"])
        for n in range(120):
            told = f"{said(n + 500)}，{said(n + 900)}。"
            out.writerow([f"{TOPICS[n % 10]}：{said(n)}？", told, f"家{n // 3}"])
    with (folder / "general.jsonl").open("w", encoding="utf-8") as lines:
        for n, place in enumerate(PLACES * 3):
            told = f"{place} lies {n * 13} miles from the sea; its people tell {n + 3} tales of it."
            row = {"instruction": ASKED[n // 10].format(place), "output": told}
            lines.write(json.dumps(row) + "\n")
    recipe = {
        "name": "shop",
        "workers": 1,
        "sources": [{"path": "chat.csv", "license": "CC-BY-NC-4.0"}],
        "checks": {name: False for name in CHECKS if name not in CHECKED},
        "exports": {"licenses": {"allow": {"CC-BY-NC-4.0": "a test"}}},
    }
    (folder / "curator.yaml").write_text(yaml.safe_dump(recipe, allow_unicode=True), "utf-8")


def merged(one: Any, other: Any) -> Any:
    if isinstance(one, dict) and isinstance(other, dict):
        both = {key: merged(one[key], other[key]) for key in one.keys() & other.keys()}
        return {**one, **other, **both}
    return [*one, *other] if isinstance(one, list) and isinstance(other, list) else other


def test_what_the_page_tells_runs(tmp_path: Path) -> None:
    shop(tmp_path / "shop")
    path = tmp_path / "shop" / "curator.yaml"
    env = clean_env(PATH=f"{Path(command()).parent}:{clean_env()['PATH']}")
    outputs: list[str] = []
    for wanted, block in zip(blocks(PAGES[0], "sh"), blocks(PAGES[0], "yaml"), strict=True):
        # Each block of the recipe stands before the commands that use it; a variable is kept.
        recipe = merged(yaml.safe_load(path.read_text("utf-8")), yaml.safe_load(block))
        lines = wanted.splitlines()
        if lines[0].startswith("first="):
            env["first"] = run(f'{lines.pop(0)}\necho "$first"', tmp_path, env).strip()
        path.write_text(yaml.safe_dump(recipe, allow_unicode=True), "utf-8")
        outputs += [run(line, tmp_path, env) for line in lines]
    found = json.loads(outputs[-1])
    assert found["removed"] > 40
    assert found["why"]["removed"] == {"mix: over the budget": found["removed"]}
    latest = tmp_path / "shop" / "exports" / "instruction" / "latest"
    manifest = json.loads((latest / "manifest.json").read_text("utf-8"))
    assert set(manifest["leakage"]["across"].values()) == {0}
    assert manifest["leakage"]["across_a_random_split"]["columns"] > 1
    assert manifest["mix"]["replay"]["rows"] > 5
    assert sum(manifest["splits"].values()) <= 60
    assert "conserved" in run("curator status --project shop 2>&1", tmp_path, env)


def run(line: str, cwd: Path, env: dict[str, str]) -> str:
    done = subprocess.run(
        line, shell=True, cwd=cwd, env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{line}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def test_both_pages_tell_the_same() -> None:
    for language in ("sh", "yaml"):
        assert blocks(PAGES[0], language) == blocks(PAGES[1], language)
