"""Which rules may match in a text, by one pass of RE2 over it for all of them together.

RE2 (Google, BSD) reads a text once for any number of patterns, in linear time. It lacks
look-arounds and counts above 1,000, so each pattern is given to it without the former
and with open counts: it names more rules than match and never fewer. Where its wheel is
not installed, or a pattern is beyond it, the rules are tried one by one, with the same
outcome.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

_MEMORY = 1 << 28
_TOKEN = re.compile(
    r"\\u[0-9a-fA-F]{4}|\\U[0-9a-fA-F]{8}|\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|\(\?<?[=!]|\(|\)"
    r"|\{\d*,?\d*\}|.",
    re.DOTALL,
)
_ESCAPE = re.compile(r"\\u([0-9a-fA-F]{4})|\\U([0-9a-fA-F]{8})")
_COUNT = re.compile(r"\{(\d*),\d+\}")
_WIDER = {r"\d": r"\p{Nd}", r"\s": r"\s\x0b\x1c-\x1f\x85\p{Z}", r"\w": r"\pL\pN_"}
"""Python's classes are of Unicode, RE2's of ASCII."""


class Prefilter:
    """Names the rules that may match in a text."""

    def __init__(self, patterns: Sequence[str]) -> None:
        """Compile the patterns; their order is that of the numbers that `candidates` gives."""
        self._always = list(range(len(patterns)))
        self._set: Any = None
        try:
            import re2  # noqa: PLC0415 - an optional wheel
        except ImportError:
            return
        options = re2.Options()
        options.max_mem = _MEMORY
        options.log_errors = False
        united = re2.Set.SearchSet(options)
        known = []
        for number, pattern in enumerate(patterns):
            try:
                united.Add(loosened(pattern))
            except re2.error:
                continue
            known.append(number)
        united.Add("")  # matches always, so that no match at all tells that memory ran out
        united.Compile()
        self._set, self._known = united, known
        self._always = sorted(set(self._always) - set(known))

    def candidates(self, text: str) -> list[int]:
        """Return the numbers of the patterns that may match, in order."""
        if self._set is None:
            return self._always
        found = self._set.Match(text)
        if found is None:
            return sorted([*self._always, *self._known])
        known = self._known
        return sorted([*self._always, *(known[i] for i in found if i < len(known))])


def loosened(pattern: str) -> str:
    """Return a pattern for RE2 that matches wherever the given one does.

    What must follow at the very end is read as if it belonged to the match, which says the
    same; all other look-arounds are left out.
    """
    pieces = _TOKEN.findall(pattern)
    kept: list[str] = []
    open_brackets = 0
    for at, piece in enumerate(pieces):
        if open_brackets:
            open_brackets += (piece[0] == "(") - (piece == ")")
        elif piece == "(?=" and _closing(pieces, at) == len(pieces) - 1:
            kept.append("(?:")
        elif len(piece) > 1 and piece.startswith("(?"):
            open_brackets = 1
            kept.append("(?:)")
        else:
            kept.append(_widened(piece))
    return "".join(kept)


def _closing(pieces: Sequence[str], at: int) -> int:
    """Return the place of the bracket that closes the one at `at`."""
    open_brackets = 0
    for place in range(at, len(pieces)):
        open_brackets += (pieces[place][0] == "(") - (pieces[place] == ")")
        if not open_brackets:
            return place
    return -1


def _widened(piece: str) -> str:
    if piece.startswith("["):
        held = _ESCAPE.sub(_char, piece)
        for narrow, wide in _WIDER.items():
            held = held.replace(narrow, wide)
        return held
    if piece in _WIDER:
        return f"[{_WIDER[piece]}]"
    if _ESCAPE.fullmatch(piece):
        return _ESCAPE.sub(_char, piece)
    if piece in "^$":  # Python's end is also before a last line break
        return "(?:)"
    counted = _COUNT.fullmatch(piece)
    return f"{{{counted[1] or 0},}}" if counted else piece


def _char(found: re.Match[str]) -> str:
    char = chr(int(found[1] or found[2], 16))
    return "\\" + char if char in "\\]^-[" else char
