"""Times as chat logs write them, in minutes, so that silences can be measured."""

from __future__ import annotations

import datetime as dt
import re

_DATE = re.compile(
    r"(?<!\d)(?:(?P<y>\d{4})[-/.年 ]\s*(?P<m>\d{1,2})[-/.月 ]\s*(?P<d>\d{1,2})日?"
    r"|(?P<a>\d{1,2})[/.-](?P<b>\d{1,2})[/.-](?P<c>\d{4}|\d{2}))(?!\d)"
)
_TIME = re.compile(
    r"(?P<before>上午|下午|晚上|凌晨|中午|早上|[AaPp]\.?[Mm]\.?)?\s*(?<!\d)(?P<h>\d{1,2})[:：时點点](?P<min>\d{2})"
    r"(?:[:：分](?P<s>\d{2}))?(?:[.,]\d+)?\s*(?P<after>[AaPp]\.?[Mm]\.?)?"
)
_EPOCH = re.compile(r"\s*(\d{10})(\d{3})?(?:\.\d+)?\s*$")
DAY = 24 * 60


def minutes(text: str) -> tuple[float, bool] | None:
    """Return the minutes that a time stands for, and whether it says the day; None if no time.

    Without a day they are counted from midnight. Zones are not looked at: the
    lines of one log are in one.
    """
    epoch = _EPOCH.match(text)
    if epoch:
        return int(epoch[1]) / 60, True
    date = _DATE.search(text)
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
        return of_day, False
    try:
        day = _day(date)
    except ValueError:
        return None
    return day.toordinal() * DAY + of_day, True


def _day(date: re.Match[str]) -> dt.date:
    if date["y"]:
        return dt.date(int(date["y"]), int(date["m"]), int(date["d"]))
    first, second, year = int(date["a"]), int(date["b"]), int(date["c"])
    year += 2000 if year < 100 else 0
    # Month first unless it cannot be; the gaps come out alike within a month either way.
    return dt.date(year, second, first) if first > 12 else dt.date(year, first, second)


def gap(before: tuple[float, bool] | None, after: tuple[float, bool] | None) -> float:
    """Return the minutes from one time to the next; 0 where that cannot be told.

    Times without a day that run backwards by more than half a day have passed midnight.
    """
    if before is None or after is None or before[1] != after[1]:
        return 0.0
    between = after[0] - before[0]
    if not after[1] and between < -DAY / 2:
        between += DAY
    return max(0.0, between)
