"""A file that is one document: one unit and one record, in located blocks.

Markdown and plain text are read here; each other kind of document has a module of its own.
"""

from __future__ import annotations

import re
import zipfile
import zlib
from typing import TYPE_CHECKING, Any

import yaml

from curator.sources.conversations import UnreadableError
from curator.sources.documents.blocks import markdown, plain
from curator.sources.files.lines import opened, without_bom
from curator.sources.formats import Format, named, suffix
from curator.types import Quarantined

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from curator.sources.conversations import Shape
    from curator.sources.formats import Item, Reading
    from curator.types import Part, Record

MARKDOWN = (".md", ".markdown", ".mdown", ".mkd", ".mdx", ".qmd")
_FRONT = re.compile(r"---[ \t]*\r?\n(.*?)\r?\n(?:---|\.\.\.)[ \t]*(?:\r?\n|\Z)", re.DOTALL)


DAMAGE = (
    ArithmeticError,
    AttributeError,
    EOFError,
    LookupError,
    NotImplementedError,
    OSError,
    RecursionError,
    SyntaxError,
    TypeError,
    ValueError,
    zipfile.BadZipFile,
    zlib.error,
)
"""What parsers raise over a damaged file (an XML parser's errors are SyntaxErrors)."""


def read_whole(
    reading: Reading, blocks: Callable[[Reading], tuple[Sequence[Part], dict[str, str]]]
) -> Iterator[Item]:
    """Yield the document that a file is; `blocks` returns its parts and what is said of it.

    A file of which no document can be made is quarantined whole, with the reason.
    """
    for _ in reading.tally.count((reading.path,)):
        try:
            parts, meta = blocks(reading)
            if parts:
                yield reading.shape.record("document", tuple(parts), parts[0].locator, meta=meta)
            else:
                yield Quarantined("file", "no text at all", b"")
        except UnreadableError as reason:
            yield Quarantined("file", str(reason), b"")
        except DAMAGE as error:
            yield Quarantined("file", f"damaged ({type(error).__name__})", b"")


def read_file(reading: Reading) -> Iterator[Item]:
    """Yield the document that a file is."""
    encoding, is_markdown = reading.encoding, suffix(reading.path) in MARKDOWN
    for file in reading.tally.count((reading.path,)):
        with opened(file) as stream:
            raw = without_bom(stream.read(), encoding)
        try:
            yield _document(raw.decode(encoding), reading.shape, is_markdown=is_markdown)
        except UnicodeDecodeError:
            yield Quarantined("line 1", f"bytes that are not {encoding}", raw)
        except UnreadableError as reason:
            yield Quarantined("line 1", str(reason), raw)


def _document(text: str, shape: Shape, *, is_markdown: bool) -> Record:
    meta: dict[str, str] = {}
    if is_markdown:
        meta, start = _front_matter(text)
        first_line = text.count("\n", 0, start) + 1
        parts = markdown(text[start:], first_line)
    else:
        parts = plain(text)
    if not parts:
        raise UnreadableError("no text at all")
    return shape.record("document", parts, parts[0].locator, meta=meta)


def _front_matter(text: str) -> tuple[dict[str, str], int]:
    """Return what the YAML block at the top says, and where the text after it starts."""
    match = _FRONT.match(text)
    if match is None:
        return {}, 0
    try:
        said: Any = yaml.safe_load(match[1])
    except (yaml.YAMLError, ValueError, RecursionError):
        return {}, 0
    if not isinstance(said, dict):
        return {}, 0
    return {str(key): _line(value) for key, value in said.items() if value is not None}, match.end()


def _line(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(_line(item) for item in value)
    if isinstance(value, dict):
        return ", ".join(f"{key}: {_line(item)}" for key, item in value.items())
    return str(value)


FORMATS = (
    Format(
        "document",
        "document",
        "a Markdown or plain text document",
        "Markdown 或纯文本文档",
        named(".txt", ".text", *MARKDOWN),
        read_file,
    ),
)
