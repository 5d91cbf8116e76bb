"""The rows of a workbook's sheets, whatever its format: headers, titles above them, merged cells.

A sheet's header need not be its first row, nor one row: where cells of it are merged
over columns, the row below says more. A merged cell counts for each row and column
that it reaches over.
"""

from __future__ import annotations

import itertools
import json
import re
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from curator.errors import SourceError
from curator.sources.conversations import UnreadableError
from curator.sources.documents.grids import markdown_table
from curator.sources.documents.outline import Outline
from curator.sources.documents.text import DAMAGE
from curator.sources.formats import Table
from curator.sources.tables.columns import SAMPLE_ROWS, distinct, guess_columns, named_by, says_what
from curator.types import Quarantined, Record, SetAside

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    from curator.schema import Columns, Source
    from curator.sources.conversations import Shape
    from curator.sources.documents.drawings import Chart
    from curator.sources.formats import Item, Reading

HEADER_WITHIN = 20
"""A sheet's header is looked for in its first rows: a title may stand above it."""

_WIDEST = 256
"""A cell merged over more columns than this is a ground, not a value of them all."""

Cells = tuple[Any, ...]

_DEFAULT_NAME = re.compile(r"(?:sheet|工作表|表|页)\s*\d*", re.IGNORECASE)


class Merged(NamedTuple):
    """A range of cells that are one, counted from 0, both ends included."""

    top: int
    left: int
    bottom: int
    right: int


class Sheet(Protocol):
    """A sheet that can be read more than once, from its first row and column on."""

    @property
    def title(self) -> str:
        """Its name."""

    @property
    def merged(self) -> Sequence[Merged]:
        """The cells that are merged."""

    def __iter__(self) -> Iterator[Cells]: ...

    def drawn(self) -> Iterable[Chart | str]:
        """Return the charts and the texts of boxes that are drawn on it."""


class Workbooks:
    """Reads workbooks of one format, given how one is opened."""

    def __init__(self, opened: Callable[[Path], AbstractContextManager[Sequence[Sheet]]]) -> None:
        """Take what opens a workbook; it raises SourceError where it cannot."""
        self._opened = opened

    @property
    def table(self) -> Table:
        """How the columns are looked at before the rows are read."""
        return Table(self.header, self.sample, headed=True)

    def header(self, path: Path, _encoding: str, source: Source) -> list[str]:
        """Return the names of the columns of the first sheet that has the right ones."""
        return self._looked_at(path, source).names

    def sample(self, path: Path, _encoding: str, source: Source) -> Iterator[dict[str, Any]]:
        """Yield the first rows of the sheet that `header` speaks of."""
        return iter(self._looked_at(path, source).rows)

    def _looked_at(self, path: Path, source: Source) -> _Look:
        status = path.stat()
        return _look(
            self._opened,
            path,
            status.st_size,
            status.st_mtime_ns,
            source.columns,
            header=source.header,
        )

    def read_rows(self, reading: Reading) -> Iterator[Item]:
        """Yield what each row of each sheet is; rows are counted from 1, as they are displayed."""
        needed = _needed(reading.shape.columns)
        with self._opened(reading.path) as sheets:
            for sheet in sheets:
                yield from _read_sheet(sheet, reading, needed)


class _Look(NamedTuple):
    """The names of a workbook's columns and its first rows."""

    names: list[str]
    rows: list[dict[str, Any]]


@lru_cache(maxsize=4)
def _look(
    opened: Callable[[Path], AbstractContextManager[Sequence[Sheet]]],
    path: Path,
    _size: int,
    _changed: int,
    columns: Columns | None,
    *,
    header: bool,
) -> _Look:
    """Look at a workbook before its rows are read: once, since to open one takes long."""
    found: list[list[str]] = []
    with opened(path) as sheets:
        for sheet in sheets:
            top = _top(sheet, _needed(columns), path, header=header)
            if top.names and _fits(top.names, columns):
                return _Look(top.names, _first_rows(sheet, top, path))
            found.append(top.names)
        every = list(dict.fromkeys(name for names in found for name in names))
        if not every:
            raise SourceError(f"{path}: no sheet holds any row", "remove it, or name another file")
        said = columns is not None and says_what(columns)
        wanted = every if said else next(n for n in found if n)
        for sheet in sheets:
            top = _top(sheet, _needed(columns), path, header=header)
            if top.names == wanted:
                return _Look(wanted, _first_rows(sheet, top, path))
    return _Look(wanted, [])


def _first_rows(sheet: Sheet, top: _Top, path: Path) -> list[dict[str, Any]]:
    rows = itertools.islice(_guarded(sheet, path), top.end, top.end + SAMPLE_ROWS)
    return [_named(top.names, cells) for cells in rows]


