"""One mail: its head, the text that it says, and what else is in it."""

from __future__ import annotations

import email
import email.header
import email.policy
import email.utils
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from curator.sources.conversations import UnreadableError
from curator.sources.files.encodings import judge

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable, Iterator, Sequence
    from email.message import Message as Mime

_ID = re.compile(r"<[^<>\s]+>")
_REPLY = re.compile(
    r"\s*(?:re|aw|sv|antw|res|回复|回覆|答复|答覆|回信)\s*(?:\[\d{1,3}\]|\(\d{1,3}\)|\d{1,3})?\s*[:：]\s*",
    re.IGNORECASE,
)
_FORWARD = re.compile(r"\s*(?:fwd?|wg|tr|转发|轉寄|轉發)\s*[:：]\s*", re.IGNORECASE)
_AS_MEANT = {
    "gb2312": "gb18030", "gbk": "gb18030", "big5": "cp950", "us-ascii": "utf-8",
    "ascii": "utf-8", "iso-8859-1": "cp1252", "latin-1": "cp1252", "ks_c_5601-1987": "cp949",
}  # fmt: skip
"""Names under which mail programs send what is wider."""


@dataclass(frozen=True, slots=True)
class Head:
    """What stands above a mail.

    ids: its own Message-ID first, where it has one, then those that it refers to.
    topic: the subject without the marks of replies; `is_reply` says that there were some.
    people: the addresses of who wrote it and who gets it.
    """

    subject: str
    sender: str | None
    date: dt.datetime | None
    own_id: str | None
    answers: tuple[str, ...]
    people: frozenset[str]

    @property
    def is_reply(self) -> bool:
        """Whether the subject has the mark of a reply."""
        return _REPLY.match(self.subject) is not None

    @property
    def topic(self) -> str:
        """The subject without the marks of replies and forwarding, to compare."""
        return plain_subject(self.subject).casefold()


@dataclass(frozen=True, slots=True)
class Body:
    """What a mail says and holds; its parts are the ends of its MIME tree.

    text: the plain text, or that of the HTML where there is none.
    said: how many parts the text is made of.
    other: how many parts are further forms of the same text.
    attached: the names of the files.
    quoted: the HTML marked a quote that is left out of `text`.
    unreadable: why there is no text, where the text is broken.
    """

    text: str
    said: int = 1
    other: int = 0
    attached: tuple[str, ...] = ()
    quoted: bool = False
    unreadable: str | None = None

    @property
    def n_parts(self) -> int:
        """How many parts it has."""
        return self.said + self.other + len(self.attached)


def plain_subject(subject: str) -> str:
    """Return a subject without Re:, 回复：, Fwd: and the like."""
    for _ in range(20):
        mark = _REPLY.match(subject) or _FORWARD.match(subject)
        if mark is None:
            break
        subject = subject[mark.end() :]
    return subject.strip()


def parsed(raw: bytes) -> Mime:
    """Return the mail that the bytes hold."""
    return email.message_from_bytes(raw, policy=email.policy.compat32)


def head(mail: Mime) -> Head:
    """Return what stands above a mail."""
    sender = address(header(mail, "From"))
    own = _ID.findall(header(mail, "Message-ID"))
    refers = _ID.findall(f"{header(mail, 'References')} {header(mail, 'In-Reply-To')}")
    named = [header(mail, name) for name in ("From", "To", "Cc", "Reply-To")]
    people = {at.casefold() for _, at in email.utils.getaddresses(named) if at}
    return Head(
        subject=" ".join(header(mail, "Subject").split()),
        sender=sender[0] or sender[1] or None,
        date=_date(header(mail, "Date")),
        own_id=own[0] if own else None,
        answers=tuple(dict.fromkeys(refers)),
        people=frozenset(people),
    )


def address(value: str) -> tuple[str, str]:
    """Return the name and the address in a header."""
    name, at = email.utils.parseaddr(value)
    return name.strip(), at.strip()


def header(mail: Mime, name: str) -> str:
    """Return a header as text: encoded words (RFC 2047) decoded, folds undone."""
    # Bytes that are not ASCII make a Header object of it, which holds them as surrogates.
    raw = next((value for key, value in mail.raw_items() if key.lower() == name.lower()), "")
    return _decoded_words(str(raw))


def _decoded_words(value: str) -> str:
    value = re.sub(r"\r?\n(?=[ \t])", "", value)
    if not value.isascii():
        return _text(value.encode("utf-8", "surrogateescape"), "utf-8", strict=False)
    try:
        pieces = email.header.decode_header(value)
    except (email.errors.HeaderParseError, ValueError):
        return value
    # One character may be cut in two between encoded words, so bytes are joined first.
    out: list[str] = []
    held, charset = b"", ""
    for piece, said in [*pieces, ("", None)]:
        if isinstance(piece, bytes) and said == charset and held:
            held += piece
            continue
        if held:
            out.append(_text(held, charset or "utf-8", strict=False))
        held, charset = (piece, said or "") if isinstance(piece, bytes) else (b"", "")
        if isinstance(piece, str):
            out.append(piece)
    return "".join(out)


