"""How a budget is divided among topics."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


def quotas(
    sizes: Mapping[str, float], budget: float, balance: float, weights: Mapping[str, float]
) -> dict[str, float]:
    """Return each topic's part of a budget; what a topic cannot use goes to the others.

    A topic gets in proportion to its weight times its size to the power of `balance`, as
    languages are sampled (Conneau et al. 2020, https://arxiv.org/abs/1911.02116), and never
    more than it has.

    Args:
        sizes: what each topic has, in the unit of the budget.
        budget: what all together may have.
        balance: 1 divides by size, 0 evenly.
        weights: of some topics; the others' is 1.

    """
    given = dict.fromkeys(sizes, 0.0)
    claims = {t: weights.get(t, 1.0) * n**balance for t, n in sizes.items() if n > 0}
    claims = {t: claim for t, claim in claims.items() if claim > 0}
    left = min(budget, sum(sizes[t] for t in claims))
    while claims and left > 1e-9:
        total = sum(claims.values())
        full = [t for t in sorted(claims) if sizes[t] <= left * claims[t] / total]
        if not full:
            return given | {t: left * claim / total for t, claim in claims.items()}
        for topic in full:
            given[topic] = float(sizes[topic])
            del claims[topic]
        left = min(budget, sum(sizes.values())) - sum(given.values())
    return given
