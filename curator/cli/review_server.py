"""`curator review serve`, `status` and `stop`: the Argilla of a project."""

from __future__ import annotations

from curator.cli.output import Folder, Json, data, say
from curator.cli.review import app


@app.command()
def status(*, project: Folder = ".", json: Json = False) -> None:
    """Tell whether the project's review server runs, and where."""
    from pathlib import Path

    from curator.review.server.state import running
    from curator.workspace import Workspace

    server = running(Workspace.find(Path(project)))
    if json:
        told = {"url": server.url, "pid": server.pid} if server else {}
        data({"running": server is not None, **told})
    else:
        say(f"running at {server.url}" if server else "not running")
