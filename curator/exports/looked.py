"""What the leak gate has looked through before, so that it looks again at what is new alone.

.curator/cache/leaks/<export>/said.parquet   which records say which private values
.curator/cache/leaks/<export>/clean.parquet  which texts show none

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

VERSION = "1"
"""Raised when a text may show more than before: by a change of `curator.pii.known` or the rules'
way of matching."""
_SAID = pa.schema(
    [("record_id", pa.string()), ("value", pa.binary(16)), ("small", pa.bool_())],
)
_CLEAN = pa.schema([("text", pa.binary(16)), ("value", pa.binary(16))])


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
    """The texts that were found to show nothing.

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
        before = _read(self._path, _CLEAN)
        named = {_hash_of(key, value): key for key, value in values.items()}
        searched = set(_where_null(before, "text", "value"))
        self._values = list(named)
        self._known = set(_where_null(before, "value", "text"))
        fresh = {key: values[key] for sha, key in named.items() if sha not in searched}
        self._fresh = KnownSearch(fresh, allow)
        self._now: list[bytes] = []

    def knows(self, text: str, *, ruled: bool) -> bool:
        """Whether a text showed nothing before, and no new value now."""
        return self._hash(text, ruled=ruled) in self._known and not self._fresh.places(text)

    def add(self, text: str, *, ruled: bool) -> None:
        """Note that a text shows nothing."""
        self._now.append(self._hash(text, ruled=ruled))

    def keep(self) -> None:
        """Keep what was noted, and nothing else, for the next time."""
        if self._path is not None:
            none = [None] * len(self._values)
            texts = pa.array([*self._now, *none], pa.binary(16))
            values = pa.array([*[None] * len(self._now), *self._values], pa.binary(16))
            _write(self._path, pa.table([texts, values], schema=_CLEAN))

    @staticmethod
    def _hash(text: str, *, ruled: bool) -> bytes:
        said = f"{'ruled' if ruled else 'made'}\n{text}"
        return hashlib.sha256(said.encode("utf-8", "surrogatepass")).digest()[:16]


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
