"""Discord channels as DiscordChatExporter writes them in JSON.

The format: the JSON of github.com/Tyrrrz/DiscordChatExporter: guild, channel, and
messages with author, content, type and reference.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from curator.sources.chats.exports_json import (
    Piece,
    broken_text,
    identifier,
    listed,
    mapped,
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

# 19, 20, 21 and 23 are replies, slash commands, the starts of threads and commands from menus;
# versions that do not know a kind yet write its number. Every other kind is an event.
_UTTERANCES = frozenset(
    (
        *("Default", "Reply", "ApplicationCommand", "ChatInputCommand", "ContextMenuCommand"),
        *("ThreadStarterMessage", "0", "19", "20", "21", "23"),
    )
)


def read_channel(reading: Reading) -> Iterator[Item]:
    """Yield the conversations of a channel."""
    return read_chats(reading, ("messages",), _message)


def _message(piece: Piece) -> Said:
    fields = piece.fields
    number = identifier(fields.get("id"))
    locator = f"message {number} ({piece.place})" if number else piece.place
    if "content" not in fields or "author" not in fields:
        return Quarantined(locator, "not a message", piece.raw)
    if wrong := broken_text(fields, piece.raw):
        return Quarantined(locator, wrong, piece.raw)
    text = said_text(fields["content"])
    is_event = str(fields.get("type", "Default")) not in _UTTERANCES
    embeds = "\n".join(filter(None, map(_embedded, listed(fields.get("embeds")))))
    is_media = False
    if not text.strip() and not is_event:
        text = embeds
        if not text:
            names = [
                said_text(mapped(a).get("fileName")) for a in listed(fields.get("attachments"))
            ]
            names += [said_text(mapped(s).get("name")) for s in listed(fields.get("stickers"))]
            if not names:
                return SetAside(locator, "an empty message")
            text, is_media = " ".join(f"[{name}]" for name in names), True
    author, around = mapped(fields["author"]), piece.around
    reference = mapped(fields.get("reference"))
    return Message(
        locator,
        text,
        piece.raw,
        speaker=said_text(author.get("nickname"))
        or said_text(author.get("name"))
        or identifier(author.get("id")),
        time=said_text(fields.get("timestamp")) or None,
        conversation=_channel(around[-1]) if around else None,
        id=number,
        reply_to=identifier(reference.get("messageId")),
        notice="system line" if is_event else "media" if is_media else None,
    )


def _embedded(embed: Any) -> str:
    """Return the words of an embed, which is what many bots answer with."""
    embed = mapped(embed)
    fields = [
        f"{said_text(mapped(f).get('name'))}: {said_text(mapped(f).get('value'))}"
        for f in listed(embed.get("fields"))
    ]
    texts = [said_text(embed.get("title")), said_text(embed.get("description")), *fields]
    return "\n".join(filter(str.strip, texts))


def _channel(export: dict[str, Any]) -> str | None:
    channel = mapped(export.get("channel"))
    return said_text(channel.get("name")) or identifier(channel.get("id"))


def _recognise(start: Start) -> float:
    return PROVEN * (
        {"guild", "channel", "messages", "guild.id", "channel.id"} <= key_paths(start.text)
    )


FORMATS = (
    Format(
        "discord",
        "chat",
        "a Discord channel, exported as JSON by DiscordChatExporter",
        "Discord 频道：DiscordChatExporter 导出的 JSON",
        _recognise,
        read_channel,
    ),
)
