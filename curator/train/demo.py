"""The demo: train on the sample, be killed half-way, go on, and prove that nothing was lost."""

from __future__ import annotations

import os
import signal
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from curator.errors import TrainError
from curator.train.launch import Asked, run
from curator.train.runs import FOLDER
from curator.workspace import read_json

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from curator.schema import Training
    from curator.train.launch import Watcher
    from curator.train.runs import Run

_SETTINGS = {
    "base_model": "tiny",
    "max_steps": 40,
    "batch_size": 8,
    "max_length": 192,
    "learning_rate": 5e-3,
    "save_every": 10,
}


@dataclass(frozen=True, slots=True)
class Proof:
    """Two runs of the same job, one of them killed: their losses, step by step.

    killed: the step after which it was killed.
    """

    run: Run
    killed: int
    unbroken: list[tuple[int, float]]
    resumed: list[tuple[int, float]]

    @property
    def identical(self) -> bool:
        """Whether every step has the very same loss in both."""
        return self.unbroken == self.resumed


def demo(
    root: Path, training: Training, watcher: Watcher | None, tell: Callable[[str], None]
) -> Proof:
    """Train the tiny model twice on a project's export; kill the second run half-way.

    Args:
        root: a project with an instruction export.
        training: the recipe's settings, which the demo's own replace in part.
        watcher: is told the steps.
        tell: is told what happens.

    """
    asked = Asked(
        export=root / "exports" / "instruction" / "latest",
        training=training.model_copy(update=_SETTINGS),
    )
    with tempfile.TemporaryDirectory(dir=root, prefix=".tmp-") as apart:
        tell("an unbroken run")
        whole = _losses(run(Path(apart), asked, watcher))
    tell("the same again, killed half-way")
    half = _Half(root, watcher, _SETTINGS["max_steps"])
    try:
        done = run(root, asked, half)
    except TrainError as error:
        tell(f"killed after step {half.killed}: {error.message}")
        tell("the same command again")
        done = run(root, asked, watcher)
    return Proof(done, half.killed, whole, _losses(done))


class _Half:
    """Passes steps on, and kills the worker at the half of them, without warning."""

    def __init__(self, root: Path, watcher: Watcher | None, steps: Any) -> None:
        self.root, self.watcher, self.half = root, watcher, int(steps) // 2 + 2
        self.killed = 0

    def __call__(self, line: Mapping[str, Any], steps: int) -> None:
        if self.watcher:
            self.watcher(line, steps)
        if line["step"] >= self.half and not self.killed:
            self.killed = line["step"]
            for path in sorted((self.root / FOLDER).glob("*/worker.json")):
                os.kill(read_json(path)["pid"], signal.SIGKILL)


def _losses(done: Run) -> list[tuple[int, float]]:
    return [(line["step"], line["loss"]) for line in done.lines() if "loss" in line]
