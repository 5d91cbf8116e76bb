"""A drawing of how well settings of retrieval do, beside each other: SVG, or a page with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from markupsafe import Markup, escape

from curator.workspace import write_text

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from curator.retrieval.evaluation import Evaluated

_COLOURS = {"lexical": "#8a8f98", "dense": "#c98b2b", "hybrid": "#1f6f8b"}
_NAMES = {"lexical": "词面 / words", "dense": "语义 / meaning", "hybrid": "混合 / both"}
_LEFT, _WIDE, _BAR, _GAP = 330, 420, 15, 26
_TOP = 64


def draw(found: Sequence[Evaluated], path: Path, cut: int = 5) -> None:
    """Write the drawing of recall at `cut`; a bar for each setting and mode.

    Raises:
        WorkspaceError: the file cannot be written.
    """
    svg = _drawing(found, cut)
    if path.suffix == ".html":
        head = '<!doctype html><html lang="zh"><meta charset="utf-8"><title>recall</title>'
        write_text(path, f"{head}{svg}</html>\n")
    else:
        write_text(path, f"{svg}\n")


def _drawing(found: Sequence[Evaluated], cut: int) -> Markup:
    """Return the SVG; every bar carries its figure."""
    parts: list[Markup] = []
    y = _TOP
    for one in found:
        parts.append(_text(0, y + 12, f"{one.chunker} · {one.encoder}", "600"))
        parts.append(_text(0, y + 30, f"{one.chunks:,} chunks, {one.mean_units:g} units each"))
        for mode, reached in one.scores.items():
            share = reached.recall[cut]
            parts.append(
                Markup('<rect x="{}" y="{}" width="{:.1f}" height="{}" fill="{}"/>').format(
                    _LEFT, y, _WIDE * share, _BAR - 3, _COLOURS[mode]
                )
            )
            parts.append(_text(_LEFT + _WIDE * share + 6, y + 11, f"{share:.3f}"))
            y += _BAR
        y += _GAP
    legend, x = [], _LEFT
    for mode, colour in _COLOURS.items():
        legend.append(
            Markup('<rect x="{}" y="34" width="12" height="12" fill="{}"/>').format(x, colour)
        )
        legend.append(_text(x + 18, 45, _NAMES[mode]))
        x += 140
    questions = next(iter(found[0].scores.values())).questions
    title = _text(0, 18, f"recall@{cut}, {questions:,} questions / {questions:,} 个问题", "600")
    return Markup(
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {} {}" width="{}" role="img"'
        ' font-family="system-ui, sans-serif" font-size="12" fill="#20242a">{}</svg>'
    ).format(_LEFT + _WIDE + 60, y, _LEFT + _WIDE + 60, Markup("").join([title, *legend, *parts]))


def _text(x: float, y: float, said: str, weight: str = "400") -> Markup:
    return Markup('<text x="{:.1f}" y="{:.1f}" font-weight="{}">{}</text>').format(
        x, y, weight, escape(said)
    )
