"""Telegram Desktop's export in JSON: one chat (`result.json`), or all chats of an account.

The format: https://core.telegram.org/import-export. A text may come as a list of
pieces with links and mentions; a service message (somebody joined, a title changed)
is a system line.
"""

from __future__ import annotations

from string import ascii_lowercase
from typing import TYPE_CHECKING, Any

from curator.sources.chats.exports_json import (
    Piece,
    broken_text,
    identifier,
    instant,
    listed,
    read_chats,
    said_text,
)
from curator.sources.chats.messages import Message
from curator.sources.formats import PROVEN, Format
from curator.sources.tables.json_text import key_paths
from curator.types import Quarantined, SetAside

if TYPE_CHECKING:
    from collections.abc import Iterator

    from curator.sources.chats.messages import Said
    from curator.sources.formats import Item, Reading, Start

_LISTS = ("chats.list", "left_chats.list")
_STREAMED = ("messages", *_LISTS, *(f"{path}.messages" for path in _LISTS))
_SAVED = "saved_messages"
_MEDIA = (
    "media_type",
    "photo",
    "file",
    "sticker_emoji",
    "poll",
    "location_information",
    "contact_information",
    "game_title",
    "invoice_information",
    "giveaway_information",
)


def read_export(reading: Reading) -> Iterator[Item]:
    """Yield the conversations of each chat, one chat after the other."""
    return read_chats(reading, _STREAMED, _message)


def _message(piece: Piece) -> Said:
    fields = piece.fields
    number = identifier(fields.get("id"))
    locator = f"message {number} ({piece.place})" if number else piece.place
    if "text" not in fields and "action" not in fields:
        return Quarantined(locator, "not a message", piece.raw)
    if wrong := broken_text(fields, piece.raw):
        return Quarantined(locator, wrong, piece.raw)
    text = plain(fields["text"]) if "text" in fields else ""
    if not text.strip() and "text_entities" in fields:
        text = plain(fields["text_entities"])
    chat = piece.around[-1] if piece.around else {}
    is_media = False
    is_service = fields.get("type") == "service" or ("action" in fields and not text.strip())
    if is_service:
        text = text or _service(fields)
    elif not text.strip():
        shown = next((key for key in _MEDIA if key in fields), None)
        if shown is None:
            return SetAside(locator, "an empty message")
        text, is_media = f"[{said_text(fields[shown]) if shown == 'media_type' else shown}]", True
    speaker = said_text(fields.get("from")) or said_text(fields.get("actor"))
    return Message(
        locator,
        text,
        piece.raw,
        speaker=speaker or _nameless(fields),
        time=said_text(fields.get("date")) or instant(fields.get("date_unixtime")),
        conversation=_name(chat),
        id=number,
        reply_to=identifier(fields.get("reply_to_message_id")),
        notice="system line" if is_service else "media" if is_media else None,
    )


def _name(chat: dict[str, Any]) -> str | None:
    kind = chat.get("type")
    return said_text(chat.get("name")) or (_SAVED if kind == _SAVED else identifier(chat.get("id")))


def _nameless(fields: dict[str, Any]) -> str | None:
    """Return what stands for a deleted account: its number, without the word user."""
    number = identifier(fields.get("from_id")) or identifier(fields.get("actor_id"))
    return f"id {number.lstrip(ascii_lowercase)}" if number else None


def _service(fields: dict[str, Any]) -> str:
    """Return what happened in the export's own words: `invite_members: 小李`."""
    about = [said_text(fields.get("title")), *map(said_text, listed(fields.get("members")))]
    told = ", ".join(filter(None, about))
    return f"{said_text(fields.get('action'))}: {told}".removesuffix(": ")


def plain(text: object) -> str:
    """Return a text that may come in pieces (links, mentions, bold) as one string."""
    if isinstance(text, list):
        return "".join(map(_piece, text))
    return said_text(text)


def _piece(piece: object) -> str:
    if not isinstance(piece, dict):
        return said_text(piece)
    text, link = said_text(piece.get("text")), said_text(piece.get("href"))
    return f"{text} ({link})" if link and link != text else text


def _recognise(start: Start) -> float:
    keys = key_paths(start.text)
    inner = {"type", "date", "text"}
    one = {"type", "messages"} <= keys and any(
        {f"messages.{key}" for key in rest} <= keys
        for rest in (inner | {"from_id"}, {"type", "date", "action"})
    )
    return PROVEN * (one or _account(keys))


def _account(keys: frozenset[str]) -> bool:
    if {"chats", "chats.list"} <= keys:
        seen = {"chats.list.type", "chats.list.id", "chats.list.messages"} <= keys
        return seen or "chats.list.messages" in keys or "personal_information" in keys
    return {"about", "personal_information.user_id"} <= keys


FORMATS = (
    Format(
        "telegram",
        "chat",
        "Telegram Desktop's export in JSON: one chat, or all of an account",
        "Telegram 桌面版导出的 JSON：单个聊天或整个账号",
        _recognise,
        read_export,
    ),
)
