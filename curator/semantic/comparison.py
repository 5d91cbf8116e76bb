"""Two texts side by side: what one of them says and the other does not, and in which order."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import TYPE_CHECKING

from curator.semantic import lexicon
from curator.semantic.order import longest_fall, places, replaced
from curator.semantic.wording import Kind, wording
from curator.similarity.differences import quantities
from curator.similarity.vocabulary import OPPOSITES

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from curator.semantic.wording import Wording
    from curator.similarity.differences import Quantity

    Units = Counter[tuple[int, str]]

_SAYS = frozenset({Kind.CONTENT, Kind.CODE, Kind.NAME, Kind.ROLE, Kind.NUMBER})
_ORDERED = _SAYS | {Kind.PRONOUN}
_SAYS_LITTLE = (Kind.LIGHT, Kind.SCOPE, Kind.MODAL, Kind.DEGREE, Kind.ASPECT)
_FUTURE = {(Kind.MODAL, "会")}
_OVER = {(Kind.ASPECT, unit) for unit in ("了", "过", "已经")}
_ASKS_MUCH = frozenset({"what", "how-is", "mean", "price", "how-many"})
"""What a question may leave out: `the difference between A and B` asks what it is."""
_LONG = 12
"""A statement of so many units in which neighbours change places may say something else."""
_MEASURES = """
mg g kg ml l mm cm m km h min hour hr day week month year second sec minut gram liter meter
毫 克 升 公 斤 千 微 分 钟 小 时 天 日 周 星 期 月 年 岁 度 元 块 次 片 粒 米 里 厘
"""
_UNITS = frozenset(_MEASURES.split())


@dataclass(frozen=True, slots=True)
class Comparison:
    """How two texts differ.

    `alone` is how many units of content each says alone, `lengths` how many it has,
    `common` how many both say. The counts `light`, `scope`, `modal`, `degree`, `aspect`,
    `pronouns` and `codes` are of units that only one has, `swapped` of those of the first five for
    which the other has another one. `asks` is whether one asks for what
    the other does not, `asking` whether both are questions.
    """

    alone: tuple[int, int]
    lengths: tuple[int, int]
    common: int
    light: int
    scope: int
    modal: int
    degree: int
    aspect: int
    pronouns: int
    codes: int
    swapped: int
    asks: bool
    asking: bool


@dataclass(frozen=True, slots=True)
class Glance:
    """What a comparison of two texts will find at least, told fast.

    `alone` and `common` as in `Comparison`, at least and at most; `lengths` at most; `asking`.
    """

    alone: tuple[int, int]
    lengths: tuple[int, int]
    common: int
    asking: bool


def glance(left: str, right: str) -> Glance:
    """Look at two texts before they are compared."""
    a, b = _gist(left), _gist(right)
    alone = tuple(
        len(one.said) - len(other.units.intersection(one.said)) for one, other in ((a, b), (b, a))
    )
    return Glance(
        alone=(alone[0], alone[1]),
        lengths=(a.length, b.length),
        common=min(a.length - alone[0], b.length - alone[1]),
        asking=a.asks and b.asks,
    )


@dataclass(frozen=True, slots=True)
class _Gist:
    """A text's units, those of content that are no amounts, their number, whether it asks."""

    units: frozenset[str]
    said: tuple[str, ...]
    length: int
    asks: bool


@lru_cache(maxsize=1 << 14)
def _gist(text: str) -> _Gist:
    w = wording(text)
    said = [(kind, unit) for kind, unit in zip(w.kinds, w.units, strict=True) if kind in _SAYS]
    return _Gist(
        frozenset(w.units),
        tuple({u for kind, u in said if kind != Kind.NUMBER and u not in _UNITS}),
        len(said),
        Kind.ASKS in w.kinds or text.rstrip().endswith(("?", "？")),
    )


