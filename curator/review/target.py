"""Which server is meant, and with which key. Keys are never written or shown."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from curator.errors import ReviewError
from curator.review.client import Target
from curator.review.server.state import running

if TYPE_CHECKING:
    from pathlib import Path

    from curator.workspace import Workspace

KEYS = ("CURATOR_ARGILLA_KEY", "ARGILLA_API_KEY")
"""The variables of the environment that may hold the key; the first that is set counts."""


def target(
    workspace: Workspace,
    *,
    url: str | None = None,
    key: str | None = None,
    key_file: Path | None = None,
    space: str | None = None,
) -> Target:
    """Return the server that is named, else the project's own that runs.

    Args:
        workspace: the project's workspace.
        url: where a server is.
        key: its key.
        key_file: a file that holds the key alone.
        space: the workspace on the server.

    Raises:
        ReviewError: no server is named and none runs, or there is no key.

    """
    own = running(workspace)
    if url is None:
        if own is None:
            raise ReviewError(
                "no review server of this project is running",
                "start one with: curator review serve, or name one: --url https://…",
            )
        return Target(own.url, own.api_key, space or own.workspace)
    given = key or _read(key_file) or next((os.environ[n] for n in KEYS if os.environ.get(n)), None)
    if given is None and own is not None and own.url.rstrip("/") == url.rstrip("/"):
        given = own.api_key
    if given is None:
        raise ReviewError(
            f"{url}: there is no key",
            f"set {KEYS[0]}, or name a file that holds it: --api-key-file FILE",
        )
    return Target(url, given.strip(), space)


def _read(path: Path | None) -> str | None:
    if path is None:
        return None
    try:
        held = path.expanduser().read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ReviewError(
            f"{path}: cannot be read ({type(error).__name__})", "it should hold the key alone"
        ) from None
    if not held or len(held.split()) > 1:
        raise ReviewError(f"{path}: holds no key", "it should hold the key alone, on one line")
    return held
