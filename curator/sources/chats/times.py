"""Times as chat logs write them, in minutes, so that silences can be measured."""

from __future__ import annotations

import datetime as dt
import re
from typing import NamedTuple

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH = f"(?P<{{}}>{'|'.join(_MONTHS)})[a-z]*\\.?"
_DATE = re.compile(
    r"(?<!\d)(?:(?P<y>\d{4})[-/.年 ]\s*(?P<m>\d{1,2})[-/.月 ]\s*(?P<d>\d{1,2})日?"
    r"|(?P<a>\d{1,2})[/.-](?P<b>\d{1,2})[/.-](?P<c>\d{4}|\d{2}))(?!\d)"
)
_NAMED = re.compile(
    rf"(?<![a-z\d])(?:(?P<d1>\d{{1,2}})(?:st|nd|rd|th)?[ -]{_MONTH.format('m1')}"
    rf"|{_MONTH.format('m2')} (?P<d2>\d{{1,2}})(?:st|nd|rd|th)?),?[ -](?P<y>\d{{4}})(?!\d)",
    re.IGNORECASE,
)
_TIME = re.compile(
    r"(?P<before>上午|下午|晚上|凌晨|中午|早上|[AaPp]\.?[Mm]\.?)?\s*(?<!\d)(?P<h>\d{1,2})[:：时時點点](?P<min>\d{2})"
    r"(?:[:：分](?P<s>\d{2}))?(?:[.,]\d+)?\s*(?P<after>[AaPp]\.?[Mm]\.?)?"
)
_EPOCH = re.compile(r"\s*(\d{10})(\d{3})?(?:\.\d+)?\s*$")
DAY = 24 * 60


class Moment(NamedTuple):
    """A time in minutes.

    month_first, day_first: the minutes as each order of day and month reads the date;
    None where it cannot be read so. They differ for a date like 5/6/24 alone.
    dated: whether it says the day; if not, the minutes are those since midnight.
    """

    month_first: float | None
    day_first: float | None
    dated: bool


def minutes(text: str) -> Moment | None:
    """Return the moment that a text stands for; None if it holds no time.

    Zones are not looked at: the lines of one log are in one.
    """
    epoch = _EPOCH.match(text)
    if epoch:
        return Moment(int(epoch[1]) / 60, int(epoch[1]) / 60, dated=True)
    date = _DATE.search(text) or _NAMED.search(text)
    time = _TIME.search(text, date.end() if date else 0) or _TIME.search(text)
    if time is None:
        return None
    hour, minute, second = int(time["h"]), int(time["min"]), int(time["s"] or 0)
    half = (time["before"] or time["after"] or "").lower()
    if hour < 12 and (half.startswith("p") or half in ("下午", "晚上", "中午")):
        # 中午 11:50 is before noon.
        hour += 0 if half == "中午" and hour >= 10 else 12
    elif hour == 12 and (half.startswith("a") or half in ("上午", "凌晨")):
        hour = 0
    of_day = hour * 60 + minute + second / 60
    if date is None:
        return Moment(of_day, of_day, dated=False)
    month_first, day_first = _days(date)
    if month_first is None and day_first is None:
        return None
    return Moment(
        None if month_first is None else month_first * DAY + of_day,
        None if day_first is None else day_first * DAY + of_day,
        dated=True,
    )


def _days(date: re.Match[str]) -> tuple[int | None, int | None]:
    """Return the day that a date stands for, read month first and read day first."""
    found = date.groupdict()
    if found.get("c"):
        a, b, year = int(found["a"]), int(found["b"]), int(found["c"])
        year += 2000 if year < 100 else 0
        return _day(year, a, b), _day(year, b, a)
    if found.get("m"):
        day = _day(int(found["y"]), int(found["m"]), int(found["d"]))
    else:
        month = _MONTHS.index((found["m1"] or found["m2"])[:3].lower()) + 1
        day = _day(int(found["y"]), month, int(found["d1"] or found["d2"]))
    return day, day


def _day(year: int, month: int, day: int) -> int | None:
    try:
        return dt.date(year, month, day).toordinal()
    except ValueError:
        return None


def gap(before: Moment | None, after: Moment | None) -> float:
    """Return the minutes from one moment to the next; 0 where that cannot be told.

    Where both orders of day and month are possible, the one that gives the shorter way
    forward counts. Times without a day that run backwards by more than half a day have
    passed midnight.
    """
    if before is None or after is None or before.dated != after.dated:
        return 0.0
    between = [
        end - start
        for start, end in zip(before[:2], after[:2], strict=True)
        if start is not None and end is not None
    ]
    if not after.dated:
        between = [b + DAY if b < -DAY / 2 else b for b in between]
    return min((b for b in between if b >= 0), default=0.0)
