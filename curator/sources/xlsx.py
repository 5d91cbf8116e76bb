"""XLSX: every sheet of a workbook, row by row, with the row numbers that Excel shows."""

from __future__ import annotations

import itertools
import json
import warnings
import zipfile
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from curator.errors import SourceError
from curator.sources.columns import SAMPLE_ROWS, distinct, guess_columns, says_what
from curator.sources.conversations import UnreadableError
from curator.sources.formats import PROVEN, Format, Table
from curator.types import Quarantined, Record, SetAside

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from curator.schema import Columns, Source
    from curator.sources.conversations import Shape
    from curator.sources.formats import Item, Reading, Start

_HEADER_WITHIN = 20
"""A sheet's header is looked for in its first rows: a title may stand above it."""

Cells = tuple[Any, ...]


def header(path: Path, _encoding: str, source: Source) -> list[str]:
    """Return the names of the columns of the first sheet that has the right ones."""
    columns = source.columns
    found: list[list[str]] = []
    with _sheets(path) as sheets:
        for sheet in sheets:
            names = _names(_first_rows(sheet), _needed(columns))[1]
            if names and _fits(names, columns):
                return names
            found.append(names)
    every = list(dict.fromkeys(name for names in found for name in names))
    if not every:
        raise SourceError(f"{path}: no sheet holds any row", "remove it, or name another file")
    return every if columns is not None and says_what(columns) else next(n for n in found if n)


def sample(path: Path, encoding: str, source: Source) -> Iterator[dict[str, Any]]:
    """Yield the first rows of the sheet that `header` speaks of."""
    wanted, columns = header(path, encoding, source), source.columns
    with _sheets(path) as sheets:
        for sheet in sheets:
            at, names = _names(_first_rows(sheet), _needed(columns))
            if names == wanted:
                following = itertools.islice(sheet, at + 1, at + 1 + SAMPLE_ROWS)
                yield from (_named(names, cells) for cells in following)
                return


def read_rows(reading: Reading) -> Iterator[Item]:
    """Yield what each row of each sheet is; rows are counted from 1, as they are displayed."""
    shape, needed = reading.shape, _needed(reading.shape.columns)
    with _sheets(reading.path) as sheets:
        for sheet in sheets:
            at, names = _names(_first_rows(sheet), needed)
            blank: list[int] = []
            for number, cells in enumerate(reading.tally.count(sheet), 1):
                if not _filled(cells):
                    blank.append(number)
                    continue
                yield from _blank(sheet.title, blank)
                blank = []
                locator = f"sheet {sheet.title} row {number}"
                if number - 1 <= at:
                    reason = "header" if number - 1 == at else "above the header"
                    yield SetAside(locator, reason)
                else:
                    yield _row(names, cells, locator, shape, needed)
            yield from _blank(sheet.title, blank)


def _row(
    names: list[str], cells: Cells, locator: str, shape: Shape, needed: Sequence[str]
) -> Record | Quarantined:
    row = _named(names, cells)
    raw = json.dumps(row, ensure_ascii=False, default=str).encode("utf-8", "surrogatepass")
    if not set(needed) <= set(names):
        return Quarantined(locator, "a sheet without the named columns", raw)
    try:
        return shape.row(row, locator)
    except UnreadableError as reason:
        return Quarantined(locator, str(reason), raw)


def _blank(title: str, numbers: Sequence[int]) -> Iterator[SetAside]:
    """Yield a run of blank rows as one; a formatted sheet may have a million of them."""
    if numbers:
        first, last = numbers[0], numbers[-1]
        place = f"row {first}" if first == last else f"rows {first}-{last}"
        yield SetAside(f"sheet {title} {place}", "blank row", len(numbers))


