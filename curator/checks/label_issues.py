"""Questions and answers that do not belong together."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from curator.checks.embeddings import embedding, passages, vectors_of
from curator.matching import Halves, Matches, matches, wrong_answer_scores
from curator.pairs import in_context, pairs
from curator.protocols import PartStep, Step
from curator.tables import records_from
from curator.terms import WIDTH, counts, tfidf
from curator.text import fold, language, length
from curator.types import Code, Finding, Span

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from scipy.sparse import csr_matrix

    from curator.pairs import Pair
    from curator.protocols import Scope
    from curator.types import Record, View

HALVES = ("question", "answer")
GROUPS = ("other", "zh")
"""Pairs are compared within a language: Chinese with Chinese, the rest with the rest."""
_DOUBTFUL = pa.schema(
    [
        ("record_id", pa.string()),
        ("part", pa.int32()),
        ("end", pa.int32()),
        ("score", pa.float64()),
        ("evidence", pa.string()),
    ]
)
_FLOOR = 0.1
_FEWEST = 40


class LabelIssues:
    """LBL001: the answer does not match its question.

    Each question–answer pair is compared with the other pairs of its language in the
    corpus: does the answer fit this question better than it fits others, most of all
    similar ones, and does the question get a better answer elsewhere? Meaning (sentence
    embeddings), wording (TF-IDF) and the answers to similar questions all count. Models
    that have seen neither half of the pair say how probable it is that they belong
    together, one beside answers to any question, one beside answers to similar ones.
    How many are wrong is estimated from these figures of all pairs: what stands out as
    wrong pairs do, and not as the tail of right ones.

    The score is the probability that the answer is wrong, by Bayes' rule from both: of
    ten pairs with 0.8 about eight are. Findings go down to 0.1: below, nine of ten are
    right. Of several answers to one question the best fitting one teaches. The evidence tells the
    probability of a match (`p_match`), the similarity of meaning (`cosine`) and of
    wording (`overlap`), and the share of other answers (`answer_rank`), of other
    questions (`question_rank`) and of the 30 most similar ones (`neighbours`, by
    wording) that would fit better: 0 is best.

    Small talk is left out: pairs whose question or answer is shorter than four Han
    characters or words (eight, in a longer conversation, where a follow-up is read
    together with the opening question). Pairs of a language that has fewer than
    40 different questions are not judged, since there is too little to compare them with.

    Of answers that were swapped with those of similar questions about half stand out;
    an answer that is wrong in its facts is mostly not found, since it fits the question.
    """

    name: ClassVar[str] = "label_issues"
    version: ClassVar[str] = "4"
    view: ClassVar[View] = "redacted"
    codes: ClassVar[tuple[Code, ...]] = (
        Code(
            "LBL001",
            "answer-does-not-match",
            "答案与问题可能不匹配",
            "the answer may not match the question",
        ),
    )
    needs: ClassVar[tuple[str, ...]] = ("encoder",)

    def __init__(self, *, encoder: str) -> None:
        """Take the encoder's name; it is loaded where texts are embedded."""
        self.encoder = encoder

    def part_steps(self) -> Sequence[PartStep]:
        """Embed the texts, and describe the pairs that can be judged."""
        describe = Step("curator.checks.label_issues:Describe")
        return embedding(self.encoder), PartStep(describe, "judged_pairs", self.version, "pairs")

    def run(self, scope: Scope) -> Iterator[Finding]:
        """Embed the parts, judge the pairs of each language, and yield the doubtful ones."""
        vectors, described = (work.files(scope) for work in self.part_steps())
        # In a worker: the encoder has brought there most of what the fit needs.
        found = scope.engine.map(
            Step("curator.checks.label_issues:Judge"),
            [(*described, *vectors)],
            scope.phase("judged"),
            label="matches",
        )
        for row in scope.engine.collect(found).to_pylist():
            yield Finding(
                record_id=row["record_id"],
                check=self.name,
                code="LBL001",
                score=row["score"],
                span=Span(row["part"], 0, row["end"]),
                evidence=json.loads(row["evidence"]),
            )


def judged(record: Record) -> Iterator[tuple[int, Pair]]:
    """Yield (index, pair) for the record's pairs that can be judged: no small talk.

    A follow-up question comes with the opening one.
    """
    found = pairs(record)
    for index, pair in enumerate(found):
        least = 4 if pair.n_pairs == 1 else 8
        if length(pair.question) >= least and length(pair.answer) >= 4:
            yield index, replace(pair, question=in_context(found, index))


