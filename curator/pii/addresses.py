"""Chinese addresses: what a rule finds, grown by the places that LAC sees next to it."""

from __future__ import annotations

import re
from bisect import bisect_left
from typing import TYPE_CHECKING

from curator.text import HAN

if TYPE_CHECKING:
    from collections.abc import Sequence

_GAP = re.compile(r"[ ,，、\-]{0,2}")
_STREET = re.compile(
    f"[{HAN}](?:路|街|街道|大道|巷|弄|胡同|新村|小区|花园|苑|村|庄|屯|镇|乡|公寓|家园|大厦|广场)"
    "(?:[东南西北中]段?)?$"
)
_DISTRICT = re.compile(f"[{HAN}](?:区|县|旗|州|盟)")
_DETAIL = re.compile(
    r"[ ]?(?:\d{1,5}|[一二三四五六七八九十百]{1,4}|[A-Za-z])"
    r"(?:号院|号楼|号|弄|栋|幢|座|楼|单元|组|室|层|院|#)"
    r"(?:[ ]?(?:\d{1,5}|[一二三四五六七八九十]{1,3}|[A-Za-z])"
    r"(?:号楼|号|栋|幢|座|楼|单元|室|层|户)?)*"
)


def chains(text: str, places: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Join places that follow each other with nothing (or a comma) between them."""
    joined: list[tuple[int, int]] = []
    for start, end in sorted(places):
        if joined and start >= joined[-1][1] and _GAP.fullmatch(text, joined[-1][1], start):
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((start, end))
    return joined


def private(text: str, start: int, end: int) -> tuple[int, int] | None:
    """Return the span of the address that begins with a chain of places, or None.

    A city, a country or a famous street says nothing about a person; a house
    number does, and so does a street or village together with its district.
    """
    detail = _DETAIL.match(text, end)
    if detail is not None:
        return start, detail.end()
    chain = text[start:end]
    if re.search(r"\d+(?:号|弄|栋|幢|室|单元|楼)", chain):
        return start, end
    if _STREET.search(chain) and _DISTRICT.search(chain) and len(chain) >= 6:
        return start, end
    return None


def grown(text: str, start: int, end: int, joined: Sequence[tuple[int, int]]) -> tuple[int, int]:
    """Return the span of an address, with the `chains` of places that touch it or adjoin it."""
    before = bisect_left(joined, (start, start)) - 1
    behind = bisect_left(joined, (end, end))
    if before >= 0:
        a, b = joined[before]
        if b >= start or _GAP.fullmatch(text, b, start):
            start = a
    if behind:
        end = max(end, joined[behind - 1][1])
    if behind < len(joined):
        a, b = joined[behind]
        if _GAP.fullmatch(text, end, a):
            end = b
    return start, end
