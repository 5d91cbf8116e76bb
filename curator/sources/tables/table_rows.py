"""Rows of any table file by the names of its columns: CSV, TSV, Excel."""

from __future__ import annotations

import contextlib
import datetime as dt
import itertools
import json
from typing import TYPE_CHECKING, Any, NamedTuple

from curator.sources.documents.text import DAMAGE
from curator.sources.files.lines import head
from curator.sources.formats import suffix
from curator.sources.tables import xls, xlsx
from curator.sources.tables.columns import SAMPLE_ROWS, distinct, named_by
from curator.sources.tables.delimited import rows as csv_rows
from curator.sources.tables.delimited import sniff_dialect
from curator.sources.tables.sheets import HEADER_WITHIN
from curator.types import Quarantined, SetAside

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    from curator.sources.formats import Reading, Start
    from curator.sources.tables.sheets import Sheet

DELIMITED = (".csv", ".tsv", ".tab")


class NamedRow(NamedTuple):
    """One row: where it stands, its cells by the names of their columns, its bytes."""

    locator: str
    cells: dict[str, str]
    raw: bytes


def delimited_rows(reading: Reading) -> Iterator[NamedRow | Quarantined | SetAside]:
    """Yield what each row of a CSV or TSV file is."""
    names: list[str] = []
    dialect = sniff_dialect(reading.path, reading.encoding, _delimiters(reading.path))
    for row in reading.tally.count(csv_rows(reading.path, reading.encoding, dialect)):
        locator = f"line {row.line}"
        if row.reason is not None:
            yield Quarantined(locator, row.reason, row.raw)
        elif not any(cell.strip() for cell in row.cells):
            yield SetAside(locator, "blank row")
        elif not names and reading.source.header:
            names = distinct(row.cells)
            yield SetAside(locator, "header")
        else:
            names = names or named_by(row.cells, header=False)
            yield NamedRow(locator, dict(zip(names, row.cells, strict=True)), row.raw)


def delimited_sample(
    path: Path, encoding: str, *, header: bool = True
) -> tuple[list[str], list[dict[str, str]]]:
    """Return the names of the columns of a CSV or TSV file, and its first good rows."""
    dialect = sniff_dialect(path, encoding, _delimiters(path))
    rows = itertools.islice(csv_rows(path, encoding, dialect), SAMPLE_ROWS + 1)
    good = [row.cells for row in rows if row.reason is None and any(c.strip() for c in row.cells)]
    if not good:
        return [], []
    names = named_by(good[0], header=header)
    rest = good[1:] if header else good
    return names, [dict(zip(names, cells, strict=True)) for cells in rest]


def sheet_rows(
    reading: Reading, fits: Callable[[Sequence[str]], bool]
) -> Iterator[NamedRow | Quarantined | SetAside]:
    """Yield what each row of each sheet of a workbook is.

    A sheet without a header that fits is quarantined row by row; a run of blank rows is
    set aside as one, and what is drawn on a sheet as well.
    """
    with _opened(reading.path) as sheets:
        for sheet in sheets:
            yield from _sheet_rows(sheet, reading, fits)


def _sheet_rows(
    sheet: Sheet, reading: Reading, fits: Callable[[Sequence[str]], bool]
) -> Iterator[NamedRow | Quarantined | SetAside]:
    at, names = _header(sheet, fits, header=reading.source.header)
    blank = number = 0
    try:
        for number, cells in enumerate(reading.tally.count(sheet), 1):
            texts = [_text(cell) for cell in cells]
            if not any(text.strip() for text in texts):
                blank += 1
                continue
            yield from _blank(sheet.title, number - 1, blank)
            blank = 0
            locator = f"sheet {sheet.title} row {number}"
            raw = json.dumps(texts, ensure_ascii=False).encode("utf-8", "surrogatepass")
            if names is None:
                yield Quarantined(locator, "a sheet without the named columns", raw)
            elif number - 1 <= at:
                yield SetAside(locator, "header" if number - 1 == at else "above the header")
            else:
                padded = itertools.zip_longest(names, texts[: len(names)], fillvalue="")
                yield NamedRow(locator, dict(padded), raw)
        yield from _blank(sheet.title, number, blank)
        for thing in reading.tally.count(sheet.drawn()):
            kind = "text box" if isinstance(thing, str) else "chart"
            yield SetAside(f"sheet {sheet.title} {kind}", kind)
    except DAMAGE:
        place = f"sheet {sheet.title} after row {number}"
        yield from _blank(sheet.title, number, blank)
        yield from reading.tally.count(
            [Quarantined(place, "the rest of the sheet is damaged", b"")]
        )


def _blank(title: str, last: int, count: int) -> Iterator[SetAside]:
    if count:
        place = f"row {last}" if count == 1 else f"rows {last - count + 1}-{last}"
        yield SetAside(f"sheet {title} {place}", "blank row", count)


def is_workbook(start: Start) -> bool:
    """Whether a file is a workbook that can be read.

    Raises:
        SourceError: it is a damaged one.

    """
    return any(kind.recognise(start) for kind in (*xlsx.FORMATS, *xls.FORMATS))


def sheet_sample(
    path: Path, fits: Callable[[Sequence[str]], bool], *, header: bool = True
) -> tuple[list[str], list[dict[str, str]]]:
    """Return the names of the columns of the first sheet that has those that fit, and its rows."""
    with _opened(path) as sheets:
        for sheet in sheets:
            at, names = _header(sheet, fits, header=header)
            if names is not None:
                first = _until_damage(sheet, at + 1 + SAMPLE_ROWS)[at + 1 :]
                named = [dict(zip(names, map(_text, cells), strict=False)) for cells in first]
                return names, named
    return [], []


def _opened(path: Path) -> AbstractContextManager[Sequence[Sheet]]:
    """Open a workbook of either format."""
    is_zip = head(path, 2) == b"PK"
    return xlsx.sheets(path) if is_zip else xls.sheets(path)


def _until_damage(sheet: Sheet, count: int) -> list[Sequence[Any]]:
    """Return the first rows of a sheet, as far as they can be read."""
    rows: list[Sequence[Any]] = []
    with contextlib.suppress(*DAMAGE):
        rows.extend(itertools.islice(sheet, count))
    return rows


def _header(
    sheet: Sheet, fits: Callable[[Sequence[str]], bool], *, header: bool
) -> tuple[int, list[str] | None]:
    """Return the row, from 0, in which the header stands, and the names in it; None for none.

    Where the first row is data, the columns go by their numbers, and the row is -1.
    """
    first = _until_damage(sheet, HEADER_WITHIN)
    if not header:
        names = named_by([None] * max(map(len, first), default=0), header=False)
        return -1, names if fits(names) else None
    for at, cells in enumerate(first):
        filled = [i for i, cell in enumerate(cells) if cell is not None]
        names = distinct(cells[: filled[-1] + 1]) if filled else []
        if fits(names):
            return at, names
    return -1, None


def _text(cell: Any) -> str:
    """Return a cell as text; whole numbers without a point, times as ISO 8601."""
    if cell is None:
        return ""
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return cell.isoformat() if isinstance(cell, dt.datetime | dt.date | dt.time) else str(cell)


def _delimiters(path: Path) -> str:
    return "\t" if suffix(path) in (".tsv", ".tab") else ",\t;|"
