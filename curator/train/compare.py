"""Did curation help? The same training on raw and on curated rows, measured on clean ones."""

from __future__ import annotations

import shutil
import statistics
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from curator.errors import TrainError
from curator.exports.folder import RowFiles, building, write_manifest
from curator.tables import digest
from curator.train.inputs import open_export, read_rows
from curator.train.launch import ready, run
from curator.train.plots import Line, chart
from curator.train.raw import raw_rows
from curator.train.runs import FOLDER
from curator.workspace import write_json, write_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from curator.check import Plan
    from curator.schema import Recipe
    from curator.train.inputs import Row
    from curator.train.launch import Asked, Watcher
    from curator.workspace import Workspace

ARMS = ("raw", "curated")
_SIDES = "compared"
_MESSAGES = pa.list_(
    pa.struct([("role", pa.string()), ("content", pa.string()), ("weight", pa.int8())])
)
_ROWS = pa.schema([("id", pa.string()), ("messages", _MESSAGES)])


@dataclass(frozen=True, slots=True)
class Comparison:
    """A row a run, what of the raw side was left out, and the picture."""

    rows: list[dict[str, Any]]
    left_out: Mapping[str, int]
    budget: int
    picture: Path

    def facts(self) -> dict[str, Any]:
        """Return it for programs, with each arm's mean and spread, and the difference."""
        arms = {}
        for arm in ARMS:
            losses = [row["after"] for row in self.rows if row["arm"] == arm]
            spread = statistics.stdev(losses) if len(losses) > 1 else 0.0
            arms[arm] = {"mean": statistics.fmean(losses), "deviation": spread}
        by_seed: dict[int, dict[str, float]] = {}
        for row in self.rows:
            by_seed.setdefault(row["seed"], {})[row["arm"]] = row["after"]
        gains = [pair["raw"] - pair["curated"] for pair in by_seed.values()]
        gain, interval = statistics.fmean(gains), _interval(gains)
        wins = sum(one > 0 for one in gains)
        return {
            "rows": self.rows,
            "arms": arms,
            "gain": gain,
            "interval": interval,
            "wins": wins,
            "seeds": len(by_seed),
            "token_budget": self.budget,
            "raw_left_out": dict(self.left_out),
            "picture": str(self.picture),
            "told": _told(gain, interval, wins, len(by_seed)),
        }


def _interval(gains: Sequence[float]) -> tuple[float, float] | None:
    """Return the mean's 95 % interval by Student's t over seeds; one seed has none."""
    if len(gains) < 2:
        return None
    from scipy.stats import t  # noqa: PLC0415 - at the end alone

    half = float(t.ppf(0.975, len(gains) - 1)) * statistics.stdev(gains) / len(gains) ** 0.5
    mean = statistics.fmean(gains)
    return mean - half, mean + half


def _told(
    gain: float, interval: tuple[float, float] | None, wins: int, seeds: int
) -> dict[str, str]:
    """Return what came out in words: only where every seed agrees is a side said to be better."""
    within = f" (95 %: {interval[0]:.4f} … {interval[1]:.4f})" if interval else ""
    if wins == seeds and gain > 0:
        return {
            "en": f"curation helped: the clean loss is {gain:.4f} lower, with every seed{within}",
            "zh": f"整理有效：干净留出集上的损失低 {gain:.4f}，每个种子都如此{within}",
        }
    if wins == 0 and gain < 0:
        return {
            "en": f"curation did not help: the clean loss is {-gain:.4f} higher, with every seed",
            "zh": f"整理没有帮助：干净留出集上的损失高 {-gain:.4f}，每个种子都如此",
        }
    return {
        "en": f"no clear difference: curated was better with {wins} of {seeds} seeds, by {gain:.4f}"
        f" on average{within}",
        "zh": f"差别不明：{seeds} 个种子中有 {wins} 个整理后更好，平均低 {gain:.4f}{within}",
    }


