"""Reference records: what lies outside the project, as signatures; no text of it is written."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from curator.checks.against import contents
from curator.checks.outside import outside_units, own_records, unread
from curator.checks.redaction import redaction
from curator.protocols import Step
from curator.similarity.steps import SIGNATURES, Signatures
from curator.tables import digest, record_id, records_table
from curator.types import Part, Provenance, Quarantined, Record
from curator.workspace import read_json, write_json, write_table

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from curator.protocols import Scope

_VERSION = "2"
_CHUNK = 2048
"""Records that are redacted and sketched at a time."""
REFERENCE = pa.schema([("file", pa.string()), ("item", pa.string()), *SIGNATURES])
"""`id` is the record's in the project that it comes from, null where it comes from none."""


class Chunks:
    """Reads the places of `against`, some thousands of records at a time, redacted.

    Another project's redacted view is taken as it is. All else, an export too, goes through
    the project's own checks of the raw view, so that a detail that was replaced by a made-up
    name there is the same placeholder on both sides.
    """

    def __init__(
        self, check: str, temporary: str, checks: Sequence[tuple[str, Mapping[str, Any]]]
    ) -> None:
        """Take the check's name, where archives are unpacked, and the raw view's checks."""
        self._check = check
        self._temporary = Path(temporary)
        self._checks = checks
        self._place = ""
        self._number = 0
        self._open: Iterator[list[tuple[str, Record]]] = iter(())

    def count(self, place: str) -> int:
        """Return how many chunks a place has.

        Raises:
            RecipeError: a file of it cannot be read, or holds no record.

        """
        return sum(1 for _ in self._chunks(place))

    def chunk(self, place: str, number: int) -> list[tuple[str, Record]]:
        """Return a chunk's records, each with its file's name, as they were read.

        Chunks that are asked for in order are read in one go.
        """
        if place != self._place or number < self._number:
            self._place, self._number, self._open = place, 0, self._chunks(place)
        for _ in range(number - self._number):
            next(self._open)
        self._number = number + 1
        return next(self._open)

    def redacted(self, place: str, records: Sequence[Record]) -> list[Record]:
        """Return records of a place as the project's redacted view would show them."""
        if not records or _is_view(place):
            return list(records)
        return redaction(self._checks)(records)

    def _chunks(self, place: str) -> Iterator[list[tuple[str, Record]]]:
        records = self._records(place)
        while chunk := list(itertools.islice(records, _CHUNK)):
            yield chunk

    def _records(self, place: str) -> Iterator[tuple[str, Record]]:
        for name, units in outside_units([place], self._check, self._temporary):
            empty = True
            for unit in units:
                record = _as_record(unit)
                if record is not None:
                    empty = False
                    yield record.provenance.source_uri or name, record
            if empty:
                raise unread(self._check, f"{name}: no record could be read")


class Sketch:
    """The step that reads one chunk of a place and keeps its signatures alone."""

    def __init__(
        self, check: str, temporary: str, checks: Sequence[tuple[str, Mapping[str, Any]]]
    ) -> None:
        """Take what `Chunks` takes."""
        self._reading = Chunks(check, temporary, checks)

    def __call__(self, task: pa.Table) -> pa.Table:
        """Return a table of schema `REFERENCE` for a row of `place` and `number`."""
        (row,) = task.to_pylist()
        place = row["place"]
        chunk = self._reading.chunk(place, row["number"])
        table = records_table(self._reading.redacted(place, [record for _, record in chunk]))
        sketches = Signatures()(table)
        known = own_records(Path(place)) is not None
        columns = [
            pa.array([name for name, _ in chunk], pa.string()),
            table["locator"],
            sketches["id"] if known else pa.nulls(len(chunk), pa.string()),
            *(sketches[name] for name in SIGNATURES.names[1:]),
        ]
        return pa.table(columns, schema=REFERENCE)


class Reference:
    """The records of the files that a check is given, in the form of the redacted view."""

    def __init__(
        self,
        scope: Scope,
        check: str,
        places: Sequence[str],
        checks: Sequence[tuple[str, Mapping[str, Any]]],
    ) -> None:
        """Take the places of `against`, as `located` returned them, and the raw view's checks."""
        self._scope = scope
        self._folders = {
            place: scope.shared("reference", digest(_VERSION, place, contents([place], check)))
            for place in places
        }
        temporary = str(scope.phase("reference-unpacked"))
        self._params = {"check": check, "temporary": temporary, "checks": checks}
        self._reading = Chunks(check, temporary, checks)

    def files(self) -> list[Path]:
        """Return files of schema `REFERENCE`; those of an unchanged place are kept from before.

        Raises:
            RecipeError: a file cannot be read, or holds no record.

        """
        found = []
        step = Step(f"{__name__}:Sketch", self._params)
        for place, folder in self._folders.items():
            known = folder / "chunks.json"
            if not known.exists():
                write_json(known, self._reading.count(place))
            tasks = []
            for number in range(read_json(known)):
                tasks.append(self._scope.phase("reference-tasks") / self._file(place, number).name)
                write_table(tasks[-1], pa.table({"place": [place], "number": [number]}))
            found += self._scope.engine.map(
                step, [(task,) for task in tasks], folder, label="reference"
            )
        return found

    def texts(self, rows: Mapping[Path, Sequence[int]]) -> dict[tuple[Path, int], Record]:
        """Return some records by the file and the row of their signatures, in memory alone."""
        found: dict[tuple[Path, int], Record] = {}
        for place, folder in self._folders.items():
            for number in range(read_json(folder / "chunks.json")):
                path = self._file(place, number)
                wanted = rows.get(path)
                if wanted:
                    chunk = self._reading.chunk(place, number)
                    records = self._reading.redacted(place, [chunk[row][1] for row in wanted])
                    found |= {(path, row): r for row, r in zip(wanted, records, strict=True)}
        return found

    def _file(self, place: str, number: int) -> Path:
        folder = self._folders[place]
        return folder / f"reference-{folder.name}-{number:05d}.parquet"


def _is_view(place: str) -> bool:
    return Path(place).parent.parent.name == "redacted" and own_records(Path(place)) is not None


def _as_record(unit: object) -> Record | None:
    """Return a unit's record; one that could not be read is taken by its text, so none is lost."""
    if isinstance(unit, Record):
        return unit
    if not isinstance(unit, Quarantined):
        return None
    parts = (Part("user", unit.raw.decode("utf-8", "replace")),)
    provenance = Provenance("", "", unit.locator)
    return Record(record_id("", unit.locator, parts), "conversation", parts, "und", provenance)