@dataclass
class _Top:
    """What stands above a sheet's rows: titles, and the header in rows `start` to `end`.

    names is empty where a sheet has no row.
    """

    start: int = 0
    end: int = 0
    names: list[str] = field(default_factory=list)
    titles: tuple[str, ...] = ()


def _read_sheet(sheet: Sheet, reading: Reading, needed: Sequence[str]) -> Iterator[Item]:
    shape = reading.shape
    top = _top(sheet, needed, reading.path, header=reading.source.header)
    context = (*(() if _DEFAULT_NAME.fullmatch(sheet.title.strip()) else (sheet.title,)),
               *top.titles)  # fmt: skip
    names, kinds = top.names, _Kinds()
    blank: list[int] = []
    number = 0
    rows = _merged_filled(iter(sheet), sheet.merged, len(names), top.end)
    try:
        for number, cells in enumerate(reading.tally.count(rows), 1):
            if not _filled(cells):
                blank.append(number)
                continue
            locator = f"sheet {sheet.title} row {number}"
            headed = top.end > top.start
            again = (
                bool(blank)
                and headed
                and not needed
                and number > top.end
                and kinds.is_header(cells)
            )
            yield from _blank(sheet.title, blank)
            blank = []
            if number <= top.end:
                yield SetAside(locator, "header" if number > top.start else "above the header")
            elif again:
                names, kinds = _header(cells), _Kinds()
                yield SetAside(locator, "header")
            else:
                kinds.add(cells)
                yield _row(names, cells, locator, shape, needed, context)
    except DAMAGE:
        yield from _blank(sheet.title, blank)
        place = f"sheet {sheet.title} after row {number}"
        yield from reading.tally.count(
            [Quarantined(place, "the rest of the sheet is damaged", b"")]
        )
        return
    yield from _blank(sheet.title, blank)
    yield from _drawings(sheet, reading, needed, context)


def _drawings(
    sheet: Sheet, reading: Reading, needed: Sequence[str], context: tuple[str, ...]
) -> Iterator[Item]:
    """Yield each chart and text box of a sheet as a document, where rows are documents too."""
    counts = {"chart": 0, "text box": 0}
    try:
        for thing in reading.tally.count(sheet.drawn()):
            kind = "text box" if isinstance(thing, str) else "chart"
            counts[kind] += 1
            locator = f"sheet {sheet.title} {kind} {counts[kind]}"
            outline = Outline()
            if isinstance(thing, str):
                outline.add("paragraph", thing, locator)
            else:
                outline.heading(1, thing.title, locator)
                outline.add("table", markdown_table(thing.rows), locator)
            if needed or not outline.parts:
                yield SetAside(locator, kind)
                continue
            parts = (replace(p, heading_path=(*context, *p.heading_path)) for p in outline.parts)
            yield reading.shape.record("document", tuple(parts), locator)
    except DAMAGE:
        place = f"sheet {sheet.title} drawings"
        yield from reading.tally.count([Quarantined(place, "damaged drawings", b"")])


class _Kinds:
    """What the rows so far hold in each column: a second header shows where figures stood."""

    def __init__(self) -> None:
        self._figures: dict[int, int] = {}
        self._texts: dict[int, int] = {}

    def add(self, cells: Cells) -> None:
        for i, cell in enumerate(cells):
            if cell is not None:
                kind = self._texts if isinstance(cell, str) else self._figures
                kind[i] = kind.get(i, 0) + 1

    def is_header(self, cells: Cells) -> bool:
        filled = [i for i, cell in enumerate(cells) if cell is not None]
        if len(filled) < 2 or not all(isinstance(cells[i], str) for i in filled):
            return False
        return any(self._figures.get(i, 0) > self._texts.get(i, 0) for i in filled)


def _row(
    names: list[str],
    cells: Cells,
    locator: str,
    shape: Shape,
    needed: Sequence[str],
    context: tuple[str, ...],
) -> Record | Quarantined:
    row = _named(names, cells)
    raw = json.dumps(row, ensure_ascii=False, default=str).encode("utf-8", "surrogatepass")
    if not set(needed) <= set(names):
        return Quarantined(locator, "a sheet without the named columns", raw)
    try:
        record = shape.row(row, locator)
    except UnreadableError as reason:
        return Quarantined(locator, str(reason), raw)
    if record.kind == "document" and context:
        parts = (replace(p, heading_path=(*context, *p.heading_path)) for p in record.parts)
        record = replace(record, parts=tuple(parts))
    return record


def _blank(title: str, numbers: Sequence[int]) -> Iterator[SetAside]:
    """Yield a run of blank rows as one; a formatted sheet may have a million of them."""
    if numbers:
        first, last = numbers[0], numbers[-1]
        place = f"row {first}" if first == last else f"rows {first}-{last}"
        yield SetAside(f"sheet {title} {place}", "blank row", len(numbers))


