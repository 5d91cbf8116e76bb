"""The reliability plot: how often findings of a score were right, as far as people have looked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from markupsafe import Markup

from curator.report.shapes import Name, in_both, line, picture, px, text

if TYPE_CHECKING:
    from curator.precision import Precision

_LEFT, _TOP, _SIDE = 34.0, 26.0, 150.0
_TICKS = (0.0, 0.5, 1.0)


def reliability(found: Precision) -> Markup:
    """Draw the share that was right over the score, a point for each fifth of the scores.

    On the diagonal a score of 0.8 means that eight of ten are right. Bars are the 95 %
    bounds; what rests on few reviews is far from sure.
    """
    base = _TOP + _SIDE

    def x(score: float) -> float:
        return _LEFT + _SIDE * score

    def y(share: float) -> float:
        return base - _SIDE * share

    body = [
        line(x(0), y(0), x(1), y(0), "rule-axis"),
        line(x(0), y(0), x(0), y(1), "rule-axis"),
        line(x(0), y(0), x(1), y(1), "even"),
    ]
    for tick in _TICKS:
        body.append(text(x(tick), base + 15, f"{tick:g}", "tick", "middle"))
        body.append(text(x(0) - 5, y(tick) + 4, f"{tick:g}", "tick", "end"))
    for point in found.bins:
        share = point.right / point.reviewed
        told = f"{point.score:.2f}: {point.right} / {point.reviewed}"
        body.append(line(x(point.score), y(point.low), x(point.score), y(point.high), "bounds"))
        body.append(_dot(x(point.score), y(share), told))
    right, score = Name("属实的比例", "share right"), Name("得分", "score")
    body.append(in_both(x(0), _TOP - 13, right, "tick", "middle"))
    body.append(in_both(x(0.5), base + 31, score, "tick", "middle"))
    title = Name(
        f"{found.code}：各得分的发现经审核属实的比例",
        f"{found.code}: share of findings that reviewers confirmed, by score",
    )
    return picture(_LEFT + _SIDE + 12, base + 38, title, body, "reliability")


def _dot(x: float, y: float, title: str) -> Markup:
    return Markup(
        '<circle class="cursor-dot" cx="{}" cy="{}" r="4.5"><title>{}</title></circle>'
    ).format(px(x), px(y), title)
