"""What happens inside a Ray worker. Ray itself is not needed here."""

from __future__ import annotations

import os
import platform
import re
import time
import traceback
from copy import deepcopy
from dataclasses import dataclass
from importlib.metadata import entry_points, requires, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from curator.engine.worker import settle
from curator.errors import CuratorError
from curator.plugins import GROUPS
from curator.tables import digest

if TYPE_CHECKING:
    from collections.abc import Callable

_PATIENCE = 5.0
"""Seconds in which a file that another node has written must be seen."""


@dataclass(frozen=True, slots=True)
class Greeting:
    """What a worker tells when it comes: where it is, and what its node has installed."""

    host: str
    pid: int
    versions: dict[str, str]
    trouble: str | None
    """Why it cannot write to the workspace, if so."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a call returned, or the error that it ended with."""

    value: Any = None
    error: BaseException | None = None


class Worker:
    """Makes one call after another, so each model is loaded once.

    Errors are returned, not raised: what is raised, Ray keeps in its own tables.
    """

    def __init__(self) -> None:
        """Let nothing that a library prints reach Ray's logs: it might be a record's text."""
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 1)
        os.dup2(nowhere, 2)
        settle()

    def greet(self, mine: Path, other: Path) -> Greeting:
        """Write the file `mine`; look once for `other`, which is not there yet.

        A disk that remembers what was absent will then not show it in time to `sees`.
        """
        other.exists()
        trouble: str | None = None
        try:
            mine.write_text(mine.name, encoding="utf-8")
        except OSError as error:
            trouble = error.strerror or type(error).__name__
        return Greeting(platform.node(), os.getpid(), versions(), trouble)

    def sees(self, other: Path) -> bool:
        """Return whether a file of the driver is seen here."""
        return seen(other)

    def work(self, call: Callable[..., Any], arguments: tuple[Any, ...]) -> Outcome:
        """Make a call."""
        try:
            return Outcome(call(*arguments))
        except BaseException as error:  # noqa: BLE001 - it is raised where the call was asked for
            return Outcome(error=_portable(error))

    def pulse(self, seconds: float) -> float:
        """Return the CPU seconds that this process uses in so many seconds."""
        began = time.process_time()
        time.sleep(seconds)
        return time.process_time() - began


def seen(path: Path) -> bool:
    """Return whether a file that bears its name as content is seen within some seconds."""
    until = time.monotonic() + _PATIENCE
    while time.monotonic() < until:
        try:
            if path.read_text(encoding="utf-8") == path.name:
                return True
        except OSError:
            pass
        time.sleep(0.1)
    return False


def versions() -> dict[str, str]:
    """Return what the outcome of steps rests on: Python, curator's code, what it requires."""
    names = {
        match[0]
        for line in requires("curator-data") or ()
        if "extra ==" not in line and (match := re.match(r"[\w.-]+", line))
    }
    package = Path(__file__).parents[2]
    code = digest(
        [[str(p.relative_to(package)), p.read_text("utf-8")] for p in sorted(package.rglob("*.py"))]
    )
    brought = {
        point.dist.name: point.dist.version
        for group in GROUPS
        for point in entry_points(group=f"curator.{group}")
        if point.dist
    }
    return {
        "Python": platform.python_version(),
        "curator": f"{version('curator-data')} ({code[:8]})",
        **brought,
        **{name: version(name) for name in sorted(names)},
    }


def _portable(error: BaseException) -> BaseException:
    """Return an error as it can be sent, with the lines where it was raised unless it is ours."""
    if not isinstance(error, CuratorError):
        error.add_note("".join(traceback.format_tb(error.__traceback__)).rstrip())
    try:
        deepcopy(error)  # made anew as on the other side
    except Exception:  # noqa: BLE001 - whatever keeps it from being sent
        sent = RuntimeError(type(error).__name__)
        sent.add_note("".join(traceback.format_tb(error.__traceback__)).rstrip())
        return sent
    return error
