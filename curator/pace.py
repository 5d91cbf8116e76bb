"""How long a step will take, told before it: from what it took on this machine, as a range.

What each step took is kept in the user's cache, as seconds of one process for a megabyte of
records (as they lie in the workspace, packed); the last few times, of steps long enough to tell.
Before anything was measured here, figures of a small laptop stand in, with a wider range.
"""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from curator.cache import cache_folder
from curator.errors import CuratorError
from curator.workspace import write_json

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

WORTH_TELLING = 30.0
"""Seconds from which on an estimate is worth a line."""
_KEPT = 5
_LEAST_SECONDS, _LEAST_MEGABYTES = 2.0, 0.2
"""Of shorter steps most is the start, which grows with nothing."""
_MEASURED, _SUPPOSED = (0.7, 1.5), (0.5, 3.0)
_LAPTOP = {
    "pii": 18.0,
    "semantic_duplicates": 20.0,
    "label_issues": 4.0,
    "label_issues, read": 1500.0,
    "near_duplicates": 4.0,
    "exact_duplicates": 4.0,
    "export instruction": 1.5,
    "report": 1.5,
    "contradictions": 1.0,
    "category_labels": 1.0,
}
"""Process seconds for a megabyte, by tests/benchmarks/throughput.py on two cores.

What a language model reads is estimated: a few hundred tokens a second.
"""
_OTHER = 1.5


@dataclass(frozen=True, slots=True)
class Expected:
    """How many seconds steps will take, at least and at most, and for how many records."""

    low: float
    high: float
    records: int


def expected(steps: Iterable[str], megabytes: float, records: int, workers: int) -> Expected | None:
    """Return how long steps will take; None where it is not worth a line.

    Args:
        steps: the checks that are not fresh, and what follows them.
        megabytes: of the parts of records.
        records: how many they are.
        workers: processes that share the work.

    """
    known = _known()
    low = high = 0.0
    for step in steps:
        if measured := known.get(step):
            slow, fast = max(measured), min(measured)
            low, high = low + fast * _MEASURED[0], high + slow * _MEASURED[1]
        else:
            supposed = _LAPTOP.get(step, _OTHER)
            low, high = low + supposed * _SUPPOSED[0], high + supposed * _SUPPOSED[1]
    low, high = (seconds * megabytes / workers for seconds in (low, high))
    return Expected(low, high, records) if high >= WORTH_TELLING else None


def remember(seconds: Mapping[str, float], megabytes: float, workers: int) -> None:
    """Keep what steps took, those that took long enough; where they cannot be kept, do nothing."""
    told = {
        step: round(took * workers / megabytes, 3)
        for step, took in seconds.items()
        if took >= _LEAST_SECONDS and megabytes >= _LEAST_MEGABYTES
    }
    if told:
        known = _known()
        for step, rate in told.items():
            known[step] = [*known.get(step, []), rate][-_KEPT:]
        with suppress(CuratorError):
            write_json(_file(), known)


def size(parts: Iterable[Path]) -> float:
    """Return the size of files in megabytes."""
    return sum(path.stat().st_size for path in parts) / 1e6


def _file() -> Path:
    return cache_folder() / "pace.json"


def _known() -> dict[str, list[float]]:
    try:
        said = json.loads(_file().read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return {step: rates for step, rates in said.items() if isinstance(rates, list) and rates}


def spoken(told: Expected) -> str:
    """Return the estimate as a person says it: `about 3–7 min for 38,000 records`."""
    return f"about {span(told.low, told.high)} for {told.records:,} records"


def span(low: float, high: float) -> str:
    """Return a range of seconds in the unit that fits its upper end, rounded."""
    unit, seconds = ("h", 3600) if high >= 5400 else ("min", 60) if high >= 90 else ("s", 1)
    step = 10 if unit == "s" else 1
    one, other = (max(step, step * round(x / seconds / step)) for x in (low, high))
    return f"{one}–{other} {unit}" if one < other else f"{other} {unit}"
