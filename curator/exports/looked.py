"""What the leak gate has looked through before, so that it looks again at what is new alone.

.curator/cache/leaks/<export>/said.parquet   which records say which private values
.curator/cache/leaks/<export>/clean.parquet  which texts, and which lines of rows, show none

A record or a text is looked through for each value by itself, so what was found stays true:
only new values are looked for in what is known, and all of them in what is new. Texts and
values are kept as hashes; like the records beside them, they are the owner's alone.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from curator.pii.known import KnownSearch, Said
from curator.tables import digest, read_table
from curator.workspace import write_table

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from curator.pii.known import Value

VERSION = "2"
"""Raised when a text may show more than before: by a change of `curator.pii.known` or the rules'
way of matching."""
_SAID = pa.schema(
    [("record_id", pa.string()), ("value", pa.binary(16)), ("small", pa.bool_())],
)
_CLEAN = pa.schema([(name, pa.binary(16)) for name in ("text", "value", "line")])
"""A text that shows nothing and its line, a value that was looked for, or a line: the rest null."""


def said_by(
    values: Mapping[str, Value], allow: Sequence[str], parts: Sequence[Path], folder: Path | None
) -> Said:
    """Return which records of some parts say which values.

    Args:
        values: by their folded form.
        allow: regexes of texts that are never private.
        parts: of the raw view.
        folder: where what was found is kept from one time to the next; None keeps nothing.

    """
    path = folder / f"said-{digest(VERSION, list(allow))}.parquet" if folder else None
    named = {_hash_of(key, value): key for key, value in values.items()}
    before = _read(path, _SAID)
    known = set(_where_null(before, "record_id", "value"))
    records = set(_where_null(before, "value", "record_id"))
    everything = KnownSearch(values, allow)
    fresh = KnownSearch({key: values[key] for sha, key in named.items() if sha not in known}, allow)
    found = _Found(named)
    for part in parts:
        ids = read_table(part, columns=["id"])["id"].to_pylist()
        found.records += ids
        for some, search in (
            ([i for i in ids if i in records], fresh),
            ([i for i in ids if i not in records], everything),
        ):
            for record_id, texts in texts_of(part, some) if search.values else ():
                found.look(record_id, texts, search)
    found.recall(before)
    if path is not None:
        _write(path, found.table())
    return found.said


@dataclass
class _Found:
    """What records say, while it is gathered; `named`: the values by their hashes."""

    named: Mapping[bytes, str]
    said: Said = field(default_factory=Said)
    records: list[str] = field(default_factory=list)

    def look(self, record_id: str, texts: Sequence[str], search: KnownSearch) -> None:
        for text in texts:
            for place in search.places(text):
                self.said.add(record_id, text, place)

    def recall(self, before: pa.Table) -> None:
        """Add what records that are still there were found to say."""
        there = pa.array(self.records, pa.string())
        kept = before.filter(pc.is_in(before["record_id"], value_set=there)).to_pylist()
        for row in kept:
            key = self.named.get(row["value"])
            if key is not None:
                self.said.records[key].add(row["record_id"])
                if row["small"]:
                    self.said.in_small_letters[key].add(row["record_id"])

    def table(self) -> pa.Table:
        """Return all of it: the values, the records, and which records say which values."""
        rows: list[tuple[str | None, bytes | None, bool]] = [(None, v, False) for v in self.named]
        rows += [(record, None, False) for record in self.records]
        rows += [
            (record, sha, record in self.said.in_small_letters[key])
            for sha, key in self.named.items()
            for record in sorted(self.said.records[key])
        ]
        arrays = [
            pa.array(column, f.type)
            for column, f in zip(zip(*rows, strict=True), _SAID, strict=True)
        ]
        return pa.table(arrays, schema=_SAID) if rows else _SAID.empty_table()


class Clean:
    """The texts, and the lines of rows, that were found to show nothing.

    A line is known by its bytes, and so are all texts in it: while no value is new, it need not
    even be parsed.

    Args:
        values: what is looked for everywhere, by its folded form.
        allow: regexes of texts that are never private.
        rules: a hash of all else that decides on a text.
        folder: as for `said_by`.

    """

    def __init__(
        self, values: Mapping[str, Value], allow: Sequence[str], rules: str, folder: Path | None
    ) -> None:
        self._path = folder / f"clean-{digest(VERSION, rules)}.parquet" if folder else None
        self._before = _read(self._path, _CLEAN)
        named = {_hash_of(key, value): key for key, value in values.items()}
        searched, texts, lines = (
            set(pc.drop_null(self._before[name]).to_pylist()) for name in ("value", "text", "line")
        )
        self._values = list(named)
        self._known, self._known_lines = texts, lines
        fresh = {key: values[key] for sha, key in named.items() if sha not in searched}
        self._fresh = KnownSearch(fresh, allow)
        self._now: list[tuple[bytes, bytes | None]] = []
        self._lines: dict[bytes, bool] = {}

    @property
    def has_new(self) -> bool:
        """Whether there are values that were not looked for before."""
        return bool(self._fresh.values)

    def shows_new(self, text: str) -> bool:
        """Whether a text shows a value that was not looked for before."""
        return bool(self._fresh.places(text))

    def knows(self, text: str, *, ruled: bool) -> bool:
        """Whether a text showed nothing before, and no new value now."""
        return self._hash(text, ruled=ruled) in self._known and not self.shows_new(text)

    def add(self, text: str, *, ruled: bool, line: bytes | None = None) -> None:
        """Note that a text shows nothing, and in which line it stands."""
        self._now.append((self._hash(text, ruled=ruled), line))

    def knows_line(self, line: bytes) -> bool:
        """Whether no text of a line showed anything before; `line` is what `line_of` returns."""
        known = line in self._known_lines
        if known:
            self._lines.setdefault(line, True)
        return known

    def add_line(self, line: bytes, *, shows: bool) -> None:
        """Note that a line was read, and whether a text of it shows something."""
        self._lines[line] = self._lines.get(line, True) and not shows

    def keep(self) -> None:
        """Keep what was noted, and nothing else, for the next time."""
        if self._path is None:
            return
        lines = [line for line, is_clean in self._lines.items() if is_clean]
        stay = pa.array([line for line in lines if line in self._known_lines], pa.binary(16))
        before = self._before.filter(pc.is_in(self._before["line"], value_set=stay))
        rows: list[tuple[bytes | None, bytes | None, bytes | None]] = [
            *((text, None, line) for text, line in self._now),
            *((None, value, None) for value in self._values),
            *((None, None, line) for line in lines if line not in self._known_lines),
        ]
        columns = zip(*rows, strict=True) if rows else [[]] * len(_CLEAN)
        arrays = [pa.array(list(column), pa.binary(16)) for column in columns]
        now = pa.table(arrays, schema=_CLEAN)
        _write(self._path, pa.concat_tables([before, now]).combine_chunks())

    @staticmethod
    def _hash(text: str, *, ruled: bool) -> bytes:
        said = f"{'ruled' if ruled else 'made'}\n{text}"
        return hashlib.sha256(said.encode("utf-8", "surrogatepass")).digest()[:16]


def line_of(raw: bytes) -> bytes:
    """Return what a line of a file is known by."""
    return hashlib.sha256(raw).digest()[:16]


def texts_of(part: Path, ids: Iterable[str]) -> Iterator[tuple[str, list[str]]]:
    """Yield id and texts of some records of a part."""
    wanted = pa.array(list(ids), pa.string())
    if not len(wanted):
        return
    table = read_table(part, columns=["id", "parts.list.element.text"])
    for row in table.filter(pc.is_in(table["id"], value_set=wanted)).to_pylist():
        yield row["id"], [one["text"] for one in row["parts"]]


def _hash_of(key: str, value: Value) -> bytes:
    """Return what a value is kept as; whether a text says it depends on what it is, too."""
    return bytes.fromhex(digest(key, value.entity, length=32))


def _read(path: Path | None, schema: pa.Schema) -> pa.Table:
    return read_table(path) if path is not None and path.exists() else schema.empty_table()


def _where_null(table: pa.Table, column: str, wanted: str) -> list[bytes]:
    found: list[bytes] = table.filter(pc.is_null(table[column]))[wanted].to_pylist()
    return found


def _write(path: Path, table: pa.Table) -> None:
    """Write what is kept, and remove what other rules have found."""
    write_table(path, table)
    for other in path.parent.glob(f"{path.name.partition('-')[0]}-*.parquet"):
        if other != path:
            other.unlink()
