"""`curator train`: from an export to a fine-tuned model that is measured against its base."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from curator.cli.ask import Bar
from curator.cli.output import Folder, Json, Stages, data, say, show, table

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from curator.project import Project
    from curator.train.launch import Asked

app = typer.Typer(
    help="Fine-tune a model on the instruction dataset, and measure what came of it.",
    no_args_is_help=True,
)

Base = Annotated[
    str | None,
    typer.Option(help="The base model: a folder, or smollm2 or tiny (curator models get)."),
]
Export = Annotated[
    Path | None,
    typer.Option(help="The instruction export's folder; the project's latest by default."),
]
General = Annotated[
    Path | None,
    typer.Option(help="General conversations (an export, or JSONL of messages): for forgetting."),
]
Set = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        help="For a key of `training` in curator.yaml; may be repeated.",
    ),
]
Processes = Annotated[
    int | None, typer.Option(min=1, help="How many train together; one a device by default.")
]
Which = Annotated[str, typer.Argument(help="A run: its id, the beginning of one, or its folder.")]


@app.command()
def plan(
    *,
    project: Folder = ".",
    export: Export = None,
    base: Base = None,
    general: General = None,
    set_: Set = None,
    processes: Processes = None,
    price: Annotated[
        float | None, typer.Option(min=0, help="Of an hour of one device, for the cost.")
    ] = None,
    json: Json = False,
) -> None:
    """Tell how a run would go: method, memory, time, cost, and rows that suffer. Nothing runs."""
    from curator.cli.training import NOTHING_HELD_OUT, planned_rows, rows_in_prose
    from curator.train.launch import ready

    asked = _asked(_open(project), export, base, general, set_, processes)
    with Stages(quiet=json) as stages:
        _, prepared, planned = ready(asked, stages)
    sets = {
        "train": prepared.train,
        "validation": prepared.validation,
        "replay": prepared.replayed,
        "general": prepared.held_out,
    }
    facts = planned.facts(price) | {
        "base": {"source": prepared.source, "parameters": prepared.shape.parameters},
        "template": prepared.template.origin,
        "rows": {name: one.account.facts() for name, one in sets.items() if one is not None},
        "length_of_95_percent": prepared.train.account.within(0.95),
    }
    _tell(facts, ("what", "how"), planned_rows(facts), *rows_in_prose(facts["rows"]), as_json=json)
    if not json and not prepared.validation.account.used:
        say(*NOTHING_HELD_OUT)
    if not (json or planned.fits):
        say(f"this does not fit; what would: {planned.fitting}")


@app.command()
def run(
    *,
    project: Folder = ".",
    export: Export = None,
    base: Base = None,
    general: General = None,
    set_: Set = None,
    processes: Processes = None,
    stage: Annotated[
        str, typer.Option(help="sft, or dpo: on what reviewers preferred, after sft.")
    ] = "sft",
    parent: Annotated[
        str | None, typer.Option(help="A run whose model is trained further.")
    ] = None,
    anyway: Annotated[
        bool, typer.Option("--anyway", help="Try it though it does not seem to fit.")
    ] = False,
    json: Json = False,
) -> None:
    """Fine-tune; the same command goes on where it stopped, and tells a run that is done."""
    from curator.cli.training import Steps, outcome
    from curator.train.launch import run as launch
    from curator.train.runs import find

    if stage not in {"sft", "dpo"}:
        raise typer.BadParameter("give sft or dpo", param_hint="--stage")
    opened = _open(project)
    root = opened.workspace.root
    before = find(root, parent) if parent else None
    if stage == "dpo" and before is None:
        raise typer.BadParameter("dpo needs the run that it goes on from", param_hint="--parent")
    asked = _asked(
        opened, export, base, general, set_, processes, stage=stage, parent=before, anyway=anyway
    )
    with Stages(quiet=json) as stages, Steps(quiet=json) as steps:
        done = launch(root, asked, steps, stages)
    if json:
        data(done.card() | {"folder": str(done.folder)})
        return
    print(done.folder)
    say(*outcome(done))


@app.command()
def runs(*, project: Folder = ".", json: Json = False) -> None:
    """List the runs, with their losses."""
    from curator.train.runs import runs as listed

    cards = [run.card() for run in listed(_open(project).workspace.root)]
    headers = ("run", "status", "base", "export", "domain", "general")
    rows = [
        (
            card["id"],
            card["status"],
            str(card["base"]["name"]),
            card["export"]["version"],
            *(_change(card, name) for name in ("domain", "general")),
        )
        for card in cards
    ]
    _tell(cards, headers, rows, as_json=json)


@app.command()
def card(
    which: Which = "latest",
    *,
    project: Folder = ".",
    json: Json = False,
) -> None:
    """Print a run's card: what a model was made from, and what came of it."""
    from curator.train.runs import find

    found = find(_open(project).workspace.root, which)
    if json:
        data(found.card())
    else:
        show((found.folder / "README.md").read_text(encoding="utf-8"))


