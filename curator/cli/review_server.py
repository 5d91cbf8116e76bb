"""`curator review serve`, `status` and `stop`: the Argilla of a project."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from curator.cli.output import Folder, Json, data, say, table
from curator.cli.review import app

if TYPE_CHECKING:
    from curator.review.server.process import Started
    from curator.review.server.state import Server

_LOOPBACK = {"127.0.0.1", "localhost", "::1"}


@app.command()
def serve(
    *,
    project: Folder = ".",
    host: Annotated[str, typer.Option(help="The address to listen at.")] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="The port; 0 for any that is free.")
    ] = 6900,
    reviewer: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Make an account for a reviewer; may be repeated."),
    ] = None,
    detach: Annotated[
        bool, typer.Option("--detach", help="Leave it running and return; see `review stop`.")
    ] = False,
    json: Json = False,
) -> None:
    """Open Argilla on this machine: no Docker, no Elasticsearch, no Redis; Ctrl-C stops it."""
    from curator.review.server.process import start
    from curator.workspace import Workspace

    # A closed terminal and a plain kill end the server as well.
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) != signal.SIG_IGN:  # as under nohup
            signal.signal(number, signal.default_int_handler)
    started = start(
        Workspace.find(Path(project)), host=host, port=port, reviewers=reviewer or (), tell=say
    )
    if json:
        data(_told(started.server))
    else:
        _tell_started(started)
    if host not in _LOOPBACK:
        say(
            f"open to whoever reaches this machine at port {port}, without encryption;"
            " use it in a network that you trust"
        )
    if not detach:
        _wait(started)


def _tell_started(started: Started) -> None:
    server = started.server
    print(server.url)
    for account in started.new_accounts:
        say(f"account {account['username']}, password {account['password']}")
    say(f"accounts and keys: {server.password_file}")


def _wait(started: Started) -> None:
    from curator.errors import ReviewError
    from curator.review.server.process import end

    say("Ctrl-C stops it")
    try:
        code = started.process.wait()
    except KeyboardInterrupt:
        say("stopping")
        end(started.process)
        return
    if code != 0:
        raise ReviewError(
            f"the review server ended (exit code {code})",
            f"see what it said: {started.server.password_file.with_name('server.log')};"
            " every answer that it took is kept: start it again",
        )


@app.command()
def status(*, project: Folder = ".", json: Json = False) -> None:
    """Tell whether the project's Argilla runs, where, and how far the reviewers are."""
    from dataclasses import asdict

    from curator.review.server.process import locked_by
    from curator.review.server.progress import progress
    from curator.review.server.state import home, running
    from curator.workspace import Workspace

    workspace = Workspace.find(Path(project))
    server = running(workspace)
    if server is None:
        state = "starting" if locked_by(home(workspace)) else "stopped"
        if json:
            data({"state": state})
        else:
            say("starting" if state == "starting" else "stopped; start it: curator review serve")
        return
    datasets = progress(server)
    if json:
        data(_told(server) | {"datasets": [asdict(dataset) for dataset in datasets]})
        return
    print(server.url)
    if datasets:
        rows = [(one.name, one.records, one.completed) for one in datasets]
        table(("dataset", "records", "completed"), rows)
    say(
        f"running since {server.started_at}, process {server.pid}",
        f"accounts and keys: {server.password_file}",
    )


@app.command()
def stop(*, project: Folder = ".", json: Json = False) -> None:
    """Stop the project's Argilla; what it is asked at that moment is finished first."""
    from curator.review.server.process import stop
    from curator.workspace import Workspace

    was_running = stop(Workspace.find(Path(project)))
    if json:
        data({"state": "stopped", "was_running": was_running})
    else:
        say("stopped" if was_running else "it does not run")


def _told(server: Server) -> dict[str, Any]:
    """Return what JSON tells of a running server: where its secrets lie, but none of them."""
    return {
        "state": "running",
        "url": server.url,
        "username": server.username,
        "password_file": str(server.password_file),
        "workspace": server.workspace,
        "pid": server.pid,
        "version": server.version,
        "started_at": server.started_at,
    }
