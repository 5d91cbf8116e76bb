"""Does an answer match its question? Out-of-sample probabilities for every pair of a corpus.

A pair is described by how well its two halves fit each other, compared to how well
they fit the other halves around: in meaning (vectors), in wording (TF-IDF of token
n-grams), through a linear map from questions to answers, and through the answers
that similar questions got. A logistic regression learns what such figures look
like for the corpus's own pairs and for wrong ones made from it, random and hard.
Everything that is fitted is cross-fitted: a pair is judged by a map and a
regression that saw neither its question nor its answer.

Pairs are compared inside blocks of a few thousand, so time grows linearly.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray
    from scipy.sparse import csr_matrix

    Floats = NDArray[np.float32]
    Ints = NDArray[np.int64]

FOLDS = 5
BLOCK = 4096
NEIGHBOURS = 10
HARD_NEIGHBOURS = 20
HARD_WEIGHT = 0.3
"""Share of the hard wrong pairs among all wrong ones, by weight; half cost much on random swaps."""
_NEAREST = 4
_RIDGE = 3.0
_MAX_TRAINING_ROWS = 20_000
_CLEARLY_WRONG = 0.2
_TIE = 1e-5
"""Vectors of equal texts may differ in their last bits: what is nearer than this is equal."""


@dataclass(frozen=True)
class Halves:
    """The questions and answers of n pairs.

    question, answer: vectors of length 1, shape (n, dimensions).
    question_terms, answer_terms: TF-IDF rows of length 1, shape (n, terms).
    question_key, answer_key: hashes that are equal where the texts are, shape (n,).
    question_length, answer_length: in Han characters or words, shape (n,).
    """

    question: Floats
    answer: Floats
    question_terms: csr_matrix
    answer_terms: csr_matrix
    question_key: NDArray[np.uint64]
    answer_key: NDArray[np.uint64]
    question_length: Floats
    answer_length: Floats

    def __len__(self) -> int:
        """Return the number of pairs."""
        return len(self.question)

    def take(self, rows: Ints) -> Halves:
        """Return the pairs of these rows."""
        return Halves(*(getattr(self, name)[rows] for name in self.__dataclass_fields__))


@dataclass(frozen=True)
class Matches:
    """What was found out about n pairs.

    match: probability that the answer belongs to the question, shape (n,).
    wrong: the same for pairs that are known to be wrong, shape (m,).
    cosine: similarity of the vectors. overlap: of the wording.
    answer_rank: share of other answers that fit the question better.
    question_rank: share of other questions that the answer fits better.
    """

    match: NDArray[np.float64]
    wrong: NDArray[np.float64]
    cosine: Floats
    overlap: Floats
    answer_rank: Floats
    question_rank: Floats


def matches(halves: Halves) -> Matches:
    """Judge every pair by a model that was fitted without it.

    Deterministic: folds, blocks and wrong pairs follow from hashes of the texts.
    Takes time and memory of order n · BLOCK. Needs at least ten distinct questions.
    """
    from threadpoolctl import threadpool_limits  # noqa: PLC0415 - needs numpy loaded first

    # One thread, so that sums are added up in the same order on every machine.
    with threadpool_limits(1):
        fold = _folds(halves.question_key)
        expected = _expected_answers(halves, fold)
        n = len(halves)
        own = np.zeros((n, len(_FEATURES)), np.float32)
        wrong: list[Floats] = []
        wrong_fold: list[Ints] = []
        is_hard: list[NDArray[np.bool_]] = []
        for rows in _blocks(halves.question_key, fold):
            block = _Block(halves.take(rows), expected[rows], fold[rows])
            here = np.arange(len(rows))
            own[rows] = block.features(here, here)
            for asked, answered, hard in block.wrong_pairs(repeats=max(1, min(5, 2000 // n))):
                wrong.append(block.features(asked, answered))
                wrong_fold.append(fold[rows][asked])
                is_hard.append(np.full(len(asked), hard))
        against = np.concatenate(wrong)
        judge = _Judge(against, np.concatenate(wrong_fold), np.concatenate(is_hard))
        match, _ = judge.probabilities(own, fold, np.ones(n, bool))
        # Once more, without the pairs that are clearly wrong among the right ones.
        match, refuted = judge.probabilities(own, fold, match > _CLEARLY_WRONG)
    column = {name: own[:, i] for i, name in enumerate(_FEATURES)}
    return Matches(
        match=match,
        wrong=refuted,
        cosine=column["meaning"],
        overlap=column["wording"],
        answer_rank=np.exp(column["meaning_row"]),
        question_rank=np.exp(column["meaning_column"]),
    )


_FEATURES = (
    *(
        f"{kind}{figure}"
        for kind in ("meaning", "wording")
        for figure in ("", "_row", "_column", "_local", "_best_neighbour", "_mean_neighbour")
    ),
    "map",
    "map_row",
    "map_column",
    "answers_nearest",
    "answers_mean",
    "answers_wording_nearest",
    "answers_wording_mean",
    "length_ratio",
)


def _folds(question_key: NDArray[np.uint64]) -> Ints:
    """Deal the questions to the folds evenly; equal questions go to the same."""
    _, group = np.unique(question_key, return_inverse=True)
    return np.asarray(group, np.int64) % FOLDS


def _blocks(question_key: NDArray[np.uint64], fold: Ints) -> list[Ints]:
    """Cut the rows into blocks of equal size, each with rows of all folds, sorted by fold."""
    order = np.argsort(question_key, kind="stable")
    n_blocks = -(-len(order) // BLOCK)
    return [rows[np.argsort(fold[rows], kind="stable")] for rows in np.array_split(order, n_blocks)]


def _expected_answers(halves: Halves, fold: Ints) -> Floats:
    """Return the answer's vector that a ridge regression on the other folds expects."""
    mean = halves.answer.mean(axis=0)
    centred = halves.answer - mean
    d = halves.question.shape[1]
    grams = np.zeros((FOLDS, d, d), np.float64)
    crossed = np.zeros((FOLDS, d, d), np.float64)
    for f in range(FOLDS):
        inside = fold == f
        grams[f] = halves.question[inside].T @ halves.question[inside]
        crossed[f] = halves.question[inside].T @ centred[inside]
    expected = np.zeros_like(halves.answer)
    for f in range(FOLDS):
        inside = fold == f
        gram = grams.sum(axis=0) - grams[f] + _RIDGE * np.eye(d)
        solved = np.linalg.solve(gram, crossed.sum(axis=0) - crossed[f])
        expected[inside] = _unit(halves.question[inside] @ solved.astype(np.float32))
    return expected


