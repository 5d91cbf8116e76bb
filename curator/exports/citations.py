"""How a chunk is cited: 《退货政策.docx》› 三、运费 › 第 2 段. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_NUMBERED = re.compile(r"(.*?)(\d+)(?:[–-](\d+))?", re.DOTALL)
_PLACE = re.compile(r"\b(page|slide|line|row|paragraph|message|sheet) ([^\s()]+)")
_UNITS = {
    "page": ("第 {} 页", "page {}"),
    "slide": ("第 {} 张幻灯片", "slide {}"),
    "line": ("第 {} 行", "line {}"),
    "row": ("第 {} 行", "row {}"),
    "paragraph": ("第 {} 段", "paragraph {}"),
    "message": ("第 {} 条消息", "message {}"),
    "sheet": ("工作表 {}", "sheet {}"),
}
_PAPER = ("page", "slide", "sheet")
"""What tells where to look also where the blocks of a section are counted."""


def locator_range(first: str, last: str) -> str:
    """Return where a chunk lies: `line 12` and `line 20` give `line 12–20`."""
    if first == last or not last:
        return first
    if not first:
        return last
    a, b = _NUMBERED.fullmatch(first), _NUMBERED.fullmatch(last)
    if a and b and a[1] == b[1]:
        return f"{a[1]}{a[2]}–{b[3] or b[2]}"
    return f"{first} – {last}"


def citation(
    source_uri: str,
    locator: str,
    heading_path: Sequence[str] = (),
    within: tuple[int, int] = (0, 0),
    *,
    lang: str,
) -> str:
    """Return how a chunk is cited, in its own language.

    The place is the blocks of its section where there are headings, with the page where the
    source has pages; else what its locator says.
    """
    chinese = lang == "zh"
    name = f"《{source_uri}》" if chinese else f"“{source_uri}” "
    steps = list(heading_path)
    places = [(unit, number) for unit, number in _PLACE.findall(locator)]
    if heading_path and within[0]:
        places = [place for place in places if place[0] in _PAPER][:1]
        first, last = within
        places.append(("paragraph", str(first) if first == last else f"{first}–{last}"))
    said = [_UNITS[unit][0 if chinese else 1].format(number) for unit, number in places]
    if said:
        steps.append("，".join(said) if chinese else ", ".join(said))
    elif locator:
        steps.append(locator)
    return " › ".join([name.rstrip(), *steps]).replace("》 › ", "》› ")
