"""Whether the files of a workspace are as they were written, and the way out where one is not."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

from curator.errors import DamagedError, WorkspaceError
from curator.tables import read_table
from curator.workspace import read_json, write_json

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from curator.workspace import Workspace

_MADE_AGAIN = ("cache", "redacted", "tables", "tmp")
"""What follows from other files alone, each file by itself."""
_READ_AGAIN = ("records", "quarantine", "set_aside", "ingest")
"""What comes from the sources."""
_LISTS = ("format.json", "sources.json", "batches.json", "tables.json")


@dataclass(frozen=True, slots=True)
class Damaged:
    """A file that is not as it was written, why, and whether a run makes it again."""

    path: str
    reason: str
    is_made_again: bool


def damaged(workspace: Workspace, error: DamagedError) -> Damaged:
    """Return what an error says of a file of the workspace."""
    place = error.path.relative_to(workspace.store).as_posix()
    return Damaged(place, error.reason, _is_made_again(workspace, error.path))


def damage(workspace: Workspace) -> Iterator[DamagedError]:
    """Yield an error for each file of the workspace that is not as it was written."""
    files = (path for path in workspace.store.rglob("*") if path.is_file())
    for path in sorted(files):
        # The review server's files are its own.
        if workspace.store / "review" in path.parents:
            continue
        try:
            if path.suffix == ".parquet":
                read_table(path)
            elif path.suffix == ".json":
                read_json(path)
        except DamagedError as error:
            yield error


def discard(workspace: Workspace, error: DamagedError) -> str:
    """Take out a damaged file and what calls it whole, so that the next run makes it again.

    Returns:
        The file, from the workspace's own folder.

    Raises:
        WorkspaceError: it follows from nothing else (a review, the vault), or is not the
            workspace's.

    """
    path, store = error.path, workspace.store
    if not _is_made_again(workspace, path):
        raise WorkspaceError(
            error.message,
            "it follows from nothing else: put it back from a backup, or take it out and do"
            " that work again",
        )
    place = path.relative_to(store)
    kind = place.parts[0]
    path.unlink(missing_ok=True)
    if kind == "findings":
        (path.parent / "run.json").unlink(missing_ok=True)
    elif kind == "decisions":
        shutil.rmtree(path.parent if len(place.parts) > 2 else path, ignore_errors=True)
        (workspace.decisions / "current.json").unlink(missing_ok=True)
    elif kind in _READ_AGAIN:
        _forget(workspace, path.stem)
    return place.as_posix()


def _is_made_again(workspace: Workspace, path: Path) -> bool:
    if not path.is_relative_to(workspace.store):
        return False
    kind = path.relative_to(workspace.store).parts[0]
    return kind in (*_MADE_AGAIN, *_READ_AGAIN, *_LISTS, "findings", "decisions")


def _forget(workspace: Workspace, stem: str) -> None:
    """Forget the sources to which a part belongs, so that they are read anew."""
    store = workspace.store
    (store / "batches.json").unlink(missing_ok=True)
    listed = store / "sources.json"
    ids = read_json(listed) if listed.exists() else []
    kept = []
    for source in ids:
        manifest = store / "ingest" / f"{source}.json"
        try:
            parts = {part["stem"] for part in read_json(manifest)["parts"]}
        except DamagedError:
            parts = {stem}
        if source == stem or stem in parts:
            manifest.unlink(missing_ok=True)
        else:
            kept.append(source)
    if kept != ids:
        write_json(listed, kept)
