"""The search index: one SQLite file with full text, facts, answers and vectors of all records.

It holds nothing that the server's own database does not hold, so it may be lost. It is
written by one connection, in one transaction a call, and read by as many as there are
threads that read; a reader sees what was whole when it began.
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .conditions import Sql, all_of
from .rows import values_of
from .vectors import Vectors
from .words import words

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from .query import Match
    from .rows import Response, Row

_LAYOUT = 1
_SCHEMA = """
CREATE TABLE state(whole INTEGER NOT NULL);
INSERT INTO state VALUES (0);
CREATE TABLE datasets(number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, fields TEXT NOT NULL);
CREATE TABLE records(
    seq INTEGER PRIMARY KEY AUTOINCREMENT, dataset TEXT NOT NULL, id TEXT NOT NULL UNIQUE,
    external_id TEXT, status TEXT, inserted_at REAL, updated_at REAL);
CREATE INDEX records_of_dataset ON records(dataset, status);
CREATE TABLE properties(
    id INTEGER PRIMARY KEY, dataset TEXT NOT NULL, name TEXT NOT NULL, UNIQUE(dataset, name));
CREATE TABLE facts(
    seq INTEGER NOT NULL, property INTEGER NOT NULL, value NOT NULL,
    PRIMARY KEY(seq, property, value)) WITHOUT ROWID;
CREATE INDEX facts_by_value ON facts(property, value, seq);
CREATE TABLE responses(
    id TEXT PRIMARY KEY, seq INTEGER NOT NULL, user TEXT NOT NULL, status TEXT NOT NULL);
CREATE INDEX responses_of_record ON responses(seq, user, status);
CREATE INDEX responses_of_user ON responses(user, status, seq);
CREATE TABLE answers(
    response TEXT NOT NULL, question TEXT NOT NULL, value NOT NULL,
    seq INTEGER NOT NULL, user TEXT NOT NULL,
    PRIMARY KEY(response, question, value)) WITHOUT ROWID;
CREATE INDEX answers_by_value ON answers(question, value, seq, user);
CREATE INDEX answers_of_record ON answers(seq, question, user, value);
CREATE TABLE vectors(
    seq INTEGER NOT NULL, settings TEXT NOT NULL, value BLOB NOT NULL, UNIQUE(settings, seq));
