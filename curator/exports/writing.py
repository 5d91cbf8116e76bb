"""Writing rows as the files of an export: `messages`, and each further format in each form.

train.jsonl  train.parquet          messages
train.alpaca.jsonl                  a further format; nothing where it has no row
train.alpaca.parquet                if the recipe asks for Parquet
datasets/alpaca/                    if it asks for `datasets` folders: all splits in one
"""

from __future__ import annotations

from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

import pyarrow.compute as pc

from curator.exports.folder import RowFiles, save_datasets
from curator.exports.formats import (
    FORMATS,
    LAST_ALONE,
    OF_CORRECTIONS,
    TWINS,
    NoPlaceError,
    format_schema,
)
from curator.exports.rows import row_schema, without_nulls
from curator.tables import read_table

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence
    from pathlib import Path

    import pyarrow as pa

    from curator.schema import InstructionExport

    Row = dict[str, Any]

Key = tuple[str, int | None]
"""A row: its record's id, and which piece it is."""


@dataclass
class Written:
    """What was written.

    rows: of each file, by its path in the folder.
    formats: the JSONL file of each format and split: format → split → file, `messages` first.
    left_out: for each further format, how many rows or answers it has no place for, by reason.
    """

    rows: dict[str, int] = field(default_factory=dict)
    formats: dict[str, dict[str, str]] = field(default_factory=lambda: {"messages": {}})
    left_out: dict[str, Counter[str]] = field(default_factory=dict)

    def note(self, name: str, split: str, files: RowFiles) -> None:
        """Note a format's files of a split."""
        self.rows |= dict.fromkeys(files.names, files.rows)
        self.formats.setdefault(name, {})[split] = files.names[0]


def key_of(row: Mapping[str, Any]) -> Key:
    """Return which row it is."""
    return row["id"], row.get("piece")


def write_rows(
    folder: Path,
    staged: Sequence[Path],
    splits: Mapping[str, pa.Array],
    how: InstructionExport,
    pairs: Sequence[Mapping[str, Any]],
    without: Collection[Key] = (),
) -> Written:
    """Write the staged rows to the files of their splits.

    Args:
        folder: the export.
        staged: tables of rows, in order.
        splits: the record ids of each split.
        how: which formats, and what they are written as.
        pairs: the corrections, each with the id of its record.
        without: rows to leave out.

    """
    written = Written(left_out={name: Counter() for name in how.formats})
    for split, ids in splits.items():
        held = set(ids.to_pylist())
        with (
            RowFiles(folder, split, row_schema(how)) as messages,
            _Further(folder, split, how) as further,
        ):
            for rows in _rows(staged, ids, without):
                messages.add(rows)
                for name in how.formats:
                    further.add(name, _formatted(name, rows, written.left_out[name]))
            for corrected, made in OF_CORRECTIONS.items():
                if corrected not in FORMATS or corrected in how.formats:
                    further.add(corrected, [made(pair) for pair in pairs if pair["id"] in held])
        written.note("messages", split, messages)
        for kind, files in further.files.items():
            written.note(kind, split, files)
    if "datasets" in how.files:
        for kind, by_split in written.formats.items():
            schema = row_schema(how) if kind == "messages" else format_schema(kind, how)
            paths = {split: folder / file for split, file in by_split.items() if written.rows[file]}
            save_datasets(folder / "datasets" / kind, paths, schema)
    return written


class _Further:
    """The files of the further formats of a split; a format without rows has none."""

    def __init__(self, folder: Path, split: str, how: InstructionExport) -> None:
        self.files: dict[str, RowFiles] = {}
        self._folder, self._split, self._how = folder, split, how
        self._open = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def add(self, name: str, rows: Sequence[Row]) -> None:
        """Append rows of a format, and the same to LLaMA-Factory's twin of it."""
        if not rows:
            return
        if name not in self.files:
            schema = format_schema(name, self._how)
            stem, table = f"{self._split}.{name}", "parquet" in self._how.files
            files = RowFiles(self._folder, stem, schema, table=table)
            self.files[name] = self._open.enter_context(files)
        self.files[name].add(rows)
        if name in TWINS and "llamafactory" in self._how.trainers:
            twin, made = TWINS[name]
            self.add(twin, [made(row) for row in rows])


def _rows(staged: Sequence[Path], ids: pa.Array, without: Collection[Key]) -> Iterator[list[Row]]:
    """Yield the rows of the ids, table by table."""
    for path in staged:
        table = read_table(path)
        rows = map(without_nulls, table.filter(pc.is_in(table["id"], value_set=ids)).to_pylist())
        yield [row for row in rows if key_of(row) not in without]


def _formatted(name: str, rows: Sequence[Row], left_out: Counter[str]) -> list[Row]:
    """Return the rows in a further format; count what it has no place for."""
    found = []
    for row in rows:
        try:
            found.append(FORMATS[name](row))
        except NoPlaceError as reason:
            left_out[str(reason)] += 1
    if name in LAST_ALONE and (context := sum(map(_context, rows))):
        left_out[f"answers that are context alone ({name} learns the last one)"] += context
    return found


def _context(row: Row) -> int:
    """Return how many answers before the last one nobody has called context yet."""
    answers = [m for m in row["messages"] if m["role"] == "assistant"]
    return sum(answer.get("weight") != 0 for answer in answers[:-1])
