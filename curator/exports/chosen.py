"""The rows that an export is made of: mixed, split, measured, each left-out one with its reason."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import pyarrow as pa

from curator.exports.folder import Lines
from curator.exports.mix import add_replay, choice, facts, ranks
from curator.exports.near import threshold
from curator.exports.pool import pool_of
from curator.exports.splitting import LEFT_OUT, bound, keep, leakage, split, wanted_shares
from curator.exports.traits import traits_of, vectors
from curator.splits import NAMES, TEST, TRAIN

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import duckdb
    import numpy as np
    from numpy.typing import NDArray

    from curator.check import Plan
    from curator.exports.assigned import Assigned
    from curator.exports.measures import Ruler
    from curator.exports.pool import Pool, Rows
    from curator.schema import Policy, Recipe
    from curator.verdicts import Verdict
    from curator.workspace import Workspace

FILE = "left_out.jsonl"
T = TypeVar("T")


@dataclass(frozen=True)
class Chosen:
    """Where each row of a pool goes.

    side: its split by number, below 0 where it is left out. splits: the ids of each split's
    records, in the order of the sources. ranks: where a split has another order, the place of
    each of these. reasons: why a row is left out, empty where it is not.
    """

    pool: Pool
    side: NDArray[np.int8]
    splits: Mapping[str, pa.Array]
    ranks: Mapping[str, pa.Array]
    reasons: Sequence[str]
    leakage: Mapping[str, Any]
    mix: Mapping[str, Any]
    earlier: Assigned

    def __len__(self) -> int:
        """Return how many rows are exported."""
        return int((self.side >= 0).sum())

    def of(self, values: Sequence[T]) -> list[T]:
        """Return those of one value a row that belong to rows which are exported."""
        return [value for value, side in zip(values, self.side.tolist(), strict=True) if side >= 0]

    @property
    def left_out(self) -> Counter[str]:
        """How many rows are left out, by the reason."""
        return Counter(reason for reason in self.reasons if reason)

    def keep(self) -> None:
        """Keep where each row went, for later exports."""
        keep(self.pool, self.side, self.earlier)


def choose(
    workspace: Workspace,
    recipe: Recipe,
    policy: Policy,
    plan: Plan,
    con: duckdb.DuckDBPyConnection,
    verdicts: Mapping[str, Verdict],
    rows: Rows,
    staged: Path,
    earlier: Assigned,
    ruler: Ruler | None = None,
) -> Chosen:
    """Return which rows are exported, and in which split each.

    Args:
        workspace: the project's workspace.
        recipe: the mix, the shares of the splits, and what they keep together.
        policy: from which score on it takes rows for near-duplicates.
        plan: the check runs that count.
        con: with the views `records`, `findings` and `decisions`.
        verdicts: what reviewers said.
        rows: the records that have rows, and their questions.
        staged: the folder of the rows' tables.
        earlier: what earlier exports settled.
        ruler: measures rows in tokens; None where no tokenizer is named.

    """
    params = recipe.exports.instruction
    near_from = threshold(policy)
    pool = pool_of(workspace, con, plan, params.together, rows, staged, near_from)
    held = bound(pool, params, earlier)
    encoder = recipe.models.encoder
    traits = traits_of(workspace, con, plan, encoder, verdicts, rows.ids, staged, ruler)
    embed = partial(vectors, plan, workspace.cache, encoder)
    made = choice(recipe, pool, traits, held.settled, embed, LEFT_OUT, near_from)
    side = split(pool, held, made.kept, traits.strata(), params)
    replay = add_replay(made, side, held.settled, held.related.group[pool.own])
    shares = wanted_shares(params)
    # There is always a validation, be it empty; a test only where it was ever asked for.
    wanted = [s for s in range(len(NAMES)) if s != TEST or shares[s] or (side == s).any()]
    ids = pa.array(pool.ids, pa.string())
    place = ranks(made) if params.mix.order == "curriculum" else None
    return Chosen(
        pool=pool,
        side=side,
        splits={NAMES[s]: ids.filter(pa.array(side == s)) for s in wanted},
        ranks={} if place is None else {NAMES[TRAIN]: pa.array(place[side == TRAIN])},
        reasons=made.reasons.tolist(),
        leakage=leakage(pool, held, side, near_from),
        mix=facts(made, side, replay),
        earlier=earlier,
    )


def write_left_out(folder: Path, chosen: Chosen) -> dict[str, int]:
    """Write a line for each record that is left out; no file where none is.

    Returns:
        The rows of the file, by its name.

    """
    if not chosen.left_out:
        return {}
    with Lines(folder / FILE) as lines:
        for record, reason in zip(chosen.pool.ids, chosen.reasons, strict=True):
            if reason:
                lines.add({"id": record, "reason": reason})
        return {FILE: lines.rows}
