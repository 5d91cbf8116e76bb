"""`curator export`: write the instruction dataset or the RAG corpus."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from curator.cli.output import Folder, Json, Stages, data, say, table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from curator.exports.sync import Synced

app = typer.Typer(help="Write the instruction dataset or the RAG corpus.", no_args_is_help=True)


@app.command()
def instruction(*, project: Folder = ".", json: Json = False) -> None:
    """Write the instruction dataset: messages as JSONL and Parquet, with card and manifest."""
    _export("instruction", project, as_json=json)


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
    if json:
        _data(folder, targets=[asdict(one) for one in synced])
    else:
        tell_synced(synced)


def _export(name: str, project: str, *, as_json: bool) -> None:
    from curator.project import Project

    with Stages(quiet=as_json) as stages:
        folder = Project(project, progress=stages).export(name)
    if as_json:
        _data(folder)
    else:
        _tell(folder)


def _data(folder: Path, **more: object) -> None:
    from curator.workspace import read_json

    data(read_json(folder / "manifest.json") | {"folder": str(folder), **more})


def _tell(folder: Path) -> None:
    from curator.workspace import read_json

    print(folder)
    for file in read_json(folder / "manifest.json")["files"]:
        if file.get("rows") is not None:
            say(f"{file['path']}: {file['rows']:,} rows")


def tell_synced(synced: Sequence[Synced]) -> None:
    """Print what each vector table got."""
    if synced:
        table(
            ("table", "added", "updated", "deleted", "unchanged"),
            [(s.table, s.added, s.updated, s.deleted, s.unchanged) for s in synced],
        )
