"""Readers: source files become records, quarantined units and units that are set aside.

`sniff` settles what the recipe leaves open, `read` streams the units. Every
unit that is read comes out exactly once.
"""

from __future__ import annotations

import difflib
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from curator.errors import PluginError, SourceError
from curator.models import ocr
from curator.plugins import plugins, warn
from curator.sources.chats import (
    chatgpt,
    chatlog,
    discord,
    irc,
    qq,
    slack,
    slack_threads,
    telegram,
    ticket_users,
    tickets,
    turns,
    wechat,
    wechat_html,
    wechat_tables,
    whatsapp,
)
from curator.sources.conversations import Shape
from curator.sources.documents import docx, html, images, odt, pdf, pptx, text
from curator.sources.files.lines import cut, head
from curator.sources.formats import PROVEN, Format, Reading, Start, guarded
from curator.sources.mail import mailbox, outlook
from curator.sources.tables import delimited, jsonl, ods, parquet, table_rows, xls, xlsx
from curator.sources.tables.columns import missing, resolve, says_what, unclear
from curator.sources.tally import Tally
from curator.tables import file_sha256
from curator.types import Quarantined

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from curator.schema import Columns, Source
    from curator.sources.formats import Item

__all__ = [
    "FORMATS",
    "READER_VERSION",
    "Sniffed",
    "Tally",
    "format_named",
    "formats",
    "read",
    "reader",
    "sniff",
]

READER_VERSION = "4"
"""Raised when a reader makes other records of the same file."""

FORMATS: tuple[Format, ...] = (
    *wechat_tables.FORMATS,
    *turns.FORMATS,
    *jsonl.FORMATS,
    *delimited.FORMATS,
    *parquet.FORMATS,
    *xlsx.FORMATS,
    *xls.FORMATS,
    *ods.FORMATS,
    *chatlog.FORMATS,
    *chatgpt.FORMATS,
    *telegram.FORMATS,
    *slack.FORMATS,
    *discord.FORMATS,
    *tickets.FORMATS,
    *ticket_users.FORMATS,
    *whatsapp.FORMATS,
    *qq.FORMATS,
    *wechat.FORMATS,
    *wechat_html.FORMATS,
    *irc.FORMATS,
    *mailbox.FORMATS,
    *outlook.FORMATS,
    *pdf.FORMATS,
    *images.FORMATS,
    *docx.FORMATS,
    *odt.FORMATS,
    *pptx.FORMATS,
    *html.FORMATS,
    *text.FORMATS,
)
"""Every format of our own, in the order in which equally sure recognisers win."""


@cache
def formats() -> Mapping[str, Format]:
    """Return every format by its name: ours, then those that plug-ins bring.

    A plug-in that cannot be loaded, or whose format has a name that is taken, is told of in
    a warning and left out.
    """
    known = {kind.name: kind for kind in FORMATS}
    for brought in plugins("sources").values():
        try:
            found = brought.load()
            for kind in found if isinstance(found, tuple) else (found,):
                if not isinstance(kind, Format):
                    raise brought.error("is no Format")
                if kind.name in known:
                    raise brought.error(f"has a format {kind.name}, which is there already")
                known[kind.name] = guarded(kind, brought)
        except PluginError as error:
            warn(error)
    return known


class Sniffed(NamedTuple):
    """A source with its format, encoding and columns settled, and how sure the format is."""

    source: Source
    sure: float


def beside(path: Path, source: Source) -> list[str]:
    """Return what else than its content decides what is read from a file.

    The lists of users beside it, other days of a Slack channel, where pages may be pictures
    the model that reads those, and the plug-ins that might read it: so a file is read again
    once they change.

    Raises:
        SourceError: the file cannot be read.

    """
    start = head(path, 1024)
    lists = (path.parent.parent / slack.USERS, path.parent / ticket_users.FILE)
    told = [file_sha256(users) for users in lists if users.is_file()]
    told += slack_threads.beside(path, source)
    told += [brought.sha for brought in plugins("sources").values()]
    if ocr.installed() and (images.is_picture(start) or b"%PDF-" in start):
        told.append(ocr.MODEL)
    return told


