"""How training shows in a terminal: plans, steps with loss, speed and time left; and a talk."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any, Self

from curator.cli.ask import cite
from curator.cli.output import say, show

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from rich.progress import Progress, TaskID

    from curator.models.generators import Generator
    from curator.retrieval import Corpus
    from curator.train.runs import Run

    Messages = Sequence[Mapping[str, str]]
    Reply = Callable[[Messages], str]
    """Shows the answer to a conversation, and returns its text."""

_NAMED = 5


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


def talk(reply: Reply, ask: str | None) -> None:
    """Have one question answered, or what is typed until an empty line or the end of input."""
    if ask is not None:
        reply([{"role": "user", "content": ask}])
        return
    messages: list[dict[str, str]] = []
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
            messages.clear()
            continue
        messages.append({"role": "user", "content": line})
        messages.append({"role": "assistant", "content": reply(messages)})


def by_heart(generator: Generator, longest: int) -> Reply:
    """Return what answers a conversation with nothing but the model."""

    def reply(messages: Messages) -> str:
        text = "".join(generator(messages, longest))
        show(text)
        return text

    return reply


def from_corpus(
    generator: Generator, corpus: Corpus, bar: float | None, longest: int, top: int = 5
) -> Reply:
    """Return what answers a conversation's last question from the corpus, with citations.

    A question that finds nothing by itself may go on with the one before: both are looked for.
    The model is shown the passages and the question, and nothing of what was said earlier.
    """
    from curator.retrieval.grounding import BAR, grounded

    least = BAR if bar is None else bar

    def reply(messages: Messages) -> str:
        asked = [m["content"] for m in messages if m["role"] == "user"]
        ready = grounded(corpus, asked[-1], top, None, least)
        if not ready.is_sure and len(asked) > 1:
            together = grounded(corpus, "\n".join(asked[-2:]), top, None, least)
            ready = together if together.is_sure else ready
        answer = ready.answer("".join(ready.pieces(generator, longest)))
        show(answer.text)
        cite(answer)
        return answer.text

    return reply


NOTHING_HELD_OUT = (
    "no row is held out, so nothing tells what is learnt: raise exports.instruction.validation",
    "导出没有留出行，无从得知学到多少：请调高 exports.instruction.validation",
)


def planned_rows(facts: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return a plan's facts as the rows of a table."""
    memory, hours, gib = facts["memory"], facts["hours"], 2**30
    return [
        ("base model", f"{facts['base']['parameters']:,} parameters"),
        ("device", f"{facts['device_name']} ({facts['processes']} process(es))"),
        ("method", f"{facts['method']}, {facts['precision']}"),
        (
            "batch",
            f"{facts['batch']} rows a step, {facts['rows_at_a_time']} at a time"
            + (", with checkpointing" if facts["checkpointing"] else ""),
        ),
        (
            "length",
            f"{facts['length']:,} tokens (95 % of rows fit in {facts['length_of_95_percent']:,})",
        ),
        ("steps", f"{facts['steps']:,}, {facts['tokens_seen']:,} tokens"),
        ("learning rate", f"{facts['learning_rate']:g}"),
        ("FLOPs", f"{facts['flops']:.2g}"),
        ("hours of a device", "unknown" if hours is None else f"{hours:g}"),
        *([("cost", f"{facts['cost']:,.2f}")] if facts["cost"] is not None else []),
        (
            "memory",
            f"{memory['total'] / gib:.2f} GiB of {facts['memory_free'] / gib:.1f} free: "
            + ", ".join(f"{k} {v / gib:.2f}" for k, v in memory.items() if k != "total"),
        ),
    ]


def rows_in_prose(sets: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Return what becomes of the rows of each set, and the first of those that suffer."""
    lines = []
    for name, told in sets.items():
        lines.append(
            f"{name}: {told['rows']:,} rows, {told['used']:,} used ({told['tokens']:,} tokens,"
            f" {told['learnt']:,} learnt), {told['cut']:,} cut, {told['masked']:,} without anything"
            " to learn"
        )
        lines += [
            f"  {row['id']}: {row['tokens']:,} tokens, {row['reason']}"
            for row in told["named"][:_NAMED]
        ]
    return lines


def outcome(done: Run) -> list[str]:
    """Return a run's losses, what it forgot, and what to do next."""
    result = done.card()["result"]
    lines = [
        f"{name} loss: {losses['before']:.4f} → {losses['after']:.4f}"
        for name, losses in result["losses"].items()
    ]
    if "domain" not in result["losses"]:
        lines += NOTHING_HELD_OUT
    forgetting = result["forgetting"]
    if forgetting and forgetting["forgot"]:
        lines.append(
            f"warning: the general loss rose by {forgetting['rise']:.3f},"
            f" more than {forgetting['threshold']:g}; replay general rows: --set replay=0.1"
        )
    return [*lines, "the run card: curator train card", "next: curator train chat"]
