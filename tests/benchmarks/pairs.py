"""Semantic duplicates: pairs of sentences that people judged, four Chinese sets and an English one.

LCQMC, OPPO and BQ are questions, PAWS-X sentences with words changed round, MSRP news.
The model was fitted on one half; the figures are of the other, and no sentence is in both.
Our peer is the plain cosine of the same embeddings: at 0.9, which is what SemHash and its like
do, and at the threshold that suits each set best, which nobody knows beforehand. The default is
the lowest threshold at which both halves of LCQMC, OPPO and MSRP have a precision of 0.95.

python -m tests.benchmarks.pairs --fit   prints the coefficients of curator/semantic/score.py
"""

from __future__ import annotations

import gzip
import hashlib
import json
import sys
import time
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from tests.benchmarks.harness import Row, arguments, measured, report

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

CHINESE = ("lcqmc", "oppo", "bq", "pawsx_zh")
ENGLISH = ("msrp",)
DEFAULT = 0.94
"""The bundled policy's threshold."""
_THRESHOLDS = (0.8, 0.9)
_BINS = (0.0, 0.31, 0.5, 0.7, 0.8, 0.9, 0.94, 1.01)
"""Of the scores, where the share of pairs that people call the same is told."""
_PEER = 0.9
_AIMS = dict.fromkeys(("lcqmc", "oppo", "msrp"), ">= 0.95")
_ENCODER = "use-multilingual"
_FEWEST = 20
_TAKEN_OVER = (
    *("one", "both", "differs", "scope", "modal", "degree", "pronouns", "swapped", "asks"),
    *("short", "codes"),
)
"""What English takes over from Chinese."""


@dataclass(frozen=True)
class Pairs:
    """One half of a set: the texts, whether people call them the same, the embeddings' cosines."""

    left: list[str]
    right: list[str]
    same: NDArray[np.bool_]
    cosine: NDArray[np.float64]


