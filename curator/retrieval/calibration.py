"""What a corpus itself tells of how to search it, from pseudo-questions: nobody labels anything.

A pseudo-question is a question whose pair the corpus holds, asked of the answer alone, or a
sentence, asked of its chunk without the window that it stands in (the inverse cloze task; Lee,
Chang and Toutanova 2019, https://arxiv.org/abs/1906.00300). They tell how much meaning should
weigh beside words, and how well a text scores where the answer is not in the corpus: that is
how well the best text of another record does.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b
from itertools import accumulate
from typing import TYPE_CHECKING

import numpy as np

from curator.exports.vectors import windows
from curator.retrieval.dense import joined, means
from curator.retrieval.fusion import candidates, fused
from curator.retrieval.questions import content
from curator.retrieval.terms import Terms
from curator.text import length, sentences

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    from curator.retrieval.dense import Dense, Floats
    from curator.retrieval.lexical import Lexical

MEANING = 0.2
"""The weight of meaning where a corpus does not say otherwise."""
ABSENT = ((0.0, 0.0), (0.05, 0.11), (0.25, 0.15), (0.5, 0.19), (0.75, 0.24), (0.95, 0.33))
"""Where it does not say either how questions score that it does not answer: share, score."""
_WEIGHTS = (0.0, 0.02, 0.05, 0.1, 0.15, MEANING, 0.25, 0.3, 0.4, 0.5, 0.7, 1.0)
_MOST = 400
_FEWEST = 20
_BUDGET = 0.05
"""How many texts may be embedded for it, as a share of the corpus's windows."""
_SHORTEST = 8
"""How long a sentence is at least that is asked: in Han characters or words."""
_FOREIGN = 0.35
"""Of whose words the corpus knows a smaller share, is in another language."""


@dataclass(frozen=True)
class Searchable:
    """A text of the corpus.

    text: what is searched. asked: the question that it begins with, or nothing.
    record: the number of the record that it belongs to.
    """

    text: str
    asked: str
    record: int


@dataclass(frozen=True)
class Calibration:
    """How to weigh, and what scores mean.

    meaning: the weight of the dense half, in 0..1. asked: how many pseudo-questions said so.
    absent, absent_dense: evenly spaced quantiles of the best score, fused and dense, of the
    questions that the corpus does not answer; empty where it does not say.
    """

    meaning: float = MEANING
    asked: int = 0
    absent: tuple[float, ...] = ()
    absent_dense: tuple[float, ...] = ()

    def confidence(self, score: float, dense: float, known: float) -> float:
        """Return which share of questions without an answer has a best text that scores lower.

        Args:
            score: the best text's.
            dense: its dense half, which alone counts where the query is in another language.
            known: which share of the query's words, by rarity, the corpus knows.

        """
        foreign = known < _FOREIGN
        if not self.absent:
            shares, scores = zip(*ABSENT, strict=True)
            return float(np.interp(dense / 2 if foreign else score, scores, shares))
        found = self.absent_dense if foreign else self.absent
        return float(np.searchsorted(found, dense if foreign else score) / len(found))


@dataclass(frozen=True)
class _Question:
    """A pseudo-question, which text it is asked of, and what is left of that without it.

    kept: which of the text's windows are left; empty where `rest` is embedded instead.
    """

    text: str
    of: int
    rest: str
    kept: tuple[int, ...] = ()


