"""Many small parts as few: a folder of thousands of documents would else be as many files a check.

A batch holds the rows of parts that follow each other, and is named by their names. It
is made beside them and stands for them where all of them are active, in that order: so
nothing else needs to know of batches, and one that is missing costs time alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from curator.errors import DamagedError
from curator.tables import digest, n_rows, read_table
from curator.workspace import write_json, write_table

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from curator.workspace import Workspace

FEWEST = 64
"""A run of fewer small parts stays as it is, so that each worker has some."""

_SMALL_ROWS, _SMALL_BYTES = 64, 1 << 18
_MOST_ROWS, _MOST_BYTES = 512, 1 << 22
_CUTS = 2
"""A part of whose name the last byte is less, one in 128, ends its batch. So parts that
are put in, changed or taken out change their own batch, and hardly ever the next one."""


def batch(workspace: Workspace) -> None:
    """Make the batches of the active parts, as far as they are not there yet."""
    made: dict[str, list[str]] = {}
    for run in _runs(workspace):
        for members in _cut(run):
            name = digest([path.stem for path in members], length=24)
            path = workspace.records / f"{name}.parquet"
            if not path.exists():
                write_table(path, pa.concat_tables([read_table(p) for p in members]))
            made[name] = [member.stem for member in members]
    if made or workspace.batches():
        write_json(workspace.store / "batches.json", made)


def _runs(workspace: Workspace) -> Iterator[list[Path]]:
    """Yield the parts that follow each other and are all a small source."""
    run: list[Path] = []
    for source in workspace.sources():
        parts = source["parts"]
        paths = [workspace.records / f"{part['stem']}.parquet" for part in parts]
        if not parts:
            continue
        if (
            len(parts) == 1
            and parts[0]["records"] <= _SMALL_ROWS
            and _size(paths[0]) <= _SMALL_BYTES
        ):
            run += paths
            continue
        if len(run) >= FEWEST:
            yield run
        run = []
    if len(run) >= FEWEST:
        yield run


def _cut(run: Sequence[Path]) -> Iterator[list[Path]]:
    """Yield the batches of a run."""
    held: list[Path] = []
    rows = size = 0
    for path in run:
        held.append(path)
        rows, size = rows + n_rows(path), size + _size(path)
        if int(path.stem[-2:], 16) < _CUTS or rows >= _MOST_ROWS or size >= _MOST_BYTES:
            yield held
            held, rows, size = [], 0, 0
    if held:
        yield held


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        raise DamagedError(path, "gone") from None
