"""The order in which the pieces of a page are read: columns, and what stands across them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from curator.sources.documents.pdf.lines import Line
from curator.sources.documents.pdf.ruled import Grid

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


Piece: TypeAlias = Line | Grid

_LINES, _CHARACTERS = 3, 80
"""What a column holds at least, in the first place where it is seen."""

_LONG = 16
"""A line of so many characters is running text; the cells of tables are shorter."""

_CLEAR = 5.0
"""The least width of a gutter, in points."""

_DEEPEST = 8


class Columns:
    """Knows the gutters of the pages so far: a last page of few lines has them too."""

    def __init__(self) -> None:
        """Know none."""
        self._known: list[float] = []

    def regions(self, pieces: Sequence[Piece]) -> list[list[Piece]]:
        """Return the pieces in groups that are read one after the other, each from above.

        A page is parted at the gutter between two columns of running text, and first,
        from above, at what stands across it (a title, a wide table); each column is
        parted again.
        """
        return self._parted(sorted(pieces, key=lambda p: (p.box.y0, p.box.x0)), 0)

    def _parted(self, ordered: list[Piece], depth: int) -> list[list[Piece]]:
        gutter = self._gutter(ordered) if depth < _DEEPEST else None
        if gutter is None:
            return [ordered] if ordered else []
        if not self._is_known(gutter):
            self._known.append(gutter)
        out: list[list[Piece]] = []
        whole: list[Piece] = []
        for band in _bands(ordered, gutter):
            if band.is_columns(known=self._is_known(gutter)):
                whole += band.before
                out += [whole] if whole else []
                whole = list(band.after)
                out += self._parted(band.left, depth + 1) + self._parted(band.right, depth + 1)
            else:
                whole += sorted(
                    [*band.before, *band.left, *band.right, *band.after],
                    key=lambda p: (p.box.y0, p.box.x0),
                )
            whole += band.across
        return [*out, whole] if whole else out

    def _gutter(self, pieces: list[Piece]) -> float | None:
        """Return the x between two columns of running text, None if there is none."""
        starts: dict[int, list[float]] = {}
        for piece in pieces:
            starts.setdefault(round(piece.box.x0 / 4), []).append(piece.box.x0)
        best, found = 0.0, None
        for place, places in sorted(starts.items()):
            x = min(places) - 1.5
            known = self._is_known(x)
            if len(places) + len(starts.get(place + 1, ())) < _LINES and not known:
                continue
            bands = [b for b in _bands(pieces, x) if b.is_columns(known=known)]
            score = float(sum(min(_sum(b.left), _sum(b.right)) for b in bands))
            if score > best:
                best, found = score, x
        return found

    def _is_known(self, x: float) -> bool:
        return any(abs(x - known) <= 6 for known in self._known)


class _Band(NamedTuple):
    """What stands at either side of a gutter, down to the next pieces across it.

    before, after: pieces at the ends that belong to what is across (the last line of a
    paragraph above, the heading of what comes below).
    """

    before: list[Piece]
    left: list[Piece]
    right: list[Piece]
    after: list[Piece]
    across: list[Piece]

    def is_columns(self, *, known: bool) -> bool:
        """Whether both sides are running text side by side, and not the columns of a table."""
        if not self.left or not self.right:
            return False
        if min(p.box.x0 for p in self.right) - max(p.box.x1 for p in self.left) < _CLEAR:
            return False
        if not known and any(
            len(side) < _LINES or _sum(side) < _CHARACTERS for side in (self.left, self.right)
        ):
            return False
        top = max(min(p.box.y0 for p in side) for side in (self.left, self.right))
        bottom = min(max(p.box.y1 for p in side) for side in (self.left, self.right))
        sides = (self.left,) if known else (self.left, self.right)
        return bottom > top and all(_runs(side) for side in sides)


def _bands(ordered: Sequence[Piece], x: float) -> Iterator[_Band]:
    band: list[Piece] = []
    across: list[Piece] = []
    above: Piece | None = None
    for piece in ordered:
        if piece.box.x0 < x - 1 and piece.box.x1 > x + 2:
            across.append(piece)
            continue
        if across:
            yield _band(band, above, across, x)
            above = across[-1]
            band, across = [], []
        band.append(piece)
    yield _band(band, above, across, x)


def _band(band: list[Piece], above: Piece | None, across: list[Piece], x: float) -> _Band:
    left = [p for p in band if p.box.x1 <= x + 2]
    right = [p for p in band if p.box.x1 > x + 2]
    before: list[Piece] = []
    while above is not None and len(left) > 1 and right and _goes_on(above, left[0], right):
        above = left.pop(0)
        before.append(above)
    after: list[Piece] = []
    if across and left and right:
        # A heading of what comes next stands below both columns, at a distance.
        end = max(p.box.y1 for p in right)
        while len(left) > 1 and len(after) < 3 and left[-1].box.y0 >= end - 1:
            after.insert(0, left.pop())
        gap = after[0].box.y0 - left[-1].box.y1 if after else 0.0
        if after and gap < 0.6 * (after[0].box.y1 - after[0].box.y0):
            left, after = [*left, *after], []
    return _Band(before, left, right, after, across)


def _goes_on(above: Piece, piece: Piece, right: Sequence[Piece]) -> bool:
    """Whether a piece follows close on what is across the gutter, and above the right column."""
    near = piece.box.y0 - above.box.y1 < 0.5 * (piece.box.y1 - piece.box.y0)
    return near and piece.box.y1 <= min(p.box.y0 for p in right) + 1


def _runs(side: Sequence[Piece]) -> bool:
    """Whether most of the text of a side stands in long lines of like width, or in tables."""
    long = [p for p in side if p.length >= _LONG or p.box.y1 - p.box.y0 > 40]
    if _sum(long) * 3 < 2 * _sum(side):
        return False
    widths = sorted(p.box.x1 - p.box.x0 for p in long)
    typical = widths[len(widths) * 3 // 4]
    return 2 * sum(width >= 0.7 * typical for width in widths) >= len(long)


def _sum(pieces: Sequence[Piece]) -> int:
    return sum(p.length for p in pieces)
