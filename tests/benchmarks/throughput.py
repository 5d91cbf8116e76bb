"""Seconds per stage of `curator run` beside the two model passes alone (names, embeddings).

Both work on the same records with the same number of worker processes, each
from the start of its process, on two real sets of Chinese medical questions.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from tests.benchmarks.harness import Row, arguments, report

if TYPE_CHECKING:
    from collections.abc import Iterator

WORKERS = 2
REPEATS = 3
SETS = {
    "csv": "raw/toyhom_neike_gb18030_first2000lines.csv",
    "jsonl.gz": "medical/toyhom_neike_sample_raw.jsonl.gz",
}


def main() -> None:
    """Measure both sets and print the figures."""
    given = arguments(__doc__ or "")
    rows: list[Row] = []
    for name, path in SETS.items():
        with tempfile.TemporaryDirectory() as folder:
            rows += rows_of(name, (given.data / path).resolve(), Path(folder))
    report("throughput", rows, as_json=given.json)


def rows_of(name: str, source: Path, folder: Path) -> Iterator[Row]:
    """Measure one set: the stages, then the whole beside the model passes alone.

    The two take turns, and each figure is the median, since a machine's speed drifts.
    """
    walls: dict[str, list[float]] = defaultdict(list)
    cpus: dict[str, list[float]] = defaultdict(list)
    stages: dict[str, list[float]] = defaultdict(list)
    for turn in range(REPEATS):
        project = folder / str(turn)
        _timed("-m", "curator", "init", str(project), "--from", str(source))
        workers = str(WORKERS)
        out, wall, cpu = _timed(
            "-m", "curator", "run", str(project), "--workers", workers, "--json"
        )
        walls["run"].append(wall)
        cpus["run"].append(cpu)
        for stage, seconds in json.loads(out)["seconds"].items():
            stages[stage].append(seconds)
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
        _, wall, cpu = _timed("-m", "tests.benchmarks.model_passes", str(project), workers)
        walls["alone"].append(wall)
        cpus["alone"].append(cpu)
    for stage, measured in stages.items():
        yield Row(f"{name}: {stage}, wall seconds", round(median(measured), 2))
    for what, figures, aim in (("wall", walls, "ratio <= 1.5"), ("CPU", cpus, None)):
        ours, alone = (round(median(figures[key]), 2) for key in ("run", "alone"))
        yield Row(f"{name}: run, {what} seconds", ours, alone, "model passes alone", aim)
    yield Row(f"{name}: largest process, MB", round(peak, 1))


def _timed(*arguments: str) -> tuple[str, float, float]:
    """Run a Python command; return what it printed, its wall and its CPU seconds."""
    env = os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run(
        [sys.executable, *arguments], env=env, capture_output=True, text=True, check=False
    )
    wall, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        sys.exit(done.stderr)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return done.stdout, round(wall, 2), round(cpu, 2)


if __name__ == "__main__":
    main()
