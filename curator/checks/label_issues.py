"""Questions and answers that do not belong together."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import pyarrow as pa

from curator.checks.embeddings import embedding
from curator.checks.judged_pairs import groups
from curator.checks.likelihoods import gains, of_wrong_pairs, reading
from curator.matching import Matches, matches, wrong_answer_scores
from curator.protocols import PartStep, Step
from curator.types import Code, Finding, Span

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from curator.protocols import Scope
    from curator.types import View

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

    Where the recipe names a language model (`models: {language_model: …}`), it reads each
    answer with and without its question, and some wrong pairs. How much likelier the question
    makes the answer is one signal more, and evidence (`likelihood_gain`, in nats a token).

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
    needs: ClassVar[tuple[str, ...]] = ("encoder", "language_model")

    def __init__(self, *, encoder: str, language_model: str | None = None) -> None:
        """Take the names of the encoder and of the language model, if one is to read answers.

        Raises:
            ModelError: there is no such language model here.

        """
        self.encoder = encoder
        self.readings = () if language_model is None else (reading(language_model),)
        self.language_model = language_model

    def part_steps(self) -> Sequence[PartStep]:
        """Embed the texts, describe the pairs that can be judged, and read them."""
        describe = Step("curator.checks.judged_pairs:Describe")
        pairs = PartStep(describe, "judged_pairs", self.version, "pairs")
        return embedding(self.encoder), pairs, *self.readings

    def run(self, scope: Scope) -> Iterator[Finding]:
        """Embed the parts, judge the pairs of each language, and yield the doubtful ones."""
        vectors, described, *read = (work.files(scope) for work in self.part_steps())
        known = [*described, *vectors, *(path for paths in read for path in paths)]
        if self.language_model is not None:
            known += of_wrong_pairs(scope, self.language_model, described, vectors)
        # In a worker: the encoder has brought there most of what the fit needs.
        found = scope.engine.map(
            Step("curator.checks.label_issues:Judge", {"n_parts": len(scope.parts)}),
            [tuple(known)],
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


class Judge:
    """The step that judges all pairs, each among those of its language."""

    def __init__(self, n_parts: int) -> None:
        """Take the number of parts, which is that of each kind of table."""
        self.n_parts = n_parts

    def __call__(self, *tables: pa.Table) -> pa.Table:
        """Return the doubtful pairs.

        Args:
            tables: for each part what describes its pairs, then the vectors; where a language
                model has read them, its readings, and then those of wrong pairs.

        """
        n = self.n_parts
        described, embedded, read = tables[:n], tables[n : 2 * n], tables[2 * n : 3 * n]
        wrong = pa.concat_tables(tables[3 * n :]) if read else None
        rows: list[dict[str, object]] = []
        for group in groups(described, embedded, read):
            found = matches(group.halves, None if wrong is None else gains(group, wrong))
            rows += _doubtful(group.table, found)
        return pa.Table.from_pylist(rows, schema=_DOUBTFUL)


def _doubtful(table: pa.Table, found: Matches) -> Iterator[dict[str, object]]:
    """Yield a row for each doubtful pair: its place, its score and the evidence."""
    scores = wrong_answer_scores(found.match, found.wrong, found.wrong_near)
    rows = np.flatnonzero(scores >= _FLOOR)
    places = table.select(["record_id", "part", "end"]).take(pa.array(rows)).to_pylist()
    for row, place in zip(rows.tolist(), places, strict=True):
        yield place | {"score": float(scores[row]), "evidence": json.dumps(_evidence(found, row))}


def _evidence(found: Matches, row: int) -> dict[str, float]:
    figures = {
        "p_match": found.match[row],
        "cosine": found.cosine[row],
        "overlap": found.overlap[row],
        "answer_rank": found.answer_rank[row],
        "question_rank": found.question_rank[row],
        "neighbours": found.neighbours[row],
    }
    if found.gain is not None:
        figures["likelihood_gain"] = found.gain[row]
    return {name: round(float(value), 4) for name, value in figures.items()}
