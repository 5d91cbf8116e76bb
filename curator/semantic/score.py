"""How probable it is that two texts say the same in other words: a small fixed model.

A logistic regression on the cosine of the two sentence embeddings and on what
`comparison` finds, one for Chinese and one for other languages. Where the two
conflict (another number, name, time or kind of question, a negation, an antonym, swapped
roles or persons) the score is at most 0.3, whatever the model says.

How the coefficients were found: by maximum likelihood with an L2 penalty of 1, on
the pairs without conflict of one half of four Chinese sets (LCQMC, OPPO, BQ, PAWS-X;
some 4,700 such pairs) and one English one (MSRP; some 1,000). Coefficients were held to the
sign that makes sense: more that differs never raises a score. What the Chinese
questions say of `one`, `both` and `differs` to `codes` was taken over for English, since
MSRP has no questions; and `asking` takes back what its news allow: in a question a
word more, or another word, weighs as it does in Chinese. The halves
are drawn by a hash of the sentences, so that no sentence is in both; the figures of
the other half are in docs/benchmarks.md. `python -m tests.benchmarks.pairs --fit`
repeats the fit.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from typing import TYPE_CHECKING

from curator.semantic.comparison import Comparison, Glance, compare, conflicts, glance, in_place
from curator.semantic.wording import LONGEST
from curator.text import fold, language

if TYPE_CHECKING:
    from collections.abc import Mapping

CONFLICTING = 0.3
"""The highest score of two texts that conflict."""
REPLACED = 0.9
"""The highest score of two texts of which one has, in the place of a word, one that is not known
to say the same: of a drug another drug, of a city another city."""
_OFTEN = 3
_LONG = {"zh": 7, "other": 4}
"""Units of content from which on a text is long: Han characters, and words."""
_LATIN_PER_HAN = 3

FEATURES = (
    "cosine",
    "one",
    "one_cosine",
    "one_high",
    "one_share",
    "both",
    "both_cosine",
    "both_high",
    "both_share",
    "differs",
    "scope",
    "modal",
    "degree",
    "pronouns",
    "swapped",
    "asks",
    "short",
    "codes",
    "asking",
)
"""Cosines count from 0.9 in steps of 0.1, `high` only above.

`one`: one text says something that the other does not; `both`: each does; the `_share` is how much
of the texts that is. `cosine` and `differs` to `short` count only where neither says more than the
other. `differs`: a small word does; `short`: how many units are then missing to a long text, since
a small word weighs more in a short one. `asking`: both are questions, and say something alone.
"""

COEFFICIENTS: dict[str, Mapping[str, float]] = {
    "zh": {
        "constant": 2.65,
        "cosine": 0.85,
        "one": -2.55,
        "one_cosine": 0.19,
        "one_high": 2.17,
        "both": -2.51,
        "both_cosine": 0.3,
        "both_high": 1.91,
        "differs": -0.49,
        "scope": -0.26,
        "modal": -0.17,
        "degree": -0.2,
        "pronouns": -0.08,
        "swapped": -0.53,
        "asks": -0.58,
        "short": -0.19,
        "codes": -1.46,
    },
    "other": {
        "constant": 4.69,
        "cosine": 0.14,
        "one": -2.55,
        "one_high": 0.72,
        "one_share": -0.38,
        "both": -2.51,
        "both_cosine": 0.5,
        "both_high": 1.34,
        "both_share": -1.54,
        "differs": -0.49,
        "scope": -0.26,
        "modal": -0.17,
        "degree": -0.2,
        "pronouns": -0.08,
        "swapped": -0.53,
        "asks": -0.58,
        "short": -0.19,
        "codes": -1.46,
        "asking": -2.04,
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
        floor: the least score that matters. Of texts that cannot reach it some
            score below is returned, at the least cost.

    """
    (key, tongue), (other, other_tongue) = _read(left), _read(right)
    if key == other:
        return Likeness(1.0, ())
    if max(len(left), len(right)) > LONGEST:
        return Likeness(0.0, ())
    tongue = "zh" if "zh" in {tongue, other_tongue} else "other"
    weights = COEFFICIENTS[tongue]
    longest = cap if tongue == "zh" else cap * _LATIN_PER_HAN
    long = max(len(left), len(right)) > longest

    def nearness(found: Comparison | Glance) -> float:
        return min(cosine, 2 * found.common / max(1, sum(found.lengths))) if long else cosine

    if floor > 0:
        seen = glance(left, right)
        most = _probability(_most(weights, seen, nearness(seen)))
        if most < floor:
            return Likeness(most, ())
    found = compare(left, right)
    score = _probability(
        weights["constant"]
        + sum(
            weights.get(name, 0.0) * value
            for name, value in features(found, nearness(found), tongue).items()
        )
    )
    if score < floor:
        return Likeness(score, ())
    differ = conflicts(left, right)
    if differ:
        return Likeness(min(score, CONFLICTING), differ)
    if min(found.alone) and score > REPLACED and in_place(left, right):
        score = REPLACED
    return Likeness(score, ())


