"""What every benchmark shares: arguments, a process of its own for each run, one JSON object.

Run as `python -m tests.benchmarks.TOPIC --json [--data DIR]`. A benchmark
prints one object: `{topic, commit, machine, rows}`, where a row is
`{metric, ours, peer, peer_name, ratio, aim, met}`.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

DATA = "../shared/data"


@dataclass(frozen=True, slots=True)
class Row:
    """One figure beside a peer's and beside what is aimed at.

    `aim` reads `<= x` or `>= x` and is about `ours`, or about `ratio` where it
    begins with `ratio`. `met` is None where there is no aim or no figure.
    """

    metric: str
    ours: float | None
    peer: float | None = None
    peer_name: str | None = None
    aim: str | None = None

    @property
    def ratio(self) -> float | None:
        """Ours divided by the peer's."""
        return round(self.ours / self.peer, 4) if self.ours is not None and self.peer else None

    @property
    def met(self) -> bool | None:
        """Whether the aim is reached."""
        if self.aim is None:
            return None
        words = self.aim.split()
        figure = self.ratio if words[0] == "ratio" else self.ours
        if figure is None:
            return None
        return figure <= float(words[-1]) if words[-2] == "<=" else figure >= float(words[-1])


@dataclass(frozen=True, slots=True)
class Measured:
    """A function's result, CPU seconds (user and system), wall seconds and peak memory in MB."""

    result: Any
    cpu_seconds: float
    wall_seconds: float
    peak_mb: float


def arguments(
    description: str, more: Callable[[argparse.ArgumentParser], None] | None = None
) -> argparse.Namespace:
    """Read `--json`, `--data` and what `more` adds; leave with a word where the data are missing."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument(
        "--data",
        type=Path,
        default=Path(os.environ.get("CURATOR_DATA", DATA)),
        help="the real data",
    )
    if more:
        more(parser)
    given = parser.parse_args()
    if not given.data.is_dir():
        parser.error(f"no data at {given.data}: name them with --data or CURATOR_DATA")
    return given


def measured(function: Callable[..., Any], *args: Any) -> Measured:
    """Call a module's function in a fresh process with one thread a library."""
    threads = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    os.environ.update(dict.fromkeys(threads, "1"))
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(_measure, function, args).result()


def _measure(function: Callable[..., Any], args: tuple[Any, ...]) -> Measured:
    wall, cpu = time.perf_counter(), _cpu()
    result = function(*args)
    wall, cpu = time.perf_counter() - wall, _cpu() - cpu
    own, children = (
        resource.getrusage(who).ru_maxrss
        for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    unit = 1 << 20 if sys.platform == "darwin" else 1 << 10
    return Measured(result, round(cpu, 3), round(wall, 3), round(max(own, children) / unit, 1))


def _cpu() -> float:
    times = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(t.ru_utime + t.ru_stime for t in times)


def report(topic: str, rows: Sequence[Row], *, as_json: bool) -> None:
    """Print the benchmark's result to stdout: one JSON object, or a table."""
    if as_json:
        told = [asdict(row) | {"ratio": row.ratio, "met": row.met} for row in rows]
        whole = {"topic": topic, "commit": commit(), "machine": machine(), "rows": told}
        sys.stdout.write(json.dumps(whole, ensure_ascii=False) + "\n")
        return
    for row in rows:
        figures = (row.metric, row.ours, row.peer_name, row.peer, row.ratio, row.aim, row.met)
        sys.stdout.write("\t".join("-" if f is None else str(f) for f in figures) + "\n")


def commit() -> str:
    """Return the commit that is measured, `unknown` outside a repository."""
    command = ["git", "rev-parse", "--short=12", "HEAD"]
    ran = subprocess.run(
        command, cwd=Path(__file__).parent, capture_output=True, text=True, check=False
    )
    return ran.stdout.strip() if ran.returncode == 0 else "unknown"


def machine() -> dict[str, object]:
    """Return what matters about the machine for comparing figures."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return {
        "system": platform.system(),
        "arch": platform.machine(),
        "python": platform.python_version(),
        "cores": cores,
        "load": round(os.getloadavg()[0], 2),
    }
