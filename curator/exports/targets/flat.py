"""FAISS: an exact index in a file, and beside it a Parquet file of the chunks in its order.

index.faiss   inner products of vectors of length 1: cosines
rows.parquet  row n is what vector n stands for
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from curator.checks.embeddings import vectors_of
from curator.errors import DamagedError
from curator.exports.targets.protocol import HASH, VECTOR, Facts
from curator.tables import file_sha256, read_table
from curator.workspace import writing

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from curator.exports.targets.protocol import Place

_NOTES, _INDEX_SHA = b"curator", b"index_sha256"


class Faiss:
    """See `curator.exports.targets.protocol.Target`. It is held in memory and written whole."""

    def __init__(self, place: Place) -> None:
        assert place.path is not None
        self.place = place
        folder = place.path / place.table
        self._index, self._rows = folder / "index.faiss", folder / "rows.parquet"
        self._held: pa.Table | None = None
        self._facts: Facts | None = None
        self._changed = False

    def __enter__(self) -> Self:
        import faiss  # noqa: PLC0415 - an extra

        with contextlib.suppress(DamagedError, OSError, RuntimeError, pa.ArrowException):
            self._read(faiss)
        return self

    def _read(self, faiss: Any) -> None:
        """Read both files; an index beside other rows is what a killed sync left, and is none."""
        notes = pq.read_schema(self._rows).metadata or {}
        if notes.get(_INDEX_SHA) == file_sha256(self._index).encode():
            index = faiss.read_index(str(self._index))
            vectors = index.reconstruct_n(0, index.ntotal)
            column = _vectors(vectors.reshape(-1, index.d))
            self._held = read_table(self._rows).append_column(VECTOR, column)
            self._facts = Facts.from_json(notes.get(_NOTES))

    def __exit__(self, kind: object, *_: object) -> None:
        if self._changed and kind is None:
            self._write()

    def exists(self) -> bool:
        return self._held is not None

    def facts(self) -> Facts | None:
        return self._facts

    def create(self, facts: Facts, schema: pa.Schema) -> None:
        self._facts, self._held, self._changed = facts, schema.empty_table(), True

    def drop(self) -> None:
        self._held, self._facts = None, None
        for path in (self._rows, self._index):
            path.unlink(missing_ok=True)

    def ids_and_hashes(self) -> Iterator[tuple[str, str]]:
        rows = self._table()
        yield from zip(rows["id"].to_pylist(), rows[HASH].to_pylist(), strict=True)

    def upsert(self, rows: pa.Table) -> None:
        self.delete(rows["id"].to_pylist())
        self._held = pa.concat_tables([self._table(), rows.cast(self._table().schema)])

    def delete(self, ids: Sequence[str]) -> None:
        gone = pc.is_in(self._table()["id"], value_set=pa.array(ids, pa.string()))
        self._held, self._changed = self._table().filter(pc.invert(gone)), True

    def tidy(self) -> None:
        """Nothing: it is written whole at the end."""

    def purge(self) -> None:
        """Nothing: what is written whole holds nothing else."""

    def _table(self) -> pa.Table:
        assert self._held is not None
        return self._held

    def _write(self) -> None:
        import faiss  # noqa: PLC0415 - an extra

        assert self._facts is not None
        rows = self._table().sort_by("id").combine_chunks()
        index: Any = faiss.IndexFlatIP(self._facts.dimension)
        if len(rows):
            index.add(np.ascontiguousarray(vectors_of(rows)))
        with writing(self._index) as temporary:
            faiss.write_index(index, str(temporary))
        notes = {_NOTES: self._facts.to_json(), _INDEX_SHA: file_sha256(self._index)}
        with writing(self._rows) as temporary:
            plain = rows.drop_columns([VECTOR]).replace_schema_metadata(notes)
            pq.write_table(plain, temporary, compression="zstd")


def _vectors(values: np.ndarray) -> pa.Array:
    flat = pa.array(values.ravel(), pa.float32())
    return pa.FixedSizeListArray.from_arrays(flat, values.shape[1])
