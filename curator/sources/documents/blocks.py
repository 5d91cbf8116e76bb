"""Markdown and plain text as located blocks: headings, paragraphs, tables, lists, code."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING

from curator.sources.documents.outline import Outline

if TYPE_CHECKING:
    from collections.abc import Callable

    from curator.types import Part

_ATX = re.compile(r" {0,3}(#{1,6})(?:[ \t]+(.*?))?(?:[ \t]+#+)?[ \t]*$")
_SETEXT = re.compile(r" {0,3}(=+|-{2,})[ \t]*$")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_ITEM = re.compile(r" {0,3}(?:[-*+•·]|\d{1,9}[.)])[ \t]+\S")
_RULE = re.compile(r" {0,3}(?:(?:\*[ \t]*){3,}|(?:-[ \t]*){3,}|(?:_[ \t]*){3,})$")
_TABLE_RULE = re.compile(r"[ \t]*\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)*\|?[ \t]*$")
_CHAPTER = re.compile(
    r"[ \t\u3000]*(?:第[〇零一二三四五六七八九十百千两\d]{1,8}(?P<unit>[编篇卷部章回节])"
    r"(?:[ \t\u3000：:].{0,40})?"
    r"|(?P<en>Part|Book|Chapter|Section)[ \t]+(?:\d{1,3}|[IVXLC]{1,7})(?:[.:：—-]?[ \t].{0,80})?)"
    r"[ \t]*$",
    re.IGNORECASE,
)
_LEVELS = {"编": 1, "篇": 1, "卷": 1, "部": 1, "part": 1, "book": 1, "章": 2, "回": 2, "chapter": 2}


class _Lines:
    """The blocks of a text, located by its lines."""

    def __init__(self, first_line: int, *, located: bool) -> None:
        self._outline = Outline()
        self._first_line, self._located = first_line, located

    @property
    def parts(self) -> tuple[Part, ...]:
        return tuple(self._outline.parts)

    def heading(self, level: int, text: str, at: int) -> None:
        self._outline.heading(level, text, self._locator(at))

    def add(self, role: str, lines: list[str], at: int) -> None:
        self._outline.add(role, "\n".join(lines), self._locator(at))

    def _locator(self, at: int) -> str:
        return f"line {self._first_line + at}" if self._located else ""


def markdown(text: str, first_line: int = 1, *, located: bool = True) -> tuple[Part, ...]:
    """Return the blocks of a Markdown text, in order, each with the headings above it.

    A block keeps its lines as they are; only a heading loses its marks, and
    rules (`---`) go. Every other character stays in some block.
    """
    lines = text.splitlines() if "\r" in text else text.split("\n")
    out = _Lines(first_line, located=located)
    at = 0
    while at < len(lines):
        at = _block(lines, at, out)
    return out.parts


def plain(text: str, first_line: int = 1) -> tuple[Part, ...]:
    """Return the paragraphs of a plain text: apart by blank lines, else one a line.

    A line that says 第三章 … or Chapter 3 … by itself is a heading.
    """
    lines = text.splitlines() if "\r" in text else text.split("\n")
    out = _Lines(first_line, located=True)
    filled = [i for i, line in enumerate(lines) if line.strip()]
    apart = any(b - a > 1 for a, b in pairwise(filled))
    held: list[str] = []
    for at, line in enumerate([*lines, ""]):
        chapter = _CHAPTER.match(line)
        if held and (chapter or not line.strip() or not apart):
            out.add("paragraph", held, at - len(held))
            held = []
        if chapter:
            name = (chapter["unit"] or chapter["en"]).lower()
            out.heading(_LEVELS.get(name, 3), line.strip(), at)
        elif line.strip():
            held.append(line)
    return out.parts


def _block(lines: list[str], at: int, out: _Lines) -> int:
    """Take the block that begins at line `at` and return the line after it."""
    line = lines[at]
    if not line.strip() or _RULE.match(line):
        return at + 1
    atx = _ATX.match(line)
    if atx:
        out.heading(len(atx[1]), (atx[2] or "").strip(), at)
        return at + 1
    fence = _FENCE.match(line)
    if fence:
        end = _fence_end(lines, at, fence[1])
        out.add("code", lines[at:end], at)
        return end
    if line.startswith(("    ", "\t")):
        end = _while(lines, at, lambda i: lines[i].startswith(("    ", "\t")))
        out.add("code", lines[at:end], at)
        return end
    if _is_table(lines, at):
        end = _while(lines, at, lambda i: "|" in lines[i] and bool(lines[i].strip()))
        out.add("table", lines[at:end], at)
        return end
    if _ITEM.match(line):
        end = _list_end(lines, at)
        out.add("list", lines[at:end], at)
        return end
    return _paragraph(lines, at, out)


def _paragraph(lines: list[str], at: int, out: _Lines) -> int:
    end = at + 1
    while end < len(lines) and lines[end].strip():
        setext = _SETEXT.match(lines[end])
        if setext:
            text = " ".join(line.strip() for line in lines[at:end])
            out.heading(1 if setext[1][0] == "=" else 2, text, at)
            return end + 1
        if _ATX.match(lines[end]) or _FENCE.match(lines[end]) or _RULE.match(lines[end]):
            break
        if _ITEM.match(lines[end]) or _is_table(lines, end):
            break
        end += 1
    out.add("paragraph", lines[at:end], at)
    return end


def _while(lines: list[str], at: int, holds: Callable[[int], bool]) -> int:
    end = at + 1
    while end < len(lines) and holds(end):
        end += 1
    return end


def _fence_end(lines: list[str], at: int, mark: str) -> int:
    for i in range(at + 1, len(lines)):
        inner = lines[i].strip()
        if len(inner) >= len(mark) and not inner.strip(mark[0]):
            return i + 1
    return len(lines)


def _is_table(lines: list[str], at: int) -> bool:
    if "|" not in lines[at] or at + 1 >= len(lines):
        return False
    return "|" in lines[at + 1] and _TABLE_RULE.match(lines[at + 1]) is not None


def _list_end(lines: list[str], at: int) -> int:
    """Return the line after a list: items, what is indented under them, and single blank lines."""
    end = at + 1
    while end < len(lines):
        line = lines[end]
        if not line.strip():
            following = lines[end + 1] if end + 1 < len(lines) else ""
            if not (_ITEM.match(following) or (following.strip() and following[0] in " \t")):
                return end
        elif _ATX.match(line) or _RULE.match(line) or (_FENCE.match(line) and line[0] not in " \t"):
            return end
        end += 1
    return end
