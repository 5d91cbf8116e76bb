"""`curator erase`: take a person, a record or a source out of the workspace for good."""

from __future__ import annotations

from typing import Annotated

import typer

from curator.cli.output import Folder, Json, data, say, table


def erase(
    *,
    person: Annotated[
        str | None, typer.Option(help="A name: all records in which it stands.")
    ] = None,
    record: Annotated[str | None, typer.Option(help="A record's id, or its beginning.")] = None,
    source: Annotated[
        str | None, typer.Option(help="A source's name, as `status` tells it.")
    ] = None,
    project: Folder = ".",
    json: Json = False,
) -> None:
    """Erase from records, quarantine, findings, caches, vault and the next exports.

    Prints which exports, models and vector tables held it; a log without content remains.
    """
    from curator.erase import Wanted
    from curator.project import Project

    if sum(given is not None and given.strip() != "" for given in (person, record, source)) != 1:
        raise typer.BadParameter("give one of --person, --record, --source")
    found = Project(project).erase(Wanted(person, record, source))
    if json:
        data(
            {
                "records": found.records,
                "quarantined": found.quarantined,
                "reviews": found.reviews,
                "exports": found.exports,
                "runs": found.runs,
                "tables": found.tables,
            }
        )
        return
    reviews = f", {found.reviews:,} reviews" if found.reviews else ""
    say(
        f"erased {len(found.records):,} records and {found.quarantined:,} quarantined units"
        + reviews
    )
    if found.exports:
        say("these exports hold them still; delete them wherever they went:")
        table(
            ("export", "version", "rows"),
            [(e["name"], e["version"], e["rows"]) for e in found.exports],
        )
    if found.runs:
        say("these models were trained on them or measured with them; train again without them:")
        table(
            ("run", "for", "records", "model"),
            [(r["run"], ", ".join(r["sets"]), r["records"], r["model"]) for r in found.runs],
        )
    if found.tables:
        say("these vector tables hold them still; the next export rids them of it:")
        table(("table", "records"), [(t["table"], t["records"]) for t in found.tables])
    say("the source files are yours: take it out there too", "next: curator run")
