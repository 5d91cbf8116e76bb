"""Splits and selection: added data move nothing, shares and budgets hold, order does not matter."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from curator.selection.coverage import best, covering
from curator.selection.quotas import quotas
from curator.splits import BETWEEN, NEW, TEST, TRAIN, VALIDATION
from curator.splits.allot import allot
from curator.splits.keys import draw
from curator.splits.related import Related
from curator.splits.settle import settle

SHARES = {VALIDATION: 0.2, TEST: 0.1}
N = 40

pairs = st.lists(st.tuples(st.integers(0, N - 1), st.integers(0, N - 1)), max_size=45)
keyed = st.lists(st.tuples(st.integers(100, 109), st.integers(0, N - 1)), max_size=20)


def graph(n: int, edges: list[tuple[int, int]], keys: list[tuple[int, int]]) -> Related:
    inside = [(a, b) for a, b in edges if a < n and b < n]
    held = [(k, o) for k, o in keys if o < n]
    columns = zip(*inside, strict=True) if inside else ((), ())
    shared = zip(*held, strict=True) if held else ((), ())
    arrays = [np.array(column, np.int64) for column in (*columns, *shared)]
    return Related(n, *arrays)


def export(related: Related, earlier: dict[int, int]) -> dict[int, int]:
    """One export of all records: number → split, those left out missing."""
    given_ = np.full(related.n + len(related.distinct), NEW, np.int8)
    for record, split in earlier.items():
        given_[record] = split
    side, _ = settle(related, given_)
    side = side[: related.n]
    new = np.flatnonzero(side == NEW)
    group = related.group[: related.n][new]
    names, first, sizes = np.unique(group, return_index=True, return_counts=True)
    draws = np.array([draw(0, str(new[at])) for at in first.tolist()], np.float64)
    held = np.bincount(side[side >= 0], minlength=3)[None, :].astype(np.int64)
    found = allot(sizes, np.zeros(len(names), np.int64), draws, SHARES, held)
    side[new] = found[np.searchsorted(names, group)]
    return {record: int(split) for record, split in enumerate(side.tolist()) if split >= 0}


@settings(max_examples=300, deadline=None)
@given(
    pairs=pairs, keys=keyed, steps=st.lists(st.integers(1, N), min_size=1, max_size=4, unique=True)
)
def test_added_data_never_move_a_record_and_new_ones_never_lie_on_both_sides(
    pairs: list[tuple[int, int]], keys: list[tuple[int, int]], steps: list[int]
) -> None:
    known: dict[int, int] = {}
    for n in sorted(steps):
        related = graph(n, pairs, keys)
        found = export(related, known)
        assert {record: found.get(record) for record in known} == known
        for a, b in pairs:
            # Two that were exported apart before stay so; no new record is on another side.
            apart = a in found and b in found and found[a] != found[b]
            assert not apart or (a in known and b in known)
        known = found


@settings(max_examples=200, deadline=None)
@given(
    sizes=st.lists(st.integers(1, 9), min_size=60, max_size=200),
    strata=st.integers(1, 6),
    seed=st.integers(0, 99),
    validation=st.floats(0.05, 0.3),
    test=st.floats(0.05, 0.3),
)
def test_shares_are_near_what_was_asked_in_all_and_in_each_stratum(
    sizes: list[int], strata: int, seed: int, validation: float, test: float
) -> None:
    rng = np.random.default_rng(seed)
    stratum = rng.integers(0, strata, len(sizes))
    held = np.zeros((strata, 3), np.int64)
    rows = np.array(sizes)
    side = allot(rows, stratum, rng.random(len(sizes)), {VALIDATION: validation, TEST: test}, held)
    for split, share in ((VALIDATION, validation), (TEST, test)):
        assert abs(rows[side == split].sum() - share * rows.sum()) <= 9
        for one in range(strata):
            own = rows[stratum == one]
            assert abs(rows[(side == split) & (stratum == one)].sum() - share * own.sum()) <= 18


@settings(max_examples=200, deadline=None)
@given(sizes=st.lists(st.integers(1, 5), min_size=1, max_size=60), seed=st.integers(0, 99))
def test_the_order_of_the_groups_does_not_matter(sizes: list[int], seed: int) -> None:
    rng = np.random.default_rng(seed)
    rows, stratum, draws = np.array(sizes), rng.integers(0, 3, len(sizes)), rng.random(len(sizes))
    held = np.zeros((3, 3), np.int64)
    side = allot(rows, stratum, draws, SHARES, held)
    turned = rng.permutation(len(sizes))
    assert (allot(rows[turned], stratum[turned], draws[turned], SHARES, held) == side[turned]).all()
    assert (side == TRAIN).any()


@settings(max_examples=100, deadline=None)
@given(
    pairs=pairs,
    keys=keyed,
    sides=st.lists(st.sampled_from([NEW, TRAIN, TEST]), min_size=N, max_size=N),
)
def test_whatever_was_exported_no_new_record_is_beside_one_of_another_split(
    pairs: list[tuple[int, int]], keys: list[tuple[int, int]], sides: list[int]
) -> None:
    related = graph(N, pairs, keys)
    earlier = np.array(sides + [NEW] * len(related.distinct), np.int8)
    side, torn = settle(related, earlier)
    assert (side[:N][earlier[:N] >= 0] == earlier[:N][earlier[:N] >= 0]).all()
    left, right = related.edges
    for a, b in zip(left.tolist(), right.tolist(), strict=True):
        if side[a] >= 0 and side[b] >= 0 and side[a] != side[b]:
            assert earlier[a] >= 0
            assert earlier[b] >= 0
    assert torn or not (side == BETWEEN).any()


def unit(rng: Any, n: int) -> Any:
    vectors = rng.normal(size=(n, 6))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


@settings(max_examples=100, deadline=None)
@given(
    n=st.integers(1, 80),
    seed=st.integers(0, 99),
    share=st.floats(0, 1.2),
    in_tokens=st.booleans(),
)
def test_a_selection_is_the_same_twice_and_within_its_budget(
    n: int,
    seed: int,
    share: float,
    in_tokens: bool,  # noqa: FBT001
) -> None:
    rng = np.random.default_rng(seed)
    vectors, quality = unit(rng, n), rng.random(n) + 0.05
    costs = rng.integers(1, 50, n).astype(float) if in_tokens else np.ones(n)
    budget = float(costs.sum() * share)
    for chosen in (covering(vectors, quality, costs, budget), best(quality, costs, budget)):
        assert costs[chosen].sum() <= budget + 1e-6
        assert len(set(chosen.tolist())) == len(chosen)
        # Nothing that is left would still fit.
        left = np.setdiff1d(np.arange(n), chosen)
        assert not len(left) or costs[left].min() > budget - costs[chosen].sum() - 1e-6
    assert (
        covering(vectors, quality, costs, budget).tolist()
        == covering(vectors, quality, costs, budget).tolist()
    )


@given(
    sizes=st.dictionaries(st.sampled_from("abcdef"), st.integers(0, 500), min_size=1),
    share=st.floats(0, 1.5),
    balance=st.floats(0, 1),
    weights=st.dictionaries(st.sampled_from("abcdef"), st.floats(0, 5)),
)
def test_quotas_use_the_budget_up_and_no_topic_more_than_it_has(
    sizes: dict[str, int], share: float, balance: float, weights: dict[str, float]
) -> None:
    budget = share * sum(sizes.values())
    found = quotas({t: float(n) for t, n in sizes.items()}, budget, balance, weights)
    assert all(0 <= found[t] <= sizes[t] + 1e-6 for t in sizes)
    there = sum(n for t, n in sizes.items() if weights.get(t, 1) > 0)
    assert abs(sum(found.values()) - min(budget, there)) < 1e-6 * max(1, budget)
