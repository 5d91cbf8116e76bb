"""CSV and TSV: rows by the rules of Python's csv module, decoded line by line.

A line that does not decode, or a quote that is never closed, costs its own row
and no other.
"""

from __future__ import annotations

import csv
import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from curator.errors import SourceError
from curator.sources.conversations import UnreadableError
from curator.sources.files.lines import LongLine, physical_lines
from curator.sources.formats import Format, Table, named
from curator.sources.tables.columns import SAMPLE_ROWS, distinct, named_by
from curator.types import Quarantined, SetAside

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from curator.schema import Source
    from curator.sources.formats import Item, Reading

_DELIMITERS = {"csv": ",\t;|", "tsv": "\t"}
_QUOTING: tuple[Literal[0, 3], ...] = (csv.QUOTE_MINIMAL, csv.QUOTE_NONE)
_FIELD_LIMIT = 1 << 28
_ROW_LINES = 5000
"""A row that runs over more physical lines than this has a quote that was never closed."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """How the cells of a file are kept apart."""

    delimiter: str
    quoting: Literal[0, 3] = csv.QUOTE_MINIMAL

    def rows(self, lines: Iterator[str] | Sequence[str]) -> Iterator[list[str]]:
        """Parse lines into rows."""
        # A csv file's own limit is 128 KiB a cell, which a document in a cell exceeds.
        if csv.field_size_limit() < _FIELD_LIMIT:
            csv.field_size_limit(_FIELD_LIMIT)
        return csv.reader(lines, delimiter=self.delimiter, quoting=self.quoting)

    def widths(self, lines: Sequence[str]) -> list[int]:
        """Return the number of cells of each row; 0 for one that is broken."""
        found: list[int] = []
        parser = self.rows(iter(lines))
        while True:
            try:
                found.append(len(next(parser)))
            except StopIteration:
                return found
            except csv.Error:
                found.append(0)

    def is_strict(self, lines: Sequence[str]) -> bool:
        """Whether every quote in the lines stands where a cell begins or ends."""
        try:
            list(csv.reader(lines, delimiter=self.delimiter, quoting=self.quoting, strict=True))
        except csv.Error:
            return False
        return True


@dataclass(frozen=True, slots=True)
class Row:
    """One row: its first line (from 1), its bytes, its cells, and what is wrong with it."""

    line: int
    raw: bytes
    cells: Sequence[str]
    reason: str | None = None


def sniff_dialect(path: Path, encoding: str, delimiters: str) -> Dialect:
    """Return the delimiter and the quoting that cut the first lines most evenly."""
    raw = itertools.islice(physical_lines(path, encoding), SAMPLE_ROWS)
    lines = [text for line in raw if (text := line.decode(encoding, "replace")).strip()]
    best, best_rank = Dialect(delimiters[0]), (0.0, False, 0)
    for delimiter in delimiters:
        # Only tabs do without quotes: many tools write TSV with quotes as they are.
        modes = _QUOTING if delimiter == "\t" else _QUOTING[:1]
        for quoting in modes:
            dialect = Dialect(delimiter, quoting)
            widths = dialect.widths(lines)
            if not widths or widths[0] < 2:
                continue
            even = round(widths.count(widths[0]) / len(widths), 2)
            # Quotes around whole cells are quotes, even where a row is uneven.
            quoted = quoting == csv.QUOTE_MINIMAL and _quotes(lines, delimiter)
            rank = (even + quoted, quoting == csv.QUOTE_MINIMAL, widths[0])
            if rank > best_rank:
                best, best_rank = dialect, rank
    return best


def _quotes(lines: Sequence[str], delimiter: str) -> bool:
    return any(
        len(cell) > 1 and cell[0] == cell[-1] == '"'
        for line in lines
        for cell in line.rstrip("\r\n").split(delimiter)
    )


def header(path: Path, encoding: str, source: Source) -> list[str]:
    """Return the names of the columns.

    Raises:
        SourceError: the header cannot be decoded, or there is none.

    """
    dialect = sniff_dialect(path, encoding, _DELIMITERS[source.format])
    for row in rows(path, encoding, dialect):
        if row.reason is not None:
            raise SourceError(
                f"{path}:{row.line}: the header cannot be read ({row.reason})",
                "give the file's `encoding:`, or mend its first line",
            )
        if _filled(row.cells):
            return named_by(row.cells, header=source.header)
    raise SourceError(f"{path}: no row holds any text", "remove it, or name another file")


def rows(path: Path, encoding: str, dialect: Dialect) -> Iterator[Row]:
    """Yield the rows of a file, the header as the first that is not blank."""
    lines = _Lines(physical_lines(path, encoding), encoding)
    parser = dialect.rows(lines)
    width = 0
    while True:
        start = lines.begin()
        reason = None
        try:
            cells = next(parser)
        except StopIteration:
            return
        except csv.Error:
            cells, reason = [], "broken CSV"
        quoted_on = lines.ended or _stray_quote(lines, cells, width, dialect)
        if quoted_on:
            # Give the other lines back: they are rows of their own.
            reason = "a quote that is never closed"
            lines.give_back()
            parser = dialect.rows(lines)
        if lines.undecodable:
            reason = f"bytes that are not {encoding}"
        if reason is None and width and _filled(cells) and len(cells) != width:
            reason = f"{len(cells)} columns where {width} are named"
        if reason is None and not width and _filled(cells):
            width = len(cells)
        yield Row(start, lines.taken(), cells, reason)


class _Lines:
    """Physical lines as text, remembered for as long as the row that they make is not finished."""

    def __init__(self, raw: Iterator[bytes], encoding: str) -> None:
        self._raw, self._encoding = raw, encoding
        self._back: list[bytes] = []
        self._row: list[bytes] = []
        self._next_line = 1
        self.ended = False

    def begin(self) -> int:
        """Forget the last row; return the line at which the next one starts."""
        self._next_line += len(self._row)
        self._row, self.ended = [], False
        return self._next_line

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        line = self._back.pop() if self._back else next(self._raw, None)
        if line is None or len(self._row) >= _ROW_LINES:
            if line is not None:
                self._back.append(line)
            self.ended = True
            raise StopIteration
        self._row.append(line)
        return line.decode(self._encoding, "replace")

    @property
    def texts(self) -> list[str]:
        """The row's lines."""
        return [line.decode(self._encoding, "replace") for line in self._row]

    @property
    def following(self) -> list[str]:
        """The row's lines after the first."""
        return self.texts[1:] if len(self._row) > 1 else []

    @property
    def undecodable(self) -> bool:
        if any(isinstance(line, LongLine) for line in self._row):
            return True  # what was not held cannot be decoded
        try:
            b"".join(self._row).decode(self._encoding)
        except UnicodeDecodeError:
            return True
        return False

    def give_back(self) -> None:
        """Keep only the first line for this row."""
        self._back += reversed(self._row[1:])
        del self._row[1:]

    def taken(self) -> bytes:
        return b"".join(self._row)


