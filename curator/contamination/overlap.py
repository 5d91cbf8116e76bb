"""How much of an evaluation item a record holds in words, and of a record an item."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import TYPE_CHECKING

import numpy as np

from curator.contamination.index import LONG, SHORT, SHORTEST, Index
from curator.contamination.tokens import HIDDEN, Tokens, runs, weights, wholes

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

_BLOCK = 1 << 18
"""Tokens of records that are looked up at once."""
_LIKELY = 0.15
"""The least share of an item's runs of five for the two to be set side by side."""
_FEWEST_RUNS, _FEWEST_SHARED = 8, 3
_SET_SIDE_BY_SIDE = 3
"""How many items of a record, those that share most with it."""
_LONG_QUESTION = 600
"""Tokens; longer questions are compared by their runs alone."""
_BLOCK_OF = 3
"""Fewer tokens in a row are alike by chance."""
_HIDES = 4
"""Tokens that one placeholder may stand for."""
_OTHER_NUMBERS = _SHORT_QUESTION = 0.69
"""The highest score where a number differs, and of a question of few tokens that is reworded,
or that is a whole turn."""


@dataclass(frozen=True, slots=True)
class Overlap:
    """What a record shares with the evaluation item that it shares most with.

    Args:
        item: the item's number.
        score: the greatest of the shares, less where numbers differ.
        share: of the item's tokens, those that the record has in the same order, in runs.
        runs_of_five: the share of the item's runs of five tokens that the record has.
        longest_run: the longest run of tokens that both have (0 if under 13 and not all).
        of_record: the share of the record's tokens that stand in the item.
        numbers_differ: the question holds a number that the record does not.
        items: with how many items the record shares as much as is told.

    """

    item: int
    score: float
    share: float
    runs_of_five: float
    longest_run: int
    of_record: float
    numbers_differ: bool
    items: int = 1


@dataclass(frozen=True)
class _Pairs:
    """Pairs of a record and an item, sorted; all columns in their order."""

    record: NDArray[np.int64]
    item: NDArray[np.int64]
    asked: NDArray[np.float64]
    whole: NDArray[np.float64]
    of_record: NDArray[np.float64]
    longest: NDArray[np.int64]
    five: NDArray[np.float64]
    shared: NDArray[np.int64]


def overlaps(index: Index, records: Tokens, floor: float) -> Iterator[tuple[int, Overlap]]:
    """Yield (record, its overlap) for each record whose score is at least `floor`."""
    for low, high in _blocks(records.bounds):
        start, end = int(records.bounds[low]), int(records.bounds[high])
        block = Tokens(
            records.hashes[start:end],
            records.weight[start:end],
            records.number[start:end],
            records.bounds[low : high + 1] - start,
        )
        for record, found in _block(index, block, floor):
            yield low + record, found


def short_questions(index: Index, turns: Tokens) -> Iterator[tuple[int, Overlap]]:
    """Yield (turn, its overlap) for each turn that is a short question and nothing else."""
    if not len(index.alone):
        return
    asked = wholes(turns)
    at = np.minimum(np.searchsorted(index.alone, asked), len(index.alone) - 1)
    for turn in np.flatnonzero((index.alone[at] == asked) & (turns.sizes > 0)).tolist():
        size = int(turns.sizes[turn])
        item = int(index.alone_item[at[turn]])
        yield turn, Overlap(item, _SHORT_QUESTION, 1.0, 0.0, size, 1.0, numbers_differ=False)


def _blocks(bounds: NDArray[np.int64]) -> Iterator[tuple[int, int]]:
    low = 0
    while low < len(bounds) - 1:
        high = int(np.searchsorted(bounds, bounds[low] + _BLOCK, side="right")) - 1
        yield low, max(low + 1, high)
        low = max(low + 1, high)


def _block(index: Index, records: Tokens, floor: float) -> Iterator[tuple[int, Overlap]]:
    pairs = _paired(index, records)
    sizes = index.sizes
    bounds = np.searchsorted(pairs.record, np.arange(len(records) + 1))
    for record in np.unique(pairs.record).tolist():
        mine = np.arange(bounds[record], bounds[record + 1])
        rank = np.maximum.reduce(
            [pairs.asked[mine], pairs.whole[mine], pairs.five[mine], pairs.of_record[mine]]
        )
        order = mine[np.lexsort((pairs.item[mine], -rank))]
        told = [
            _overlap(index, records, pairs, at, aligned=place < _SET_SIDE_BY_SIDE, sizes=sizes)
            for place, at in enumerate(order.tolist())
            if place < _SET_SIDE_BY_SIDE or rank[at - mine[0]] >= floor
        ]
        told = [overlap for overlap in told if overlap.score >= floor]
        if told:
            best = min(told, key=lambda overlap: (-overlap.score, -overlap.share, overlap.item))
            yield record, _with_count(best, len(told))


