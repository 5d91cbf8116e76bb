"""Where else a record says what was found in one place, and which names are one person's."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING

from curator.intervals import Intervals
from curator.pii.candidates import settle
from curator.pii.surnames import COMPOUND_SURNAMES, SURNAMES
from curator.text import HAN, fold

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from curator.pii.candidates import Candidate
    from curator.pii.texts import SearchText

PERSON = "PII001"
_REPEATED = frozenset({"LOCATION", "ORGANIZATION", "URL", "AGE"})
_SHORTEST_NUMBER, _LONGEST = 6, 300
_SURE = 0.6
_LETTER = re.compile(r"[A-Za-z\u00c0-\u024f]")
_FULL = re.compile(f"[{HAN}]{{3,4}}")
_TITLED = re.compile(
    "(?:先生|女士|小姐|太太|医生|大夫|主任|老师|经理|教授|律师|师傅|警官|院长|护士|阿姨|叔叔|"
    "大哥|大姐|总|哥|姐|叔|姨)"
)


def with_mentions(
    views: Sequence[SearchText],
    found: Sequence[Sequence[Candidate]],
    permitted: Callable[[SearchText, Iterable[Candidate]], list[Candidate]],
) -> list[list[Candidate]]:
    """Settle overlaps, and find what was found in one place wherever the record says it.

    A Chinese full name is also found by its given name and by its surname with a title.
    """
    settled = [settle(candidates) for candidates in found]
    known: dict[str, Candidate] = {}
    for view, candidates in zip(views, settled, strict=True):
        for candidate in candidates:
            value = view.narrow[candidate.start : candidate.end]
            if candidate.entity in _REPEATED or len(value) > _LONGEST:
                continue
            if candidate.code == PERSON:
                if len(value) > 1:
                    known.setdefault(value, candidate)
            elif len(value) >= _SHORTEST_NUMBER:
                known.setdefault(value, candidate)
    if not known:
        return settled
    wanted = {value: (candidate, False) for value, candidate in known.items()}
    wanted = _parts_of_names(known) | wanted
    spelled = Spelled(wanted)
    return [
        settle([*candidates, *permitted(view, _mentioned(view, wanted, spelled, candidates))])
        for view, candidates in zip(views, settled, strict=True)
    ]


def full_names(views: Sequence[SearchText], found: Sequence[Sequence[Candidate]]) -> dict[str, str]:
    """Return for each part of a name the one full name of the record that it is part of."""
    names = sorted(
        {
            view.narrow[c.start : c.end].lower()
            for view, candidates in zip(views, found, strict=True)
            for c in candidates
            if c.code == PERSON
        }
    )
    saying: dict[str, list[str]] = defaultdict(list)
    for name in names:
        for piece in {*name.split(), _surname(name), _given(name)} - {""}:
            saying[piece].append(name)
    full = {}
    for name in names:
        if name[0].isascii():
            words = set(name.split())
            rarest = min((saying[word] for word in words), key=len, default=[])
            longer = [other for other in rarest if words < set(other.split())]
        else:
            longer = [other for other in saying[name] if name in (_surname(other), _given(other))]
        if len(longer) == 1:
            full[fold(name)] = longer[0]
    return full


class Spelled:
    """Looks for values spelled the same, all at once; Latin ones as whole words."""

    def __init__(self, values: Iterable[str]) -> None:
        """Take the values, none of them empty."""
        import ahocorasick  # noqa: PLC0415 - only who looks for values needs it

        self._automaton = ahocorasick.Automaton()
        for value in values:
            self._automaton.add_word(value, value)
        self._automaton.make_automaton()

    def places(self, text: str) -> Iterator[tuple[str, int, int]]:
        """Yield each value and where it stands; places of one value do not overlap."""
        reached: dict[str, int] = {}
        for last, value in self._automaton.iter(text):
            start, end = last + 1 - len(value), last + 1
            if start < reached.get(value, 0):
                continue
            if value[0].isascii() and (
                _LETTER.match(text[start - 1 : start]) or _LETTER.match(text, end)
            ):
                continue
            reached[value] = end
            yield value, start, end


def _surname(name: str) -> str:
    if not _FULL.fullmatch(name):
        return ""
    if name.startswith(COMPOUND_SURNAMES):
        return name[:2]
    return name[0] if name[0] in SURNAMES and len(name) == 3 else ""


def _given(name: str) -> str:
    surname = _surname(name)
    return name[len(surname) :] if surname and len(name) - len(surname) == 2 else ""


def _parts_of_names(known: Mapping[str, Candidate]) -> dict[str, tuple[Candidate, bool]]:
    """Return the given names and the surnames of the full names; whether a title must follow."""
    parts: dict[str, tuple[Candidate, bool]] = {}
    for value, candidate in known.items():
        if candidate.code == PERSON and candidate.score >= _SURE and (surname := _surname(value)):
            parts.setdefault(surname, (candidate, True))
            if given := _given(value):
                parts.setdefault(given, (candidate, False))
    return parts


def _mentioned(
    view: SearchText,
    wanted: Mapping[str, tuple[Candidate, bool]],
    spelled: Spelled,
    found: Sequence[Candidate],
) -> Iterator[Candidate]:
    known = Intervals((c.start, c.end) for c in found)
    for value, start, end in spelled.places(view.narrow):
        candidate, titled = wanted[value]
        if (not titled or _TITLED.match(view.narrow, end)) and not known.hold(start, end):
            yield replace(candidate, start=start, end=end, rule="mention", recogniser="record")
