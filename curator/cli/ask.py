"""`curator ask`: an answer from the exported corpus, with citations."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from curator.cli.output import Folder, Json, Stages, data, say, show, visible
from curator.cli.search import Kind, Lang, Question, Source, Top, ValidOn

if TYPE_CHECKING:
    from curator.retrieval.grounding import Answer

Bar = Annotated[
    float | None,
    typer.Option(
        min=0, max=1, help="The confidence below which it says: not in the corpus (0.75)."
    ),
]


def ask(
    question: Question,
    *,
    model: Annotated[
        str | None,
        typer.Option(
            help="Who answers: a folder of a transformers model, or the URL of an OpenAI-compatible"
            " server (http://localhost:8000/v1). By default the recipe's `models: {answers: ...}`."
        ),
    ] = None,
    name: Annotated[
        str | None, typer.Option(help="The model's name on the server; by default its first.")
    ] = None,
    bar: Bar = None,
    max_tokens: Annotated[int, typer.Option(min=1, help="The longest answer, in tokens.")] = 400,
    top: Top = 5,
    source: Source = None,
    lang: Lang = None,
    kind: Kind = None,
    valid_on: ValidOn = None,
    project: Folder = ".",
    json: Json = False,
) -> None:
    """Answer a question from the RAG corpus, with citations, or say that it is not there.

    The key of a server goes into the environment variable CURATOR_API_KEY.
    """
    from curator.models.generators import Server, load_generator
    from curator.project import Project
    from curator.retrieval import Filters
    from curator.retrieval.grounding import BAR, grounded

    with Stages(quiet=json) as stages:
        opened = Project(project, progress=stages)
        generator = load_generator(opened.answering_model(model), name)
        corpus = opened.corpus()
    filters = Filters(source, tuple(lang or ()), kind, valid_on)
    ready = grounded(corpus, question, top, filters, BAR if bar is None else bar)
    if isinstance(generator, Server) and not generator.is_local and ready.is_sure:
        say(f"the question and {len(ready.passages)} passages go to the server")
    text = ""
    for piece in ready.pieces(generator, max_tokens):
        text += piece
        if not json:
            print(visible(piece), end="", flush=True)
    answer = ready.answer(text)
    if json:
        data(asdict(answer))
        return
    print()
    cite(answer)


def cite(answer: Answer) -> None:
    """Print where the answer stands; what the model was shown, where it cites nothing."""
    if not answer.in_corpus:
        say(f"confidence {answer.confidence:.2f}; the nearest passages / 最接近的资料：")
    elif not answer.cited:
        say("答案没有注明出处，请对照以下资料 / the answer cites nothing; check it against these:")
    for number in answer.cited or range(1, len(answer.passages) + 1):
        show(f"[{number}] {answer.passages[number - 1].row['citation']}")
