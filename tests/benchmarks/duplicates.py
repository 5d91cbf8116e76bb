"""Duplicates beside datasketch, rensa and the floor: reading the rows and hashing every text.

100,000 rows a language with planted groups (`generate.py`), and a million Chinese
ones beside the floor alone. The peers get shingles as their users write them:
two words for English, three characters for Chinese. Rows are judged as the
default policy would let them fall.
"""

from __future__ import annotations

import re
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.benchmarks import generate
from tests.benchmarks.harness import Row, arguments, measured, report

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tests.benchmarks.generate import Planted, Score

ROWS, MANY = 100_000, 1_000_000
NEAR, INSIDE = 0.65, 0.9
"""The default policy's scores for DUP002 and DUP003."""
RECALL = {"en": 0.985, "zh": 0.995}

Pairs = list[tuple[int, int, str]]


def floor(paths: Sequence[Path]) -> int:
    """Read the texts and hash each of them; return how many differ."""
    import pyarrow.parquet as pq
    from xxhash import xxh3_128_digest

    seen = set()
    for path in paths:
        parts = pq.read_table(path, columns=["parts"])["parts"].combine_chunks()
        for text in parts.flatten().field("text").to_pylist():
            seen.add(xxh3_128_digest(text.encode()))
    return len(seen)


def ours(paths: Sequence[Path], folder: Path) -> Pairs:
    """Return what the two duplicate checks tell of, at the default policy's scores."""
    from curator.checks.exact_duplicates import ExactDuplicates
    from curator.checks.near_duplicates import NearDuplicates
    from curator.engine import LocalEngine
    from curator.protocols import Scope

    least = {"DUP001": 1.0, "DUP002": NEAR, "DUP003": INSIDE}
    pairs = []
    with LocalEngine(1) as engine:
        for check in (ExactDuplicates(), NearDuplicates()):
            phases = folder / "phases" / check.name
            scope = Scope(engine, tuple(paths), folder / "cache", phases)
            pairs += [
                (int(f.record_id[1:]), int(str(f.peer_id)[1:]), f.code)
                for f in check.run(scope)
                if f.score >= least[f.code]
            ]
    return pairs


def shingled(paths: Sequence[Path], lang: str) -> Iterator[set[str]]:
    """Yield each record's shingles, as the peers' users write them."""
    import pyarrow.parquet as pq

    width = 2 if lang == "en" else 3
    for path in paths:
        for record in pq.read_table(path, columns=["parts"])["parts"].to_pylist():
            text = "\n".join(part["text"] for part in record).lower()
            units = re.findall(r"\w+", text) if lang == "en" else list(re.sub(r"\W", "", text))
            last = max(1, len(units) - width + 1)
            yield {" ".join(units[i : i + width]) for i in range(last)}


def datasketch(paths: Sequence[Path], lang: str) -> Pairs:
    """Return datasketch's pairs: 128 permutations, its own LSH at the same threshold."""
    from datasketch import MinHash, MinHashLSH

    index = MinHashLSH(threshold=NEAR, num_perm=128)
    found = []
    for row, shingles in enumerate(shingled(paths, lang)):
        sketch = MinHash(num_perm=128, seed=1)
        sketch.update_batch([s.encode() for s in shingles])
        found += [(row, int(other), "near") for other in index.query(sketch)]
        index.insert(row, sketch)
    return found


def rensa(paths: Sequence[Path], lang: str) -> Pairs:
    """Return rensa's pairs: 128 permutations, 32 bands, its estimate at the same threshold."""
    from rensa import RMinHash, RMinHashLSH

    index = RMinHashLSH(threshold=NEAR, num_perm=128, num_bands=32)
    sketches, found = [], []
    for row, shingles in enumerate(shingled(paths, lang)):
        sketch = RMinHash(num_perm=128, seed=1)
        sketch.update(list(shingles))
        found += [
            (row, other, "near")
            for other in index.query(sketch)
            if sketch.jaccard(sketches[other]) >= NEAR
        ]
        index.insert(row, sketch)
        sketches.append(sketch)
    return found


def judged(rows: Sequence[Planted], pairs: Pairs) -> Score:
    """Let rows fall as the policy does, the first of a group standing, and judge them."""
    from curator.survivors import survivors

    edges = [(str(a), str(b), code == "DUP001") for a, b, code in pairs if code != "DUP003"]
    inside = [(str(a), str(b)) for a, b, code in pairs if code == "DUP003"]
    fallen = survivors([str(i) for i in range(len(rows))], edges, inside)
    return generate.score(rows, lambda i: str(i) in fallen)


def rows_of(data: Path, lang: str, folder: Path) -> Iterator[Row]:
    """Measure one language beside the peers."""
    rows = generate.planted(generate.real(data, lang), lang, ROWS)
    paths = generate.write(rows, folder)
    base = measured(floor, paths)
    mine = measured(ours, paths, folder)
    cpu = f"{lang}: CPU seconds"
    yield Row(cpu, mine.cpu_seconds, base.cpu_seconds, "the floor", "ratio <= 2.5")
    score = judged(rows, mine.result)
    peers: dict[str, Any] = {"datasketch": datasketch, "rensa": rensa}
    for name, peer in peers.items():
        theirs = measured(peer, paths, lang)
        found = judged(rows, theirs.result)
        yield Row(cpu, mine.cpu_seconds, theirs.cpu_seconds, name, "ratio <= 1")
        yield Row(f"{lang}: peak memory MB", mine.peak_mb, theirs.peak_mb, name, "<= 1200")
        least = f">= {RECALL[lang]}"
        precision, recall = (round(x, 5) for x in (found.precision, found.recall))
        yield Row(f"{lang}: row precision", round(score.precision, 5), precision, name, ">= 0.999")
        yield Row(f"{lang}: row recall", round(score.recall, 5), recall, name, least)
        yield Row(f"{lang}: groups lost", score.lost, found.lost, name, "<= 0")
        yield Row(
            f"{lang}: twins and canned answers merged", score.merged, found.merged, name, "<= 0"
        )
    inner = [(a, b) for a, b, code in mine.result if code == "DUP003"]
    right, wrong, planted = generate.around(rows, inner)
    yield Row(
        f"{lang}: containment, precision", round(right / max(1, right + wrong), 5), aim=">= 0.99"
    )
    yield Row(f"{lang}: containment, recall", round(right / planted, 5), aim=">= 0.9")


def many(data: Path, lang: str, folder: Path) -> Iterator[Row]:
    """Measure a million rows beside the floor."""
    rows = generate.planted(generate.real(data, lang), lang, MANY)
    paths = generate.write(rows, folder)
    del rows
    base = measured(floor, paths)
    mine = measured(ours, paths, folder)
    name = f"{lang}, a million rows"
    yield Row(
        f"{name}: CPU seconds", mine.cpu_seconds, base.cpu_seconds, "the floor", "ratio <= 3.5"
    )
    yield Row(f"{name}: peak memory MB", mine.peak_mb, base.peak_mb, "the floor", "<= 1200")


def main() -> None:
    """Measure both languages and print the figures."""
    given = arguments(__doc__ or "")
    rows: list[Row] = []
    for lang in generate.LANGUAGES:
        with tempfile.TemporaryDirectory() as folder:
            rows += rows_of(given.data, lang, Path(folder))
    with tempfile.TemporaryDirectory() as folder:
        rows += many(given.data, "zh", Path(folder))
    report("duplicates", rows, as_json=given.json)


if __name__ == "__main__":
    main()
