"""XLS: workbooks of Excel 97 to 2003, read as XLSX is, row by row."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from curator.errors import SourceError
from curator.sources.documents.packages import OLE, ole_holds
from curator.sources.files.lines import opened
from curator.sources.formats import PROVEN, Format
from curator.sources.tables.sheets import Merged, Workbooks

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from curator.sources.formats import Start
    from curator.sources.tables.sheets import Cells


class _Sheet:
    """A sheet of calamine, which holds it whole; the format ends at 65,536 rows."""

    def __init__(self, name: str, sheet: Any) -> None:
        self.title, self._sheet = name, sheet
        ranges = sheet.merged_cell_ranges or ()
        self.merged = [Merged(*start, *end) for start, end in ranges]

    def __iter__(self) -> Iterator[Cells]:
        for row in self._sheet.iter_rows():
            yield tuple(None if cell == "" else cell for cell in row)

    def drawn(self) -> Iterator[str]:
        """Return nothing: calamine reads no drawings."""
        return iter(())


@contextmanager
def sheets(path: Path) -> Iterator[Sequence[_Sheet]]:
    """Give the sheets of an old workbook."""
    import python_calamine as calamine  # noqa: PLC0415 - only old workbooks need it

    with opened(path) as file:
        try:
            book = calamine.CalamineWorkbook.from_filelike(file)
            kinds = [m for m in book.sheets_metadata if m.typ == calamine.SheetTypeEnum.WorkSheet]
            sheets = [_Sheet(m.name, book.get_sheet_by_name(m.name)) for m in kinds]
        except calamine.PasswordError:
            raise SourceError(f"{path}: needs a password", "save it without a password") from None
        except (calamine.CalamineError, ValueError, OSError) as error:
            raise SourceError(
                f"{path}: not a workbook that can be read ({type(error).__name__})",
                "save it as .xlsx",
            ) from None
        yield sheets


def _recognise(start: Start) -> float:
    if not start.data.startswith(OLE):
        return 0.0
    holds = any(ole_holds(start.path, name) for name in ("Workbook", "Book"))
    return PROVEN * holds


_WORKBOOKS = Workbooks(sheets)

FORMATS = (
    Format(
        "xls",
        "table",
        "Excel 97-2003 workbook: a row a record, every sheet",
        "Excel 97-2003 工作簿：每行一条，读取所有工作表",
        _recognise,
        _WORKBOOKS.read_rows,
        _WORKBOOKS.table,
        binary=True,
    ),
)
