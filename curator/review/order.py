"""The order in which records are reviewed: first where an answer is worth most. Pure.

Before anything was reviewed the order is that of the scores. Afterwards a logistic model
of what people said (which codes with which scores, which topics, how well question and
answer fit among the others of the queue) corrects them, the more, the more was said. The
most probable errors come first; where the model is in doubt it gains from an answer, and
of many records that ask the same not all come at once, so that every topic is looked at
early.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from curator.review.items import Item

    Floats = NDArray[np.float64]

FEWEST = 20
"""Below so many answers nothing is learned from them."""
TRUST = 200
"""After so many answers they count as much as the scores do."""
DOUBT, CROWD, WORTH = 0.10, 0.02, 0.05
"""What a doubt of the model, a record of the same topic before it, and a duplicate weigh."""
_DIMENSIONS = 24
_NEAREST, _MOST, _BLOCK = 10, 5000, 1024
_LEAST, _ROUNDING = 1e-4, 1e-5


@dataclass(frozen=True)
class Signals:
    """What is known of records, row by row.

    `scores` has a column a code, 0 where nothing was found; `question` and `answer` are
    vectors of length 1, or zeros; `fit` tells how they fit (see `fits`); `cluster` is a number
    of like questions; `worth` counts what hangs on a record.
    """

    scores: Floats
    question: NDArray[np.float32]
    answer: NDArray[np.float32]
    fit: Floats
    cluster: NDArray[np.int64]
    worth: NDArray[np.int64]

    def __len__(self) -> int:
        """Return how many records there are."""
        return len(self.scores)


def signals(items: Sequence[Item]) -> Signals:
    """Return what is known of the records under review."""
    codes = sorted({code for item in items for code in item.scores})
    column = {code: at for at, code in enumerate(codes)}
    scores = np.zeros((len(items), max(1, len(codes))))
    width = max((len(v) for item in items for v in item.vectors.values()), default=1)
    halves = {name: np.zeros((len(items), width), np.float32) for name in ("question", "answer")}
    for row, item in enumerate(items):
        for code, score in item.scores.items():
            scores[row, column[code]] = score
        for name, vector in item.vectors.items():
            halves[name][row] = vector
    return Signals(
        scores,
        halves["question"],
        halves["answer"],
        fits(halves["question"], halves["answer"]),
        np.array([item.cluster for item in items], np.int64),
        np.array([item.worth for item in items], np.int64),
    )


def fits(question: NDArray[np.float32], answer: NDArray[np.float32]) -> Floats:
    """Return how well each question and answer fit, seen among the others; seven columns.

    How like they are; the share of other answers that fit the question better, and of other
    questions that the answer fits better, as logarithms; how like the answer is to the
    answers of the nearest questions, in the mean and at most; by how much it fits one of
    these questions better than its own; how like the questions of the nearest answers are.

    Of many rows each is compared with some thousands of the others.

    Args:
        question: vectors of length 1, shape (rows, dimensions); zeros where there is none.
        answer: the same of the answers.

    """
    n = len(question)
    found = np.zeros((n, 7))
    rows = np.flatnonzero(question.any(axis=1) & answer.any(axis=1))
    if len(rows) <= 2 * _NEAREST:
        return found
    others = rows[:: -(-len(rows) // _MOST)]
    asked, answered = question[others], answer[others]
    for low in range(0, len(rows), _BLOCK):
        mine = rows[low : low + _BLOCK]
        q, a = question[mine], answer[mine]
        same = others[None, :] == mine[:, None]
        own = np.einsum("ij,ij->i", q, a)[:, None]
        better_answers = ((q @ answered.T > own + _ROUNDING) & ~same).mean(axis=1)
        fitting = a @ asked.T
        better_questions = ((fitting > own + _ROUNDING) & ~same).mean(axis=1)
        questions = np.where(same, -np.inf, q @ asked.T)
        answers = np.where(same, -np.inf, a @ answered.T)
        near = np.argpartition(-questions, _NEAREST, axis=1)[:, :_NEAREST]
        close = np.argpartition(-answers, _NEAREST, axis=1)[:, :_NEAREST]
        agreeing = np.take_along_axis(answers, near, 1)
        found[mine] = np.column_stack(
            [
                own,
                np.log(better_answers + _LEAST),
                np.log(better_questions + _LEAST),
                agreeing.mean(axis=1),
                agreeing.max(axis=1),
                np.take_along_axis(fitting, near, 1).max(axis=1) - own[:, 0],
                np.take_along_axis(questions, close, 1).mean(axis=1),
            ]
        )
    return found


def order(known: Signals, said: Mapping[int, bool]) -> list[int]:
    """Return the rows that are not reviewed yet, the one to review first at the front.

    Args:
        known: what is known of all records, reviewed or not.
        said: by row, whether people found an error there.

    """
    probable = probabilities(known, said)
    trust = len(said) / (len(said) + TRUST)
    doubt = 4 * probable * (1 - probable) * trust
    value = probable + DOUBT * doubt + WORTH * np.log2(np.maximum(known.worth, 1))
    rows = np.array([row for row in range(len(known)) if row not in said], np.int64)
    rows = rows[np.lexsort((rows, -value[rows]))]
    before: dict[int, int] = {}
    place = np.empty(len(rows))
    for at, row in enumerate(rows.tolist()):
        group = int(known.cluster[row])
        place[at] = value[row] - CROWD * np.log2(1 + before.get(group, 0))
        before[group] = before.get(group, 0) + 1
    return [int(row) for row in rows[np.lexsort((rows, -place))]]


def probabilities(known: Signals, said: Mapping[int, bool]) -> Floats:
    """Return how probable an error is in each record: by the scores, and by what people said."""
    prior = np.clip(known.scores.max(axis=1), 0.01, 0.99)
    outcomes = np.array([said[row] for row in said], np.float64)
    if len(said) < FEWEST or outcomes.min() == outcomes.max():
        return np.asarray(prior, np.float64)
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415 - heavy

    features = _features(known, prior)
    rows = list(said)
    model = LogisticRegression(C=0.5, solver="newton-cholesky").fit(features[rows], outcomes)
    learned = model.predict_proba(features)[:, 1]
    trust = len(said) / (len(said) + TRUST)
    return np.asarray((1 - trust) * prior + trust * learned, np.float64)


def _features(known: Signals, prior: Floats) -> Floats:
    """Return what the model sees, each column of about the same spread."""
    topics = _projected((known.question + known.answer) / 2)
    apart = _projected(known.question - known.answer)
    odds = np.log(prior / (1 - prior))
    columns = [known.scores, topics, apart, known.fit, odds[:, None]]
    table = np.column_stack([column.astype(np.float64) for column in columns])
    spread = table.std(axis=0)
    scaled = (table - table.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    # What many columns say of the topic is not to drown what the scores say.
    weights = np.ones(table.shape[1])
    first = known.scores.shape[1]
    weights[first : first + topics.shape[1] + apart.shape[1]] = 0.3
    weights[-1] = 2.0
    return np.asarray(scaled * weights, np.float64)


def _projected(vectors: NDArray[np.floating[Any]]) -> Floats:
    """Return the coordinates along the directions in which the vectors differ most."""
    centred = vectors.astype(np.float64) - vectors.mean(axis=0)
    values, directions = np.linalg.eigh(centred.T @ centred)
    chosen = directions[:, np.argsort(-values)[: min(_DIMENSIONS, centred.shape[1])]]
    return np.asarray(centred @ chosen, np.float64)
