"""`curator export`: write the instruction dataset or the RAG corpus."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from curator.cli.output import Folder, Json, Stages, data, say, table

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from curator.exports.sync import Synced

_SHOWN = 5

app = typer.Typer(help="Write the instruction dataset or the RAG corpus.", no_args_is_help=True)


@app.command()
def instruction(*, project: Folder = ".", json: Json = False) -> None:
    """Write the instruction dataset: messages as JSONL and Parquet, with card and manifest.

    Tells which records of the version before rest on a source that has changed since.
    """
    from curator.project import Project

    with Stages(quiet=json) as stages:
        opened = Project(project, progress=stages)
        stale = [asdict(one) for one in opened.stale()]
        folder = opened.export("instruction")
    if json:
        _data(folder, stale=stale)
        return
    _tell(folder)
    for line in stale_lines(stale):
        say(f"the version before: {line}")


@app.command()
def rag(
    *,
    project: Folder = ".",
    rebuild: Annotated[
        bool, typer.Option("--rebuild", help="Make the vector tables anew, as for another model.")
    ] = False,
    json: Json = False,
) -> None:
    """Write the RAG corpus: chunks with locators and citations, with card and manifest.

    The recipe's vector tables (`exports.rag.targets`) follow it: only what changed is written.
    """
    from curator.project import Project

    with Stages(quiet=json) as stages:
        opened = Project(project, progress=stages)
        folder = opened.export("rag")
        if not json:
            _tell(folder)
        synced = opened.sync(folder, rebuild=rebuild)
        stale = [asdict(one) for one in opened.stale()]
    if json:
        _data(folder, targets=[asdict(one) for one in synced], stale=stale)
        return
    tell_synced(synced)
    for line in stale_lines(stale):
        say(f"the latest instruction export: {line}")
    if stale:
        say("next: curator export instruction")


def _data(folder: Path, **more: object) -> None:
    from curator.workspace import read_json

    data(read_json(folder / "manifest.json") | {"folder": str(folder), **more})


def _tell(folder: Path) -> None:
    from curator.workspace import read_json

    print(folder)
    for file in read_json(folder / "manifest.json")["files"]:
        if file.get("rows") is not None:
            say(f"{file['path']}: {file['rows']:,} rows")


def stale_lines(stale: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Yield a line for each source of which an instruction export has stale records."""
    said = {
        "changed": "has changed since",
        "gone": "is no source any more",
        "erased": "was erased in part",
    }
    for one in stale:
        ids, n = one["records"], len(one["records"])
        shown = ", ".join(ids[:_SHOWN]) + (" …" if n > _SHOWN else "")
        count = "1 record is" if n == 1 else f"{n:,} records are"
        yield f"{one['source']} {said[one['why']]}: {count} stale ({shown})"


def tell_synced(synced: Sequence[Synced]) -> None:
    """Print what each vector table got."""
    if synced:
        table(
            ("table", "added", "updated", "deleted", "unchanged"),
            [(s.table, s.added, s.updated, s.deleted, s.unchanged) for s in synced],
        )
