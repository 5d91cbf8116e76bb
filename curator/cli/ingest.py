"""`curator ingest`: read the sources into records."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from curator.cli.output import Folder, Json, Stages, data, say, table


def ingest(
    paths: Annotated[
        list[Path] | None, typer.Argument(help="Files or folders to read beside the recipe's.")
    ] = None,
    *,
    project: Folder = ".",
    json: Json = False,
) -> None:
    """Read the sources into immutable records; what cannot be read goes to quarantine."""
    from curator.project import Project
    from curator.schema import Source

    extra = [Source(path=str(path.resolve())) for path in paths or []]
    with Stages(quiet=json) as stages:
        manifests = Project(project, progress=stages).ingest(extra)
    if json:
        data(manifests)
        return
    table(
        ("source", "read as", "units", "in records", "set aside", "quarantined"),
        [
            (
                m["uri"],
                m["source"]["format"],
                m["units_read"],
                m["units_in_records"],
                m["units_set_aside"],
                m["units_quarantined"],
            )
            for m in manifests
        ],
    )
    say("next: curator check")
