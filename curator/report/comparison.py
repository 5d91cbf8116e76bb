"""Two records side by side: parts that belong together beside each other, differences marked."""

from __future__ import annotations

import difflib
import re
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from curator.text import PLACEHOLDER

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    Parts = Sequence[Mapping[str, Any]]

COMPARED = 2000
"""How many characters of each of two records are compared."""
SHOWN = 700
"""How many characters of each are shown, with what they have in common cut short."""
ALIKE = 0.35
"""Texts less alike than this are shown as they are: marking everything marks nothing."""
_AROUND = 60
"""How many characters of what is in common are left beside a difference, at least."""
_MOST_PARTS = 24

_CHANCE = " \n\t,.，。、！？!?"
_TOKEN = re.compile(
    rf"{PLACEHOLDER.pattern}|\d+(?:[.,:]\d+)*|[A-Za-z\u00c0-\u024f\u0370-\u052f\uff21-\uff3a\uff41-\uff5a']+|\s+|.",
    re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Run:
    """A stretch of text of one style: plain, mark (the finding), hidden (a placeholder), diff."""

    text: str
    style: str = "plain"


@dataclass(frozen=True, slots=True)
class Turn:
    """One part of a record, or a stretch of it."""

    role: str
    runs: tuple[Run, ...]


def plain(text: str) -> list[Run]:
    """Return text with its placeholders set apart."""
    runs, at = [], 0
    for match in PLACEHOLDER.finditer(text):
        runs += [Run(text[at : match.start()]), Run(match.group(), "hidden")]
        at = match.end()
    return [r for r in [*runs, Run(text[at:])] if r.text]


def compared(left: Parts, right: Parts) -> tuple[tuple[Turn, ...], tuple[Turn, ...]]:
    """Return two records' parts, cut to what is shown, with what differs marked.

    Marked are words and numbers, and single characters of scripts without spaces, but
    not what differs in case or width alone.
    """
    sides: tuple[list[Turn], list[Turn]] = ([], [])
    for a, b in _beside(_cut(left), _cut(right)):
        for side, part, runs in zip(sides, (a, b), _differences(a, b), strict=True):
            if part:
                side.append(Turn(part[0], tuple(runs)))
    return _shortened(sides[0]), _shortened(sides[1])


def _cut(parts: Parts) -> list[tuple[str, str]]:
    room, cut = COMPARED, []
    for part in parts[:_MOST_PARTS]:
        if room <= 0:
            break
        text = part["text"]
        cut.append((part["role"], text if len(text) <= room else text[:room] + "…"))
        room -= len(text)
    return cut


def _beside(
    left: Sequence[tuple[str, str]], right: Sequence[tuple[str, str]]
) -> Iterator[tuple[tuple[str, str] | None, tuple[str, str] | None]]:
    """Yield the parts in order, beside each other where they have the same role and most words.

    As for the longest common subsequence, each pair weighs as much as its parts share.
    """
    words = [[frozenset(_TOKEN.findall(text)) for _, text in side] for side in (left, right)]

    def shared(i: int, j: int) -> float:
        if left[i][0] != right[j][0]:
            return 0.0
        a, b = words[0][i], words[1][j]
        # A little for the role alone, so that a question stands beside the other question.
        return 0.01 + len(a & b) / max(1, len(a | b))

    best = [[0.0] * (len(right) + 1) for _ in range(len(left) + 1)]
    for i in range(len(left) - 1, -1, -1):
        for j in range(len(right) - 1, -1, -1):
            best[i][j] = max(best[i + 1][j], best[i][j + 1], best[i + 1][j + 1] + shared(i, j))
    i = j = 0
    while i < len(left) or j < len(right):
        together = i < len(left) and j < len(right) and shared(i, j) > 0
        if together and best[i][j] == best[i + 1][j + 1] + shared(i, j):
            yield left[i], right[j]
            i, j = i + 1, j + 1
        elif i < len(left) and (j == len(right) or best[i][j] == best[i + 1][j]):
            yield left[i], None
            i += 1
        else:
            yield None, right[j]
            j += 1


def _differences(
    a: tuple[str, str] | None, b: tuple[str, str] | None
) -> tuple[list[Run], list[Run]]:
    """Return the runs of two parts; one that has none beside it differs as a whole."""
    if a is None or b is None:
        return ([Run(a[1], "diff")] if a else [], [Run(b[1], "diff")] if b else [])
    ours, theirs = _TOKEN.findall(a[1]), _TOKEN.findall(b[1])
    left, right = _folded(ours), _folded(theirs)
    before = _common(left, right)
    after = _common(left[before:][::-1], right[before:][::-1])
    match = difflib.SequenceMatcher(
        None, left[before : len(left) - after], right[before : len(right) - after], autojunk=False
    )
    common = before + after + sum(block.size for block in match.get_matching_blocks())
    if 2 * common < ALIKE * (len(ours) + len(theirs)):
        return plain(a[1]), plain(b[1])
    sides: tuple[list[Run], list[Run]] = ([], [])
    steps = [("equal", 0, before, 0, before)]
    steps += [
        (tag, a0 + before, a1 + before, b0 + before, b1 + before)
        for tag, a0, a1, b0, b1 in match.get_opcodes()
    ]
    steps.append(("equal", len(ours) - after, len(ours), len(theirs) - after, len(theirs)))
    for tag, a0, a1, b0, b1 in steps:
        texts = "".join(ours[a0:a1]), "".join(theirs[b0:b1])
        # A lone space or comma between two differences is chance, not agreement.
        alone = a0 > 0 and a1 < len(ours) and not texts[0].strip(_CHANCE)
        for side, text in zip(sides, texts, strict=True):
            if text:
                same = tag == "equal" and not alone
                side.extend(plain(text) if same else [Run(text, "diff")])
    return _joined(sides[0]), _joined(sides[1])


def _folded(tokens: Sequence[str]) -> list[str]:
    """Return tokens without what no check counts as a difference: width, case, kinds of space."""
    return [" " if t.isspace() else unicodedata.normalize("NFKC", t).casefold() for t in tokens]


def _common(left: Sequence[str], right: Sequence[str]) -> int:
    """Return how many tokens the two begin with in common."""
    n = 0
    for a, b in zip(left, right, strict=False):
        if a != b:
            break
        n += 1
    return n


def _joined(runs: Sequence[Run]) -> list[Run]:
    joined: list[Run] = []
    for run in runs:
        if joined and joined[-1].style == run.style != "hidden":
            joined[-1] = Run(joined[-1].text + run.text, run.style)
        else:
            joined.append(run)
    return joined


def _shortened(turns: Sequence[Turn]) -> tuple[Turn, ...]:
    """Return a side with what is in common cut short, so far that the whole is shown."""
    length = sum(len(run.text) for turn in turns for run in turn.runs)
    around = _AROUND if length > SHOWN else length
    room, shown = SHOWN, []
    for turn in turns:
        runs: list[Run] = []
        for at, run in enumerate(turn.runs):
            text = run.text
            if run.style == "plain" and len(text) > 2 * around + 2:
                head = text[:around] if at else text[: 2 * around]
                tail = text[-around:] if at + 1 < len(turn.runs) else ""
                text = f"{head} … {tail}".rstrip() if at + 1 < len(turn.runs) else f"{head}…"
            if room <= 0:
                break
            runs.append(Run(text if len(text) <= room else text[:room] + "…", run.style))
            room -= len(text)
        if runs:
            shown.append(Turn(turn.role, tuple(runs)))
    return tuple(shown)
