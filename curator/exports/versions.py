"""Versions that lie there: found by what people call them, and read row by row."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq

from curator.errors import WorkspaceError
from curator.exports.folder import MANIFEST
from curator.workspace import read_json

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from curator.workspace import Workspace

_ROWS = 1024
LEFT_OUT = "left_out.jsonl"


@dataclass(frozen=True, slots=True)
class Exported:
    """What of a record was exported: a hash of its texts, its split, and where it was read."""

    sha: str
    split: str
    uri: str
    locator: str


@dataclass(frozen=True)
class Written:
    """A version that lies there: its folder and its manifest."""

    folder: Path
    manifest: Mapping[str, Any]

    @property
    def name(self) -> str:
        """Which export it is: instruction or rag."""
        return str(self.manifest["name"])

    @property
    def version(self) -> str:
        """Its id."""
        return str(self.manifest["version"])

    def rows(self) -> Iterator[tuple[str, str, dict[str, Any]]]:
        """Yield the record, the split and the row of all rows, in the order of the files."""
        names = self.manifest["splits"] if self.name == "instruction" else ("chunks",)
        for name in names:
            with pq.ParquetFile(self.folder / f"{name}.parquet") as file:
                for batch in file.iter_batches(_ROWS):
                    for row in batch.to_pylist():
                        yield row.get("record_id") or row["id"], name, row

    def records(self) -> dict[str, Exported]:
        """Return what was exported of each record."""
        found: dict[str, tuple[Any, str, str, str]] = {}
        for record, split, row in self.rows():
            if record not in found:
                source = row.get("source") or {
                    "uri": row.get("source_uri", ""),
                    "locator": row.get("locator", ""),
                }
                found[record] = hashlib.sha256(), split, source["uri"], source["locator"]
            found[record][0].update(text_of(row).encode("utf-8", "surrogatepass") + b"\0")
        return {record: Exported(sha.hexdigest(), *rest) for record, (sha, *rest) in found.items()}

    def texts(self, records: Collection[str]) -> dict[str, list[str]]:
        """Return the texts of some records, row by row, as they were exported."""
        found: dict[str, list[str]] = {}
        for record, _, row in self.rows() if records else ():
            if record in records:
                found.setdefault(record, []).append(text_of(row))
        return found

    def left_out(self) -> dict[str, str]:
        """Return the records that its mix and splits left out, with the reason."""
        path = self.folder / LEFT_OUT
        if not path.exists():
            return {}
        with path.open(encoding="utf-8") as lines:
            return {row["id"]: row["reason"] for row in map(json.loads, lines)}


def text_of(row: Mapping[str, Any]) -> str:
    """Return what a row says: its messages, each behind its role, or a chunk's text."""
    if "messages" in row:
        return "\n".join(f"{m['role']}: {m['content']}" for m in row["messages"])
    return str(row["text"])


def written(workspace: Workspace, asked: str) -> Written:
    """Return the version that is meant.

    Args:
        workspace: the project's workspace.
        asked: a folder, a version's id or its beginning, or one of these behind the name of
            the export (`rag/latest`, `instruction/3f2a`).

    Raises:
        WorkspaceError: there is none, or more than one.

    """
    folder = Path(asked).expanduser()
    if (folder / MANIFEST).is_file():
        return _opened(folder.resolve())
    kind, _, start = asked.rpartition("/")
    found = sorted(
        path.parent
        for path in workspace.exports.glob(f"{kind or '*'}/*/{MANIFEST}")
        if not path.parent.is_symlink() and start and path.parent.name.startswith(start)
    )
    latest = workspace.exports / kind / "latest"
    if start == "latest" and kind and (latest / MANIFEST).is_file():
        found = [latest.resolve()]
    if len(found) == 1:
        return _opened(found[0])
    there = sorted(
        f"{path.parent.parent.name}/{path.parent.name}"
        for path in workspace.exports.glob(f"*/*/{MANIFEST}")
        if not path.parent.is_symlink()
    )
    said = "stands for more than one version" if found else "no such version"
    raise WorkspaceError(
        f"{asked}: {said}", f"name one of: {', '.join(there) or 'none, export first'}"
    )


def _opened(folder: Path) -> Written:
    manifest = read_json(folder / MANIFEST)
    if manifest.get("name") not in {"instruction", "rag"}:
        raise WorkspaceError(f"{folder}: no export of curator's", "name a folder under exports/")
    return Written(folder, manifest)
