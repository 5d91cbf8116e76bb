"""`curator run`: the main job, all of it, from curator.yaml."""

from __future__ import annotations

import shlex
import time
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from curator.cli.export import tell_synced
from curator.cli.output import Engine, Json, Stages, Workers, data, say, table

if TYPE_CHECKING:
    from curator.project import RunSummary


def run(
    folder: Annotated[str, typer.Argument(help="The project's folder, or one inside it.")] = ".",
    *,
    workers: Workers = None,
    engine: Engine = None,
    json: Json = False,
) -> None:
    """Ingest, check, decide, export and report; goes on where an earlier run stopped.

    Stages overlap with several workers: a stage's seconds are those in which it was waited for.
    """
    from curator.project import Project

    began = time.perf_counter()
    with Stages(quiet=json) as stages:
        project = Project(
            folder, workers=workers, engine=engine, progress=stages, expect=stages.expect
        )
        summary = project.run()
    total = round(time.perf_counter() - began, 2)
    if json:
        data(
            {
                "seconds": summary.seconds,
                "seconds_total": total,
                "workers": project.workers,
                "outputs": summary.outputs,
                "mended": summary.mended,
                "decision": summary.decided,
                "targets": [asdict(one) for one in summary.synced],
            }
        )
    else:
        tell(summary, total, folder)


def tell(summary: RunSummary, total: float, folder: str) -> None:
    """Print the seconds per stage, the counts, and where the outputs lie."""
    table(("stage", "seconds"), [*summary.seconds.items(), ("total", total)])
    say("  ".join(f"{action}: {n:,}" for action, n in summary.decided["counts"].items()))
    for file in summary.mended:
        say(f"damaged, and made again: .curator/{file}")
    for name, path in summary.outputs.items():
        say(f"{name}: {path}")
    tell_synced(summary.synced)
    where = "" if folder == "." else f" -p {shlex.quote(folder)}"
    say(f"next: open {summary.outputs['report']}, or: curator status{where}")
    if summary.decided["counts"].get("review"):
        sheet = f"curator review sheet export review.xlsx{where}"
        say(f"what is held for review: curator review push{where}, or: {sheet}")
