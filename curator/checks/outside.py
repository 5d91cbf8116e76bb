"""Files outside the project, read as sources are: what a check compares the records with."""

from __future__ import annotations

import itertools
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq

from curator.errors import RecipeError, SourceError
from curator.tables import RECORDS, record_id, records_from
from curator.types import Part, Provenance, Quarantined, Record

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from curator.schema import Columns, Source
    from curator.sources.files.listing import SourceFile
    from curator.sources.formats import Item as Unit

_NEARLY = 0.5
_ROWS = 1024
_EXPORTED = (frozenset({"id", "messages", "source"}), frozenset({"id", "text", "record_id"}))
"""Columns that the tables of curator's own exports have: of the instruction dataset, of the RAG
corpus."""


def outside_units(
    places: Sequence[str], check: str, temporary: Path
) -> Iterator[tuple[str, Iterator[Unit]]]:
    """Yield each file's name and its units.

    Files are read as sources are, curator's own tables (an export's, a redacted view's) as
    the records that they hold. A row whose columns have no name that says what they are is
    taken by its longest columns.

    Args:
        places: absolute paths of files, folders and archives, or patterns.
        check: the check's name, for messages.
        temporary: where archives are unpacked.

    Raises:
        RecipeError: a file cannot be read.

    """
    from curator.schema import Source  # noqa: PLC0415 - with the readers
    from curator.sources.files.listing import Listing, SourceFile  # noqa: PLC0415 - heavy

    listing = Listing(temporary, temporary, {})
    for place in places:
        own = own_records(Path(place))
        if own is not None:
            yield own
            continue
        with closing(listing.files(Source(path=place))) as files:
            try:
                for found in files:
                    if isinstance(found, SourceFile):
                        yield found.uri, _units(found, check)
                        continue
                    refused = [r for r in found.refused if isinstance(r, Quarantined)]
                    if refused:
                        raise unread(
                            check, f"{found.uri}: {refused[0].locator}: {refused[0].reason}"
                        )
            except SourceError as error:
                raise RecipeError(f"{check}.against: {error.message}", error.hint) from None


def unread(check: str, message: str) -> RecipeError:
    """Return the error that a file of `against` cannot be read."""
    return RecipeError(
        f"{check}.against: {message}", "name the files one by one, or leave this one out"
    )


def _units(file: SourceFile, check: str) -> Iterator[Unit]:
    from curator.sources import Tally, read  # noqa: PLC0415 - heavy

    try:
        yield from read(file.path, file.uri, "", _settled(file.path, file.source), Tally())
    except SourceError as error:
        raise RecipeError(f"{check}.against: {error.message}", error.hint) from None


def _settled(path: Path, source: Source) -> Source:
    """Return the source with its format and columns, the longest ones where no name tells."""
    from curator.sources import format_named, sniff  # noqa: PLC0415 - heavy
    from curator.sources.files.encodings import sniff_encoding  # noqa: PLC0415 - heavy
    from curator.sources.formats import suffix  # noqa: PLC0415 - heavy
    from curator.sources.tables.columns import says_what  # noqa: PLC0415 - heavy

    try:
        settled = sniff(path, source).source
    except SourceError:
        if suffix(path) not in (".json", ".jsonl", ".ndjson"):
            raise
        formats = ("jsonl", "json") if suffix(path) != ".json" else ("json", "jsonl")
        for name in formats:
            kind = format_named(name, path)
            given = source.model_copy(update={"format": name, "encoding": sniff_encoding(path)})
            columns = _longest(path, given)
            if kind.table and columns:
                return given.model_copy(update={"columns": columns})
        raise
    if settled.columns is not None and not says_what(settled.columns):
        columns = _longest(path, settled)
        if columns:
            return settled.model_copy(update={"columns": columns})
    return settled


def _longest(path: Path, source: Source) -> Columns | None:
    """Return the columns that hold the longest texts, and those at least half as long."""
    from curator.schema import Columns  # noqa: PLC0415 - with the readers
    from curator.sources import format_named  # noqa: PLC0415 - heavy

    table = format_named(source.format, path).table
    if table is None:
        return None
    lengths: dict[str, int] = {}
    try:
        rows = list(itertools.islice(table.sample(path, source.encoding, source), 200))
    except (SourceError, ValueError):
        return None
    for row in rows:
        for name, value in row.items():
            if isinstance(value, str):
                lengths[name] = lengths.get(name, 0) + len(value)
    longest = max(lengths.values(), default=0)
    if not longest:
        return None
    chosen = tuple(name for name, total in lengths.items() if total >= _NEARLY * longest)
    return Columns(user=chosen)


# --- curator's own tables ---------------------------------------------------------------


def own_records(path: Path) -> tuple[str, Iterator[Record]] | None:
    """Return the name and the records of a table of curator's own, None for any other file.

    A record has the id that it had in its project.
    """
    if path.suffix != ".parquet" or not path.is_file():
        return None
    try:
        file = pq.ParquetFile(path)
    except (OSError, ValueError):  # pyarrow's errors are both; the readers say what is wrong
        return None
    names = set(file.schema_arrow.names)
    if file.schema_arrow.equals(RECORDS):
        return path.name, _of_view(file)
    if _EXPORTED[0] <= names:
        return "/".join(path.parts[-3:]), _of_instruction(file)
    if _EXPORTED[1] <= names:
        return "/".join(path.parts[-3:]), _of_chunks(file)
    return None


def _of_view(file: pq.ParquetFile) -> Iterator[Record]:
    for batch in file.iter_batches(_ROWS):
        yield from records_from(batch)


def _of_instruction(file: pq.ParquetFile) -> Iterator[Record]:
    for number, row in enumerate(_rows(file), start=1):
        parts = tuple(Part(m["role"], m["content"] or "") for m in row["messages"] or ())
        yield _record(row["id"], "conversation", parts, f"row {number}")


def _of_chunks(file: pq.ParquetFile) -> Iterator[Record]:
    """Yield the records that chunks were cut from; what overlaps is in them twice."""
    numbered = enumerate(_rows(file), start=1)
    for name, chunks in itertools.groupby(numbered, lambda row: row[1]["record_id"]):
        rows = list(chunks)
        role = "user" if rows[0][1].get("kind") == "conversation" else "paragraph"
        parts = tuple(Part(role, row["text"] or "") for _, row in rows)
        yield _record(name, rows[0][1].get("kind") or "document", parts, f"row {rows[0][0]}")


def _rows(file: pq.ParquetFile) -> Iterator[dict[str, Any]]:
    for batch in file.iter_batches(_ROWS):
        yield from batch.to_pylist()


def _record(name: str | None, kind: Any, parts: tuple[Part, ...], locator: str) -> Record:
    return Record(
        id=name or record_id("", locator, parts),
        kind=kind,
        parts=parts,
        lang="und",
        provenance=Provenance("", "", locator),
    )
