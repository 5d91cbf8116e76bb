"""The run card: everything that a model was made from, and what came of it."""

from __future__ import annotations

import datetime as dt
import json
import math
import platform
import shutil
import subprocess
from importlib.metadata import distributions, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from curator.train.plots import Line, chart
from curator.workspace import read_json, write_json, write_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from curator.train.inputs import Export
    from curator.train.launch import Asked
    from curator.train.plan import Plan, Prepared
    from curator.train.runs import Run


_SETS = ("train", "replay", "validation", "general")


def write(
    run: Run,
    asked: Asked,
    export: Export,
    prepared: Prepared,
    planned: Plan,
    job: Mapping[str, Any],
    *,
    began: float,
    joules: float | None,
) -> None:
    """Write a run's card as it stands: done, or not yet.

    Args:
        run: where.
        asked: what was asked for.
        export: what it was trained on.
        prepared: the rows.
        planned: how it was to go.
        job: what the worker did.
        began: when this stretch of it began, in seconds since 1970.
        joules: what the processor took meanwhile, if that can be read.

    """
    result = read_json(run.result) if run.result.exists() else None
    earlier = read_json(run.card_path) if run.card_path.exists() else {}
    stretches = [*earlier.get("stretches", []), _stretch(began, joules)]
    manifest = export.manifest
    found: dict[str, Any] = {
        "id": run.id,
        "status": "done" if result else "stopped",
        "stage": job["stage"],
        "export": {
            "folder": str(export.folder),
            "version": manifest["version"],
            "manifest_sha256": export.sha256,
            "decision": manifest.get("decision"),
            "policy_sha": manifest.get("policy_sha"),
            "project": manifest.get("project"),
        },
        "general": {"path": str(asked.general), "sha256": job["general_sha256"]}
        if asked.general
        else None,
        "base": {
            "name": planned.training.base_model,
            "source": prepared.source,
            "sha256": job["base_sha256"],
            "parameters": prepared.shape.parameters,
            "kind": prepared.shape.kind,
        },
        "parent": job["parent_id"],
        "template": {"origin": prepared.template.origin, "sha256": prepared.template.sha256},
        "training": planned.training.model_dump(mode="json"),
        "plan": planned.facts(),
        "seed": job["seed"],
        "learning_rate": job["learning_rate"],
        "steps": job["steps"],
        "rows": {
            "train": prepared.train.account.facts(),
            "validation": prepared.validation.account.facts(),
            **({"replay": prepared.replayed.account.facts()} if prepared.replayed else {}),
            **({"general": prepared.held_out.account.facts()} if prepared.held_out else {}),
        },
        "code": {"curator": version("curator-data"), "git": _git()},
        "packages": _packages(),
        "machine": {
            "python": platform.python_version(),
            "system": platform.platform(),
            "device": planned.hardware.name,
            "devices": planned.hardware.count,
            "cores": planned.hardware.cores,
        },
        "stretches": stretches,
    }
    if result:
        found |= {"result": _results(result, asked.training.forgetting)}
        write_text(run.folder / "answers.jsonl", _answers(run, result))
        write_text(run.folder / "loss.svg", picture(run))
    write_json(run.card_path, found)
    write_text(run.folder / "README.md", page(found))


def _results(result: Mapping[str, Any], most: float) -> dict[str, Any]:
    """Return what was measured, and whether the model forgot more than is allowed."""
    losses = {
        name: {"before": result["before"][name], "after": result["after"][name]}
        for name in ("domain", "general")
        if name in result["before"]
    }
    general = losses.get("general")
    rise = general["after"] - general["before"] if general else None
    seen = ("steps", "best_step", "tokens", "learnt", "seconds", "peak_memory")
    return {
        "losses": losses,
        "forgetting": None
        if rise is None
        else {"rise": rise, "threshold": most, "forgot": rise > most},
        **{name: result[name] for name in seen},
    }


def _answers(run: Run, result: Mapping[str, Any]) -> str:
    path = run.data / "prompts.json"
    if not path.exists():
        return (run.folder / "answers.jsonl").read_text(encoding="utf-8")
    lines = [
        {**prompt, "before": before, "after": after}
        for prompt, before, after in zip(
            read_json(path), result["before"]["answers"], result["after"]["answers"], strict=True
        )
    ]
    return "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)


def picture(run: Run) -> str:
    """Return a run's loss over its steps, as SVG."""
    lines = run.lines()
    trained = [(line["step"], line["loss"]) for line in lines if "loss" in line]
    held_out = [(line["step"], line["eval_loss"]) for line in lines if "eval_loss" in line]
    return chart(
        f"{run.id}: loss / 损失",
        "step / 步",
        "nats",
        [
            Line("train / 训练", [p for p in trained if math.isfinite(p[1])]),
            Line("held out / 留出", held_out, dots=True),
        ],
    )


