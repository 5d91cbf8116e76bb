"""`curator reveal`: put the originals back in an exported file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from curator.cli.output import Folder


def reveal(
    file: Annotated[Path, typer.Argument(help="A JSONL or Parquet file of an export.")],
    *,
    project: Folder = ".",
) -> None:
    """Print an exported file's rows with what pseudonyms stand for; needs the key, is logged."""
    from curator.project import Project

    for line in Project(project).reveal(file):
        print(line)
