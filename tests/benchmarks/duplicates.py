"""Duplicates beside datasketch, rensa, datatrove and the floor: reading the rows and hashing every text.

100,000 and a million rows a language with planted groups (`generate.py`), the
million beside the floor alone. datasketch and rensa get shingles as their users
write them: two words for English, three characters for Chinese. The peers find pairs of
equal and near-equal texts, so that is what their time stands beside; what they
do not do (texts inside others, what sets two near-equal texts apart) is in the
rows of the whole checks. Rows are judged as the default policy would let them
fall.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.benchmarks import datatrove_peer, generate
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


def core(paths: Sequence[Path], folder: Path, workers: int = 1) -> int:
    """Find the exact duplicates and verify the near ones; return how many pairs there are."""
    import numpy as np

    from curator.checks.exact_duplicates import ExactDuplicates
    from curator.checks.search import near_pairs
    from curator.engine import LocalEngine
    from curator.protocols import Scope
    from curator.similarity.fingerprints import groups, hashes_of
    from curator.similarity.steps import signatures

    with LocalEngine(workers) as engine:
        scope = Scope(engine, tuple(paths), folder / "core", folder / "phases" / "core")
        exact = sum(1 for _ in ExactDuplicates().run(scope))
        files = signatures(scope)
        hashes = hashes_of(engine.collect(files, ["hash"])["hash"])
        firsts = groups(hashes) == np.arange(len(hashes))
        found = exact + len(near_pairs(scope, files, firsts, floor=0.5).left)
    shutil.rmtree(folder / "core")
    return found


def loading(cache: Path) -> None:
    """Load what is compiled, from a cache that may be empty."""
    import os

    os.environ["NUMBA_CACHE_DIR"] = str(cache)
    from curator.similarity import kernels

    assert kernels.scan


def ours(paths: Sequence[Path], folder: Path, workers: int = 1) -> Pairs:
    """Return what the two duplicate checks tell of, at the default policy's scores."""
    from curator.checks.exact_duplicates import ExactDuplicates
    from curator.checks.near_duplicates import NearDuplicates
    from curator.engine import LocalEngine
    from curator.protocols import Scope

    least = {"DUP001": 1.0, "DUP002": NEAR, "DUP003": INSIDE}
    pairs = []
    with LocalEngine(workers) as engine:
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


PEERS: dict[str, tuple[Any, float]] = {
    "datasketch": (datasketch, 0.1),
    "rensa": (rensa, 0.3333),
    "datatrove": (datatrove_peer.removed, 0.04),
}
"""Each with the share of its time that we take at most."""


def judged(rows: Sequence[Planted], found: Pairs | set[int]) -> Score:
    """Let rows fall as the policy does, the first of a group standing, and judge them.

    Of datatrove the rows are known that it takes out itself.
    """
    from curator.survivors import survivors

    if isinstance(found, set):
        return generate.score(rows, lambda i: i in found)
    edges = [(str(a), str(b), code == "DUP001") for a, b, code in found if code != "DUP003"]
    inside = [(str(a), str(b)) for a, b, code in found if code == "DUP003"]
    fallen = survivors([str(i) for i in range(len(rows))], edges, inside)
    return generate.score(rows, lambda i: str(i) in fallen)


def rows_of(data: Path, lang: str, folder: Path) -> Iterator[Row]:
    """Measure one language beside the peers."""
    rows = generate.planted(generate.real(data, lang), lang, ROWS)
    paths = generate.write(rows, folder)
    base, found = measured(floor, paths), measured(core, paths, folder)
    mine = measured(ours, paths, folder)
    cpu = f"{lang}: CPU seconds"
    yield Row(cpu, found.cpu_seconds, base.cpu_seconds, "the floor", "ratio <= 2.5")
    yield Row(f"{lang}: CPU seconds, the whole checks", mine.cpu_seconds, found.cpu_seconds, "ours")
    yield Row(f"{lang}: peak memory MB, the whole checks", mine.peak_mb, base.peak_mb, "the floor")
    score = judged(rows, mine.result)
    for name, (peer, most) in PEERS.items():
        theirs = measured(peer, paths, lang)
        judgement = judged(rows, theirs.result)
        yield Row(cpu, found.cpu_seconds, theirs.cpu_seconds, name, f"ratio <= {most}")
        yield Row(f"{lang}: peak memory MB", found.peak_mb, theirs.peak_mb, name, "<= 1200")
        least = f">= {RECALL[lang]}"
        precision, recall = (round(x, 5) for x in (judgement.precision, judgement.recall))
        yield Row(f"{lang}: row precision", round(score.precision, 5), precision, name, ">= 0.999")
        yield Row(f"{lang}: row recall", round(score.recall, 5), recall, name, least)
        yield Row(f"{lang}: groups lost", score.lost, judgement.lost, name, "<= 0")
        yield Row(
            f"{lang}: twins and canned answers merged", score.merged, judgement.merged, name, "<= 0"
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
    base, one = measured(floor, paths), measured(core, paths, folder)
    two = measured(core, paths, folder, 2)
    mine = measured(ours, paths, folder, 2)
    name = f"{lang}, a million rows"
    cpu = f"{name}: CPU seconds"
    yield Row(cpu, one.cpu_seconds, base.cpu_seconds, "the floor", "ratio <= 3.5")
    yield Row(f"{name}: peak memory MB", one.peak_mb, base.peak_mb, "the floor", "<= 1200")
    yield Row(
        f"{name}: wall seconds, one worker",
        one.wall_seconds,
        two.wall_seconds,
        "two workers",
        "ratio >= 1.7",
    )
    whole = f"{name}, the whole checks by two workers"
    yield Row(f"{whole}: CPU seconds", mine.cpu_seconds, one.cpu_seconds, "ours")
    yield Row(f"{whole}: wall seconds", mine.wall_seconds, two.wall_seconds, "ours")
    yield Row(f"{whole}: peak memory MB", mine.peak_mb, base.peak_mb, "the floor", "<= 1200")


def started(cache: Path) -> Iterator[Row]:
    """Measure what the first use after installation adds: compiling."""
    cold, warm = measured(loading, cache), measured(loading, cache)
    yield Row("loading what is compiled, CPU seconds", warm.cpu_seconds, cold.cpu_seconds, "cold")
    added = round(cold.cpu_seconds - warm.cpu_seconds, 3)
    yield Row("a cold start adds, CPU seconds", added, aim="<= 1")


def main() -> None:
    """Measure both languages and print the figures."""
    given = arguments(__doc__ or "")
    rows: list[Row] = []
    for lang in generate.LANGUAGES:
        with tempfile.TemporaryDirectory() as folder:
            rows += rows_of(given.data, lang, Path(folder))
    with tempfile.TemporaryDirectory() as folder:
        rows += started(Path(folder))
    for lang in generate.LANGUAGES:
        with tempfile.TemporaryDirectory() as folder:
            rows += many(given.data, lang, Path(folder))
    report("duplicates", rows, as_json=given.json)


if __name__ == "__main__":
    main()
