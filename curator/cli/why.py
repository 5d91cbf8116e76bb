"""`curator why`: a record's story, from its source line to the rows exported."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from curator.cli.output import Folder, Json, data, show

if TYPE_CHECKING:
    from collections.abc import Mapping

LONGEST = 300
_FATES = {
    "keep": ("保留", "kept"),
    "review": ("待审", "held for review"),
    "drop": ("舍弃", "dropped"),
}
_ROUTES = {"instruction": "指令集", "rag": "检索库"}
MOST = 20
"""How many of the duplicates that a record stands for are listed."""


def why(
    record: Annotated[
        str | None,
        typer.Argument(
            help="A record's id or its beginning, or SOURCE#LOCATOR (chat.csv#line 12)."
        ),
    ] = None,
    *,
    model: Annotated[
        str | None, typer.Option(help="In place of a record: a run, or a model's folder.")
    ] = None,
    project: Folder = ".",
    json: Json = False,
) -> None:
    """Tell why a record was kept, changed, held or dropped; or which records made a model."""
    from curator.project import Project

    if (record is None) == (model is None):
        raise typer.BadParameter("give a record, or --model")
    if model is not None:
        made = Project(project).why_model(model)
        if json:
            data(made)
        else:
            _tell_model(made)
        return
    story = Project(project).why(record or "")
    if json:
        data(story)
        return
    if story["fate"] != "record":
        unit = story["unit"]
        fate = "quarantined" if story["fate"] == "quarantine" else "set aside"
        show(f"{unit['source_uri']}, {unit['locator']}: {fate}, because: {unit['reason']}")
        return
    _tell(story)


def _tell(story: Mapping[str, Any]) -> None:
    source, record = story["source"], story["record"]
    _tell_fate(story)
    show(f"record   {record['id']} ({record['kind']}, {record['lang']})")
    encoding = f", {source['encoding']}" if source["encoding"] not in (None, "auto") else ""
    show(f"source   {source['uri']}, {source['locator']} (read as {source['read_as']}{encoding})")
    sha256 = source["sha256"][:12]
    show(f"         {source['path']}, sha256 {sha256}…, ingested {source['ingested_at']}")
    for name, note in source["notes"].items():
        show(f"         {name.replace('_', ' ')}: {note}")
    for i, part in enumerate(story["text"] or []):
        text = " ".join(part["text"].split())
        shown = text if len(text) <= LONGEST else text[:LONGEST] + "…"
        at = f" ({part['locator']})" if part["locator"] not in ("", source["locator"]) else ""
        show(f"part {i}   {part['role']}{at}: {shown}")
    # What the decision rests on first: nothing follows from the rest.
    for finding in sorted(story["findings"], key=lambda finding: not finding["counted"]):
        _tell_finding(finding)
    if story["unchecked"]:
        show(f"finding  not known of: {', '.join(story['unchecked'])} (run: curator check)")
    elif not story["findings"]:
        show("finding  none, and every check ran")
    for review in story["reviews"]:
        _tell_review(review)
    _tell_decision(story["decision"])
    for other in story["stands_for"][:MOST]:
        licence = f" ({other['license']})" if other["license"] else ""
        show(f"         stands for {other['id']}: {other['uri']}, {other['locator']}{licence}")
    if len(story["stands_for"]) > MOST:
        show(f"         and for {len(story['stands_for']) - MOST:,} more (--json lists all)")
    for row in story["exports"]:
        show(f"export   {row['export']} {row['version']}: {row['file']}, row {row['row']}")
    for left in story["left_out"]:
        show(f"export   {left['export']} {left['version']}: left out, {left['reason']}")
    if not story["exports"] and not story["left_out"]:
        show("export   none")
    for run in story["runs"]:
        how = " (as a duplicate)" if run["as_duplicates"] else ""
        show(f"model    {run['run']}: {', '.join(run['sets'])}{how}, {run['model']}")


def _tell_model(made: Mapping[str, Any]) -> None:
    export, base = made["export"], made["base"]
    show(f"run      {made['run']} ({made['status']})")
    show(f"base     {base['name']}, sha256 {base['sha256']}")
    show(f"export   {export['project']} {export['version']}, manifest {export['manifest_sha256']}")
    if made["parents"]:
        show(f"after    {', '.join(made['parents'])}")
    for row in made["records"]:
        whose = f", a duplicate of {row['stands_in']}" if row["stands_in"] else ""
        show(f"{row['set']:8} {row['id']}: {row['uri']}, {row['locator']}{whose}")
    if made["elsewhere"]:
        show(f"         and {made['elsewhere']:,} rows that are no records of this project")


def _tell_fate(story: Mapping[str, Any]) -> None:
    """Say first what became of the record and why, in a sentence in each language."""
    decision = story["decision"]
    if decision is None:
        return
    action = decision["action"]
    leads = {"drop": ("drop", "keep_one"), "review": ("review",), "keep": ()}[action]
    zh, en = _FATES[action]
    if action == "keep":
        routes = decision["routes"]
        zh += f"，用于{'、'.join(_ROUTES[route] for route in routes)}" if routes else ""
        en += f" for {' and '.join(routes)}" if routes else ""
        if decision["edits"]:
            zh += f"，替换 {decision['edits']} 处"
            en += f", with {decision['edits']} replacement{'s' * (decision['edits'] > 1)}"
    if decision["decided_by"].startswith("reviewer:"):
        zh, en = f"{zh}：由审核人决定", f"{en}: a reviewer said so"
    elif reasons := [rule for rule in decision["rules"] if rule["then"] in leads]:
        zh += "：" + "；".join(rule["zh"] for rule in reasons)
        en += ": " + "; ".join(rule["en"] for rule in reasons)
    show(f"fate     {en}")
    show(f"         {zh}")


def _tell_finding(finding: Mapping[str, Any]) -> None:
    mark = "finding" if finding["counted"] else "aside"
    where = ""
    if finding["span"]:
        part, start, end = finding["span"]
        where = f" at part {part}, {start}–{end}"
    becomes = f" → {finding['replacement']}" if finding["replacement"] else ""
    peer = f", with {finding['peer']}" if finding["peer"] else ""
    what = f"{finding['code']} {finding['name']} {finding['score']:.2f}"
    show(f"{mark:8} {what}{where}{becomes}{peer}")
    show(f"         {finding['zh']} / {finding['en']}")
    for language in ("zh", "en"):
        if finding["told"][language]:
            show(f"         {finding['told'][language]}")
    show(f"         {finding['check']} run {finding['run']}")


def _tell_review(review: Mapping[str, Any]) -> None:
    said = " ".join((review["value"] or "").split())
    said = said if len(said) <= LONGEST else said[:LONGEST] + "…"
    what = f"{review['question']} = {said}" if said else review["status"]
    notes = [] if review["status"] == "submitted" or not said else [review["status"]]
    notes += ["of another text than it has now"] if review["outdated"] else []
    aside = f" ({', '.join(notes)})" if notes else ""
    show(f"review   {what}{aside}, by {review['user_id']}, {review['at']}")


def _tell_decision(decision: Mapping[str, Any] | None) -> None:
    if decision is None:
        show("decision none yet")
        return
    routes = f" for {', '.join(decision['routes'])}" if decision["routes"] else ""
    edits = f", with {decision['edits']} edits" if decision["edits"] else ""
    by = f"by {decision['decided_by']}, policy {decision['policy_sha']}"
    show(f"decision {decision['action']}{routes}{edits}, {by}")
    for rule in decision["rules"]:
        show(f"         {rule['id']}: {rule['zh']} / {rule['en']}")
    if decision["survivor"]:
        show(f"         its survivor: {decision['survivor']}")
