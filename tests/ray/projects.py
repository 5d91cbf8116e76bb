"""A small project of several parts, and what of its workspace is the same whoever made it."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

from tests.answer_key import SAMPLE

if TYPE_CHECKING:
    from pathlib import Path

RECIPE = """\
sources: [{path: zh.jsonl}, {path: en.tsv}, {path: fever_leaflet_zh.md}]
checks:
  pii: false
  label_issues: false
  category_labels: false
  outliers: false
  language: false
  semantic_duplicates: false
workers: 2
"""
TIMES = ("seconds", "ingested_at", "at", "checksum")
"""What a manifest tells of the clock."""


def small_project(folder: Path) -> Path:
    """A project of some sixty records, a third of them English."""
    folder.mkdir(parents=True)
    for name, origin, n in (
        ("zh.jsonl", "paediatrics_zh.jsonl", 40),
        ("en.tsv", "service_en.tsv", 25),
    ):
        lines = (SAMPLE / "raw" / origin).read_bytes().splitlines(keepends=True)
        (folder / name).write_bytes(b"".join(lines[:n]))
    shutil.copy(SAMPLE / "docs" / "fever_leaflet_zh.md", folder)
    (folder / "curator.yaml").write_text(RECIPE, encoding="utf-8")
    return folder


def contents(folder: Path) -> dict[str, Any]:
    """Every file of the workspace: its bytes, or its JSON without what the clock says."""
    store = folder / ".curator"
    return {
        path.relative_to(store).as_posix(): _timeless(
            json.loads(path.read_text("utf-8").replace(str(folder), "PROJECT"))
        )
        if path.suffix == ".json"
        else path.read_bytes()
        for path in sorted(store.rglob("*"))
        if path.is_file() and not path.name.startswith(".tmp-")
    }


def _timeless(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _timeless(v) for k, v in value.items() if k not in TIMES}
    return [_timeless(v) for v in value] if isinstance(value, list) else value
