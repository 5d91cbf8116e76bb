"""Outlook's own mails (MSG), read through python-oxmsg."""

from __future__ import annotations

import struct
from dataclasses import replace
from typing import TYPE_CHECKING

from curator.sources.chats.assembly import assemble
from curator.sources.files.lines import opened
from curator.sources.formats import PROVEN, Format
from curator.sources.mail import mime
from curator.sources.mail.mailbox import told
from curator.types import Quarantined

if TYPE_CHECKING:
    from collections.abc import Iterator

    from oxmsg import Message as Msg

    from curator.sources.chats.messages import Said
    from curator.sources.formats import Item, Reading, Start

_COMPOUND = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_VERSION = "__properties_version1.0".encode("utf-16-le")
_INTERNET_ID, _ANSWERS_TO, _SENDER_NAME = 0x1035, 0x1042, 0x0C1A


def read_mail(reading: Reading) -> Iterator[Item]:
    """Yield the conversation that a mail is."""
    return assemble(said(reading), reading, whole=True)


def said(reading: Reading) -> Iterator[Said]:
    """Yield the messages of a mail: its words, and its attachments."""
    import oxmsg  # noqa: PLC0415 - only Outlook's mails need it
    from olefile.olefile import OleFileError  # noqa: PLC0415 - as above

    with opened(reading.path) as file:
        raw = file.read()
    broken = (OleFileError, OSError, ValueError, KeyError, LookupError, struct.error, TypeError)
    try:
        mail = oxmsg.Message.load(raw)
        head, body = _head(mail), _body(mail)
    except broken:
        yield from reading.tally.count([Quarantined("message 1", "a broken Outlook mail", raw)])
        return
    for _ in reading.tally.count(range(body.n_parts)):
        pass
    yield from told(head, body, "message 1", raw, None, reading.tally, is_first=True)


def _head(mail: Msg) -> mime.Head:
    """Return the head: the internet's where the mail came from there, else Outlook's own."""
    lines = "".join(f"{name}: {value}\n" for name, value in mail.message_headers.items())
    sent = mime.head(mime.parsed(lines.encode("utf-8", "surrogateescape")))
    name, address = mime.address(mail.sender or "")
    return replace(
        sent,
        subject=mail.subject or sent.subject,
        sender=sent.sender or name or address or mail.properties.str_prop_value(_SENDER_NAME),
        date=sent.date or mail.sent_date,
        own_id=sent.own_id or mail.properties.str_prop_value(_INTERNET_ID),
        answers=sent.answers or tuple(filter(None, [mail.properties.str_prop_value(_ANSWERS_TO)])),
    )


def _body(mail: Msg) -> mime.Body:
    text, page = mail.body or "", mail.html_body
    quoted = False
    if not text.strip() and page:
        text, quoted = mime.from_html(page)
    names = [part.file_name or part.mime_type or "file" for part in mail.attachments]
    return mime.Body(text, 1, 0, tuple(names), quoted)


def _recognise(start: Start) -> float:
    if not start.data.startswith(_COMPOUND):
        return 0.0
    return PROVEN * (start.suffix == ".msg" or _VERSION in start.data)


FORMATS = (
    Format(
        "msg",
        "chat",
        "an Outlook mail (MSG)",
        "Outlook 邮件（MSG）",
        _recognise,
        read_mail,
        binary=True,
    ),
)
