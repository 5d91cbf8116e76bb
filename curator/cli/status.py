"""`curator status`: the funnel, and the proof that nothing was lost."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

import typer

from curator.cli.export import stale_lines
from curator.cli.output import Folder, Json, data, say, table

if TYPE_CHECKING:
    from collections.abc import Mapping

BAR = 40
_ROUTES = {"instruction": "用于指令集", "rag": "用于检索库"}


def status(*, project: Folder = ".", json: Json = False) -> None:
    """Show where every unit and record went; exits 1 where the counts do not add up."""
    from curator.project import Project

    counted = Project(project).status()
    if json:
        data(counted)
    else:
        _tell(counted)
        _tell_next(counted, "" if project == "." else f" -p {shlex.quote(project)}")
    if not counted["conserved"]:
        raise typer.Exit(1)


def _tell(counted: Mapping[str, Any]) -> None:
    units, decisions = counted["units"], counted["decisions"]
    rows = [
        ("units read", "读入单元", units["read"]),
        ("  quarantined", "  隔离", units["quarantined"]),
        ("  set aside", "  另置", units["set_aside"]),
        ("  in records", "  进入记录", units["in_records"]),
        ("records", "记录", counted["records"]),
    ]
    if decisions:
        rows += [
            ("  dropped", "  舍弃", decisions["drop"]),
            ("  held for review", "  待审", decisions["review"]),
            ("  kept", "  保留", decisions["keep"]),
        ]
        rows += [(f"    for {r}", f"    {_ROUTES[r]}", n) for r, n in counted["routes"].items()]
    largest = max(units["read"], 1)
    table(
        ("stage", "阶段", "count", ""),
        [(en, zh, n, "█" * round(BAR * n / largest)) for en, zh, n in rows],
    )
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
        say(
            "conserved: every unit and every record is accounted for",
            "账目相符：每个单元、每条记录都有去处",
        )


def _tell_next(counted: Mapping[str, Any], where: str) -> None:
    """Say what comes next."""
    if not counted["sources"]:
        say(f"next: curator ingest{where}")
    elif any(state != "fresh" for state in counted["checks"].values()):
        say(f"next: curator check{where}")
    elif counted["decisions"] is None:
        say(f"next: curator decide{where}")
    elif not any(export["is_current"] for export in counted["exports"]):
        say(f"next: curator export instruction{where}")
    elif counted["decisions"]["review"]:
        say(
            "next: look at what is held: curator review serve"
            f"{where}, or: curator review sheet export review.xlsx{where}"
        )
    else:
        say(f"next: what to fine-tune on, and what to search: curator advise{where}")
    if counted["units"]["quarantined"]:
        say(f"where what was quarantined stands: curator ingest{where}")


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
