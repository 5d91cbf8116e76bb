"""Pictures of runs, as SVG that stands alone or in a page. Pure: numbers in, markup out."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_WIDTH, _HEIGHT = 640, 300
_LEFT, _RIGHT, _TOP, _BOTTOM = 58, 16, 46, 40
_COLOURS = ("#2563a8", "#c2571a", "#3b7d3b", "#7a4fa3", "#8a6d1f")


@dataclass(frozen=True, slots=True)
class Line:
    """A named line of points; `spread` is a half-width around each, where there is one."""

    name: str
    points: Sequence[tuple[float, float]]
    spread: Sequence[float] = ()
    dots: bool = False


def chart(title: str, across: str, up: str, lines: Sequence[Line]) -> str:
    """Return a chart of lines, with axes from the least to the greatest value."""
    drawn = [line for line in lines if line.points]
    xs = [x for line in drawn for x, _ in line.points] or [0.0]
    ys = [
        y + sign * (line.spread[i] if line.spread else 0.0)
        for line in drawn
        for i, (_, y) in enumerate(line.points)
        for sign in (-1, 1)
    ] or [0.0]
    x0, x1, y0, y1 = _around(xs, 0.0), _around(xs, 1.0), _around(ys, 0.0), _around(ys, 1.0)

    def at(x: float, y: float) -> tuple[float, float]:
        return (
            _LEFT + (_WIDTH - _LEFT - _RIGHT) * (x - x0) / (x1 - x0),
            _TOP + (_HEIGHT - _TOP - _BOTTOM) * (1 - (y - y0) / (y1 - y0)),
        )

    body = [f'<text x="8" y="18" font-weight="600">{escape(title)}</text>']
    for step in range(5):
        value = y0 + (y1 - y0) * step / 4
        _, y = at(x0, value)
        body.append(
            f'<line x1="{_LEFT}" y1="{y:.1f}" x2="{_WIDTH - _RIGHT}" y2="{y:.1f}"'
            ' stroke="currentColor" stroke-opacity="0.15"/>'
            f'<text x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{value:.3g}</text>'
        )
        value = x0 + (x1 - x0) * step / 4
        x, _ = at(value, y0)
        body.append(f'<text x="{x:.1f}" y="{_HEIGHT - 22}" text-anchor="middle">{value:.3g}</text>')
    body.append(
        f'<text x="{_WIDTH - _RIGHT}" y="{_HEIGHT - 6}" text-anchor="end">{escape(across)}</text>'
    )
    body.append(f'<text x="8" y="{_TOP - 10}">{escape(up)}</text>')
    beside = _LEFT + 120.0
    for index, line in enumerate(drawn):
        colour = _COLOURS[index % len(_COLOURS)]
        places = [at(x, y) for x, y in line.points]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
        body.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="1.8"/>')
        for i, (x, y) in enumerate(places):
            if line.dots:
                body.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>')
            if line.spread:
                value = line.points[i][1]
                _, low = at(x0, value - line.spread[i])
                _, high = at(x0, value + line.spread[i])
                body.append(
                    f'<line x1="{x:.1f}" y1="{low:.1f}" x2="{x:.1f}" y2="{high:.1f}"'
                    f' stroke="{colour}"/>'
                )
        body.append(
            f'<rect x="{beside:.0f}" y="{_TOP - 19}" width="10" height="10" fill="{colour}"/>'
            f'<text x="{beside + 14:.0f}" y="{_TOP - 10}">{escape(line.name)}</text>'
        )
        beside += 30 + 7.0 * sum(2 if ord(c) > 0x2E80 else 1 for c in line.name)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img"'
        f' aria-label="{escape(title)}" font-family="system-ui, sans-serif" font-size="12"'
        f' fill="currentColor" width="{_WIDTH}">{"".join(body)}</svg>\n'
    )


def _around(values: Sequence[float], end: float) -> float:
    low, high = min(values), max(values)
    room = (high - low) * 0.05 or abs(high) * 0.05 or 1.0
    return high + room if end else low - room
