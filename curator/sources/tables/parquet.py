"""Parquet: rows in batches, whatever the size of the file."""

from __future__ import annotations

import itertools
import json
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from curator.errors import SourceError
from curator.sources.conversations import UnreadableError
from curator.sources.formats import PROVEN, Format, Table
from curator.sources.tables.columns import SAMPLE_ROWS
from curator.types import Quarantined, SetAside

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from curator.schema import Source
    from curator.sources.formats import Item, Reading, Start

_BATCH = 1024


def header(path: Path, _encoding: str, _source: Source) -> list[str]:
    """Return the names of the columns."""
    with _file(path) as file:
        return list(file.schema_arrow.names)


def sample(path: Path, _encoding: str, _source: Source) -> Iterator[dict[str, Any]]:
    """Yield the first rows."""
    found = itertools.islice(_rows(path), SAMPLE_ROWS)
    yield from (row for row in found if row is not None)


def read_rows(reading: Reading) -> Iterator[Item]:
    """Yield what each row of a Parquet file is; rows are counted from 0."""
    for number, row in enumerate(reading.tally.count(_rows(reading.path))):
        locator = f"row {number}"
        if row is None:
            yield Quarantined(locator, "bytes that are not utf-8", b"")
        elif all(value is None or value == "" for value in row.values()):
            yield SetAside(locator, "blank row")
        else:
            try:
                yield reading.shape.row(row, locator)
            except UnreadableError as reason:
                yield Quarantined(locator, str(reason), as_json(row))


def as_json(row: dict[str, Any]) -> bytes:
    """Return a row as the bytes that quarantine keeps of it."""
    return json.dumps(row, ensure_ascii=False, default=str).encode("utf-8", "surrogatepass")


def _file(path: Path) -> pq.ParquetFile:
    try:
        return pq.ParquetFile(path)
    except (pa.ArrowException, OSError) as error:
        raise _damaged(path) from error


def _damaged(path: Path) -> SourceError:
    return SourceError(f"{path}: not a whole Parquet file", "write it again from where it came")


def _rows(path: Path) -> Iterator[dict[str, Any] | None]:
    """Yield each row; None for one whose text is not UTF-8."""
    with _file(path) as file:
        batches = file.iter_batches(_BATCH)
        while True:
            try:
                batch = next(batches, None)
            except (pa.ArrowException, OSError) as error:
                raise _damaged(path) from error
            if batch is None:
                return
            try:
                yield from batch.to_pylist()
            except UnicodeDecodeError:
                yield from _one_by_one(batch)


def _one_by_one(batch: pa.RecordBatch) -> Iterator[dict[str, Any] | None]:
    for i in range(batch.num_rows):
        try:
            yield batch.slice(i, 1).to_pylist()[0]
        except UnicodeDecodeError:
            yield None


def _recognise(start: Start) -> float:
    return PROVEN * start.data.startswith(b"PAR1")


FORMATS = (
    Format(
        "parquet",
        "table",
        "Parquet: columns, in batches",
        "Parquet：列式表格",
        _recognise,
        read_rows,
        Table(header, sample),
        binary=True,
    ),
)