@app.command()
def sweep(
    *,
    project: Folder = ".",
    export: Export = None,
    base: Base = None,
    general: General = None,
    set_: Set = None,
    shares: Annotated[
        str, typer.Option(help="Replay shares to try, separated by commas.")
    ] = "0,0.05,0.1,0.2",
    json: Json = False,
) -> None:
    """Train once a replay share; tell what the domain gains and what is forgotten, and draw it."""
    from curator.cli.training import Steps
    from curator.train.sweep import sweep as swept

    opened = _open(project)
    asked = _asked(opened, export, base, general, set_, None)
    try:
        wanted = sorted({float(share) for share in shares.split(",")})
    except ValueError:
        raise typer.BadParameter("give numbers, such as 0,0.1", param_hint="--shares") from None
    with Steps(quiet=json) as steps:
        found = swept(opened.workspace.root, asked, wanted, steps)
    headers = ("replay", "domain before", "after", "general before", "after", "forgot")
    rows = [
        (
            f"{row['replay']:g}",
            *(f"{row[n][w]:.4f}" for n in ("domain", "general") for w in ("before", "after")),
            "yes" if row["forgot"] else "no",
        )
        for row in found.rows
    ]
    _tell(found.facts(), headers, rows, f"picture: {found.picture}", as_json=json)


@app.command()
def compare(
    *,
    project: Folder = ".",
    export: Export = None,
    base: Base = None,
    set_: Set = None,
    seeds: Annotated[int, typer.Option(min=1, help="How many runs of each.")] = 3,
    raw: Annotated[
        Path | None,
        typer.Option(
            help="JSONL of messages to train on for comparison; by default all the project's"
            " conversations as they came in, private details hidden."
        ),
    ] = None,
    held_out: Annotated[
        Path | None,
        typer.Option(help="JSONL of clean messages to measure with; by default the validation."),
    ] = None,
    json: Json = False,
) -> None:
    """Did curation help? Train on raw and on curated rows alike, and measure on clean ones."""
    from curator.cli.training import Steps

    opened = _open(project)
    asked = _asked(opened, export, base, None, set_, None)
    with Steps(quiet=json) as steps:
        found = opened.compare(asked, seeds=seeds, raw=raw, held_out=held_out, watcher=steps)
    facts = found.facts()
    means = [f"{name}: {m['mean']:.4f} ± {m['deviation']:.4f}" for name, m in facts["arms"].items()]
    headers = ("trained on", "rows", "seed", "tokens", "loss before", "after")
    rows = [
        (
            row["arm"],
            row["rows"],
            str(row["seed"]),
            row["tokens"],
            f"{row['before']:.4f}",
            f"{row['after']:.4f}",
        )
        for row in found.rows
    ]
    prose = (*means, facts["told"]["en"], facts["told"]["zh"], f"picture: {found.picture}")
    _tell(facts, headers, rows, *prose, as_json=json)


@app.command()
def demo(
    folder: Annotated[Path, typer.Argument(help="The project to make.")] = Path("train-demo"),
    *,
    json: Json = False,
) -> None:
    """Train a tiny model on the sample, be killed half-way, go on, and compare the losses."""
    from curator.cli.training import Steps, outcome
    from curator.models import base as small
    from curator.project import Project
    from curator.scaffold import sample, sample_texts
    from curator.train.demo import demo as shown

    sample(folder)
    with Stages(quiet=json) as stages:
        made = Project(folder, progress=stages)
        made.run()
    small.get("tiny", sample_texts(), say)
    with Steps() as steps:
        proof = shown(made.workspace.root, made.recipe.training, steps, say)
    if json:
        told = {"run": proof.run.id, "killed_after": proof.killed, "identical": proof.identical}
        data(told | {"losses": proof.unbroken})
    else:
        say(*outcome(proof.run))
        show((proof.run.folder / "README.md").read_text(encoding="utf-8"))
    say(
        f"killed after step {proof.killed} of {len(proof.unbroken)}; losses after going on: "
        + ("identical to the unbroken run" if proof.identical else "not those of the unbroken run")
    )
    if not proof.identical:
        raise typer.Exit(1)


