"""`curator ingest`: read the sources into records."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from curator.cli.output import Folder, Json, Stages, data, say, table

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

SURE = ((0.95, "sure"), (0.7, "likely"), (0.4, "by its name"), (0.0, "a guess"))
"""How a format's certainty is told; see `curator.sources.formats`."""

_MOST_TOLD = 10


def ingest(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="PATH",
            help="Files, folders, archives or patterns to read beside the recipe's.",
        ),
    ] = None,
    *,
    as_: Annotated[
        str,
        typer.Option("--as", metavar="FORMAT", help="Read the paths as this: see curator sources."),
    ] = "auto",
    project: Folder = ".",
    json: Json = False,
) -> None:
    """Read the sources into immutable records; what cannot be read goes to quarantine."""
    from curator.errors import SourceError
    from curator.project import Project
    from curator.schema import Source

    if as_ != "auto" and not paths:
        raise SourceError("--as says how to read paths, and none is given", "name the paths first")
    extra = [Source(path=str(Path.cwd() / path), format=as_) for path in paths or []]
    with Stages(quiet=json) as stages:
        opened = Project(project, progress=stages)
        before = opened.workspace.sources()
        manifests = opened.ingest(extra)
    if json:
        data(manifests)
    else:
        table(
            ("source", "read as", "units", "in records", "set aside", "quarantined", "changes"),
            [_row(m) for m in manifests],
        )
        _tell_refused(opened.workspace.refused(manifests, _MOST_TOLD))
    _tell(before, manifests)
    if not json:
        say("next: curator check")


def _row(manifest: Mapping[str, Any]) -> tuple[Any, ...]:
    return (
        manifest["uri"],
        f"{manifest['source']['format']} ({_sure(manifest)})",
        manifest["units_read"],
        manifest["units_in_records"],
        manifest["units_set_aside"],
        manifest["units_quarantined"],
        _changed(manifest["changes"]),
    )


def _sure(manifest: Mapping[str, Any]) -> str:
    if manifest["told"]:
        return "as told"
    return next(word for least, word in SURE if manifest["sure"] >= least)


def _changed(changes: Mapping[str, Any]) -> str:
    if changes["before"] is None:
        return "new"
    if not (changes["added"] or changes["retired"] or changes["moved"]):
        return "none"
    moved = f" ({changes['moved']:,} moved)" if changes["moved"] else ""
    return f"+{changes['added']:,} -{changes['retired']:,} ={changes['unchanged']:,}{moved}"


def _tell(before: Sequence[Mapping[str, Any]], manifests: Sequence[Mapping[str, Any]]) -> None:
    """Say in one line what is new and what is gone; a source may be gone without a row."""
    active = {m["uri"] for m in manifests}
    gone = [m for m in before if m["uri"] not in active]
    for manifest in gone:
        say(f"no longer there: {manifest['uri']}: {_records(manifest):,} records retired")
    added, unchanged, retired = (
        sum(m["changes"][key] for m in manifests) for key in ("added", "unchanged", "retired")
    )
    retired += sum(_records(m) for m in gone)
    say(f"records: {added:,} added, {unchanged:,} unchanged, {retired:,} retired")


def _tell_refused(refused: tuple[Sequence[Mapping[str, Any]], int]) -> None:
    """Say of the first units that could not be read where they are, and why."""
    rows, count = refused
    for row in rows:
        say(f"quarantined: {row['source_uri']}, {row['locator']}: {row['reason']}")
    if count > len(rows):
        say(f"quarantined: {count - len(rows):,} more places (all reasons: curator status)")


def _records(manifest: Mapping[str, Any]) -> int:
    return sum(part["records"] for part in manifest["parts"])
