"""`curator reveal`: put the originals back in an exported file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from curator.cli.output import Folder


def reveal(
    file: Annotated[Path, typer.Argument(help="A JSONL file of an export.")],
    *,
    project: Folder = ".",
) -> None:
    """Print an exported JSONL file with what its pseudonyms stand for; needs the key, is logged."""
    from curator.project import Project

    for line in Project(project).reveal(file):
        print(line)
