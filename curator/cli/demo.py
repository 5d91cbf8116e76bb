"""`curator demo`: the main job on the sample data that comes with curator."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from curator.cli.output import Engine, Json, Stages, Workers, data, say
from curator.cli.run import tell


def demo(
    folder: Annotated[Path, typer.Argument(help="The folder to make.")] = Path("demo-project"),
    *,
    workers: Workers = None,
    engine: Engine = None,
    json: Json = False,
) -> None:
    """Run the main job on the bundled sample data: paediatrics, service and law, zh and en."""
    from curator.project import Project
    from curator.scaffold import sample

    began = time.perf_counter()
    sample(folder)
    with Stages(quiet=json) as stages:
        project = Project(
            folder, workers=workers, engine=engine, progress=stages, expect=stages.expect
        )
        summary = project.run()
    counted, total = project.status(), round(time.perf_counter() - began, 2)
    if json:
        data({"seconds_total": total, "outputs": summary.outputs, "status": counted})
    else:
        tell(summary, total, str(folder))
        say(
            "conserved: every unit and every record is accounted for"
            if counted["conserved"]
            else "does not add up"
        )
    if not counted["conserved"]:
        raise typer.Exit(1)
