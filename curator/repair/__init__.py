"""Repair of a text, as edits on the original: broken encodings, and one form for what has several.

Repairs come as small spans, and `repaired` gives the way back, so that a check
can look at the repaired text and point into the original one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from curator.repair.characters import controls, invisibles, unhidden
from curator.repair.encodings import damage
from curator.repair.forms import composed, narrowed
from curator.repair.plain import is_plain
from curator.repair.spaces import blank_lines, line_ends, plain_spaces
from curator.repair.spans import Repair, Repaired, merged, repaired

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Stage = Callable[[str], list[Repair]]

__all__ = ["Repair", "Repaired", "repaired", "repairs", "searchable"]

# Each sees what the ones before it left: what is taken out, or a half-width kana, may bring
# a letter and its mark together.
_STAGES = (
    controls,
    composed,
    invisibles,
    narrowed,
    composed,
    plain_spaces,
    line_ends,
    blank_lines,
)


def repairs(text: str) -> list[Repair]:
    """Return the repairs that the text needs, in order, without overlaps.

    Kinds: `mojibake`, `markup` (entities and tags), `lost` (characters that are
    gone for good; no replacement), `control`, `invisible`, `composed` (NFC), `width`,
    `space`, `line-end`, `blank-lines`. What two kinds of repair touch is one repair,
    of the kind that comes first here. Put in, they leave a text that needs none of
    the last seven kinds.
    """
    return _mended(text, _STAGES)


def searchable(text: str) -> list[Repair]:
    """Return the edits that make a text to be searched: nothing hidden inside a word or number.

    Those of `repairs` that have a replacement; and emoji lose their joiners, and numbers
    the odd spaces between their digits.
    """
    return [r for r in _mended(text, (*_STAGES, unhidden)) if r.replacement is not None]


def _mended(text: str, stages: Sequence[Stage]) -> list[Repair]:
    found = damage(text)
    if not found and is_plain(text):
        return found
    fixed = [r for r in found if r.replacement is not None]
    if fixed and is_plain(repaired(text, fixed).text):
        return found
    for stage in stages:
        fixed = merged(text, fixed, stage)
    lost = [r for r in found if r.replacement is None]
    return sorted([*fixed, *lost], key=lambda r: r.start)