def compare(left: str, right: str) -> Comparison:
    """Compare two texts; the order of the two does not matter."""
    sides = _sides(left, right)
    only = (sides[0] - sides[1], sides[1] - sides[0])
    alone = [_totals(side) for side in only]
    asked = [_asked(side) for side in sides]
    extra = (asked[0] - asked[1], asked[1] - asked[0])
    return Comparison(
        alone=(_said(alone[0]), _said(alone[1])),
        lengths=(_said(_totals(sides[0])), _said(_totals(sides[1]))),
        common=_said(_totals(sides[0] & sides[1])),
        light=alone[0][Kind.LIGHT] + alone[1][Kind.LIGHT],
        scope=alone[0][Kind.SCOPE] + alone[1][Kind.SCOPE],
        modal=alone[0][Kind.MODAL] + alone[1][Kind.MODAL],
        degree=alone[0][Kind.DEGREE] + alone[1][Kind.DEGREE],
        aspect=alone[0][Kind.ASPECT] + alone[1][Kind.ASPECT],
        pronouns=alone[0][Kind.PRONOUN] + alone[1][Kind.PRONOUN],
        codes=alone[0][Kind.CODE] + alone[1][Kind.CODE],
        swapped=min(sum(side[kind] for kind in _SAYS_LITTLE) for side in alone),
        asks=bool(extra[0]) != bool(extra[1]) and bool((extra[0] | extra[1]) - _ASKS_MUCH),
        asking=_gist(left).asks and _gist(right).asks,
    )


def conflicts(left: str, right: str) -> tuple[str, ...]:
    """Return what makes two texts say different things, however alike they are.

    numbers, negation, names, opposite, question, time, person, roles.
    """
    sides = _sides(left, right)
    only = (sides[0] - sides[1], sides[1] - sides[0])
    alone = [_totals(side) for side in only]
    asked = [_asked(side) for side in sides]
    order = _Order(wording(left), wording(right))
    plain = not any(map(_said, alone))
    found = {
        "numbers": any(side[Kind.NUMBER] for side in alone),
        "negation": _negations(sides[0]) != _negations(sides[1]),
        "names": all(side[Kind.NAME] + side[Kind.CODE] for side in alone),
        "opposite": _opposite(only, left, right),
        "question": bool(asked[0] - asked[1] and asked[1] - asked[0]),
        "time": any(_FUTURE & a.keys() and _OVER & b.keys() for a, b in (only, only[::-1])),
        "person": all(side[Kind.PRONOUN] for side in alone) or order.persons_swapped,
        "roles": order.fall > 2
        or (order.inner and order.fall == 2 and plain and order.pronoun_moved)
        or (order.fall == 2 and "who" in asked[0] & asked[1])
        or (order.inner and order.fall == 2 and not asked[0] & asked[1] and order.least >= _LONG),
    }
    return tuple(name for name, conflict in found.items() if conflict)


def in_place(left: str, right: str) -> bool:
    """Whether somewhere one text has other content in the place of the other's."""
    return replaced(_ordered(wording(left), _SAYS), _ordered(wording(right), _SAYS))


def _sides(left: str, right: str) -> tuple[Units, Units]:
    """Return both texts' units; names in one of them are names in the other."""
    skip = _same_amounts(left, right)
    units, other = _units(left, drop_amounts=skip), _units(right, drop_amounts=skip)
    names = {unit for kind, unit in (*units, *other) if kind == Kind.NAME}
    return (_with_names(units, names), _with_names(other, names)) if names else (units, other)


class _Order:
    """In which order two wordings say what both say."""

    def __init__(self, a: Wording, b: Wording) -> None:
        """Match their units."""
        # Sorted, since of equally long runs that which comes first is matched first.
        left, right = sorted(_ordered(w, _ORDERED) for w in (a, b))
        places_ = places(left, right)
        self.least = min(len(left), len(right))
        self.fall = longest_fall(places_)
        self.inner = bool(places_) and (places_[0] == min(places_) or places_[-1] == max(places_))
        """Whether the beginning or the end stays in place."""
        persons, others = (_ordered(w, {Kind.PRONOUN}) for w in (a, b))
        self.persons_swapped = (
            len(set(persons)) > 1 and persons != others and Counter(persons) == Counter(others)
        )
        self.pronoun_moved = self.fall > 1 and _pronoun_moved(a, b)


def _ordered(w: Wording, kinds: Collection[int]) -> list[str]:
    return [
        unit
        for unit, kind in zip(w.units, w.kinds, strict=True)
        if kind in kinds or (unit in lexicon.PIVOTS and kinds is _ORDERED)
    ]


