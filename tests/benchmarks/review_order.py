"""How many reviews until 90 % of the planted errors in 5,000 records are found.

Chinese patients' questions with doctors' answers and English ones with answers of health
institutes, of which 5 % are swapped: at random, or with the answer of a near question. A reviewer who is always right looks at 50 records at
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
FLOOR = 0.1
PLOT = Path(__file__).resolve().parents[2] / "docs" / "review_order.svg"
KINDS = ("random swaps", "hard swaps")
AIMS = {"random swaps": "ratio <= 0.1", "hard swaps": "ratio <= 0.6"}
"""At most so much of what a random order needs."""


def known(data: Path) -> dict[str, tuple[Signals, NDArray[np.bool_]]]:
    """Return for each kind what the checks know of 5,000 records, and which of them are wrong."""
    from curator.review.order import Signals, fits
    from curator.review.vectors import clusters

    chinese = labelled.toyhom(data)
    sets = [chinese, some(labelled.medquad(data), RECORDS - len(chinese))]
    described = [halves(pairs) for pairs in sets]
    out = {}
    for kind in KINDS:
        scores, wrong, answers = [], [], []
        for pairs, whole in zip(sets, described, strict=True):
            takes, planted = (
                labelled.swapped_at_random(pairs)
                if kind == KINDS[0]
                else labelled.swapped_nearby(pairs, whole.question)
            )
            now = swapped(whole, takes)
            scores.append(checked(now)[0])
            wrong.append(planted)
            answers.append(now.answer)
        # As the workspace keeps them: rounded, and none below the check's floor.
        column = np.round(np.concatenate(scores), 4)
        column[column < FLOOR] = 0.0
        question = np.concatenate([whole.question for whole in described])
        answer = np.concatenate(answers)
        ones = np.ones(len(column), np.int64)
        fit, groups = fits(question, answer), clusters(question)
        signals = Signals(column[:, None], question, answer, fit, groups, ones)
        out[kind] = signals, np.concatenate(wrong)
    return out


def some(pairs: labelled.Pairs, n: int) -> labelled.Pairs:
    """Return so many of the pairs, always the same."""
    rows = np.sort(np.random.default_rng(11).permutation(len(pairs))[:n])
    columns = ([column[row] for row in rows] for column in (pairs.questions, pairs.answers))
    return labelled.Pairs(
        pairs.name, *columns, pairs.wrong[rows], [pairs.group[row] for row in rows]
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


def measure(data: Path) -> dict[str, tuple[dict[str, list[float]], int]]:
    """Return for each kind the three curves, and how many errors there are."""
    out = {}
    for kind, (signals, wrong) in known(data).items():
        curves = {
            "the queue": found(signals, wrong, learns=True),
            "scores alone": found(signals, wrong, learns=False),
            "random": at_random(wrong),
        }
        out[kind] = (curves, int(wrong.sum()))
    return out


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
            place = f'x="{x0 + 200}" y="{round(y(0.26) + 18 * row, 1)}"'
            out.append(f'<text {place} fill="{colours[name]}">{told}</text>')
    out.append(
        f'<text x="{left}" y="{top + high + 40}">records reviewed →  errors found ↑</text></svg>'
    )
    return "\n".join(out) + "\n"


def main() -> None:
    """Measure both kinds, draw the curves and print the figures."""
    given = arguments(__doc__ or "")
    rows: list[Row] = []
    done = measured(measure, given.data)
    for kind, (curves, errors) in done.result.items():
        need = {name: needed(curve, errors) for name, curve in curves.items()}
        title = f"{kind}: reviews until 90 % of {errors} errors in {RECORDS} records are found"
        rows.append(Row(title, need["the queue"], need["random"], "random order", AIMS[kind]))
        rows.append(Row(title, need["the queue"], need["scores alone"], "scores alone"))
        first = {name: round(curve[errors - 1] / errors, 3) for name, curve in curves.items()}
        title = f"{kind}: share found after as many reviews as there are errors"
        rows.append(Row(title, first["the queue"], first["random"], "random order"))
    rows.append(Row("CPU seconds", done.cpu_seconds))
    PLOT.write_text(plot(done.result), encoding="utf-8")
    report("review_order", rows, as_json=given.json)


if __name__ == "__main__":
    main()
