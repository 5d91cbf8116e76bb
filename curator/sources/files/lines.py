"""Source files as bytes: plain or compressed, whole, in chunks, or one physical line at a time."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import zlib
from contextlib import contextmanager
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, BinaryIO, NamedTuple, Protocol, cast

from curator.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CHUNK = 1 << 20
LINE_LIMIT = 64 << 20
"""A line, or an element of a JSON array, of more bytes than this is quarantined."""

HEAD = 1 << 10
"""How many bytes are kept of what is longer than `LINE_LIMIT`."""

_BOMS = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")
_PACKED = {
    b"\x1f\x8b": "gzip",
    b"BZh": "bzip2",
    b"\xfd7zXZ\x00": "xz",
    b"\x28\xb5\x2f\xfd": "zstd",
}
_DAMAGE = (EOFError, OSError, zlib.error, lzma.LZMAError)


class LongLine(bytes):
    """The first KiB of a line that is longer than `LINE_LIMIT`; its text is refused."""

    size: int
    """How many bytes the line has."""

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        """Return the text of the first KiB, unless the whole and correct text is asked for.

        Raises:
            TooLongError: `errors` is strict.

        """
        if errors == "strict":
            raise TooLongError(encoding, bytes(self), 0, len(self), "too long")
        return super().decode(encoding, errors)


class TooLongError(UnicodeDecodeError):
    """A line is too long to be read."""


class Cut(NamedTuple):
    """Where damaged compression ends what can be read.

    lines: how many whole lines come before.
    raw: the first KiB of the line that is not whole any more.
    """

    lines: int
    raw: bytes


@contextmanager
def opened(path: Path) -> Iterator[BinaryIO]:
    """Open a file for reading, unpacked where its content (not its name) is compressed.

    Gzip, bzip2, xz and zstd are known. Where the packed data are damaged or cut off,
    the file ends there; `cut` tells.

    Raises:
        SourceError: the file is missing, may not be read, or none of it can be unpacked.

    """
    how = None
    try:
        with path.open("rb") as plain:
            how = _compression(plain)
            if how:
                unpacked = _Unpacked(_unpacker(plain, how))
                yield cast("BinaryIO", io.BufferedReader(unpacked, CHUNK))
            else:
                yield plain
    except FileNotFoundError:
        raise SourceError(f"{path}: no such file", "correct `path:` in curator.yaml") from None
    except _DAMAGE as error:
        if how and getattr(error, "errno", None) is None:
            raise SourceError(
                f"{path}: the {how} data are damaged or cut off", "make the file again"
            ) from None
        reason = getattr(error, "strerror", None) or type(error).__name__
        raise SourceError(
            f"{path}: cannot be read ({reason})", "check the file and its permissions"
        ) from None


def cut(path: Path, encoding: str) -> Cut | None:
    """Return where damaged compression cuts a file off; None for one that is whole.

    Raises:
        SourceError: as `opened`.

    """
    with opened(path) as file:
        if not _unpacked(file):
            return None
        tail = b""
        while data := file.read(CHUNK):
            ended = data.rfind(b"\n") + 1
            tail = (data[ended:] if ended else tail + data)[:HEAD]
        if not _is_cut(file):
            return None
    return Cut(sum(1 for _ in physical_lines(path, encoding)), tail)


class _Packed(Protocol):
    def read1(self, size: int, /) -> bytes: ...


class _Unpacked(io.RawIOBase):
    """Unpacked data, which end where the packed ones are damaged."""

    def __init__(self, packed: _Packed) -> None:
        self._packed, self._given, self.damaged = packed, 0, False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        if self.damaged:
            return 0
        try:
            data = self._packed.read1(len(buffer))
        except _DAMAGE as error:
            if not self._given or getattr(error, "errno", None):
                raise
            self.damaged = True
            return 0
        buffer[: len(data)] = data
        self._given += len(data)
        return len(data)


def _compression(file: BinaryIO) -> str | None:
    start = file.read(max(map(len, _PACKED)))
    file.seek(0)
    return next((how for magic, how in _PACKED.items() if start.startswith(magic)), None)


def _unpacker(file: BinaryIO, how: str) -> _Packed:
    if how == "gzip":
        return gzip.GzipFile(fileobj=file)
    if how == "bzip2":
        return bz2.BZ2File(file)
    if how == "xz":
        return lzma.LZMAFile(file)
    return _Zstd(file)


class _Zstd:
    """Zstandard by way of Arrow, since Python 3.11 has none."""

    def __init__(self, file: BinaryIO) -> None:
        import pyarrow as pa  # noqa: PLC0415 - few files need it

        self._stream = pa.CompressedInputStream(pa.PythonFile(file, mode="r"), "zstd")

    def read1(self, size: int, /) -> bytes:
        # Small reads, so that little is lost where the data break off.
        return cast("bytes", self._stream.read(min(size, 1 << 16)))


def _unpacked(file: BinaryIO) -> _Unpacked | None:
    raw = getattr(file, "raw", None)
    return raw if isinstance(raw, _Unpacked) else None


def _is_cut(file: BinaryIO) -> bool:
    """Whether the file, read to its end, ended before its time."""
    unpacked = _unpacked(file)
    return unpacked is not None and unpacked.damaged


def chunks(path: Path) -> Iterator[bytes]:
    """Yield the file's bytes in pieces of up to 1 MiB."""
    with opened(path) as file:
        while chunk := file.read(CHUNK):
            yield chunk


