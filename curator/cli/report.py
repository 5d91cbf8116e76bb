"""`curator report`: one HTML file that shows what was found and decided."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from curator.cli.output import Folder, Json, data


def report(
    *,
    out: Annotated[
        Path | None, typer.Option(help="Where to write it; report.html by default.")
    ] = None,
    project: Folder = ".",
    json: Json = False,
) -> None:
    """Write the report: one HTML file that needs no network."""
    from curator.project import Project

    path = Project(project).report(out)
    if json:
        data({"report": str(path)})
    else:
        print(path)
