"""Drawings as inline SVG. Pure: numbers in, markup out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from markupsafe import Markup

from curator.report.shapes import Name, in_both, line, picture, px, rect, text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from curator.schema import PolicyRule

_NODE = 12
_GAP = 14
_SLOT = 40
"""The least height that a node and its two lines of label need."""
_TALL = 300


@dataclass(frozen=True, slots=True)
class _Node:
    """A bar of the flow drawing: `top` and `height` in pixels, `n` what it counts."""

    name: Name
    n: int
    style: str
    top: float
    height: float
    of: int


def percent(n: int, total: int) -> str:
    """Return a share in words: small ones are never rounded to nothing."""
    if not total or not n:
        return "0%"
    share = 100 * n / total
    if share < 0.1:
        return "<0.1%"
    return "100%" if n == total else f"{min(share, 99.9):.1f}%"


# --- the flow ---------------------------------------------------------------------------


def flow(funnel: Mapping[str, object]) -> Markup:
    """Draw the way from units to exports: what was read, what became records, what was kept.

    The second half counts records, the first units; between them the scale
    changes, and the drawing says so.
    """
    units: Mapping[str, int] = funnel["units"]  # type: ignore[assignment]
    records: int = funnel["records"]  # type: ignore[assignment]
    decisions: Mapping[str, int] = funnel.get("decisions") or {}  # type: ignore[assignment]
    routes: Mapping[str, int] = funnel.get("routes") or {}  # type: ignore[assignment]
    read = units["read"]
    first = _stack(
        [
            (Name("进入记录", "in records"), units["in_records"], "f-ink"),
            (Name("另置", "set aside"), units["set_aside"], "f-quiet"),
            (Name("隔离", "quarantined"), units["quarantined"], "f-drop"),
        ],
        read,
        0,
        _TALL,
    )
    whole = _Node(Name("读入", "read"), read, "f-ink", 0, sum(n.height for n in first), read)
    columns: list[tuple[float, list[_Node]]] = [(0, [whole]), (285, first)]
    ribbons = _ribbons(whole, first, 0, 285)
    if decisions:
        second = _stack(
            [
                (Name("保留", "kept"), decisions["keep"], "f-keep"),
                (Name("待审", "for review"), decisions["review"], "f-review"),
                (Name("舍弃", "dropped"), decisions["drop"], "f-drop"),
            ],
            records,
            0,
            first[0].height,
        )
        ribbons += _ribbons(first[0], second, 285, 610)
        columns.append((610, second))
        keep, instruction, rag = decisions["keep"], routes["instruction"], routes["rag"]
        both = max(0, instruction + rag - keep)
        routed = [
            (Name("指令集与检索库", "both exports"), both, "f-accent"),
            (Name("仅指令集", "instruction only"), instruction - both, "f-accent"),
            (Name("仅检索库", "RAG only"), rag - both, "f-accent"),
        ]
        whole_height = first[0].height
        third = _stack([item for item in routed if item[1] > 0], records, 0, whole_height)
        ribbons += _ribbons(second[0], third, 610, 905)
        columns.append((905, third))
    body = [*ribbons]
    for x, nodes in columns:
        for node in nodes:
            body += _drawn(x, node)
    deep = max(n.top + max(n.height, _SLOT) for _, nodes in columns for n in nodes)
    body += [
        in_both(
            0, deep + 26, Name("单元（行、消息、文件）", "units (rows, messages, files)"), "axis"
        ),
        in_both(
            610,
            deep + 26,
            Name(f"记录（共 {records:,} 条）", f"records ({records:,} in all)"),
            "axis",
        ),
    ]
    title = Name("从读入到导出", "From what was read to what is exported")
    return picture(1100, deep + 32, title, body, "flow")


def _stack(
    items: Sequence[tuple[Name, int, str]], total: int, top: float, height: float
) -> list[_Node]:
    nodes = []
    for name, n, style in items:
        own = max(2.0, height * n / total) if total and n else 1.0
        nodes.append(_Node(name, n, style, top, own, total))
        top += max(own, _SLOT) + _GAP
    return nodes


def _ribbons(source: _Node, targets: Sequence[_Node], x0: float, x1: float) -> list[Markup]:
    drawn, y = [], source.top
    total = sum(t.n for t in targets) or 1
    for target in targets:
        if target.n:
            height = source.height * target.n / total
            drawn.append(
                _ribbon((x0 + _NODE, y, height), (x1, target.top, target.height), target.style)
            )
            y += height
    return drawn


def _ribbon(a: tuple[float, float, float], b: tuple[float, float, float], style: str) -> Markup:
    (x0, y0, h0), (x1, y1, h1) = a, b
    mid = (x0 + x1) / 2
    path = (
        f"M{px(x0)} {px(y0)}C{px(mid)} {px(y0)} {px(mid)} {px(y1)} {px(x1)} {px(y1)}"
        f"V{px(y1 + h1)}"
        f"C{px(mid)} {px(y1 + h1)} {px(mid)} {px(y0 + h0)} {px(x0)} {px(y0 + h0)}Z"
    )
    return Markup('<path d="{}" class="ribbon {}"/>').format(path, style)


def _drawn(x: float, node: _Node) -> list[Markup]:
    at = x + _NODE + 9
    figures = f"{node.n:,} · {percent(node.n, node.of)}"
    return [
        rect(x, node.top, _NODE, node.height, node.style if node.n else "f-none"),
        in_both(at, node.top + 14, node.name, "label"),
        text(at, node.top + 31, figures, "figure"),
    ]


# --- histograms and bars ----------------------------------------------------------------


def scores(histogram: Sequence[int], rules: Sequence[PolicyRule], code: str) -> Markup:
    """Draw how many findings have which score, and where the policy's thresholds lie."""
    left, width, top, height = 6.0, 328.0, 20.0, 62.0
    highest = max([*histogram, 1])
    step = width / len(histogram)
    body: list[str] = []
    for i, n in enumerate(histogram):
        if n:
            tall = max(1.5, height * n / highest)
            low, high = i / len(histogram), (i + 1) / len(histogram)
            body.append(
                rect(
                    left + i * step + 0.75,
                    top + height - tall,
                    step - 1.5,
                    tall,
                    "f-bar",
                    f"{low:.2f}–{high:.2f}: {n:,}",
                )
            )
    base = top + height
    body.append(line(left, base, left + width, base, "rule-axis"))
    body += [
        text(left + width * value, base + 14, f"{value:g}", "tick", "middle")
        for value in (0.0, 0.5, 1.0)
    ]
    body.append(text(left + width, top - 8, f"{highest:,}", "tick", "end"))
    for value, then in _thresholds(rules):
        x = left + width * value
        body.append(line(x, top - 4, x, base, f"threshold s-{then}"))
        anchor = "end" if value > 0.6 else "start"
        shift = -4 if value > 0.6 else 4
        name = Name(f"{_THEN[then].zh} ≥ {value:g}", f"{_THEN[then].en} ≥ {value:g}")
        body.append(in_both(x + shift, top - 8, name, f"tick t-{then}", anchor))
    return picture(340, 100, Name(f"{code} 的得分分布", f"Scores of {code}"), body, "scores")


