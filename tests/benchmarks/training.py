"""Training: what a run gains and forgets, whether curation helped, and two processes beside one.

- What the question is worth: the loss of SmolLM2-135M on clean pairs of MedQuAD, each with its own
  question and with another's. A model to which that is all one cannot be hurt by swapped answers.
- MedQuAD with 20 % of planted errors (a third each: answers swapped, answers cut off in the middle,
  pairs written twice): how many of each kind curation leaves out, and how many sound pairs.
- One training of SmolLM2-135M (LoRA) on all of it, one on what curator kept, with the same number
  of tokens, measured on clean pairs about other diseases, with three seeds. On a CPU few steps
  are made; with a GPU, two epochs of 4,000 pairs.
- SmolLM2-135M, LoRA, on pairs of MedQuAD that went through curator, with 0 and 10 % of Alpaca
  replayed: the loss on held-out pairs of either, before and after. On a CPU few steps are made;
  with a GPU, all of 2,000 pairs.
- The same run by one process and by two (torchrun, gloo).

On two cores all of it takes about 25 minutes of CPU time.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import random
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from curator.models import base as small
from curator.project import Project
from curator.scaffold import sample_texts, scaffold
from curator.schema import Training
from curator.train import bases, losses, templates, tokens
from curator.train.inputs import Row as Pair
from curator.train.launch import Asked, run
from tests.benchmarks.harness import Row, arguments, report
from tests.training import write_export

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

SEEDS = 3
SHORT = (40, 260)
"""Characters of an answer; longer ones would mostly measure how patient the machine is."""
KINDS = ("swapped", "cut off", "written twice")


def main() -> None:
    """Measure, and tell."""
    options = arguments(__doc__ or "")
    with tempfile.TemporaryDirectory() as folder:
        where = Path(folder)
        small.get("smollm2", (), _quiet)
        rows = [*what_the_question_is_worth(options.data)]
        rows += whether_curation_helped(where / "errors", options.data)
        rows += two_processes(where / "together")
        rows += gained_and_forgotten(where / "smollm2", options.data)
    report("training", rows, as_json=options.json)


def on_gpu() -> bool:
    """Whether a GPU is at hand."""
    import torch

    return bool(torch.cuda.is_available())


# --- the data ----------------------------------------------------------------------------


def medquad(data: Path) -> tuple[list[dict[str, str]], list[dict[str, str]]]:
    """Pairs to train on and pairs about other diseases to measure with, in an order of chance."""
    sides: tuple[list[dict[str, str]], list[dict[str, str]]] = ([], [])
    seen = set()
    with gzip.open(data / "medical" / "medquad.jsonl.gz", "rt", encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            answer = " ".join(row["answer"].split())
            if SHORT[0] <= len(answer) <= SHORT[1] and answer not in seen:
                seen.add(answer)
                clean = _number(row["focus"]) % 5 == 0
                sides[clean].append({"question": row["question"], "answer": answer})
    for side in sides:
        side.sort(key=lambda pair: _number(pair["question"] + pair["answer"]))
    return sides


def with_errors(
    pairs: Sequence[dict[str, str]], share: float, seed: int = 0
) -> list[dict[str, str]]:
    """Plant errors: so large a share of what comes out is wrong, cut off, or written twice.

    `kind` tells which: one of `KINDS`, or sound.
    """
    chance = random.Random(seed)
    rows = [pair | {"kind": "sound"} for pair in pairs]
    each = round(share * len(rows) / (3 - share))
    places = chance.sample(range(len(rows)), 3 * each)
    swapped, cut, twice = places[:each], places[each : 2 * each], places[2 * each :]
    answers = [rows[i]["answer"] for i in swapped]
    for place, answer in zip(swapped, answers[1:] + answers[:1], strict=True):
        rows[place] |= {"answer": answer, "kind": KINDS[0]}
    for place in cut:
        words = rows[place]["answer"].split()
        rows[place] |= {"answer": " ".join(words[: max(3, len(words) // 3)]), "kind": KINDS[1]}
    for place in twice:
        rows[place]["kind"] = KINDS[2]
    rows += [dict(rows[i]) for i in twice]
    chance.shuffle(rows)
    return rows


def alpaca(data: Path, n: int) -> Iterator[dict[str, Any]]:
    """General conversations: short instructions of Alpaca with their answers."""
    path = data / "instruct" / "alpaca_en_original_vs_corrected.jsonl.gz"
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            if row["input"] or not SHORT[0] <= len(row["output"]) <= SHORT[1]:
                continue
            yield messages(row["instruction"], row["output"])
            n -= 1
            if not n:
                return


def messages(question: str, answer: str) -> dict[str, Any]:
    """One question and its answer, as messages."""
    said = (("user", question), ("assistant", answer))
    return {"messages": [{"role": role, "content": text} for role, text in said]}


def written(path: Path, rows: Iterator[dict[str, Any]] | list[dict[str, Any]]) -> Path:
    """Write rows as JSONL."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))
    return path


