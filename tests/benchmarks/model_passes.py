"""The two model passes alone, as steps: names in the raw texts, embeddings of questions and answers."""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

import pyarrow as pa

from curator.checks.embeddings import CAP
from curator.engine import LocalEngine
from curator.models.ner import ChineseNames
from curator.project import Project
from curator.protocols import Step
from curator.tables import records_from


class Names:
    """The step that looks for names in every text, and keeps their number."""

    def __init__(self) -> None:
        self.names = ChineseNames()

    def __call__(self, records: pa.Table) -> pa.Table:
        texts = [part.text for record in records_from(records) for part in record.parts]
        return pa.table({"names": [sum(map(len, self.names.find(texts)))]})


def main(project: str, workers: int) -> None:
    """Run both passes over a project's records; print the wall seconds of each."""
    parts = [(path,) for path in Project(project).workspace.record_parts()]
    encoder = Step("curator.checks.embeddings:Embed", {"encoder": "use-multilingual", "cap": CAP})
    with tempfile.TemporaryDirectory() as out, LocalEngine(workers) as engine:
        for name, step in (
            ("names", Step("tests.benchmarks.model_passes:Names")),
            ("embeddings", encoder),
        ):
            began = time.perf_counter()
            engine.map(step, parts, Path(out) / name, label=name)
            sys.stdout.write(f"{name}\t{time.perf_counter() - began:.3f}\n")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
