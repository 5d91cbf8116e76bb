"""What makes a fault: an audit hook that waits for the n-th file to take its place, and acts.

A file of the workspace takes its place by a rename, so that is where a fault hurts most. As
`sitecustomize` (see `tests.faults.inject`) it is in every process that is started, workers too.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

VARIABLE = "CURATOR_TEST_FAULT"
SIGNALS = {"kill": signal.SIGKILL, "term": signal.SIGTERM, "int": signal.SIGINT}
DAY = 86_400.0


def install(fault: dict[str, Any]) -> None:
    """Let the fault happen in this process: `{"how", "at", "worker", "log", "under"}`.

    Only files under a folder count: what libraries keep elsewhere (compiled code, the first time)
    would make another moment of the n-th.
    """
    seen = 0

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal seen
        if event != "os.rename" or bool(os.environ.get("CURATOR_WORKER")) != fault["worker"]:
            return
        if not os.fsdecode(arguments[1]).startswith(fault["under"]):
            return
        seen += 1
        if fault.get("log"):
            with Path(fault["log"]).open("a", encoding="utf-8") as file:
                file.write(f"{os.fsdecode(arguments[1])}\n")
        if seen == fault["at"]:
            _act(fault["how"])

    sys.addaudithook(hook)


def _act(how: str) -> None:
    if how in SIGNALS:
        os.kill(os.getpid(), SIGNALS[how])
    elif how == "memory":
        raise MemoryError
    elif how == "clock":
        real, real_ns = time.time, time.time_ns
        time.time = lambda: real() - DAY
        time.time_ns = lambda: real_ns() - int(DAY * 1e9)


if __name__ == "sitecustomize" and VARIABLE in os.environ:
    install(json.loads(os.environ[VARIABLE]))
