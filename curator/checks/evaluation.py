"""Evaluation files as items: a question each, and the answer where there is one."""

from __future__ import annotations

import itertools
from contextlib import closing
from typing import TYPE_CHECKING, NamedTuple

from curator.errors import RecipeError, SourceError
from curator.pairs import pairs
from curator.types import Quarantined, Record

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from curator.schema import Columns, Source
    from curator.sources.formats import Item as Unit

_NEARLY = 0.5


class Item(NamedTuple):
    """One evaluation item: the file's name, where in it, and what is asked and answered."""

    file: str
    locator: str
    question: str
    answer: str


def evaluation_items(places: Sequence[str], temporary: Path) -> list[Item]:
    """Return the items of evaluation files, each question with its answer once.

    Files are read as sources are. A row whose columns have no name that says what they
    are is taken by its longest columns; a row that no record can be made of, by its text.

    Args:
        places: absolute paths of files, folders and archives, or patterns.
        temporary: where archives are unpacked.

    Raises:
        RecipeError: a file cannot be read, or holds no item.

    """
    from curator.schema import Source  # noqa: PLC0415 - with the readers
    from curator.sources.files.listing import Listing, SourceFile  # noqa: PLC0415 - heavy

    listing = Listing(temporary, temporary, {})
    items: dict[tuple[str, str], Item] = {}
    for place in places:
        with closing(listing.files(Source(path=place))) as files:
            try:
                for found in files:
                    if not isinstance(found, SourceFile):
                        refused = [r for r in found.refused if isinstance(r, Quarantined)]
                        if refused:
                            raise _unread(f"{found.uri}: {refused[0].locator}: {refused[0].reason}")
                        continue
                    before = len(items)
                    read = 0
                    for item in _file_items(found):
                        read += 1
                        items.setdefault((item.question, item.answer), item)
                    if not read and len(items) == before:
                        raise _unread(f"{found.uri}: no item could be read")
            except SourceError as error:
                raise RecipeError(f"contamination.against: {error.message}", error.hint) from None
    return list(items.values())


def _unread(message: str) -> RecipeError:
    return RecipeError(
        f"contamination.against: {message}",
        "name the evaluation files one by one, or leave this one out",
    )


def _file_items(file: object) -> Iterator[Item]:
    from curator.sources import Tally, read  # noqa: PLC0415 - heavy
    from curator.sources.files.listing import SourceFile  # noqa: PLC0415 - heavy

    assert isinstance(file, SourceFile)
    source = _settled(file.path, file.source)
    for unit in read(file.path, file.uri, "", source, Tally()):
        for question, answer, locator in _said(unit):
            if question.strip() or answer.strip():
                yield Item(file.uri, locator, question, answer)


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


def _said(unit: Unit) -> Iterator[tuple[str, str, str]]:
    """Yield the questions and answers of a unit, and where they stand."""
    if isinstance(unit, Quarantined):
        yield unit.raw.decode("utf-8", "replace"), "", unit.locator
    elif isinstance(unit, Record):
        if unit.kind == "document":
            for part in unit.parts:
                yield part.text, "", part.locator or unit.provenance.locator
            return
        found = pairs(unit)
        for pair in found:
            yield pair.question, pair.answer, unit.provenance.locator
        if not found:
            text = "\n".join(part.text for part in unit.parts)
            yield text, "", unit.provenance.locator