@app.command()
def merge(
    which: Which = "latest",
    *,
    out: Annotated[Path, typer.Option(help="The folder to make.")],
    base: Base = None,
    project: Folder = ".",
    json: Json = False,
) -> None:
    """Put a run's adapter into its base model's weights; the folder serves anywhere."""
    from curator.train.runs import find
    from curator.train.serve import merge as merged

    folder = merged(find(_open(project).workspace.root, which), out, base)
    if json:
        data({"model": str(folder)})
        return
    print(folder)
    say(
        "for llama.cpp and Ollama, with a checkout of llama.cpp:"
        f" python convert_hf_to_gguf.py {folder} --outtype q8_0"
    )


@app.command()
def chat(
    model: Annotated[
        str, typer.Argument(help="A run, or the folder of a model, merged or not.")
    ] = "latest",
    *,
    project: Folder = ".",
    base: Base = None,
    system: Annotated[str | None, typer.Option(help="What the system prompt says.")] = None,
    ask: Annotated[str | None, typer.Option(help="Ask this once, and end.")] = None,
    rag: Annotated[
        bool,
        typer.Option(
            "--rag", help="Answer from the project's RAG corpus, with citations, as curator ask."
        ),
    ] = False,
    bar: Bar = None,
    longest: Annotated[int, typer.Option(min=1, help="Tokens of an answer.")] = 256,
    temperature: Annotated[float, typer.Option(min=0, help="0 always answers the same.")] = 0.0,
) -> None:
    """Talk with what was trained, in the terminal."""
    from curator.cli.training import by_heart, from_corpus, talk
    from curator.project import Project
    from curator.train.serve import open_model

    with Stages() as stages:
        opened = Project(project, progress=stages) if rag or not Path(model).is_dir() else None
        corpus = opened.corpus() if opened and rag else None
    root = opened.workspace.root if opened else Path.cwd()
    model_ = open_model(root, model, base)
    begun = [{"role": "system", "content": system}] if system else []

    def generate(messages: Sequence[Mapping[str, str]], most: int) -> Iterator[str]:
        yield model_.answer([*begun, *messages], most, temperature)

    talk(
        from_corpus(generate, corpus, bar, longest) if corpus else by_heart(generate, longest), ask
    )


@app.command()
def configs(
    *,
    project: Folder = ".",
    export: Export = None,
    base: Base = None,
    set_: Set = None,
    out: Annotated[Path, typer.Option(help="The folder to write to.")] = Path("launchers"),
    json: Json = False,
) -> None:
    """Write the same run for LLaMA-Factory and axolotl, with the keys side by side."""
    from curator.train.configs import write

    asked = _asked(_open(project), export, base, None, set_, None)
    written = write(asked.export, asked.training, out)
    files = [str(path) for path in written.files]
    headers = ("what", "curator", "LLaMA-Factory", "axolotl")
    _tell({"files": files, "keys": written.keys}, headers, written.keys, *files, as_json=json)


def _open(project: str) -> Project:
    from curator.project import Project

    return Project(project)


def _asked(
    project: Project,
    export: Path | None,
    base: str | None,
    general: Path | None,
    set_: Sequence[str] | None,
    processes: int | None,
    **more: Any,
) -> Asked:
    """Return what is asked for: the recipe's `training`, changed by the options."""
    from curator.train.launch import Asked
    from curator.train.settings import changed

    root = project.workspace.root
    training = changed(project.recipe.training, set_ or (), base)
    if general is None and training.general:
        general = root / Path(training.general).expanduser()
    return Asked(
        export=export or root / "exports" / "instruction" / "latest",
        training=training,
        general=general,
        processes=processes,
        **more,
    )


def _tell(
    facts: object,
    headers: Sequence[str],
    rows: Sequence[Sequence[object]],
    *prose: str,
    as_json: bool,
) -> None:
    """Print what came out: for programs, or as a table with some prose."""
    if as_json:
        data(facts)
        return
    table(headers, rows)
    say(*prose)


def _change(told: Mapping[str, Any], name: str) -> str:
    losses = told.get("result", {}).get("losses", {}).get(name)
    return f"{losses['before']:.3f} → {losses['after']:.3f}" if losses else ""
