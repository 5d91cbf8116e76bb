"""What a text claims in dates and in articles of law, whatever the spelling."""

from __future__ import annotations

import re
from dataclasses import dataclass

_HAN_DIGIT = {c: i for i, c in enumerate("零一二三四五六七八九")} | {"〇": 0, "两": 2}
_HAN_POWER = {"十": 10, "百": 100, "千": 1000}
_HAN_NUMBER = "[〇零一二两三四五六七八九十百千]{1,9}"
_MONTHS = "january february march april may june july august september october november december"
_MONTH = {name[:3]: at for at, name in enumerate(_MONTHS.split(), start=1)}
_MONTH_NAME = rf"(?P<m{{0}}>{'|'.join(f'{m[:3]}(?:{m[3:]})?' for m in _MONTHS.split())})\.?"
_YEAR = r"(?:1\d{3}|20\d{2})"
_DATE = re.compile(
    rf"(?<!\d)(?P<y1>{_YEAR}|[〇零一二三四五六七八九]{{4}})\s?年(?:\s?(?P<m1>\d{{1,2}}|{_HAN_NUMBER})\s?月"
    rf"(?:\s?(?P<d1>\d{{1,2}}|{_HAN_NUMBER})\s?[日号號])?)?(?!以上|以下|以内)"
    rf"|(?<![\d.])(?P<y2>{_YEAR})(?P<gap>[-/.])(?P<m2>\d{{1,2}})(?P=gap)(?P<d2>\d{{1,2}})(?!\d|\.\d)"
    rf"|(?<!\d)(?P<m3>\d{{1,2}}|(?<![十一二]){_HAN_NUMBER})\s?月(?P<d3>\d{{1,2}}|{_HAN_NUMBER})\s?[日号號]"
    rf"|(?<![a-z]){_MONTH_NAME.format(4)}\s(?P<d4>\d{{1,2}})(?:st|nd|rd|th)?(?:,?\s(?P<y4>{_YEAR}))?(?!\d)"
    rf"|(?<!\d)(?P<d5>\d{{1,2}})(?:st|nd|rd|th)?\s(?:of\s)?{_MONTH_NAME.format(5)}(?:,?\s(?P<y5>{_YEAR}))?(?![a-z])"
    rf"|(?<![a-z]){_MONTH_NAME.format(6)}\s(?:of\s)?(?P<y6>{_YEAR})(?!\d)"
    rf"|(?<![a-z])(?:in|since|from|until|by|of|year)\s(?:the\s(?:year|spring|summer|autumn|winter)\s(?:of\s)?)?"
    rf"(?P<y7>{_YEAR})(?![\d.,]*\d|\s?(?:mg|g|ml|kg|mcg|%|[a-z]*grams?))",
    re.IGNORECASE,
)
_ARTICLE = re.compile(
    rf"第\s?(?P<han>\d{{1,4}}|{_HAN_NUMBER})\s?[条條](?:之(?P<sub>[一二三四五六七八九十]))?"
    r"|(?:(?<![a-z])(?:sections?|sec\.|articles?|art\.|clauses?)|§{1,2})\s?(?P<latin>\d{1,4}[a-z]?(?:\(\w{1,3}\))*)",
    re.IGNORECASE,
)
_GUIDELINE = re.compile(
    rf"(?<!\d)(?P<a>{_YEAR})\s?(?:年)?(?:版|修订版?|年?\s?[^\s，。,.]{{0,12}}(?:指南|共识|标准|规范))"
    rf"|(?:指南|共识|标准|规范)[（(\s]{{0,2}}(?P<b>{_YEAR})"
    rf"|(?<!\d)(?P<c>{_YEAR})\s(?:[a-z]+\s){{0,4}}(?:guidelines?|edition|version|standard|consensus|recommendations?)"
    rf"|(?:guidelines?|edition|consensus|recommendations?)\s(?:of|from|in)\s(?P<d>{_YEAR})",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Date:
    """A date, of which the year, or month and day, may be left open (None)."""

    year: int | None
    month: int | None
    day: int | None

    def meets(self, other: Date) -> bool:
        """Whether both may be one date: what both say is the same."""
        mine, theirs = ((d.year, d.month, d.day) for d in (self, other))
        return all(a is None or b is None or a == b for a, b in zip(mine, theirs, strict=True))


def dates(text: str) -> list[Date]:
    """Return the dates of a text: years alone, months and days, in digits, Chinese and English."""
    return [_date(match) for match in _DATE.finditer(text)]


def without_dates_and_articles(text: str) -> str:
    """Return the text with a space in the place of each, since their numbers measure nothing."""
    return _ARTICLE.sub(" ", _DATE.sub(" ", text))


def articles(text: str) -> frozenset[str]:
    """Return the articles or sections of law that a text names: `39`, `133-1`, `12(b)`."""
    found = set()
    for match in _ARTICLE.finditer(text):
        if match["han"]:
            sub = f"-{_number(match['sub'])}" if match["sub"] else ""
            found.add(f"{_number(match['han'])}{sub}")
        else:
            found.add(match["latin"].lower())
    return frozenset(found)


def edition(text: str) -> int | None:
    """Return the latest year of a guideline, standard or edition that a text goes by."""
    years = [int(year) for match in _GUIDELINE.finditer(text) for year in match.groups() if year]
    return max(years, default=None)


def _date(match: re.Match[str]) -> Date:
    parts: dict[str, int | None] = dict.fromkeys("ymd")
    for name, value in match.groupdict().items():
        if value and name != "gap":
            parts[name[0]] = _MONTH.get(value[:3].lower()) or _number(value)
    return Date(parts["y"], parts["m"], parts["d"])


def _number(written: str) -> int:
    """Return the value of digits or of a Chinese numeral up to 9,999: 三十九, 二〇二四, 十二."""
    if written.isdecimal():
        return int(written)
    if not any(c in _HAN_POWER for c in written):
        return int("".join(str(_HAN_DIGIT[c]) for c in written))
    total = digit = 0
    for char in written:
        power = _HAN_POWER.get(char)
        if power is None:
            digit = _HAN_DIGIT[char]
        else:
            total += (digit or 1) * power
            digit = 0
    return total + digit