_THEN = {
    "edit": Name("替换", "edit"),
    "keep_one": Name("留一条", "keep one"),
    "review": Name("送审", "review"),
    "drop": Name("舍弃", "drop"),
}


def _thresholds(rules: Sequence[PolicyRule]) -> list[tuple[float, str]]:
    """Return the thresholds over 0, one for each score, the severest of those at one score."""
    severity = {"edit": 0, "keep_one": 1, "review": 2, "drop": 3}
    found: dict[float, str] = {}
    for rule in rules:
        value = rule.when.score_at_least
        if value > 0 and severity[rule.then] >= severity.get(found.get(value, "edit"), 0):
            found[value] = rule.then
    return sorted(found.items())


def bar(parts: Sequence[tuple[int, str]], total: int, title: Name, width: float = 260) -> Markup:
    """Draw one bar of several parts; `total` is what the full width stands for."""
    x = 0.0
    body: list[str] = [rect(0, 0, width, 10, "f-track")]
    for n, style in parts:
        if n and total:
            long = max(1.5, width * n / total)
            body.append(rect(x, 0, min(long, width - x), 10, style, f"{n:,}"))
            x += long
    return picture(width, 10, title, body, "bar")


def classes(
    counts: Mapping[str, Sequence[int]], lows: Sequence[int], styles: Sequence[str]
) -> Markup:
    """Draw side by side, for each length class, how many records of each language it holds."""
    left, width, top, height = 0.0, 1000.0, 16.0, 150.0
    highest = max([1, *(n for values in counts.values() for n in values)])
    slot = width / len(lows)
    one = (slot - 28) / max(1, len(counts))
    body: list[str] = []
    for i, low in enumerate(lows):
        for j, (lang, values) in enumerate(counts.items()):
            if values[i]:
                tall = max(1.5, height * values[i] / highest)
                body.append(
                    rect(
                        left + i * slot + 14 + j * one,
                        top + height - tall,
                        one - 2,
                        tall,
                        styles[j % len(styles)],
                        f"{lang}: {values[i]:,}",
                    )
                )
        label = f"{_short(low)}–{_short(lows[i + 1])}" if i + 1 < len(lows) else f"≥ {_short(low)}"
        body.append(text(left + (i + 0.5) * slot, top + height + 16, label, "tick", "middle"))
    body.append(line(left, top + height, left + width, top + height, "rule-axis"))
    body.append(text(left, top - 3, f"{highest:,}", "tick"))
    title = Name("记录长度分布（字符）", "Record lengths in characters")
    return picture(1000, top + height + 24, title, body, "classes")


def _short(n: int) -> str:
    return f"{n // 1000}k" if n >= 1000 else str(n)
