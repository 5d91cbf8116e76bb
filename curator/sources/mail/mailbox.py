"""Mailboxes (mbox) and single mails (eml, Outlook's msg): a thread is a conversation.

What counts are the pieces of a mail: the words that are new in it, what it quotes, its
signature, its other forms, its attachments. New words are a message; a quote repeats
what another message says, and is set aside as such.
"""

from __future__ import annotations

import datetime as dt
import re
import shutil
import tempfile
from contextlib import contextmanager
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

from curator.sources.chats.assembly import assemble
from curator.sources.chats.messages import Message
from curator.sources.chats.transcripts import SURE
from curator.sources.conversations import joined_user
from curator.sources.files.lines import cut, opened
from curator.sources.formats import Format
from curator.sources.mail import mime
from curator.sources.mail.quotes import words
from curator.sources.mail.threads import Threads
from curator.types import Quarantined, SetAside

if TYPE_CHECKING:
    from collections.abc import Iterator

    from curator.sources.chats.messages import Said
    from curator.sources.formats import Item, Reading, Start
    from curator.sources.tally import Tally

_FROM_LINE = re.compile(rb"From \S+ .{0,120}\d:\d\d.{0,40}\d{4}")
_ESCAPED = re.compile(rb"^>(?=>*From )", re.MULTILINE)
_FIELD = re.compile(rb"(?P<name>[A-Za-z][A-Za-z0-9-]{1,60}):[ \t]?")
_KNOWN = frozenset(
    b"from to subject date message-id received return-path delivered-to mime-version content-type "
    b"reply-to cc in-reply-to references x-gm-thrid dkim-signature".split()
)
_HEAD_LIMIT = 1 << 18
"""More of a mail than this is not looked through for its headers."""


class Place(NamedTuple):
    """Where a mail stands in its file: first byte, bytes, first line, number from 1."""

    start: int
    size: int
    line: int
    number: int

    def __str__(self) -> str:
        """Return it as a locator."""
        return f"message {self.number} (line {self.line})"


def read_mbox(reading: Reading) -> Iterator[Item]:
    """Yield the threads of a mailbox."""
    yield from assemble(said(reading), reading, whole=True)
    yield from _cut_off(reading)


def said(reading: Reading) -> Iterator[Said]:
    """Yield the messages of a mailbox, thread by thread, each from its first mail to its last.

    The file is read twice: first the heads, which say what belongs together and in which
    order, then one mail at a time.
    """
    threads = Threads()
    places: list[Place] = []
    for place, raw in _mails(reading, _HEAD_LIMIT):
        if not place.number:
            yield from reading.tally.count(
                [Quarantined("line 1", "text before the first mail", raw)]
            )
            continue
        places.append(place)
        threads.add(mime.head(mime.parsed(raw.partition(b"\n\n")[0])))
    with _seekable(reading) as file:
        for at, thread in threads.in_order():
            place = places[at]
            file.seek(place.start)
            raw = file.read(place.size)
            yield from _pieces(reading, raw, place, f"message {thread + 1}", is_first=at == thread)


def read_mail(reading: Reading) -> Iterator[Item]:
    """Yield the conversation that a single mail is."""
    yield from assemble(said_in_one(reading), reading, whole=True)
    yield from _cut_off(reading)


def _cut_off(reading: Reading) -> Iterator[Quarantined]:
    """Yield what damaged compression took from the end of a file.

    The readers of text are spared this: they have an encoding, and mails have many.
    """
    broken_off = cut(reading.path, reading.encoding)
    if broken_off:
        place, reason = (
            f"after line {broken_off.lines}",
            "compressed data that are damaged or cut off",
        )
        yield from reading.tally.count([Quarantined(place, reason, broken_off.raw)])


def said_in_one(reading: Reading) -> Iterator[Said]:
    """Yield the messages of a file that is one mail."""
    with opened(reading.path) as file:
        raw = file.read()
    yield from _pieces(reading, raw, Place(0, len(raw), 1, 1), None, is_first=True)


def _mails(reading: Reading, limit: int) -> Iterator[tuple[Place, bytes]]:
    """Yield each mail of a mailbox: where it stands, and its first bytes without `From `.

    What stands before the first mail, if anything, comes with the number 0.
    """
    start = offset = number = size = 0
    first_line, blank = 1, True
    kept: list[bytes] = []
    with opened(reading.path) as file:
        for line_number, line in enumerate(file, 1):
            if blank and line.startswith(b"From ") and _FROM_LINE.match(line):
                if number or size:
                    yield Place(start, offset - start, first_line, number), b"".join(kept)
                start, first_line, number = offset, line_number, number + 1
                kept, size = [], 0
            elif size < limit:
                kept.append(line.replace(b"\r\n", b"\n"))
                size += len(line)
            blank = line in (b"\n", b"\r\n")
            offset += len(line)
    if number or size:
        yield Place(start, offset - start, first_line, number), b"".join(kept)