def _unit(rows: Floats) -> Floats:
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.maximum(norms, 1e-9), np.float32)


class _Block:
    """Pairs that are compared with each other; rows are sorted by fold."""

    def __init__(self, halves: Halves, expected: Floats, fold: Ints) -> None:
        self.halves = halves
        self.slices = [slice(*np.searchsorted(fold, [f, f + 1]).tolist()) for f in range(FOLDS)]
        centred = _unit(halves.answer - halves.answer.mean(axis=0))
        wording, meaning, (self.alike, self.neighbours), self.mapped = _together(
            lambda: _Table((halves.question_terms @ halves.answer_terms.T).toarray()),
            lambda: _Table(halves.question @ halves.answer.T),
            lambda: _alike(halves.question, halves.question_key),
            # The map of a fold has seen the answers of all others, so it is only asked
            # about answers of that very fold.
            lambda: [_Table(expected[s] @ centred[s].T) for s in self.slices],
        )
        self.tables = {"meaning": meaning, "wording": wording}

    def features(self, asked: Ints, answered: Ints) -> Floats:
        """Return the figures of the pairs (question of row `asked`, answer of row `answered`)."""
        near = self.neighbours[asked]
        answers, *tables, mapped = _together(
            lambda: self._answer_figures(near, answered),
            *(lambda t=t: t.figures(asked, answered, near) for t in self.tables.values()),
            lambda: self._map_figures(asked, answered),
        )
        lengths = np.log1p(self.halves.answer_length[answered]) - np.log1p(
            self.halves.question_length[asked]
        )
        columns = [column for group in (*tables, mapped, answers) for column in group]
        return np.column_stack([*columns, lengths]).astype(np.float32)

    def _map_figures(self, asked: Ints, answered: Ints) -> list[NDArray[np.floating]]:
        figures = np.zeros((3, len(asked)), np.float32)
        for table, s in zip(self.mapped, self.slices, strict=True):
            inside = np.flatnonzero((asked >= s.start) & (asked < s.stop))
            i, j = asked[inside] - s.start, answered[inside] - s.start
            value = table.values[i, j]
            figures[0, inside] = value
            figures[1, inside] = table.row_rank(i, value)
            figures[2, inside] = table.column_rank(j, value)
        return list(figures)

    def _answer_figures(self, near: Ints, answered: Ints) -> list[NDArray[np.floating]]:
        """Return how much the answer is like those that similar questions got.

        A copy of the answer itself says nothing, so it does not count.
        """
        keys = self.halves.answer_key
        copy = keys[near] == keys[answered][:, None]
        answers, terms = self.halves.answer, self.halves.answer_terms
        meaning: Floats = np.empty(near.shape, np.float32)
        # Sparse rows are slow to compare, and the nearest say most.
        wording: Floats = np.empty((len(near), min(_NEAREST, near.shape[1])), np.float32)
        own_terms = terms[answered]
        for k in range(near.shape[1]):
            meaning[:, k] = np.einsum("nd,nd->n", answers[near[:, k]], answers[answered])
        for k in range(wording.shape[1]):
            wording[:, k] = _row_products(terms[near[:, k]], own_terms)
        figures: list[NDArray[np.floating]] = []
        for likeness in (meaning, wording):
            same = copy[:, : likeness.shape[1]]
            likeness[same] = 0.0
            counted = np.maximum((~same).sum(axis=1), 1)
            figures += [likeness.max(axis=1), likeness.sum(axis=1) / counted]
        return figures

    def wrong_pairs(self, *, repeats: int) -> list[tuple[Ints, Ints, bool]]:
        """Return pairs that do not belong together, inside each fold: (asked, answered, hard).

        Random ones pair distant rows, `repeats` times; hard ones take the answer of
        one of the nearest questions. Where two texts are equal, the pair is left out.
        """
        made: list[tuple[Ints, Ints, bool]] = []
        for s in self.slices:
            rows = np.arange(s.start, s.stop)
            n = len(rows)
            # Rows of a fold lie in the order of a hash, so any shift is random.
            shifts = sorted({max(1, n * (2 * k + 1) // (2 * repeats)) for k in range(repeats)})
            made += [(rows, np.roll(rows, shift), False) for shift in shifts if n > 1]
            if n > 2:
                count = min(HARD_NEIGHBOURS, n - 1)
                nearest = _largest(self.alike[s, s], count) + s.start
                chosen = (self.halves.question_key[rows] >> np.uint64(8)) % np.uint64(count)
                made.append((rows, nearest[np.arange(n), chosen.astype(np.int64)], True))
        keys = self.halves
        kept = []
        for asked, answered, hard in made:
            differ = (keys.question_key[asked] != keys.question_key[answered]) & (
                keys.answer_key[asked] != keys.answer_key[answered]
            )
            kept.append((asked[differ], answered[differ], hard))
        return kept


class _Table:
    """How well each question (row) fits each answer (column), and the ranks in it."""

    def __init__(self, values: Floats) -> None:
        self.values = np.ascontiguousarray(values, np.float32)
        self.turned = np.ascontiguousarray(values.T)
        self.row_top = _top_mean(self.values)
        self.column_top = _top_mean(self.turned)

    def figures(self, asked: Ints, answered: Ints, near: Ints) -> list[NDArray[np.floating]]:
        """Return how pairs fit, beside others, and beside the questions `near` the asked ones."""
        value = self.values[asked, answered]
        others = self.values[near, answered[:, None]]
        return [
            value,
            self.row_rank(asked, value),
            self.column_rank(answered, value),
            2 * value - self.row_top[asked] - self.column_top[answered],
            others.max(axis=1) - value,
            others.mean(axis=1) - value,
        ]

    def row_rank(self, rows: Ints, value: Floats) -> NDArray[np.floating]:
        """Return the log of the share of a row's values that exceed the given one."""
        return _log_rank(self.values, rows, value)

    def column_rank(self, columns: Ints, value: Floats) -> NDArray[np.floating]:
        """Return the log of the share of a column's values that exceed the given one."""
        return _log_rank(self.turned, columns, value)


def _together(*calls: Callable[[], Any]) -> list[Any]:
    """Return the calls' results, worked out in two threads: the other worker is idle meanwhile.

    What they do is NumPy's and SciPy's, which lets go of the interpreter.
    """
    with ThreadPoolExecutor(2) as pool:
        return [future.result() for future in [pool.submit(call) for call in calls]]


def _alike(questions: Floats, keys: NDArray[np.uint64]) -> tuple[Floats, Ints]:
    """Return how alike the questions are, none to an equal one, and the nearest of each.

    The other answers to a question are what this one competes with: to be like them says little.
    """
    alike = questions @ questions.T
    alike[keys[:, None] == keys] = -np.inf
    return alike, _largest(alike, min(NEIGHBOURS, len(questions) - 1))


def _row_products(first: csr_matrix, second: csr_matrix) -> Floats:
    """Return the scalar product of each row with its counterpart."""
    return np.asarray(first.multiply(second).sum(axis=1), np.float32).reshape(-1)


def _log_rank(values: Floats, rows: Ints, value: Floats) -> NDArray[np.floating]:
    above = np.empty(len(rows), np.int64)
    bar = value + np.float32(_TIE)
    for start in range(0, len(rows), 256):
        piece = slice(start, start + 256)
        above[piece] = np.count_nonzero(values[rows[piece]] > bar[piece, None], axis=1)
    width = max(1, values.shape[1])
    return np.asarray(np.log((above + 1) / (width + 1)))


def _top_mean(values: Floats) -> Floats:
    k = min(NEIGHBOURS, values.shape[1])
    if k == 0:
        return np.zeros(len(values), np.float32)
    top = np.partition(values, values.shape[1] - k, axis=1)[:, -k:]
    return np.asarray(top.mean(axis=1), np.float32)


def _largest(values: Floats, k: int) -> Ints:
    """Return the columns of the k largest values of each row, largest first."""
    top = np.argpartition(-values, k - 1, axis=1)[:, :k]
    order = np.argsort(-np.take_along_axis(values, top, axis=1), axis=1, kind="stable")
    return np.take_along_axis(top, order, axis=1)


class _Judge:
    """A logistic regression of own pairs against wrong ones, cross-fitted by fold."""

    def __init__(self, wrong: Floats, fold: Ints, hard: NDArray[np.bool_]) -> None:
        self.wrong = wrong
        self.fold = fold
        self.hard = hard

    def probabilities(
        self, own: Floats, fold: Ints, trusted: NDArray[np.bool_]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return P(match) of the own and of the wrong pairs; trusted own ones alone teach.

        The first is shape (n,), the second about as long: as many wrong pairs as own
        ones, in which the hard ones are as common as they weigh in training.
        """
        match = np.full(len(own), 0.5)
        refuted = np.full(len(self.wrong), 0.5)
        for f in range(FOLDS):
            learned = _thinned(np.flatnonzero((fold != f) & trusted))
            easy = _thinned(np.flatnonzero((self.fold != f) & ~self.hard))
            hard = _thinned(np.flatnonzero((self.fold != f) & self.hard))
            rows = np.concatenate([own[learned], self.wrong[easy], self.wrong[hard]])
            says = np.repeat([1, 0, 0], [len(learned), len(easy), len(hard)])
            weight = np.repeat(
                [1.0, _each(1 - HARD_WEIGHT, learned, easy), _each(HARD_WEIGHT, learned, hard)],
                [len(learned), len(easy), len(hard)],
            )
            predict = _logistic(rows, says, weight)
            match[fold == f] = predict(own[fold == f])
            refuted[self.fold == f] = predict(self.wrong[self.fold == f])
        n_hard = round(len(own) * HARD_WEIGHT)
        return match, np.concatenate(
            [
                _spread(refuted[~self.hard], len(own) - n_hard),
                _spread(refuted[self.hard], n_hard),
            ]
        )


def _spread(values: NDArray[np.float64], count: int) -> NDArray[np.float64]:
    """Return `count` values evenly spread over all, or all where there are fewer."""
    if len(values) <= count:
        return values
    return values[np.linspace(0, len(values) - 1, count).astype(np.int64)]


def _thinned(rows: Ints) -> Ints:
    """Return the rows, or evenly spread ones where there are more than a fit needs."""
    return rows[:: -(-len(rows) // _MAX_TRAINING_ROWS)] if len(rows) else rows


def _each(share: float, learned: Ints, rows: Sequence[int] | Ints) -> float:
    return share * len(learned) / max(1, len(rows))


def _logistic(rows: Floats, says: Ints, weight: NDArray[np.float64]) -> _Predict:
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415 - heavy

    mean = rows.mean(axis=0, dtype=np.float64)
    spread = np.maximum(rows.std(axis=0, dtype=np.float64), 1e-6)
    # Few figures, many rows: a handful of Newton steps end where L-BFGS takes hundreds.
    model = LogisticRegression(C=0.1, solver="newton-cholesky")
    model.fit((rows - mean) / spread, says, sample_weight=weight)
    return _Predict(mean, spread, model.coef_[0], float(model.intercept_[0]))


@dataclass(frozen=True)
class _Predict:
    mean: NDArray[np.float64]
    spread: NDArray[np.float64]
    slope: NDArray[np.float64]
    level: float

    def __call__(self, rows: Floats) -> NDArray[np.float64]:
        logit = (rows - self.mean) / self.spread @ self.slope + self.level
        return np.asarray(1.0 / (1.0 + np.exp(-logit)))
