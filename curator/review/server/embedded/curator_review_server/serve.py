"""Argilla in this process: configured, its parts exchanged, served until it is told to stop."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import sys
from datetime import UTC, datetime
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from . import jobs
from .database import ForeignDatabaseError, fill, make_accounts, migrate
from .guard import LOOPBACK, Guard
from .index import Index
from .logs import be_discreet
from .pages import make_private, policy, static_folder

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Mapping
    from pathlib import Path

__all__ = ["ForeignDatabaseError", "serve"]

_PATIENCE = 10  # seconds for the requests that are under way when the server is stopped


def serve(home: Path, listening: socket.socket, patch: Callable[[], None]) -> None:
    """Serve the folder's datasets on a socket until told to stop; `patch` changes Argilla first.

    Raises:
        ForeignDatabaseError: the database comes from a version that this one does not know.

    """
    accounts = json.loads((home / "credentials.json").read_text(encoding="utf-8"))
    (home / "server.json").unlink(missing_ok=True)
    _configure(home, accounts["secret"])
    sys.modules["argilla_server.jobs.queues"] = jobs
    import argilla_server  # noqa: F401 - makes the application of what is configured

    patch()
    migrate(home / "argilla.db")
    be_discreet()  # Argilla and its migrations have set up logging of their own
    index = Index(home / "search.db")
    try:
        asyncio.run(_serve(home, listening, accounts, index))
    finally:
        index.close()


def _configure(home: Path, secret: str) -> None:
    """Tell Argilla, which reads its environment as it is imported."""
    temporary = home / "tmp"
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir()
    os.environ.update(
        ARGILLA_HOME_PATH=str(home),
        ARGILLA_SEARCH_ENGINE="curator",
        ARGILLA_AUTH_SECRET_KEY=secret,
        ARGILLA_CORS_ORIGINS="[]",
        ARGILLA_DATABASE_SQLITE_TIMEOUT="30",
        ARGILLA_SHOW_HUGGINGFACE_SPACE_PERSISTENT_STORAGE_WARNING="false",
        HF_HUB_OFFLINE="1",
        HF_HUB_DISABLE_TELEMETRY="1",
        HF_HOME=str(temporary / "huggingface"),
        TMPDIR=str(temporary),
    )


async def _serve(
    home: Path, listening: socket.socket, accounts: Mapping[str, Any], index: Index
) -> None:
    import uvicorn
    from argilla_server import app
    from argilla_server.database import async_engine, sync_engine
    from argilla_server.search_engine import SearchEngine

    from .engine import NAME, Engine

    # An error told in the log does not tell whose text it was about.
    async_engine.sync_engine.hide_parameters = sync_engine.hide_parameters = True
    engine = Engine(index)
    SearchEngine.register(NAME)(engine)
    await make_accounts(accounts)
    written = await fill(index, engine)
    if written:
        print(f"the search index was made anew: {written} records", flush=True)  # noqa: T201
    pages = static_folder(app)
    make_private(pages)
    host, port = listening.getsockname()[:2]
    guard = Guard(app, policy(pages), LOOPBACK if host in {"127.0.0.1", "::1"} else None)
    config = uvicorn.Config(
        guard,
        access_log=False,
        log_config=None,
        server_header=False,
        timeout_graceful_shutdown=_PATIENCE,
    )

    class Announcing(uvicorn.Server):  # type: ignore[misc]  # as argilla_server
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets=sockets)
            if self.started:
                _announce(home, host, port)

    try:
        await Announcing(config).serve(sockets=[listening])
    finally:
        (home / "server.json").unlink(missing_ok=True)
        await jobs.DEFAULT_QUEUE.finish()
        await jobs.HIGH_QUEUE.finish()
        await engine.finish()
        await async_engine.dispose()
        index.is_whole = index.is_whole and not guard.cut_short


def _announce(home: Path, host: str, port: int) -> None:
    """Write where the server is reached, whole or not at all."""
    named = {"0.0.0.0": "127.0.0.1", "::": "[::1]", "::1": "[::1]"}.get(host, host)  # noqa: S104
    told = {
        "url": f"http://{named}:{port}",
        "host": host,
        "pid": os.getpid(),
        "version": version("argilla-server"),
        "started_at": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    temporary = home / ".tmp-server.json"
    temporary.write_text(json.dumps(told), encoding="utf-8")
    temporary.replace(home / "server.json")
