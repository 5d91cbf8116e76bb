"""Who may enter the review server: names, random passwords and keys, in one file (0600)."""

from __future__ import annotations

import re
import secrets
from typing import TYPE_CHECKING, Any

from curator.errors import ReviewError
from curator.workspace import read_json, write_json

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

OWNER = "curator"
ROOM = "curator"
"""The name of Argilla's workspace, which all reviewers may see."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")


def ensure(file: Path, reviewers: Sequence[str]) -> list[dict[str, str]]:
    """Write the accounts where they are missing; return those that are new.

    Raises:
        ReviewError: Argilla takes no such name.
        WorkspaceError: the file is damaged or cannot be written.

    """
    for name in reviewers:
        if not _NAME.fullmatch(name) or name == OWNER:
            raise ReviewError(
                f"no reviewer can be called {name!r}",
                f"use Latin letters, digits, - and _, and not {OWNER}, which is the owner",
            )
    new: list[dict[str, str]] = []
    if file.exists():
        told: dict[str, Any] = read_json(file)
        file.chmod(0o600)
    else:
        new.append(_account(OWNER))
        told = {
            "owner": new[0],
            "reviewers": [],
            "secret": secrets.token_hex(32),
            "workspace": ROOM,
        }
    known = {account["username"] for account in told["reviewers"]}
    added = [_account(name) for name in dict.fromkeys(reviewers) if name not in known]
    if new or added:
        write_json(file, told | {"reviewers": told["reviewers"] + added})
    return new + added


def _account(name: str) -> dict[str, str]:
    return {
        "username": name,
        "password": secrets.token_urlsafe(15),
        "api_key": secrets.token_urlsafe(48),
    }
