"""JSON values out of a stream of text: elements of arrays, however large the file is.

Elements that are broken are told apart from their neighbours, so that one of
them costs no other: where an element does not parse, its end is where its
brackets close, or where the next one opens as this one did.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from curator.sources.files.lines import HEAD, LINE_LIMIT
from curator.sources.tables.json_text import wrong_text

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

ELEMENT_LIMIT = LINE_LIMIT // 4
"""An element of more characters than this (64 MiB at most) is quarantined, its head kept."""

_SPACE = re.compile(r"[ \t\r\n\ufeff]*")
_GAP = re.compile(r"[ \t\r\n,\ufeff]*")
_TOKEN = re.compile(r'"(?:[^"\\\n]|\\.)*+(?:"|(?=\\?\n)|\\?\Z)|[{}\[\],\n]')
_OPENING = re.compile(r'\{\s*"(?:[^"\\\n]|\\.)*"')
_STRING = r'"(?:[^"\\]|\\.)*+"'
_BRACKETS = re.compile(_STRING + r'|["{}\[\]]', re.DOTALL)
_BRACKETS_AND_COMMAS = re.compile(_STRING + r'|["{}\[\],]', re.DOTALL)
_TO_STRING_END = re.compile(r'(?:[^"\\]|\\.)*+(")?', re.DOTALL)
_EDGE = 16
"""An error this near to the end of what is read so far may come from the cut alone."""


class TwiceError(ValueError):
    """A JSON object holds a key twice, so that one of its values would be lost."""


class TooDeepError(ValueError):
    """JSON is nested more deeply than can be followed."""


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise TwiceError
    return made


def _number(text: str) -> float | str:
    """Return a number, or its text where it is too large for one (1e999)."""
    value = float(text)
    return value if math.isfinite(value) else text


# NaN is what tables without a value become; the infinities keep their names.
_CONSTANTS = {"NaN": None, "Infinity": "Infinity", "-Infinity": "-Infinity"}
_DECODER = json.JSONDecoder(
    object_pairs_hook=_object, parse_float=_number, parse_constant=_CONSTANTS.get
)


def parse(text: str) -> Any:
    """Return the value of a JSON text.

    Raises:
        TwiceError: an object holds a key twice.
        TooDeepError: it is nested too deeply.
        ValueError: it is not JSON; the two above are of this kind too.

    """
    try:
        return _DECODER.decode(text)
    except RecursionError:
        raise TooDeepError from None


def why_broken(error: ValueError) -> str:
    """Return the reason for a text that `parse` refused."""
    if isinstance(error, TwiceError):
        return "a key that is there twice"
    return "nested too deeply" if isinstance(error, TooDeepError) else "broken JSON"


@dataclass(frozen=True, slots=True)
class Element:
    """One element: where it is, its text, and its value or why there is none.

    index: its place among its neighbours, from 0.
    line, column: where it begins, from 1; `leads`, where nothing stands before it on the line.
    text: its JSON; of one that is too long, the beginning.
    broken_at: the line and the column at which it stops being JSON.
    path: the keys that it lies under; `around`, the objects about it, as far as they are read.
    ended: it is an object whose arrays have come before it, element by element.
    """

    index: int
    line: int
    text: str
    value: Any = None
    reason: str | None = None
    column: int = 1
    leads: bool = True
    broken_at: tuple[int, int] | None = None
    path: str = ""
    around: tuple[dict[str, Any], ...] = ()
    ended: bool = False

    @property
    def place(self) -> str:
        """Where to look: the line, and the column where the line holds more than this."""
        return f"line {self.line}" if self.leads else f"line {self.line} column {self.column}"


class _Window:
    """The stretch of text that is held at the moment."""

    def __init__(self, pieces: Iterator[str]) -> None:
        self.pieces, self.text, self.at, self.line, self.ended = pieces, "", 0, 1, False
        self.line_start, self.last_line = 0, 0

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
        if size:
            self.line_start -= self.at
            self.text, self.at = "".join(taken), 0
        return size > 0

    def go(self, to: int) -> None:
        feeds = self.text.count("\n", self.at, to)
        if feeds:
            self.line += feeds
            self.line_start = self.text.rfind("\n", self.at, to) + 1
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

    def place_of(self, position: int) -> tuple[int, int]:
        """Return the line and the column of a position at or after this one."""
        feeds = self.text.count("\n", self.at, position)
        start = self.text.rfind("\n", self.at, position) + 1 if feeds else self.line_start
        return self.line + feeds, position - start + 1


def elements(pieces: Iterator[str]) -> Iterator[Element]:
    """Yield the elements of JSON text that comes in pieces.

    The text is an array, or several values (or arrays) in a row. Commas too
    many and too few between elements do no harm.
    """
    return inside(pieces, ())


def inside(pieces: Iterator[str], streamed: Collection[str]) -> Iterator[Element]:
    """Yield the elements of arrays that lie inside objects, and those objects after them.

    streamed: the paths of the arrays: `messages`, `chats.list.messages`. An object on the
    way to one comes when it has ended, with its other members alone. Without any
    path these are the elements of the text itself, as they are.
    """
    return _Walk(_Window(pieces), frozenset(streamed)).root()


class _Walk:
    """Goes through JSON text once, into the objects and arrays that are asked for."""

    def __init__(self, window: _Window, streamed: frozenset[str]) -> None:
        self.window, self.streamed = window, streamed
        steps = [path.split(".") for path in streamed]
        self.entered = {".".join(path[:n]) for path in steps for n in range(len(path))}

    def root(self) -> Iterator[Element]:
        window, within, index, opening = self.window, False, 0, ""
        while char := window.skip(_GAP if within else _SPACE):
            if char == "[" and not within:
                within = True
                window.go(window.at + 1)
            elif char == "]" and within:
                within = False
                window.go(window.at + 1)
            else:
                if char == "{" and self.entered:
                    yield from self.members("", (), index)
                else:
                    element = _take(window, index, opening, "", ())
                    opening = _opening(element) or opening
                    yield element
                index += 1

    def array(self, path: str, around: tuple[dict[str, Any], ...]) -> Iterator[Element]:
        window, index, opening = self.window, 0, ""
        window.go(window.at + 1)
        while char := window.skip(_GAP):
            if char == "]":
                window.go(window.at + 1)
                return
            if char == "{" and path in self.entered:
                yield from self.members(path, around, index)
            else:
                element = _take(window, index, opening, path, around)
                opening = _opening(element) or opening
                yield element
            index += 1

    def members(
        self, path: str, around: tuple[dict[str, Any], ...], index: int
    ) -> Iterator[Element]:
        window, members = self.window, dict[str, Any]()
        line, column, leads = _start(window)
        around = (*around, members)
        window.go(window.at + 1)
        # Where an object opens in place of a key, this one was never closed.
        while (char := window.skip(_GAP)) not in ("", "{", "}"):
            before = window.last_line
            name = _take(window, 0, "", path, around)
            window.last_line = before  # a key does not stand before its own value
            if not isinstance(name.value, str) or window.skip(_SPACE) != ":":
                yield _broken(name, name.reason or "broken JSON")
                continue
            window.go(window.at + 1)
            below = f"{path}.{name.value}".lstrip(".")
            char = window.skip(_SPACE)
            if char == "[" and below in self.streamed:
                yield from self.array(below, around)
            elif char == "{" and below in self.entered:
                yield from self.members(below, around, 0)
            elif char in ("", ",", "}"):
                yield _broken(name, "broken JSON")
            else:
                value = _take(window, 0, "", below, around)
                if value.reason is not None:
                    yield value
                elif wrong := wrong_text(value.value, value.text, "text"):
                    yield _broken(value, wrong)
                elif name.value in members:
                    yield _broken(value, "a key that is there twice")
                else:
                    members[name.value] = value.value
        if char == "}":
            window.go(window.at + 1)
        yield Element(
            index,
            line,
            "" if char == "}" else _as_json(members),
            members,
            None if char == "}" else "broken JSON",
            column=column,
            leads=leads,
            path=path,
            around=around[:-1],
            ended=True,
        )


def _start(window: _Window) -> tuple[int, int, bool]:
    """Return line and column of the window's place, and whether nothing came before on the line."""
    leads = window.line != window.last_line
    window.last_line = window.line
    return window.line, window.at - window.line_start + 1, leads


