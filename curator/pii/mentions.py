"""Where else a record says what was found in one place, and which names are one person's."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from curator.pii.candidates import settle
from curator.pii.chinese_names import COMPOUND_SURNAMES, SURNAMES
from curator.text import HAN, fold

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from curator.pii.candidates import Candidate
    from curator.pii.texts import SearchText

PERSON = "PII001"
_REPEATED = frozenset({"LOCATION", "ORGANIZATION", "URL", "AGE"})
_SHORTEST_NUMBER = 6
_SURE = 0.6
_EDGE = r"(?<![A-Za-z\u00c0-\u024f]){}(?![A-Za-z\u00c0-\u024f])"
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
            if candidate.entity in _REPEATED:
                continue
            if candidate.code == PERSON:
                if len(value) > 1:
                    known.setdefault(value, candidate)
            elif len(value) >= _SHORTEST_NUMBER:
                known.setdefault(value, candidate)
    if not known:
        return settled
    parts = _parts_of_names(known)
    if len(views) == 1 and not _says_again(views[0], known) and not parts:
        return settled
    return [
        settle([*candidates, *permitted(view, _mentioned(view, known, parts, candidates))])
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
    full = {}
    for name in names:
        if name[0].isascii():
            words = set(name.split())
            longer = [other for other in names if words < set(other.split())]
        else:
            longer = [o for o in names if o != name and (_surname(o) == name or _given(o) == name)]
        if len(longer) == 1:
            full[fold(name)] = longer[0]
    return full


def mentions(name: str, text: str) -> Iterator[tuple[int, int]]:
    """Yield where else a name stands, spelled the same; a Latin one as whole words."""
    if name[0].isascii():
        pattern = re.compile(_EDGE.format(re.escape(name)))
        yield from (m.span() for m in pattern.finditer(text))
        return
    at = text.find(name)
    while at >= 0:
        yield at, at + len(name)
        at = text.find(name, at + len(name))


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


def _says_again(view: SearchText, known: Iterable[str]) -> bool:
    return any(view.narrow.count(value) > 1 for value in known)


def _mentioned(
    view: SearchText,
    known: Mapping[str, Candidate],
    parts: Mapping[str, tuple[Candidate, bool]],
    found: Sequence[Candidate],
) -> Iterator[Candidate]:
    text = view.narrow
    wanted = [(value, candidate, False) for value, candidate in known.items()]
    wanted += [(value, *held) for value, held in parts.items() if value not in known]
    for value, candidate, titled in wanted:
        if value not in text:
            continue
        for start, end in mentions(value, text):
            if titled and not _TITLED.match(text, end):
                continue
            again = replace(candidate, start=start, end=end, rule="mention", recogniser="record")
            if not any(other.covers(again) for other in found):
                yield again
