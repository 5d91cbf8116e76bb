"""Placeholders of a redaction, numbered anew in each text.

`[PERSON_57]` and `[PERSON_12]` are two people, but two texts that differ only
by who is meant say the same; within one text the numbers keep people apart.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from curator.text import PLACEHOLDER

if TYPE_CHECKING:
    from collections.abc import Sequence

_NUMBER = re.compile(r"(?:\d+|[a-z2-7]{8})(?=\]$)")


def renumbered(texts: Sequence[str]) -> list[str]:
    """Return the turns of one text with their placeholders numbered in order of appearance."""
    if "[" not in "".join(texts):
        return list(texts)
    seen: dict[str, dict[str, int]] = {}

    def number(match: re.Match[str]) -> str:
        old = match.group()
        kind = _NUMBER.sub("", old)
        of_kind = seen.setdefault(kind, {})
        return _NUMBER.sub(str(of_kind.setdefault(old, len(of_kind) + 1)), old)

    return [PLACEHOLDER.sub(number, text) for text in texts]
