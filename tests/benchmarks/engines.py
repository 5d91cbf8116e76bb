"""What `curator run` costs on Ray beside the local engine: CPU and memory.

CPU and memory are those of all processes of the command, Ray's own among them.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.generate import invented, planted
from tests.benchmarks.harness import Row, report
from tests.processes import below

_EVERY = 0.5
RECIPE = """\
sources: [{path: en.jsonl}, {path: zh.jsonl}]
checks: {label_issues: false, category_labels: false, semantic_duplicates: false, outliers: false}
"""


@dataclass(frozen=True, slots=True)
class Cost:
    """What a command cost: CPU seconds, bytes in memory at most, wall seconds."""

    cpu_seconds: float
    peak_bytes: int
    wall_seconds: float


def run(project: Path, engine: str, workers: int) -> Cost:
    """Run one project by an engine: `local`, `ray` or `ray://HOST:PORT`.

    Of a cluster that was running before, only this command's own processes are counted.
    """
    began = time.perf_counter()
    command = [sys.executable, "-m", "curator", "run", str(project), "--json"]
    running = subprocess.Popen(
        [*command, "--engine", engine, "--workers", str(workers)],
        stdout=subprocess.DEVNULL,
        env=os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
    )
    cpu: dict[int, float] = {}
    peak = 0
    while True:
        # This process has no other children. Of one that has ended, what it had used at last.
        mine = below(os.getpid())
        cpu |= {pid: process.cpu_seconds for pid, process in mine.items()}
        peak = max(peak, sum(process.memory() for process in mine.values()))
        if running.poll() is not None:
            break
        time.sleep(_EVERY)
    if running.returncode:
        sys.exit(f"{engine}: exit {running.returncode}")
    return Cost(round(sum(cpu.values()), 1), peak, round(time.perf_counter() - began, 1))


def project(folder: Path, n: int) -> Path:
    """Make a project of `n` records, half of them Chinese, with planted copies."""
    folder.mkdir(parents=True)
    for lang in ("en", "zh"):
        with (folder / f"{lang}.jsonl").open("w", encoding="utf-8") as out:
            for row in planted(invented(lang, n), lang, n // 2):
                turns = (("user", row.question), ("assistant", row.answer))
                messages = [{"role": role, "content": text} for role, text in turns]
                out.write(json.dumps({"messages": messages}, ensure_ascii=False) + "\n")
    (folder / "curator.yaml").write_text(RECIPE, encoding="utf-8")
    return folder


def main() -> None:
    """Run the same project by both engines and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--records", type=int, default=20_000)
    parser.add_argument("--workers", type=int, default=2)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        first = project(Path(name) / "local", given.records)
        shutil.copytree(first, Path(name) / "ray")
        here = run(first, "local", given.workers)
        there = run(Path(name) / "ray", "ray", given.workers)
    n = f"{given.records:,} records"
    rows = [
        Row(f"{n}, CPU seconds", there.cpu_seconds, here.cpu_seconds, "local", "ratio <= 1.5"),
        Row(f"{n}, peak MB", there.peak_bytes >> 20, here.peak_bytes >> 20, "local"),
        Row(f"{n}, wall seconds", there.wall_seconds, here.wall_seconds, "local"),
    ]
    report("engines", rows, as_json=given.json)


if __name__ == "__main__":
    main()
