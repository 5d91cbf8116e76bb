"""What a card tells of rows as trainers see them: how long they are, who would take them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

_BAR = 30
_EIGHTHS = " ▏▎▍▌▋▊▉█"


def trainers(manifest: Mapping[str, Any]) -> list[tuple[object, ...]]:
    """Return what each trainer says of each file: rows taken, cut, refused, and who said so."""
    return [
        (
            told["trainer"],
            f"`{told['file']}`",
            told["taken"],
            told["cut"],
            "; ".join(f"{why}: {len(rows):,}" for why, rows in told["refused"].items()) or "—",
            told["by"],
        )
        for told in manifest["handshake"]["told"]
    ]


def token_figures(manifest: Mapping[str, Any]) -> list[tuple[object, ...]]:
    """Return the lengths of each split's rows in tokens."""
    names = ("rows", "tokens", "learnt", "median", "p90", "p99", "longest")
    return [
        (split, *(figures.get(name, 0) for name in names))
        for split, figures in manifest["tokens"].items()
    ]


def histogram(manifest: Mapping[str, Any]) -> list[str]:
    """Draw how many rows of all splits are how long, a bar of text a step; nothing without rows."""
    counts: dict[int | None, int] = {}
    for figures in manifest["tokens"].values():
        for bar in figures.get("histogram", ()):
            counts[bar["up_to"]] = counts.get(bar["up_to"], 0) + bar["rows"]
    filled = [step for step, n in counts.items() if n]
    if not filled:
        return []
    steps = list(counts)
    shown = steps[steps.index(filled[0]) : steps.index(filled[-1]) + 1]
    most = max(counts.values())
    lines = []
    for step in shown:
        name = f"≤ {step:,}" if step is not None else f"> {steps[-2]:,}"
        lines.append(f"{name:>9} {_bar(counts[step], most)} {counts[step]:,}".rstrip())
    return ["```text", *lines, "```"]


def _bar(n: int, most: int) -> str:
    """Return a bar of a count, to an eighth of a character; what is there is never nothing."""
    eighths = max(round(n / most * _BAR * 8), 1) if n else 0
    full, rest = divmod(eighths, 8)
    return "█" * full + (_EIGHTHS[rest] if rest else "")
