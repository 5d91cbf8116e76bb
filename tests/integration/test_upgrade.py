"""A workspace of another format: an older one is brought up, a newer one refused, none misread."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import curator as api
from curator.errors import UpgradeWarning
from curator.tables import REVIEWS, read_table
from curator.workspace import FORMAT, read_json, write_json, write_table
from tests.integration.test_resume import CHEAP, digests, project

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = project(tmp_path_factory.mktemp("whole") / "p", CHEAP)
    api.open(folder).run()
    return folder


@pytest.fixture
def copy(whole: Path, tmp_path: Path) -> Path:
    shutil.copytree(whole, tmp_path / "p", symlinks=True)
    return tmp_path / "p"


def marked(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = read_json(folder / ".curator" / "format.json")
    return found


def test_a_new_workspace_says_its_format(whole: Path) -> None:
    assert marked(whole) == {"format": FORMAT, "written_by": api.__version__}


def test_a_newer_workspace_is_refused_by_every_verb(
    copy: Path, curator: Callable[..., Any]
) -> None:
    write_json(copy / ".curator/format.json", {"format": FORMAT + 1, "written_by": "9.8.7"})
    before = {p: p.read_bytes() for p in copy.rglob("*") if p.is_file()}
    for asked in (["run", copy], ["status", "-p", copy], ["review", "status", "-p", copy]):
        said = curator(*asked, code=2).stderr.splitlines()
        assert said[0].startswith("error: "), said
        assert "written by a newer curator: 9.8.7 (format" in said[0]
        assert said[1] == "  try: install that version: pip install --upgrade curator-data"
    assert {p: p.read_bytes() for p in copy.rglob("*") if p.is_file()} == before


def test_a_workspace_without_a_mark_is_looked_through_once(
    copy: Path, curator: Callable[..., Any]
) -> None:
    (copy / ".curator/format.json").unlink()
    first = curator("status", "-p", copy)
    assert "the workspace had no mark of its format" in first.stderr
    assert "no mark" not in curator("verify", "-p", copy).stderr
    assert marked(copy)["format"] == FORMAT


@pytest.mark.parametrize("harm", [b"", b"{", b"[1]", b'{"format": 7, "checksum": "no"}'])
def test_a_damaged_mark_says_nothing(copy: Path, harm: bytes) -> None:
    (copy / ".curator/format.json").write_bytes(harm)
    with pytest.warns(UpgradeWarning):
        assert api.open(copy).status()["conserved"]
    assert marked(copy)["format"] == FORMAT


@pytest.mark.parametrize("tables", [("records", "findings"), ("decisions", "redacted")])
def test_tables_of_an_older_form_are_made_again(
    copy: Path, tables: tuple[str, ...], curator: Callable[..., Any]
) -> None:
    wanted = digests(copy)
    (copy / ".curator/format.json").unlink()
    for path in (p for table in tables for p in (copy / ".curator" / table).rglob("*.parquet")):
        older = read_table(path)
        write_table(path, older.drop_columns([older.column_names[-1]]))
    shutil.rmtree(copy / "exports")
    said = curator("run", copy).stderr
    assert "of an older form again" in said
    assert digests(copy) == wanted
    assert api.open(copy).status()["conserved"]


def test_a_manifest_of_an_older_form_is_made_again(copy: Path) -> None:
    wanted = digests(copy)
    (copy / ".curator/format.json").unlink()
    (path, *_) = sorted((copy / ".curator/ingest").glob("*.json"))
    older = read_json(path)
    for part in older["parts"]:
        del part["sha256"]
    write_json(path, older)
    shutil.rmtree(copy / "exports")
    with pytest.warns(UpgradeWarning):
        api.open(copy).run()
    assert digests(copy) == wanted


def test_reviews_of_an_older_form_get_what_they_lack(copy: Path) -> None:
    (copy / ".curator/format.json").unlink()
    row = {"record_id": "r", "question": "q", "value": "v", "status": "submitted", "at": "2026"}
    rows = pa.Table.from_pylist([row], schema=REVIEWS)
    write_table(copy / ".curator/reviews/0.parquet", rows.drop_columns(["parts"]))
    with pytest.warns(UpgradeWarning):
        opened = api.open(copy)
    assert opened.workspace.reviews().equals(rows)


def test_reviews_that_are_not_known_are_refused_and_stay(copy: Path) -> None:
    (copy / ".curator/format.json").unlink()
    path = copy / ".curator/reviews/0.parquet"
    path.parent.mkdir()
    pq.write_table(pa.table({"verdict": ["keep"]}), path)
    said = path.read_bytes()
    with pytest.raises(api.CuratorError, match="reviews of an older form"):
        api.open(copy)
    assert path.read_bytes() == said
    assert not (copy / ".curator/format.json").exists()
