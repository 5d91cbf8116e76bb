"""`curator report`: one HTML file that shows what was found and decided."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from curator.cli.output import Folder


def report(
    *,
    out: Annotated[
        Path | None, typer.Option(help="Where to write it; report.html by default.")
    ] = None,
    project: Folder = ".",
) -> None:
    """Write the report: one HTML file that needs no network."""
    from curator.project import Project

    print(Project(project).report(out))