class Describe:
    """The step that lists a part's pairs that can be judged, with all but their vectors.

    `at` is the row of the question in the part's embeddings; the answer's is the next.
    """

    def __call__(self, records: pa.Table) -> pa.Table:
        """Return one row per pair: where it is, keys, lengths and n-gram counts."""
        found: list[tuple[Record, int, Pair]] = []
        row = 0
        for record in records_from(records):
            found += [(record, row + 2 * index, pair) for index, pair in judged(record)]
            row += sum(1 for _ in passages(record))
        texts = [(pair.question, pair.answer) for _, _, pair in found]
        columns: dict[str, pa.Array] = {
            "record_id": pa.array([record.id for record, _, _ in found], pa.string()),
            "part": pa.array([pair.part for _, _, pair in found], pa.int32()),
            "end": pa.array([len(r.parts[p.part].text) for r, _, p in found], pa.int32()),
            "at": pa.array([at for _, at, _ in found], pa.int32()),
            "group": pa.array([_group("\n".join(both)) for both in texts], pa.string()),
        }
        for half, name in enumerate(HALVES):
            mine = [both[half] for both in texts]
            matrix = counts(mine)
            columns[f"{name}_key"] = pa.array([text_key(text) for text in mine], pa.uint64())
            columns[f"{name}_length"] = pa.array([length(text) for text in mine], pa.int32())
            columns[f"{name}_grams"] = _lists(matrix.indptr, matrix.indices, pa.int32())
            columns[f"{name}_counts"] = _lists(matrix.indptr, matrix.data, pa.float32())
        return pa.table(columns)


class Judge:
    """The step that judges all pairs, each among those of its language."""

    def __call__(self, *tables: pa.Table) -> pa.Table:
        """Return the doubtful pairs; the first half of the tables describes, the second embeds."""
        groups: dict[str, _Group] = {}
        half = len(tables) // 2
        for described, embedded in zip(tables[:half], tables[half:], strict=True):
            values = vectors_of(embedded)
            for name in GROUPS:
                mine = described.filter(pc.equal(described["group"], name))
                if mine.num_rows:
                    groups.setdefault(name, _Group()).add(mine, values)
        rows = [row for name in sorted(groups) for row in groups[name].doubtful()]
        return pa.Table.from_pylist(rows, schema=_DOUBTFUL)


class _Group:
    """The pairs of one language: where they are, and what they are compared by."""

    def __init__(self) -> None:
        self.tables: list[pa.Table] = []
        self.vectors: list[tuple[np.ndarray, np.ndarray]] = []

    def add(self, table: pa.Table, vectors: np.ndarray) -> None:
        """Take the pairs of one part, with the vectors of that part."""
        at = table["at"].to_numpy()
        self.tables.append(table)
        self.vectors.append((vectors[at], vectors[at + 1]))

    def doubtful(self) -> Iterator[dict[str, object]]:
        """Yield a row for each doubtful pair: its place, its score and the evidence."""
        table = pa.concat_tables(self.tables)
        if pc.count_distinct(table["question_key"]).as_py() < _FEWEST:
            return
        found = matches(self._halves(table))
        scores = wrong_answer_scores(found.match, found.wrong, found.wrong_near)
        rows = np.flatnonzero(scores >= _FLOOR)
        places = table.select(["record_id", "part", "end"]).take(pa.array(rows)).to_pylist()
        for row, place in zip(rows.tolist(), places, strict=True):
            yield place | {
                "score": float(scores[row]),
                "evidence": json.dumps(_evidence(found, row)),
            }

    def _halves(self, table: pa.Table) -> Halves:
        question_terms, answer_terms = tfidf([_matrix(table, name) for name in HALVES])
        return Halves(
            question=np.concatenate([question for question, _ in self.vectors]),
            answer=np.concatenate([answer for _, answer in self.vectors]),
            question_terms=question_terms,
            answer_terms=answer_terms,
            question_key=table["question_key"].to_numpy(),
            answer_key=table["answer_key"].to_numpy(),
            question_length=table["question_length"].to_numpy().astype(np.float32),
            answer_length=table["answer_length"].to_numpy().astype(np.float32),
        )


def _group(text: str) -> str:
    return "zh" if language(text) == "zh" else "other"


def _lists(bounds: np.ndarray, values: np.ndarray, kind: pa.DataType) -> pa.ListArray:
    return pa.ListArray.from_arrays(pa.array(bounds, pa.int32()), pa.array(values, kind))


def _matrix(table: pa.Table, name: str) -> csr_matrix:
    """Return the n-gram counts of one half of the pairs, shape (pairs, WIDTH)."""
    from scipy.sparse import csr_matrix  # noqa: PLC0415 - heavy

    grams, values = table[f"{name}_grams"], table[f"{name}_counts"]
    sizes = pc.list_value_length(grams).to_numpy()
    bounds = np.concatenate([[0], np.cumsum(sizes)])
    flat = (pc.list_flatten(values).to_numpy(), pc.list_flatten(grams).to_numpy(), bounds)
    return csr_matrix(flat, shape=(table.num_rows, WIDTH))


def text_key(text: str) -> int:
    """Return a hash that is equal where two texts are, as they are compared."""
    folded = fold(text) or text
    hashed = hashlib.blake2b(folded.encode("utf-8", "surrogatepass"), digest_size=8)
    return int.from_bytes(hashed.digest(), "big")


def _evidence(found: Matches, row: int) -> dict[str, float]:
    figures = {
        "p_match": found.match[row],
        "cosine": found.cosine[row],
        "overlap": found.overlap[row],
        "answer_rank": found.answer_rank[row],
        "question_rank": found.question_rank[row],
        "neighbours": found.neighbours[row],
    }
    return {name: round(float(value), 4) for name, value in figures.items()}
