"""Chroma, on a server or in a folder; a chunk's text is the document, the rest its metadata."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlsplit

from curator.checks.embeddings import vectors_of
from curator.exports.targets.protocol import HASH, Facts, answering, plain_rows

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import pyarrow as pa

    from curator.exports.targets.protocol import Place

_NOTES = "curator"
_PAGE = 1000
_PORTS = {"http": 8000, "https": 443}


class Chroma:
    """See `curator.exports.targets.protocol.Target`."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self._client: Any = None

    def __enter__(self) -> Self:
        self._open()
        return self

    def _open(self) -> None:
        os.environ["ANONYMIZED_TELEMETRY"] = "False"
        import chromadb  # noqa: PLC0415 - an extra, and heavy

        quiet = chromadb.Settings(anonymized_telemetry=False)
        with self._answering():
            if self.place.url:
                at = urlsplit(self.place.url)
                key = self.place.key
                self._client = chromadb.HttpClient(
                    host=at.hostname or "localhost",
                    port=at.port or _PORTS.get(at.scheme, 8000),
                    ssl=at.scheme == "https",
                    headers={"Authorization": f"Bearer {key}"} if key else None,
                    settings=quiet,
                )
            else:
                self._client = chromadb.PersistentClient(str(self.place.path), settings=quiet)

    def __exit__(self, *_: object) -> None:
        self._close()

    def _close(self) -> None:
        close = getattr(self._client, "close", None)
        if close is not None:
            close()
        self._client = None

    def exists(self) -> bool:
        with self._answering():
            return any(c.name == self.place.table for c in self._client.list_collections())

    def facts(self) -> Facts | None:
        with self._answering():
            return Facts.from_json((self._table().metadata or {}).get(_NOTES))

    def create(self, facts: Facts, schema: pa.Schema) -> None:  # noqa: ARG002 - metadata is free
        self._create(facts)

    def _create(self, facts: Facts) -> None:
        with self._answering():
            self._client.create_collection(
                self.place.table,
                metadata={_NOTES: facts.to_json()},
                configuration={"hnsw": {"space": "cosine"}},
                embedding_function=None,
            )

    def drop(self) -> None:
        with self._answering():
            self._client.delete_collection(self.place.table)

    def ids_and_hashes(self) -> Iterator[tuple[str, str]]:
        with self._answering():
            table = self._table()
            count = table.count()
        for start in range(0, count, _PAGE):
            with self._answering():
                page = table.get(limit=_PAGE, offset=start, include=["metadatas"])
            for chunk, known in zip(page["ids"], page["metadatas"], strict=True):
                yield chunk, str((known or {}).get(HASH, ""))

    def upsert(self, rows: pa.Table) -> None:
        plain = plain_rows(rows)
        with self._answering():
            self._table().upsert(
                ids=[row["id"] for row in plain],
                embeddings=vectors_of(rows),
                documents=[row["text"] for row in plain],
                metadatas=[_flat(row) for row in plain],
            )

    def delete(self, ids: Sequence[str]) -> None:
        with self._answering():
            self._table().delete(ids=list(ids))

    def tidy(self) -> None:
        """Leave it to Chroma, which keeps its index by itself."""

    def purge(self) -> None:
        if self.place.path is None:
            return  # the server's files are not ours: see `chroma vacuum`
        # What was deleted stays in the index's files and in the log of writes: a new table has
        # neither. Its rows are few enough to be held, since a folder is for what one machine holds.
        notes = self.facts()
        with self._answering():
            table = self._table()
            held = table.get(include=["metadatas", "documents", "embeddings"])
        if notes is None:
            return
        self.drop()
        self._create(notes)
        for start in range(0, len(held["ids"]), _PAGE):
            page = slice(start, start + _PAGE)
            with self._answering():
                self._table().upsert(
                    ids=held["ids"][page],
                    embeddings=held["embeddings"][page],
                    documents=held["documents"][page],
                    metadatas=held["metadatas"][page],
                )
        self._close()
        with (
            self._answering(),
            contextlib.closing(sqlite3.connect(self.place.path / "chroma.sqlite3")) as con,
        ):
            con.execute("VACUUM")
        self._open()

    def _table(self) -> Any:
        return self._client.get_collection(self.place.table, embedding_function=None)

    def _answering(self) -> Any:
        import httpx  # noqa: PLC0415 - chromadb brings it
        from chromadb.errors import ChromaError  # noqa: PLC0415 - see above

        return answering(
            self.place, ChromaError, httpx.HTTPError, OSError, ValueError, sqlite3.Error
        )


def _flat(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row's metadata: Chroma keeps no lists and no nulls."""
    flat = {k: " > ".join(v) if isinstance(v, list) else v for k, v in row.items()}
    return {k: v for k, v in flat.items() if k not in {"id", "text"} and v is not None}
