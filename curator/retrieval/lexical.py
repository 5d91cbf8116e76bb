"""Finding by words: Okapi BM25 over `terms`, as a share of what a query asks for.

Robertson and Zaragoza 2009, "The Probabilistic Relevance Framework: BM25 and Beyond".
BM25's sum is divided by the most that it could be, so that a score says how much of the
query, weighed by rarity, a text answers: 0 for nothing, near 1 for all of it. Such scores
compare between queries, which is what fusion and the bar for "not in the corpus" need.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from curator.retrieval.terms import Terms

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

K1 = 1.2
B = 0.75
_TEXTS_AT_ONCE = 2000


@dataclass(frozen=True)
class Lexical:
    """An inverted index of n texts.

    terms: the distinct ones, sorted. starts: where each term's texts begin in `texts` and
    `weights`, shape (terms + 1,). texts: the texts that hold it, ascending. weights: BM25
    without the term's rarity, in 0..1. rarity: per term. mean: the texts' mean length in terms.
    size: the number of texts.
    """

    terms: NDArray[np.uint64]
    starts: NDArray[np.int64]
    texts: NDArray[np.int32]
    weights: NDArray[np.float32]
    rarity: NDArray[np.float32]
    mean: float
    size: int

    @classmethod
    def of(cls, texts: Iterable[str]) -> Lexical:
        """Index the texts."""
        read = Terms()
        keys, owners, counts, lengths = [], [], [], []
        n = 0
        for some in _batches(texts):
            found, bounds = read.of(some)
            sizes = np.diff(bounds)
            owner = np.repeat(np.arange(len(some), dtype=np.int32), sizes)
            key, whose, count = _counted(found, owner)
            keys.append(key)
            owners.append(whose + np.int32(n))
            counts.append(count)
            lengths.append(sizes)
            n += len(some)
        if not n:
            empty = np.zeros(0, np.uint64)
            none = np.zeros(0, np.float32)
            return cls(empty, np.zeros(1, np.int64), np.zeros(0, np.int32), none, none, 1.0, 0)
        every = np.concatenate(keys)
        order = np.argsort(every, kind="stable")  # texts stay ascending within a term
        every = every[order]
        new = np.ones(len(every), np.bool_)
        new[1:] = every[1:] != every[:-1]
        starts = np.append(np.flatnonzero(new), len(every))
        whose = np.concatenate(owners)[order]
        length = np.concatenate(lengths).astype(np.float32)
        mean = float(length.mean()) or 1.0
        weights = _weights(np.concatenate(counts)[order], length[whose], mean)
        return cls(every[starts[:-1]], starts, whose, weights, _rarity(np.diff(starts), n), mean, n)

    def query(self, text: str, read: Terms) -> Query:
        """Return what a text asks of this index."""
        found = np.unique(read.of([text])[0])
        at = np.searchsorted(self.terms, found)
        at[at == len(self.terms)] = 0
        known = self.terms[at] == found if len(self.terms) else np.zeros(len(found), np.bool_)
        rarity = self.rarity[at[known]]
        unknown = float(_rarity(np.zeros(1, np.int64), self.size)[0]) * int((~known).sum())
        return Query(at[known], rarity, float(rarity.sum()) + unknown)

    def scores(self, query: Query) -> NDArray[np.float32]:
        """Return every text's score, in 0..1, shape (n,)."""
        total = np.zeros(self.size, np.float32)
        for term, rarity in zip(query.terms, query.rarity, strict=True):
            held = slice(self.starts[term], self.starts[term + 1])
            total[self.texts[held]] += rarity * self.weights[held]
        return total / np.float32(query.most) if query.most else total

    def score_of(self, query: Query, text: str, read: Terms) -> float:
        """Return the score that a text would have that is not in the index."""
        found, counts = np.unique(read.of([text])[0], return_counts=True)
        weights = _weights(counts, np.float32(counts.sum()), self.mean)
        _, mine, asked = np.intersect1d(found, self.terms[query.terms], return_indices=True)
        return float((weights[mine] * query.rarity[asked]).sum() / query.most) if len(mine) else 0.0


@dataclass(frozen=True)
class Query:
    """What a text asks of an index.

    terms: its terms, as places in the index's. rarity: theirs. most: the sum of the rarity of
    all its terms, those included that the index does not know.
    """

    terms: NDArray[np.int64]
    rarity: NDArray[np.float32]
    most: float

    @property
    def known(self) -> float:
        """Which share of what it asks the index knows, by rarity."""
        return float(self.rarity.sum()) / self.most if self.most else 0.0


def _batches(texts: Iterable[str]) -> Iterator[list[str]]:
    held: list[str] = []
    for text in texts:
        held.append(text)
        if len(held) == _TEXTS_AT_ONCE:
            yield held
            held = []
    if held:
        yield held


def _counted(
    terms: NDArray[np.uint64], owner: NDArray[np.int32]
) -> tuple[NDArray[np.uint64], NDArray[np.int32], NDArray[np.int32]]:
    """Return each distinct (term, text), sorted by term, and how often the text has the term."""
    order = np.argsort(terms, kind="stable")
    terms, owner = terms[order], owner[order]
    new = np.r_[True, (terms[1:] != terms[:-1]) | (owner[1:] != owner[:-1])]
    first = np.flatnonzero(new) if len(terms) else np.zeros(0, np.int64)
    counts = np.diff(np.r_[first, len(terms)]).astype(np.int32)
    return terms[first], owner[first], counts


def _weights(
    counts: NDArray[np.int64] | NDArray[np.int32],
    lengths: NDArray[np.float32] | np.float32,
    mean: float,
) -> NDArray[np.float32]:
    count = counts.astype(np.float32)
    return np.asarray(count / (count + K1 * (1 - B + B * lengths / mean)), np.float32)


def _rarity(texts: NDArray[np.int64], n: int) -> NDArray[np.float32]:
    """Return the inverse document frequency of terms that so many of n texts have; above 0."""
    return np.log1p((n - texts + 0.5) / (texts + 0.5)).astype(np.float32)
