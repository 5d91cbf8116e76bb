"""The pages that come from the code are up to date."""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

from tests.conftest import ROOT, run_line, run_python

if TYPE_CHECKING:
    from pathlib import Path

TARGETS = ["docs/rag-targets.md", "docs/rag-targets.zh-CN.md"]


def test_generated_pages_are_up_to_date() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "docs.generate", "--check"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def blocks(name: str, language: str) -> list[str]:
    text = (ROOT / name).read_text("utf-8")
    return re.findall(rf"```{language}\n(.*?)```", text, flags=re.DOTALL)


def test_both_pages_of_the_targets_tell_the_same() -> None:
    for language in ("sh", "yaml", "python", "sql"):
        assert blocks(TARGETS[0], language) == blocks(TARGETS[1], language) != []


def test_the_page_of_the_targets_holds(demo: Path, tmp_path: Path) -> None:
    project = shutil.copytree(demo, tmp_path / "demo-project", symlinks=True)
    recipe = (project / "curator.yaml").read_text("utf-8")
    (recipe_before, _, _) = recipe.partition("exports:")
    (told,) = blocks(TARGETS[0], "yaml")
    (project / "curator.yaml").write_text(recipe_before + told, "utf-8")
    lines = [line for block in blocks(TARGETS[0], "sh") for line in block.splitlines()]
    assert lines[1:] == ["curator export rag -p demo-project"] * 2
    for line in lines[1:]:
        done = run_line(line, tmp_path)
    assert re.search(r"lancedb exports/tables/lancedb \(sample\)\s+0\s+0\s+0\s+\d", done.stdout)
    # What is too heavy to be installed for the tests is left out where it is not.
    heavy = {name for name in ("chromadb", "llama_index") if not importlib.util.find_spec(name)}
    heavy.add("chromadb")  # it is no target of the page's recipe
    code = [
        block
        for block in blocks(TARGETS[0], "python")
        if not any(re.search(rf"^(import|from) {name}", block, re.MULTILINE) for name in heavy)
    ]
    assert len(code) >= 6
    run_python("\n".join(code), tmp_path)