def body(parts: Iterable[tuple[Mime, bool]]) -> Body:
    """Return what a mail says and holds, from its parts as `leaves` yields them."""
    texts: list[tuple[str, bool]] = []
    attached: list[str] = []
    said = other = 0
    unreadable = None
    for part, is_extra in parts:
        kind = part.get_content_type()
        if is_extra:
            other += 1
        elif kind in ("text/plain", "text/html") and not _is_file(part):
            said += 1
            try:
                text = _payload(part)
            except UnreadableError as reason:
                unreadable = str(reason)
            else:
                texts.append(from_html(text) if kind == "text/html" else (text, False))
        else:
            attached.append(_decoded_words(part.get_filename() or "") or kind)
    joined = "\n\n".join(text.strip() for text, _ in texts if text.strip())
    quoted = any(has_quotes for _, has_quotes in texts)
    return Body(joined, said, other, tuple(attached), quoted, unreadable)


def leaves(mail: Mime) -> Iterator[tuple[Mime, bool]]:
    """Yield the parts, and whether each says again what another one says better."""
    stack: list[tuple[Mime, bool]] = [(mail, False)]
    while stack:
        part, is_extra = stack.pop()
        inner: Any = part.get_payload() if part.is_multipart() else None
        if not isinstance(inner, list) or part.get_content_maintype() != "multipart":
            yield part, is_extra
            continue
        best = _best(inner) if part.get_content_subtype() == "alternative" else None
        stack += [(p, is_extra or (best is not None and p is not best)) for p in reversed(inner)]


def _best(forms: Sequence[Any]) -> Any:
    """Return the form to read: plain text unless it is empty, else what holds HTML."""
    plain = [form for form in forms if form.get_content_type() == "text/plain"]
    filled = [form for form in plain if (form.get_payload(decode=True) or b"").strip()]
    rich = [form for form in forms if form not in plain and _holds_html(form)]
    return next(iter(filled or rich or plain), None)


def _holds_html(form: Any) -> bool:
    return any(part.get_content_type() == "text/html" for part in form.walk())


def _is_file(part: Mime) -> bool:
    return part.get_content_disposition() == "attachment" or bool(part.get_filename())


def _payload(part: Mime) -> str:
    raw = part.get_payload(decode=True)
    if not isinstance(raw, bytes):
        return ""
    return _text(raw, part.get_content_charset() or "utf-8", strict=True)


def _text(raw: bytes, charset: str, *, strict: bool) -> str:
    """Return bytes as text, in the charset that is named, or in the one that they show.

    Raises:
        UnreadableError: they are in neither, and `strict`.

    """
    charset = charset.strip("'\" ").casefold()
    for name in (_AS_MEANT.get(charset, charset), judge(raw)):
        try:
            return raw.decode(name)
        except (LookupError, ValueError):
            continue
    if strict:
        raise UnreadableError("bytes that are in no known encoding")
    return raw.decode("utf-8", "replace")


def _date(value: str) -> dt.datetime | None:
    try:
        return email.utils.parsedate_to_datetime(value)
    except (TypeError, ValueError, IndexError, OverflowError):
        return None


def from_html(text: str) -> tuple[str, bool]:
    """Return the text of a page without the quotes in it, and whether there were any."""
    import inscriptis  # noqa: PLC0415 - only mail without plain text needs it
    from lxml import etree  # noqa: PLC0415 - as above

    parser = etree.HTMLParser(encoding="utf-8", huge_tree=True, remove_comments=True)
    tree = etree.fromstring(text.replace("\0", "").encode("utf-8", "replace") or b"<p/>", parser)
    if tree is None:
        return "", False
    quotes: Any = tree.xpath(
        "//blockquote | //*[contains(@class, 'gmail_quote') or @id='divRplyFwdMsg'"
        " or @id='appendonsend' or contains(@class, 'qmbox') or contains(@class, 'yahoo_quoted')]"
    )
    for quote in quotes:
        _drop(quote)
    return str(inscriptis.Inscriptis(tree).get_text()), bool(quotes)


def _drop(element: Any) -> None:
    """Take an element out, and leave the text behind it."""
    parent = element.getparent()
    if parent is None:
        return
    tail, before = element.tail or "", element.getprevious()
    if before is not None:
        before.tail = (before.tail or "") + tail
    else:
        parent.text = (parent.text or "") + tail
    parent.remove(element)
