"""Slack's export: a folder a channel, a JSON file a day; names are found in `users.json` beside.

The format: slack.com/help/articles/220556107. Messages of a thread make a
conversation of their own, over all days of the channel, the other ones of the day another.
"""

from __future__ import annotations

import html
import json
import re
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
    storable,
)
from curator.sources.chats.messages import Message
from curator.sources.chats.slack_threads import later_days, spans
from curator.sources.files.lines import LINE_LIMIT
from curator.sources.formats import PROVEN, Format
from curator.sources.tables.json_text import key_paths
from curator.types import Quarantined, SetAside

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping
    from pathlib import Path

    from curator.sources.chats.messages import Said
    from curator.sources.chats.slack_threads import Spans
    from curator.sources.formats import Item, Reading, Start

USERS = "users.json"
_LISTS = {USERS, "channels.json", "groups.json", "dms.json", "mpims.json", "integration_logs.json"}
"""What lies at the top of an export beside its channels."""

_UTTERANCES = frozenset(
    ("bot_message", "me_message", "thread_broadcast", "file_share", "file_comment")
)
_MARK = re.compile(r"<([@#!]?)([^<>|\s]*)(?:\|([^<>]*))?>")


def read_day(reading: Reading) -> Iterator[Item]:
    """Yield the conversations of a day in a channel, its threads to their ends."""
    found = spans(reading.path, reading.source)
    yield from assemble(_said(reading, found), reading)


def _said(reading: Reading, found: Spans) -> Iterator[Said]:
    day, names, channel = reading.path.name, _names(reading.path), reading.path.parent.name
    keep = reading.source.chat.keep if reading.source.chat else ()
    for piece in reading.tally.count(read_pieces(reading, ())):
        if isinstance(piece, Quarantined):
            yield piece
        elif piece.is_frame:
            yield SetAside(piece.place, "about the export")
        else:
            said = _message(piece, names, channel)
            begun = found.get(_thread(said) or "", (day,))[0]
            if begun != day and isinstance(said, Message) and _is_said(said, keep):
                yield SetAside(said.locator, f"told in the thread that begins in {begun}")
            else:
                yield said
    for path in later_days(reading.path, found):
        for piece in read_pieces(replace(reading, path=path), ()):
            if isinstance(piece, Quarantined) or piece.is_frame:
                continue
            said = _message(piece, names, channel)
            if isinstance(said, Message) and _is_said(said, keep):
                thread = found.get(_thread(said) or "")
                if thread and thread[0] == day and path.name in thread:
                    yield replace(said, locator=f"{path.name} {said.locator}", n_units=0)


def _thread(said: Said) -> str | None:
    """Return the stamp of the thread that a message is of."""
    if not isinstance(said, Message) or not said.whole:
        return None
    return said.reply_to or said.id


def _is_said(message: Message, keep: Collection[str]) -> bool:
    return message.notice is None or message.notice in keep


def _message(piece: Piece, names: Mapping[str, str], channel: str) -> Said:
    fields = piece.fields
    stamp = identifier(fields.get("ts"))
    locator = f"message {stamp} ({piece.place})" if stamp else piece.place
    if fields.get("type") != "message" or "ts" not in fields:
        return Quarantined(locator, "not a message", piece.raw)
    if wrong := broken_text(fields, piece.raw):
        return Quarantined(locator, wrong, piece.raw)
    kind = said_text(fields.get("subtype"))
    text = plain(said_text(fields.get("text")), names) or _attached(fields, names)
    is_media = False
    if not text.strip() and (not kind or kind in _UTTERANCES):
        files = [mapped(file) for file in listed(fields.get("files"))]
        if not files:
            return SetAside(locator, "an empty message")
        titles = [said_text(f.get("title")) or said_text(f.get("name")) or "file" for f in files]
        text, is_media = " ".join(f"[{title}]" for title in titles), True
    thread = identifier(fields.get("thread_ts"))
    is_event = bool(kind) and kind not in _UTTERANCES
    return Message(
        locator,
        text,
        piece.raw,
        speaker=_speaker(fields, names),
        time=instant(stamp),
        conversation=f"{channel} {thread}" if thread else channel,
        id=stamp,
        reply_to=thread if thread != stamp else None,
        whole=thread is not None,
        notice="recalled message"
        if kind == "tombstone"
        else "system line"
        if is_event
        else "media"
        if is_media
        else None,
    )