def head(path: Path, size: int = 1 << 16) -> bytes:
    """Return the first bytes of a file.

    Raises:
        SourceError: as `opened`; a file that is cut off in its first line is damaged too,
            unless it is a JSON array, which may stand on one line.

    """
    with opened(path) as file:
        data = file.read(size)
        if _is_cut(file) and b"\n" not in data and not data.startswith(b"["):
            raise EOFError
        return data


def without_bom(data: bytes, encoding: str) -> bytes:
    """Return the data without a byte order mark that fits the encoding."""
    for bom in _BOMS if encoding.startswith("utf") else ():
        if data.startswith(bom) and (len(bom) == 3) != encoding.startswith("utf-16"):
            return data[len(bom) :]
    return data


def physical_lines(path: Path, encoding: str) -> Iterator[bytes]:
    """Yield the lines as bytes with their ends; a byte order mark is left out.

    A line ends at a line feed; in a file that has none at first, at a carriage
    return (old Macintosh). In UTF-16 the end is two bytes at an even place:
    0x0A alone may be half of a character there. Of a line that is longer than
    `LINE_LIMIT` comes a `LongLine`. The last line of a file whose compression
    is damaged is left out where it has no end; `cut` has it.
    """
    with opened(path) as file:
        data = without_bom(file.read(CHUNK), encoding)
        wide = encoding.startswith("utf-16")
        feed, back = ("\n".encode(encoding), "\r".encode(encoding)) if wide else (b"\n", b"\r")
        if wide or (feed not in data and back in data):
            yield from _split(data, file, feed if feed in data else back)
        else:
            yield from _by_line_feed(data, file)


def _by_line_feed(data: bytes, file: BinaryIO) -> Iterator[bytes]:
    start = 0
    while (end := data.find(b"\n", start) + 1) > 0:
        yield data[start:end]
        start = end
    following = partial(file.readline, LINE_LIMIT)
    for line in chain([data[start:] + following()], iter(following, b"")):
        if line.endswith(b"\n"):
            yield line
        elif len(line) >= LINE_LIMIT:
            yield _long(line, file)
        elif line and not _is_cut(file):
            yield line


def _long(start: bytes, file: BinaryIO) -> LongLine:
    """Go over the rest of a line."""
    size, ended = len(start), False
    while not ended and (more := file.readline(CHUNK)):
        size, ended = size + len(more), more.endswith(b"\n")
    return _head_of(start, size)


def _head_of(line: bytes | bytearray, size: int) -> LongLine:
    long = LongLine(line[:HEAD])
    long.size = size
    return long


def _split(data: bytes, file: BinaryIO, end: bytes) -> Iterator[bytes]:
    """Split at `end`, only at multiples of its length from the start."""
    width, held, dropped = len(end), bytearray(data), 0
    while held:
        start = at = 0
        while (at := held.find(end, at)) >= 0:
            if at % width:
                at += 1
                continue
            at += width
            line = held[start:at]
            yield _head_of(line, dropped + len(line)) if dropped else bytes(line)
            start, dropped = at, 0
        del held[:start]
        if len(held) > LINE_LIMIT or (dropped and len(held) > HEAD):
            more_than_head = (len(held) - HEAD) // width * width
            del held[HEAD : HEAD + more_than_head]
            dropped += more_than_head
        more = file.read(CHUNK)
        if not more:
            if held and not _is_cut(file):
                yield _head_of(held, dropped + len(held)) if dropped else bytes(held)
            return
        held += more
