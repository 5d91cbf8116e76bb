"""How many reviews until 90 % of the planted errors in 5,000 records are found.

Chinese patients' questions with doctors' answers, of which 5 % are swapped: at random, or
with the answer of a near question. A reviewer who is always right looks at 50 records at
a time, in the order of the queue; after each 50 the queue is put in order anew. Beside it:
the order of the scores alone, which learns nothing, and a random order. The curves are
drawn into docs/review_order.svg.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tests.benchmarks import labelled
from tests.benchmarks.harness import Row, arguments, measured, report
from tests.benchmarks.label_issues import checked, halves, swapped

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from curator.review.order import Signals

RECORDS, BATCH, SHARE = 5000, 50, 0.9
PLOT = Path(__file__).resolve().parents[2] / "docs" / "review_order.svg"
KINDS = ("random swaps", "hard swaps")
AIM = "ratio <= 0.5"
"""At most half of what a random order needs."""


def known(data: Path, kind: str) -> tuple[Signals, NDArray[np.bool_]]:
    """Return what the checks know of 5,000 records, and which of them are wrong."""
    from curator.review.order import Signals
    from curator.review.vectors import clusters

    pairs = labelled.toyhom(data)
    chosen = np.sort(np.random.default_rng(11).permutation(len(pairs))[:RECORDS])
    pairs = labelled.Pairs(
        pairs.name,
        [pairs.questions[i] for i in chosen],
        [pairs.answers[i] for i in chosen],
        pairs.wrong[chosen],
        [pairs.group[i] for i in chosen],
    )
    whole = halves(pairs)
    takes, wrong = (
        labelled.swapped_at_random(pairs)
        if kind == KINDS[0]
        else labelled.swapped_nearby(pairs, whole.question)
    )
    whole = swapped(whole, takes)
    scores, _ = checked(whole)
    # As the workspace keeps them: rounded, and none below the check's floor.
    scores = np.where(scores >= 0.1, np.round(scores, 4), 0.0)
    ones = np.ones(len(pairs), np.int64)
    return (
        Signals(scores[:, None], whole.question, whole.answer, clusters(whole.question), ones),
        wrong,
    )


def found(signals: Signals, wrong: NDArray[np.bool_], *, learns: bool) -> list[int]:
    """Return how many errors are found after each review, in the order of the queue."""
    from curator.review.order import order

    said: dict[int, bool] = {}
    hits: list[int] = []
    line = order(signals, said)
    while line:
        for row in line[:BATCH]:
            said[row] = bool(wrong[row])
            hits.append(int(wrong[row]))
        line = order(signals, said) if learns else line[BATCH:]
    return np.cumsum(hits).tolist()


def at_random(wrong: NDArray[np.bool_], times: int = 20) -> list[float]:
    """Return how many errors a random order has found after each review, in the mean."""
    draw = np.random.default_rng(13)
    curves = [np.cumsum(wrong[draw.permutation(len(wrong))]) for _ in range(times)]
    return np.mean(curves, axis=0).tolist()


def needed(curve: Sequence[float], errors: int) -> int:
    """Return how many reviews it takes until the share is found."""
    return int(np.argmax(np.array(curve) >= SHARE * errors)) + 1


def measure(data: Path, kind: str) -> tuple[dict[str, list[float]], int]:
    """Return the three curves, and how many errors there are."""
    signals, wrong = known(data, kind)
    curves = {
        "the queue": found(signals, wrong, learns=True),
        "scores alone": found(signals, wrong, learns=False),
        "random": at_random(wrong),
    }
    return curves, int(wrong.sum())


def plot(drawn: dict[str, tuple[dict[str, list[float]], int]]) -> str:
    """Return the curves as a drawing of its own: share of errors found by records reviewed."""
    wide, high, left, top, gap = 400, 240, 46, 34, 70
    colours = {"the queue": "#1f6f8b", "scores alone": "#c9822b", "random": "#999"}
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {2 * (wide + gap) + 10} 340">',
        "<style>text {font: 12px sans-serif}</style>",
        "<title>Errors found by records reviewed</title>",
        '<rect width="100%" height="100%" fill="#fff"/>',
    ]
    for at, (kind, (curves, errors)) in enumerate(drawn.items()):
        x0, y0 = left + at * (wide + gap), top

        def x(n: float, x0: int = x0) -> float:
            return round(x0 + wide * n / RECORDS, 1)

        def y(share: float, y0: int = y0) -> float:
            return round(y0 + high * (1 - share), 1)

        out.append(
            f'<text x="{x0}" y="{y0 - 14}" font-weight="bold">{kind}, {errors} errors</text>'
        )
        for share in (0, 0.5, SHARE, 1):
            dash = ' stroke-dasharray="4 3"' if share == SHARE else ""
            out.append(f'<path d="M{x0} {y(share)}H{x0 + wide}" stroke="#ccc"{dash}/>')
            out.append(
                f'<text x="{x0 - 6}" y="{y(share) + 4}" text-anchor="end">{share:.0%}</text>'
            )
        out += [
            f'<text x="{x(n)}" y="{y0 + high + 16}" text-anchor="middle">{n:,}</text>'
            for n in (0, 2500, RECORDS)
        ]
        for row, (name, curve) in enumerate(curves.items()):
            points = " ".join(
                f"{x(n)},{y(curve[n - 1] / errors)}" for n in range(25, RECORDS + 1, 25)
            )
            stroke = f'fill="none" stroke="{colours[name]}" stroke-width="2"'
            out.append(f'<polyline points="{x(0)},{y(0)} {points}" {stroke}/>')
            told = f"{name}: {SHARE:.0%} after {needed(curve, errors):,}"
            place = f'x="{x0 + 150}" y="{y(0.36) + 18 * row}"'
            out.append(f'<text {place} fill="{colours[name]}">{told}</text>')
    out.append(
        f'<text x="{left}" y="{top + high + 40}">records reviewed →  errors found ↑</text></svg>'
    )
    return "\n".join(out) + "\n"


def main() -> None:
    """Measure both kinds, draw the curves and print the figures."""
    given = arguments(__doc__ or "")
    rows: list[Row] = []
    drawn: dict[str, tuple[dict[str, list[float]], int]] = {}
    for kind in KINDS:
        done = measured(measure, given.data, kind)
        curves, errors = drawn[kind] = done.result
        ours = needed(curves["the queue"], errors)
        title = f"{kind}: reviews until 90 % of {errors} errors in {RECORDS} records are found"
        rows.append(Row(title, ours, needed(curves["random"], errors), "random order", AIM))
        rows.append(Row(title, ours, needed(curves["scores alone"], errors), "scores alone"))
        half = {name: curve[errors - 1] / errors for name, curve in curves.items()}
        title = f"{kind}: share found after as many reviews as there are errors"
        first, second = round(half["the queue"], 3), round(half["random"], 3)
        rows.append(Row(title, first, second, "random order"))
        rows.append(Row(f"{kind}: CPU seconds", done.cpu_seconds))
    PLOT.write_text(plot(drawn), encoding="utf-8")
    report("review_order", rows, as_json=given.json)


if __name__ == "__main__":
    main()
