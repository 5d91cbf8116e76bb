"""XLSX: every sheet of a workbook, row by row, with the row numbers that Excel shows."""

from __future__ import annotations

import re
import warnings
import zipfile
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any

from curator.errors import SourceError
from curator.sources.documents.drawings import chart, text_boxes
from curator.sources.documents.packages import Parts, check_package, package
from curator.sources.documents.text import DAMAGE
from curator.sources.files.lines import CHUNK, opened
from curator.sources.formats import PROVEN, Format
from curator.sources.tables.sheets import Merged, Workbooks

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path
    from typing import BinaryIO

    from curator.sources.documents.drawings import Chart
    from curator.sources.formats import Start
    from curator.sources.tables.sheets import Cells

_MERGED = re.compile(rb"<(?:\w+:)?mergeCell\s[^>]*?ref=\"([A-Z]{1,3})(\d+):([A-Z]{1,3})(\d+)\"")
_OVERLAP = 256


class _Sheet:
    """A worksheet, read as a stream: a stray cell far away costs no memory."""

    def __init__(self, worksheet: Any, file: BinaryIO) -> None:
        self._worksheet, self._file = worksheet, file
        self.title = str(worksheet.title)
        self._path: str = worksheet._worksheet_path.lstrip("/")  # noqa: SLF001 - told nowhere else

    def __iter__(self) -> Iterator[Cells]:
        # The size that a file states for a sheet may be wrong, and rows would be lost.
        self._worksheet.reset_dimensions()
        return iter(self._worksheet.iter_rows(values_only=True))

    @cached_property
    def merged(self) -> Sequence[Merged]:
        """The merged cells, which stand at the end of the sheet's part."""
        found: list[Merged] = []
        with zipfile.ZipFile(self._file) as archive, archive.open(self._path) as stream:
            held = b""
            while chunk := stream.read(CHUNK):
                held += chunk
                at = 0
                for match in _MERGED.finditer(held):
                    at = match.end()
                    left, top, right, bottom = match.groups()
                    found.append(
                        Merged(int(top) - 1, _column(left), int(bottom) - 1, _column(right))
                    )
                held = held[max(at, len(held) - _OVERLAP) :]
        return found

    def drawn(self) -> Iterator[Chart | str]:
        """Yield the charts and the texts of boxes on the sheet."""
        parts = Parts(self._file)
        for drawing in parts.related(self._path, "drawing"):
            yield from text_boxes(parts.read(drawing))
            for part in parts.related(drawing, "chart"):
                yield chart(parts.read(part))


def _column(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - ord("A") + 1
    return number - 1


@contextmanager
def sheets(path: Path) -> Iterator[Sequence[_Sheet]]:
    """Give the sheets of a workbook, read as a stream.

    Raises:
        SourceError: it is missing, damaged, or needs a password.

    """
    import openpyxl  # noqa: PLC0415 - slow to import, and only spreadsheets need it
    from openpyxl.utils.exceptions import InvalidFileException  # noqa: PLC0415 - as above

    check_package(path)
    with opened(path) as file:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # styles and extensions that nobody asked for
                book = openpyxl.load_workbook(file, read_only=True, data_only=True)
        except (InvalidFileException, *DAMAGE) as error:
            raise SourceError(
                f"{path}: not a workbook that can be read ({type(error).__name__})",
                "save it as .xlsx without a password",
            ) from None
        try:
            yield [_Sheet(sheet, file) for sheet in book.worksheets]
        finally:
            book.close()


def _recognise(start: Start) -> float:
    return PROVEN * package(start, "xl/", ".xlsx", ".xlsm", ".xltx")


_WORKBOOKS = Workbooks(sheets)

FORMATS = (
    Format(
        "xlsx",
        "table",
        "Excel workbook: a row a record, every sheet",
        "Excel 工作簿：每行一条，读取所有工作表",
        _recognise,
        _WORKBOOKS.read_rows,
        _WORKBOOKS.table,
        binary=True,
    ),
)