def sniff(path: Path, source: Source) -> Sniffed:
    """Settle the format, the encoding and the columns of a source.

    Raises:
        SourceError: the file is missing, unreadable, empty or of no known kind,
            or a format, an encoding or a column is named that is not there.

    """
    if path.is_dir():
        raise SourceError(f"{path}: a folder, not a file", "name a file, or let ingest list it")
    start = Start(path, source)
    if source.format == "auto":
        kind, sure = _recognised(start)
    else:
        kind, sure = format_named(source.format, path), PROVEN
    encoding = "utf-8" if kind.binary else start.encoding
    settled = source.model_copy(update={"format": kind.name, "encoding": encoding})
    columns = _columns(path, settled, kind)
    return Sniffed(settled.model_copy(update={"columns": columns}), sure)


def read(path: Path, uri: str, sha256: str, source: Source, tally: Tally) -> Iterator[Item]:
    """Yield what each unit of a file is, in the file's order.

    `source` is what `sniff` returned. Where damaged compression cuts the file off,
    what is lost with it is one unit more, quarantined at the end. The units of what
    comes out add up to what `tally` has counted.

    Raises:
        SourceError: the file cannot be read on (damaged compression, for one).

    """
    if "auto" in (source.format, source.encoding):
        source = sniff(path, source).source
    encoding = source.encoding.removesuffix("-sig")
    shape = Shape(uri, sha256, source)
    kind = formats()[source.format]
    yield from kind.read(Reading(path, encoding, source, shape, tally))
    broken_off = None if kind.binary else cut(path, encoding)
    if broken_off:
        reason = "compressed data that are damaged or cut off"
        lost = Quarantined(f"after line {broken_off.lines}", reason, broken_off.raw)
        yield from tally.count([lost])


def _recognised(start: Start) -> tuple[Format, float]:
    """Return the format that is surest to be the file's, and how sure."""
    sure = [(kind.recognise(start), kind) for kind in formats().values()]
    best, kind = max(sure, key=lambda pair: pair[0])
    if best > 0:
        return kind, best
    if not start.data.startswith(b"PK"):
        _ = start.encoding  # a file that holds no text, or is not what the recipe says, says so
    if start.suffix == ".log":
        raise chatlog.no_pattern(start.path)
    raise SourceError(
        f"{start.path}: not a kind of file that can be read",
        "list the kinds with: curator sources; or set `format:`",
    )


def format_named(name: str, path: Path | str) -> Format:
    """Return the format that goes by a name; `path` is the source that asks for it.

    Raises:
        SourceError: there is none.

    """
    known = formats()
    if name in known:
        return known[name]
    near = difflib.get_close_matches(name, known, n=1)
    guess = f"did you mean {near[0]}? " if near else ""
    raise SourceError(
        f"{path}: there is no format {name}", f"{guess}known formats: {', '.join(known)}"
    )


def _columns(path: Path, source: Source, kind: Format) -> Columns | None:
    """Return the columns of a source that has any."""
    encoding = source.encoding.removesuffix("-sig")
    if kind.table is None:
        return _turns(path, encoding, source) if kind.name.startswith("turns") else None
    names = kind.table.header(path, encoding, source)
    rows = kind.table.sample(path, encoding, source)
    columns = resolve(source.columns, names, rows, path)
    if not says_what(columns) and source.format in ("json", "jsonl"):
        if not names:
            raise SourceError(
                f"{path}: no JSON object in its first lines", "check the file, or set `format:`"
            )
        raise unclear(names, path)
    return columns


def _turns(path: Path, encoding: str, source: Source) -> Columns | None:
    """Return what the recipe says of a table with a row a turn, where it says it.

    Raises:
        SourceError: it names a column that is not there.

    """
    given = source.columns
    if given is None or not given.is_turns:
        return None
    if source.format == "turns":
        names, _ = table_rows.delimited_sample(path, encoding, header=source.header)
        for name in (given.conversation, given.speaker, given.text, given.label, given.timestamp):
            if name and name not in names:
                raise missing(name, names, path)
    return given
