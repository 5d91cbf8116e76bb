"""The chunks of records as they were cut for the last export: what stayed is not cut again.

.curator/cache/chunks/<settings>.parquet   the rows of `chunks.parquet`, a row group a part, with
  made_of: a hash of the record as it is exported   line: the row as `chunks.jsonl` says it

A record is known by all that it says and where, private details hidden, so that it is cut anew
whenever a chunk of it would be another one. Like all of the cache it is the owner's alone, and
gone after an erasure.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import fields
from itertools import accumulate, groupby
from operator import attrgetter
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from curator.exports.folder import line
from curator.seal import SEAL
from curator.tables import digest, group_rows, read_group, read_table
from curator.types import Part, Provenance, Record
from curator.workspace import writing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    Cut = Callable[[Record], Sequence[Mapping[str, Any]]]

MADE_OF, LINE = "made_of", "line"
_PART, _SOURCE, _REST = (
    attrgetter(*(f.name for f in fields(cls) if f.name not in {"parts", "provenance"}))
    for cls in (Part, Provenance, Record)
)


@contextmanager
def cutting(folder: Path, settings: str, schema: pa.Schema, cut: Cut) -> Iterator[Cutter]:
    """Give what cuts records; what it has cut is kept if the block ends well, and nothing else.

    Args:
        folder: where it is kept.
        settings: a hash of all that decides on the chunks beside the record.
        schema: of the rows.
        cut: returns a record's rows.

    """
    path = folder / f"{settings}.parquet"
    kept = schema.append(pa.field(MADE_OF, pa.binary(16))).append(pa.field(LINE, pa.string()))
    with (
        writing(path) as temporary,
        pq.ParquetWriter(
            temporary,
            kept.with_metadata(SEAL),
            compression="zstd",
            compression_level=1,
            write_page_checksum=True,
        ) as writer,
    ):
        yield Cutter(path, kept, cut, writer)
    for other in folder.glob("*.parquet"):
        if other != path:
            other.unlink()


class Cutter:
    """Cuts the records that are new, and has the rows of the others."""

    def __init__(self, path: Path, schema: pa.Schema, cut: Cut, writer: pq.ParquetWriter) -> None:
        """Read which records are known; see `cutting`."""
        self._path, self._schema, self._cut, self._writer = path, schema, cut, writer
        self._known = dict(_known(path)) if path.exists() else {}
        self._groups: dict[int, pa.Table] = {}

    def rows(self, records: Sequence[Record]) -> tuple[pa.Table, list[int]]:
        """Return the rows of some records with their lines, in order; and how many each has."""
        made: list[dict[str, Any]] = []
        places: list[tuple[int | None, int, int]] = []
        for record in records:
            key = bytes.fromhex(digest(_said(record), length=32))
            place: tuple[int | None, int, int] | None = self._known.get(key)
            if place is None:
                rows = self._cut(record)
                place = None, len(made), len(rows)
                made += [{**row, MADE_OF: key, LINE: line(row)} for row in rows]
            places.append(place)
        used = sorted({group for group, *_ in places if group is not None})
        self._groups = {
            g: self._groups[g] if g in self._groups else read_group(self._path, g) for g in used
        }
        tables = [*self._groups.values(), pa.Table.from_pylist(made, schema=self._schema)]
        begins = dict(zip([*used, None], accumulate(map(len, tables), initial=0), strict=False))
        order = [begins[group] + at for group, start, n in places for at in range(start, start + n)]
        found = pa.concat_tables(tables).take(pa.array(order, pa.int64())).combine_chunks()
        if len(found):
            self._writer.write_table(found, row_group_size=len(found))
        return found, [n for *_, n in places]


def _said(record: Record) -> list[Any]:
    """Return all that a record says; `dataclasses.asdict` takes ten times as long."""
    return [_REST(record), _SOURCE(record.provenance), list(map(_PART, record.parts))]


def _known(path: Path) -> Iterator[tuple[bytes, tuple[int, int, int]]]:
    """Yield for each record its hash, and where its rows lie: row group, first row, how many."""
    made_of = read_table(path, columns=[MADE_OF])[MADE_OF].to_pylist()
    begin = 0
    for group, n in enumerate(group_rows(path)):
        at = 0
        for key, rows in groupby(made_of[begin : begin + n]):
            count = sum(1 for _ in rows)
            yield key, (group, at, count)
            at += count
        begin += n
