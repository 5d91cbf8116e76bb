"""Tickets of help desks in JSON: Zendesk's with comments, Intercom's with conversation parts.

The formats: developer.zendesk.com (Tickets, Ticket Comments) and
developers.intercom.com (Conversations). One ticket, a list of them, a list inside
an object, or a ticket a line. Who asked for help is the user, and who answers the
assistant; notes that customers do not see are set aside. Names come from `users.json`
beside, where there is one.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from curator.sources.chats.assembly import assemble
from curator.sources.chats.exports_json import (
    Piece,
    broken_text,
    identifier,
    instant,
    listed,
    mapped,
    read_pieces,
    said_text,
)
from curator.sources.chats.markup import plain
from curator.sources.chats.messages import Message
from curator.sources.chats.ticket_users import users_beside
from curator.sources.formats import PROVEN, Format, Start
from curator.sources.tables.json_text import key_paths
from curator.types import Quarantined, Record, SetAside

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from curator.sources.chats.messages import Said
    from curator.sources.chats.ticket_users import User
    from curator.sources.formats import Item, Reading

_LISTS = ("tickets", "conversations", "results", "data")
_COMMENTS = ("comments", "conversation_parts")
_ROLES = {
    "user": "user lead contact end-user end_user enduser requester customer visitor client "
    "客户 用户 顾客 访客",
    "assistant": "admin agent bot operator team support staff light-agent assistant "
    "客服 坐席 机器人",
}
_ROLE_OF = {name: role for role, names in _ROLES.items() for name in names.split()}
_SIGNS = ("subject", "status", "priority", "requester_id", "assignee_id", "ticket_id", "via")
_NOTES = ("note", "note_and_reopen", "internal_note", "private_note", "internal")


def read_tickets(reading: Reading) -> Iterator[Item]:
    """Yield the conversation of each ticket; a unit is a comment, or a ticket that has none."""
    keys = key_paths(Start(reading.path, reading.source).text)
    lists = [name for name in _LISTS if keys & {f"{name}.{key}" for key in ("id", "subject")}]
    users = users_beside(reading.path)
    for piece in read_pieces(reading, lists):
        if isinstance(piece, Quarantined):
            yield from reading.tally.count([piece])
        elif _is_ticket(piece.fields):
            yield from _of_ticket(piece, reading, users)
        elif piece.is_frame:
            yield from reading.tally.count([SetAside(piece.place, "about the export")])
        else:
            broken = Quarantined(_locator(piece), "not a ticket", piece.raw)
            yield from reading.tally.count([broken])


def _is_ticket(fields: Mapping[str, Any]) -> bool:
    return bool(_comments(fields)) or any(
        said_text(fields.get(key)).strip() for key in ("description", "subject")
    )


def _comments(fields: Mapping[str, Any]) -> list[Any]:
    for key in _COMMENTS:
        found = fields.get(key)
        inner = mapped(found).get(key)  # Intercom wraps the list in an object of the same name
        if listed(found) or listed(inner):
            return listed(found) or listed(inner)
    return []


def _of_ticket(piece: Piece, reading: Reading, users: Mapping[str, User]) -> Iterator[Item]:
    fields = piece.fields
    tags = fields.get("tags")
    names = [
        said_text(tag) or said_text(mapped(tag).get("name"))
        for tag in (listed(tags) or listed(mapped(tags).get("tags")))
    ]
    meta = {
        "ticket": identifier(fields.get("id")) or identifier(fields.get("ticket_id")) or "",
        "status": said_text(fields.get("status")) or said_text(fields.get("state")),
        "tags": ", ".join(filter(None, names)),
    }
    told = {key: value for key, value in meta.items() if value}
    for item in assemble(reading.tally.count(_said(piece, users)), reading, whole=True):
        yield replace(item, meta={**item.meta, **told}) if isinstance(item, Record) else item


def _locator(piece: Piece) -> str:
    number = identifier(piece.fields.get("id")) or identifier(piece.fields.get("ticket_id"))
    return f"ticket {number} ({piece.place})" if number else piece.place


def _said(piece: Piece, users: Mapping[str, User]) -> Iterator[Said]:
    """Yield the messages of a ticket: what it opens with, then its comments."""
    fields, where = piece.fields, _locator(piece)
    if wrong := broken_text(fields, piece.raw):
        yield Quarantined(where, wrong, piece.raw)
        return
    source = mapped(fields.get("source")) or mapped(fields.get("conversation_message"))
    subject = plain(said_text(fields.get("subject")) or said_text(source.get("subject")))
    comments = [mapped(comment) for comment in _comments(fields)]
    if not source:
        opening = said_text(fields.get("description"))
        said_again = any(_text(comment).strip() == opening.strip() for comment in comments[:1])
        if not said_again and (opening.strip() or not comments):
            source = {"body": opening or subject, "author": {"role": "user"}}
            source["created_at"] = fields.get("created_at")
    requester = identifier(fields.get("requester_id"))
    for number, comment in enumerate([source, *comments] if source else comments):
        said = _comment(comment, f"{where} comment {identifier(comment.get('id')) or number}",
                        fields, requester, users)  # fmt: skip
        if isinstance(said, Message) and said.notice is None and subject:
            if subject not in said.text:
                said = replace(said, text=f"{subject}\n{said.text}")
            subject = ""
        yield said


def _comment(
    comment: Mapping[str, Any],
    locator: str,
    ticket: Mapping[str, Any],
    requester: str | None,
    users: Mapping[str, User],
) -> Said:
    if not comment:
        return Quarantined(locator, "not a comment", b"")
    if comment.get("public") is False or comment.get("part_type") in _NOTES:
        return SetAside(locator, "a note that the customer does not see")
    text, is_media = _text(comment), False
    files = [mapped(file) for file in listed(comment.get("attachments"))]
    if not text.strip() and files and not comment.get("redacted"):
        names = [said_text(f.get("name")) or said_text(f.get("file_name")) for f in files]
        text, is_media = " ".join(f"[{name or 'file'}]" for name in names), True
    is_event = not text.strip() or comment.get("type") in ("Change", "Event")
    author = mapped(comment.get("author")) or mapped(comment.get("via_author"))
    number = identifier(comment.get("author_id")) or identifier(author.get("id"))
    user = users.get(number or "")
    return Message(
        locator,
        text or said_text(comment.get("part_type")),
        text.encode("utf-8", "surrogatepass"),
        speaker=said_text(author.get("name"))
        or said_text(comment.get("author_name"))
        or (user.name if user else "")
        or said_text(author.get("email"))
        or number,
        time=instant(comment.get("created_at") or ticket.get("created_at")),
        role=_role(comment, author, number, requester)
        or (_ROLE_OF.get(user.role.strip().casefold()) if user else None),
        id=identifier(comment.get("id")),
        notice="recalled message"
        if comment.get("redacted")
        else "system line"
        if is_event
        else "media"
        if is_media
        else None,
    )


def _role(
    comment: Mapping[str, Any], author: Mapping[str, Any], number: str | None, requester: str | None
) -> str | None:
    told = (author.get("type"), author.get("role"), comment.get("author_type"),
            comment.get("author_role"), comment.get("role"))  # fmt: skip
    for name in told:
        role = _ROLE_OF.get(said_text(name).strip().casefold())
        if role:
            return role
    if requester is not None and number is not None:
        return "user" if number == requester else "assistant"
    return None


def _text(comment: Mapping[str, Any]) -> str:
    """Return what a comment says, without markup."""
    for key in ("plain_body", "plain_text_body"):
        if said_text(comment.get(key)).strip():
            return said_text(comment[key]).replace("\xa0", " ").strip()
    if said_text(comment.get("html_body")).strip():
        return plain(said_text(comment["html_body"]))
    body = next(
        (said_text(comment[key]) for key in ("body", "text", "content") if comment.get(key)), ""
    )
    return plain(body) if "<" in body and ">" in body else body.strip()


def _recognise(start: Start) -> float:
    keys = key_paths(start.text)
    if start.source.columns is not None:
        return 0.0
    for path in ("", *(f"{name}." for name in _LISTS)):
        parts = f"{path}conversation_parts"
        if f"{parts}.conversation_parts" in keys or f"{parts}.part_type" in keys:
            return PROVEN
        if {f"{path}source.body", f"{path}source.author", f"{path}id"} <= keys:
            return PROVEN
        inner = {key.removeprefix(f"{path}comments.") for key in keys if key.startswith(path)}
        body = inner & {"body", "plain_body", "html_body", "text", "content"}
        who = inner & {"author_id", "author", "public", "author_role", "role"}
        if body and who and keys & {f"{path}{key}" for key in _SIGNS}:
            return PROVEN
        ticket = {"subject", "description", "requester_id"}
        if {f"{path}{key}" for key in ticket} <= keys:
            return PROVEN
    return 0.0


FORMATS = (
    Format(
        "tickets",
        "chat",
        "help-desk tickets in JSON, as Zendesk and Intercom give them",
        "客服工单 JSON：Zendesk、Intercom 等",
        _recognise,
        read_tickets,
    ),
)