def _merged_filled(
    rows: Iterable[Cells], merged: Sequence[Merged], width: int, header_end: int
) -> Iterator[Cells]:
    """Yield the rows with what a merged cell says in each place that it reaches over.

    A row that holds nothing of its own stays as it is, and so does a cell that is merged
    over the whole width, which is a note between the rows.
    """
    wide = (m for m in merged if m.right - m.left < _WIDEST)
    waiting = sorted(wide, reverse=True)
    active: list[tuple[Merged, Any]] = []
    for number, cells in enumerate(rows):
        active = [(m, value) for m, value in active if m.bottom >= number]
        while waiting and waiting[-1].top <= number:
            found = waiting.pop()
            value = cells[found.left] if found.left < len(cells) else None
            if value is not None and found.top == number:
                active.append((found, value))
        if not active or not _filled(cells):
            yield cells
            continue
        out = list(cells)
        for m, value in active:
            whole = number >= header_end and m.right - m.left + 1 >= max(width, 2)
            right = m.left if whole else m.right
            out += [None] * (right + 1 - len(out))
            for i in range(m.left, right + 1):
                if out[i] is None:
                    out[i] = value
        yield tuple(out)


def _guarded(sheet: Sheet, path: Path) -> Iterator[Cells]:
    """Yield the rows of a sheet before any is counted.

    Raises:
        SourceError: the sheet is damaged.

    """
    try:
        yield from sheet
    except DAMAGE as error:
        raise SourceError(
            f"{path}: the sheet {sheet.title} is damaged ({type(error).__name__})",
            "save it again from where it came",
        ) from None


def _top(sheet: Sheet, needed: Sequence[str], path: Path, *, header: bool) -> _Top:
    """Find the header of a sheet: the row with the names that are needed, or known, or several.

    Without a header the columns go by their numbers, as many as the first rows have.
    """
    rows = list(itertools.islice(_guarded(sheet, path), HEADER_WITHIN))
    filled = [i for i, cells in enumerate(rows) if _filled(cells)]
    if not filled:
        return _Top()
    if not header:
        width = max(len(rows[i]) for i in filled)
        return _Top(filled[0], filled[0], named_by([None] * width, header=False))
    tops = [_top_at(i, rows, sheet.merged) for i in filled]
    chosen = next((t for t in tops if needed and set(needed) <= set(t.names)), None)
    if chosen is None and not needed:
        known = (t for t in tops if len(t.names) > 1 and says_what(guess_columns(t.names)))
        chosen = next(known, None)
    if chosen is None:
        several = (t for t in tops if sum(cell is not None for cell in rows[t.start]) > 1)
        chosen = next(several, tops[0])
        cells = [cell for cell in rows[chosen.start] if cell is not None]
        if not needed and len(cells) > 1 and not any(isinstance(cell, str) for cell in cells):
            # Figures alone name nothing: the sheet has no header.
            names = named_by(rows[chosen.start], header=False)
            chosen = _Top(chosen.start, chosen.start, names)
    above = (i for i in filled if i < chosen.start)
    chosen.titles = tuple(" ".join(map(str, _distinct_texts(rows[i]))) for i in above)
    return chosen


def _top_at(at: int, rows: Sequence[Cells], merged: Sequence[Merged]) -> _Top:
    """Return the header that begins in a row."""
    here = [m for m in merged if m.top == at]
    # One cell merged over all columns is a title, and no header.
    alone = len(_distinct_texts(rows[at])) < 2
    over = [m for m in here if m.right > m.left and not alone]
    depth = 1 + max((m.bottom - at for m in here if not alone), default=0)
    if over and depth == 1 and at + 1 < len(rows) and _goes_on(rows[at + 1], over):
        depth = 2
    depth = min(depth, len(rows) - at, 4)
    if depth == 1 and not over:
        return _Top(at, at + 1, _header(rows[at]))
    names = [
        [str(cell).strip() if cell is not None else "" for cell in cells]
        for cells in _merged_filled(rows[: at + depth], merged, 0, at + depth)
    ]
    width = max(map(len, names[at:]))
    parts = [[row[i] if i < len(row) else "" for row in names[at:]] for i in range(width)]
    said = [" ".join(dict.fromkeys(p for p in column if p)) or None for column in parts]
    while said and said[-1] is None:
        said.pop()
    return _Top(at, at + depth, distinct(said))


def _goes_on(cells: Cells, over: Sequence[Merged]) -> bool:
    """Whether a row says more of what merged header cells say: texts only, several under each."""
    if not all(cell is None or isinstance(cell, str) for cell in cells):
        return False
    return all(sum(cell is not None for cell in cells[m.left : m.right + 1]) > 1 for m in over)


def _distinct_texts(cells: Cells) -> list[Any]:
    return list(dict.fromkeys(cell for cell in cells if cell is not None and str(cell).strip()))


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
