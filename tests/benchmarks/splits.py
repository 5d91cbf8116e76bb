"""Near-duplicates across train, validation and test, beside a random split of the same sizes.

26,000 Alpaca rows, and questions and answers of a Chinese medical forum, split eight to one to one. Every pair of rows is compared, by the product of the rows' shingle sets and
not by the search that the splits rest on; near is what the default policy takes for near (a
Jaccard similarity of 0.65 or more), of whole rows and of their questions alone. Each twice: all
rows as they come, and what is left once the policy has dropped the duplicates. Two thirds of the
rows are exported first, then all.
"""

from __future__ import annotations

import gzip
import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tests.benchmarks.harness import Row, arguments, measured, report

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

SETS = {
    "Alpaca, en": ("instruct/alpaca_en_original_vs_corrected", ("instruction", "input"), "output"),
    "medical forum, zh": ("medical/toyhom_neike_sample_raw", ("title", "ask"), "answer"),
}
"""Name → file, what is asked, what is answered."""
SPLITS = ("train", "validation", "test")
THRESHOLD = 0.65
DRAWS = 50
_BLOCK = 512
_RECIPE = """\
name: splits
sources: [{{path: rows.jsonl, license: CC-BY-NC-4.0, columns: {{user: question, assistant: answer}}}}]
checks: {checks}
exports:
  instruction: {{validation: 0.1, test: 0.1}}
  licenses: {{allow: {{CC-BY-NC-4.0: measured and thrown away}}}}
workers: 1
"""


def rows_of(data: Path, name: str) -> list[str]:
    """Return a set's rows."""
    file, asked, answered = SETS[name]
    with gzip.open(data / f"{file}.jsonl.gz", "rt", encoding="utf-8") as lines:
        return [
            json.dumps(
                {
                    "question": "\n".join(row[key] for key in asked if row[key]),
                    "answer": row[answered],
                }
            )
            for row in map(json.loads, lines)
        ]


def exported(folder: Path, rows: list[str], *, drop: bool) -> Path:
    """Run a project over rows, with the checks of duplicates alone; return the export."""
    from curator.checks import CHECKS
    from curator.project import Project

    folder.mkdir(exist_ok=True)
    on = ("exact_duplicates", "near_duplicates")
    off = json.dumps({name: False for name in CHECKS if name not in on})
    (folder / "curator.yaml").write_text(_RECIPE.format(checks=off), encoding="utf-8")
    (folder / "rows.jsonl").write_text("\n".join(rows) + "\n", encoding="utf-8")
    if not drop:
        (folder / "rules").mkdir(exist_ok=True)
        (folder / "rules" / "policy.yaml").write_text("rules: []\n", encoding="utf-8")
    project = Project(folder)
    project.ingest()
    project.check()
    project.decide()
    return project.export("instruction")


def splits_of(folder: Path) -> tuple[list[str], list[list[tuple[str, str]]], NDArray[np.int8]]:
    """Return the ids of an export's rows, who says what in each, and each one's split."""
    ids, texts, side = [], [], []
    for number, split in enumerate(SPLITS):
        with (folder / f"{split}.jsonl").open(encoding="utf-8") as lines:
            for row in map(json.loads, lines):
                ids.append(row["source"]["locator"])
                texts.append([(m["role"], m["content"]) for m in row["messages"]])
                side.append(number)
    return ids, texts, np.array(side, np.int8)


def every_near_pair(
    texts: list[list[tuple[str, str]]],
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return all pairs of texts that are near, each compared with every other."""
    from scipy.sparse import csr_matrix

    from curator.similarity.scanning import shingle_sets

    sets = shingle_sets(texts)
    _, columns = np.unique(sets.values, return_inverse=True)
    ones = np.ones(len(columns), np.int32)
    matrix = csr_matrix((ones, columns, sets.bounds), shape=(len(texts), columns.max() + 1))
    sizes = np.diff(sets.bounds)
    transposed = matrix.T.tocsr()
    found = []
    for low in range(0, len(texts), _BLOCK):
        shared = (matrix[low : low + _BLOCK] @ transposed).tocoo()
        left, right = shared.row + low, shared.col
        later = left < right
        left, right, common = left[later], right[later], shared.data[later]
        near = common >= THRESHOLD * (sizes[left] + sizes[right] - common)
        found.append(np.stack([left[near], right[near]]))
    left, right = np.concatenate(found, axis=1)
    return left, right


def across(side: NDArray[np.int8], left: NDArray[np.int64], right: NDArray[np.int64]) -> int:
    """Return how many pairs lie in two splits."""
    return int((side[left] != side[right]).sum())


def judged(folder: Path) -> dict[str, Any]:
    """Return what lies across the splits of an export, and across random ones."""
    _, texts, side = splits_of(folder)
    told = json.loads((folder / "manifest.json").read_text("utf-8"))["leakage"]
    counts = np.bincount(side, minlength=3)
    found: dict[str, Any] = {
        "rows": len(side),
        "held out": round(float(counts[1:].sum() / counts.sum()), 4),
    }
    rng = np.random.default_rng(0)
    asked = [[said for said in text if said[0] == "user"] for text in texts]
    for kind, compared in (("near_duplicates", texts), ("near_questions", asked)):
        left, right = every_near_pair(compared)
        random = [across(rng.permutation(side), left, right) for _ in range(DRAWS)]
        found[kind] = {
            "pairs": len(left),
            "ours": across(side, left, right),
            "random": round(float(np.mean(random)), 1),
            "told": told["across_a_random_split"][kind],
        }
    return found


def run(rows: list[str], folder: Path, *, drop: bool) -> dict[str, Any]:
    """Export two thirds of the rows, then all of them; return what is measured of both."""
    first = exported(folder, rows[: 2 * len(rows) // 3], drop=drop)
    ids, _, before = splits_of(first)
    last = exported(folder, rows, drop=drop)
    told = judged(last)
    later_ids, _, after = splits_of(last)
    now = dict(zip(later_ids, after.tolist(), strict=True))
    pairs = zip(ids, before.tolist(), strict=True)
    told["moved"] = sum(now.get(name, split) != split for name, split in pairs)
    return told


def main() -> None:
    """Measure and print the figures."""
    given = arguments(__doc__ or "")
    figures: list[Row] = []
    for name in SETS:
        rows = rows_of(given.data, name)
        for drop in (False, True):
            with tempfile.TemporaryDirectory() as folder:
                done = measured(_both, rows, Path(folder) / "project", drop)
            kind = f"{name}, {'without the duplicates' if drop else 'all rows'}"
            figures += list(_rows(kind, done.result))
            figures.append(Row(f"{kind}: CPU seconds, all of it", done.cpu_seconds))
    report("splits", figures, as_json=given.json)


def _both(rows: list[str], folder: Path, drop: bool) -> dict[str, Any]:  # noqa: FBT001
    return run(rows, folder, drop=drop)


def _rows(name: str, told: dict[str, Any]) -> Iterator[Row]:
    yield Row(f"{name}: rows", told["rows"])
    for kind in ("near_duplicates", "near_questions"):
        found = told[kind]
        what = f"{name}: {kind.replace('_', ' ')}"
        yield Row(f"{what}, pairs", found["pairs"])
        random = "a random split"
        yield Row(f"{what}, across the splits", found["ours"], found["random"], random, "<= 0")
        yield Row(
            f"{what}, what the card tells of a random split", found["told"], found["random"], random
        )
    yield Row(f"{name}: share held out (0.2 asked for)", told["held out"])
    yield Row(f"{name}: records that moved when a third was added", told["moved"], aim="<= 0")


if __name__ == "__main__":
    main()
