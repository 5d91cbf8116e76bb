"""The blocks of all pages as one document: headings, lists, and paragraphs that go on."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from curator.sources.documents.outline import Outline
from curator.sources.documents.pdf.mending import joined

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Collection, Mapping, Sequence

    from curator.sources.documents.pdf.paragraphs import Block

_ENDS = re.compile(r"[.。!！?？:：;；…][\"”’』」)）\]]*$")
_CLOSES = re.compile(r"[。；;，,、.]$")
_DEPTH = re.compile(r"(\d{1,2}(?:\.\d{1,2}){0,4})\.?[\s\u3000]")
_CHINESE = re.compile(
    r"(第[〇零一二三四五六七八九十百千\d]{1,6}[编篇章节])|([一二三四五六七八九十]{1,3}、)"
    r"|([（(][一二三四五六七八九十]{1,3}[)）])"
)
_SAYS = re.compile(r"[^\W\d_]")
_LARGER = 1.13
_LONGEST = 120
_LEVELS = 4


def outlined(
    blocks: Sequence[Block],
    sizes: Counter[float],
    bold: float,
    hyphenated: Collection[str],
    units: Mapping[int, float],
) -> Outline:
    """Return the blocks as a document.

    sizes: how many characters there are of each size; bold: the share that is bold;
    units: what a point is on each page, in the unit of locators.
    """
    body = _body(sizes)
    blocks = _continued(list(blocks), body, hyphenated)
    levels = _levels(blocks, body, bold)
    outline = Outline()
    items: list[str] = []
    items_at = ""
    for i, block in enumerate(blocks):
        if block.role == "list" and _has_neighbour(blocks, i, levels):
            if items and _is_apart(blocks[i - 1], block):
                outline.add("list", "\n".join(items), items_at)
                items = []
            items_at = items_at if items else located(block, units)
            items.append(block.text)
            continue
        outline.add("list", "\n".join(items), items_at)
        items = []
        if i in levels:
            outline.heading(levels[i], block.text, located(block, units))
        elif block.role in ("table", "code"):
            outline.add(block.role, block.text, located(block, units))
        else:
            bulleted = block.role == "list" and block.text.startswith("- ")
            outline.add("list" if bulleted else "paragraph", block.text, located(block, units))
    outline.add("list", "\n".join(items), items_at)
    return outline


def located(block: Block, units: Mapping[int, float]) -> str:
    """Return where a block stands: `page 3 box 72,90,520,140`, from the page's top left."""
    places = [(block.page, block.box), *block.boxes]
    return "; ".join(
        f"page {n} box {','.join(str(round(v * units[n])) for v in box)}" for n, box in places
    )


def _body(sizes: Counter[float]) -> float:
    """Return the size of most of the text."""
    return max(sizes, key=lambda size: (sizes[size], -size), default=10.0)


def _has_neighbour(blocks: list[Block], i: int, levels: dict[int, int]) -> bool:
    """Whether a list item is not alone; a numbered one alone is a paragraph."""
    return i not in levels and any(
        blocks[j].role == "list" and j not in levels and not _is_apart(*blocks[min(i, j) :][:2])
        for j in (i - 1, i + 1)
        if 0 <= j < len(blocks)
    )


def _is_apart(above: Block, block: Block) -> bool:
    """Whether a wide gap parts two blocks of a page."""
    return above.page == block.page and block.box.y0 - above.box.y1 > 1.6 * block.size


def _continued(blocks: list[Block], body: float, hyphenated: Collection[str]) -> list[Block]:
    """Put paragraphs together that go on in the next column or on the next page."""
    out: list[Block] = []
    for block in blocks:
        before = _left_open(out, block, body) if block.opens else None
        if before is None:
            out.append(block)
            continue
        before.text = joined([before.text, block.text], hyphenated)
        before.boxes += [(block.page, block.box), *block.boxes]
        before.closes, before.full = block.closes, block.full
    return out


def _left_open(out: list[Block], block: Block, body: float) -> Block | None:
    """Return the paragraph that `block` goes on with, if there is one.

    Notes in small letters, tables and pictures may stand between.
    """
    if block.role != "paragraph" or block.indented or abs(block.size - body) > 0.06 * body:
        return None
    for before in reversed(out[-8:]):
        last = before.boxes[-1][0] if before.boxes else before.page
        if block.page - last > 1:
            return None
        if before.role in ("table", "code") or before.size < 0.93 * body:
            continue
        if abs(before.size - block.size) > 0.06 * body:
            return None
        # Where paragraphs begin indented, one that does not begin so goes on.
        inside = before.indented and block.lines > 1
        goes_on = before.full and before.bold == block.bold
        first = block.text[0]
        starts = first.islower() or not first.isascii() or before.text[-1] in ",-，、"
        goes_on = goes_on and (inside or (starts and not _ENDS.search(before.text)))
        return before if goes_on else None
    return None


def _levels(blocks: list[Block], body: float, bold: float) -> dict[int, int]:
    """Return the level of each block that is a heading, by its place."""
    larger = {
        i: block.size
        for i, block in enumerate(blocks)
        if _may_head(block) and block.size >= _LARGER * body
    }
    ranks: list[float] = []
    for size in sorted(set(larger.values()), reverse=True):
        if not ranks or size < 0.94 * ranks[-1]:
            ranks.append(size)
    levels = {
        i: min(_LEVELS, 1 + sum(rank > size * 1.03 for rank in ranks)) for i, size in larger.items()
    }
    base = min(len(ranks), _LEVELS) + 1
    for i, block in enumerate(blocks):
        depth = _numbered_level(blocks, i) if i not in levels and _may_head(block) else None
        if depth is not None:
            levels[i] = base + depth
        if i in levels or not block.bold or bold > 0.4 or not _may_head(block):
            continue
        if abs(block.size - body) <= 0.13 * body and block.lines <= 2 and _is_followed(blocks, i):
            numbered = _DEPTH.match(block.text)
            levels[i] = base + (numbered[1].count(".") if numbered else 0)
    return levels


def _numbered_level(blocks: list[Block], i: int) -> int | None:
    """Return how deep a heading is that its Chinese number tells: 第一章, 一、, （一）.

    Such a number begins a heading where it stands on one short line, and text without
    one comes next.
    """
    block = blocks[i]
    number = _CHINESE.match(block.text)
    if not number or block.lines > 1 or block.full or len(block.text) > 40:
        return None
    if i + 1 == len(blocks):
        return None
    following = _CHINESE.match(blocks[i + 1].text)
    if following and following.lastindex == number.lastindex:
        return None  # items of a list
    return (number.lastindex or 1) - 1


def _may_head(block: Block) -> bool:
    return (
        block.role in ("paragraph", "list")
        and not block.text.startswith("- ")
        and " … " not in block.text
        and block.lines <= 3
        and not block.parted
        and len(block.text) <= _LONGEST
        and not _CLOSES.search(block.text)
        and bool(_SAYS.search(block.text))
    )


def _is_followed(blocks: list[Block], i: int) -> bool:
    """Whether something is under a heading: within two blocks comes text that is not bold."""
    return any(not b.bold or b.role == "table" for b in blocks[i + 1 : i + 3])
