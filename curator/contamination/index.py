"""The index of evaluation items: sorted hashes of their runs of tokens, and where those stand.

Two kinds of runs are listed. Runs of 13 tokens are what "Language Models are Few-Shot
Learners" (Brown et al. 2020, appendix C) and the reports on Llama count as a copy; an
item of fewer tokens is listed as a whole. Runs of five tell of light rewording, by the share
of the item's that a record holds. A run that stands in more than 30 items is boilerplate
("choose the right answer") and is not listed.

The index is made once, written as plain arrays, and mapped by every worker, which share
its pages: about 60 bytes a token, so some 600 MB for 100,000 items of 100 tokens. Making
it takes 13 s and 1.5 GB for as many.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np

from curator.contamination.tokens import Tokens, runs, weights, wholes

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

LONG, SHORT = 13, 5
"""The tokens of a run that is a copy, and of one that tells of rewording."""
SHORTEST = 8.0
"""Eight words, or twelve Han characters: what is shorter is found in records by chance."""
ALONE = 4.0
"""Four words, or six Han characters: a question of fewer than `SHORTEST`, but of so much, counts
where a turn is that question and nothing else."""
LONGEST = 2000
"""Of an item no more tokens than these are looked at."""
_COMMON = 30


@dataclass(frozen=True)
class Listed:
    """Runs and where they stand: run i at offsets[i]:offsets[i + 1] of `item`, `place`, `width`.

    `keys` are sorted; `place` is the run's first token in the item.
    """

    keys: NDArray[np.uint64]
    offsets: NDArray[np.int64]
    item: NDArray[np.uint32]
    place: NDArray[np.uint32]
    width: NDArray[np.uint8]

    def look_up(
        self, hashes: NDArray[np.uint64]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """Return every hit as (index into `hashes`, run, where it is listed)."""
        nothing = np.zeros(0, np.int64)
        if not len(self.keys) or not len(hashes):
            return nothing, nothing, nothing
        order = np.argsort(hashes)  # sorted questions walk through the keys in one pass
        asked = hashes[order]
        run = np.searchsorted(self.keys, asked)
        run[run == len(self.keys)] = 0
        hit = self.keys[run] == asked
        order, run = order[hit], run[hit]
        low, count = self.offsets[run], self.offsets[run + 1] - self.offsets[run]
        if not len(count):
            return nothing, nothing, nothing
        within = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
        return np.repeat(order, count), np.repeat(run, count), np.repeat(low, count) + within


@dataclass(frozen=True)
class Index:
    """The items' tokens (question, then answer) and their runs.

    `asked`: how many tokens of each item are its question. `short_asked`, `short_all`: how
    many of its listed runs of five are in the question, and in all. `widths`: of the long
    runs. `alone`: sorted hashes of short questions, `alone_item` the item of each.
    """

    hashes: NDArray[np.uint64]
    weight: NDArray[np.float32]
    number: NDArray[np.bool_]
    bounds: NDArray[np.int64]
    asked: NDArray[np.int64]
    long: Listed
    short: Listed
    short_asked: NDArray[np.int64]
    short_all: NDArray[np.int64]
    widths: NDArray[np.uint8]
    alone: NDArray[np.uint64]
    alone_item: NDArray[np.int64]

    @property
    def sizes(self) -> NDArray[np.int64]:
        """How many tokens each item has."""
        return np.diff(self.bounds)

    def save(self, folder: Path) -> None:
        """Write the arrays, one file each."""
        folder.mkdir(parents=True, exist_ok=True)
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, Listed):
                for inner in fields(value):
                    np.save(folder / f"{field.name}-{inner.name}.npy", getattr(value, inner.name))
            else:
                np.save(folder / f"{field.name}.npy", value)

    @classmethod
    def open(cls, folder: Path) -> Index:
        """Map the arrays that `save` has written."""

        def array(name: str) -> NDArray[np.generic]:
            path = folder / f"{name}.npy"
            found = np.load(path, mmap_mode="r")
            return np.asarray(found) if found.size else np.load(path)

        given = {}
        for field in fields(cls):
            if field.name in ("long", "short"):
                inner = {f.name: array(f"{field.name}-{f.name}") for f in fields(Listed)}
                given[field.name] = Listed(**inner)  # type: ignore[arg-type]
            else:
                given[field.name] = array(field.name)  # type: ignore[assignment]
        return cls(**given)  # type: ignore[arg-type]


def build(items: Tokens, asked: NDArray[np.int64]) -> Index:
    """Make the index.

    Args:
        items: the tokens of each item, the question before the answer.
        asked: how many of them are the question.

    """
    owner, sizes, starts = items.owner, items.sizes, items.bounds[:-1]
    questions = _questions(items, asked)
    weight = weights(questions)
    found = [_placed(items, LONG, owner, starts)]
    widths = {LONG} if len(found[0][0]) else set()
    # What is too short for a run of 13 is listed as a whole: the question, and all of it.
    answered = sizes != asked
    for length, enough in (
        (asked, weight >= SHORTEST),
        (sizes, (weights(items) >= SHORTEST) & answered),
    ):
        for width in range(int(SHORTEST), LONG):
            chosen = np.flatnonzero(enough & (length == width))
            if not len(chosen):
                continue
            hashes, at = runs(items, width)
            mine = hashes[np.searchsorted(at, starts[chosen])]
            place = np.zeros(len(mine), np.uint32)
            found.append((mine, chosen.astype(np.uint32), place, place.astype(np.uint8) + width))
            widths.add(width)
    long = _listed(*(np.concatenate(column) for column in zip(*found, strict=True)))
    del found
    short = _listed(*_placed(items, SHORT, owner, starts))
    inside = short.place.astype(np.int64) + SHORT <= asked[short.item]
    count = len(items)
    brief = np.flatnonzero((weight >= ALONE) & (weight < SHORTEST))
    alone, first = np.unique(wholes(questions)[brief], return_index=True)
    return Index(
        items.hashes,
        items.weight,
        items.number,
        items.bounds,
        asked,
        long,
        short,
        np.bincount(short.item[inside], minlength=count),
        np.bincount(short.item, minlength=count),
        np.array(sorted(widths), np.uint8),
        alone,
        brief[first],
    )


def _questions(items: Tokens, asked: NDArray[np.int64]) -> Tokens:
    """Return the tokens of the items' questions alone."""
    place = np.arange(len(items.hashes)) - np.repeat(items.bounds[:-1], items.sizes)
    kept = place < np.repeat(asked, items.sizes)
    bounds = np.concatenate([[0], np.cumsum(asked)]).astype(np.int64)
    return Tokens(items.hashes[kept], items.weight[kept], items.number[kept], bounds)


