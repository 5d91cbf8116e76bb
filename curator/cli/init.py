"""`curator init`: make a project folder with a recipe and the rules."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from curator.cli.output import say


def init(
    folder: Annotated[Path, typer.Argument(help="The folder to make.")] = Path(),
    source: Annotated[
        list[Path] | None,
        typer.Option("--from", help="A file or folder to curate; may be given more than once."),
    ] = None,
    *,
    rules: Annotated[bool, typer.Option(help="Copy the rules, to change them.")] = True,
) -> None:
    """Make a project: curator.yaml and, to change them, a copy of the rules."""
    from curator.scaffold import scaffold

    recipe = scaffold(folder, source or [], rules=rules)
    say(f"made {recipe}")
    where = "" if folder == Path() else f" {folder}"
    say(
        f"next: look at it, then: curator run{where}"
        if source
        else "next: name your files under `sources:` there"
    )
