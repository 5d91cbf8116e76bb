"""The threshold explorer's curve: how many records fall by a code at each score."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from markupsafe import Markup

from curator.report.shapes import Name, in_both, line, picture, px, text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from curator.thresholds import Exploration, Falling

_LEFT, _TOP, _WIDTH, _HEIGHT = 8.0, 26.0, 600.0, 150.0
_TICKS = (0.5, 0.6, 0.7, 0.8, 0.9)


@dataclass(frozen=True, slots=True)
class Curve:
    """An exploration as it is drawn: `places` are the steps' points, `start` the policy's step."""

    exploration: Exploration
    drawing: Markup
    places: tuple[tuple[str, str], ...]
    start: int


def curve(exploration: Exploration) -> Curve:
    """Draw how many records fall by the code alone."""
    steps = exploration.steps
    highest = max(1, *(step.own for step in steps))
    low, high = steps[0].threshold, steps[-1].threshold

    def x(threshold: float) -> float:
        return _LEFT + _WIDTH * (threshold - low) / (high - low)

    def y(n: int) -> float:
        return _TOP + _HEIGHT * (1 - n / highest)

    base = _TOP + _HEIGHT
    own = [(x(s.threshold), y(max(0, s.own))) for s in steps]
    body = [
        _area([*own, (x(high), base), (x(low), base)], "f-one"),
        line(_LEFT, base, _LEFT + _WIDTH, base, "rule-axis"),
        text(_LEFT, _TOP - 10, f"{highest:,}", "tick"),
    ]
    for value in _TICKS:
        anchor = "start" if value == low else "middle"
        body.append(text(x(value), base + 15, f"{value:g}", "tick", anchor))
    for mark in exploration.policy:
        at = min(max(mark, low), high)
        name = Name(f"策略 ≥ {mark:g}", f"policy ≥ {mark:g}")
        late = at > (low + high) / 2
        body.append(line(x(at), _TOP - 6, x(at), base, "threshold s-keep_one"))
        body.append(
            in_both(
                x(at) + (-5 if late else 5),
                _TOP - 10,
                name,
                "tick t-keep_one",
                "end" if late else "start",
            )
        )
    start = _start(steps, exploration.policy)
    places = tuple((px(a), px(b)) for a, b in own)
    cx, cy = places[start]
    body.append(Markup('<g class="cursor" transform="translate({} 0)">').format(cx))
    body.append(line(0, _TOP, 0, base, "cursor-line"))
    body.append(Markup('<circle class="cursor-dot" cx="0" cy="{}" r="4.5"/></g>').format(cy))
    title = Name(
        f"{exploration.code}：各阈值下仅因这一类而舍去的记录数",
        f"{exploration.code}: records that fall by this kind alone at each threshold",
    )
    return Curve(
        exploration,
        picture(_WIDTH + 2 * _LEFT, base + 22, title, body, "curve"),
        places,
        start,
    )


def _start(steps: Sequence[Falling], policy: Sequence[float]) -> int:
    """Return the step of the policy's threshold, the last one where the policy has none."""
    wanted = policy[0] if policy else steps[-1].threshold
    return next((i for i, s in enumerate(steps) if s.threshold == wanted), len(steps) - 1)


def _area(points: Sequence[tuple[float, float]], style: str) -> Markup:
    path = "".join(f"{'L' if i else 'M'}{px(x)} {px(y)}" for i, (x, y) in enumerate(points))
    return Markup('<path d="{}Z" class="{}"/>').format(path, style)
