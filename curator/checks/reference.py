"""Reference records: what lies outside the project, as signatures; no text of it is written."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from curator.checks.against import contents
from curator.checks.outside import outside_units, own_records, unread
from curator.checks.redaction import Redaction
from curator.similarity.steps import FINGERPRINTS, SIGNATURES, Fingerprints, Signatures
from curator.tables import digest, record_id, records_table
from curator.types import Part, Provenance, Quarantined, Record
from curator.workspace import read_json, write_json, write_table

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from curator.protocols import Scope

_VERSION = "1"
_CHUNK = 4096
"""Records that are redacted and sketched at a time."""
REFERENCE = pa.schema([("file", pa.string()), ("item", pa.string()), *FINGERPRINTS, *SIGNATURES])
"""`id` is the record's in the project that it comes from, null where it comes from none."""


class Reference:
    """The records of the files that a check is given, in the form of the redacted view.

    Another project's redacted view is taken as it is. All else, an export too, goes through
    the project's own checks of the raw view, so that a detail that was replaced by a made-up
    name there is the same placeholder on both sides.
    """

    def __init__(
        self,
        scope: Scope,
        check: str,
        places: Sequence[str],
        redaction: Sequence[tuple[str, Mapping[str, Any]]],
    ) -> None:
        """Take the places of `against`, as `located` returned them."""
        self._scope = scope
        self._check = check
        self._folders = {
            place: scope.shared("reference", digest(_VERSION, place, contents([place], check)))
            for place in places
        }
        self._checks = redaction
        self._redaction: Redaction | None = None

    def files(self) -> list[Path]:
        """Return files of schema `REFERENCE`; those of an unchanged place are kept from before.

        Raises:
            RecipeError: a file cannot be read, or holds no record.

        """
        found = []
        for place in self._folders:
            folder = self._folders[place]
            whole = folder / "whole.json"
            if not whole.exists():
                chunks = 0
                for chunk in self._chunks(place):
                    path = self._file(place, chunks)
                    if not path.exists():  # a run that was stopped goes on here
                        write_table(path, self._sketched(place, chunk))
                    chunks += 1
                write_json(whole, chunks)
            found += [self._file(place, number) for number in range(read_json(whole))]
        return found

    def texts(self, rows: Mapping[Path, Sequence[int]]) -> dict[tuple[Path, int], Record]:
        """Return some records by the file and the row of their signatures, in memory alone."""
        found: dict[tuple[Path, int], Record] = {}
        for place in self._folders:
            if not any(path.parent == self._folders[place] for path in rows):
                continue
            for number, chunk in enumerate(self._chunks(place)):
                path = self._file(place, number)
                wanted = rows.get(path, ())
                records = self._redacted(place, [chunk[row][1] for row in wanted])
                found |= {(path, row): r for row, r in zip(wanted, records, strict=True)}
        return found

    def _file(self, place: str, number: int) -> Path:
        folder = self._folders[place]
        return folder / f"reference-{folder.name}-{number:05d}.parquet"

    def _chunks(self, place: str) -> Iterator[list[tuple[str, Record]]]:
        """Yield records with the name of the file that holds each, some thousands at a time."""
        records = self._records(place)
        while chunk := list(itertools.islice(records, _CHUNK)):
            yield chunk

    def _records(self, place: str) -> Iterator[tuple[str, Record]]:
        temporary = self._scope.phase("reference-unpacked")
        for name, units in outside_units([place], self._check, temporary):
            empty = True
            for unit in units:
                record = _as_record(unit)
                if record is not None:
                    empty = False
                    yield record.provenance.source_uri or name, record
            if empty:
                raise unread(self._check, f"{name}: no record could be read")

    def _redacted(self, place: str, records: Sequence[Record]) -> list[Record]:
        if not records or self._is_view(place):
            return list(records)
        if self._redaction is None:
            self._redaction = Redaction(self._checks)
        return self._redaction(records)

    def _is_view(self, place: str) -> bool:
        return Path(place).parent.parent.name == "redacted" and own_records(Path(place)) is not None

    def _sketched(self, place: str, chunk: Sequence[tuple[str, Record]]) -> pa.Table:
        table = records_table(self._redacted(place, [record for _, record in chunk]))
        prints, sketches = Fingerprints()(table), Signatures()(table)
        known = own_records(Path(place)) is not None
        ids = prints["id"] if known else pa.nulls(len(chunk), pa.string())
        columns = [
            pa.array([name for name, _ in chunk], pa.string()),
            table["locator"],
            ids,
            *(prints[name] for name in FINGERPRINTS.names[1:]),
            *(sketches[name] for name in SIGNATURES.names),
        ]
        return pa.table(columns, schema=REFERENCE)


def _as_record(unit: object) -> Record | None:
    """Return a unit's record; one that could not be read is taken by its text, so none is lost."""
    if isinstance(unit, Record):
        return unit
    if not isinstance(unit, Quarantined):
        return None
    parts = (Part("user", unit.raw.decode("utf-8", "replace")),)
    provenance = Provenance("", "", unit.locator)
    return Record(record_id("", unit.locator, parts), "conversation", parts, "und", provenance)