def _pronoun_moved(a: Wording, b: Wording) -> bool:
    """Whether a pronoun stands before a unit in one text and behind it in the other."""
    first, second = _single_places(a), _single_places(b)
    shared = [key for key in first if key in second]
    persons = [key for key in shared if key[0] == Kind.PRONOUN]
    others = [key for key in shared if key[0] != Kind.PRONOUN]
    return any(
        (first[person] < first[unit]) != (second[person] < second[unit])
        for person in persons
        for unit in others
    )


def _single_places(w: Wording) -> dict[tuple[int, str], int]:
    """Return where each unit stands that comes once."""
    said = [
        (kind, unit)
        for kind, unit in zip(w.kinds, w.units, strict=True)
        if kind in {Kind.CONTENT, Kind.CODE, Kind.NAME, Kind.PRONOUN}
    ]
    counts = Counter(said)
    return {key: at for at, key in enumerate(said) if counts[key] == 1}


def _same_amounts(left: str, right: str) -> bool:
    """Whether both name the same amounts, maybe in other units: 1 g and 1000 mg."""
    counts = [wording(text).kinds.count(Kind.NUMBER) for text in (left, right)]
    if not any(counts):
        return False
    amounts, others = _amounts(left), _amounts(right)
    return bool(amounts) and amounts == others and max(counts) <= amounts.total()


@lru_cache(maxsize=1 << 12)
def _amounts(text: str) -> Counter[Quantity]:
    return Counter(quantities(text))


@lru_cache(maxsize=1 << 12)
def _units(text: str, *, drop_amounts: bool) -> Units:
    """Return a text's units; without numbers and their units of measure where these agree."""
    found: Units = Counter()
    measure = 0
    w = wording(text)
    for unit, kind in zip(w.units, w.kinds, strict=True):
        if drop_amounts and kind == Kind.NUMBER:
            measure = 2
            continue
        if measure and kind in {Kind.CONTENT, Kind.NAME} and unit in _UNITS:
            measure -= 1
            continue
        measure = 0
        found[kind, unit] += 1
    return found


def _with_names(units: Units, names: set[str]) -> Units:
    """Return the units, those that the other text writes as names as names too."""
    return Counter(
        {(Kind.NAME if unit in names else kind, unit): n for (kind, unit), n in units.items()}
    )


def _totals(units: Units) -> list[int]:
    """Return how many units there are of each kind."""
    found = [0] * (Kind.SCOPE + 1)
    for (kind, _), n in units.items():
        found[kind] += n
    return found


def _said(totals: Sequence[int]) -> int:
    return sum(totals[kind] for kind in _SAYS)


def _asked(units: Units) -> set[str]:
    return {unit for kind, unit in units if kind == Kind.ASKS}


def _negations(units: Units) -> int:
    return _totals(units)[Kind.NEGATION]


@cache
def _classes() -> dict[str, frozenset[str]]:
    """Return for each word those that it excludes."""
    found: dict[str, set[str]] = {}
    groups = lexicon.CLASSES.strip().replace("\n", "|").split("|")
    groups += [f"{word} {other}" for word, others in OPPOSITES.items() for other in others]
    for group in groups:
        words = [w for word in group.split() for w in {word, *wording(word).units}]
        for word in words:
            found.setdefault(word, set()).update(set(words) - {word, *wording(word).units})
    return {word: frozenset(others) for word, others in found.items()}


def _opposite(only: Sequence[Units], left: str, right: str) -> bool:
    """Whether one says a word and the other, in its stead, one that it excludes."""
    a, b = ({unit for _, unit in side} for side in only)
    # Chinese words of several characters are no units: they are looked for in the texts.
    written, others = _han_classes(left), _han_classes(right)
    a |= written - others
    b |= others - written
    classes = _classes()
    return any(classes[word] & b for word in a if word in classes)


@lru_cache(maxsize=1 << 12)
def _han_classes(text: str) -> frozenset[str]:
    """Return the Chinese words of classes that a text has."""
    return frozenset(
        word for word in _classes() if len(word) > 1 and not word.isascii() and word in text
    )
