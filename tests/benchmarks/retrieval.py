"""Retrieval: recall and MRR by words, by meaning and by both; chunkers; speed.

CURATOR_BENCH_CACHE names a folder in which vectors are kept from one run to the next:
without it all texts are embedded anew (20 minutes on one core, most of them MedQuAD's).
"""

from __future__ import annotations

import gzip
import json
import os
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from curator.engine import LocalEngine
from curator.exports.chunks import document_chunks, fixed_chunks
from curator.exports.vectors import WINDOW, EmbedWindows, chunk_vectors, said_of
from curator.retrieval.asked import Asked
from curator.retrieval.calibration import Calibration
from curator.retrieval.dense import Dense, means
from curator.retrieval.evaluation import judged
from curator.retrieval.hybrid import Hybrid
from curator.retrieval.lexical import Lexical
from curator.retrieval.store import SEARCHED, embedder, index_of
from curator.tables import digest
from curator.text import fold, length, sentences
from curator.types import Part
from curator.workspace import Workspace
from tests.benchmarks.harness import Row, arguments, measured, report

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from curator.retrieval.metrics import Scores

ENCODER = "use-multilingual"
AIMS = {"cmrc2018": 0.975, "xquad zh": 0.925, "xquad en": 0.94}
ARTICLES = 20
"""So many articles make a document, where chunkers are compared."""
CHUNKS = 100_000


@dataclass(frozen=True)
class Texts:
    """Passages by their ids, the titles they stand under, and questions with their passages."""

    name: str
    passages: dict[str, str]
    titles: dict[str, str]
    questions: list[tuple[str, str, tuple[str, ...]]]