def _with_count(best: Overlap, items: int) -> Overlap:
    return Overlap(
        best.item,
        best.score,
        best.share,
        best.runs_of_five,
        best.longest_run,
        best.of_record,
        best.numbers_differ,
        items,
    )


def _overlap(
    index: Index,
    records: Tokens,
    pairs: _Pairs,
    at: int,
    *,
    aligned: bool,
    sizes: NDArray[np.int64],
) -> Overlap:
    item, record = int(pairs.item[at]), int(pairs.record[at])
    share = float(max(pairs.asked[at], pairs.whole[at]))
    five = 0.0
    start = int(index.bounds[item])
    asked = int(index.asked[item]) or int(sizes[item])
    question = slice(start, start + asked)
    mine = slice(int(records.bounds[record]), int(records.bounds[record + 1]))
    if aligned and pairs.five[at] >= _LIKELY:
        if share < 1 and asked <= _LONG_QUESTION:
            in_order = side_by_side(
                index.hashes[question], index.weight[question], records.hashes[mine]
            )
            share = max(share, in_order)
        five = float(pairs.five[at]) if share else 0.0
    held = records.hashes[mine][records.number[mine]]
    differ = _lacks(index.hashes[question][index.number[question]], held)
    score, of_record = max(share, five), float(pairs.of_record[at])
    if asked < LONG and not pairs.longest[at]:
        score = min(score, _SHORT_QUESTION)
    if differ:
        score = min(score, _OTHER_NUMBERS)
        whole = slice(start, int(index.bounds[item + 1]))
        if _lacks(held, index.hashes[whole]):
            of_record = min(of_record, _OTHER_NUMBERS)
    return Overlap(
        item, max(score, of_record), share, five, int(pairs.longest[at]), of_record, differ
    )


def _lacks(wanted: NDArray[np.uint64], there: NDArray[np.uint64]) -> bool:
    return bool(len(wanted)) and not bool(np.isin(wanted, there).all())


def side_by_side(
    item: NDArray[np.uint64], weight: NDArray[np.float32], record: NDArray[np.uint64]
) -> float:
    """Return the share of an item's tokens that a record has in the same order.

    Runs of three tokens or more count. So does what a placeholder stands for: up to four
    tokens of the item where the record has nothing but placeholders. It is 0 where all of
    that weighs less than the shortest item that is looked for.
    """
    wanted, given = item.tolist(), _near(item, record).tolist()
    matcher = SequenceMatcher(None, wanted, given, autojunk=False)
    covered, told = 0, 0.0
    end, other_end = 0, 0
    for a, b, size in matcher.get_matching_blocks():
        gap = given[other_end:b]
        hidden = bool(gap) and len(gap) <= _HIDES and all(token == HIDDEN for token in gap)
        if hidden and a - end <= _HIDES * len(gap):
            covered += a - end
        if size >= _BLOCK_OF:
            covered += size
            told += float(weight[a : a + size].sum())
        end, other_end = a + size, b + size
    return covered / len(wanted) if told >= SHORTEST - 1e-3 else 0.0


