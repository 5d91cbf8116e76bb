"""New projects: a commented recipe, a copy of the rules, and the bundled sample."""

from __future__ import annotations

import os
import re
import shutil
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from curator.errors import WorkspaceError
from curator.rules import bundled
from curator.schema import Source
from curator.workspace import RECIPE, disk_error, write_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_RECIPE = """\
# What this project curates. All keys: curator rules schema recipe
version: 1
name: "{name}"
languages: [zh, en]

sources:{sources}

# Every check runs with its defaults; name one to change it, or turn it off with false.
# 各项检查默认全部运行；写出名称可改参数，写 false 可关闭。
checks: {{}}
#  near_duplicates: {{floor: 0.5}}
#  category_labels: false
#  contamination: {{against: [eval/]}}   # your evaluation files / 你的评测集

#review: {{min_submitted: 2}}   # how many people look at a doubtful record / 每条由几人审核

#training: {{base_model: ../models/NAME}}   # curator train plan / 微调：先看 curator train plan

exports:
  instruction: {{validation: 0.1}}
#  tokenizer: qwen, max_tokens: 4096, formats: [alpaca, sharegpt], turns: split   # docs/exports.md
  rag: {{chunk_length: 300, overlap_sentences: 1}}

workers: auto
"""


def scaffold(folder: Path, sources: Sequence[Path], *, rules: bool = True) -> Path:
    """Make a project with a recipe for the given sources; return the recipe's path.

    Each single file is looked at, and what was recognised is written into the recipe,
    so that it can be seen and corrected.

    Raises:
        WorkspaceError: there is a project already, or the folder cannot be written.
        SourceError: a file is missing, empty or of no known kind.

    """
    recipe = _fresh(folder)
    listed = [_entry(folder.resolve(), path.expanduser()) for path in sources]
    name = re.sub(r"[^a-z0-9_-]+", "-", folder.resolve().name.lower()).strip("-_") or "project"
    block = yaml.safe_dump(listed, allow_unicode=True, sort_keys=False, width=100) if listed else ""
    body = "\n" + "".join(f"  {line}\n" for line in block.splitlines()) if listed else " []"
    write_text(recipe, _RECIPE.format(name=name, sources=body.rstrip("\n")))
    if rules:
        _copy(bundled(), folder / "rules")
    return recipe


def sample(folder: Path) -> Path:
    """Make a project of the sample data that comes with curator; return the recipe's path.

    A sample project that lies there already is left as it is.
    """
    if not (folder / RECIPE).exists():
        _fresh(folder)
        _copy(sample_data(), folder)
    return folder / RECIPE


def sample_data() -> Path:
    """Return the folder of the sample data that comes with curator."""
    inside = Path(str(files("curator"))) / "sample_data"
    return inside if inside.is_dir() else Path(__file__).resolve().parent.parent / "sample_data"


def sample_texts() -> Iterator[str]:
    """Yield the lines of the sample's plain texts, Chinese and English."""
    found = sorted(p for name in ("docs", "raw") for p in (sample_data() / name).rglob("*"))
    for path in found:
        if path.suffix in {".csv", ".jsonl", ".log", ".md", ".tsv", ".txt"}:
            yield from path.read_text(encoding="utf-8", errors="ignore").splitlines()


def _fresh(folder: Path) -> Path:
    recipe = folder / RECIPE
    if recipe.exists():
        raise WorkspaceError(
            f"{recipe} is there already", "work on with: curator run, or choose another folder"
        )
    return recipe


def _copy(origin: Path, target: Path) -> None:
    try:
        shutil.copytree(
            origin,
            target,
            dirs_exist_ok=True,
            ignore=shutil.ignore_patterns("__pycache__", "*.py", "content", "generator"),
        )
    except OSError as error:
        raise disk_error(error, target) from None


def _entry(root: Path, path: Path) -> dict[str, object]:
    """Return the recipe's entry: a file with what it was recognised as, others by path alone."""
    from curator.sources import sniff  # noqa: PLC0415 - only where sources are named
    from curator.sources.files.archives import archive_kind  # noqa: PLC0415 - as above
    from curator.sources.files.folders import is_pattern  # noqa: PLC0415 - as above

    pattern = is_pattern(path)
    path = Path(os.path.abspath(path)) if pattern else path.resolve()  # noqa: PTH100 - keeps links
    shown = os.path.relpath(path, root) if path.is_relative_to(root) else str(path)
    source = Source(path=shown)
    if not pattern and not path.is_dir() and not archive_kind(path):
        source = sniff(path, source).source
    return source.model_dump(mode="json", exclude_defaults=True)
