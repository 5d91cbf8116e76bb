"""The figures of every pair, and of wrong pairs that are made from the same halves."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from curator.matching.fit import Fit
from curator.matching.folds import FOLDS, Map, blocks, folds
from curator.matching.halves import largest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray
    from scipy.sparse import csr_matrix

    from curator.matching.halves import Floats, Gains, Halves, Ints

    Columns = dict[str, NDArray[np.floating]]

NEIGHBOURS = {"nearest": 10, "near": 30}
HARD_NEIGHBOURS = 20
"""A hard wrong pair has the answer of one of so many nearest questions."""
_HARD_REPEATS = 2
_WORDED_ALIKE = 20
_NEAREST_ANSWERS = 10
_SPARSE_NEAREST = 4
_FEW = 2000
_MOST_REPEATS = 5
_READ = 1500
"""A language model reads so many wrong pairs of each kind: enough to learn one figure's weight."""


class Wrong(NamedTuple):
    """Pairs that do not belong together: rows of a block, and whether they are hard to tell."""

    asked: Ints
    answered: Ints
    hard: bool


@dataclass(frozen=True)
class Described:
    """The figures of n pairs and of m wrong ones.

    own: shape (n, figures). `names` are `SIGNAL_FIGURE`.
    question, fold: the number of each pair's question and its fold, shape (n,).
    wrong: shape (m, figures). asked, answered: the folds of the two halves, shape (m,).
    hard: whether the wrong answer is that of a near question, shape (m,).
    """

    names: tuple[str, ...]
    own: Floats
    question: Ints
    fold: Ints
    wrong: Floats
    asked: Ints
    answered: Ints
    hard: NDArray[np.bool_]


