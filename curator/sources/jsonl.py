"""JSON: one object a line, or an array of objects; plain or gzip."""

from __future__ import annotations

import codecs
import itertools
import json
import re
from typing import TYPE_CHECKING, Any

from curator.sources.columns import SAMPLE_ROWS
from curator.sources.conversations import UnreadableError
from curator.sources.json_values import Element, TwiceError, elements, parse
from curator.sources.lines import chunks, physical_lines, without_bom
from curator.types import Quarantined, Record, SetAside

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from curator.sources.conversations import Shape
    from curator.sources.tally import Tally

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


def sample(path: Path, encoding: str, *, array: bool) -> Iterator[dict[str, Any]]:
    """Yield the first objects of a JSON file."""
    found: Iterator[Any]
    if array:
        found = (e.value for e in itertools.islice(_elements(path, encoding), _SAMPLE_LINES))
    else:
        lines = itertools.islice(physical_lines(path, encoding), _SAMPLE_LINES)
        found = (_value_or_none(line, encoding) for line in lines)
    yield from itertools.islice((v for v in found if isinstance(v, dict)), SAMPLE_ROWS)


def read_lines(
    path: Path, encoding: str, shape: Shape, tally: Tally
) -> Iterator[Record | Quarantined | SetAside]:
    """Yield what each physical line of a JSON-lines file is."""
    for number, raw in enumerate(tally.count(physical_lines(path, encoding)), 1):
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
            yield _made(value, text, locator, raw, shape)


def read_array(
    path: Path, encoding: str, shape: Shape, tally: Tally
) -> Iterator[Record | Quarantined | SetAside]:
    """Yield what each element of a JSON array is."""
    for element in tally.count(_elements(path, encoding)):
        locator = f"element {element.index} (line {element.line})"
        raw = _bytes(element.text, encoding)
        if not element.text.isascii() and _HALF.search(element.text):
            yield Quarantined(locator, f"bytes that are not {encoding}", raw)
        elif element.reason is not None:
            yield Quarantined(locator, element.reason, raw)
        else:
            yield _made(element.value, element.text, locator, raw, shape)


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