def _placed(
    items: Tokens, width: int, owner: NDArray[np.int64], starts: NDArray[np.int64]
) -> tuple[NDArray[np.uint64], NDArray[np.uint32], NDArray[np.uint32], NDArray[np.uint8]]:
    """Return all runs of a width: their hashes, items, places and widths."""
    hashes, at = runs(items, width)
    item = owner[at]
    return (
        hashes,
        item.astype(np.uint32),
        (at - starts[item]).astype(np.uint32),
        np.full(len(at), width, np.uint8),
    )


def _listed(
    hashes: NDArray[np.uint64],
    item: NDArray[np.uint32],
    place: NDArray[np.uint32],
    width: NDArray[np.uint8],
) -> Listed:
    """Return the runs, each once an item (where it stands first), without what is common.

    Of equal hashes the rows come in the order of items and places.
    """
    order = np.argsort(hashes, kind="stable")
    hashes, item = hashes[order], item[order]
    first = np.ones(len(order), np.bool_)
    first[1:] = (hashes[1:] != hashes[:-1]) | (item[1:] != item[:-1])
    order, hashes, item = order[first], hashes[first], item[first]
    starts = np.flatnonzero(np.concatenate([[True], hashes[1:] != hashes[:-1]])[: len(hashes)])
    counts = np.diff(np.append(starts, len(hashes)))
    rare = counts <= _COMMON
    kept = np.repeat(rare, counts)
    return Listed(
        hashes[starts[rare]],
        np.concatenate([[0], np.cumsum(counts[rare])]).astype(np.int64),
        item[kept],
        place[order[kept]],
        width[order[kept]],
    )