def to_be_read(halves: Halves) -> tuple[Ints, Ints]:
    """Return rows (asked, answered) of wrong pairs that a language model is to read.

    Of those that `describe` makes, a few of each kind, evenly spread.
    """
    from threadpoolctl import threadpool_limits  # noqa: PLC0415 - needs numpy loaded first

    with threadpool_limits(1):
        fold, repeats = folds(halves), _repeats(len(halves))
        asked, answered = [], []
        for rows in blocks(halves.question_key, fold):
            here = halves.take(rows)
            alike = _to_others(here.question @ here.question.T, here.question_key)
            for wrong in _wrong_pairs(here, _nearest(alike)[:, :HARD_NEIGHBOURS], repeats):
                of_kind = len(halves) * (_HARD_REPEATS if wrong.hard else repeats)
                some = slice(None, None, -(-of_kind // _READ))
                asked.append(rows[wrong.asked[some]])
                answered.append(rows[wrong.answered[some]])
    return np.concatenate(asked), np.concatenate(answered)


def describe(halves: Halves, gains: Gains | None = None) -> Described:
    """Describe all pairs, block by block, and the wrong pairs that are made of each block.

    With what a language model makes of them, the wrong pairs are those that it has read.
    """
    from threadpoolctl import threadpool_limits  # noqa: PLC0415 - needs numpy loaded first

    # One thread, so that sums are added up in the same order on every machine.
    with threadpool_limits(1):
        fold = folds(halves)
        learned = Map(halves, fold)
        repeats = _repeats(len(halves))
        parts = []
        for rows in blocks(halves.question_key, fold):
            block = _Block(halves.take(rows), fold[rows], learned)
            made = _wrong_pairs(block.halves, block.hard, repeats)
            if gains is not None:
                made = [_read(wrong, rows, gains) for wrong in made]
            here = np.arange(len(rows))
            asked = np.concatenate([here, *(wrong.asked for wrong in made)])
            answered = np.concatenate([here, *(wrong.answered for wrong in made)])
            figures = block.figures(asked, answered)
            if gains is not None:
                wrong_gain = gains.of(rows[asked[len(rows) :]], rows[answered[len(rows) :]])
                figures["likelihood_gain"] = np.concatenate([gains.own[rows], wrong_gain])
            values = np.column_stack(list(figures.values())).astype(np.float32)
            hard = np.repeat([w.hard for w in made], [len(w.asked) for w in made])
            parts.append((rows, values, fold[rows][asked], fold[rows][answered], hard))
    own = np.empty((len(halves), len(figures)), np.float32)
    for rows, values, *_ in parts:
        own[rows] = values[: len(rows)]
    return Described(
        names=tuple(figures),
        own=own,
        question=np.unique(halves.question_key, return_inverse=True)[1],
        fold=fold,
        wrong=np.concatenate([values[len(rows) :] for rows, values, *_ in parts]),
        asked=np.concatenate([asked[len(rows) :] for rows, _, asked, *_ in parts]),
        answered=np.concatenate([answered[len(rows) :] for rows, *_, answered, _ in parts]),
        hard=np.concatenate([hard for *_, hard in parts]).astype(bool),
    )


class _Block:
    """Pairs that are compared with each other; rows are sorted by fold."""

    def __init__(self, halves: Halves, fold: Ints, learned: Map) -> None:
        self.halves = halves
        self.learned = learned
        self.bounds = [slice(*np.searchsorted(fold, [f, f + 1]).tolist()) for f in range(FOLDS)]
        question, terms = halves.question, halves.question_terms
        with ThreadPoolExecutor(2) as pool:
            meaning = pool.submit(lambda: question @ question.T)
            wording = pool.submit(_products, terms, terms)
            self.alike = {
                name: _to_others(made.result(), halves.question_key)
                for name, made in (("meaning", meaning), ("wording", wording))
            }
        nearest = _nearest(self.alike["meaning"])
        self.near = {name: nearest[:, :k] for name, k in NEIGHBOURS.items()}
        self.near["worded"] = largest(self.alike["wording"], min(_WORDED_ALIKE, len(halves) - 1))
        self.hard = nearest[:, :HARD_NEIGHBOURS]

    def figures(self, asked: Ints, answered: Ints) -> Columns:
        """Return the figures of the pairs (question of row `asked`, answer of row `answered`)."""

        def measured(signal: tuple[str, Callable[[], Floats]]) -> Columns:
            name, table = signal
            found = Fit(table()).figures(asked, answered, self.near)
            return {f"{name}_{figure}": values for figure, values in found.items()}

        # What the threads do is NumPy's and SciPy's, which lets go of the interpreter, and
        # the other worker is idle meanwhile. Tables are large: no more than two are there at once.
        with ThreadPoolExecutor(2) as pool:
            tables = list(pool.map(measured, self._tables()))
        found = {name: values for columns in tables for name, values in columns.items()}
        found |= dict(self._beside_answers(asked, answered))
        found |= dict(self._beside_questions(asked, answered))
        lengths = self.halves.answer_length[answered], self.halves.question_length[asked]
        found["length_ratio"] = np.log1p(lengths[0]) - np.log1p(lengths[1])
        return found

    def _tables(self) -> Iterator[tuple[str, Callable[[], Floats]]]:
        question, answer = self.halves.question, self.halves.answer
        terms = self.halves.question_terms, self.halves.answer_terms
        yield "wording", partial(_products, *terms)
        yield "meaning", lambda: question @ answer.T
        yield "map", lambda: self.learned.table(question, answer, self.bounds)
        yield "asked", lambda: _products(_shares(terms[0]), _present(terms[1]))
        yield "said", lambda: _products(_present(terms[0]), _shares(terms[1]))

    def _beside_answers(self, asked: Ints, answered: Ints) -> Iterator[tuple[str, Floats]]:
        """Yield how much the answer is like those that similar questions got.

        A copy of the answer itself says nothing, so it does not count.
        """
        near = self.near["nearest"][asked]
        keys, answers, terms = (
            self.halves.answer_key,
            self.halves.answer,
            self.halves.answer_terms,
        )
        copy = keys[near] == keys[answered][:, None]
        meaning: Floats = np.empty(near.shape, np.float32)
        # Sparse rows are slow to compare, and the nearest say most.
        wording: Floats = np.empty((len(near), min(_SPARSE_NEAREST, near.shape[1])), np.float32)
        own_terms = terms[answered]
        for k in range(near.shape[1]):
            meaning[:, k] = np.einsum("nd,nd->n", answers[near[:, k]], answers[answered])
        for k in range(wording.shape[1]):
            products = terms[near[:, k]].multiply(own_terms).sum(axis=1)
            wording[:, k] = np.asarray(products).reshape(-1)
        for name, likeness in (("meaning", meaning), ("wording", wording)):
            same = copy[:, : likeness.shape[1]]
            likeness[same] = 0.0
            yield f"answers_{name}_best", likeness.max(axis=1)
            counted = np.maximum((~same).sum(axis=1), 1)
            yield f"answers_{name}_mean", likeness.sum(axis=1) / counted

    def _beside_questions(self, asked: Ints, answered: Ints) -> Iterator[tuple[str, Floats]]:
        """Yield how much the question is like those that similar answers were given to."""
        answers, keys = self.halves.answer, self.halves.answer_key
        alike = _to_others(answers @ answers.T, keys)
        similar = largest(alike, min(_NEAREST_ANSWERS, len(keys) - 1))[answered]
        for name, table in self.alike.items():
            likeness = table[asked[:, None], similar]
            # The question itself, and its equals, are no others.
            likeness[~np.isfinite(likeness)] = 0.0
            likeness[similar == asked[:, None]] = 0.0
            yield f"questions_{name}_best", likeness.max(axis=1)
            yield f"questions_{name}_mean", likeness.mean(axis=1)


def _repeats(n: int) -> int:
    """Return how many random wrong pairs are made of each of n pairs."""
    return max(1, min(_MOST_REPEATS, _FEW // n))


def _nearest(alike: Floats) -> Ints:
    """Return the rows of the nearest other questions of each, nearest first."""
    most = max(*NEIGHBOURS.values(), HARD_NEIGHBOURS)
    return largest(alike, min(most, len(alike) - 1))


def _wrong_pairs(halves: Halves, nearest: Ints, repeats: int) -> list[Wrong]:
    """Return pairs of a block that do not belong together.

    Random ones pair distant rows, `repeats` times; hard ones take the answer of one
    of the nearest questions. Where two texts are equal, the pair is left out.
    """
    key, n = halves.question_key, len(halves)
    rows = np.arange(n)
    # Any shift is random in the order of a hash.
    mixed = np.argsort(key * np.uint64(0x9E3779B97F4A7C15), kind="stable")
    made = []
    for repeat in range(repeats):
        answered = np.empty(n, np.int64)
        answered[mixed] = np.roll(mixed, max(1, n * (2 * repeat + 1) // (2 * repeats)))
        made.append(Wrong(rows, answered, hard=False))
    for repeat in range(_HARD_REPEATS):
        chosen = (key >> np.uint64(8 + 16 * repeat)) % np.uint64(nearest.shape[1])
        made.append(Wrong(rows, nearest[rows, chosen.astype(np.int64)], hard=True))
    kept = []
    for asked, answered, hard in made:
        differ = key[asked] != key[answered]
        differ &= halves.answer_key[asked] != halves.answer_key[answered]
        kept.append(Wrong(asked[differ], answered[differ], hard))
    return kept


def _read(wrong: Wrong, rows: Ints, gains: Gains) -> Wrong:
    """Return those of a block's wrong pairs that were read."""
    read = np.isfinite(gains.of(rows[wrong.asked], rows[wrong.answered]))
    return Wrong(wrong.asked[read], wrong.answered[read], wrong.hard)


def _to_others(alike: Floats, keys: NDArray[np.uint64]) -> Floats:
    """Return how alike texts are, with minus infinity between equal ones.

    The other answers to a question are what this one competes with: to be like them says little.
    """
    alike[keys[:, None] == keys] = -np.inf
    return alike


def _products(first: csr_matrix, second: csr_matrix) -> Floats:
    """Return the scalar product of each row of the first with each of the second."""
    return np.asarray((first @ second.T).toarray(), np.float32)


def _present(terms: csr_matrix) -> csr_matrix:
    """Return 1 where a text has a term."""
    rows = terms.copy()
    rows.data = np.ones_like(rows.data)
    return rows


def _shares(terms: csr_matrix) -> csr_matrix:
    """Return each term's share of what its text weighs."""
    from scipy.sparse import diags  # noqa: PLC0415 - heavy

    whole = np.asarray(terms.sum(axis=1)).reshape(-1)
    return (diags((1 / np.maximum(whole, 1e-9)).astype(np.float32)) @ terms).tocsr()