CREATE INDEX vectors_of_record ON vectors(seq);
"""


@dataclass(frozen=True, slots=True)
class Found:
    """A page of what was found: ids with their scores, best first, and how many there are."""

    items: list[tuple[str, float]]
    total: int


class Index:
    """The index in one file."""

    def __init__(self, path: Path) -> None:
        """Open the index, empty where there is none; a file of another layout is replaced."""
        self._path = path
        self._writing = threading.Lock()
        self._local = threading.local()
        self._vectors = Vectors()
        try:
            self._writer = self._open()
        except sqlite3.DatabaseError:  # no database, a damaged one or an older one
            for end in ("", "-wal", "-shm"):
                path.with_name(path.name + end).unlink(missing_ok=True)
            self._writer = self._open()
        self.is_whole = self._was_whole()
        """Whether all is here that should be, as far as its owner knows; kept by `close` alone."""
        self._note_whole(value=False)

    def close(self) -> None:
        """Close the index, and keep whether it is whole."""
        self._note_whole(value=self.is_whole)
        self._writer.close()

    # --- writing ---------------------------------------------------------------------

    def create(self, dataset: str, fields: Sequence[str]) -> None:
        """Make room for a dataset's records, whose texts have these names."""
        with self._transaction() as con:
            self._number(con, dataset, fields)

    def drop(self, dataset: str) -> None:
        """Forget a dataset."""
        with self._transaction() as con:
            found = con.execute("SELECT number FROM datasets WHERE id = ?", (dataset,)).fetchone()
            within = "(SELECT seq FROM records WHERE dataset = ?)"
            for table in ("facts", "answers", "responses", "vectors"):
                con.execute(f"DELETE FROM {table} WHERE seq IN {within}", (dataset,))
            for table in ("records", "properties"):
                con.execute(f"DELETE FROM {table} WHERE dataset = ?", (dataset,))
            if found:
                con.execute(f"DROP TABLE text_{found[0]}")
                con.execute("DELETE FROM datasets WHERE id = ?", (dataset,))
        self._vectors.forget(dataset)

    def put(self, dataset: str, fields: Sequence[str], rows: Iterable[Row]) -> None:
        """Write records, in place of what was known of them."""
        with self._transaction() as con:
            number, known = self._number(con, dataset, fields)
            properties = dict(
                con.execute("SELECT name, id FROM properties WHERE dataset = ?", (dataset,))
            )
            for row in rows:
                self._put(con, dataset, number, known, properties, row)
        self._vectors.forget(dataset)

    def _put(
        self,
        con: sqlite3.Connection,
        dataset: str,
        number: int,
        fields: Sequence[str],
        properties: dict[str, int],
        row: Row,
    ) -> None:
        columns = (row.external_id, row.status, row.inserted_at, row.updated_at)
        old = con.execute("SELECT seq FROM records WHERE id = ?", (row.id,)).fetchone()
        if old:
            seq = old[0]
            con.execute(
                "UPDATE records SET external_id = ?, status = ?, inserted_at = ?, updated_at = ?"
                " WHERE seq = ?",
                (*columns, seq),
            )
            self._clear(con, number, seq)
        else:
            seq = con.execute(
                "INSERT INTO records(external_id, status, inserted_at, updated_at, dataset, id)"
                " VALUES (?, ?, ?, ?, ?, ?)",
                (*columns, dataset, row.id),
            ).lastrowid
        texts = [" ".join(words(row.texts.get(name, ""))) for name in fields] or [""]
        con.execute(
            f"INSERT INTO text_{number} (rowid, {_columns(fields)}) VALUES (?{', ?' * len(texts)})",
            (seq, *texts),
        )
        for name, value in row.facts.items():
            self._put_fact(con, dataset, properties, seq, name, value)
        for response in row.responses:
            _put_response(con, seq, response)
        con.executemany(
            "INSERT INTO vectors(seq, settings, value) VALUES (?, ?, ?)",
            [(seq, settings, value) for settings, value in row.vectors.items()],
        )

    @staticmethod
    def _put_fact(
        con: sqlite3.Connection,
        dataset: str,
        properties: dict[str, int],
        seq: int,
        name: str,
        value: Any,
    ) -> None:
        if name not in properties:
            con.execute(
                "INSERT OR IGNORE INTO properties(dataset, name) VALUES (?, ?)", (dataset, name)
            )
            properties[name] = con.execute(
                "SELECT id FROM properties WHERE dataset = ? AND name = ?", (dataset, name)
            ).fetchone()[0]
        con.executemany(
            "INSERT OR IGNORE INTO facts(seq, property, value) VALUES (?, ?, ?)",
            [(seq, properties[name], one) for one in values_of(value)],
        )

    def remove(self, dataset: str, ids: Iterable[str]) -> None:
        """Forget records."""
        with self._transaction() as con:
            for number, seq in [self._place(con, record) or (0, 0) for record in ids]:
                if seq:
                    self._clear(con, number, seq)
                    con.execute("DELETE FROM records WHERE seq = ?", (seq,))
        self._vectors.forget(dataset)

    def update(self, record: str, columns: Mapping[str, str | float | None]) -> None:
        """Change columns of a record; see `conditions.COLUMNS`."""
        said = ", ".join(f"{name} = ?" for name in columns)
        with self._transaction() as con:
            con.execute(f"UPDATE records SET {said} WHERE id = ?", (*columns.values(), record))

    def put_response(self, record: str, response: Response) -> None:
        """Write a response, in place of what was known of it."""
        with self._transaction() as con:
            _remove_response(con, response.id)
            if place := self._place(con, record):
                _put_response(con, place[1], response)

    def remove_response(self, response: str) -> None:
        """Forget a response."""
        with self._transaction() as con:
            _remove_response(con, response)

    def put_facts(self, record: str, prefix: str, facts: Mapping[str, Any]) -> None:
        """Write the facts of a record whose names begin so, in place of those that it had."""
        with self._transaction() as con:
            found = con.execute(
                "SELECT seq, dataset FROM records WHERE id = ?", (record,)
            ).fetchone()
            if not found:
                return
            seq, dataset = found
            properties = dict(
                con.execute("SELECT name, id FROM properties WHERE dataset = ?", (dataset,))
            )
            con.executemany(
                "DELETE FROM facts WHERE seq = ? AND property = ?",
                [(seq, number) for name, number in properties.items() if name.startswith(prefix)],
            )
            for name, value in facts.items():
                self._put_fact(con, dataset, properties, seq, name, value)

    # --- reading ---------------------------------------------------------------------

    def search(
        self,
        dataset: str,
        where: Sql,
        *,
        match: Match | None,
        field: str | None,
        order: Sequence[Sql],
        offset: int,
        limit: int,
    ) -> Found:
        """Return a page of the records that hold, sorted; by relevance or age without an order."""
        con = self._reader()
        source, score, condition = self._matching(con, dataset, where, match, field)
        total = con.execute(
            f"SELECT COUNT(*) FROM {source} WHERE {condition.text}", condition.args
        ).fetchone()[0]
        keys = [key.text for key in order] or ([f"{score} DESC"] if score else [])
        rows = con.execute(
            f"SELECT r.id, {score or '1.0'} FROM {source} WHERE {condition.text}"
            f" ORDER BY {', '.join([*keys, 'r.seq'])} LIMIT ? OFFSET ?",
            (*condition.args, *(arg for key in order for arg in key.args), limit, offset),
        ).fetchall()
        return Found(rows, total)

    def similar(
        self,
        dataset: str,
        settings: str,
        vector: Sequence[float],
        where: Sql,
        *,
        match: Match | None,
        field: str | None,
        without: str | None,
        least: bool,
        threshold: float | None,
        limit: int,
    ) -> Found:
        """Return the records nearest to a vector, or with `least` the farthest."""
        con = self._reader()
        source, _, condition = self._matching(con, dataset, where, match, field)
        allowed = None
        if where.text != "1" or match is not None or without is not None:
            allowed = [
                row[0]
                for row in con.execute(
                    f"SELECT r.seq FROM {source} WHERE {condition.text} AND r.id IS NOT ?",
                    (*condition.args, without),
                )
            ]
        near = self._vectors.nearest(
            con, dataset, settings, vector, allowed=allowed, least=least, limit=limit
        )
        near = [(seq, score) for seq, score in near if threshold is None or score >= threshold]
        name = "SELECT id FROM records WHERE seq = ?"
        # A record may have gone since its vector was read.
        named = [(con.execute(name, (seq,)).fetchone(), score) for seq, score in near]
        items = [(found[0], score) for found, score in named if found]
        return Found(items, len(items))

    def statuses(self, dataset: str) -> dict[str, int]:
        """Return how many records there are of each status."""
        return dict(
            self._reader().execute(
                "SELECT status, COUNT(*) FROM records WHERE dataset = ? GROUP BY status", (dataset,)
            )
        )

    def response_statuses(self, dataset: str, user: str) -> dict[str, int]:
        """Return how many responses of a user there are of each status."""
        return dict(
            self._reader().execute(
                "SELECT p.status, COUNT(*) FROM responses p JOIN records r ON r.seq = p.seq"
                " WHERE p.user = ? AND r.dataset = ? GROUP BY p.status",
                (user, dataset),
            )
        )

    def terms(self, dataset: str, name: str, most: int) -> list[tuple[str, int]]:
        """Return a fact's values and how often each is said, the most frequent first."""
        return (
            self._reader()
            .execute(
                "SELECT CAST(value AS TEXT) AS term, COUNT(*) AS n FROM facts WHERE property ="
                " (SELECT id FROM properties WHERE dataset = ? AND name = ?)"
                " GROUP BY term ORDER BY n DESC, term LIMIT ?",
                (dataset, name, most),
            )
            .fetchall()
        )

    def bounds(self, dataset: str, name: str) -> tuple[float | None, float | None]:
        """Return the least and the greatest number of a fact."""
        low, high = (
            self._reader()
            .execute(
                "SELECT MIN(value), MAX(value) FROM facts WHERE value < '' AND property ="
                " (SELECT id FROM properties WHERE dataset = ? AND name = ?)",
                (dataset, name),
            )
            .fetchone()
        )
        return low, high

    def sizes(self, dataset: str) -> tuple[int, int]:
        """Return how many records and how many responses of a dataset are known."""
        con = self._reader()
        records = "SELECT COUNT(*) FROM records WHERE dataset = ?"
        responses = "SELECT COUNT(*) FROM responses JOIN records USING (seq) WHERE dataset = ?"
        return (
            con.execute(records, (dataset,)).fetchone()[0],
            con.execute(responses, (dataset,)).fetchone()[0],
        )

    # --- within ----------------------------------------------------------------------

    def _open(self) -> sqlite3.Connection:
        con = self._connect()
        (layout,) = con.execute("PRAGMA user_version").fetchone()
        if layout not in {0, _LAYOUT}:
            con.close()
            raise sqlite3.DatabaseError("another layout")
        if layout == 0:
            con.executescript(f"BEGIN; {_SCHEMA} PRAGMA user_version = {_LAYOUT}; COMMIT;")
        return con

    def _connect(self) -> sqlite3.Connection:
        con = sqlite3.connect(self._path, timeout=60, isolation_level=None, check_same_thread=False)
        con.execute("PRAGMA journal_mode = WAL")
        con.execute("PRAGMA synchronous = NORMAL")
        con.execute("PRAGMA temp_store = MEMORY")
        con.execute("PRAGMA cache_size = -65536")
        return con

    def _reader(self) -> sqlite3.Connection:
        """Return this thread's connection for reading."""
        con: sqlite3.Connection | None = getattr(self._local, "con", None)
        if con is None:
            con = self._local.con = self._connect()
            con.execute("PRAGMA query_only = ON")
        return con

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._writing:
            self._writer.execute("BEGIN IMMEDIATE")
            try:
                yield self._writer
            except BaseException:
                self._writer.execute("ROLLBACK")
                raise
            self._writer.execute("COMMIT")

    def _was_whole(self) -> bool:
        return bool(self._writer.execute("SELECT whole FROM state").fetchone()[0])

    def _note_whole(self, *, value: bool) -> None:
        with self._transaction() as con:
            con.execute("UPDATE state SET whole = ?", (value,))
        # Onto the disk, before anything that this speaks of.
        self._writer.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    @staticmethod
    def _number(
        con: sqlite3.Connection, dataset: str, fields: Sequence[str]
    ) -> tuple[int, Sequence[str]]:
        """Return the number and the fields of a dataset, made where it is new."""
        found = con.execute(
            "SELECT number, fields FROM datasets WHERE id = ?", (dataset,)
        ).fetchone()
        if found:
            return found[0], json.loads(found[1])
        number = con.execute(
            "INSERT INTO datasets(id, fields) VALUES (?, ?)", (dataset, json.dumps(list(fields)))
        ).lastrowid
        assert number is not None
        con.execute(
            f"CREATE VIRTUAL TABLE text_{number} USING fts5({_columns(fields)},"
            " tokenize = 'unicode61 remove_diacritics 2')"
        )
        return number, fields

    @staticmethod
    def _place(con: sqlite3.Connection, record: str) -> tuple[int, int] | None:
        """Return the number of a record's dataset and its own."""
        found: tuple[int, int] | None = con.execute(
            "SELECT d.number, r.seq FROM records r JOIN datasets d ON d.id = r.dataset"
            " WHERE r.id = ?",
            (record,),
        ).fetchone()
        return found

    @staticmethod
    def _clear(con: sqlite3.Connection, number: int, seq: int) -> None:
        con.execute(f"DELETE FROM text_{number} WHERE rowid = ?", (seq,))
        for table in ("facts", "answers", "responses", "vectors"):
            con.execute(f"DELETE FROM {table} WHERE seq = ?", (seq,))

    @staticmethod
    def _matching(
        con: sqlite3.Connection, dataset: str, where: Sql, match: Match | None, field: str | None
    ) -> tuple[str, str | None, Sql]:
        """Return the tables to read, the score as SQL where there is one, and what must hold."""
        parts = [Sql("r.dataset = ?", (dataset,)), where]
        found = con.execute(
            "SELECT number, fields FROM datasets WHERE id = ?", (dataset,)
        ).fetchone()
        if match is None or not found:
            return "records r", None, all_of(parts)
        table, fields = f"text_{found[0]}", json.loads(found[1])
        expression = match.expression
        if field is not None and field not in fields:  # a picture
            return "records r", None, Sql("0")
        if field is not None:
            expression = f"f{fields.index(field)} : ({expression})"
        if match.negated:
            parts.append(
                Sql(
                    f"r.seq NOT IN (SELECT rowid FROM {table} WHERE {table} MATCH ?)",
                    (expression,),
                )
            )
            return "records r", None, all_of(parts)
        # CROSS JOIN: the text is looked up first, whatever else is asked.
        source = f"{table} CROSS JOIN records r ON r.seq = {table}.rowid"
        return source, f"-{table}.rank", all_of([Sql(f"{table} MATCH ?", (expression,)), where])


def _columns(fields: Sequence[str]) -> str:
    return ", ".join(f"f{n}" for n in range(max(1, len(fields))))


def _put_response(con: sqlite3.Connection, seq: int, response: Response) -> None:
    con.execute(
        "INSERT INTO responses(id, seq, user, status) VALUES (?, ?, ?, ?)",
        (response.id, seq, response.user, response.status),
    )
    con.executemany(
        "INSERT OR IGNORE INTO answers(response, question, value, seq, user)"
        " VALUES (?, ?, ?, ?, ?)",
        [
            (response.id, question, value, seq, response.user)
            for question, values in response.values.items()
            for value in values_of(values)
        ],
    )


def _remove_response(con: sqlite3.Connection, response: str) -> None:
    con.execute("DELETE FROM answers WHERE response = ?", (response,))
    con.execute("DELETE FROM responses WHERE id = ?", (response,))
