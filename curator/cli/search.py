"""`curator search`: find passages of the exported corpus, with citations."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from curator.cli.output import Folder, Json, Stages, data, say, show

if TYPE_CHECKING:
    from curator.retrieval.corpus import Found

LONGEST = 240
Question = Annotated[str, typer.Argument(help="What to look for, in any of the languages.")]
Top = Annotated[int, typer.Option("--top", "-k", min=1, max=1000, help="How many passages.")]
Source = Annotated[
    str | None, typer.Option(help="Only sources of this name; * and ? stand for anything.")
]
Lang = Annotated[
    list[str] | None,
    typer.Option(metavar="LANG", help="Only passages in this language (zh, en); may be repeated."),
]
Kind = Annotated[
    Literal["document", "conversation"] | None, typer.Option(help="Only passages of this kind.")
]
ValidOn = Annotated[
    str | None,
    typer.Option(metavar="DATE", help="Leave out what says that it does not hold on this date."),
]
UNSURE = 0.5


def search(
    question: Question,
    *,
    top: Top = 5,
    source: Source = None,
    lang: Lang = None,
    kind: Kind = None,
    valid_on: ValidOn = None,
    mode: Annotated[
        Literal["hybrid", "lexical", "dense"],
        typer.Option(help="By words and meaning, or by one of them alone."),
    ] = "hybrid",
    project: Folder = ".",
    json: Json = False,
) -> None:
    """Search the exported RAG corpus, and cite what is found."""
    from curator.project import Project
    from curator.retrieval import Filters

    filters = Filters(source, tuple(lang or ()), kind, valid_on)
    with Stages(quiet=json) as stages:
        found = Project(project, progress=stages).search(question, top, filters, mode)
    if json:
        data(asdict(found))
        return
    _tell(found)


def _tell(found: Found) -> None:
    for rank, hit in enumerate(found.hits, 1):
        show(f"{rank}. {hit.row['citation']}  {hit.score:.2f}")
        text = " ".join(hit.row["text"].split())
        show(f"   {text if len(text) <= LONGEST else text[:LONGEST] + '…'}")
        if hit.row["valid_from"] or hit.row["valid_until"]:
            show(f"   有效 / valid: {hit.row['valid_from'] or ''} – {hit.row['valid_until'] or ''}")
    if not found.hits:
        say("没有找到 / nothing is found")
    elif found.confidence < UNSURE:
        say(
            f"资料库里可能没有答案 / the corpus may not hold the answer"
            f" (confidence {found.confidence:.2f})"
        )
