"""Source files as bytes: plain or gzip, whole, in chunks, or one physical line after the other."""

from __future__ import annotations

import gzip
import io
import zlib
from contextlib import contextmanager
from typing import TYPE_CHECKING, BinaryIO, cast

from curator.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CHUNK = 1 << 20
_GZIP = b"\x1f\x8b"
_BOMS = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")


@contextmanager
def opened(path: Path) -> Iterator[BinaryIO]:
    """Open a file for reading, unpacked where its content (not its name) is gzip.

    Raises:
        SourceError: the file is missing, may not be read, or its gzip data are damaged.

    """
    try:
        with path.open("rb") as plain:
            packed = plain.read(2) == _GZIP
            plain.seek(0)
            if packed:
                unpacked = cast("io.RawIOBase", gzip.GzipFile(fileobj=plain))
                yield cast("BinaryIO", io.BufferedReader(unpacked, CHUNK))
            else:
                yield plain
    except FileNotFoundError:
        raise SourceError(f"{path}: no such file", "correct `path:` in curator.yaml") from None
    except (EOFError, zlib.error, gzip.BadGzipFile):
        raise SourceError(
            f"{path}: the gzip data are damaged or cut off",
            "make the file again; `gzip -t FILE` tells whether it is whole",
        ) from None
    except OSError as error:
        raise SourceError(
            f"{path}: cannot be read ({error.strerror or type(error).__name__})",
            "check the file and its permissions",
        ) from None


def chunks(path: Path) -> Iterator[bytes]:
    """Yield the file's bytes in pieces of up to 1 MiB."""
    with opened(path) as file:
        while chunk := file.read(CHUNK):
            yield chunk


def head(path: Path, size: int = 1 << 16) -> bytes:
    """Return the first bytes of a file."""
    with opened(path) as file:
        return file.read(size)


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
    0x0A alone may be half of a character there.
    """
    with opened(path) as file:
        first = file.read(CHUNK)
        data = without_bom(first, encoding)
        wide = encoding.startswith("utf-16")
        feed, back = ("\n".encode(encoding), "\r".encode(encoding)) if wide else (b"\n", b"\r")
        if wide or (feed not in data and back in data):
            yield from _split(data, file, feed if feed in data else back)
            return
        start = 0
        while (end := data.find(b"\n", start) + 1) > 0:
            yield data[start:end]
            start = end
        rest = data[start:] + (file.readline() if len(first) == CHUNK else b"")
        if rest:
            yield rest
        yield from file


def _split(data: bytes, file: BinaryIO, end: bytes) -> Iterator[bytes]:
    """Split at `end`, only at multiples of its length from the start."""
    width, held = len(end), bytearray(data)
    while held:
        start = at = 0
        while (at := held.find(end, at)) >= 0:
            if at % width:
                at += 1
                continue
            at += width
            yield bytes(held[start:at])
            start = at
        del held[:start]
        more = file.read(CHUNK)
        if not more:
            if held:
                yield bytes(held)
            return
        held += more
