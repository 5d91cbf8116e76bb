"""The main job on real files: a GB18030 table that is cut off, and JSON lines, gzipped."""

from __future__ import annotations

import csv
import gzip
import io
import json
from typing import TYPE_CHECKING, Any

import pytest

import curator as api

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def rows_of(path: Path) -> int:
    """Count the file's rows with nothing but the standard library."""
    if path.suffix == ".csv":
        text = path.read_bytes().decode("gb18030", errors="replace")
        return sum(1 for _ in csv.reader(io.StringIO(text, newline="")))
    with gzip.open(path, "rb") as file:
        return sum(1 for _ in file)


@pytest.mark.parametrize(
    "name",
    ["raw/toyhom_neike_gb18030_first2000lines.csv", "medical/toyhom_neike_sample_raw.jsonl.gz"],
    ids=["csv", "jsonl.gz"],
)
def test_main_job(curator: Callable[..., Any], real_data: Path, tmp_path: Path, name: str) -> None:
    source = real_data / name
    folder = tmp_path / "p"
    curator("init", folder, "--from", source.resolve())
    told = json.loads(curator("run", folder, "--json").stdout)
    assert set(told["outputs"]) == {"instruction", "rag", "report"}
    assert {"ingest", "pii", "near_duplicates", "label_issues", "decide"} <= set(told["seconds"])

    status = json.loads(curator("status", "-p", folder, "--json").stdout)
    assert status["conserved"]
    assert status["units"]["read"] == rows_of(source)
    assert sum(status["decisions"].values()) == status["records"]

    project = api.open(folder)
    codes = set(project.findings()["code"].to_pylist())
    assert codes & {"DUP001", "DUP002"}
    decisions = project.decisions().to_pylist()
    dropped = next(d for d in decisions if d["survivor_id"])
    edited = next(d for d in decisions if d["action"] == "keep" and d["edits"])
    kept = next(d for d in decisions if d["decided_by"] == "default")
    for decision in (dropped, edited, kept):
        story = json.loads(curator("why", decision["record_id"], "-p", folder, "--json").stdout)
        assert story["source"]["locator"].startswith("line ")
        assert bool(story["exports"]) == (decision["action"] == "keep")
    rows = sum(
        n
        for e in status["exports"]
        if e["name"] == "instruction"
        for f, n in e["rows"].items()
        if f in {"train.jsonl", "validation.jsonl"}
    )
    assert rows == status["routes"]["instruction"]
