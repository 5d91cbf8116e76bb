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

app = typer.Typer(help="Write the instruction dataset or the RAG corpus.", no_args_is_help=True)

_SHOWN = 10
_FEW = 5
Format = Annotated[
    list[str] | None,
    typer.Option(
        "--format",
        "-f",
        metavar="NAME",
        help="Write this format beside `messages`: prompt_completion, sharegpt, alpaca, kto."
        " May be given more than once; the recipe's by default.",
    ),
]
Tokenizer = Annotated[
    str | None,
    typer.Option(
        "--tokenizer",
        "-t",
        help="Count in the tokens of `qwen` or of a model's folder, and ask trainers what they"
        " would cut; the recipe's by default.",
    ),
]


@app.command()
def instruction(
    *,
    project: Folder = ".",
    formats: Format = None,
    tokenizer: Tokenizer = None,
    json: Json = False,
) -> None:
    """Write the instruction dataset: messages as JSONL and Parquet, with card and manifest.

    Tells which records of the version before rest on a source that has changed since.
    """
    from curator.project import Project
    from curator.workspace import read_json

    asked: dict[str, Any] = {}
    if formats:
        asked["formats"] = tuple(formats)
    if tokenizer:
        asked["tokenizer"] = tokenizer
    with Stages(quiet=json) as stages:
        opened = Project(project, progress=stages, expect=stages.expect)
        stale = [asdict(one) for one in opened.stale()]
        folder = opened.export("instruction", **asked)
    if json:
        _data(folder, stale=stale)
        return
    _tell(folder)
    manifest = read_json(folder / "manifest.json")
    _tell_splits(manifest)
    _tell_rows(manifest)
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
        opened = Project(project, progress=stages, expect=stages.expect)
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


def _tell_rows(manifest: Mapping[str, Any]) -> None:
    """Tell how long rows are, and which ones a trainer would not learn from."""
    for split, figures in manifest["tokens"].items():
        if figures["rows"]:
            say(
                f"{split}: {figures['tokens']:,} tokens, {figures['learnt']:,} of them learnt;"
                f" median {figures['median']:,}, longest {figures['longest']:,}"
            )
    for name, reasons in manifest["formats"].items():
        for reason, n in reasons.items():
            say(f"{name}: {n:,} × {reason}")
    files = [file["path"] for file in manifest["files"]]
    if "kto" in manifest["formats"] and not any(".preferences." in path for path in files):
        say("kto: wanted answers alone; answers that reviewers correct are the unwanted ones")
    handshake = manifest["handshake"]
    if left_out := handshake["left_out"]:
        say(f"left out, since a trainer would not learn from them: {len(left_out):,} rows")
        _name(left_out.items())
    for told in handshake["told"]:
        refused = [(row, why) for why, rows in told["refused"].items() for row in rows]
        if told["cut"]:
            say(f"{told['trainer']} would cut {told['cut']:,} rows of {told['file']}")
        if refused:
            say(
                f"{told['trainer']} would not learn from {len(refused):,} rows of {told['file']}"
                f" ({told['by']}):"
            )
            _name(refused)


def _name(rows: Any) -> None:
    """Name the first rows, each with its reason."""
    for at, (row, why) in enumerate(rows):
        if at == _SHOWN:
            say(f"  … and {len(rows) - _SHOWN:,} more: manifest.json names them")
            return
        say(f"  {row}: {why}")


def stale_lines(stale: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Yield a line for each source of which an instruction export has stale records."""
    said = {
        "changed": "has changed since",
        "gone": "is no source any more",
        "erased": "was erased in part",
    }
    for one in stale:
        ids, n = one["records"], len(one["records"])
        shown = ", ".join(ids[:_FEW]) + (" …" if n > _FEW else "")
        count = "1 record is" if n == 1 else f"{n:,} records are"
        yield f"{one['source']} {said[one['why']]}: {count} stale ({shown})"


def tell_synced(synced: Sequence[Synced]) -> None:
    """Print what each vector table got."""
    if synced:
        table(
            ("table", "added", "updated", "deleted", "unchanged"),
            [(s.table, s.added, s.updated, s.deleted, s.unchanged) for s in synced],
        )


def _tell_splits(manifest: Mapping[str, Any]) -> None:
    """Say what the mix left out, and what lies on both sides of a border between splits."""
    for reason, n in manifest["conservation"]["left_out"].items():
        say(f"left out, {reason}: {n:,}")
    told, chance = (manifest["leakage"][k] for k in ("across", "across_a_random_split"))
    counts = [f"{kind.replace('_', ' ')} {n:,} ({chance[kind]:,})" for kind, n in told.items()]
    say(f"on both sides of a border between splits (by a random split): {', '.join(counts)}")
    rows = sum(manifest["splits"].values())
    for split, n in manifest["splits"].items():
        wanted = manifest["params"].get(split, 0.0) * rows
        if n < wanted / 2 and wanted >= 2:
            say(
                f"{split} has {n:,} rows, {wanted:,.0f} were wanted: rows that were exported before"
                " stay where they were; `seed: 1` under exports.instruction draws all anew"
                if manifest["leakage"]["settled_before"]
                else f"{split} has {n:,} rows, {wanted:,.0f} were wanted: groups of related records"
                " are too large to be held out"
            )
    replay = manifest["mix"]["replay"]
    if replay["found"] < replay["wanted"] * 0.95:
        say(
            f"replay: {replay['found']:,} {replay['unit']} of general data,"
            f" {replay['wanted']:,} were wanted: give more"
        )
