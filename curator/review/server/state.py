"""Where a project's review server keeps its files, and whether it runs.

`.curator/review/` holds

    credentials.json   the accounts: names, passwords, API keys, the secret of sessions (0600)
    server.lock        held by the server as long as it lives, whatever ends it
    server.json        where the server that holds the lock is reached
    server.log         what it said since its last start
    argilla.db         datasets, records and answers
    search.db          the search index, made anew from argilla.db where it is lost
    tmp/               the server's copy of its pages, swept at each start
"""

from __future__ import annotations

import fcntl
from dataclasses import dataclass
from typing import TYPE_CHECKING

from curator.workspace import read_json

if TYPE_CHECKING:
    from pathlib import Path

    from curator.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Server:
    """A review server that answers: where it is, and who may enter.

    `username` is the owner's; `password_file` holds the password of every account.
    `workspace` is Argilla's word: the room in which the server's reviewers see datasets.
    """

    url: str
    api_key: str
    username: str
    workspace: str
    password_file: Path
    pid: int
    version: str
    started_at: str


def home(workspace: Workspace) -> Path:
    """Return the folder of the project's review server."""
    return workspace.store / "review"


def running(workspace: Workspace) -> Server | None:
    """Return the project's review server, or None where none answers.

    A server that was killed leaves files behind, but not its lock, so none of them misleads.

    Raises:
        WorkspaceError: a file of the server is damaged.

    """
    folder = home(workspace)
    if not is_locked(folder) or not (folder / "server.json").exists():
        return None
    told, accounts = read_json(folder / "server.json"), read_json(folder / "credentials.json")
    return Server(
        url=told["url"],
        api_key=accounts["owner"]["api_key"],
        username=accounts["owner"]["username"],
        workspace=accounts["workspace"],
        password_file=folder / "credentials.json",
        pid=told["pid"],
        version=told["version"],
        started_at=told["started_at"],
    )


def is_locked(folder: Path) -> bool:
    """Return whether a server lives in the folder, answering or about to."""
    try:
        with (folder / "server.lock").open("rb") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
    except FileNotFoundError:
        pass
    return False
