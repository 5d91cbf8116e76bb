"""`curator diff`: what differs between two versions of an export, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from curator.cli.output import Folder, Json, data, say, show, table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from curator.exports.diff import Changed

Version = Annotated[
    str,
    typer.Argument(
        help="A version: its folder, the beginning of its id, or instruction/latest, rag/3f2a."
    ),
]
SHOWN = 20


def diff(
    a: Version,
    b: Version,
    *,
    project: Folder = ".",
    json: Json = False,
    text: Annotated[
        bool, typer.Option("--text", help="Show the lines that changed, as they were exported.")
    ] = False,
    every: Annotated[bool, typer.Option("--all", help="List every record, not the first.")] = False,
) -> None:
    """Tell what differs between two versions of an export, record by record, and why."""
    from curator.project import Project

    found = Project(project).diff(a, b, text=text)
    if json:
        data(found.facts())
        return
    counts = found.counts()
    rows = [(how, cause, n) for how, why in found.causes().items() for cause, n in why.items()]
    if rows:
        table(("change", "why", "records"), rows)
    for how in counts:
        _tell(how, [change for change in found.changes if change.how == how], every=every)
    if found.settings:
        say(f"made otherwise: {', '.join(found.settings)}")
    said = [*(f"{n:,} {how}" for how, n in counts.items()), f"{found.unchanged:,} as before"]
    say(f"{found.a.name} {found.a.version} → {found.b.version}: {', '.join(said)}")


def _tell(how: str, changes: Sequence[Changed], *, every: bool) -> None:
    for change in changes if every else changes[:SHOWN]:
        was = f" (was {change.before})" if change.before else ""
        place = f"{change.source}, {change.locator}" if change.locator else change.source
        show(f"{how}  {change.record}{was}  {place}: {'; '.join(change.why)}")
        for line in change.lines:
            show(f"    {line}")
    if len(changes) > SHOWN and not every:
        show(f"{how}  … and {len(changes) - SHOWN:,} more (--all lists them)")