def curated(folder: Path, pairs: Sequence[dict[str, str]]) -> Project:
    """A project of pairs, all of the main job done."""
    source = written(folder / "pairs.jsonl", [messages(p["question"], p["answer"]) for p in pairs])
    scaffold(folder, [source])
    project = Project(folder)
    project.run()
    return project


def _number(text: str) -> int:
    return int(hashlib.sha256(text.encode()).hexdigest()[:12], 16)


# --- what is measured --------------------------------------------------------------------


def what_the_question_is_worth(data: Path, n: int = 48) -> Iterator[Row]:
    """The loss of clean answers after their own questions, and after those of others."""
    _, clean = medquad(data)
    pairs = clean[:n]
    source = bases.find("smollm2")
    tokenizer = bases.tokenizer(source)
    template = templates.choose(tokenizer, "auto")
    model = bases.model(source, precision="fp32")
    own, another = (
        losses.loss(model, tokens.encode(rows, tokenizer, template, 256).table)
        for rows in (
            [Pair(str(i), messages(p["question"], p["answer"])["messages"]) for i, p in asked]
            for asked in (
                enumerate(pairs),
                enumerate(
                    one | {"question": other["question"]}
                    for one, other in zip(pairs, pairs[n // 3 :] + pairs[: n // 3], strict=True)
                ),
            )
        )
    )
    yield Row(
        f"SmolLM2-135M, {n} clean pairs: loss of an answer after another pair's question",
        round(another, 4),
        round(own, 4),
        "after its own",
        "ratio >= 1.1",
    )


def whether_errors_are_found(project: Project, rows: Sequence[dict[str, str]]) -> Iterator[Row]:
    """Shares of planted errors, and of sound pairs, that are not in the export."""
    told = project.workspace.sql().execute(
        "SELECT r.locator, d.action = 'keep' AND d.instruction"
        " FROM records r JOIN decisions d ON d.record_id = r.id"
    )
    out: dict[str, list[bool]] = {kind: [] for kind in (*KINDS, "sound")}
    for locator, kept in told.fetchall():
        out[rows[int(locator.removeprefix("line ")) - 1]["kind"]].append(not kept)
    aims = {"written twice": ">= 0.49", "sound": "<= 0.03"}
    for kind, left in out.items():
        what = "of both copies of pairs" if kind == "written twice" else "of pairs"
        name = f"20 % planted errors: share {what} that curation leaves out, {kind}"
        yield Row(name, round(sum(left) / len(left), 4), aim=aims.get(kind))


def whether_curation_helped(folder: Path, data: Path) -> Iterator[Row]:
    """What curation finds of planted errors; and curated beside raw, on clean pairs."""
    n, steps, held = (4000, None, 500) if on_gpu() else (600, 16, 48)
    train, clean = medquad(data)
    rows = with_errors(train[:n], 0.2)
    project = curated(folder, rows)
    yield from whether_errors_are_found(project, rows)
    measured = [messages(p["question"], p["answer"]) for p in clean[:held]]
    asked = Asked(
        export=folder / "exports" / "instruction" / "latest",
        training=Training(
            base_model="smollm2",
            epochs=2,
            max_steps=steps,
            batch_size=8,
            max_length=128,
            learning_rate=5e-4,
        ),
    )
    held_out = written(folder / "clean.jsonl", measured)
    told = project.compare(asked, seeds=SEEDS, held_out=held_out).facts()
    sides = {row["arm"]: row for row in told["rows"]}
    name = f"SmolLM2-135M, LoRA, {sides['curated']['steps']} steps of 8 rows, 20 % planted errors"
    yield Row(
        f"{name}: loss on clean pairs after training on what curator kept, mean of {SEEDS} seeds",
        round(told["arms"]["curated"]["mean"], 4),
        round(told["arms"]["raw"]["mean"], 4),
        "trained on all of it, as many tokens",
        "ratio <= 1",
    )
    for which, gain in zip(("least", "most"), told["interval"], strict=True):
        yield Row(f"{name}: how much lower it is, {which} (95 %)", round(gain, 4))
    for arm in ("curated", "raw"):
        yield Row(f"{name}: {arm}, deviation", round(told["arms"][arm]["deviation"], 4))
        yield Row(f"{name}: {arm}, rows", sides[arm]["rows"])
        yield Row(f"{name}: {arm}, tokens", sides[arm]["tokens"])
    yield Row(
        f"{name}: seeds with which curated is better", told["wins"], None, None, f">= {SEEDS}"
    )
    yield Row(f"{name}: loss before any training", round(sides["raw"]["before"], 4))


def two_processes(folder: Path) -> Iterator[Row]:
    """Tokens of a run by two processes, and by one."""
    small.get("tiny", sample_texts(), _quiet)
    train = [{"question": f"What is {i}?", "answer": "a number " * (i % 9 + 1)} for i in range(61)]
    pairs = [{"id": f"r{i}", **messages(p["question"], p["answer"])} for i, p in enumerate(train)]
    export = write_export(folder / "export", pairs[:53], pairs[53:])
    training = Training(base_model="tiny", max_steps=8, batch_size=8, max_length=64)
    seen = {
        n: run(folder / str(n), Asked(export, training, processes=n)).card()["result"]
        for n in (1, 2)
    }
    yield Row(
        "tokens of two processes (torchrun, gloo)",
        seen[2]["tokens"],
        seen[1]["tokens"],
        "one process",
        "ratio <= 1",
    )
    yield Row(
        "tokens learnt from, two processes",
        seen[2]["learnt"],
        seen[1]["learnt"],
        "one process",
        "ratio >= 1",
    )


def gained_and_forgotten(folder: Path, data: Path) -> Iterator[Row]:
    """SmolLM2 on curated pairs, with and without replay."""
    n, steps, held = (2000, None, 200) if on_gpu() else (160, 6, 12)
    train, _ = medquad(data)
    project = curated(folder, train[:n])
    general = written(folder / "general.jsonl", alpaca(data, held * 10))
    for share in (0.0, 0.1):
        training = Training(
            base_model="smollm2",
            epochs=2,
            max_steps=steps,
            batch_size=8,
            max_length=128,
            learning_rate=5e-4,
            replay=share,
            early_stopping=0,
            save_every=steps,
        )
        export = folder / "exports" / "instruction" / "latest"
        done = run(project.workspace.root, Asked(export, training, general=general)).card()
        losses, result = done["result"]["losses"], done["result"]
        name = f"SmolLM2-135M, LoRA, {result['steps']} steps of 8 rows, replay {share:g}"
        for which in ("domain", "general"):
            yield Row(
                f"{name}: {which} loss after",
                round(losses[which]["after"], 4),
                round(losses[which]["before"], 4),
                "before",
                "ratio <= 1" if which == "domain" else None,
            )
        yield Row(
            f"{name}: peak memory, GiB",
            round(result["peak_memory"] / 2**30, 2),
            round(done["plan"]["memory"]["total"] / 2**30, 2),
            "planned",
        )
        yield Row(f"{name}: seconds", round(result["seconds"], 1))


def _quiet(_: str) -> None:
    pass


if __name__ == "__main__":
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    main()
