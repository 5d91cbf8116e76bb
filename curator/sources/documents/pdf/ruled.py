"""Tables that are drawn: cells between rules, merged where no rule parts them."""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass
from typing import TYPE_CHECKING

from curator.sources.documents.pdf.lines import length_of, line_text, rows_of
from curator.sources.documents.pdf.mending import joined
from curator.sources.documents.pdf.page import Box, Rule

if TYPE_CHECKING:
    from collections.abc import Sequence

    from curator.sources.documents.pdf.page import Word

_NEAR = 3.0
"""Points by which rules may miss each other and still meet."""

_SHORTEST = 6.0
_MOST_RULES = 3000
_MOST_CELLS = 20_000
_FIGURE = re.compile(r"[-+(]?[¥$€£]?[\d.,]+\s*[%)]?|[-–—]")


@dataclass(slots=True)
class Grid:
    """A table of a page: its place, its texts row by row, and the words that it took."""

    box: Box
    rows: list[list[str]]
    words: list[Word]

    @property
    def length(self) -> int:
        """How many characters it holds, wide ones counted twice."""
        return length_of(self.words)


def ruled_tables(rules: Sequence[Rule], words: Sequence[Word]) -> list[Grid]:
    """Return the tables that rules make, with the words that stand in them."""
    across = _merged([r for r in rules if r.horizontal])
    down = _merged([r for r in rules if not r.horizontal])
    if not across or not down or len(across) + len(down) > _MOST_RULES:
        return []
    found = []
    taken: set[int] = set()
    for group in _groups(across, down):
        grid = _grid([r for r in group if r.horizontal], [r for r in group if not r.horizontal])
        if grid is None:
            continue
        inside = [
            w
            for w in words
            if id(w) not in taken and _in(w, grid[0][0], grid[0][-1], grid[1][0], grid[1][-1])
        ]
        table = _filled(*grid, inside)
        if table is not None:
            taken.update(map(id, table.words))
            found.append(table)
    return found


def _merged(rules: list[Rule]) -> list[Rule]:
    """Return the rules with those that continue or repeat each other made one."""
    out: list[Rule] = []
    rules = sorted(rules, key=lambda r: (r.at, r.start))
    at = 0
    while at < len(rules):
        end = at + 1
        while end < len(rules) and rules[end].at - rules[end - 1].at <= 1.5:
            end += 1
        same = sorted(rules[at:end], key=lambda r: r.start)
        place = sum(r.at for r in same) / len(same)
        if max(r.at for r in same) - min(r.at for r in same) > 2 * _NEAR:
            out += same
        else:
            start, stop = same[0].start, same[0].end
            for rule in same[1:]:
                if rule.start > stop + _NEAR:
                    out.append(Rule(rule.horizontal, place, start, stop))
                    start, stop = rule.start, rule.end
                stop = max(stop, rule.end)
            out.append(Rule(same[0].horizontal, place, start, stop))
        at = end
    return [r for r in out if r.end - r.start >= _SHORTEST]


def _groups(across: list[Rule], down: list[Rule]) -> list[list[Rule]]:
    """Return the rules that hang together, directly or through others."""
    every = across + down
    root = list(range(len(every)))

    def find(i: int) -> int:
        while root[i] != i:
            root[i] = root[root[i]]
            i = root[i]
        return i

    places = [r.at for r in across]
    for i, rule in enumerate(down, len(across)):
        first = bisect_right(places, rule.start - _NEAR)
        for j in range(first, len(across)):
            if across[j].at > rule.end + _NEAR:
                break
            if across[j].start - _NEAR <= rule.at <= across[j].end + _NEAR:
                root[find(i)] = find(j)
    groups: dict[int, list[Rule]] = {}
    for i, rule in enumerate(every):
        groups.setdefault(find(i), []).append(rule)
    return [group for group in groups.values() if len(group) >= 4]


_Walls = tuple[list[float], list[float], list[list[bool]], list[list[bool]]]


def _grid(across: list[Rule], down: list[Rule]) -> _Walls | None:
    """Return the grid's xs and ys, and where a wall stands right of and below each cell."""
    if not across or not down:
        return None
    # A table may be open at its sides: then its rules end where the table does.
    xs = _places([r.at for r in down], [r.start for r in across], [r.end for r in across])
    ys = _places([r.at for r in across], [r.start for r in down], [r.end for r in down])
    n, m = len(xs) - 1, len(ys) - 1
    if n < 2 or m < 1 or n * m > _MOST_CELLS:
        return None
    beside = [[r for r in down if abs(r.at - x) <= _NEAR] for x in xs[1:]]
    under = [[r for r in across if abs(r.at - y) <= _NEAR] for y in ys[1:]]
    right = [[_walled(beside[i], ys[j], ys[j + 1]) for i in range(n)] for j in range(m)]
    below = [[_walled(under[j], xs[i], xs[i + 1]) for i in range(n)] for j in range(m)]
    return xs, ys, right, below


