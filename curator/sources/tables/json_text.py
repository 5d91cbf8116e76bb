"""JSON files as text, and back as bytes: what does not decode stays where it was."""

from __future__ import annotations

import codecs
import json
import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from curator.sources.files.lines import chunks, without_bom

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_HALF = re.compile("[\ud800-\udfff]")
_HALF_ESCAPED = re.compile(r"\\u[dD][89a-fA-F]")
_TOKEN = re.compile(r'"((?:[^"\\]|\\.)*+)(?:"(\s*:)?|\\?\Z)|[{}\[\]]', re.DOTALL)
_DEEPEST = 6


def pieces(path: Path, encoding: str) -> Iterator[str]:
    """Yield the file's text; bytes that do not decode become lone surrogates."""
    errors = "surrogatepass" if encoding.startswith("utf-16") else "surrogateescape"
    decoder = codecs.getincrementaldecoder(encoding)(errors)
    for number, chunk in enumerate(chunks(path)):
        yield decoder.decode(without_bom(chunk, encoding) if number == 0 else chunk)
    try:
        yield decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        yield "\udcff"


def as_bytes(text: str, encoding: str) -> bytes:
    """Return the bytes that a stretch of text was in its file."""
    for errors in ("surrogateescape", "surrogatepass"):
        try:
            return text.encode(encoding, errors)
        except UnicodeEncodeError:
            continue
    return text.encode("utf-8", "surrogatepass")


def wrong_text(value: Any, text: str, encoding: str) -> str | None:
    """Return why a value's text cannot be stored; None where it can.

    text: the JSON that it was read from.
    """
    if has_half(text):
        return f"bytes that are not {encoding}"
    if "\\u" in text and _HALF_ESCAPED.search(text):
        try:
            whole = json.dumps(value, ensure_ascii=False)
        except RecursionError:
            return "nested too deeply"
        if _HALF.search(whole):
            return "half a surrogate pair"
    return None


def has_half(text: str) -> bool:
    """Whether half of a surrogate pair is in a text, which then cannot be stored."""
    return not text.isascii() and bool(_HALF.search(text))


@lru_cache(maxsize=2)
def key_paths(text: str) -> frozenset[str]:
    """Return the keys in the beginning of JSON text, each after those that it lies under.

    `messages.text` is the key `text` in objects under `messages`. Arrays leave no
    trace: a list of objects has the same paths as one object.
    """
    found: set[str] = set()
    if text.lstrip("\ufeff \t\r\n")[:1] not in ("{", "["):
        return frozenset()
    around, key = [""], ""
    for match in _TOKEN.finditer(text):
        token = match.group()
        if token in ("{", "["):
            around.append(key)
        elif token in ("}", "]"):
            if len(around) > 1:
                key = around.pop()
        elif match[2] and len(around) <= _DEEPEST:
            key = f"{around[-1]}.{match[1]}".lstrip(".")
            found.add(key)
    return frozenset(found)
