"""The way back: what each surrogate in a row of an export stands for.

A surrogate tells which detail it hides, and not how that was spelt; a made-up name may be a
word of the text besides. Where a record leaves such a doubt, the vault keeps it as it was shown:
then what stands around a surrogate tells which one it is, in a row that holds a stretch of the
record alone, some of it twice, or its turns in another order.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from dataclasses import dataclass
from itertools import accumulate, compress, takewhile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    Original = Callable[[int, str], str | None]

_BETWEEN = "\x00"
"""What sets texts apart here; no surrogate holds it."""
_AROUND = 500
"""How far a place is compared with another, in characters that are no space."""


@dataclass(frozen=True, slots=True)
class Mention:
    """A surrogate in a pseudonymised part: its place there, and what it stands for."""

    part: int
    start: int
    surrogate: str
    original: str


@dataclass(frozen=True, slots=True)
class Hidden:
    """What a record hides.

    mentions: in the order of the text. shown: the parts' texts with the surrogates in them,
    where a surrogate alone does not tell what it stands for; else nothing.
    """

    mentions: tuple[Mention, ...] = ()
    shown: tuple[str, ...] = ()


def hidden(shown: Sequence[str], mentions: Sequence[Mention]) -> Hidden:
    """Return what the vault is to keep of a record.

    Args:
        shown: the texts of its parts, with the surrogates in them.
        mentions: where these are.

    """
    known = tuple(mentions)
    one = {mention.surrogate: mention.original for mention in known}
    at = {(mention.part, mention.start, mention.surrogate) for mention in known}
    met = {(part, *hit) for part, text in enumerate(shown) for hit in _hits(text, one)}
    certain = met == at and all(one[mention.surrogate] == mention.original for mention in known)
    return Hidden(known, () if certain else tuple(shown))


def restored(texts: Sequence[str], hidden: Hidden) -> list[str]:
    """Return texts that were made of a record's with the originals put back.

    Args:
        texts: in the order of the record, as far as they follow it.
        hidden: what the record hides.

    """
    starts = [0, *accumulate(len(text) + 1 for text in texts)]
    pieces: list[list[str]] = [[] for _ in texts]
    reached = [0] * len(texts)
    for start, end, original in _places(_BETWEEN.join(texts), hidden):
        which = bisect_right(starts, start) - 1
        before = texts[which][reached[which] : start - starts[which]]
        pieces[which] += [before, original]
        reached[which] = end - starts[which]
    return [
        "".join([*held, text[at:]]) for held, text, at in zip(pieces, texts, reached, strict=True)
    ]


def _places(text: str, hidden: Hidden) -> Iterator[tuple[int, int, str]]:
    """Yield the places of a text where an original belongs: start, end and what it is."""
    one = {mention.surrogate: mention.original for mention in hidden.mentions}
    tell: Original = _by_place(text, hidden) if hidden.shown else lambda _, made: one[made]
    at = 0
    for start, surrogate in _hits(text, one):
        original = tell(start, surrogate) if start >= at else None
        if original is not None:
            at = start + len(surrogate)
            yield start, at, original


def _by_place(text: str, hidden: Hidden) -> Original:
    """Return what tells the original by what stands around a surrogate in a text.

    It is that of the place in the record which has most around it in common; of places alike,
    the next one. A place where nothing was hidden has none.
    """
    starts = [0, *accumulate(len(part) + 1 for part in hidden.shown)]
    originals = {(starts[m.part] + m.start, m.surrogate): m.original for m in hidden.mentions}
    record = _BETWEEN.join(hidden.shown)
    places: dict[str, list[int]] = defaultdict(list)
    for start, surrogate in _hits(record, {m.surrogate for m in hidden.mentions}):
        places[surrogate].append(start)
    here, there = _Around(text), _Around(record)
    last = -1

    def tell(start: int, surrogate: str) -> str | None:
        nonlocal last
        wanted = here.of(start, surrogate)
        last = max(
            places[surrogate],
            key=lambda place: (
                _alike(wanted, there.of(place, surrogate)),
                place > last,
                -place,
            ),
        )
        return originals.get((last, surrogate))

    return tell


class _Around:
    """What stands around a place of a text, without spaces: rows trim and join a record's parts."""

    def __init__(self, text: str) -> None:
        kept = [not char.isspace() and char != _BETWEEN for char in text]
        self._text = "".join(compress(text, kept))
        self._at = list(accumulate(kept, initial=0))

    def of(self, start: int, surrogate: str) -> tuple[str, str]:
        """Return what stands before a surrogate, backwards, and behind it."""
        first, last = self._at[start], self._at[start + len(surrogate)]
        before = self._text[max(0, first - _AROUND) : first]
        return before[::-1], self._text[last : last + _AROUND]


def _alike(one: tuple[str, str], other: tuple[str, str]) -> int:
    """Return how many characters two places have in common, before and behind."""
    ways = (zip(*pair, strict=False) for pair in zip(one, other, strict=True))
    return sum(1 for way in ways for _ in takewhile(lambda pair: pair[0] == pair[1], way))


def _hits(text: str, surrogates: Iterable[str]) -> list[tuple[int, str]]:
    """Return where surrogates stand in a text, those within others too, longer ones first."""
    import ahocorasick  # noqa: PLC0415 - only where something is hidden

    automaton = ahocorasick.Automaton()
    for surrogate in surrogates:
        automaton.add_word(surrogate, surrogate)
    if not len(automaton):
        return []
    automaton.make_automaton()
    found = [(last + 1 - len(made), made) for last, made in automaton.iter(text)]
    return sorted(found, key=lambda hit: (hit[0], -len(hit[1])))
