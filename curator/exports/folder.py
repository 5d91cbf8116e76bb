"""Export folders: written whole or not at all, verified when they are met again."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import tempfile
from typing import TYPE_CHECKING, Any, Self

import pyarrow as pa
import pyarrow.parquet as pq

from curator.errors import DamagedError, WorkspaceError
from curator.tables import file_sha256, read_table
from curator.workspace import disk_error, read_json

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    import datasets

MANIFEST = "manifest.json"


def line(row: Mapping[str, Any]) -> str:
    """Return a row as a line of a JSONL file."""
    return json.dumps(row, ensure_ascii=False, allow_nan=False) + "\n"


class Lines:
    """A JSONL file, written row by row."""

    def __init__(self, path: Path) -> None:
        """Open the file."""
        self.rows = 0
        self._file = path.open("w", encoding="utf-8", newline="\n")

    def __enter__(self) -> Self:
        """Write in a `with` block, so that the file is complete at its end."""
        return self

    def __exit__(self, *_: object) -> None:
        """Complete the file."""
        self._file.close()

    def add(self, *rows: Mapping[str, Any]) -> None:
        """Append rows."""
        self.add_lines(list(map(line, rows)))

    def add_lines(self, lines: Sequence[str]) -> None:
        """Append rows that are lines already."""
        self._file.writelines(lines)
        self.rows += len(lines)


class RowFiles:
    """One table written twice, row by row the same: `<stem>.jsonl` and `<stem>.parquet`."""

    def __init__(self, folder: Path, stem: str, schema: pa.Schema, *, table: bool = True) -> None:
        """Open both files; without `table`, the first alone."""
        self.names = (f"{stem}.jsonl", *([f"{stem}.parquet"] if table else []))
        self.schema = schema
        self._lines = Lines(folder / self.names[0])
        self._table = (
            pq.ParquetWriter(
                folder / self.names[1], schema, compression="zstd", compression_level=3
            )
            if table
            else None
        )

    def __enter__(self) -> Self:
        """Write in a `with` block, so that both files are complete at its end."""
        return self

    def __exit__(self, *_: object) -> None:
        """Complete both files."""
        with self._lines:
            if self._table:
                self._table.close()

    def add(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Append rows; their keys are the schema's columns, in its order."""
        if rows:
            self._lines.add(*rows)
        if rows and self._table:
            self._table.write_table(pa.Table.from_pylist(list(rows), schema=self.schema))

    def add_table(self, rows: pa.Table, lines: Sequence[str]) -> None:
        """Append rows of the schema, which are lines already."""
        if lines:
            self._lines.add_lines(lines)
        if lines and self._table:
            self._table.write_table(rows)

    @property
    def rows(self) -> int:
        """How many rows were written."""
        return self._lines.rows


@contextlib.contextmanager
def building(target: Path, *, latest: bool = True) -> Iterator[Path]:
    """Give a temporary folder beside `target`, which becomes `target` if the block ends well.

    With `latest`, the link of that name beside it then points at it.

    Raises:
        WorkspaceError: no space is left, or the place cannot be written.
    """
    temporary: Path | None = None
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = target.parent / tempfile.mkdtemp(prefix=".tmp-", dir=target.parent)
        yield temporary
        for path in files_in(temporary):
            with path.open("rb") as file:
                os.fsync(file.fileno())
        temporary.replace(target)
        if latest:
            point_latest(target)
    except OSError as error:
        raise disk_error(error, target) from None
    finally:
        if temporary is not None and temporary.exists():
            shutil.rmtree(temporary, ignore_errors=True)


def files_in(folder: Path) -> list[Path]:
    """Return all files of an export, in folders of its own too, in order."""
    return sorted(path for path in folder.rglob("*") if path.is_file())


def point_latest(target: Path) -> None:
    """Let the link `latest` beside `target` point at it."""
    latest = target.parent / "latest"
    if latest.is_symlink() and latest.readlink().name == target.name:
        return
    link = target.parent / ".tmp-latest"
    link.unlink(missing_ok=True)
    link.symlink_to(target.name, target_is_directory=True)
    link.replace(latest)


def write_manifest(folder: Path, manifest: Mapping[str, Any], rows: Mapping[str, int]) -> None:
    """Write the manifest, with bytes and sha256 of every other file in the folder.

    Args:
        folder: the export, complete but for its manifest.
        manifest: what it says beside the files.
        rows: how many rows each data file has, by its path in the folder.
    """
    files = [
        {
            "path": (name := path.relative_to(folder).as_posix()),
            "bytes": path.stat().st_size,
            "sha256": file_sha256(path),
            "rows": rows.get(name),
        }
        for path in files_in(folder)
    ]
    text = json.dumps({**manifest, "files": files}, ensure_ascii=False, indent=2, sort_keys=True)
    (folder / MANIFEST).write_text(text + "\n", encoding="utf-8")


def verify(folder: Path) -> dict[str, Any]:
    """Return an export's manifest, after making sure that its files are as they were written.

    Raises:
        WorkspaceError: a file is missing or was changed.
    """
    try:
        manifest: dict[str, Any] = read_json(folder / MANIFEST)
    except DamagedError as error:
        raise _changed(error.path) from None
    for file in manifest["files"]:
        path = folder / file["path"]
        if not path.is_file() or file_sha256(path) != file["sha256"]:
            raise _changed(path)
    return manifest


def _changed(path: Path) -> WorkspaceError:
    return WorkspaceError(
        f"{path}: not as it was exported", "move that folder away and export again: it is made anew"
    )


def dataset(path: Path) -> datasets.Dataset:
    """Return a Parquet file's rows as a dataset, in memory, without network or cache."""
    from datasets import Dataset  # noqa: PLC0415 - heavy, and only loading needs it
    from datasets.table import InMemoryTable  # noqa: PLC0415 - see above

    return Dataset(InMemoryTable(read_table(path)))


def rows_in(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the rows of a JSONL file."""
    with path.open(encoding="utf-8") as lines:
        yield from map(json.loads, lines)


def save_datasets(folder: Path, files: Mapping[str, Path], schema: pa.Schema) -> None:
    """Write JSONL files, by split, as a folder that `datasets.load_from_disk` opens.

    Nothing is written where there is no file. Same files, same bytes.
    """
    if not files:
        return
    import datasets  # noqa: PLC0415 - heavy, and few exports ask for it
    from datasets.table import InMemoryTable  # noqa: PLC0415 - see above

    held = {}
    for split, path in files.items():
        table = InMemoryTable(pa.Table.from_pylist(list(rows_in(path)), schema=schema))
        held[split] = datasets.Dataset(table, fingerprint=file_sha256(path)[:16])
    shown = datasets.is_progress_bar_enabled()
    datasets.disable_progress_bars()
    try:
        datasets.DatasetDict(held).save_to_disk(str(folder))
    finally:
        if shown:
            datasets.enable_progress_bars()
