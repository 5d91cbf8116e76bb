"""Printing: data to stdout, prose and progress to stderr."""

from __future__ import annotations

import json
import sys
import time
import unicodedata
from typing import TYPE_CHECKING, Annotated, Any, Self

import typer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.progress import Progress, TaskID

    from curator.pace import Expected

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of prose.")]
Folder = Annotated[
    str, typer.Option("--project", "-p", help="The project's folder, or one inside it.")
]
Workers = Annotated[
    int | None,
    typer.Option("--workers", "-w", min=1, help="Processes to work with; the recipe's by default."),
]

Engine = Annotated[
    str | None,
    typer.Option(
        "--engine",
        "-e",
        metavar="ENGINE",
        help="Where the work is done: local, ray (this machine), or ray://HOST:PORT of a Ray"
        " cluster's head; the recipe's by default.",
    ),
]


def visible(text: object) -> str:
    """Return a text without what a terminal would obey or hide: escapes, direction marks."""
    return "".join(
        f"\\u{ord(char):04x}"
        if unicodedata.category(char) in {"Cc", "Cf", "Cs", "Zl", "Zp"} and char not in "\n\t"
        else char
        for char in str(text)
    )


def show(line: str) -> None:
    """Print a line of prose that may hold a record's text on stdout."""
    print(visible(line))


def data(value: object) -> None:
    """Print a value as JSON on stdout."""
    print(json.dumps(value, ensure_ascii=False, indent=2, sort_keys=True))


def say(*lines: str) -> None:
    """Print prose on stderr."""
    for line in lines:
        print(visible(line), file=sys.stderr)


def table(headers: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Print a table on stdout: drawn in a terminal, tab-separated in a pipe."""
    if not sys.stdout.isatty():
        for row in (headers, *rows):
            print("\t".join(visible(cell) for cell in row))
        return
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    drawn = Table(box=None, pad_edge=False)
    for i, header in enumerate(headers):
        number = all(isinstance(row[i], int | float) for row in rows)
        drawn.add_column(header, justify="right" if number else "left")
    for row in rows:
        drawn.add_row(*(f"{c:,}" if isinstance(c, int) else escape(visible(c)) for c in row))
    Console().print(drawn)


class Stages:
    """Progress of stages: a bar with rate and time left in a terminal, plain lines elsewhere."""

    def __init__(self, *, quiet: bool = False) -> None:
        """Draw nothing yet; `quiet` never does."""
        self._quiet = quiet
        self._bar: Progress | None = None
        self._tasks: dict[str, TaskID] = {}
        self._told: dict[str, float] = {}

    def __enter__(self) -> Self:
        """Start the bar where there is a terminal."""
        if sys.stderr.isatty() and not self._quiet:
            from rich.console import Console
            from rich.progress import (
                BarColumn,
                MofNCompleteColumn,
                Progress,
                TextColumn,
                TimeElapsedColumn,
                TimeRemainingColumn,
            )

            self._bar = Progress(
                TextColumn("{task.description:18}"),
                BarColumn(),
                MofNCompleteColumn(),
                TextColumn("parts"),
                TimeElapsedColumn(),
                TextColumn("left"),
                TimeRemainingColumn(),
                console=Console(stderr=True),
            )
            self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Leave the finished bars on the screen."""
        if self._bar is not None:
            self._bar.stop()

    def expect(self, told: Expected) -> None:
        """Say in a dim line above the bars how long it may take; in a terminal alone."""
        from curator.pace import spoken

        if self._bar is not None:
            self._bar.console.print(spoken(told), style="dim", markup=False, highlight=False)

    def __call__(self, label: str, done: int, total: int) -> None:
        """See `curator.protocols.Progress`."""
        if self._quiet:
            return
        if self._bar is not None:
            if label not in self._tasks:
                self._tasks[label] = self._bar.add_task(label, total=total)
            self._bar.update(self._tasks[label], completed=done, total=total)
            return
        now = time.monotonic()
        if done == total or now - self._told.get(label, -9.0) > 5.0:
            self._told[label] = now
            say(f"{label}: {done}/{total} parts")
