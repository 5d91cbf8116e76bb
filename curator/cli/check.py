"""`curator check`: run the checks that are not fresh."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from curator.cli.output import Engine, Folder, Json, Stages, Workers, data, say, table


def check(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="CHECK", help="Checks to run; all by default.")
    ] = None,
    *,
    against: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="PATH",
            help="An export, a project, a file or a folder to compare with, this once;"
            " may be given more than once.",
        ),
    ] = None,
    project: Folder = ".",
    workers: Workers = None,
    engine: Engine = None,
    json: Json = False,
) -> None:
    """Look for private details, duplicates, label issues and the like; nothing is changed."""
    from curator.project import Project

    with Stages(quiet=json) as stages:
        opened = Project(
            project, workers=workers, engine=engine, progress=stages, expect=stages.expect
        )
        runs = opened.check(names or [], against or [])
    if json:
        data(runs)
        return
    held = ("held",) if against else ()
    columns = ("n_records", "n_findings", *held, "seconds")
    table(
        ("check", "records", "findings", *held, "seconds"),
        [(r["check"], *(r[c] for c in columns)) for r in runs],
    )
    if against:
        say(
            "these runs stand beside the recipe's: for `curator decide` to act on them,"
            " name the paths in curator.yaml (checks: <check>: {against: [...]})"
        )
    else:
        say("next: curator decide")
