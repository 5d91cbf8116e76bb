"""The users of a help desk, exported beside its tickets: `users.json`, as Zendesk gives it.

The format: developer.zendesk.com (Users): `{"users": [{"id", "name", "role", …}]}`, or
the list alone. Names and roles are looked up in it; nobody in it says anything.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

from curator.sources.chats.exports_json import (
    identifier,
    listed,
    mapped,
    read_pieces,
    said_text,
    storable,
)
from curator.sources.files.lines import LINE_LIMIT
from curator.sources.formats import PROVEN, Format
from curator.sources.tables.json_text import key_paths
from curator.types import Quarantined, SetAside

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from curator.sources.formats import Item, Reading, Start

FILE = "users.json"
_KNOWN = ("time_zone", "locale", "organization_id", "suspended", "verified", "shared", "created_at")


class User(NamedTuple):
    """Who somebody is: a name, and the role as the help desk calls it."""

    name: str
    role: str


def users_beside(path: Path) -> dict[str, User]:
    """Return the users by their ids, as far as a list beside the tickets tells."""
    beside = path.parent / FILE
    try:
        if beside == path or beside.stat().st_size > LINE_LIMIT:
            return {}
        told = json.loads(beside.read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    users: dict[str, User] = {}
    for user in map(mapped, listed(told) or listed(mapped(told).get("users"))):
        number, name = identifier(user.get("id")), said_text(user.get("name")).strip()
        if number and name:
            users[number] = User(storable(name), said_text(user.get("role")))
    return users


def read_users(reading: Reading) -> Iterator[Item]:
    """Yield that each user of a list is no message."""
    for piece in reading.tally.count(read_pieces(reading, ("users",))):
        if isinstance(piece, Quarantined):
            yield piece
        else:
            yield SetAside(piece.place, "about the export")


def _recognise(start: Start) -> float:
    if start.path.name != FILE or start.source.columns is not None:
        return 0.0
    keys = key_paths(start.text)
    return PROVEN * any(
        {f"{path}id", f"{path}name", f"{path}role"} <= keys
        and any(f"{path}{key}" in keys for key in _KNOWN)
        for path in ("", "users.")
    )


FORMATS = (
    Format(
        "ticket-users",
        "chat",
        "the users of a help desk beside its tickets, which are set aside",
        "客服工单旁的用户列表（不作为记录）",
        _recognise,
        read_users,
    ),
)
