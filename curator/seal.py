"""A checksum over a Parquet file's footer, in that footer: pages have theirs, the footer has none.

A writer puts a blank into the file's metadata (`SEAL`), and `seal` writes the checksum
over it. A file without one was written by somebody else, and passes.
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_KEY, _BLANK = b"curator.footer", b"0" * 16
SEAL = {_KEY: _BLANK}
# As thrift's compact protocol writes a pair: the value is the next field, a string of 16 bytes.
_HELD = re.compile(re.escape(_KEY) + rb"\x18\x10([0-9a-f]{16})")
_TAIL = 8
"""Of the file's end: the footer's length, and `PAR1`."""


def seal(path: Path) -> None:
    """Write the checksum over the blank in the footer, where there is one."""
    at, footer = _footer(path)
    held = _HELD.search(footer)
    if held:
        with path.open("r+b") as file:
            file.seek(at + held.start(1))
            file.write(_checksum(footer, held))


def is_sound(path: Path) -> bool:
    """Tell whether the footer is as it was sealed.

    Raises:
        OSError: the file cannot be read.

    """
    _, footer = _footer(path)
    held = _HELD.search(footer)
    return held is None or held[1] == _checksum(footer, held)


def _footer(path: Path) -> tuple[int, bytes]:
    """Return where the footer begins, and the footer with the file's end."""
    size = path.stat().st_size
    with path.open("rb") as file:
        file.seek(max(0, size - _TAIL))
        length = int.from_bytes(file.read(4), "little")
        at = max(0, size - _TAIL - length)
        file.seek(at)
        return at, file.read()


def _checksum(footer: bytes, held: re.Match[bytes]) -> bytes:
    blank = footer[: held.start(1)] + _BLANK + footer[held.end(1) :]
    return hashlib.sha256(blank).hexdigest()[: len(_BLANK)].encode()
