"""Readers: source files become records, quarantined units and units that are set aside.

`sniff` settles what the recipe leaves open, `read` streams the units. Every
unit that is read comes out exactly once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from curator.errors import SourceError
from curator.sources import chatlog, delimited, documents, jsonl, parquet, xlsx
from curator.sources.columns import resolve, says_what, unclear
from curator.sources.conversations import Shape
from curator.sources.encodings import check_encoding, sniff_encoding
from curator.sources.kinds import json_format, sniff_format, suffix
from curator.sources.lines import head
from curator.sources.tally import Tally

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from curator.schema import Columns, Source
    from curator.types import Quarantined, Record, SetAside

__all__ = ["READER_VERSION", "Tally", "read", "sniff"]

READER_VERSION = "1"
"""Raised when a reader makes other records of the same file."""


def sniff(path: Path, source: Source) -> Source:
    """Return the source with its format, its encoding and its columns settled.

    Raises:
        SourceError: the file is missing, unreadable, empty or of no known kind,
            or a column is named that is not there.

    """
    if path.is_dir():
        raise SourceError(f"{path}: a folder, not a file", "name a file, or let ingest list it")
    start = head(path)
    if not start:
        raise SourceError(f"{path}: the file is empty", "remove it, or name another file")
    kind = source.format if source.format != "auto" else sniff_format(path, source, start)
    if kind == "chatlog" and source.chat is None:
        raise SourceError(
            f"{path}: a chat log, and nothing says how its lines read",
            "give a `chat:` with the regexes `line:` and `assistant:`",
        )
    if kind in ("parquet", "xlsx"):
        encoding = "utf-8"
    elif source.encoding == "auto":
        encoding = sniff_encoding(path)
    else:
        encoding = check_encoding(source.encoding, path)
    if source.format == "auto" and kind in ("json", "jsonl"):
        kind = json_format(path, encoding)
    settled = source.model_copy(update={"format": kind, "encoding": encoding})
    return settled.model_copy(update={"columns": _columns(path, settled)})


def read(
    path: Path, uri: str, sha256: str, source: Source, tally: Tally
) -> Iterator[Record | Quarantined | SetAside]:
    """Yield what each unit of a file is, in the file's order.

    `source` is what `sniff` returned. The units of what comes out add up to
    what `tally` has counted.

    Raises:
        SourceError: the file cannot be read on (damaged compression, for one).

    """
    if "auto" in (source.format, source.encoding):
        source = sniff(path, source)
    shape = Shape(uri, sha256, source)
    encoding = source.encoding.removesuffix("-sig")
    if source.format == "jsonl":
        yield from jsonl.read_lines(path, encoding, shape, tally)
    elif source.format == "json":
        yield from jsonl.read_array(path, encoding, shape, tally)
    elif source.format in delimited.DELIMITERS:
        delimiters = delimited.DELIMITERS[source.format]
        yield from delimited.read_rows(path, encoding, delimiters, shape, tally)
    elif source.format == "parquet":
        yield from parquet.read_rows(path, shape, tally)
    elif source.format == "xlsx":
        yield from xlsx.read_rows(path, shape, tally)
    elif source.format == "chatlog" and source.chat is not None:
        yield from chatlog.read_log(path, encoding, source.chat, shape, tally)
    else:
        is_markdown = suffix(path) in documents.MARKDOWN
        yield from documents.read_file(path, encoding, shape, tally, is_markdown=is_markdown)


def _columns(path: Path, source: Source) -> Columns | None:
    """Return the columns of a source that has any."""
    if source.format in ("chatlog", "document"):
        return None
    names, rows = _sample(path, source)
    columns = resolve(source.columns, names, rows, path)
    if not says_what(columns) and source.format in ("json", "jsonl"):
        if not names:
            raise SourceError(
                f"{path}: no JSON object in its first lines", "check the file, or set `format:`"
            )
        raise unclear(names, path)
    return columns


def _sample(path: Path, source: Source) -> tuple[list[str], list[dict[str, Any]]]:
    encoding = source.encoding.removesuffix("-sig")
    if source.format in ("json", "jsonl"):
        rows = list(jsonl.sample(path, encoding, array=source.format == "json"))
        return list(dict.fromkeys(name for row in rows for name in row)), rows
    if source.format in delimited.DELIMITERS:
        delimiters = delimited.DELIMITERS[source.format]
        names = delimited.header(path, encoding, delimiters)
        return names, list(delimited.sample(path, encoding, delimiters))
    if source.format == "parquet":
        return parquet.header(path), list(parquet.sample(path))
    return xlsx.header(path, source.columns), list(xlsx.sample(path, source.columns))
