"""Line ends, odd spaces and runs of blank lines.

What a careful editor leaves alone stays: the U+3000 that indents a Chinese paragraph or
parts two Chinese words, runs of plain spaces, tabs, spaces at a line's end (two are a line
break in Markdown), and up to two blank lines.
"""

from __future__ import annotations

import re

from curator.repair.spans import Repair

_SPACE = re.compile(
    r"[\xa0\u1680\u2000-\u200a\u202f\u205f]+|(?<=[A-Za-z0-9])\u3000+(?=[A-Za-z0-9])"
)
_LINE_END = re.compile(
    r"(?:\r{1,3}\n|[\r\x0b\x0c\x85\u2028\u2029])(?:\n|\r{1,3}\n|[\r\x0b\x0c\x85\u2028\u2029])*"
)
_ONE_LINE_END = re.compile(r"\r{1,3}\n|[\n\r\x0b\x0c\x85\u2028\u2029]")
_BLANK_LINES = re.compile(r"\n(?:[ \t\u3000]*\n){3,}")


def plain_spaces(text: str) -> list[Repair]:
    """Return the spaces of other widths or without a break; those inside a number stay."""
    if text.isascii():
        return []
    return [
        Repair(m.start(), m.end(), " " * len(m.group()), "space")
        for m in _SPACE.finditer(text)
        if not (
            text[max(0, m.start() - 1) : m.start()].isdigit()
            and text[m.end() : m.end() + 1].isdigit()
        )
    ]


def line_ends(text: str) -> list[Repair]:
    r"""Return the line ends of other systems (CR LF, CR, NEL, U+2028, form feed), as `\n`."""
    return [
        Repair(m.start(), m.end(), _ONE_LINE_END.sub("\n", m.group()), "line-end")
        for m in _LINE_END.finditer(text)
    ]


def blank_lines(text: str) -> list[Repair]:
    """Return the runs of three blank lines and more, as one blank line."""
    if not has_blank_run(text):
        return []
    return [Repair(m.start(), m.end(), "\n\n", "blank-lines") for m in _BLANK_LINES.finditer(text)]


def has_blank_run(text: str) -> bool:
    """Return whether three blank lines follow each other somewhere."""
    return text.count("\n") > 3 and _BLANK_LINES.search(text) is not None
