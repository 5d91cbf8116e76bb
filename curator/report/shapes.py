"""The pieces that drawings are made of, as inline SVG. Pure; all text is escaped.

Colours are classes of the style sheet, so drawings follow light and dark; text
that differs by language is drawn once for each.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from markupsafe import Markup

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True, slots=True)
class Name:
    """A label in both languages."""

    zh: str
    en: str


def joined(pieces: Iterable[str]) -> Markup:
    """Return pieces of markup as one."""
    return Markup("").join(pieces)


def picture(width: float, height: float, title: Name, body: Iterable[str], style: str) -> Markup:
    """Return a drawing of `width` by `height`, with its title for those who cannot see it."""
    return Markup(
        '<svg class="{}" viewBox="0 0 {} {}" role="img" aria-label="{} / {}"'
        ' preserveAspectRatio="xMinYMin meet">{}</svg>'
    ).format(style, px(width), px(height), title.en, title.zh, joined(body))


def px(value: float) -> str:
    """Return a length as short as can be."""
    return f"{value:.1f}".rstrip("0").rstrip(".")


def rect(x: float, y: float, width: float, height: float, style: str, title: str = "") -> Markup:
    """Return a rectangle; `title` shows where the pointer rests."""
    inside = Markup("<title>{}</title>").format(title) if title else ""
    return Markup('<rect x="{}" y="{}" width="{}" height="{}" class="{}">{}</rect>').format(
        px(x), px(y), px(width), px(height), style, inside
    )


def text(x: float, y: float, words: str, style: str, anchor: str = "start") -> Markup:
    """Return a line of text; `y` is its baseline."""
    return Markup('<text x="{}" y="{}" class="{}" text-anchor="{}">{}</text>').format(
        px(x), px(y), style, anchor, words
    )


def in_both(x: float, y: float, name: Name, style: str, anchor: str = "start") -> Markup:
    """Return a label once for each language."""
    return text(x, y, name.zh, f"{style} zh", anchor) + text(x, y, name.en, f"{style} en", anchor)


def line(x0: float, y0: float, x1: float, y1: float, style: str) -> Markup:
    """Return a straight line."""
    return Markup('<line x1="{}" y1="{}" x2="{}" y2="{}" class="{}"/>').format(
        px(x0), px(y0), px(x1), px(y1), style
    )
