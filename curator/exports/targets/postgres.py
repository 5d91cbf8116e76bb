"""PostgreSQL with pgvector: a table of id, text, metadata (JSON) and embedding, with an HNSW index.

The table's comment says what it was made of.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Self

from curator.checks.embeddings import vectors_of
from curator.errors import TargetError
from curator.exports.targets.protocol import HASH, Facts, answering, in_use, plain_rows

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pyarrow as pa

    from curator.exports.targets.protocol import Place

_COLUMNS = "id text PRIMARY KEY, row_hash text, text text, metadata jsonb, embedding vector({})"
_PUT = (
    "INSERT INTO {} (id, row_hash, text, metadata, embedding) VALUES (%s, %s, %s, %s, %s)"
    " ON CONFLICT (id) DO UPDATE SET row_hash = excluded.row_hash, text = excluded.text,"
    " metadata = excluded.metadata, embedding = excluded.embedding"
)


class Postgres:
    """See `curator.exports.targets.protocol.Target`."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self._con: Any = None

    def __enter__(self) -> Self:
        import psycopg  # noqa: PLC0415 - an extra
        from pgvector.psycopg import register_vector  # noqa: PLC0415 - see above

        with self._answering():
            # Without a key libpq looks in its own places: PGPASSWORD, ~/.pgpass.
            self._con = psycopg.connect(
                self.place.url or "", autocommit=True, connect_timeout=10, password=self.place.key
            )
        try:
            self._con.execute("CREATE EXTENSION IF NOT EXISTS vector")
            register_vector(self._con)
        except psycopg.Error as error:
            self._con.close()
            raise TargetError(
                f"{self.place}: no extension vector there ({type(error).__name__})",
                "install pgvector on the server, and let its owner run: CREATE EXTENSION vector",
            ) from None
        # Held until the connection ends, on whatever machine the other one runs.
        lock = "SELECT pg_try_advisory_lock(hashtext('curator'), hashtext(%s))"
        with self._answering():
            free = self._con.execute(lock, (self.place.table,)).fetchone()[0]
        if not free:
            self._con.close()
            raise in_use(self.place)
        return self

    def __exit__(self, *_: object) -> None:
        self._con.close()

    def exists(self) -> bool:
        return bool(self._one("SELECT to_regclass(%s) IS NOT NULL", self._name()))

    def facts(self) -> Facts | None:
        found = self._one("SELECT obj_description(to_regclass(%s), 'pg_class')", self._name())
        return Facts.from_json(found)

    def create(self, facts: Facts, schema: pa.Schema) -> None:  # noqa: ARG002 - metadata is JSON
        from psycopg import sql  # noqa: PLC0415 - an extra

        with self._answering(), self._con.transaction():
            self._run(f"CREATE TABLE {{}} ({_COLUMNS.format(int(facts.dimension))})")
            # The planner's statistics are samples of what the rows say: they outlive the rows.
            for column in ("text", "metadata"):
                self._run(f"ALTER TABLE {{}} ALTER COLUMN {column} SET STATISTICS 0")
            self._run("CREATE INDEX ON {} USING hnsw (embedding vector_cosine_ops)")
            comment = sql.SQL("COMMENT ON TABLE {} IS {}")
            said = comment.format(self._identifier(), sql.Literal(facts.to_json()))
            self._con.execute(said)

    def drop(self) -> None:
        with self._answering():
            self._run("DROP TABLE {}")

    def ids_and_hashes(self) -> Iterator[tuple[str, str]]:
        with self._answering():
            yield from self._run("SELECT id, row_hash FROM {}").fetchall()

    def upsert(self, rows: pa.Table) -> None:
        from psycopg import sql  # noqa: PLC0415 - an extra

        known = [
            (
                row.pop("id"),
                row.pop(HASH),
                row.pop("text"),
                json.dumps(row, ensure_ascii=False),
                vector,
            )
            for row, vector in zip(plain_rows(rows), vectors_of(rows), strict=True)
        ]
        with self._answering(), self._con.transaction(), self._con.cursor() as cursor:
            cursor.executemany(sql.SQL(_PUT).format(self._identifier()), known)

    def delete(self, ids: Sequence[str]) -> None:
        with self._answering():
            self._run("DELETE FROM {} WHERE id = ANY(%s)", list(ids))

    def tidy(self) -> None:
        with self._answering():
            self._run("VACUUM (ANALYZE) {}")

    def purge(self) -> None:
        with self._answering():
            self._run("VACUUM (FULL) {}")
            self._con.execute("CHECKPOINT")

    def _run(self, query: str, *values: object) -> Any:
        from psycopg import sql  # noqa: PLC0415 - an extra

        return self._con.execute(sql.SQL(query).format(self._identifier()), values or None)

    def _one(self, query: str, *values: object) -> Any:
        with self._answering():
            return self._con.execute(query, values).fetchone()[0]

    def _identifier(self) -> Any:
        from psycopg import sql  # noqa: PLC0415 - an extra

        return sql.Identifier(self.place.table)

    def _name(self) -> str:
        return '"' + self.place.table + '"'

    def _answering(self) -> Any:
        import psycopg  # noqa: PLC0415 - an extra

        return answering(self.place, psycopg.Error, OSError)