class _Sheet:
    """A worksheet that can be read more than once."""

    def __init__(self, worksheet: Any) -> None:
        self._worksheet = worksheet
        self.title = str(worksheet.title)

    def __iter__(self) -> Iterator[Cells]:
        # The size that a file states for a sheet may be wrong, and rows would be lost.
        self._worksheet.reset_dimensions()
        return iter(self._worksheet.iter_rows(values_only=True))


@contextmanager
def _sheets(path: Path) -> Iterator[list[_Sheet]]:
    import openpyxl  # noqa: PLC0415 - slow to import, and only spreadsheets need it
    from openpyxl.utils.exceptions import InvalidFileException  # noqa: PLC0415 - as above

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # styles and extensions that nobody asked for
            book = openpyxl.load_workbook(path.open("rb"), read_only=True, data_only=True)
    except FileNotFoundError:
        raise SourceError(f"{path}: no such file", "correct `path:` in curator.yaml") from None
    except (zipfile.BadZipFile, InvalidFileException, KeyError, ValueError, OSError) as error:
        raise SourceError(
            f"{path}: not a workbook that can be read ({type(error).__name__})",
            "save it as .xlsx without a password",
        ) from None
    try:
        yield [_Sheet(sheet) for sheet in book.worksheets]
    finally:
        book.close()


def _first_rows(sheet: _Sheet) -> list[Cells]:
    return list(itertools.islice(sheet, _HEADER_WITHIN))


def _names(rows: Sequence[Cells], needed: Sequence[str]) -> tuple[int, list[str]]:
    """Return the index of the header row and its names; -1 where a sheet has no row."""
    filled = [(i, _header(cells)) for i, cells in enumerate(rows) if _filled(cells)]
    if not filled:
        return -1, []
    for i, names in filled:
        if needed and set(needed) <= set(names):
            return i, names
    if not needed:
        for i, names in filled:
            if len(names) > 1 and says_what(guess_columns(names)):
                return i, names
    for (i, names), cells in zip(filled, [rows[i] for i, _ in filled], strict=True):
        if sum(cell is not None for cell in cells) > 1:
            return i, names
    return filled[0]


def _header(cells: Cells) -> list[str]:
    last = max(i for i, cell in enumerate(cells) if cell is not None)
    return distinct(cells[: last + 1])


def _named(names: Sequence[str], cells: Cells) -> dict[str, Any]:
    """Return a row by names; cells beyond the header keep the number of their column."""
    row: dict[str, Any] = dict.fromkeys(names)
    for i, cell in enumerate(cells):
        if cell is not None:
            row[names[i] if i < len(names) else f"column {i + 1}"] = _value(cell)
    return row


def _value(cell: Any) -> Any:
    return int(cell) if isinstance(cell, float) and cell.is_integer() else cell


def _filled(cells: Cells) -> bool:
    return any(cell is not None and str(cell).strip() for cell in cells)


def _needed(columns: Columns | None) -> tuple[str, ...]:
    """Return the columns without which a sheet has nothing to say."""
    if columns is None:
        return ()
    return (*columns.user, *(n for n in (columns.text, columns.messages) if n))


def _fits(names: Sequence[str], columns: Columns | None) -> bool:
    needed = _needed(columns)
    return set(needed) <= set(names) if needed else says_what(guess_columns(names))


def _recognise(start: Start) -> float:
    if not start.data.startswith(b"PK\x03\x04"):
        return 0.0
    try:
        with zipfile.ZipFile(start.path) as archive:
            return PROVEN * any(name.startswith("xl/") for name in archive.namelist())
    except (zipfile.BadZipFile, OSError):
        if start.suffix not in (".xlsx", ".xlsm"):
            return 0.0
        raise SourceError(
            f"{start.path}: a damaged workbook", "save it again from where it came"
        ) from None


FORMATS = (
    Format(
        "xlsx",
        "table",
        "Excel workbook: a row a record, every sheet",
        "Excel 工作簿：每行一条，读取所有工作表",
        _recognise,
        read_rows,
        Table(header, sample),
        binary=True,
    ),
)
