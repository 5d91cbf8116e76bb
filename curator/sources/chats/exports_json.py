"""What the JSON exports of chats share: their pieces with a place each, and their times."""

from __future__ import annotations

import datetime as dt
import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from curator.sources.chats.assembly import assemble
from curator.sources.tables.json_text import as_bytes, has_half, pieces, wrong_text
from curator.sources.tables.json_values import Element, inside
from curator.types import Quarantined, SetAside

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    from curator.sources.chats.messages import Said
    from curator.sources.formats import Item, Reading


@dataclass(frozen=True, slots=True)
class Piece:
    """A JSON object out of an export: its fields, its bytes, and where it is.

    path: the keys that it lies under, joined by dots.
    around: the objects about it, as far as they had been read when it came.
    is_frame: the object that was about the pieces before it, without them.
    """

    fields: dict[str, Any]
    raw: bytes
    place: str
    path: str
    around: tuple[dict[str, Any], ...]
    is_frame: bool
    index: int


def read_pieces(reading: Reading, streamed: Collection[str]) -> Iterator[Piece | Quarantined]:
    """Yield the objects in the arrays at the paths `streamed`, and those about them after them.

    What is broken, no object, or no text that can be stored comes as quarantined.
    Nothing is counted yet: what the units are is the format's to say.
    """
    encoding = reading.encoding
    for element in inside(pieces(reading.path, encoding), streamed):
        raw = as_bytes(element.text, encoding)
        wrong = wrong_text(None, element.text, encoding) or element.reason
        if wrong is None and not isinstance(element.value, dict):
            wrong = "not a JSON object"
        if wrong:
            yield Quarantined(_where(element), wrong, raw)
        else:
            yield Piece(
                element.value,
                raw,
                element.place,
                element.path,
                element.around,
                element.ended,
                element.index,
            )


def read_chats(
    reading: Reading, streamed: Collection[str], message: Callable[[Piece], Said]
) -> Iterator[Item]:
    """Yield the conversations of chats whose messages lie at the paths `streamed`.

    One chat, which is an object about messages, is read after the other; what the
    object says beside its messages is set aside.
    """
    said = _of_chats(reading, streamed, message)
    for _, of_one in itertools.groupby(said, key=lambda numbered: numbered[0]):
        yield from assemble((one for _, one in of_one), reading)


def _of_chats(
    reading: Reading, streamed: Collection[str], message: Callable[[Piece], Said]
) -> Iterator[tuple[int, Said]]:
    """Yield what each piece is, with the number of its chat."""
    number, chat = 0, None
    for piece in reading.tally.count(read_pieces(reading, streamed)):
        if isinstance(piece, Quarantined):
            yield number, piece
        elif piece.is_frame:
            yield number, SetAside(piece.place, "about the export")
        else:
            around = piece.around[-1] if piece.around else None
            if around is not chat:
                number, chat = number + 1, around
            yield number, message(piece)


def _where(element: Element) -> str:
    if element.broken_at is None:
        return element.place
    return "{} (broken at line {} column {})".format(element.place, *element.broken_at)


def broken_text(fields: dict[str, Any], raw: bytes) -> str | None:
    """Return why an object's text cannot be stored: halves of surrogate pairs, written as escapes.

    raw: its JSON.
    """
    return wrong_text(fields, raw.decode("ascii", "replace"), "") if b"\\u" in raw else None


def instant(value: object) -> str | None:
    """Return a time as ISO 8601 in UTC where it counts seconds since 1970, else as it is written.

    Milliseconds are known by their size. None where there is no time.
    """
    if isinstance(value, bool) or value in (None, ""):
        return None
    try:
        seconds = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return value if isinstance(value, str) else None
    seconds = seconds / 1000 if abs(seconds) > 1e11 else seconds
    try:
        return dt.datetime.fromtimestamp(seconds, dt.UTC).isoformat(timespec="seconds")
    except (OverflowError, OSError, ValueError):
        return None


def identifier(value: object) -> str | None:
    """Return an id as text; None where there is none."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    return storable(str(value)) or None


def storable(text: str) -> str:
    """Return a name or a title with question marks for halves of surrogate pairs."""
    return text.encode("utf-8", "replace").decode() if has_half(text) else text


def said_text(value: object) -> str:
    """Return a text; nothing, or what is no text, is the empty one."""
    return value if isinstance(value, str) else ""


def listed(value: object) -> list[Any]:
    """Return a list; what is none is the empty one."""
    return value if isinstance(value, list) else []


def mapped(value: object) -> dict[str, Any]:
    """Return an object; what is none is the empty one."""
    return value if isinstance(value, dict) else {}