def _broken(element: Element, reason: str) -> Element:
    return Element(
        element.index,
        element.line,
        element.text,
        reason=reason,
        column=element.column,
        leads=element.leads,
        broken_at=element.broken_at,
        path=element.path,
        around=element.around,
    )


def _as_json(members: dict[str, Any]) -> str:
    try:
        return json.dumps(members, ensure_ascii=False)
    except RecursionError:
        return ""


def _opening(element: Element) -> str | None:
    match = _OPENING.match(element.text) if element.reason is None else None
    return match.group() if match else None


def _take(
    window: _Window, index: int, opening: str, path: str, around: tuple[dict[str, Any], ...]
) -> Element:
    line, column, leads = _start(window)
    value, end, reason, broken_at = None, 0, None, None
    while True:
        reason = None
        try:
            value, end = _DECODER.raw_decode(window.text, window.at)
        except json.JSONDecodeError as error:
            near = error.pos + _EDGE >= len(window.text) or error.msg.startswith("Unterminated")
            if near and len(window.text) - window.at <= ELEMENT_LIMIT and window.fill():
                continue
            reason, broken_at = "broken JSON", window.place_of(error.pos)
        except TwiceError as error:
            reason = why_broken(error)
        except RecursionError:
            reason = "nested too deeply"
        except ValueError:  # a number of more digits than Python converts
            reason = "broken JSON"
        if reason is None and end + 1 >= len(window.text) and window.fill():
            continue  # a number may go on
        break
    if reason is None:
        text = window.text[window.at : end]
        window.go(end)
        return Element(index, line, text, value, None, column, leads, None, path, around)
    match = _OPENING.match(window.text, window.at)
    # Where the brackets are in order, they alone say where the element ends.
    own = "" if reason != "broken JSON" else match.group() if match else opening
    found = _resync(window, own)
    if found is None:
        text, reason = window.text[window.at : window.at + HEAD], "an element that is too long"
        broken_at = None
        _go_over(window)
    else:
        text = window.text[window.at : found].rstrip()
        window.go(found)
    return Element(index, line, text, None, reason, column, leads, broken_at, path, around)


