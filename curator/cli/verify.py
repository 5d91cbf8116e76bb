"""`curator verify`: whether the files of the workspace are as they were written."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from curator.cli.output import Folder, Json, data, say


def verify(
    *,
    project: Folder = ".",
    take_out: Annotated[
        bool, typer.Option("--take-out", help="Take out what the next run makes again.")
    ] = False,
    json: Json = False,
) -> None:
    """Read every file of the workspace and compare checksums; exits 1 where one is damaged."""
    from curator.project import Project

    found = Project(project).damaged(take_out=take_out)
    if json:
        data({"damaged": [asdict(one) for one in found]})
    else:
        again = (
            "taken out; curator run makes it again" if take_out else "curator run makes it again"
        )
        for one in found:
            away = again if one.is_made_again else "put it back from a backup"
            say(f".curator/{one.path}: damaged ({one.reason}); {away}")
        if not found:
            say("every file is as it was written")
    if found:
        raise typer.Exit(1)