def _stray_quote(lines: _Lines, cells: Sequence[str], width: int, dialect: Dialect) -> bool:
    """Whether a row over several lines is rather one stray quote and good rows after it.

    Either its number of cells is wrong, or a quote in it closes in the middle of a cell.
    """
    following = lines.following
    if width < 2 or not following or (len(cells) == width and dialect.is_strict(lines.texts)):
        return False
    alone = dialect.widths(following)
    return alone.count(width) * 2 > len(alone)


def _filled(cells: Sequence[str]) -> bool:
    return any(cell.strip() for cell in cells)


def sample(path: Path, encoding: str, source: Source) -> Iterator[dict[str, Any]]:
    """Yield the first good rows by the names of their columns."""
    names: list[str] = []
    dialect = sniff_dialect(path, encoding, _DELIMITERS[source.format])
    for row in itertools.islice(rows(path, encoding, dialect), SAMPLE_ROWS):
        if row.reason is None and _filled(row.cells):
            begins = not names
            if begins:
                names = named_by(row.cells, header=source.header)
            if not (begins and source.header):
                yield dict(zip(names, row.cells, strict=True))


def read_rows(reading: Reading) -> Iterator[Item]:
    """Yield what each row of a CSV or TSV file is."""
    names: list[str] = []
    path, encoding, shape = reading.path, reading.encoding, reading.shape
    dialect = sniff_dialect(path, encoding, _DELIMITERS[reading.source.format])
    for row in reading.tally.count(rows(path, encoding, dialect)):
        locator = f"line {row.line}"
        if row.reason is not None:
            yield Quarantined(locator, row.reason, row.raw)
        elif not _filled(row.cells):
            yield SetAside(locator, "blank row")
        elif not names and reading.source.header:
            names = distinct(row.cells)
            yield SetAside(locator, "header")
        else:
            names = names or named_by(row.cells, header=False)
            try:
                yield shape.row(dict(zip(names, row.cells, strict=True)), locator)
            except UnreadableError as reason:
                yield Quarantined(locator, str(reason), row.raw)


_TABLE = Table(header, sample, headed=True)
FORMATS = (
    Format(
        "csv",
        "table",
        "CSV: a row a line; comma, semicolon, tab or bar",
        "CSV：逗号、分号、制表符或竖线分隔",
        named(".csv"),
        read_rows,
        _TABLE,
    ),
    Format(
        "tsv",
        "table",
        "TSV: tabs between the cells",
        "TSV：制表符分隔",
        named(".tsv", ".tab"),
        read_rows,
        _TABLE,
    ),
)
