from __future__ import annotations

import numpy as np
import pytest

from curator.matching import Halves, describe, judge
from curator.matching.fit import Fit
from curator.matching.folds import FOLDS, folds
from curator.terms import counts, tfidf


def halves(n: int, asked: np.ndarray, said: np.ndarray, seed: int = 0) -> Halves:
    """Return pairs whose halves lie near a common point; equal numbers are equal texts."""
    rng = np.random.default_rng(seed)
    points = rng.normal(size=(n, 16)).astype(np.float32)
    words = rng.integers(0, 400, (n, 6))

    def side(which: np.ndarray, shift: int) -> tuple[np.ndarray, list[str]]:
        noise = np.random.default_rng(seed + shift).normal(size=(n, 16)).astype(np.float32) * 0.3
        vectors = (points + noise)[which]
        texts = [" ".join(f"w{w}" for w in words[i]) + f" s{shift}x{i}" for i in which]
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True), texts

    (q, q_texts), (a, a_texts) = side(asked, 1), side(said, 2)
    keys = np.random.default_rng(9).integers(0, 2**63, (2, n), dtype=np.uint64)
    long = np.full(n, 7, np.float32)
    terms = tfidf([counts(q_texts), counts(a_texts)])
    return Halves(q, a, *terms, keys[0][asked], keys[1][said], long, long)


def test_pairs_with_a_text_in_common_share_a_fold_whatever_their_order() -> None:
    n = 300
    asked, said = np.arange(n), np.arange(n)
    asked[10:20] = 3
    said[[40, 80]] = 41
    said[200:] = 200  # a set phrase ties nothing
    made = halves(n, asked, said)
    fold = folds(made)
    assert len(set(fold[[3, *range(10, 20)]])) == 1
    assert len(set(fold[[40, 41, 80]])) == 1
    sizes = np.bincount(fold, minlength=FOLDS)
    assert sizes.min() > n / FOLDS / 2
    turned = np.random.default_rng(1).permutation(n)
    assert (folds(made.take(turned)) == fold[turned]).all()


def test_swapped_answers_score_worse_and_no_signal_is_needed_alone() -> None:
    n = 400
    said = np.arange(n)
    wrong = np.arange(5, n, 20)
    said[wrong] = np.roll(wrong, 1)
    described = describe(halves(n, np.arange(n), said))
    right = np.setdiff1d(np.arange(n), wrong)
    for left_out in ("wording", "meaning"):
        names = [name for name in described.names if not name.startswith(left_out)]
        match = judge(described, names).match
        assert np.median(match[wrong]) < 0.2
        assert np.median(match[right]) > 0.8


def test_of_several_answers_to_one_question_the_others_do_not_teach() -> None:
    # Ten answers to each question, nine of them those of other questions.
    n = 400
    asked = np.repeat(np.arange(0, n, 10), 10)
    said = np.random.default_rng(2).permutation(n)
    said = np.where(np.arange(n) % 10 == 0, np.arange(n), np.where(said % 10 == 0, said + 1, said))
    match = judge(describe(halves(n, asked, said))).match
    own = np.arange(n) % 10 == 0
    assert np.median(match[own]) > 0.5 > np.median(match[~own])


def test_the_right_answer_does_not_compete_with_the_one_of_a_made_pair() -> None:
    table = np.array([[0.9, 0.1, 0.2], [0.3, 0.8, 0.4], [0.1, 0.2, 0.7]], np.float32)
    near = {"nearest": np.array([[1], [2], [1]])}
    asked, answered = np.array([0, 0, 1]), np.array([0, 2, 2])
    found = Fit(table).figures(asked, answered, near)
    # Of the first question the right answer alone would fit better than the third answer.
    assert np.exp(found["row"]) * 4 == pytest.approx([1, 1, 1])
    assert np.exp(found["column"]) * 4 == pytest.approx([1, 3, 2])
    # The mean of the two best answers of each question, without its own where another is judged.
    top = np.array([(0.9 + 0.2) / 2, (0.1 + 0.2) / 2, (0.3 + 0.4) / 2])
    mine, other = (0.9 + 0.3) / 2, (0.7 + 0.4) / 2
    values = np.array([0.9, 0.2, 0.4])
    assert found["local"] == pytest.approx(2 * values - top - [mine, other, other], abs=1e-6)