def _resync(window: _Window, opening: str) -> int | None:
    """Return where the broken element at the window's place ends; None where that is too far."""
    while True:
        following = window.text.find(opening, window.at + 1) if opening else -1
        end = _closing(window.text, window.at, following if following > 0 else len(window.text))
        if end > window.at or following > 0:
            return end if end > window.at else following
        if len(window.text) - window.at > ELEMENT_LIMIT:
            return None
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


def _go_over(window: _Window) -> None:
    """Go to the end of an element that is too long to hold, piece by piece."""
    bracketed = window.text[window.at] in "{["
    marks = _BRACKETS if bracketed else _BRACKETS_AND_COMMAS
    depth, in_string = 0, False
    while window.at < len(window.text) or window.fill():
        if in_string:
            match = _TO_STRING_END.match(window.text, window.at)
            end = match.end() if match else window.at
            in_string = not (match and match[1])
        else:
            end, depth, in_string, is_over = _brackets(window, marks, depth)
            if is_over:
                window.go(end)
                return
        window.go(end)
        if window.text[end:] == "\\" and not window.fill():  # its other half is in the next piece
            window.go(len(window.text))


def _brackets(window: _Window, marks: re.Pattern[str], depth: int) -> tuple[int, int, bool, bool]:
    """Return how far the text goes on, its depth there, whether in a string, whether it is over."""
    for match in marks.finditer(window.text, window.at):
        char = match[0]
        if char in ("{", "["):
            depth += 1
        elif char in ("}", "]"):
            depth -= 1
            if depth <= 0:
                return (match.end() if depth == 0 else match.start()), depth, False, True
        elif char == '"':  # of which the end is in a later piece
            return match.end(), depth, True, False
        elif char == "," and depth == 0:
            return match.start(), depth, False, True
    return len(window.text), depth, False, False
