"""What a command costs: CPU seconds, and the most memory that it and its workers held at once."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from tests.conftest import clean_env, command

_EVERY = 0.05
_PAGE = os.sysconf("SC_PAGE_SIZE")
ENV = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


@dataclass(frozen=True, slots=True)
class Cost:
    """CPU seconds (user and system), wall seconds and peak memory in MB, workers included."""

    cpu_seconds: float
    wall_seconds: float
    peak_mb: float


def run(*arguments: str) -> Cost:
    """Run `curator` with these arguments, from outside the checkout; leave where it fails.

    Memory is what the process and its descendants hold resident, added up twenty times a
    second: what they share counts for each, so it is an upper bound.
    """
    began = time.perf_counter()
    with subprocess.Popen(
        [command(), *arguments],
        cwd="/",
        env=clean_env(**ENV),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    ) as running:
        peak = 0
        while True:
            ended, status, used = os.wait4(running.pid, os.WNOHANG)
            if ended:
                break
            peak = max(peak, sum(map(_resident, _family(running.pid))))
            time.sleep(_EVERY)
        running.returncode = os.waitstatus_to_exitcode(status)
        said = running.stderr.read().decode() if running.stderr else ""
    if running.returncode:
        sys.exit(f"curator {' '.join(arguments)}: exit {running.returncode}\n{said}")
    # What ends between two looks is known to the kernel, of the driver.
    most = max(peak / (1 << 20), used.ru_maxrss / (1 << 10))
    wall = time.perf_counter() - began
    return Cost(round(used.ru_utime + used.ru_stime, 2), round(wall, 2), round(most, 1))


def _family(pid: int) -> list[int]:
    found, waiting = [], [pid]
    while waiting:
        one = waiting.pop()
        found.append(one)
        for task in Path(f"/proc/{one}/task").glob("*/children"):
            try:
                waiting += map(int, task.read_text().split())
            except OSError:  # it ended
                continue
    return found


def _resident(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE
    except (OSError, IndexError):
        return 0
