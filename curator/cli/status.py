"""`curator status`: the funnel, and the proof that nothing was lost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer

from curator.cli.export import stale_lines
from curator.cli.output import Folder, Json, data, say, table

if TYPE_CHECKING:
    from collections.abc import Mapping

BAR = 40


def status(*, project: Folder = ".", json: Json = False) -> None:
    """Show where every unit and record went; exits 1 where the counts do not add up."""
    from curator.project import Project

    counted = Project(project).status()
    if json:
        data(counted)
    else:
        _tell(counted)
    if not counted["conserved"]:
        raise typer.Exit(1)


def _tell(counted: Mapping[str, Any]) -> None:
    units, decisions = counted["units"], counted["decisions"]
    rows = [
        ("units read", units["read"]),
        ("  quarantined", units["quarantined"]),
        ("  set aside", units["set_aside"]),
        ("  in records", units["in_records"]),
        ("records", counted["records"]),
    ]
    if decisions:
        rows += [
            ("  dropped", decisions["drop"]),
            ("  held for review", decisions["review"]),
            ("  kept", decisions["keep"]),
        ]
        rows += [(f"    for {route}", n) for route, n in counted["routes"].items()]
    largest = max(units["read"], 1)
    table(("stage", "count", ""), [(name, n, "█" * round(BAR * n / largest)) for name, n in rows])
    for title, key in (
        ("quarantined because", "quarantine_reasons"),
        ("set aside because", "set_aside_reasons"),
        ("dropped by", "drop_rules"),
    ):
        for reason, n in counted[key].items():
            say(f"{title}: {reason}: {n:,}")
    _tell_reviews(counted["reviews"])
    for export in counted["exports"]:
        say(
            f"export {export['name']} {export['version']}: {export['records']:,} records"
            + ("" if export["is_current"] else " (older than the decision)")
        )
        for reason, n in export["left_out"].items():
            say(f"  left out, {reason}: {n:,}")
    for line in stale_lines(counted["stale"]):
        say(f"export instruction: {line}")
    stale = [f"{name} ({state})" for name, state in counted["checks"].items() if state != "fresh"]
    if stale:
        say("checks to run: " + ", ".join(stale))
    for problem in counted["problems"]:
        say(f"does not add up: {problem}")
    if counted["conserved"]:
        say("conserved: every unit and every record is accounted for")


def _tell_reviews(reviews: Mapping[str, int]) -> None:
    if not reviews["records"]:
        return
    people = f"{reviews['reviewers']:,} people" if reviews["reviewers"] > 1 else "one person"
    said = [f"{word} {reviews[f'said_{word}']:,}" for word in ("keep", "fix", "drop")]
    said += [
        f"{name} {reviews[name]:,}"
        for name in ("unsettled", "waiting", "drafts", "discarded", "outdated")
        if reviews[name]
    ]
    say(f"reviews: {reviews['records']:,} records by {people}: {', '.join(said)}")