def read(
    data: Path, name: str
) -> tuple[list[tuple[str, str]], NDArray[np.bool_], NDArray[np.bool_]]:
    """Return a set's pairs, whether each is the same, and whether each is in the half to fit on.

    Pairs that share a sentence, by whatever chain, are in one half.
    """
    with gzip.open(data / "pairs" / f"{name}.jsonl.gz", "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    parent: dict[str, str] = {}

    def root(text: str) -> str:
        while parent.setdefault(text, text) != text:
            parent[text] = parent[parent[text]]
            text = parent[text]
        return text

    for row in rows:
        a, b = root(row["text_a"]), root(row["text_b"])
        parent[max(a, b)] = min(a, b)
    to_fit = [hashlib.sha256(root(row["text_a"]).encode()).digest()[-1] % 2 == 0 for row in rows]
    return (
        [(row["text_a"], row["text_b"]) for row in rows],
        np.array([bool(row["is_duplicate"]) for row in rows]),
        np.array(to_fit),
    )


def half(data: Path, name: str, *, to_fit: bool) -> Pairs:
    """Return one half of a set."""
    from curator.checks.embeddings import CAP
    from curator.models.encoders import embed, load_encoder

    texts, same, fitted = read(data, name)
    mine = [pair for pair, chosen in zip(texts, fitted.tolist(), strict=True) if chosen == to_fit]
    left, right = [a for a, _ in mine], [b for _, b in mine]
    vectors = embed(load_encoder(_ENCODER), left + right, CAP)
    cosine = np.einsum("ij,ij->i", vectors[: len(mine)], vectors[len(mine) :], dtype=np.float64)
    return Pairs(left, right, same[fitted == to_fit], cosine)


def judged(data: Path, names: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Return for each set people's judgement, the cosines, our scores and our seconds."""
    from curator.checks.embeddings import CAP
    from curator.semantic.score import likeness
    from curator.semantic.wording import wording

    found = {}
    for name in names:
        pairs = half(data, name, to_fit=False)
        wording.cache_clear()
        began = time.perf_counter()
        scores = [
            likeness(a, b, round(cosine, 3), CAP).score
            for a, b, cosine in zip(pairs.left, pairs.right, pairs.cosine.tolist(), strict=True)
        ]
        seconds = time.perf_counter() - began
        found[name] = {
            "same": pairs.same,
            "cosine": pairs.cosine,
            "score": np.array(scores),
            "seconds": seconds,
        }
    return found


def precision_recall(
    same: NDArray[np.bool_], score: NDArray[np.float64], threshold: float
) -> tuple[float | None, float]:
    """Return precision (None where nothing is merged) and recall of what reaches a threshold."""
    merged = score >= threshold
    right = int((same & merged).sum())
    precision = round(right / int(merged.sum()), 4) if merged.any() else None
    return precision, round(right / max(1, int(same.sum())), 4)


def best_recall(same: NDArray[np.bool_], score: NDArray[np.float64], least: float) -> float:
    """Return the highest recall at which precision is `least`, by the threshold that suits best."""
    order = np.argsort(-score, kind="stable")
    right = np.cumsum(same[order])
    good = np.flatnonzero(right / np.arange(1, len(same) + 1) >= least)
    good = good[good >= _FEWEST - 1]
    return round(float(right[good[-1]] / same.sum()), 4) if good.size else 0.0


def rows_of(found: Mapping[str, Mapping[str, Any]]) -> Iterator[Row]:
    """Turn the judgements into figures."""
    plain = f"cosine >= {_PEER}"
    for name, f in found.items():
        same, score, cosine = f["same"], f["score"], f["cosine"]
        precision, recall = precision_recall(same, score, DEFAULT)
        peer_precision, peer_recall = precision_recall(same, cosine, _PEER)
        yield Row(
            f"{name}: precision at {DEFAULT}", precision, peer_precision, plain, _AIMS.get(name)
        )
        yield Row(f"{name}: recall at {DEFAULT}", recall, peer_recall, plain)
        for threshold in _THRESHOLDS:
            precision, recall = precision_recall(same, score, threshold)
            yield Row(f"{name}: precision at {threshold}", precision)
            yield Row(f"{name}: recall at {threshold}", recall)
        yield Row(
            f"{name}: recall at precision 0.95, each by its best threshold",
            best_recall(same, score, 0.95),
            best_recall(same, cosine, 0.95),
            "cosine",
        )
        yield Row(
            f"{name}: false merges in {int((~same).sum())} pairs that differ",
            int((~same & (score >= DEFAULT)).sum()),
            int((~same & (cosine >= _PEER)).sum()),
            plain,
        )
        yield from reliability(name, same, score)
        yield Row(f"{name}: seconds per 1,000 pairs", round(1000 * f["seconds"] / len(same), 3))
    same, score, cosine = (
        np.concatenate([f[key] for f in found.values()]) for key in ("same", "score", "cosine")
    )
    precision, recall = precision_recall(same, score, DEFAULT)
    peer_precision, peer_recall = precision_recall(same, cosine, _PEER)
    yield Row(f"all: precision at {DEFAULT}", precision, peer_precision, plain, ">= 0.95")
    yield Row(f"all: recall at {DEFAULT}", recall, peer_recall, plain)
    for language, names in (("Chinese", CHINESE), ("English", ENGLISH)):
        told = [found[name] for name in names if name in found]
        if told:
            sides = (np.concatenate([f[key] for f in told]) for key in ("same", "score"))
            yield from reliability(language, *sides)


def reliability(name: str, same: NDArray[np.bool_], score: NDArray[np.float64]) -> Iterator[Row]:
    """Tell how many are the same of those with some score, beside the mean of their scores.

    A score of up to 0.3 only says that the two conflict.
    """
    for low, high in pairwise(_BINS):
        mine = (score >= low) & (score < high)
        if mine.any():
            yield Row(
                f"{name}: same of {int(mine.sum())} with a score of {low} to {min(1.0, high)}",
                round(float(same[mine].mean()), 3),
                round(float(score[mine].mean()), 3),
                "mean score",
            )


def fitted(data: Path) -> dict[str, dict[str, float]]:
    """Return the coefficients that the halves to fit on give, rounded to two digits."""
    chinese = _fit(*_matrix(data, CHINESE), {"asking": 0.0})
    taken = {name: chinese[name] for name in _TAKEN_OVER} | {"asking": 0.0}
    english = _fit(*_matrix(data, ENGLISH), taken)
    # In a question a word for another weighs as in Chinese, whatever the news allow.
    english["asking"] = chinese["constant"] - english["constant"]
    return {
        language: {name: round(value, 2) for name, value in weights.items() if round(value, 2)}
        for language, weights in (("zh", chinese), ("other", english))
    }


def _matrix(data: Path, names: Sequence[str]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return features and judgement of the pairs without a conflict."""
    from curator.semantic.comparison import compare, conflicts
    from curator.semantic.score import features

    tongue = "zh" if names == CHINESE else "other"
    rows, same = [], []
    for name in names:
        pairs = half(data, name, to_fit=True)
        for i, cosine in enumerate(pairs.cosine.tolist()):
            found = compare(pairs.left[i], pairs.right[i])
            if not conflicts(pairs.left[i], pairs.right[i]):
                rows.append(list(features(found, round(cosine, 3), tongue).values()))
                same.append(float(pairs.same[i]))
    return np.array(rows), np.array(same)


def _fit(
    rows: NDArray[np.float64], same: NDArray[np.float64], given: Mapping[str, float]
) -> dict[str, float]:
    """Fit a logistic regression with an L2 penalty of 1; `given` coefficients stay as they are.

    Similarity never lowers, a difference never raises.
    """
    from scipy.optimize import minimize

    from curator.semantic.score import FEATURES

    known = rows @ np.array([given.get(name, 0.0) for name in FEATURES])

    def loss(weights: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        total = rows @ weights[1:] + weights[0] + known
        slope = 1 / (1 + np.exp(-total)) - same
        value = np.logaddexp(0, -total * (2 * same - 1)).sum() + (weights[1:] ** 2).sum() / 2
        return value, np.concatenate([[slope.sum()], rows.T @ slope + weights[1:]])

    def bounds(name: str) -> tuple[float | None, float | None]:
        if name in given:
            return 0, 0
        return (0, None) if name.endswith(("cosine", "high")) else (None, 0)

    found = minimize(
        loss,
        np.zeros(len(FEATURES) + 1),
        jac=True,
        method="L-BFGS-B",
        bounds=[(None, None), *map(bounds, FEATURES)],
    ).x
    weights = dict(zip(FEATURES, found[1:].tolist(), strict=True)) | dict(given)
    return {"constant": float(found[0])} | {name: weights[name] for name in FEATURES}


def main() -> None:
    """Measure all sets and print the figures, or print the fit."""
    fit = "--fit" in sys.argv
    if fit:
        sys.argv.remove("--fit")
    given = arguments(__doc__ or "")
    if fit:
        sys.stdout.write(json.dumps(measured(fitted, given.data).result, indent=2) + "\n")
        return
    found = measured(judged, given.data, (*CHINESE, *ENGLISH)).result
    report("pairs", list(rows_of(found)), as_json=given.json)


if __name__ == "__main__":
    main()