def _places(rules: list[float], starts: list[float], ends: list[float]) -> list[float]:
    places: list[float] = []
    for at in sorted(rules):
        if not places or at - places[-1] > _NEAR:
            places.append(at)
    if places[0] - min(starts) > 2 * _NEAR:
        places.insert(0, min(starts))
    if max(ends) - places[-1] > 2 * _NEAR:
        places.append(max(ends))
    return places


def _walled(rules: list[Rule], start: float, end: float) -> bool:
    """Whether rules cover most of the way between two cells."""
    covered = sum(max(0.0, min(r.end, end) - max(r.start, start)) for r in rules)
    return covered >= 0.6 * (end - start)


def _filled(
    xs: list[float],
    ys: list[float],
    right: list[list[bool]],
    below: list[list[bool]],
    words: list[Word],
) -> Grid | None:
    """Return the table with its words, None where a frame or a figure is all that it is."""
    n, m = len(xs) - 1, len(ys) - 1
    root = _cells(n, m, right, below)
    in_cell: dict[int, list[Word]] = {}
    for word in words:
        i = min(max(bisect_right(xs, (word.box.x0 + word.box.x1) / 2) - 1, 0), n - 1)
        j = min(max(bisect_right(ys, word.base - 0.3 * word.size) - 1, 0), m - 1)
        in_cell.setdefault(root[j * n + i], []).append(word)
    cells = len(set(root))
    if len(in_cell) < 2 or len(in_cell) * 8 < cells:
        return None
    most = max(in_cell.values(), key=len)
    if len(most) * 10 > 6 * len(words) and len(rows_of(most)) > 12:
        return None  # a frame around the page's text
    texts = {cell: [line_text(row) for row in rows_of(held)] for cell, held in in_cell.items()}
    columns = {
        i for cell in in_cell for i in range(n) if any(root[j * n + i] == cell for j in range(m))
    }
    if len(columns) < 2:
        return None
    rows: list[list[str]] = []
    for j in range(m):
        cells_here = [root[j * n + i] for i in range(n)]
        own = all(c // n == j for c in cells_here) and (j + 1 == m or all(below[j]))
        lines = _parted(cells_here, in_cell) if own else None
        rows += lines or [[joined(texts.get(cell, [])) for cell in cells_here]]
    kept = _without_empty_columns(rows)
    box = Box(xs[0], ys[0], xs[-1], ys[-1])
    return Grid(box, kept, words) if kept and len(kept[0]) > 1 else None


def _cells(n: int, m: int, right: list[list[bool]], below: list[list[bool]]) -> list[int]:
    """Return for each place of the grid the first place of the cell that it belongs to."""
    root = list(range(n * m))

    def find(i: int) -> int:
        while root[i] != i:
            root[i] = root[root[i]]
            i = root[i]
        return i

    for j in range(m):
        for i in range(n):
            here = j * n + i
            for there, wall in ((here + 1, i + 1 == n or right[j][i]),
                                (here + n, j + 1 == m or below[j][i])):  # fmt: skip
                if not wall:
                    a, b = find(here), find(there)
                    root[max(a, b)] = min(a, b)
    return [find(i) for i in range(n * m)]


def _parted(cells: list[int], in_cell: dict[int, list[Word]]) -> list[list[str]] | None:
    """Return the rows that stand in one row of the grid without rules between them.

    That they are rows, and no lines of running text, shows where at least two columns
    have as many lines on the same heights, and one of them holds nothing but figures.
    """
    held = {cell: rows_of(in_cell.get(cell, [])) for cell in set(cells)}
    counts = [len(rows) for rows in held.values() if rows]
    most = max(counts, default=0)
    if most < 3 or sum(n == most for n in counts) < 2:
        return None
    full = [rows for rows in held.values() if len(rows) == most]
    bases = [row[0].base for row in full[0]]
    if not any(all(_FIGURE.fullmatch(line_text(row)) for row in rows[1:]) for rows in full):
        return None
    out = [[""] * len(cells) for _ in bases]
    for i, cell in enumerate(cells):
        for row in held[cell]:
            near = min(range(len(bases)), key=lambda k: abs(bases[k] - row[0].base))
            if abs(bases[near] - row[0].base) > 0.5 * row[0].size:
                return None
            out[near][i] = line_text(row)
    return out


def _without_empty_columns(rows: list[list[str]]) -> list[list[str]]:
    """Leave out columns that are empty, or repeat the one before throughout (double rules)."""
    width = len(rows[0]) if rows else 0
    keep = [
        i
        for i in range(width)
        if any(row[i] for row in rows) and not (i and all(row[i] == row[i - 1] for row in rows))
    ]
    return [[row[i] for i in keep] for row in rows if any(row)]


def _in(word: Word, x0: float, x1: float, y0: float, y1: float) -> bool:
    middle, height = (word.box.x0 + word.box.x1) / 2, word.base - 0.3 * word.size
    return x0 - 1 <= middle <= x1 + 1 and y0 - 1 <= height <= y1 + 1
