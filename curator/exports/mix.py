"""The mix: which of the kept conversations are exported, and the general data among them.

First caps, then the budget topic by topic, then the splits, then the replay share of train.
Each row that is left out is told with the reason.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from curator.errors import RecipeError
from curator.selection.coverage import best, covering
from curator.selection.quotas import quotas
from curator.splits import BETWEEN, TRAIN

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from curator.exports.pool import Pool
    from curator.exports.traits import Traits
    from curator.schema import Mix, Recipe

PER_CLUSTER = "mix: max_per_cluster"
PER_SOURCE = "mix: max_per_source"
BUDGET = "mix: over the budget"
REPLAY_SPARE = "mix: general data beyond the replay share"
REPLAY_RELATED = "mix: general data related to a row that is held out"


@dataclass
class Choice:
    """Which rows of a pool are exported, while it is made.

    reasons: why a row is left out, empty where it is not; shape (rows,), of text.
    """

    pool: Pool
    traits: Traits
    mix: Mix
    embed: Callable[[Sequence[str]], NDArray[np.float32]]
    reasons: NDArray[np.object_]

    @property
    def kept(self) -> NDArray[np.bool_]:
        """Which rows are not left out."""
        return np.array([not reason for reason in self.reasons], np.bool_)

    def leave_out(self, rows: NDArray[np.int64], reason: str) -> None:
        """Leave out rows."""
        self.reasons[rows] = reason

    def best_of(
        self, rows: NDArray[np.int64], budget: float, costs: NDArray[np.float64]
    ) -> NDArray[np.int64]:
        """Return those of the rows that a budget is spent on; `costs` are those of all rows."""
        # By content, since the order of the sources must not matter.
        rows = rows[np.argsort(self.pool.content[rows], kind="stable")]
        quality, costs = self.traits.quality[rows], costs[rows]
        if costs.sum() <= budget:
            return rows
        if self.mix.select == "best":
            return rows[best(quality, costs, budget)]
        from threadpoolctl import threadpool_limits  # noqa: PLC0415 - needs numpy loaded first

        with threadpool_limits(1):  # sums in one order, so that no row hangs on the machine
            names = [self.pool.ids[row] for row in rows.tolist()]
            return rows[covering(self.embed(names), quality, costs, budget)]

    @property
    def costs(self) -> NDArray[np.float64]:
        """What each row takes from the budget."""
        if self.mix.tokens is None:
            return np.ones(len(self.pool), np.float64)
        return self.traits.tokens.astype(np.float64)


def choice(
    recipe: Recipe,
    pool: Pool,
    traits: Traits,
    settled: NDArray[np.int8],
    embed: Callable[[Sequence[str]], NDArray[np.float32]],
    between: str,
    near_from: float,
) -> Choice:
    """Return the rows that the caps and the budget leave; general data are left aside for now.

    Args:
        recipe: whose mix it is.
        pool: the rows.
        traits: what they are.
        settled: where they went before; those `BETWEEN` splits are left out, for `between`.
        embed: gives the vectors of records.
        between: the reason why.
        near_from: the similarity from which rows are near-duplicates.

    Raises:
        RecipeError: a replay share is asked for, and no source is marked as general data.

    """
    mix = recipe.exports.instruction.mix
    if mix.replay and not any(source.replay for source in recipe.sources):
        raise RecipeError(
            f"exports.instruction.mix.replay: {mix.replay:g} is asked for, and there is no source"
            " of general data",
            "mark one with `replay: true` under sources, then: curator run",
        )
    made = Choice(pool, traits, mix, embed, np.full(len(pool), "", object))
    made.leave_out(np.flatnonzero(settled == BETWEEN), between)
    made.leave_out(np.flatnonzero(traits.replay), REPLAY_SPARE)
    if mix.max_per_cluster:
        _cap_clusters(made, mix.max_per_cluster, near_from)
    if mix.max_per_source:
        _cap_sources(made, mix.max_per_source)
    budget = mix.tokens if mix.tokens is not None else mix.rows
    if budget is not None:
        _spend(made, budget * (1 - mix.replay))
    return made


def add_replay(
    made: Choice, side: NDArray[np.int8], settled: NDArray[np.int8], group: NDArray[np.int64]
) -> dict[str, Any]:
    """Put the share of general data into train; return how much was wanted and found.

    Args:
        made: the choice, whose own rows are settled.
        side: each row's split; changed where a general row is added.
        settled: where rows went before or belong by what they are related to.
        group: each row's group.

    """
    mix, replay = made.mix, made.traits.replay
    held_out = np.isin(group, group[side > TRAIN]) | (settled > TRAIN)
    made.leave_out(np.flatnonzero(replay & held_out), REPLAY_RELATED)
    free = np.flatnonzero(replay & ~held_out)
    costs = made.costs
    wanted = mix.replay / (1 - mix.replay) * float(costs[side == TRAIN].sum())
    found = made.best_of(free, wanted, costs) if mix.replay else free[:0]
    made.reasons[found] = ""
    side[found] = TRAIN
    unit = "rows" if mix.tokens is None else "tokens"
    return {"share": mix.replay, "unit": unit, "wanted": round(wanted), "rows": len(found),
            "found": round(float(costs[found].sum()))}  # fmt: skip


def facts(made: Choice, side: NDArray[np.int8], replay: dict[str, Any]) -> dict[str, Any]:
    """Return what a manifest says of the mix."""
    there = np.flatnonzero(side >= 0)
    topics: dict[str, Counter[str]] = defaultdict(Counter)
    for row in range(len(made.pool)):
        if not made.traits.replay[row]:
            topics[made.traits.topic[row]]["rows" if side[row] >= 0 else "left_out"] += 1
    return {
        "about_tokens": int(made.traits.tokens[there].sum()),
        "left_out": dict(sorted(Counter(r for r in made.reasons.tolist() if r).items())),
        "topics": {
            name or "none": {"rows": n["rows"], "left_out": n["left_out"]}
            for name, n in sorted(topics.items())
        },
        "quality": {
            "exported": _mean(made.traits.quality[there]),
            "all": _mean(made.traits.quality),
        },
        "replay": replay,
    }


def ranks(made: Choice) -> NDArray[np.int64]:
    """Return each row's place: short and sure rows first.

    The mean of two ranks, by length and by doubt: what is easy first, as in curriculum
    learning (Bengio et al. 2009).
    """
    traits = made.traits
    length, doubt = (
        np.searchsorted(np.sort(values), values) for values in (traits.tokens, -traits.quality)
    )
    order = np.lexsort((made.pool.content, length + doubt))
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    return place


def _cap_clusters(made: Choice, most: int, near_from: float) -> None:
    clusters, rows = made.pool.clusters(near_from), np.flatnonzero(made.kept)
    order = rows[np.lexsort((made.pool.content[rows], -made.traits.quality[rows], clusters[rows]))]
    found, starts = np.unique(clusters[order], return_index=True)
    rank = np.arange(len(order)) - starts[np.searchsorted(found, clusters[order])]
    made.leave_out(order[rank >= most], PER_CLUSTER)


def _cap_sources(made: Choice, most: int) -> None:
    sources = np.array(made.traits.source, object)
    for name in sorted(set(made.traits.source)):
        rows = np.flatnonzero((sources == name) & made.kept)
        if len(rows) > most:
            kept = made.best_of(rows, most, np.ones(len(made.pool), np.float64))
            made.leave_out(np.setdiff1d(rows, kept), PER_SOURCE)


def _spend(made: Choice, budget: float) -> None:
    """Divide the budget among the topics, and leave out what none of it is spent on."""
    topics: dict[str, list[int]] = defaultdict(list)
    for row in np.flatnonzero(made.kept).tolist():
        topics[made.traits.topic[row]].append(row)
    costs = made.costs
    sizes = {topic: float(costs[rows].sum()) for topic, rows in topics.items()}
    if sum(sizes.values()) <= budget and made.mix.balance == 1 and not made.mix.weights:
        return
    parts = quotas(sizes, budget, made.mix.balance, made.mix.weights)
    carry = 0.0
    for topic, listed in sorted(topics.items()):
        rows = np.array(listed, np.int64)
        # What a topic could not spend to the last token is for the next.
        kept = made.best_of(rows, parts[topic] + carry, costs)
        carry += parts[topic] - float(costs[kept].sum())
        made.leave_out(np.setdiff1d(rows, kept), BUDGET)


def _mean(values: NDArray[np.float64]) -> float | None:
    return round(float(values.mean()), 4) if len(values) else None
