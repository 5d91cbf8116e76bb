"""How far people agree who review the same records. Pure."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass, field
from itertools import combinations
from typing import TYPE_CHECKING

from curator.verdicts import VERDICT

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from curator.verdicts import Response

FEWEST = 2
"""Fewer records that two people share tell nothing about them."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """Agreement on the verdict.

    `records` were reviewed by two people or more, and on `agreed` of them all say the same.
    `krippendorff` is alpha over all people (nominal, missing answers allowed), `cohen` kappa
    of each two who share records; None where it is not defined, as where nobody ever differs
    from the one verdict that all give.
    """

    records: int = 0
    agreed: int = 0
    krippendorff: float | None = None
    cohen: Mapping[str, float | None] = field(default_factory=dict)


def agreement(given: Iterable[Response]) -> Agreement:
    """Return how far people agree on the verdict, from what they said last."""
    about: dict[str, dict[str, str]] = defaultdict(dict)
    for response in given:
        if response.counts:
            about[response.record_id][response.user] = response.answers[VERDICT]
    shared = [said for _, said in sorted(about.items()) if len(said) > 1]
    if not shared:
        return Agreement()
    users = sorted({user for said in shared for user in said})
    return Agreement(
        len(shared),
        sum(len(set(said.values())) == 1 for said in shared),
        _alpha(shared, users),
        {
            f"{one}, {two}": _kappa(pairs)
            for one, two in combinations(users, 2)
            for pairs in [[(s[one], s[two]) for s in shared if one in s and two in s]]
            if len(pairs) >= FEWEST
        },
    )


def _alpha(shared: Sequence[Mapping[str, str]], users: Sequence[str]) -> float | None:
    import krippendorff  # noqa: PLC0415 - only double review needs it

    words = sorted({word for said in shared for word in said.values()})
    if len(words) < 2:
        return None
    codes = {word: float(at) for at, word in enumerate(words)}
    table = [[codes[s[user]] if user in s else math.nan for s in shared] for user in users]
    return _figure(krippendorff.alpha(reliability_data=table, level_of_measurement="nominal"))


def _kappa(pairs: Sequence[tuple[str, str]]) -> float | None:
    from sklearn.metrics import cohen_kappa_score  # noqa: PLC0415 - heavy

    if len({word for pair in pairs for word in pair}) < 2:
        return None
    return _figure(cohen_kappa_score([a for a, _ in pairs], [b for _, b in pairs]))


def _figure(value: float) -> float | None:
    return None if math.isnan(value) else round(float(value), 4)
