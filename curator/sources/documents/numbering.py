"""The numbers and bullets that Word puts before paragraphs, worked out from its definitions.

A paragraph refers to a list and a level of it; the definition of the level says how
its number looks (`%1.%2`, 第%1章) and where it starts (ECMA-376 part 1, 17.9).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_DIGITS = "〇一二三四五六七八九"
_STEMS, _BRANCHES = "甲乙丙丁戊己庚辛壬癸", "子丑寅卯辰巳午未申酉戌亥"
_ROMAN = (
    (1000, "m"), (900, "cm"), (500, "d"), (400, "cd"), (100, "c"), (90, "xc"), (50, "l"),
    (40, "xl"), (10, "x"), (9, "ix"), (5, "v"), (4, "iv"), (1, "i"),
)  # fmt: skip
_LEVELS = 9


class Label(NamedTuple):
    """What stands before a paragraph, and how deep in its list it is, from 0."""

    text: str
    level: int
    is_bullet: bool


class Numbering:
    """Counts through the lists of a document, paragraph by paragraph."""

    def __init__(self, root: Any) -> None:
        """Take the root of the numbering part, None where a document has none."""
        self._abstract: dict[str, Any] = {}
        self._lists: dict[str, tuple[str, dict[int, Any]]] = {}
        self._counts: dict[str, list[int | None]] = {}
        self._started: set[tuple[str, int]] = set()
        if root is None:
            return
        for abstract in root.iterfind(f"{_W}abstractNum"):
            self._abstract[abstract.get(f"{_W}abstractNumId")] = abstract
        for num in root.iterfind(f"{_W}num"):
            refers = num.find(f"{_W}abstractNumId")
            overrides = {int(o.get(f"{_W}ilvl")): o for o in num.iterfind(f"{_W}lvlOverride")}
            if refers is not None:
                self._lists[num.get(f"{_W}numId")] = (refers.get(f"{_W}val"), overrides)

    def label(self, paragraph: Any, style: Any) -> Label | None:
        """Return what stands before the next paragraph; None where it is in no list.

        `style.numbering` is the `numPr` that holds for the paragraph.
        """
        numbering = style.numbering
        if numbering is None:
            return None
        number = _value(numbering, "numId")
        level = int(_value(numbering, "ilvl") or 0)
        if number not in self._lists or not 0 <= level < _LEVELS:
            return None
        definition = self._definition(number, level, _value(paragraph.find(f"{_W}pPr"), "pStyle"))
        if definition is None:
            return None
        level, found = definition
        how = _value(found, "numFmt") or "decimal"
        if how == "none":
            return None
        if how == "bullet":
            return Label("-", level, is_bullet=True)
        self._count(number, level)
        legal = found.find(f"{_W}isLgl") is not None  # all numbers of the label are decimal
        shown = re.sub(
            r"%([1-9])",
            lambda m: self._shown(number, int(m[1]) - 1, legal=legal),
            _value(found, "lvlText") or "",
        ).strip()
        return Label(shown, level, is_bullet=False) if shown else None

    def _definition(self, number: str, level: int, style: str | None) -> tuple[int, Any] | None:
        """Return a level and its definition; a style may be bound to a level by the list itself."""
        abstract, overrides = self._lists[number]
        root = self._abstract.get(abstract)
        if root is None:
            return None
        levels = {int(found.get(f"{_W}ilvl")): found for found in root.iterfind(f"{_W}lvl")}
        for at, found in levels.items():
            if style and _value(found, "pStyle") == style:
                level = at
        own = overrides[level].find(f"{_W}lvl") if level in overrides else None
        found = own if own is not None else levels.get(level)
        return (level, found) if found is not None else None

    def _count(self, number: str, level: int) -> None:
        abstract, overrides = self._lists[number]
        counts = self._counts.setdefault(abstract, [None] * _LEVELS)
        forced = _value(overrides.get(level), "startOverride")
        if forced is not None and (number, level) not in self._started:
            counts[level] = int(forced)
        elif (before := counts[level]) is None:
            counts[level] = self._start(number, level)
        else:
            counts[level] = before + 1
        self._started.add((number, level))
        counts[level + 1 :] = [None] * (_LEVELS - level - 1)

    def _start(self, number: str, level: int) -> int:
        found = self._definition(number, level, None)
        start = _value(found[1], "start") if found else None
        return int(start) if start is not None else 0 if found is None else 1

    def _shown(self, number: str, level: int, *, legal: bool) -> str:
        counts = self._counts[self._lists[number][0]]
        count = counts[level]
        if count is None:
            count = counts[level] = self._start(number, level)
        found = self._definition(number, level, None)
        how = _value(found[1], "numFmt") if found and not legal else None
        return _SHOWN.get(how or "decimal", str)(count)


def chinese(number: int) -> str:
    """Return a number below 100,000,000 in Chinese: 一百零五, 十二."""
    if number < 0 or number >= 10**8:
        return str(number)
    if number >= 10**4:
        rest = number % 10**4
        gap = "零" if 0 < rest < 1000 else ""
        return f"{chinese(number // 10**4)}万{gap}{chinese(rest) if rest else ''}"
    said, missing = "", False
    for unit, name in ((1000, "千"), (100, "百"), (10, "十"), (1, "")):
        digit, number = divmod(number, unit)
        if digit:
            said += ("零" if missing and said else "") + _DIGITS[digit] + name
        missing = not digit
    return said.removeprefix("一") if said.startswith("一十") else said or "零"


def roman(number: int) -> str:
    """Return a number in small Roman numerals."""
    if not 0 < number < 10_000:
        return str(number)
    said = ""
    for value, letters in _ROMAN:
        times, number = divmod(number, value)
        said += letters * times
    return said


def letters(number: int) -> str:
    """Return a number as letters, as Word counts: a … z, aa, bb …."""
    if not 0 < number <= 780:
        return str(number)
    return chr(ord("a") + (number - 1) % 26) * ((number - 1) // 26 + 1)


def circled(number: int) -> str:
    """Return a number in a circle, up to 20."""
    return chr(0x2460 + number - 1) if 1 <= number <= 20 else str(number)


_SHOWN: dict[str, Callable[[int], str]] = {
    "lowerLetter": letters,
    "upperLetter": lambda n: letters(n).upper(),
    "lowerRoman": roman,
    "upperRoman": lambda n: roman(n).upper(),
    "decimalZero": lambda n: f"{n:02d}",
    "decimalEnclosedCircle": circled,
    "decimalEnclosedCircleChinese": circled,
    "chineseCounting": chinese,
    "chineseCountingThousand": chinese,
    "chineseLegalSimplified": chinese,
    "taiwaneseCounting": chinese,
    "taiwaneseCountingThousand": chinese,
    "japaneseCounting": chinese,
    "ideographDigital": lambda n: "".join(_DIGITS[int(d)] for d in str(abs(n))),
    "ideographTraditional": lambda n: _STEMS[(n - 1) % 10],
    "ideographZodiac": lambda n: _BRANCHES[(n - 1) % 12],
}


def _value(element: Any, name: str) -> str | None:
    found = element.find(f"{_W}{name}") if element is not None else None
    return found.get(f"{_W}val") if found is not None else None
