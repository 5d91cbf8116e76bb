"""How probable it is that two texts say the same in other words: a small fixed model.

A logistic regression on the cosine of the two sentence embeddings and on what
`comparison` finds, one for Chinese and one for other languages. Where the two
conflict (another number, name, kind of question, a negation, an antonym, swapped roles
or persons) the score is at most 0.3, whatever the model says.

How the coefficients were found: by maximum likelihood with an L2 penalty of 1, on
the pairs without conflict of one half of four Chinese sets (LCQMC, OPPO, BQ, PAWS-X;
some 4,700 such pairs) and one English one (MSRP; some 1,000). Coefficients were held to the
sign that makes sense: more that differs never raises a score. What the Chinese
questions say of `one`, `both` and `light` to `codes` was taken over for English, since
MSRP has no questions; and `asking` takes back what its news allow: in a question a
word more, or another word, weighs as it does in Chinese. The halves
are drawn by a hash of the sentences, so that no sentence is in both; the figures of
the other half are in docs/benchmarks.md. `python -m tests.benchmarks.pairs --fit`
repeats the fit.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from curator.semantic.comparison import Comparison, compare, conflicts
from curator.semantic.wording import LONGEST
from curator.text import fold, language

if TYPE_CHECKING:
    from collections.abc import Mapping

CONFLICTING = 0.3
"""The highest score of two texts that conflict."""
_OFTEN = 3
_LATIN_PER_HAN = 3

FEATURES = (
    "cosine",
    "high",
    "one",
    "one_cosine",
    "one_share",
    "both",
    "both_cosine",
    "both_share",
    "light",
    "modal",
    "degree",
    "pronouns",
    "asks",
    "codes",
    "asking",
)
"""Cosines count from 0.9 in steps of 0.1, `high` only above.

`one`: one text says something that the other does not; `both`: each does; the `_share` is how much
of the texts that is. `cosine` and `light` to `asks` count only where neither says more than the
other. `asking`: both are questions, and say something alone.
"""

COEFFICIENTS: dict[str, Mapping[str, float]] = {
    "zh": {
        "constant": 1.23,
        "cosine": 0.59,
        "high": 2.23,
        "one": -1.14,
        "one_cosine": 0.18,
        "both": -1.13,
        "both_cosine": 0.28,
        "light": -0.19,
        "modal": -0.51,
        "degree": -0.62,
        "pronouns": -0.2,
        "asks": -0.58,
        "codes": -1.47,
    },
    "other": {
        "constant": 3.28,
        "cosine": 0.12,
        "high": 1.58,
        "one": -1.14,
        "one_share": -0.45,
        "both": -1.13,
        "both_cosine": 0.49,
        "both_share": -1.52,
        "light": -0.19,
        "modal": -0.51,
        "degree": -0.62,
        "pronouns": -0.2,
        "asks": -0.58,
        "codes": -1.47,
        "asking": -2.05,
    },
}
"""By language; `constant` beside the features, a feature that is not named counts nothing."""


@dataclass(frozen=True, slots=True)
class Likeness:
    """The probability that two texts say the same, and what conflicts in them."""

    score: float
    conflicts: tuple[str, ...]


def likeness(left: str, right: str, cosine: float, cap: int, floor: float = 0.0) -> Likeness:
    """Return how probably two texts of one language say the same.

    Args:
        left: a text.
        right: the other; their order does not matter.
        cosine: of their embeddings.
        cap: how much of a text was embedded, in Han characters. Of longer texts the
            cosine is taken to be no more than the share of words in common.
        floor: what conflicts is looked for only in texts with such a score.

    """
    if fold(left) == fold(right):
        return Likeness(1.0, ())
    if max(len(left), len(right)) > LONGEST:
        return Likeness(0.0, ())
    found = compare(left, right)
    tongue = "zh" if "zh" in {language(left), language(right)} else "other"
    longest = cap if tongue == "zh" else cap * _LATIN_PER_HAN
    if max(len(left), len(right)) > longest:
        cosine = min(cosine, 2 * found.common / max(1, sum(found.lengths)))
    weights = COEFFICIENTS[tongue]
    total = weights["constant"] + sum(
        weights.get(name, 0.0) * value for name, value in features(found, cosine).items()
    )
    score = 1 / (1 + math.exp(-total))
    if score < floor:
        return Likeness(score, ())
    differ = conflicts(left, right)
    return Likeness(min(score, CONFLICTING) if differ else score, differ)


def least_cosine(floor: float, tongue: str) -> float:
    """Return the cosine below which no two texts of a language reach a score."""
    weights = COEFFICIENTS[tongue]
    wanted = math.log(max(floor, 1e-9) / max(1 - floor, 1e-9)) - weights["constant"]
    reached = []
    for case, slope in (("", "cosine"), ("one", "one_cosine"), ("both", "both_cosine")):
        missing = wanted - weights.get(case, 0.0)
        rise = weights.get(slope, 0.0) + (weights["high"] if missing > 0 else 0.0)
        if rise:
            reached.append(missing / rise)
        elif missing <= 0:
            reached.append(-math.inf)
    return max(-1.0, 0.9 + min(reached, default=math.inf) / 10)


def features(found: Comparison, cosine: float) -> dict[str, float]:
    """Return the model's features (see `FEATURES`)."""
    more, less = max(found.alone), min(found.alone)
    one, both = float(less == 0 < more), float(less > 0)
    plain = 1 - one - both
    near = 10 * (cosine - 0.9)
    return {
        "cosine": plain * near,
        "high": max(0.0, near),
        "one": one,
        "one_cosine": one * near,
        "one_share": one * more / max(1, *found.lengths),
        "both": both,
        "both_cosine": both * near,
        "both_share": both * sum(found.alone) / max(1, sum(found.lengths)),
        "light": plain * min(_OFTEN, found.light),
        "modal": plain * min(_OFTEN, found.modal),
        "degree": plain * min(_OFTEN, found.degree),
        "pronouns": plain * min(_OFTEN, found.pronouns),
        "asks": plain * found.asks,
        "codes": float(min(_OFTEN, found.codes)),
        "asking": (one + both) * found.asking,
    }
