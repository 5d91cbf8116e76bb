"""`curator check`: run the checks that are not fresh."""

from __future__ import annotations

from typing import Annotated

import typer

from curator.cli.output import Folder, Json, Stages, Workers, data, say, table


def check(
    names: Annotated[
        list[str] | None, typer.Argument(help="Checks to run; all by default.")
    ] = None,
    *,
    project: Folder = ".",
    workers: Workers = None,
    json: Json = False,
) -> None:
    """Look for private details, duplicates, label issues and the like; nothing is changed."""
    from curator.project import Project

    with Stages(quiet=json) as stages:
        runs = Project(project, workers=workers, progress=stages).check(names or [])
    if json:
        data(runs)
        return
    table(
        ("check", "records", "findings", "seconds"),
        [(r["check"], r["n_records"], r["n_findings"], r["seconds"]) for r in runs],
    )
    say("next: curator decide")
