"""Putting words and lines together again as they were before they were set in lines."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from curator.text import HAN, KANA

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

_CJK = re.compile(f"[{HAN}{KANA}\u3001-\u303f\uff01-\uff60\uffe0-\uffe6]")
_EITHER = frozenset("“”‘’—…·")
"""Marks that are as wide as a Han character beside one, and narrow beside Latin letters."""
_HYPHENS = "-\u2010\u00ad"
_LEFT = re.compile(f"([^\\W\\d_]+(?:-[^\\W\\d_]+)*)[{_HYPHENS}]$")
_RIGHT = re.compile(r"[^\W\d_]+")
_COMPOUND = re.compile(r"[^\W\d_]{2,}(?:-[^\W\d_]{2,})+")


def compounds(text: str) -> set[str]:
    """Return the words of a text that are written with a hyphen (`multi-agent`), folded."""
    return {word.casefold() for word in _COMPOUND.findall(text)}


def joined(lines: Sequence[str], hyphenated: Collection[str] = ()) -> str:
    """Return the lines of one paragraph as running text.

    Between Han characters a line's end is nothing. A word that was divided becomes one
    again; it keeps its hyphen where it is one of those that are `hyphenated` elsewhere.
    """
    text = ""
    for line in lines:
        text = _continued(text, line.strip(), hyphenated) if text else line.strip()
    return text


def is_cjk(char: str) -> bool:
    """Whether no space stands between such a character and another of its kind."""
    return bool(_CJK.match(char))


def no_space(left: str, right: str) -> bool:
    """Whether nothing stands between two characters, for one of them is Han."""
    a, b = is_cjk(left), is_cjk(right)
    return (a and b) or (a and right in _EITHER) or (b and left in _EITHER)


def _continued(text: str, line: str, hyphenated: Collection[str]) -> str:
    if not line:
        return text
    left, right = _LEFT.search(text), _RIGHT.match(line)
    if left and right and (line[0].islower() or text[-1] == "\u00ad"):
        whole = f"{left[1]}-{right[0]}".casefold()
        keeps = whole in hyphenated and text[-1] != "\u00ad"
        return (text[:-1] + "-" if keeps else text[:-1]) + line
    if text[-1] in _HYPHENS and len(text) > 1 and text[-2].isalnum() and line[0].isalnum():
        return text + line
    if no_space(text[-1], line[0]):
        return text + line
    return f"{text} {line}"
