"""`curator review push|pull|sheet`: records go to reviewers, and what they say comes back."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from curator.cli.decide import tell
from curator.cli.output import Folder, Json, Stages, data, say, table
from curator.cli.review import app

if TYPE_CHECKING:
    from curator.decide import Decided
    from curator.project import Project
    from curator.review.client import Target
    from curator.review.pull import Pulled

SHOWN = 10
_REASONS = {
    "conflict": "people differ",
    "corrections differ": "people correct it differently",
    "nothing to fix": "to be fixed, but nobody says how",
}
Url = Annotated[
    str | None,
    typer.Option("--url", help="An Argilla server; without it the project's own that runs."),
]
Key = Annotated[
    str | None,
    typer.Option(
        "--api-key",
        help="Its key; others on this machine may see what is typed here, so rather set "
        "CURATOR_ARGILLA_KEY (or ARGILLA_API_KEY), or name a file.",
    ),
]
KeyFile = Annotated[
    Path | None, typer.Option("--api-key-file", help="A file that holds the key alone.")
]
Space = Annotated[str | None, typer.Option("--workspace", help="The workspace on the server.")]

sheet = typer.Typer(
    help="The same by a spreadsheet, for people who may not install anything.",
    no_args_is_help=True,
)


app.add_typer(sheet, name="sheet")


@app.command()
def push(
    *,
    url: Url = None,
    api_key: Key = None,
    api_key_file: KeyFile = None,
    workspace: Space = None,
    limit: Annotated[
        int | None, typer.Option(min=1, help="Send the first of the queue alone.")
    ] = None,
    project: Folder = ".",
    json: Json = False,
) -> None:
    """Send what is held for review to Argilla, the most doubtful first; nothing goes twice."""
    from curator.project import Project

    with Stages(quiet=json) as stages:
        opened = Project(project, progress=stages)
        pushed = opened.review_push(
            _target(opened, url, api_key, api_key_file, workspace), limit=limit
        )
    if json:
        data(asdict(pushed))
        return
    say(
        f"held for review: {pushed.held:,}; sent now: {pushed.sent:,},"
        f" on the server before: {pushed.there:,}"
    )
    if not pushed.held:
        say("nothing is held for review")
    if pushed.touched:
        say(f"{pushed.touched:,} have another place or state than before")
    if pushed.erased:
        say(f"{pushed.erased:,} were deleted there, since they were erased here")
    say(f"dataset {pushed.dataset} in the workspace {pushed.workspace}; review at:")
    print(pushed.url)
    say("then: curator review pull")


@app.command()
def pull(
    *,
    url: Url = None,
    api_key: Key = None,
    api_key_file: KeyFile = None,
    workspace: Space = None,
    project: Folder = ".",
    json: Json = False,
) -> None:
    """Bring back what reviewers said, decide again, and put the most doubtful first anew."""
    from curator.project import Project

    opened = Project(project)
    pulled, decided, moved = opened.review_pull(
        _target(opened, url, api_key, api_key_file, workspace)
    )
    if json:
        data(_facts(pulled, decided) | {"reordered": moved})
        return
    _tell(pulled)
    tell(decided)
    if moved:
        say(f"{moved:,} records have another place in the queue, or are settled")
    say("next: curator export instruction")


@sheet.command("export")
def export_(
    file: Annotated[Path, typer.Argument(help="The spreadsheet to write (.xlsx).")],
    *,
    limit: Annotated[
        int | None, typer.Option(min=1, help="Write the first of the queue alone.")
    ] = None,
    project: Folder = ".",
    json: Json = False,
) -> None:
    """Write what is held for review as a spreadsheet with drop-down verdicts."""
    from curator.project import Project

    written = Project(project).review_sheet(file.absolute(), limit=limit)
    if json:
        data(asdict(written))
        return
    print(written.path)
    say(f"{written.records:,} of {written.held:,} records held for review")
    say("fill in the yellow columns, then: curator review sheet import FILE --reviewer NAME")


@sheet.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="The filled spreadsheet.")],
    *,
    reviewer: Annotated[
        str, typer.Option(help="Who filled it in; two people's sheets count as two reviews.")
    ] = "",
    project: Folder = ".",
    json: Json = False,
) -> None:
    """Read a filled spreadsheet, keep what was said, and decide again."""
    import getpass

    from curator.project import Project

    pulled, decided = Project(project).review_filled(
        file.absolute(), reviewer.strip() or getpass.getuser()
    )
    if json:
        data(_facts(pulled, decided))
        return
    _tell(pulled)
    tell(decided)
    say("next: curator export instruction")


def _target(
    project: Project, url: str | None, key: str | None, key_file: Path | None, space: str | None
) -> Target:
    from curator.review.target import target

    return target(project.workspace, url=url, key=key, key_file=key_file, space=space)


def _facts(pulled: Pulled, decided: Decided) -> dict[str, Any]:
    return {
        "pulled": asdict(pulled),
        "decision": decided.manifest,
        "changes": len(decided.changes),
        "precision": [asdict(found) for found in decided.precision],
    }


def _tell(pulled: Pulled) -> None:
    said = ", ".join(f"{n:,} {status}" for status, n in pulled.said.items()) or "none yet"
    say(f"responses: {said}; new or changed: {pulled.new:,}")
    if pulled.outdated:
        say(f"{pulled.outdated:,} are about a text that has changed since: kept, not applied")
    if pulled.unknown:
        say(f"{pulled.unknown:,} are about records that are not in this project: left out")
    for reason, n in pulled.unsettled.items():
        say(f"{n:,} stay in review: {_REASONS[reason]}")
    if pulled.conflicts:
        listed = ", ".join(pulled.conflicts[:SHOWN])
        more = len(pulled.conflicts) - SHOWN
        say(f"people differ about: {listed}" + (f" and {more:,} more" if more > 0 else ""))
    if pulled.exposed:
        listed = ", ".join(pulled.exposed[:SHOWN])
        say(f"corrections that show a private detail, which would stop an export: {listed}")
    found = pulled.agreement
    if found.records:
        alpha = "not defined" if found.krippendorff is None else f"{found.krippendorff:.2f}"
        say(
            f"reviewed by two or more: {found.records:,}, of which {found.agreed:,} alike;"
            f" Krippendorff's alpha {alpha}"
        )
        rows = [(k, "not defined" if v is None else f"{v:.2f}") for k, v in found.cohen.items()]
        if rows:
            table(("reviewers", "Cohen's kappa"), rows)
