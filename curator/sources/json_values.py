"""The elements of a JSON array, or JSON values one after the other, out of a stream of text.

Elements that are broken are told apart from their neighbours, so that one of
them costs no other: where an element does not parse, its end is where its
brackets close, or where the next one opens as this one did.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

_SPACE = re.compile(r"[ \t\r\n\ufeff]*")
_GAP = re.compile(r"[ \t\r\n,]*")
_TOKEN = re.compile(r'"(?:[^"\\\n]|\\.)*(?:"|(?=\n)|\Z)|[{}\[\],\n]')
_OPENING = re.compile(r'\{\s*"(?:[^"\\\n]|\\.)*"')
_EDGE = 16
"""An error this near to the end of what is read so far may come from the cut alone."""


class TwiceError(ValueError):
    """A JSON object holds a key twice, so that one of its values would be lost."""


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise TwiceError
    return made


_DECODER = json.JSONDecoder(object_pairs_hook=_object)


def parse(text: str) -> Any:
    """Return the value of a JSON text.

    Raises:
        ValueError: it is not JSON, holds a key twice, or is nested too deeply.

    """
    try:
        return _DECODER.decode(text)
    except RecursionError:
        raise ValueError("nested too deeply") from None


@dataclass(frozen=True, slots=True)
class Element:
    """One element: its place (from 0), its line (from 1), its text, and its value or reason."""

    index: int
    line: int
    text: str
    value: Any = None
    reason: str | None = None


class _Window:
    """The stretch of text that is held at the moment."""

    def __init__(self, pieces: Iterator[str]) -> None:
        self.pieces, self.text, self.at, self.line, self.ended = pieces, "", 0, 1, False

    def fill(self) -> bool:
        """Hold about twice as much as is left; return whether there was more."""
        left = len(self.text) - self.at
        taken = [self.text[self.at :]]
        size = 0
        while size <= left and not self.ended:
            piece = next(self.pieces, None)
            self.ended = piece is None
            taken.append(piece or "")
            size += len(taken[-1])
        self.text, self.at = "".join(taken), 0
        return size > 0

    def go(self, to: int) -> None:
        self.line += self.text.count("\n", self.at, to)
        self.at = to

    def skip(self, blank: re.Pattern[str]) -> str:
        """Go over what is blank and return the next character, or nothing at the end."""
        while True:
            match = blank.match(self.text, self.at)
            self.go(match.end() if match else self.at)
            if self.at < len(self.text):
                return self.text[self.at]
            if not self.fill():
                return ""


def elements(pieces: Iterator[str]) -> Iterator[Element]:
    """Yield the elements of JSON text that comes in pieces.

    The text is an array, or several values (or arrays) in a row. Commas too
    many and too few between elements do no harm.
    """
    window = _Window(pieces)
    inside, index, opening = False, 0, ""
    while char := window.skip(_GAP if inside else _SPACE):
        if char == "[" and not inside:
            inside = True
            window.go(window.at + 1)
        elif char == "]" and inside:
            inside = False
            window.go(window.at + 1)
        else:
            element = _take(window, index, opening)
            if element.reason is None and (match := _OPENING.match(element.text)):
                opening = match.group()
            yield element
            index += 1


def _take(window: _Window, index: int, opening: str) -> Element:
    line = window.line
    while True:
        reason = None
        try:
            value, end = _DECODER.raw_decode(window.text, window.at)
        except json.JSONDecodeError as error:
            near = error.pos + _EDGE >= len(window.text) or error.msg.startswith("Unterminated")
            if near and window.fill():
                continue
            value, reason = None, "broken JSON"
        except TwiceError:
            value, reason = None, "a key that is there twice"
        except (ValueError, RecursionError):
            value, reason = None, "broken JSON"
        if reason is None and end + 1 >= len(window.text) and window.fill():
            continue  # a number may go on
        break
    if reason is not None:
        match = _OPENING.match(window.text, window.at)
        end = _resync(window, match.group() if match else opening)
    text = window.text[window.at : end]
    window.go(end)
    return Element(index, line, text.rstrip() if reason else text, value, reason)


def _resync(window: _Window, opening: str) -> int:
    """Return where the broken element at the window's place ends."""
    while True:
        following = window.text.find(opening, window.at + 1) if opening else -1
        end = _closing(window.text, window.at, following if following > 0 else len(window.text))
        if end > window.at or following > 0:
            return end if end > window.at else following
        if not window.fill():
            return len(window.text)


def _closing(text: str, at: int, limit: int) -> int:
    """Return where the brackets that open at `at` are closed before `limit`, or -1."""
    depth = 0
    for match in _TOKEN.finditer(text, at, limit):
        token = match.group()
        if token in ("{", "["):
            depth += 1
        elif token in ("}", "]"):
            depth -= 1
            if depth <= 0:
                beyond = depth < 0 and match.start() > at
                return match.start() if beyond else match.end()
        elif token in (",", "\n") and depth == 0 and match.start() > at:
            return match.start()
    return -1