@contextmanager
def _seekable(reading: Reading) -> Iterator[BinaryIO]:
    """Open a file so that any place of it can be read; one that is compressed is unpacked."""
    with opened(reading.path) as file:
        if file.seekable():
            yield file
        else:
            with tempfile.TemporaryFile() as unpacked:
                shutil.copyfileobj(file, unpacked)
                yield unpacked


def _pieces(
    reading: Reading, raw: bytes, place: Place, thread: str | None, *, is_first: bool
) -> Iterator[Said]:
    """Yield what each piece of a mail is."""
    mail = raw.removeprefix(b"\xef\xbb\xbf")
    if raw.startswith(b"From "):
        mail = _ESCAPED.sub(b"", raw.partition(b"\n")[2])
    try:
        parsed = mime.parsed(mail)
    except RecursionError:
        reason = "parts nested too deeply"
        yield from reading.tally.count([Quarantined(str(place), reason, raw)])
        return
    body = mime.body(reading.tally.count(mime.leaves(parsed)))
    yield from told(
        mime.head(parsed), body, str(place), raw, thread, reading.tally, is_first=is_first
    )


def told(
    head: mime.Head,
    body: mime.Body,
    locator: str,
    raw: bytes,
    thread: str | None,
    tally: Tally,
    *,
    is_first: bool,
) -> Iterator[Said]:
    """Yield what each piece of a mail is: its words, its attachments, and what is set aside.

    The parts of the body are counted already; `tally` counts the pieces of its text.
    The first mail of a thread says its subject, too: there the question often stands.
    """
    if body.unreadable:
        yield Quarantined(locator, body.unreadable, raw, body.n_parts)
        return
    said = words(body.text)
    text = said.new
    if is_first and not head.is_reply:
        text = joined_user((mime.plain_subject(head.subject), text), titled=True)
    # A mail that is a file and nothing else still says its subject.
    n_units = body.said or sum(1 for _ in tally.count((text,)))
    if text.strip():
        yield _message(head, locator, text, thread, n_units)
    else:
        yield SetAside(locator, "a message without text", n_units)
    apart = ((said.quoted or body.quoted, "quoted text"), (said.signature, "signature"))
    for _, reason in tally.count(piece for piece in apart if piece[0]):
        yield SetAside(locator, reason)
    if body.other:
        yield SetAside(locator, "another form of the same text", body.other)
    for name in body.attached:
        yield _message(head, locator, f"[{name}]", thread, media=True)


def _message(
    head: mime.Head,
    locator: str,
    text: str,
    thread: str | None,
    n_units: int = 1,
    *,
    media: bool = False,
) -> Message:
    answers = head.answers[-1] if head.answers else None
    return Message(
        locator=locator,
        text=text,
        raw=text.encode("utf-8", "surrogatepass"),
        speaker=head.sender,
        time=_utc(head.date),
        conversation=thread,
        id=None if media else head.own_id,
        reply_to=answers,
        notice="media" if media else None,
        n_units=n_units,
    )


def _utc(date: dt.datetime | None) -> str | None:
    """Return a date as ISO 8601, in UTC where its zone is known."""
    if date is None:
        return None
    if date.tzinfo is None:
        return date.isoformat()
    try:
        return date.astimezone(dt.UTC).isoformat().replace("+00:00", "Z")
    except OverflowError:
        return date.isoformat()


def _fields(data: bytes) -> set[bytes]:
    """Return the names of the headers that a file begins with; none where it begins otherwise."""
    names = set()
    for line in data.split(b"\n"):
        line = line.rstrip(b"\r")  # noqa: PLW2901 - the line without its end
        if not line:
            break
        field = _FIELD.match(line)
        if field:
            names.add(field["name"].lower())
        elif line[:1] not in b" \t":
            return set()
    return names


def _recognise_mbox(start: Start) -> float:
    first, _, rest = start.data.partition(b"\n")
    if not _FROM_LINE.match(first):
        return 0.0
    return SURE + 0.03 if len(_fields(rest) & _KNOWN) >= 2 else 0.0


def _recognise_mail(start: Start) -> float:
    names = _fields(start.data)
    known = names & _KNOWN
    named = start.suffix in (".eml", ".mail")
    if b"from" not in known or not known & {b"subject", b"date", b"message-id", b"to"}:
        return 0.0
    return SURE if named or len(known) >= 4 else 0.0


FORMATS = (
    Format(
        "mbox",
        "chat",
        "mailbox (mbox): a thread is a conversation",
        "邮箱文件（mbox）：每个邮件往来是一段对话",
        _recognise_mbox,
        read_mbox,
        binary=True,
    ),
    Format(
        "eml",
        "chat",
        "a mail (EML)",
        "单封邮件（EML）",
        _recognise_mail,
        read_mail,
        binary=True,
    ),
)
