"""`curator report`: one HTML file that shows what was found and decided."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from curator.cli.output import Folder, Json, data, say

if TYPE_CHECKING:
    from curator.changes import Changes

SHOWN = 8


def report(
    *,
    out: Annotated[
        Path | None, typer.Option(help="Where to write it; report.html by default.")
    ] = None,
    against: Annotated[
        str | None,
        typer.Option(
            metavar="EARLIER",
            help="Compare with: previous, a decision's id, or another project's folder.",
        ),
    ] = None,
    project: Folder = ".",
    json: Json = False,
) -> None:
    """Write the report: one HTML file that needs no network."""
    from curator.project import Project

    opened = Project(project)
    changes = None if against is None else opened.changes(against)
    path = opened.report(out, changes)
    if json:
        data({"report": str(path)} | ({"against": changes.facts()} if changes else {}))
        return
    if changes:
        tell(changes)
    print(path)


def tell(changes: Changes) -> None:
    """Say how many records have another fate, and the reasons that stand behind most."""
    counts = "  ".join(f"{a}: {was:,} → {now:,}" for a, (was, now) in changes.actions.items())
    say(f"against {changes.before.name}: {counts}")
    groups = changes.grouped()
    for (before, after, why), records in groups[:SHOWN]:
        say(f"{len(records):,} × {before} → {after}: {'; '.join(told.en for told in why)}")
    if not groups:
        say("no record has another fate")
    if len(groups) > SHOWN:
        say(f"… and {len(groups) - SHOWN:,} more kinds of changes (all of them: in the report)")
