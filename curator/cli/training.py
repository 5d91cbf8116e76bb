"""How training shows in a terminal: steps with loss, speed and time left; and a talk."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any, Self

from curator.cli.output import say, show

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rich.progress import Progress, TaskID

    from curator.train.serve import Model


class Steps:
    """Shows each step: a bar in a terminal, a line every ten seconds elsewhere."""

    def __init__(self, *, quiet: bool = False) -> None:
        """Show nothing yet; `quiet` never does."""
        self._quiet = quiet
        self._bar: Progress | None = None
        self._task: TaskID | None = None
        self._told = 0.0
        self._last: Mapping[str, Any] = {}

    def __enter__(self) -> Self:
        """Start showing."""
        return self

    def __exit__(self, *_: object) -> None:
        """Leave the finished bar on the screen."""
        if self._bar is not None:
            self._bar.stop()

    def __call__(self, line: Mapping[str, Any], steps: int) -> None:
        """See `curator.train.launch.Watcher`."""
        if self._quiet:
            return
        if "loss" not in line:
            if "eval_loss" in line:
                self._say(f"step {line['step']}: held-out loss {line['eval_loss']:.4f}")
            elif "stopped_early" in line:
                self._say(f"step {line['step']}: stopped, since the held-out loss falls no more")
            return
        speed = _speed(self._last, line)
        told = f"loss {line['loss']:.4f}  {speed:,.0f} tokens/s"
        if sys.stderr.isatty():
            self._draw(line["step"], steps, told)
        elif time.monotonic() - self._told > 10 or line["step"] == steps:
            self._told = time.monotonic()
            left = (steps - line["step"]) * line["seconds"] / line["step"]
            say(f"step {line['step']}/{steps}: {told}, {left:,.0f} s left")
        self._last = line

    def _say(self, text: str) -> None:
        if self._bar is not None:
            self._bar.console.print(text, markup=False)
        else:
            say(text)

    def _draw(self, step: int, steps: int, told: str) -> None:
        if self._bar is None:
            from rich.console import Console
            from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
            from rich.progress import Progress as Bars

            self._bar = Bars(
                TextColumn("steps"),
                BarColumn(),
                MofNCompleteColumn(),
                TextColumn("{task.description}"),
                TextColumn("left"),
                TimeRemainingColumn(),
                console=Console(stderr=True),
            )
            self._bar.start()
        if self._task is None or self._last.get("step", 0) > step:
            self._task = self._bar.add_task(told, total=steps)
        self._bar.update(self._task, completed=step, total=steps, description=told)


def _speed(last: Mapping[str, Any], line: Mapping[str, Any]) -> float:
    begins = last.get("step", 0) < line["step"]
    tokens = line["tokens"] - (last.get("tokens", 0) if begins else 0)
    seconds = line["seconds"] - (last.get("seconds", 0.0) if begins else 0.0)
    return float(tokens / max(seconds, 1e-6))


def talk(
    model: Model, system: str | None, ask: str | None, *, longest: int, temperature: float
) -> None:
    """Answer one question, or what is typed until an empty line or the end of input."""
    begun = [{"role": "system", "content": system}] if system else []
    if ask is not None:
        show(model.answer([*begun, {"role": "user", "content": ask}], longest, temperature))
        return
    messages = list(begun)
    terminal = sys.stdin.isatty()
    if terminal:
        say("an empty line ends the talk; /new begins another")
    while True:
        if terminal:
            print("> ", end="", file=sys.stderr, flush=True)
        line = sys.stdin.readline().strip()
        if not line:
            return
        if line == "/new":
            messages = list(begun)
            continue
        messages.append({"role": "user", "content": line})
        said = model.answer(messages, longest, temperature)
        messages.append({"role": "assistant", "content": said})
        show(said)
