"""`curator eval`: how well the exports serve."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from curator.cli.output import Folder, Json, Stages, data, say, table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from curator.retrieval.evaluation import Evaluated

app = typer.Typer(help="Measure how well the RAG corpus answers.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Measure how well the exports serve."""


@app.command()
def rag(
    *,
    questions: Annotated[
        Path | None,
        typer.Option(
            help="JSONL or CSV: question, and answer, source, record or chunk that tells what is"
            " relevant. By default questions of the corpus's own pairs, asked of the answers alone."
        ),
    ] = None,
    chunk_length: Annotated[
        list[int] | None,
        typer.Option(metavar="N", min=20, help="Compare chunks of this length; may be repeated."),
    ] = None,
    fixed: Annotated[
        list[int] | None,
        typer.Option(
            metavar="N", min=20, help="Compare chunks of so many characters, cut anywhere."
        ),
    ] = None,
    encoder: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Compare this encoder; may be repeated."),
    ] = None,
    plot: Annotated[
        Path | None, typer.Option(help="Draw the comparison: a file that ends in .svg or .html.")
    ] = None,
    project: Folder = ".",
    json: Json = False,
) -> None:
    """Measure recall, MRR and nDCG by chunker and encoder; exit 1 under the recipe's bar."""
    from curator.project import Project
    from curator.report.recall import draw

    if plot is not None and plot.suffix not in (".svg", ".html"):
        raise typer.BadParameter("the plot's name ends in .svg or .html", param_hint="--plot")
    with Stages(quiet=json) as stages:
        opened = Project(project, progress=stages)
        found, bar = opened.eval_rag(questions, chunk_length or (), fixed or (), encoder or ())
    if plot is not None:
        draw(found, plot)
    if json:
        data({"settings": [asdict(one) for one in found], "bar": bar and asdict(bar)})
    else:
        _tell(found)
        if plot is not None:
            say(str(plot))
    if bar is not None and not bar.is_met:
        say(f"recall@{bar.at} is {bar.reached:.3f}, under the recipe's bar of {bar.at_least:g}")
        raise typer.Exit(1)


def _tell(found: Sequence[Evaluated]) -> None:
    rows = []
    for one in found:
        for mode, reached in one.scores.items():
            figures = [*reached.recall.values(), reached.mrr, reached.ndcg]
            told = (f"{figure:.3f}" for figure in figures)
            rows.append([one.chunker, one.encoder, one.chunks, mode, *told])
    first = next(iter(found[0].scores.values()))
    cuts = [f"recall@{k}" for k in first.recall]
    table(
        ["chunker", "encoder", "chunks", "by", *cuts, "MRR", "nDCG@10"],
        rows,
    )
    say(f"{first.questions} questions")
