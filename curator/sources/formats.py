"""What a format is: its names, how a file of it is recognised, and how it is read."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias

from curator.errors import PluginError, SourceError
from curator.plugins import warn
from curator.sources.files.encodings import check_encoding, sniff_encoding
from curator.sources.files.lines import head
from curator.types import Quarantined, Record, SetAside

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    from curator.plugins import Plugin
    from curator.schema import Source
    from curator.sources.conversations import Shape
    from curator.sources.tally import Tally

Item: TypeAlias = Record | Quarantined | SetAside
"""What a unit becomes."""

PROVEN, LIKELY, NAMED, POSSIBLE = 1.0, 0.8, 0.5, 0.2
"""How sure a recogniser is: the content proves it; most of the content looks like it; the
file's name says so; nothing speaks against it. Anything between is fine, 0 is a no."""


class Start:
    """The beginning of a file, for recognisers to look at; what they need is worked out once."""

    def __init__(self, path: Path, source: Source) -> None:
        """Read the first 64 KiB, unpacked where the file is compressed.

        Raises:
            SourceError: the file is missing, empty, or cannot be read.

        """
        self.path, self.source, self.suffix = path, source, suffix(path)
        self.data = head(path)
        if not self.data:
            raise SourceError(f"{path}: the file is empty", "remove it, or name another file")

    @cached_property
    def encoding(self) -> str:
        """The encoding of the file, given or sniffed.

        Raises:
            SourceError: the file holds no text, or there is no such encoding.

        """
        given = self.source.encoding
        return sniff_encoding(self.path) if given == "auto" else check_encoding(given, self.path)

    @cached_property
    def text(self) -> str:
        """The beginning as text; empty where the file holds none."""
        try:
            encoding = self.encoding
        except SourceError:
            return ""
        return self.data.decode(encoding, "ignore").removeprefix("\ufeff")

    @cached_property
    def lines(self) -> Sequence[str]:
        """The lines of the beginning that are not blank; one that the sample cuts is left out."""
        lines = self.text.splitlines()
        whole = lines[:-1] if len(lines) > 1 and len(self.data) >= 1 << 16 else lines
        return [line for line in whole if line.strip()]


@dataclass(frozen=True, slots=True)
class Reading:
    """What a reader works with: the file, its encoding, and what makes records of its units.

    A reader passes each unit (line, row, message, file) through `tally` where it takes
    it from the file, and says of each what it became.
    """

    path: Path
    encoding: str
    source: Source
    shape: Shape
    tally: Tally


class Table(NamedTuple):
    """How the columns of a table are looked at, before its rows are read.

    headed: whether its first row names them, unless the source says `header: false`.
    """

    header: Callable[[Path, str, Source], list[str]]
    sample: Callable[[Path, str, Source], Iterable[dict[str, Any]]]
    headed: bool = False


@dataclass(frozen=True, slots=True)
class Format:
    """One kind of file.

    recognise: how surely a file is of this kind, 0 to 1.
    read: yields what each unit of a file became, in the file's order.
    table: how to look at its columns, where it has any that can be mapped.
    binary: it is not text in some encoding.
    """

    name: str
    family: Literal["table", "chat", "document"]
    en: str
    zh: str
    recognise: Callable[[Start], float]
    read: Callable[[Reading], Iterator[Item]]
    table: Table | None = None
    binary: bool = False


def guarded(kind: Format, brought: Plugin) -> Format:
    """Return a plug-in's format whose errors name the plug-in; one in recognising means a no."""

    def recognise(start: Start) -> float:
        try:
            with brought.blamed("failed as it looked at a file"):
                return float(kind.recognise(start))
        except PluginError as error:
            warn(error)
            return 0.0

    def read(reading: Reading) -> Iterator[Item]:
        with brought.blamed(f"failed as it read {reading.path.name}"):
            counts = 0
            for item in kind.read(reading):
                counts += item.n_units
                yield item
            if counts != reading.tally.units_read:
                raise brought.error(
                    f"lost units of {reading.path.name}: {reading.tally.units_read:,} counted by"
                    f" the tally, {counts:,} told of"
                )

    return replace(kind, recognise=recognise, read=read)


def suffix(path: Path) -> str:
    """Return the last suffix of a name, that of compression left out, in lower case."""
    suffixes = [s.lower() for s in path.suffixes]
    while suffixes and suffixes[-1] in (".gz", ".gzip", ".zst", ".bz2", ".xz"):
        suffixes.pop()
    return suffixes[-1] if suffixes else ""


def named(*suffixes: str, sure: float = NAMED) -> Callable[[Start], float]:
    """Return a recogniser that goes by the file's name alone."""

    def recognise(start: Start) -> float:
        return sure if start.text and start.suffix in suffixes else 0.0

    return recognise
