"""Qdrant, on a server or in a folder; a chunk's columns are the point's payload."""

from __future__ import annotations

import contextlib
import sqlite3
import uuid
import warnings
from typing import TYPE_CHECKING, Any, Self

from curator.checks.embeddings import vectors_of
from curator.exports.targets.protocol import HASH, Facts, answering, plain_rows

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pyarrow as pa

    from curator.exports.targets.protocol import Place

_NOTES = "curator"
_PAGE = 1000


class Qdrant:
    """See `curator.exports.targets.protocol.Target`."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self._client: Any = None

    def __enter__(self) -> Self:
        self._open()
        return self

    def _open(self) -> None:
        from qdrant_client import QdrantClient  # noqa: PLC0415 - an extra, and heavy

        with self._answering(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a folder is slow beyond 20,000 points: the docs say
            if self.place.url:
                self._client = QdrantClient(
                    url=self.place.url, api_key=self.place.key, check_compatibility=False
                )
            else:
                self._client = QdrantClient(path=str(self.place.path))

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def exists(self) -> bool:
        with self._answering():
            return bool(self._client.collection_exists(self.place.table))

    def facts(self) -> Facts | None:
        with self._answering():
            notes = self._client.get_collection(self.place.table).config.metadata or {}
        return Facts.from_json(notes.get(_NOTES))

    def create(self, facts: Facts, schema: pa.Schema) -> None:  # noqa: ARG002 - a payload is free
        from qdrant_client import models  # noqa: PLC0415 - see above

        with self._answering():
            self._client.create_collection(
                self.place.table,
                vectors_config=models.VectorParams(
                    size=facts.dimension, distance=models.Distance.COSINE
                ),
                metadata={_NOTES: facts.to_json()},
            )

    def drop(self) -> None:
        with self._answering():
            self._client.delete_collection(self.place.table)

    def ids_and_hashes(self) -> Iterator[tuple[str, str]]:
        after = None
        while True:
            with self._answering():
                points, after = self._client.scroll(
                    self.place.table, limit=_PAGE, offset=after, with_payload=["id", HASH]
                )
            for point in points:
                payload = point.payload or {}
                yield str(payload.get("id", "")), str(payload.get(HASH, ""))
            if after is None:
                return

    def upsert(self, rows: pa.Table) -> None:
        from qdrant_client import models  # noqa: PLC0415 - see above

        with self._answering():
            self._client.upsert(
                self.place.table,
                models.Batch(
                    ids=[_point(i) for i in rows["id"].to_pylist()],
                    vectors=vectors_of(rows).tolist(),
                    payloads=plain_rows(rows),
                ),
                wait=True,
            )

    def delete(self, ids: Sequence[str]) -> None:
        from qdrant_client import models  # noqa: PLC0415 - see above

        with self._answering():
            self._client.delete(
                self.place.table,
                models.PointIdsList(points=[_point(i) for i in ids]),
                wait=True,
            )

    def tidy(self) -> None:
        """Leave it to Qdrant, which optimises by itself."""

    def purge(self) -> None:
        if self.place.path is None:
            return  # a server vacuums its segments by itself, by its own settings
        self._client.close()
        with self._answering():
            for path in self.place.path.glob("collection/*/storage.sqlite"):
                with contextlib.closing(sqlite3.connect(path)) as con:
                    con.execute("VACUUM")
        self._open()

    def _answering(self) -> Any:
        from qdrant_client.http import exceptions  # noqa: PLC0415 - see above

        return answering(
            self.place, exceptions.ApiException, OSError, RuntimeError, ValueError, sqlite3.Error
        )


def _point(chunk: str) -> str:
    """Return a chunk's id in the form that Qdrant asks for."""
    return str(uuid.uuid5(uuid.NAMESPACE_OID, chunk))
