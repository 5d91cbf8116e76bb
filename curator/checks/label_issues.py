"""Questions and answers that do not belong together."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from curator.checks.embeddings import embedded, passages, vectors_of
from curator.confident import label_scores
from curator.matching import Halves, Matches, matches
from curator.pairs import pairs
from curator.tables import records_from
from curator.terms import counts, tfidf
from curator.text import fold, language, length
from curator.types import Code, Finding, Span

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from scipy.sparse import csr_matrix

    from curator.pairs import Pair
    from curator.protocols import Scope
    from curator.types import Record, View

_FLOOR = 0.3
_FEWEST = 40


class LabelIssues:
    """LBL001: the answer does not match its question.

    Each question–answer pair is compared with the other pairs of its language in the
    corpus: does the answer fit this question better than it fits others, and does the
    question get a better answer elsewhere? Meaning (sentence embeddings), wording
    (TF-IDF) and the answers to similar questions all count. A model that has not seen
    the pair says how probable it is that its halves belong together, and confident
    learning (cleanlab) estimates from these figures which pairs are wrong.

    A score of 0.6 or more means that cleanlab flags the pair; findings go down to 0.3.
    The evidence tells the probability (`p_match`), the similarity of meaning (`cosine`)
    and of wording (`overlap`), and the share of other answers (`answer_rank`) and of
    other questions (`question_rank`) that would fit better: 0 is best.

    Small talk is left out: pairs whose question or answer is shorter than four Han
    characters or words (eight, for the question of a longer conversation, whose
    follow-up questions do not stand alone). Pairs of a language that has fewer than
    40 different questions are not judged, since there is too little to compare them with.

    A swapped answer to a nearly equal question, or one that is wrong in its facts, is
    mostly not found: such an answer fits the question.
    """

    name: ClassVar[str] = "label_issues"
    version: ClassVar[str] = "1"
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

    def run(self, scope: Scope) -> Iterator[Finding]:
        """Embed the parts, judge the pairs of each language, and yield the doubtful ones."""
        gathered = _gather(scope, embedded(scope, self.encoder))
        for group in sorted(gathered):
            yield from gathered[group].findings()


def judged(record: Record) -> Iterator[tuple[int, Pair]]:
    """Yield (index, pair) for the record's pairs that can be judged: no small talk."""
    for index, pair in enumerate(pairs(record)):
        least = 4 if pair.n_pairs == 1 else 8
        if length(pair.question) >= least and length(pair.answer) >= 4:
            yield index, pair


class _Group:
    """The pairs of one language: where they are, and what they are compared by."""

    def __init__(self) -> None:
        self.spans: list[tuple[str, Span]] = []
        self.keys: list[tuple[int, int]] = []
        self.lengths: list[tuple[int, int]] = []
        self.question: list[np.ndarray] = []
        self.answer: list[np.ndarray] = []
        self.question_counts: list[csr_matrix] = []
        self.answer_counts: list[csr_matrix] = []

    def add(self, found: list[tuple[Record, Pair, np.ndarray, np.ndarray]]) -> None:
        """Take the pairs of one part, with the vectors of their questions and answers."""
        for record, pair, _, _ in found:
            end = len(record.parts[pair.part].text)
            self.spans.append((record.id, Span(pair.part, 0, end)))
            self.keys.append((_key(pair.question), _key(pair.answer)))
            self.lengths.append((length(pair.question), length(pair.answer)))
        self.question.append(np.stack([question for _, _, question, _ in found]))
        self.answer.append(np.stack([answer for _, _, _, answer in found]))
        self.question_counts.append(counts(pair.question for _, pair, _, _ in found))
        self.answer_counts.append(counts(pair.answer for _, pair, _, _ in found))

    def findings(self) -> Iterator[Finding]:
        """Yield a finding for each doubtful pair."""
        if len({question for question, _ in self.keys}) < _FEWEST:
            return
        found = matches(self._halves())
        labels = np.repeat(np.array([1, 0]), [len(found.match), len(found.wrong)])
        p = np.concatenate([found.match, found.wrong])
        scores = label_scores(labels, np.column_stack([1 - p, p]))[: len(found.match)]
        for row, (record_id, span) in enumerate(self.spans):
            if scores[row] >= _FLOOR:
                yield Finding(
                    record_id=record_id,
                    check=LabelIssues.name,
                    code="LBL001",
                    score=float(scores[row]),
                    span=span,
                    evidence=_evidence(found, row),
                )

    def _halves(self) -> Halves:
        from scipy.sparse import vstack  # noqa: PLC0415 - heavy

        question_terms, answer_terms = tfidf(
            [vstack(self.question_counts).tocsr(), vstack(self.answer_counts).tocsr()]
        )
        keys = np.array(self.keys, np.uint64)
        lengths = np.array(self.lengths, np.float32)
        return Halves(
            question=np.concatenate(self.question),
            answer=np.concatenate(self.answer),
            question_terms=question_terms,
            answer_terms=answer_terms,
            question_key=keys[:, 0],
            answer_key=keys[:, 1],
            question_length=lengths[:, 0],
            answer_length=lengths[:, 1],
        )


def _gather(scope: Scope, files: Iterable[object]) -> dict[str, _Group]:
    groups: dict[str, _Group] = {}
    for part, file in zip(scope.parts, files, strict=True):
        table = scope.engine.collect([file])  # type: ignore[list-item]
        vectors = vectors_of(table)
        found: dict[str, list[tuple[Record, Pair, np.ndarray, np.ndarray]]] = {}
        row = 0
        for record in records_from(scope.engine.collect([part])):
            for index, pair in judged(record):
                at = row + 2 * index
                group = "zh" if language(pair.question + "\n" + pair.answer) == "zh" else "other"
                found.setdefault(group, []).append((record, pair, vectors[at], vectors[at + 1]))
            row += sum(1 for _ in passages(record))
        for group, members in found.items():
            groups.setdefault(group, _Group()).add(members)
    return groups


def _key(text: str) -> int:
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
    }
    return {name: round(float(value), 4) for name, value in figures.items()}
