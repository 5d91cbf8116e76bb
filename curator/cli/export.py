"""`curator export`: write the instruction dataset or the RAG corpus."""

from __future__ import annotations

import typer

from curator.cli.output import Folder, Json, Stages, data, say

app = typer.Typer(help="Write the instruction dataset or the RAG corpus.", no_args_is_help=True)


@app.command()
def instruction(*, project: Folder = ".", json: Json = False) -> None:
    """Write the instruction dataset: messages as JSONL and Parquet, with card and manifest."""
    _export("instruction", project, as_json=json)


@app.command()
def rag(*, project: Folder = ".", json: Json = False) -> None:
    """Write the RAG corpus: chunks with locators and citations, with card and manifest."""
    _export("rag", project, as_json=json)


def _export(name: str, project: str, *, as_json: bool) -> None:
    from curator.project import Project
    from curator.workspace import read_json

    with Stages(quiet=as_json) as stages:
        folder = Project(project, progress=stages).export(name)
    manifest = read_json(folder / "manifest.json")
    if as_json:
        data(manifest | {"folder": str(folder)})
        return
    print(folder)
    for file in manifest["files"]:
        if file.get("rows") is not None:
            say(f"{file['path']}: {file['rows']:,} rows")