@lru_cache(maxsize=1 << 14)
def _read(text: str) -> tuple[bytes, str]:
    """Return a hash of the folded text, and which coefficients hold for its language."""
    key = blake2b(fold(text).encode("utf-8", "surrogatepass"), digest_size=16).digest()
    return key, "zh" if language(text) == "zh" else "other"


def _probability(logit: float) -> float:
    return 1 / (1 + math.exp(-logit))


def _most(weights: Mapping[str, float], seen: Glance, cosine: float) -> float:
    """Return the highest logit that two texts can have of which so much is seen."""
    more, less = max(seen.alone), min(seen.alone)
    near = 10 * (cosine - 0.9)
    found = [-math.inf]
    for case, alone in (("", ()), ("one", (more,)), ("both", seen.alone)):
        if len(alone) < (more > 0) + (less > 0):
            continue
        slope = weights.get(f"{case}_cosine" if case else "cosine", 0.0)
        logit = weights["constant"] + weights.get(case, 0.0) + slope * near
        if case:
            logit += weights.get(f"{case}_high", 0.0) * max(0.0, near)
            logit += weights.get("asking", 0.0) * seen.asking
            whole = max(seen.lengths) if case == "one" else sum(seen.lengths)
            logit += weights.get(f"{case}_share", 0.0) * sum(alone) / max(1, whole)
        found.append(logit)
    return max(found)


def least_cosine(floor: float, tongue: str) -> float:
    """Return the cosine below which no two texts of a language reach a score, to three digits."""
    seen = Glance((0, 0), (0, 0), 0, asking=False)
    low, high = -1000, 1000
    while low < high:
        middle = (low + high) // 2
        if _probability(_most(COEFFICIENTS[tongue], seen, middle / 1000)) < floor:
            low = middle + 1
        else:
            high = middle
    return low / 1000


def features(found: Comparison, cosine: float, tongue: str) -> dict[str, float]:
    """Return the model's features (see `FEATURES`)."""
    more, less = max(found.alone), min(found.alone)
    one, both = float(less == 0 < more), float(less > 0)
    plain = 1 - one - both
    near = 10 * (cosine - 0.9)
    high = max(0.0, near)
    small = (found.scope, found.modal, found.degree, found.pronouns, found.light, found.aspect)
    differs = plain * (any(small) or found.asks)
    scope, modal, degree, pronouns = (plain * min(_OFTEN, count) for count in small[:4])
    return {
        "cosine": plain * near,
        "one": one,
        "one_cosine": one * near,
        "one_high": one * high,
        "one_share": one * more / max(1, *found.lengths),
        "both": both,
        "both_cosine": both * near,
        "both_high": both * high,
        "both_share": both * sum(found.alone) / max(1, sum(found.lengths)),
        "differs": differs,
        "scope": scope,
        "modal": modal,
        "degree": degree,
        "pronouns": pronouns,
        "swapped": plain * min(_OFTEN, found.swapped),
        "asks": plain * found.asks,
        "short": differs * max(0, _LONG[tongue] - min(found.lengths)),
        "codes": float(min(_OFTEN, found.codes)),
        "asking": (one + both) * found.asking,
    }
