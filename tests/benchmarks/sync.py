"""Sync: 1 % of the sources of a corpus changed; what the next export costs beside the first.

Documents are made from real questions and answers, in Chinese and English alike, until the
corpus has ten thousand chunks. One paragraph of every hundredth document is edited. The checks
that compare records with each other are left out: they are no part of an export.
"""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
import tempfile
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.benchmarks.harness import Row, arguments, measured, report
from tests.tables import held, target

if TYPE_CHECKING:
    from collections.abc import Iterator

RECIPE = """\
name: sync
sources: [{path: docs}]
checks: {near_duplicates: false, semantic_duplicates: false, contradictions: false,
  label_issues: false, contamination: false, category_labels: false, outliers: false,
  volatility: false}
workers: 1
exports: {rag: {targets: [lancedb]}}
"""
CHUNKS = 10_000
EVERY = 100
_DOCUMENTS = int(os.environ.get("CURATOR_SYNC_DOCUMENTS", "2400"))
"""How many documents are made at most; they are cut off where the chunks suffice."""


def documents(data: Path) -> Iterator[tuple[str, str]]:
    """Yield name and text of documents, a Chinese and an English one by turns."""
    zh, en = _chinese(data), _english(data)
    for number, (one, other) in enumerate(_by_turns(zh, en)):
        yield f"zh-{number:04d}.md", one
        yield f"en-{number:04d}.md", other


def _by_turns(zh: Iterator[str], en: Iterator[str]) -> Iterator[tuple[str, str]]:
    yield from zip(zh, en, strict=False)


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        yield from map(json.loads, file)


def _chinese(data: Path) -> Iterator[str]:
    rows = _rows(data / "medical" / "toyhom_neike_sample_raw.jsonl.gz")
    while some := list(islice(rows, 4)):
        sections = [
            f"## {r['title'] or r['department']}\n\n{r['ask']}\n\n{r['answer']}" for r in some
        ]
        yield f"# {some[0]['department']}\n\n" + "\n\n".join(sections) + "\n"


def _english(data: Path) -> Iterator[str]:
    about: dict[tuple[str, str], list[str]] = {}
    for row in _rows(data / "medical" / "medquad.jsonl.gz"):
        answer = " ".join(row["answer"].split())
        about.setdefault((row["focus"], row["url"]), []).append(f"## {row['question']}\n\n{answer}")
    for (focus, _), sections in about.items():
        yield f"# {focus}\n\n" + "\n\n".join(sections) + "\n"


def lay(root: Path, data: Path) -> None:
    """Write the project, without what comes of it."""
    (root / "docs").mkdir(parents=True)
    (root / "curator.yaml").write_text(RECIPE, encoding="utf-8")
    for name, text in islice(documents(data), _DOCUMENTS):
        (root / "docs" / name).write_text(text, encoding="utf-8")


def edit(root: Path) -> int:
    """Edit a paragraph of every hundredth document; return how many were edited."""
    changed = sorted((root / "docs").glob("*.md"))[::EVERY]
    for path in changed:
        lines = path.read_text(encoding="utf-8").split("\n")
        more = (
            "修订：用药前请先核对说明书。" if path.name.startswith("zh") else " Read the leaflet."
        )
        lines[4] += more
        path.write_text("\n".join(lines), encoding="utf-8")
    return len(changed)


def curator(root: Path, *verb: str) -> dict[str, Any]:
    """Run a verb in a process of its own, as a user does; return what it says."""
    command = [sys.executable, "-m", "curator", *verb, "--project", str(root), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    said: dict[str, Any] = json.loads(done.stdout or "{}")
    return said


def prepared(root: Path) -> None:
    """Do all that comes before an export."""
    for verb in ("ingest", "check", "decide"):
        command = [sys.executable, "-m", "curator", verb, "--project", str(root)]
        subprocess.run(command, capture_output=True, check=True)


def export(root: Path) -> dict[str, Any]:
    """Export the corpus and sync its table."""
    return curator(root, "export", "rag")


def started(_: Path) -> None:
    """Load what an export and its sync load, whatever they do: interpreter, libraries, encoder."""
    code = (
        "import curator.cli.app, curator.project, curator.exports, lancedb, duckdb\n"
        "from curator.models.encoders import load_encoder\n"
        "load_encoder('use-multilingual').encode(['x'])\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


def main() -> None:
    """Measure and report."""
    given = arguments(__doc__ or "")
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "sync"
        lay(root, given.data.resolve())
        prepared(root)
        first = measured(export, root)
        idle = measured(export, root)
        edited = edit(root)
        prepared(root)
        second = measured(export, root)
        start = measured(started, root)
        grown = held(target("lancedb", ""), root, "sync")
        for made in ("exports/tables", ".curator/cache"):
            subprocess.run(["rm", "-rf", str(root / made)], check=True)
        subprocess.run(["rm", "-rf", str(root / "exports" / "rag")], check=True)
        export(root)
        anew = held(target("lancedb", ""), root, "sync")
        (counts,) = second.result["targets"]
        (nothing,) = idle.result["targets"]
    whole, part, fixed = (m.cpu_seconds for m in (first, second, start))
    rows = [
        Row("chunks", first.result["chunks"]["rows"]),
        Row("sources edited", edited),
        *(Row(f"rows {k}", counts[k]) for k in ("added", "updated", "deleted", "unchanged")),
        Row("rows written where nothing changed", sum(nothing[k] for k in ("added", "updated", "deleted")), aim="<= 0"),
        Row("CPU s, first export", whole),
        Row("CPU s, export after the change", part),
        Row("CPU s, export where nothing changed", idle.cpu_seconds),
        Row("CPU s, interpreter, libraries and encoder alone", fixed),
        Row("share of the first export's CPU, all", round(part / whole, 4), aim="<= 0.03"),
        Row("share of the first export's CPU, without what loading costs", round((part - fixed) / (whole - fixed), 4), aim="<= 0.03"),
        Row("ids and texts that differ from a table built from nothing", len(set(grown.items()) ^ set(anew.items())), aim="<= 0"),
    ]  # fmt: skip
    report("sync", rows, as_json=given.json)


if __name__ == "__main__":
    main()
