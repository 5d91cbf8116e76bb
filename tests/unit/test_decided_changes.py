"""What a decision changes is told, and read of the changed records alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from curator.decide import Change, _changes
from curator.tables import DECISIONS
from curator.workspace import Workspace, write_table

if TYPE_CHECKING:
    from pathlib import Path


def row(record: str, **more: object) -> dict[str, object]:
    usual = {"action": "keep", "instruction": True, "rag": True, "edits": [], "otherwise": []}
    return {"record_id": record, **usual, "rule_ids": ["r"], "finding_ids": [], **more}


def test_new_changed_and_gone(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    workspace.store.mkdir()
    before = [
        row("a"),
        row("b"),
        row("c", edits=["1"]),
        row("d"),
        row("e", otherwise=[{"finding_id": "1", "route": "rag", "how": "leave"}]),
        row("f", survivor_id=None, rule_ids=["other"]),
    ]
    after = [
        row("a"),
        row("b", action="drop", survivor_id="a"),
        row("c", edits=["1", "2"]),
        row("e"),
        row("f"),
        row("g"),
    ]
    older = pa.Table.from_pylist(before, schema=DECISIONS)
    write_table(workspace.decisions / "x" / "decisions.parquet", older)
    found = _changes(workspace, {"id": "x"}, pa.Table.from_pylist(after, schema=DECISIONS))
    assert found == (
        Change("b", "keep (instruction, rag)", "drop", ("r",)),
        Change("c", "keep (instruction, rag, 1 edits)", "keep (instruction, rag, 2 edits)", ("r",)),
        Change("e", "keep (instruction, rag)", "keep (instruction, rag)", ("r",)),
        Change("g", "new", "keep", ("r",)),
        Change("d", "keep", "gone", ()),
    )