def _near(item: NDArray[np.uint64], record: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Return the part of a long record that holds most of the item's tokens."""
    width = 2 * len(item) + 50
    if len(record) <= width:
        return record
    held = np.concatenate([[0], np.cumsum(np.isin(record, item))])
    best = int(np.argmax(held[width:] - held[:-width]))
    return record[best : best + width]


def _paired(index: Index, records: Tokens) -> _Pairs:
    """Look all runs of the records up, and add up what each pair shares."""
    owner, starts, count = records.owner, records.bounds[:-1], len(index.asked)
    found: list[Sequence[NDArray[np.int64]]] = []
    for width in index.widths.tolist():
        hashes, at = runs(records, width)
        asking, _, listed = index.long.look_up(hashes)
        right = index.long.width[listed] == width
        asking, listed = asking[right], listed[right]
        record = owner[at[asking]]
        item = index.long.item[listed].astype(np.int64)
        place = index.long.place[listed].astype(np.int64)
        found.append(
            (record * count + item, place, at[asking] - starts[record], np.full(len(item), width))
        )
    empty = np.zeros(0, np.int64)
    key, place, there, width = (
        np.concatenate([empty, *column])
        for column in (zip(*found, strict=True) if found else [()] * 4)
    )
    hashes, at = runs(records, SHORT)
    asking, run, listed = index.short.look_up(hashes)
    item = index.short.item[listed].astype(np.int64)
    five_key = owner[at[asking]] * count + item
    order = np.lexsort((run, five_key))
    five_key, run, listed = five_key[order], run[order], listed[order]
    first = np.ones(len(order), np.bool_)
    first[1:] = (five_key[1:] != five_key[:-1]) | (run[1:] != run[:-1])
    five_key, listed = five_key[first], listed[first]
    keys = np.unique(np.concatenate([key, five_key]))
    items = keys % max(1, count)
    pair = np.searchsorted(keys, five_key)
    inside = (
        index.short.place[listed].astype(np.int64) + SHORT <= index.asked[index.short.item[listed]]
    )
    shared = np.bincount(pair, minlength=len(keys))
    shared_asked = np.bincount(pair[inside], minlength=len(keys))
    five = np.maximum(
        _share(shared, index.short_all[items]), _share(shared_asked, index.short_asked[items])
    )
    pair = np.searchsorted(keys, key)
    n = len(keys)
    asked, sizes = index.asked[items], index.sizes[items]
    in_question = place + width <= index.asked[key % max(1, count)]
    covered_asked = _covered(pair[in_question], place[in_question], width[in_question], n)
    covered = _covered(pair, place, width, n)
    covered_record = _covered(pair, there, width, n)
    own = records.sizes[keys // max(1, count)]
    of_record = covered_record / np.maximum(own, 1)
    of_record[weights(records)[keys // max(1, count)] < SHORTEST] = 0
    has_run = covered > 0
    likely = (five >= _LIKELY) & (np.maximum(shared, shared_asked) >= _FEWEST_SHARED)
    kept = has_run | likely
    return _Pairs(
        (keys // max(1, count))[kept],
        items[kept],
        (covered_asked / np.maximum(asked, 1))[kept],
        (covered / np.maximum(sizes, 1))[kept],
        of_record[kept],
        _longest(pair, place, there, width, n)[kept],
        five[kept],
        shared[kept],
    )


def _share(shared: NDArray[np.int64], total: NDArray[np.int64]) -> NDArray[np.float64]:
    return np.where(total >= _FEWEST_RUNS, shared / np.maximum(total, 1), 0.0)


def _covered(
    pair: NDArray[np.int64], place: NDArray[np.int64], width: NDArray[np.int64], n: int
) -> NDArray[np.int64]:
    """Return for each pair how many places the runs cover together."""
    if not len(pair):
        return np.zeros(n, np.int64)
    far = int((place + width).max()) + 1
    order = np.lexsort((place, pair))
    start = (pair * far + place)[order]
    end = start + width[order]
    before = np.concatenate([[0], np.maximum.accumulate(end)[:-1]])
    new = np.maximum(0, end - np.maximum(start, before))
    return np.bincount(pair[order], weights=new, minlength=n).astype(np.int64)


def _longest(
    pair: NDArray[np.int64],
    place: NDArray[np.int64],
    there: NDArray[np.int64],
    width: NDArray[np.int64],
    n: int,
) -> NDArray[np.int64]:
    """Return for each pair the tokens of the longest run that is the same in both."""
    longest = np.zeros(n, np.int64)
    if not len(pair):
        return longest
    shift = place - there
    order = np.lexsort((place, shift, pair))
    pair, place, shift, width = pair[order], place[order], shift[order], width[order]
    breaks = np.ones(len(pair), np.bool_)
    breaks[1:] = (
        (pair[1:] != pair[:-1]) | (shift[1:] != shift[:-1]) | (place[1:] > place[:-1] + LONG)
    )
    begins = np.flatnonzero(breaks)
    ends = np.maximum.reduceat(place + width, begins)
    np.maximum.at(longest, pair[begins], ends - place[begins])
    return longest
