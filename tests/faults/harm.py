"""Ways in which a file is damaged."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random
    from pathlib import Path

HARMS = ("gone", "empty", "cut", "flipped")


def harm(path: Path, how: str, draw: random.Random) -> None:
    """Damage a file in one of the ways."""
    data = bytearray(path.read_bytes())
    if how == "gone":
        path.unlink()
    elif how == "empty":
        path.write_bytes(b"")
    elif how == "cut":
        path.write_bytes(data[: draw.randrange(1, len(data))])
    else:
        data[draw.randrange(len(data))] ^= 1 << draw.randrange(8)
        path.write_bytes(data)
