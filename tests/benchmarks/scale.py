"""CPU, memory and disk of every stage as a project grows, and how they grow with it.

The commands are those of a user, one a stage, on half Chinese and half English records
with planted duplicates. What looks at records through a model takes hours at a million,
so it is measured up to `--models` records; the other stages are measured at all sizes.
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from collections import defaultdict
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tests.benchmarks.costs import Cost, run
from tests.benchmarks.generate import LANGUAGES, invented, planted, real
from tests.benchmarks.harness import Row, arguments, commit, machine

if TYPE_CHECKING:
    from argparse import ArgumentParser
    from collections.abc import Iterator, Mapping, Sequence

SIZES, WORKERS, MODELS = (10_000, 100_000, 1_000_000), (1, 2), 10_000
SLOPE, MEMORY_GB, SPEED_UP = 1.05, 6.0, 1.8
LARGE = 10_000_000
"""What the fit is asked about."""
_PATTERNS = (
    *("encoding", "quality", "language", "non_answers", "volatility"),
    *("exact_duplicates", "near_duplicates"),
)
_MODELS = (
    *("pii", "mentions", "semantic_duplicates", "contamination"),
    *("contradictions", "label_issues", "outliers"),
)
_NEVER = ("category_labels",)  # no record has a label
_ORDER = (
    *("encoding", "pii", "mentions"),  # of the raw view
    *("quality", "language", "non_answers", "volatility"),
    *("exact_duplicates", "near_duplicates", "semantic_duplicates", "contamination"),
    *("contradictions", "label_issues", "outliers"),
)
_AFTER = (
    ("decide",),
    ("export", "instruction"),
    ("export", "rag"),
    ("report",),
    ("status",),
    ("verify",),
    ("why", "en.jsonl#line 7"),
)
_HERE = Path(__file__).resolve().parent.parent.parent / "docs"
PAGES = {"en": _HERE / "scale.md", "zh": _HERE / "scale.zh-CN.md"}
_BEGIN, _END = "<!-- figures -->", "<!-- end of the figures -->"


@dataclass(frozen=True, slots=True)
class Figure:
    """What one stage cost on so many records with so many workers, and what it left on disk."""

    stage: str
    records: int
    workers: int
    cpu_seconds: float
    wall_seconds: float
    peak_mb: float
    disk_bytes: int
    models: bool = False


@dataclass(frozen=True, slots=True)
class Growth:
    """How a stage's CPU seconds grow: slope of the log-log fit, and the line `fixed + each · n`."""

    slope: float
    fixed: float
    each: float


def main() -> None:
    """Measure and print one object: rows as every benchmark, and each figure by itself."""
    given = arguments(__doc__ or "", _options)
    if given.write:
        write_pages(json.loads(given.write.read_text(encoding="utf-8")))
        return
    sizes, workers = _numbers(given.sizes), _numbers(given.workers)
    known = _kept(given.keep)
    for size in sizes:
        with tempfile.TemporaryDirectory(dir=given.folder) as folder:
            sources: list[Path] = []
            for count in workers:
                for models in (False, True) if size <= given.models else (False,):
                    if (size, count, models) in {(f.records, f.workers, f.models) for f in known}:
                        continue
                    sources = sources or write_sources(given.data, size, Path(folder))
                    measured = list(measure(sources, size, count, models=models))
                    known += measured
                    _keep(given.keep, measured)
    figures = [f for f in known if f.records in sizes and f.workers in workers]
    rows = list(rows_of(figures))
    told = [asdict(row) | {"ratio": row.ratio, "met": row.met} for row in rows]
    result = {"topic": "scale", "commit": commit(), "machine": machine(), "rows": told}
    result["figures"] = [asdict(figure) for figure in figures]
    if given.json:
        print(json.dumps(result, ensure_ascii=False))
    else:
        print(tables(result, "en"))


def _options(parser: ArgumentParser) -> None:
    def joined(numbers: Sequence[int]) -> str:
        return ",".join(map(str, numbers))

    parser.add_argument("--sizes", default=joined(SIZES), help="numbers of records")
    parser.add_argument("--workers", default=joined(WORKERS), help="numbers of worker processes")
    parser.add_argument(
        "--models", type=int, default=MODELS, help="the most records to measure models with"
    )
    parser.add_argument(
        "--keep", type=Path, help="a file of figures: what stands there is not measured again"
    )
    parser.add_argument("--folder", type=Path, help="where the projects lie meanwhile")
    parser.add_argument("--write", type=Path, help="measure nothing: write the pages from this")


