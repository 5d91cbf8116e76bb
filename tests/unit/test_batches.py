"""Batches: many small parts are few, in the same order, and a change stays where it is made."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import curator as api
from curator.erase import Wanted, erase
from curator.schema import Source

if TYPE_CHECKING:
    from pathlib import Path

    from curator.project import Project

COUNT = 140


@pytest.fixture
def project(tmp_path: Path) -> Project:
    folder = tmp_path / "docs"
    folder.mkdir()
    for i in range(COUNT):
        text = f"# 第 {i} 条\n\nNote {i} about returns and 退货。\n"
        (folder / f"{i:04}.md").write_text(text, encoding="utf-8")
    (tmp_path / "curator.yaml").write_text("sources: [{path: docs}]\n", encoding="utf-8")
    return api.open(tmp_path)


def stems(project: Project) -> list[str]:
    return [path.stem for path in project.workspace.record_parts()]


def rows(project: Project) -> list[str]:
    tables = [pq.read_table(path) for path in project.workspace.record_parts()]
    return [record["source_uri"] for record in pa.concat_tables(tables).to_pylist()]


def test_small_parts_become_few_and_keep_their_order(project: Project) -> None:
    manifests = project.ingest()
    assert len(manifests) == COUNT
    assert len(stems(project)) < COUNT / 10
    assert rows(project) == [f"docs/{i:04}.md" for i in range(COUNT)]
    before = stems(project)
    assert sum(m["changes"]["added"] for m in project.ingest()) == 0
    assert stems(project) == before


def test_a_change_stays_in_its_batch(project: Project) -> None:
    project.ingest()
    before = stems(project)
    docs = project.workspace.root / "docs"
    (docs / "0070.md").write_text("# 改了\n\nChanged.\n", encoding="utf-8")
    changes = [m["changes"] for m in project.ingest()]
    assert [sum(c[key] for c in changes) for key in ("added", "unchanged", "retired")] == [
        1,
        COUNT - 1,
        1,
    ]
    assert len(set(stems(project)) - set(before)) <= 2
    assert rows(project) == [f"docs/{i:04}.md" for i in range(COUNT)]
    (docs / "0070.md").write_text(
        "# 第 70 条\n\nNote 70 about returns and 退货。\n", encoding="utf-8"
    )
    project.ingest()
    assert stems(project) == before


def test_the_same_files_make_the_same_batches_whatever_came_before(
    project: Project, tmp_path: Path
) -> None:
    docs = project.workspace.root / "docs"
    held = {path: path.read_bytes() for path in list(docs.iterdir())[::9]}
    for path in held:
        path.unlink()
    project.ingest()
    for path, content in held.items():
        path.write_bytes(content)
    project.ingest()
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "curator.yaml").write_text(
        "sources: [{path: ../docs}]\n", encoding="utf-8"
    )
    fresh = api.open(tmp_path / "other")
    fresh.ingest()
    assert stems(fresh) == stems(project)


def test_batches_that_are_lost_or_out_of_date_are_done_without(project: Project) -> None:
    project.ingest()
    batches = project.workspace.store / "batches.json"
    batches.unlink()
    assert len(stems(project)) == COUNT
    assert rows(project) == [f"docs/{i:04}.md" for i in range(COUNT)]
    batches.write_text('{"no-such": ["a", "b"]}', encoding="utf-8")
    assert len(stems(project)) == COUNT


def test_few_parts_stay_as_they_are(project: Project) -> None:
    docs = project.workspace.root / "docs"
    for i in range(20, COUNT):
        (docs / f"{i:04}.md").unlink()
    project.ingest([Source(path=str(docs))])
    assert len(stems(project)) == 20
    assert not (project.workspace.store / "batches.json").exists()


def test_what_is_erased_is_in_no_batch(project: Project) -> None:
    project.ingest()
    found = erase(project.workspace, project.recipe, Wanted(source="docs/0007.md"))
    assert len(found.records) == 1
    for path in project.workspace.records.glob("*.parquet"):
        assert "docs/0007.md" not in pq.read_table(path)["source_uri"].to_pylist()
    project.ingest()
    assert len(rows(project)) == COUNT - 1
    status = project.workspace.sources()
    assert sum(m["units_in_records"] for m in status) == COUNT - 1
    assert sum(m["units_set_aside"] for m in status) == 1