def compare(
    workspace: Workspace,
    recipe: Recipe,
    plan: Plan,
    asked: Asked,
    *,
    seeds: int,
    raw: Path | None = None,
    held_out: Path | None = None,
    watcher: Watcher | None = None,
) -> Comparison:
    """Train on both with the same number of tokens, once a seed, and measure the last step.

    Args:
        workspace: the project's.
        recipe: tells the shape of rows and their system prompt.
        plan: the check runs that count.
        asked: export and settings; epochs are those over the curated rows.
        seeds: how many, from the settings' seed on.
        raw: JSONL to train on in place of the project's own conversations.
        held_out: JSONL to measure with in place of the export's validation rows.
        watcher: is told the steps.

    Raises:
        TrainError: there is nothing to measure with, or to train on.

    """
    export = open_export(asked.export)
    measured = read_rows(held_out) if held_out else export.rows("validation")
    if not measured:
        raise TrainError(
            "there is nothing held out to measure with",
            "raise exports.instruction.validation and export again, or name --held-out FILE",
        )
    apart = [*measured, *export.rows("validation"), *export.rows("test")]
    rows, left_out = raw_rows(workspace, plan, apart, recipe.exports.instruction)
    if raw is not None:
        rows, left_out = read_rows(raw), {}
    sides = {"raw": rows, "curated": export.rows("train")}
    arms = {
        name: _written(workspace.root / FOLDER / _SIDES, name, side, measured)
        for name, side in sides.items()
    }
    first = asked.training.model_copy(update={"early_stopping": 0, "replay": 0.0, "general": None})
    prepared = {
        name: ready(replace(asked, export=folder, training=first, general=None))[1]
        for name, folder in arms.items()
    }
    budget = round(prepared["curated"].tokens * first.epochs)
    if first.max_steps:
        a_step = prepared["curated"].tokens / prepared["curated"].rows * first.batch_size
        budget = min(budget, round(a_step * first.max_steps))
    found = []
    for seed in range(first.seed, first.seed + seeds):
        for name, folder in arms.items():
            mean = prepared[name].tokens / prepared[name].rows
            steps = max(1, round(budget / (mean * first.batch_size)))
            epochs = (steps + 1) * first.batch_size / prepared[name].rows + 1
            training = first.model_copy(
                update={
                    "seed": seed,
                    "max_steps": steps,
                    "epochs": epochs,
                    "save_every": -(-steps // 2),
                }
            )
            one = replace(asked, export=folder, training=training, general=None)
            card = run(workspace.root, one, watcher).card()
            result = card["result"]
            found.append(
                {
                    "arm": name,
                    "seed": seed,
                    "run": card["id"],
                    "rows": prepared[name].rows,
                    "steps": result["steps"],
                    "tokens": result["tokens"],
                    "before": result["losses"]["domain"]["before"],
                    "after": result["losses"]["domain"]["after"],
                }
            )
    name = f"compare-{digest([row['run'] for row in found])[:10]}"
    picture = workspace.root / FOLDER / f"{name}.svg"
    comparison = Comparison(found, left_out, budget, picture)
    write_text(picture, _picture(found))
    write_json(workspace.root / FOLDER / f"{name}.json", comparison.facts())
    # Both sides can be written again; the raw one should lie nowhere longer than it must.
    shutil.rmtree(workspace.root / FOLDER / _SIDES, ignore_errors=True)
    return comparison


def _written(root: Path, name: str, rows: Sequence[Row], measured: Sequence[Row]) -> Path:
    """Write one side in the form of an export, with what is held out as its validation."""
    if not rows:
        raise TrainError(f"nothing to train on: the {name} side has no rows", "see: curator status")
    splits = {"train": rows, "validation": measured}
    version = digest(name, *([(r.id, list(r.messages)) for r in part] for part in splits.values()))
    target = root / name / version
    if target.exists():
        return target
    with building(target) as folder:
        for split, part in splits.items():
            with RowFiles(folder, split, _ROWS) as files:
                files.add([{"id": row.id, "messages": list(row.messages)} for row in part])
        facts = {"name": "instruction", "version": version, "project": f"{name} side"}
        counts = {
            f"{split}.{kind}": len(part)
            for split, part in splits.items()
            for kind in ("jsonl", "parquet")
        }
        write_manifest(folder, facts, counts)
    return target


def _picture(rows: Sequence[Mapping[str, Any]]) -> str:
    lines = []
    for arm, words in zip(ARMS, ("原始", "整理后"), strict=True):
        points = [(float(row["seed"]), row["after"]) for row in rows if row["arm"] == arm]
        lines.append(Line(f"{arm} {words}", points, dots=True))
    title = "Loss on clean held-out rows / 干净留出集上的损失"
    return chart(title, "seed / 种子", "nats", lines)