def rows(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the rows of a compressed JSONL file."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)


def texts(data: Path, name: str, passages: str, questions: str) -> Texts:
    """Return passages with their questions."""
    held = list(rows(data / f"rag/{passages}.jsonl.gz"))
    return Texts(
        name,
        {row["passage_id"]: row["text"] for row in held},
        {row["passage_id"]: row["doc_title"] for row in held},
        [
            (row["question"], row["passage_id"], tuple(a["text"] for a in row["answers"]))
            for row in rows(data / f"rag/{questions}.jsonl.gz")
        ],
    )


def medquad(data: Path) -> Texts:
    """Return answers about illnesses, to be found by their questions among all others."""
    held = [row for row in rows(data / "medical/medquad.jsonl.gz") if row["answer"].strip()]
    return Texts(
        "medquad",
        {row["id"]: row["answer"] for row in held},
        {},
        [(row["question"], row["id"], ()) for row in held],
    )


class Shelf:
    """Builds indexes; what was embedded is kept in a folder."""

    def __init__(self, folder: Path) -> None:
        """Load the encoder at the first question."""
        self.workspace = Workspace(folder)
        self.embed = embedder(ENCODER)

    def index(self, chunks: Sequence[Mapping[str, Any]]) -> Hybrid:
        """Return the index of chunks."""
        table = pa.Table.from_pylist([dict(chunk) for chunk in chunks], schema=SEARCHED)
        with LocalEngine(1) as engine:
            ids = table["id"].to_pylist()
            vectors = chunk_vectors(
                self.workspace, ENCODER, engine, ids, said_of(table), tidy=False
            )
        return index_of(table, vectors, self.embed)

    def vectors(self, questions: Sequence[str]) -> Any:
        """Return the questions' vectors, kept like those of chunks."""
        kept = self.workspace.cache / f"questions-{digest(list(questions))}.npy"
        if not kept.exists():
            kept.parent.mkdir(parents=True, exist_ok=True)
            np.save(kept, self.embed(questions))
        return np.load(kept)


def chunk(name: str, text: str, record: str, heading: Sequence[str] = ()) -> dict[str, Any]:
    """Return what is told of a chunk."""
    return {
        "id": name,
        "text": text,
        "key": None,
        "record_id": record,
        "heading_path": list(heading),
        "source_uri": record,
    }


def whole(shelf: Shelf, corpus: Texts, asked: Texts) -> dict[str, Scores]:
    """Return how well whole passages are found."""
    chunks = [chunk(name, text, name) for name, text in corpus.passages.items()]
    questions = [Asked(question, chunk=passage) for question, passage, _ in asked.questions]
    # Relevance by id: asked so often, it is looked up.
    place = {one["id"]: at for at, one in enumerate(chunks)}
    vectors = shelf.vectors([one.question for one in questions])
    return judged(
        shelf.index(chunks), vectors, questions, lambda one: frozenset({place[one.chunk]})
    )


def figures(name: str, scores: Mapping[str, Scores], aim: str | None = None) -> Iterator[Row]:
    """Yield the hybrid's figures beside its halves, and that it is not below the better one."""
    for at in (1, 5, 10):
        halves = {mode: scores[mode].recall[at] for mode in ("lexical", "dense")}
        yield from beside(f"{name}: recall@{at}", scores["hybrid"].recall[at], halves)
    yield from beside(
        f"{name}: MRR", scores["hybrid"].mrr, {m: scores[m].mrr for m in ("lexical", "dense")}
    )
    if aim is not None:
        at = int(aim.split()[0])
        yield Row(
            f"{name}: recall@{at}, aim", scores["hybrid"].recall[at], aim=f">= {aim.split()[1]}"
        )


def beside(metric: str, hybrid: float, halves: Mapping[str, float]) -> Iterator[Row]:
    """Yield a figure of the hybrid beside the better of its halves, which it is not to be below."""
    told = f"words {halves['lexical']:.3f}, meaning {halves['dense']:.3f}"
    yield Row(metric, hybrid, max(halves.values()), told, "ratio >= 1")


def documents(corpus: Texts) -> list[list[tuple[str, list[str]]]]:
    """Return documents of several articles: each a title with its passages."""
    articles: dict[str, list[str]] = {}
    for name, text in corpus.passages.items():
        articles.setdefault(corpus.titles[name], []).append(text)
    held = list(articles.items())
    return [held[at : at + ARTICLES] for at in range(0, len(held), ARTICLES)]


def structured(corpus: Texts, limit: int) -> list[dict[str, Any]]:
    """Cut the documents by their structure."""
    found = []
    for number, articles in enumerate(documents(corpus)):
        parts = []
        for title, passages in articles:
            parts.append(Part("heading", title))
            parts += [Part("paragraph", text, heading_path=(title,)) for text in passages]
        found += [
            chunk(f"{number}-{at}", one.text, str(number), one.heading_path)
            for at, one in enumerate(document_chunks(parts, limit, 1))
        ]
    return found


def plainly(corpus: Texts, size: int) -> list[dict[str, Any]]:
    """Cut the same documents after so many characters."""
    found = []
    for number, articles in enumerate(documents(corpus)):
        text = "\n\n".join("\n\n".join([f"# {title}", *said]) for title, said in articles)
        found += [
            chunk(f"{number}-{at}", one, str(number))
            for at, one in enumerate(fixed_chunks(text, size))
        ]
    return found


def holding(chunks: Sequence[Mapping[str, Any]], corpus: Texts) -> list[frozenset[int]]:
    """Return for each question the chunks that hold an answer to it, out of its own passage."""
    folded = [fold(one["text"]) for one in chunks]
    found = []
    for _, passage, answers in corpus.questions:
        around = fold(corpus.passages[passage])
        good = set()
        for answer in filter(None, map(fold, answers)):
            for number, text in enumerate(folded):
                at = text.find(answer)
                end = at + len(answer)
                if at >= 0 and (
                    text[max(0, at - 8) : end] in around or text[at : end + 8] in around
                ):
                    good.add(number)
        found.append(frozenset(good))
    return found


def chunkers(shelf: Shelf, corpus: Texts, same: int) -> Iterator[Row]:
    """Yield recall of chunks cut by structure beside those cut after 512 characters.

    `same` is the length, in our units, that 512 characters have.
    """
    vectors = shelf.vectors([question for question, *_ in corpus.questions])
    questions = [Asked(question) for question, *_ in corpus.questions]

    def reached(chunks: Sequence[Mapping[str, Any]]) -> Scores:
        good = iter(holding(chunks, corpus))
        return judged(shelf.index(chunks), vectors, questions, lambda _: next(good))["hybrid"]

    plain = reached(plainly(corpus, 512))
    for limit in (same, 300):
        ours = reached(structured(corpus, limit))
        named = f"{corpus.name}: chunks by structure, {limit} units"
        for at in (1, 5):
            yield Row(
                f"{named}, recall@{at}",
                ours.recall[at],
                plain.recall[at],
                "fixed 512 characters",
                f"ratio >= {1.0001 if at == 1 else 1}" if limit == same else None,
            )


def chunking(data: Path, lang: str, tool: str) -> float:
    """Return the CPU seconds of cutting passages or answers, the best of three runs."""
    if lang == "zh":
        held = [row["text"] for row in rows(data / "rag/cmrc2018_passages_zh.jsonl.gz")] * 8
    else:
        held = [row["answer"] for row in rows(data / "medical/medquad.jsonl.gz")]
    cut: Callable[[str], Any]
    if tool == "chonkie":
        from chonkie import RecursiveChunker

        cut = RecursiveChunker(tokenizer="character" if lang == "zh" else "word", chunk_size=300)
    else:

        def cut(text: str) -> Any:
            return document_chunks((Part("paragraph", text),), 300, 1)

    best = float("inf")
    for _ in range(3):
        began = time.process_time()
        for text in held:
            cut(text)
        best = min(best, time.process_time() - began)
    return best


def building(data: Path) -> float:
    """Return the CPU seconds of building a corpus from documents."""
    corpus = texts(data, "cmrc2018", "cmrc2018_passages_zh", "cmrc2018_questions_zh")
    with tempfile.TemporaryDirectory() as folder:
        shelf = Shelf(Path(folder))
        began = time.process_time()
        shelf.index(structured(corpus, 300))
        return time.process_time() - began


def embedding(data: Path) -> float:
    """Return the CPU seconds of embedding the same corpus's chunks, encoder and all."""
    corpus = texts(data, "cmrc2018", "cmrc2018_passages_zh", "cmrc2018_questions_zh")
    table = pa.Table.from_pylist(structured(corpus, 300), schema=SEARCHED)
    began = time.process_time()
    step = EmbedWindows(ENCODER, WINDOW)
    step(pa.table({"key": [bytes(16)] * len(table), "text": said_of(table)}))
    return time.process_time() - began


def querying(data: Path) -> tuple[float, float]:
    """Return the median milliseconds of a query over 100,000 chunks, embedding included; and CPU.

    The chunks are sentences of real texts in both languages, put together at random; their
    vectors are random, since what a product costs does not depend on them.
    """
    rng = np.random.default_rng(3)
    pool = [
        sentence
        for file, field in (
            ("rag/cmrc2018_passages_zh", "text"),
            ("medical/toyhom_neike_sample_raw", "answer"),
            ("medical/medquad", "answer"),
        )
        for row in rows(data / f"{file}.jsonl.gz")
        for sentence in sentences(row[field] or "")
        if sentence.strip()
    ]
    units = np.array([length(sentence) for sentence in pool])
    order = rng.integers(0, len(pool), CHUNKS * 12)
    owner = np.minimum(np.cumsum(units[order]) // 200, CHUNKS - 1)
    starts = np.searchsorted(owner, np.arange(CHUNKS + 1))
    lexical = Lexical.of(
        "".join(pool[i] for i in order[starts[n] : starts[n + 1]]) for n in range(CHUNKS)
    )
    bounds = np.arange(CHUNKS + 1) * 3
    windows = rng.standard_normal((int(bounds[-1]), 512), dtype=np.float32)
    windows /= np.linalg.norm(windows, axis=1, keepdims=True)
    index = Hybrid(lexical, Dense(windows, bounds, means(windows, bounds)), Calibration())
    embed = embedder(ENCODER)
    asked = [row["question"] for row in rows(data / "rag/xquad_questions_zh.jsonl.gz")][:100]
    asked += [row["question"] for row in rows(data / "rag/xquad_questions_en.jsonl.gz")][:100]
    embed(["warm"])
    walls, cpus = [], []
    for question in asked:
        wall, cpu = time.perf_counter(), time.process_time()
        index.search(question, embed([question])[0], 10)
        walls.append(time.perf_counter() - wall)
        cpus.append(time.process_time() - cpu)
    return 1000 * statistics.median(walls), 1000 * statistics.median(cpus)


def speed(data: Path) -> Iterator[Row]:
    """Yield what chunking, building and searching cost."""
    for lang, unit in (("zh", "characters"), ("en", "words")):
        ours, theirs = (
            measured(chunking, data, lang, tool).result for tool in ("curator", "chonkie")
        )
        name = f"chunking {lang}, 300 {unit}, CPU s"
        yield Row(name, round(ours, 4), round(theirs, 4), "chonkie recursive", "ratio <= 1")
    built, embedded = (measured(made, data).result for made in (building, embedding))
    name = "building a corpus (chunks, vectors, index), CPU s"
    yield Row(name, round(built, 2), round(embedded, 2), "embedding its chunks", "ratio <= 1.2")
    wall, cpu = measured(querying, data).result
    yield Row("query over 100,000 chunks, embedding included, median wall ms", round(wall, 1))
    yield Row("the same, median CPU ms, one core", round(cpu, 1), aim="<= 50")


def told(found: Iterable[Row]) -> Iterator[Row]:
    """Tell each figure on stderr as it comes: all of them take a while."""
    for row in found:
        sys.stderr.write(f"{row.metric}: {row.ours} ({row.peer_name or ''} {row.peer or ''})\n")
        sys.stderr.flush()
        yield row


def main() -> None:
    """Measure and print."""
    given = arguments(str(__doc__))
    data = given.data
    zh = texts(data, "xquad zh", "xquad_passages_zh", "xquad_questions_zh")
    en = texts(data, "xquad en", "xquad_passages_en", "xquad_questions_en")
    cmrc = texts(data, "cmrc2018", "cmrc2018_passages_zh", "cmrc2018_questions_zh")
    found: list[Row] = []
    kept = os.environ.get("CURATOR_BENCH_CACHE")
    with tempfile.TemporaryDirectory() as temporary:
        shelf = Shelf(Path(kept or temporary))
        for corpus in (cmrc, zh, en):
            aim = f"1 {AIMS[corpus.name]}"
            found += told(figures(corpus.name, whole(shelf, corpus, corpus), aim))
        found += told(figures("xquad zh → en", whole(shelf, en, zh), "5 0.9"))
        found += told(figures("xquad en → zh", whole(shelf, zh, en)))
        for corpus, same in ((cmrc, 512), (zh, 512), (en, 85)):
            found += told(chunkers(shelf, corpus, same))
        found += told(speed(data))
        answers = medquad(data)
        name = f"medquad, own answer among {len(answers.passages):,}"
        found += told(figures(name, whole(shelf, answers, answers)))
    report("retrieval", found, as_json=given.json)


if __name__ == "__main__":
    main()
