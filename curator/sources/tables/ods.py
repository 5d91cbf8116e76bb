"""ODS: OpenDocument sheets (OASIS, 1.3), read as XLSX is, row by row, as a stream.

A row or a cell that is the same as the one before is only counted in the file. So the
empty rows at a sheet's end, which may be a million, cost nothing.
"""

from __future__ import annotations

import datetime as dt
import zipfile
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

from curator.errors import SourceError
from curator.sources.documents.opendocument import DRAW, OFFICE, TABLE, TEXT, inline
from curator.sources.documents.packages import check_package, package
from curator.sources.documents.text import DAMAGE
from curator.sources.files.lines import opened
from curator.sources.formats import PROVEN, Format
from curator.sources.tables.sheets import Merged, Workbooks

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path
    from typing import BinaryIO

    from curator.sources.formats import Start
    from curator.sources.tables.sheets import Cells

_MIME = b"application/vnd.oasis.opendocument.spreadsheet"
_CELLS = (f"{TABLE}table-cell", f"{TABLE}covered-table-cell")
_TABLE, _ROW, _SOURCE = f"{TABLE}table", f"{TABLE}table-row", f"{TABLE}table-source"
_SHOWN = (f"{DRAW}frame", f"{DRAW}custom-shape", f"{DRAW}caption")
_MOST_ROWS, _MOST_COLUMNS = 1 << 20, 1 << 14
"""What the largest sheets of office programs hold."""


class _Beside(NamedTuple):
    """What a sheet holds beside its rows: its merged cells, and the texts of boxes."""

    merged: list[Merged]
    boxes: list[str]


class _Sheet:
    """A sheet, the `number`th table of the body."""

    def __init__(self, title: str, number: int, file: BinaryIO) -> None:
        self.title, self._number, self._file = title, number, file

    def __iter__(self) -> Iterator[Cells]:
        empty = count = 0
        for row in self._elements():
            if row.tag != _ROW:
                continue
            cells = _values(row)
            times = _times(row, "rows", _MOST_ROWS)
            if not cells:
                empty += times
                continue
            count += empty + times
            if count > _MOST_ROWS:
                raise ValueError("more rows than a sheet can have")
            for _ in range(empty):
                yield ()
            empty = 0
            for _ in range(times):
                yield cells

    @property
    def merged(self) -> Sequence[Merged]:
        """The merged cells."""
        return self._beside.merged

    def drawn(self) -> Iterator[str]:
        """Yield the texts of boxes on the sheet; a chart draws what its cells say."""
        yield from self._beside.boxes

    @cached_property
    def _beside(self) -> _Beside:
        merged: list[Merged] = []
        boxes: list[str] = []
        top = 0
        for element in self._elements():
            if element.tag in _SHOWN:
                said = [inline(p)[0].strip() for p in element.iter(f"{TEXT}p")]
                boxes.append("\n".join(filter(None, said)))
            elif element.tag == _ROW:
                left = 0
                for cell in element.iterchildren(*_CELLS):
                    across = _times(cell, "columns", _MOST_COLUMNS, "spanned")
                    down = _times(cell, "rows", _MOST_ROWS, "spanned")
                    if across > 1 or down > 1:
                        merged.append(Merged(top, left, top + down - 1, left + across - 1))
                    left += _times(cell, "columns", _MOST_COLUMNS)
                top += _times(element, "rows", _MOST_ROWS)
        return _Beside(merged, boxes)

    def _elements(self) -> Iterator[Any]:
        for number, element in _elements(self._file):
            if number == self._number:
                yield element
            elif number > self._number:
                return


def _elements(file: BinaryIO) -> Iterator[tuple[int, Any]]:
    """Yield the rows of each sheet, what is drawn on it, and at last the sheet itself.

    Each comes with the number of its sheet, and is emptied afterwards.
    """
    from lxml import etree  # noqa: PLC0415 - only web pages and office files need it

    tags = (_TABLE, _ROW, _SOURCE, *_SHOWN)
    number = depth = 0
    with zipfile.ZipFile(file) as archive, archive.open("content.xml") as stream:
        for event, element in etree.iterparse(
            stream, ("start", "end"), tag=tags, resolve_entities=False, no_network=True
        ):
            if element.tag == _TABLE:  # one in another's cell is of depth 2
                depth += 1 if event == "start" else -1
                number += event == "start" and depth == 1
            if event == "start" or depth != (0 if element.tag == _TABLE else 1):
                continue
            yield number, element
            element.clear()
            if element.tag in (_TABLE, _ROW):
                while element.getprevious() is not None:
                    del element.getparent()[0]


def _values(row: Any) -> Cells:
    """Return what the cells of a row hold, up to the last that holds anything."""
    values: list[Any] = []
    empty = 0
    for cell in row.iterchildren(*_CELLS):
        value = _value(cell) if cell.tag == _CELLS[0] else None
        times = _times(cell, "columns", _MOST_COLUMNS)
        if value is None:
            empty += times
            continue
        if len(values) + empty + times > _MOST_COLUMNS:
            raise ValueError("more columns than a sheet can have")
        values += [*[None] * empty, *[value] * times]
        empty = 0
    return tuple(values)


def _value(cell: Any) -> Any:
    """Return a number, a date or whether something is true; all else as it is shown."""
    kind = cell.get(f"{OFFICE}value-type")
    if kind == "float":
        number = float(cell.get(f"{OFFICE}value"))
        return int(number) if number.is_integer() else number
    if kind == "boolean":
        return cell.get(f"{OFFICE}boolean-value") == "true"
    shown = "\n".join(inline(p)[0].strip() for p in cell.iterchildren(f"{TEXT}p"))
    if kind == "date":
        try:
            return dt.datetime.fromisoformat(cell.get(f"{OFFICE}date-value"))
        except (TypeError, ValueError):  # a date that does not exist
            pass
    return shown if shown.strip() else None


def _times(element: Any, what: str, most: int, how: str = "repeated") -> int:
    return max(1, min(int(element.get(f"{TABLE}number-{what}-{how}") or 1), most))


@contextmanager
def sheets(path: Path) -> Iterator[Sequence[_Sheet]]:
    """Give the sheets of a workbook, read as a stream.

    Raises:
        SourceError: it is missing, damaged, or needs a password.

    """
    check_package(path)
    with opened(path) as file:
        try:
            found = list(_titles(file))
        except DAMAGE as error:
            raise SourceError(
                f"{path}: not a workbook that can be read ({type(error).__name__})",
                "open it and save it again",
            ) from None
        yield [_Sheet(title, number, file) for number, title in found]


def _titles(file: BinaryIO) -> Iterator[tuple[int, str]]:
    """Yield the number and the name of each sheet; the copy of another file's is none."""
    copies: set[int] = set()
    for number, element in _elements(file):
        if element.tag == _SOURCE:
            copies.add(number)
        elif element.tag == _TABLE and number not in copies:
            yield number, str(element.get(f"{TABLE}name") or f"table {number}")


def _recognise(start: Start) -> float:
    if _MIME not in start.data[:200]:
        return 0.0
    return PROVEN * package(start, "content.xml", ".ods", ".ots")


_WORKBOOKS = Workbooks(sheets)

FORMATS = (
    Format(
        "ods",
        "table",
        "OpenDocument sheets: a row a record, every sheet",
        "OpenDocument 电子表格：每行一条，读取所有工作表",
        _recognise,
        _WORKBOOKS.read_rows,
        _WORKBOOKS.table,
        binary=True,
    ),
)
