"""JSON: one object a line, or an array of objects; plain or gzip."""

from __future__ import annotations

import codecs
import itertools
import json
import re
from functools import partial
from typing import TYPE_CHECKING, Any

from curator.sources.columns import SAMPLE_ROWS
from curator.sources.conversations import UnreadableError
from curator.sources.formats import LIKELY, NAMED, Format, Table
from curator.sources.json_values import Element, TwiceError, elements, parse
from curator.sources.lines import chunks, physical_lines, without_bom
from curator.types import Quarantined, Record, SetAside

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from curator.schema import Source
    from curator.sources.conversations import Shape
    from curator.sources.formats import Item, Reading, Start

_HALF = re.compile("[\ud800-\udfff]")
_HALF_ESCAPED = re.compile(r"\\u[dD][89a-fA-F]")
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
    """Yield what each physical line of a JSON-lines file is."""
    encoding, lines = reading.encoding, physical_lines(reading.path, reading.encoding)
    for number, raw in enumerate(reading.tally.count(lines), 1):
        locator = f"line {number}"
        try:
            text = raw.decode(encoding)
        except UnicodeDecodeError:
            yield Quarantined(locator, f"bytes that are not {encoding}", raw)
            continue
        if not text.strip():
            yield SetAside(locator, "blank line")
            continue
        try:
            value = parse(text)
        except TwiceError:
            yield Quarantined(locator, "a key that is there twice", raw)
        except ValueError:
            yield Quarantined(locator, "broken JSON", raw)
        else:
            yield _made(value, text, locator, raw, reading.shape)


def read_array(reading: Reading) -> Iterator[Item]:
    """Yield what each element of a JSON array is."""
    encoding = reading.encoding
    for element in reading.tally.count(_elements(reading.path, encoding)):
        locator = f"element {element.index} (line {element.line})"
        raw = _bytes(element.text, encoding)
        if not element.text.isascii() and _HALF.search(element.text):
            yield Quarantined(locator, f"bytes that are not {encoding}", raw)
        elif element.reason is not None:
            yield Quarantined(locator, element.reason, raw)
        else:
            yield _made(element.value, element.text, locator, raw, reading.shape)


def _made(value: Any, text: str, locator: str, raw: bytes, shape: Shape) -> Record | Quarantined:
    if not isinstance(value, dict):
        return Quarantined(locator, "not a JSON object", raw)
    if (
        "\\u" in text
        and _HALF_ESCAPED.search(text)
        and _HALF.search(json.dumps(value, ensure_ascii=False))
    ):
        return Quarantined(locator, "half a surrogate pair", raw)
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
    return elements(_pieces(path, encoding))


def _pieces(path: Path, encoding: str) -> Iterator[str]:
    """Yield the file's text; bytes that do not decode become lone surrogates."""
    errors = "surrogatepass" if encoding.startswith("utf-16") else "surrogateescape"
    decoder = codecs.getincrementaldecoder(encoding)(errors)
    for number, chunk in enumerate(chunks(path)):
        yield decoder.decode(without_bom(chunk, encoding) if number == 0 else chunk)
    try:
        yield decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        yield "\udcff"


def _bytes(text: str, encoding: str) -> bytes:
    for errors in ("surrogateescape", "surrogatepass"):
        try:
            return text.encode(encoding, errors)
        except UnicodeEncodeError:
            continue
    return text.encode("utf-8", "surrogatepass")


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
        "JSON lines: one object a line",
        "JSON Lines：每行一个对象",
        partial(_sure, array=False),
        read_lines,
        _TABLE,
    ),
    Format(
        "json",
        "table",
        "JSON: an array of objects",
        "JSON：对象数组",
        partial(_sure, array=True),
        read_array,
        _TABLE,
    ),
)