def _speaker(fields: dict[str, Any], names: Mapping[str, str]) -> str | None:
    user = identifier(fields.get("user"))
    if user and user in names:
        return names[user]
    profile = mapped(fields.get("user_profile"))
    bot = mapped(fields.get("bot_profile"))
    told = (
        *(profile.get(key) for key in ("display_name", "real_name", "name")),
        fields.get("username"),
        bot.get("name"),
    )
    return (
        next(filter(None, map(said_text, told)), None) or user or identifier(fields.get("bot_id"))
    )


def _attached(fields: dict[str, Any], names: Mapping[str, str]) -> str:
    """Return the words of attachments, which is what apps write in."""
    found = []
    for attachment in map(mapped, listed(fields.get("attachments"))):
        texts = [said_text(attachment.get(key)) for key in ("pretext", "title", "text")]
        found.append("\n".join(filter(None, texts)) or said_text(attachment.get("fallback")))
    return plain("\n".join(filter(None, found)), names)


def plain(text: str, names: Mapping[str, str]) -> str:
    """Return a text without Slack's marks: mentions by name, links by label and address."""

    def told(mark: re.Match[str]) -> str:
        sign, target, label = mark[1], mark[2], mark[3]
        if sign == "@":
            return f"@{label or names.get(target, target)}"
        if sign == "#":
            return f"#{label or target}"
        if sign == "!":
            return label or f"@{target.split('^')[0]}"
        address = target.removeprefix("mailto:").removeprefix("tel:")
        return f"{label} ({address})" if label and label != address else address

    return html.unescape(_MARK.sub(told, text))


def _names(path: Path) -> dict[str, str]:
    """Return the names of the users by their ids, as far as the export tells."""
    beside = path.parent.parent / USERS
    try:
        if beside.stat().st_size > LINE_LIMIT:
            return {}
        users = json.loads(beside.read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    names = {}
    for user in map(mapped, listed(users)):
        profile = mapped(user.get("profile"))
        told = (
            profile.get("display_name"),
            user.get("real_name"),
            profile.get("real_name"),
            user.get("name"),
        )
        name = next(filter(None, map(said_text, told)), None)
        if name and identifier(user.get("id")):
            names[str(user["id"])] = storable(name)
    return names


def read_list(reading: Reading) -> Iterator[Item]:
    """Yield that each user or channel in a list of them is no message."""
    for piece in reading.tally.count(read_pieces(reading, ())):
        if isinstance(piece, Quarantined):
            yield piece
        else:
            yield SetAside(piece.place, "about the export")


def _recognise(start: Start) -> float:
    keys = key_paths(start.text)
    spoken = {"type", "ts"} <= keys and bool(keys & {"text", "user", "bot_id", "subtype"})
    is_list = start.text.lstrip().startswith("[")
    return PROVEN * (spoken and is_list and bool(_STAMP.search(start.text)))


_STAMP = re.compile(r'"ts"\s*:\s*"\d{9,11}\.\d{4,}"')


def _recognise_list(start: Start) -> float:
    keys = key_paths(start.text)
    is_users = {"id", "team_id", "profile"} <= keys
    is_channels = {"id", "members", "created"} <= keys or {"service_id", "change_type"} <= keys
    is_empty = start.text.strip() == "[]"
    return PROVEN * (start.path.name in _LISTS and (is_users or is_channels or is_empty))


FORMATS = (
    Format(
        "slack",
        "chat",
        "Slack's export: a JSON file a channel and day",
        "Slack 导出：每个频道每天一个 JSON 文件",
        _recognise,
        read_day,
    ),
    Format(
        "slack-list",
        "chat",
        "the users and channels of a Slack export, which are set aside",
        "Slack 导出中的用户与频道列表（不作为记录）",
        _recognise_list,
        read_list,
    ),
)
