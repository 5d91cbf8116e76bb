"""JSON: one object a line, or an array of objects; plain or gzip."""

from __future__ import annotations

import itertools
from functools import partial
from typing import TYPE_CHECKING, Any

from curator.sources.conversations import UnreadableError
from curator.sources.files.lines import LongLine, TooLongError, physical_lines
from curator.sources.formats import LIKELY, NAMED, Format, Table
from curator.sources.tables.columns import SAMPLE_ROWS
from curator.sources.tables.json_text import as_bytes, pieces, wrong_text
from curator.sources.tables.json_values import Element, elements, parse, why_broken
from curator.types import Quarantined, Record, SetAside

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from curator.schema import Source
    from curator.sources.conversations import Shape
    from curator.sources.formats import Item, Reading, Start

_SAMPLE_LINES = 2000


def is_array(start: str) -> bool:
    """Whether JSON text is better read as an array, or as objects over several lines."""
    lines = start.lstrip("\ufeff \t\r\n").split("\n", 1)
    try:
        first = parse(lines[0])
    except ValueError:
        # The first line alone says nothing: `[`, `{`, or a long row that the sample cuts.
        rest = lines[1].lstrip() if len(lines) > 1 else ""
        return lines[0][:1] == "[" or (bool(rest) and rest[0] != "{")
    return isinstance(first, list)


def sample(path: Path, encoding: str, source: Source) -> Iterator[dict[str, Any]]:
    """Yield the first objects of a JSON file."""
    found: Iterator[Any]
    if source.format == "json":
        found = (e.value for e in itertools.islice(_elements(path, encoding), _SAMPLE_LINES))
    else:
        lines = itertools.islice(physical_lines(path, encoding), _SAMPLE_LINES)
        found = (_value_or_none(line, encoding) for line in lines)
    yield from itertools.islice((v for v in found if isinstance(v, dict)), SAMPLE_ROWS)


def header(path: Path, encoding: str, source: Source) -> list[str]:
    """Return the keys of the first objects."""
    rows = sample(path, encoding, source)
    return list(dict.fromkeys(name for row in rows for name in row))


def read_lines(reading: Reading) -> Iterator[Item]:
    """Yield what each physical line of a JSON-lines file is.

    A line that does not decode is quarantined, also where it would in another encoding:
    which one is a guess, and a wrong one makes other words of it.
    """
    encoding, shape = reading.encoding, reading.shape
    lines = physical_lines(reading.path, encoding)
    for number, raw in enumerate(reading.tally.count(lines), 1):
        locator = f"line {number}"
        try:
            text = raw.decode(encoding)
            value = parse(text)
        except TooLongError:
            yield too_long(raw, locator)
        except UnicodeDecodeError:
            yield Quarantined(locator, f"bytes that are not {encoding}", raw)
        except ValueError as error:
            yield _no_json(text, error, locator, raw, shape, encoding)
        else:
            yield _made(value, text, locator, raw, shape, encoding)


def _no_json(
    text: str, error: ValueError, locator: str, raw: bytes, shape: Shape, encoding: str
) -> Item:
    """Return what a line is that does not parse: blank, with a stray mark before it, or broken."""
    if not text.strip("\ufeff \t\r\n\v\f\x1c\x1d\x1e\x85\xa0\u3000"):
        return SetAside(locator, "blank line")
    if text.startswith("\ufeff"):  # files that were put together keep their marks
        try:
            value = parse(text.lstrip("\ufeff"))
        except ValueError as after:
            return Quarantined(locator, why_broken(after), raw)
        return _made(value, text, locator, raw, shape, encoding)
    return Quarantined(locator, why_broken(error), raw)


def too_long(raw: bytes, locator: str) -> Quarantined:
    """Return the quarantined head of a line that is too long to be read."""
    size = raw.size if isinstance(raw, LongLine) else len(raw)
    return Quarantined(f"{locator} ({size} bytes)", "a line that is too long", bytes(raw))


def read_array(reading: Reading) -> Iterator[Item]:
    """Yield what each element of a JSON array is."""
    encoding = reading.encoding
    for element in reading.tally.count(_elements(reading.path, encoding)):
        raw = as_bytes(element.text, encoding)
        locator = f"element {element.index} (line {element.line}"
        if element.broken_at:
            locator += ", broken at line {} column {}".format(*element.broken_at)
        locator += ")"
        if element.reason is None:
            yield _made(element.value, element.text, locator, raw, reading.shape, encoding)
        else:
            wrong = wrong_text(None, element.text, encoding)
            yield Quarantined(locator, wrong or element.reason, raw)


def _made(
    value: Any, text: str, locator: str, raw: bytes, shape: Shape, encoding: str
) -> Record | Quarantined:
    if not isinstance(value, dict):
        return Quarantined(locator, "not a JSON object", raw)
    wrong = wrong_text(value, text, encoding)
    if wrong:
        return Quarantined(locator, wrong, raw)
    try:
        return shape.row(value, locator)
    except UnreadableError as reason:
        return Quarantined(locator, str(reason), raw)


def _value_or_none(line: bytes, encoding: str) -> Any:
    try:
        return parse(line.decode(encoding))
    except ValueError:  # UnicodeDecodeError is one
        return None


def _elements(path: Path, encoding: str) -> Iterator[Element]:
    return elements(pieces(path, encoding))


_SUFFIXES = (".jsonl", ".ndjson", ".json")


def _sure(start: Start, *, array: bool) -> float:
    text = start.text.lstrip()
    if text[:1] not in ("{", "["):
        return NAMED * (start.suffix in _SUFFIXES and bool(text) and not array)
    if is_array(text) != array:
        return 0.0
    if start.suffix in _SUFFIXES:
        return LIKELY
    try:
        parse(text.split("\n", 1)[0])
    except ValueError:
        return NAMED if start.suffix == "" else 0.0
    return LIKELY


_TABLE = Table(header, sample)
FORMATS = (
    Format(
        "jsonl",
        "table",
        "JSON lines: messages, ShareGPT, Alpaca, prompts with completions, preferences, texts",
        "JSON Lines：messages、ShareGPT、Alpaca、问答、偏好对、文本，每行一个对象",
        partial(_sure, array=False),
        read_lines,
        _TABLE,
    ),
    Format(
        "json",
        "table",
        "JSON: an array of such objects, or objects over several lines",
        "JSON：上述对象的数组，或跨多行的对象",
        partial(_sure, array=True),
        read_array,
        _TABLE,
    ),
)