def calibrate(
    texts: Sequence[Searchable],
    lexical: Lexical,
    dense: Dense,
    embed: Callable[[Sequence[str]], Floats],
) -> Calibration:
    """Return what a corpus says of itself; which questions are asked follows from its texts."""
    questions = _affordable(texts, int(_BUDGET * len(dense.windows)))
    if len(questions) < _FEWEST:
        return Calibration()
    read = Terms()
    record = np.array([text.record for text in texts], np.int64)
    vectors = embed([question.text for question in questions])
    own_meaning = _own_meaning(questions, vectors, dense, embed)
    ranks = np.zeros((len(questions), len(_WEIGHTS)))
    absent = np.zeros((len(questions), len(_WEIGHTS)), np.float32)
    absent_dense = np.zeros(len(questions), np.float32)
    for i, (question, vector) in enumerate(zip(questions, vectors, strict=True)):
        asked = lexical.query(content(question.text), read)
        own_words = lexical.score_of(asked, question.rest, read)
        words = lexical.scores(asked)
        others = candidates(words, dense.rough(vector))
        others = others[record[others] != record[question.of]]
        words, meaning = words[others], dense.scores(vector, others)
        for w, weight in enumerate(_WEIGHTS):
            scores = fused(words, meaning, weight, asked.known)
            own = (1 - weight) * asked.known * own_words + weight * own_meaning[i]
            ranks[i, w] = 1 / (1 + np.count_nonzero(scores > own))
            absent[i, w] = scores.max(initial=0)
        absent_dense[i] = meaning.max(initial=0)
    chosen = _chosen(ranks)
    return Calibration(
        _WEIGHTS[chosen], len(questions), _quantiles(absent[:, chosen]), _quantiles(absent_dense)
    )


def _affordable(texts: Sequence[Searchable], budget: int) -> list[_Question]:
    """Return as many pseudo-questions as may be embedded, the choice spread over the corpus."""
    found: list[_Question] = []
    for place in sorted(range(len(texts)), key=lambda place: (_hash(texts[place].text), place)):
        if len(found) == _MOST or budget <= 0:
            break
        question = _question(texts[place], place)
        if question is not None:
            found.append(question)
            budget -= 1 if question.kept else 1 + len(windows(question.rest))
    return found


def _hash(text: str) -> bytes:
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest()


def _question(text: Searchable, place: int) -> _Question | None:
    if text.asked:
        rest = text.text.removeprefix(text.asked).strip()
        return _Question(text.asked, place, rest) if rest else None
    every = windows(text.text)
    if len(every) < 2:
        return None
    at = int.from_bytes(_hash(text.text), "little") % len(every)
    asked = max((s.strip() for s in sentences(every[at])), key=length)
    if length(asked) < _SHORTEST:
        return None
    kept = tuple(i for i in range(len(every)) if i != at)
    return _Question(asked, place, "".join(every[i] for i in kept), kept)


def _own_meaning(
    questions: Sequence[_Question],
    vectors: Floats,
    dense: Dense,
    embed: Callable[[Sequence[str]], Floats],
) -> Floats:
    """Return how well each question's vector fits what is left of its text."""
    cut = [[] if question.kept else windows(question.rest) for question in questions]
    made = embed([window for some in cut for window in some])

    def left() -> Iterator[Floats]:
        ends = accumulate(map(len, cut))
        for question, some, end in zip(questions, cut, ends, strict=True):
            rows = dense.bounds[question.of] + np.array(question.kept, np.int64)
            yield dense.windows[rows] if question.kept else made[end - len(some) : end]

    rests = list(left())
    bounds = np.array([0, *accumulate(map(len, rests))], np.int64)
    wholes = means(joined(rests, vectors.shape[1]), bounds)
    best = [float((r @ v).max(initial=0)) for r, v in zip(rests, vectors, strict=True)]
    return np.asarray((np.array(best) + (wholes * vectors).sum(axis=1)) / 2, np.float32)


def _chosen(ranks: NDArray[np.float64]) -> int:
    """Return the weight that is nearest to the usual one, of those as good as the best.

    As good is what lies within two standard errors of the paired difference.
    """
    best = ranks[:, int(ranks.mean(axis=0).argmax())]
    worse = best[:, None] - ranks
    error = worse.std(axis=0) / np.sqrt(len(ranks))
    good = np.flatnonzero(worse.mean(axis=0) <= 2 * error)
    return int(good[np.abs(good - _WEIGHTS.index(MEANING)).argmin()])


def _quantiles(values: Floats) -> tuple[float, ...]:
    return tuple(np.quantile(values, np.linspace(0, 1, 101)).round(4).tolist())
