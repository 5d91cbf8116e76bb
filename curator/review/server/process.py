"""The server's process: started, waited for, stopped."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from curator.errors import ReviewError
from curator.review.server import accounts, environment
from curator.review.server.embedded.curator_review_server.exits import Exit
from curator.review.server.state import Server, home, is_locked, running
from curator.workspace import disk_error

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from curator.workspace import Workspace

PORT = 6900
_STARTS_WITHIN = 300.0  # seconds; an index of many records may have to be made anew
_STOPS_WITHIN = 20.0


@dataclass(frozen=True, slots=True)
class Started:
    """A server that answers, its process, and the accounts that were made for it just now."""

    server: Server
    process: subprocess.Popen[bytes]
    new_accounts: list[dict[str, str]]


def start(
    workspace: Workspace,
    *,
    host: str = "127.0.0.1",
    port: int = PORT,
    reviewers: Sequence[str] = (),
    tell: Callable[[str], None],
) -> Started:
    """Start the project's review server and return when it answers; it outlives this process.

    Port 0 is any that is free.

    Raises:
        ReviewError: it cannot be made or started, or runs already.
        WorkspaceError: its files are damaged or cannot be written.

    """
    folder = home(workspace)
    _refuse_a_second(workspace)
    python = environment.python(tell)
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        new = accounts.ensure(folder / "credentials.json", reviewers)
        log = os.open(folder / "server.log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    except OSError as error:
        raise disk_error(error, folder) from None
    try:
        process = _spawn(python, folder, host, port, log)
    finally:
        os.close(log)
    try:
        return Started(_await(workspace, process, host, port), process, new)
    except BaseException:
        end(process)
        raise


def end(process: subprocess.Popen[bytes]) -> None:
    """Let a server finish what it is doing, and end it."""
    process.terminate()
    try:
        process.wait(_STOPS_WITHIN)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def stop(workspace: Workspace) -> bool:
    """Stop the project's review server; return False where none runs.

    What it is asked meanwhile is finished first.

    Raises:
        ReviewError: it belongs to somebody else.

    """
    folder = home(workspace)
    number = locked_by(folder)
    if number is None:
        return False
    try:
        os.kill(number, signal.SIGTERM)
        if not _is_free(folder, _STOPS_WITHIN):
            os.kill(number, signal.SIGKILL)
            _is_free(folder, _STOPS_WITHIN)
    except ProcessLookupError:
        pass
    except PermissionError:
        raise ReviewError(
            f"the review server belongs to another user (process {number})",
            "ask that user to stop it",
        ) from None
    return True


def locked_by(folder: Path) -> int | None:
    """Return the process that serves or is about to, None where there is none."""
    for _ in range(20):  # the number is written right after the lock is taken
        if not is_locked(folder):
            return None
        text = (folder / "server.lock").read_text(encoding="utf-8").strip()
        if text.isdigit():
            return int(text)
        time.sleep(0.05)
    raise ReviewError(
        f"{folder / 'server.lock'} is held by a process that is no review server",
        "end that process, and run again",
    )


def _refuse_a_second(workspace: Workspace) -> None:
    server = running(workspace)
    if server is not None and server.version != environment.VERSION:
        raise ReviewError(
            f"a server of another version runs at {server.url}:"
            f" Argilla {server.version}, not {environment.VERSION}",
            "stop it first: curator review stop",
        )
    if server is not None:
        raise ReviewError(
            f"the review server of this project runs already: {server.url}",
            "open it, or stop it first: curator review stop",
        )
    number = locked_by(home(workspace))
    if number is not None:
        raise ReviewError(
            f"the review server of this project is just starting or stopping (process {number})",
            "wait for it, or stop it: curator review stop",
        )


def _spawn(python: Path, folder: Path, host: str, port: int, log: int) -> subprocess.Popen[bytes]:
    program: list[str | Path] = [python, "-m", "curator_review_server"]
    try:
        return subprocess.Popen(  # noqa: S603 - our own arguments
            [*program, "--home", folder, "--host", host, "--port", str(port)],
            cwd=folder,
            env=environment.clean_environment(
                PYTHONPATH=str(environment.EMBEDDED),
                PYTHONUNBUFFERED="1",
                OMP_NUM_THREADS="1",
                OPENBLAS_NUM_THREADS="1",
            ),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,  # Ctrl-C is for the command, which stops the server in order
        )
    except OSError:
        raise _damaged() from None


def _await(workspace: Workspace, process: subprocess.Popen[bytes], host: str, port: int) -> Server:
    until = time.monotonic() + _STARTS_WITHIN
    while time.monotonic() < until:
        code = process.poll()
        if code is not None:
            raise _failure(code, home(workspace) / "server.log", host, port)
        server = running(workspace)
        if server is not None and server.pid == process.pid:
            return server
        time.sleep(0.1)
    raise ReviewError(
        f"the review server did not start within {_STARTS_WITHIN:g} seconds",
        f"see what it said: {home(workspace) / 'server.log'}",
    )


def _failure(code: int, log: Path, host: str, port: int) -> ReviewError:
    """Return what the exit code means."""
    match code:
        case Exit.PORT_IN_USE:
            return ReviewError(
                f"port {port} of {host} is in use by another program",
                f"name another: curator review serve --port {port + 1} (0 takes any free one)",
            )
        case Exit.ALREADY_RUNNING:
            return ReviewError(
                "the review server of this project was started by somebody else just now",
                "see where it is: curator review status",
            )
        case Exit.FOREIGN_DATABASE:
            return ReviewError(
                f"{log.with_name('argilla.db')} was made by a server of another version",
                f"pull its answers with the curator that made it, then move {log.parent} away",
            )
        case Exit.NO_SUCH_ADDRESS:
            return ReviewError(
                f"this machine cannot listen at {host}, port {port}",
                "name an address of this machine: --host 127.0.0.1, and a port above 1023",
            )
        case Exit.DAMAGED_ENVIRONMENT:
            return _damaged()
    return ReviewError(
        f"the review server ended as it started (exit code {code})", f"see what it said: {log}"
    )


def _damaged() -> ReviewError:
    return ReviewError(
        f"the review server's environment is damaged: {environment.folder()}",
        "delete that folder and run again: it is made anew",
    )


def _is_free(folder: Path, within: float) -> bool:
    until = time.monotonic() + within
    while is_locked(folder):
        if time.monotonic() > until:
            return False
        time.sleep(0.1)
    return True
