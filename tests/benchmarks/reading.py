"""How fast files are read, and in how much memory, beside pandas and `datasets`.

Ours is what ingest gets from a reader: records with places, ids and languages, every
unit counted. The peers give rows of cells and no more. All read the same files, made
of real questions and answers, each in a process of its own, turn by turn.
"""

from __future__ import annotations

import csv
import gzip
import itertools
import json
import os
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from tests.benchmarks.harness import Row, arguments, measured, report

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

REAL = "medical/toyhom_neike_sample_raw.jsonl.gz"
REPEATS = 3
ROWS = {"jsonl": 100_000, "csv": 100_000, "xlsx": 20_000}
SMALL, LARGE = 100_000, 1_000_000


def rows(data: Path) -> Iterator[Row]:
    """Yield MB a second by kind of file, our rows a second, and our peak memory by size."""
    with tempfile.TemporaryDirectory() as folder:
        for kind, count in ROWS.items():
            path = _written(data, Path(folder) / f"rows.{kind}", count)
            size = path.stat().st_size / 1e6
            readers = {"ours": _ours, "pandas": _pandas, "datasets": _datasets}
            if kind == "xlsx":
                del readers["datasets"]  # which reads no workbooks
            taken = _in_turn(readers, path)
            for peer in list(readers)[1:]:
                metric = f"{kind}: MB read a second"
                yield Row(
                    metric, round(size / taken["ours"], 2), round(size / taken[peer], 2), peer
                )
            aim = ">= 30000" if kind == "jsonl" else None
            yield Row(f"{kind}: rows read a second", round(count / taken["ours"]), aim=aim)
            path.unlink()
        peaks = []
        for count in (SMALL, LARGE):
            path = _written(data, Path(folder) / "rows.jsonl", count)
            peaks.append(measured(_ours, path).peak_mb)
            yield Row(f"jsonl: peak MB at {count} rows", peaks[-1])
            path.unlink()
        grown = round(peaks[1] / peaks[0], 3)
        yield Row("jsonl: peak at ten times the rows, of that at one", grown, aim="<= 1.1")


def _in_turn(readers: dict[str, Callable[[Path], float]], path: Path) -> dict[str, float]:
    """Return the median seconds of each reader; they take turns, since a machine's speed drifts."""
    seconds: dict[str, list[float]] = {name: [] for name in readers}
    for _ in range(REPEATS):
        for name, reader in readers.items():
            seconds[name].append(measured(reader, path).result)
    return {name: median(found) for name, found in seconds.items()}


def _written(data: Path, path: Path, count: int) -> Path:
    """Write rows of real questions and answers, numbered so that no two are alike."""
    with gzip.open(data / REAL, "rt", encoding="utf-8") as file:
        real = [json.loads(line) for line in file]
    pairs = [(row["ask"] or row["title"], row["answer"][:200]) for row in real]
    numbered = (
        (f"{i} {question}", answer)
        for i, (question, answer) in zip(range(count), itertools.cycle(pairs), strict=False)
    )
    if path.suffix == ".xlsx":
        return _workbook(path, numbered)
    with path.open("w", encoding="utf-8", newline="") as out:
        if path.suffix == ".csv":
            writer = csv.writer(out)
            writer.writerow(("question", "answer"))
            writer.writerows(numbered)
        else:
            for question, answer in numbered:
                row = {"question": question, "answer": answer}
                out.write(json.dumps(row, ensure_ascii=False) + "\n")
    return path


def _workbook(path: Path, pairs: Iterator[tuple[str, str]]) -> Path:
    import openpyxl

    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("rows")
    sheet.append(("question", "answer"))
    for pair in pairs:
        sheet.append(pair)
    book.save(path)
    return path


def _ours(path: Path) -> float:
    """Return the seconds that our reader takes for a whole file."""
    from curator.schema import Source
    from curator.sources import Tally, read, sniff

    start, tally = time.perf_counter(), Tally()
    source = sniff(path, Source(path=str(path))).source
    units = sum(item.n_units for item in read(path, path.name, "0" * 64, source, tally))
    assert units == tally.units_read > 0
    return time.perf_counter() - start


def _pandas(path: Path) -> float:
    import pandas as pd

    start = time.perf_counter()
    if path.suffix == ".jsonl":
        table = pd.read_json(path, lines=True)
    else:
        table = pd.read_csv(path) if path.suffix == ".csv" else pd.read_excel(path)
    assert list(table.columns) == ["question", "answer"]
    return time.perf_counter() - start


def _datasets(path: Path) -> float:
    """Return the seconds to load a file and to go over its rows; nothing is cached before."""
    os.environ["HF_HUB_OFFLINE"] = "1"
    import datasets

    datasets.disable_progress_bars()
    kind = {".jsonl": "json", ".csv": "csv"}[path.suffix]
    with tempfile.TemporaryDirectory() as cache:
        start = time.perf_counter()
        loaded = datasets.load_dataset(kind, data_files=str(path), split="train", cache_dir=cache)
        seen = sum(1 for _ in loaded)
        assert seen == loaded.num_rows > 0
        return time.perf_counter() - start


def main() -> None:
    """Measure and print."""
    given = arguments(__doc__ or "")
    report("reading", list(rows(given.data.resolve())), as_json=given.json)


if __name__ == "__main__":
    main()