def _kept(path: Path | None) -> list[Figure]:
    if path is None or not path.exists():
        return []
    lines = path.read_text(encoding="utf-8").splitlines()
    return [Figure(**json.loads(line)) for line in lines]


def _keep(path: Path | None, figures: Sequence[Figure]) -> None:
    if path is not None:
        with path.open("a", encoding="utf-8") as file:
            file.writelines(json.dumps(asdict(figure)) + "\n" for figure in figures)


def _numbers(listed: str) -> list[int]:
    return [int(number.replace("_", "")) for number in listed.split(",")]


def write_sources(data: Path, size: int, folder: Path) -> list[Path]:
    """Write `size` conversations, half of them Chinese; return the files."""
    paths = []
    for lang in LANGUAGES:
        half = size // len(LANGUAGES)
        pool = real(data, lang) if data.is_dir() else invented(lang, half // 10)
        path = folder / f"{lang}.jsonl"
        with path.open("w", encoding="utf-8") as file:
            for row in planted(pool, lang, half):
                said = [("user", row.question), ("assistant", row.answer)]
                messages = [{"role": role, "content": text} for role, text in said]
                file.write(json.dumps({"messages": messages}, ensure_ascii=False) + "\n")
        paths.append(path)
    return paths


def measure(sources: Sequence[Path], size: int, workers: int, *, models: bool) -> Iterator[Figure]:
    """Run stage after stage on a project of its own."""
    project = sources[0].parent / f"project-{workers}-{models}"
    project.mkdir()
    for source in sources:
        (project / source.name).hardlink_to(source)
    on: list[str] = []
    lying = _bytes(project)
    for name, words in _stages(models=models):
        on += [name] if name in _ORDER else []
        _write_recipe(project, sources, on, workers)
        cost: Cost = run(*words, "-p", str(project))
        grown, lying = _bytes(project) - lying, _bytes(project)
        label = f"{name} (with models)" if models and name not in _ORDER else name
        figure = Figure(label, size, workers, *_costs(cost), grown, models)
        print(f"{size:,} records, {workers} workers: {figure}", file=sys.stderr, flush=True)
        # With models, the stages that need none and come before are measured already.
        if not models or name in _MODELS or name not in (*_ORDER, "ingest"):
            yield figure
    shutil.rmtree(project)


def _costs(cost: Cost) -> tuple[float, float, float]:
    return cost.cpu_seconds, cost.wall_seconds, cost.peak_mb


def _stages(*, models: bool) -> Iterator[tuple[str, tuple[str, ...]]]:
    yield "ingest", ("ingest",)
    for name in _ORDER:
        if models or name in _PATTERNS:
            yield name, ("check", name)
    for words in _AFTER:
        yield "why" if words[0] == "why" else " ".join(words), words


def _write_recipe(project: Path, sources: Sequence[Path], on: Sequence[str], workers: int) -> None:
    off = {name: False for name in (*_ORDER, *_NEVER) if name not in on}
    recipe = {"sources": [{"path": s.name} for s in sources], "checks": off, "workers": workers}
    (project / "curator.yaml").write_text(json.dumps(recipe), encoding="utf-8")


def _bytes(project: Path) -> int:
    files = (path for path in project.rglob("*") if path.is_file() and not path.is_symlink())
    return sum(
        path.stat().st_size for path in files if path.suffix != ".jsonl" or path.parent != project
    )


def growth(points: Mapping[int, float]) -> Growth:
    """Fit CPU seconds by number of records; each size weighs the same in the line too."""
    n, seconds = (np.array(side, np.float64) for side in zip(*sorted(points.items()), strict=True))
    seconds = np.maximum(seconds, 0.01)
    slope = float(np.polyfit(np.log(n), np.log(seconds), 1)[0])
    # Relative errors are what counts: 0.1 s of 2 s is as much as 10 s of 200 s.
    line = np.linalg.lstsq(
        np.stack([1 / seconds, n / seconds], axis=1), np.ones(len(n)), rcond=None
    )[0]
    return Growth(round(slope, 3), float(line[0]), float(line[1]))


def rows_of(figures: Sequence[Figure]) -> Iterator[Row]:
    """Yield the rows that have an aim: slope, memory, and what a second worker brings."""
    of: dict[tuple[str, int], dict[int, Figure]] = defaultdict(dict)
    for figure in figures:
        of[figure.stage, figure.workers][figure.records] = figure
    stages = list(dict.fromkeys(figure.stage for figure in figures))
    least = min(figure.workers for figure in figures)
    for stage in stages:
        by_size = of[stage, least]
        if len(by_size) > 1:
            points = {n: figure.cpu_seconds for n, figure in by_size.items()}
            sizes = f"{min(points):,} to {max(points):,} records"
            slope = growth(points).slope
            yield Row(f"{stage}: slope of CPU, {sizes}", slope, aim=f"<= {SLOPE}")
    for count in sorted({figure.workers for figure in figures}):
        largest = max(figure.records for figure in figures)
        peak = max(
            (f.peak_mb for f in figures if f.workers == count and f.records == largest), default=0.0
        )
        aim = f"<= {MEMORY_GB}" if largest >= SIZES[-1] else None
        name = f"most memory of a stage, {largest:,} records, {count} workers, GB"
        yield Row(name, round(peak / 1024, 2), aim=aim)
    for size in sorted({figure.records for figure in figures}):
        walls = {
            count: sum(f.wall_seconds for f in figures if f.records == size and f.workers == count)
            for count in (1, 2)
        }
        if all(walls.values()):
            name = f"speed-up by a second worker, all stages, {size:,} records"
            yield Row(name, round(walls[1] / walls[2], 2), aim=f">= {SPEED_UP}")


_WORDS = {
    "en": {
        "stage": "stage",
        "cpu": "CPU s",
        "peak": "MB",
        "slope": "slope",
        "each": "CPU ms a record",
        "fixed": "fixed CPU s",
        "disk": "bytes a record",
        "large": "10M records: CPU h",
        "large_disk": "10M: GB on disk",
        "two_cpu": "2 workers: CPU s",
        "two_peak": "2 workers: MB",
    },
    "zh": {
        "stage": "阶段",
        "cpu": "CPU 秒",
        "peak": "MB",
        "slope": "斜率",
        "each": "每条 CPU 毫秒",
        "fixed": "固定 CPU 秒",
        "disk": "每条字节数",
        "large": "一千万条：CPU 小时",
        "large_disk": "一千万条：磁盘 GB",
        "two_cpu": "2 个进程：CPU 秒",
        "two_peak": "2 个进程：MB",
    },
}


def tables(result: Mapping[str, Any], lang: str) -> str:
    """Return the tables of a result: what was measured, and what follows from it."""
    words = _WORDS[lang]
    figures = [Figure(**figure) for figure in result["figures"]]
    stages = list(dict.fromkeys(figure.stage for figure in figures))
    of = {(f.stage, f.records, f.workers): f for f in figures}
    sizes = sorted({f.records for f in figures})
    m = result["machine"]
    where = f"{m['system']} {m['arch']}, {m['cores']} cores, Python {m['python']}"
    lines = [f"{where}, load {m['load']}; commit {result['commit']}.", ""]
    columns = sorted({(f.records, f.workers) for f in figures})
    head = [words["stage"]]
    for n, count in columns:
        head += [f"{n:,}: {words[key if count == 1 else f'two_{key}']}" for key in ("cpu", "peak")]
    lines += _head(head)
    for stage in stages:
        cells = [stage]
        for column in columns:
            f = of.get((stage, *column))
            cells += [f"{f.cpu_seconds:,.1f}", f"{f.peak_mb:,.0f}"] if f else ["", ""]
        lines.append(f"| {' | '.join(cells)} |")
    keys = ("stage", "slope", "fixed", "each", "disk", "large", "large_disk")
    lines += ["", *_head([words[key] for key in keys])]
    for stage in stages:
        points = {n: of[stage, n, 1].cpu_seconds for n in sizes if (stage, n, 1) in of}
        if len(points) < 2:
            continue
        fit = growth(points)
        most = max(points)
        disk = of[stage, most, 1].disk_bytes / most
        hours = (fit.fixed + fit.each * LARGE) / 3600
        cells = [stage, f"{fit.slope:.2f}", f"{fit.fixed:.1f}", f"{fit.each * 1000:.3f}"]
        cells += [f"{disk:,.0f}", f"{hours:.2f}", f"{disk * LARGE / 1e9:.1f}"]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _head(names: Sequence[str]) -> list[str]:
    return [f"| {' | '.join(names)} |", f"| --- |{' ---: |' * (len(names) - 1)}"]


def write_pages(result: Mapping[str, Any]) -> None:
    """Put the tables into their places in the pages."""
    for lang, path in PAGES.items():
        before, rest = path.read_text(encoding="utf-8").split(_BEGIN)
        after = rest.split(_END)[1]
        text = f"{before}{_BEGIN}\n\n{tables(result, lang)}\n\n{_END}{after}"
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