def _stretch(began: float, joules: float | None) -> dict[str, Any]:
    at = dt.datetime.fromtimestamp(began, dt.UTC).isoformat(timespec="seconds")
    until = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
    return {"began": at, "ended": until, "joules": None if joules is None else round(joules, 1)}


def _git() -> str | None:
    """Return the commit of the code, and whether it was changed; None where git has it not."""
    git, here = shutil.which("git"), Path(__file__).resolve().parent
    if git is None:
        return None

    def said(*arguments: str) -> str | None:
        done = subprocess.run(  # noqa: S603 - our own arguments
            [git, "-C", str(here), *arguments], capture_output=True, text=True, check=False
        )
        return done.stdout.strip() if done.returncode == 0 else None

    # An installed copy may lie inside another repository, which does not have its files.
    if said("ls-files", "--error-unmatch", Path(__file__).name) is None:
        return None
    changed = said("status", "--porcelain", "--untracked-files=no", "--", ".")
    return f"{said('rev-parse', 'HEAD')}{' (changed)' if changed else ''}"


def _packages() -> dict[str, str]:
    """Return every installed package with its version."""
    found = {d.metadata["Name"]: d.version for d in distributions() if d.metadata["Name"]}
    return dict(sorted(found.items(), key=lambda pair: pair[0].lower()))


def page(card: Mapping[str, Any]) -> str:
    """Return the run card for people, in both languages."""
    export, base, plan, rows = card["export"], card["base"], card["plan"], card["rows"]
    result = card.get("result")
    lines = [
        f"# {card['id']}: {'done / 完成' if result else 'not done yet / 未完成'}",
        "",
        *_table(
            [
                ("export / 导出", f"{export['project']} {export['version']}"),
                ("manifest sha256", export["manifest_sha256"]),
                ("policy / 策略", export["policy_sha"]),
                ("base model / 基座模型", f"{base['name']} ({base['parameters']:,} parameters)"),
                ("base sha256", base["sha256"]),
                ("parent / 前一次训练", card["parent"] or "none / 无"),
                (
                    "chat template / 对话模板",
                    f"{card['template']['origin']}, {card['template']['sha256']}",
                ),
                ("stage and method / 阶段与方法", f"{card['stage']}, {plan['method']}"),
                (
                    "batch, steps / 批大小、步数",
                    f"{plan['batch']} rows on {plan['processes']} process(es), {card['steps']}",
                ),
                (
                    "learning rate, seed / 学习率、种子",
                    f"{card['learning_rate']:g}, {card['seed']}",
                ),
                ("precision / 精度", f"{plan['precision']} on {plan['device_name']}"),
                ("code / 代码", f"curator {card['code']['curator']}, {card['code']['git']}"),
            ]
        ),
        "",
        *_rows(rows),
    ]
    if result:
        lines += ["", *_measured(result, plan)]
    return "\n".join([*lines, ""])


def _table(pairs: Sequence[tuple[str, Any]]) -> list[str]:
    return ["| | |", "| --- | --- |", *(f"| {name} | {value} |" for name, value in pairs)]


def _rows(rows: Mapping[str, Any]) -> list[str]:
    lines = [
        "| set / 集合 | rows / 行 | used / 用 | cut / 截断 | empty / 空 | tokens | learnt / 学 |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for name in (name for name in _SETS if name in rows):
        told = rows[name]
        figures = ("rows", "used", "cut", "masked", "tokens", "learnt")
        lines.append(f"| {name} | " + " | ".join(f"{told[f]:,}" for f in figures) + " |")
    return lines


def _measured(result: Mapping[str, Any], plan: Mapping[str, Any]) -> list[str]:
    losses = [
        f"| {name} | {told['before']:.4f} | {told['after']:.4f} |"
        for name, told in sorted(result["losses"].items())
    ]
    headers = ["| loss on / 损失 | before / 之前 | after / 之后 |", "| --- | ---: | ---: |"]
    lines = [*headers, *losses, ""] if losses else []
    forgetting = result["forgetting"]
    if forgetting and forgetting["forgot"]:
        lines += [
            f"**Forgetting: the general loss rose by {forgetting['rise']:.3f}:"  # noqa: ISC004
            f" more than {forgetting['threshold']:g}.** Raise `training.replay`."
            " / 通用损失上升过多，请提高 `training.replay`。",
            "",
        ]
    peak, needs = result["peak_memory"] / 2**30, plan["memory"]["total"] / 2**30
    lines += _table(
        [
            ("steps done, best / 完成步数、最优", f"{result['steps']}, {result['best_step']}"),
            (
                "tokens seen, learnt from / 所见与所学 token",
                f"{result['tokens']:,}, {result['learnt']:,}",
            ),
            ("seconds / 秒", f"{result['seconds']:,.1f}"),
            ("peak memory / 峰值内存", f"{peak:.2f} GiB (planned {needs:.2f})"),
        ]
    )
    return lines
