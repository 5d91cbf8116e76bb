"""Where replacements go: stretches that can only be replaced whole, and what is put there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from curator.text import PLACEHOLDER, script

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from curator.pii.candidates import Candidate
    from curator.pii.texts import SearchText
    from curator.pseudonyms import Lang


def placeholder_language(text: str, spans: Sequence[tuple[int, int]], lang: str) -> Lang:
    """Return the language of what is said around the details; the details do not count."""
    pieces, at = [], 0
    for start, end in sorted(spans):
        pieces.append(text[at:start])
        at = max(at, end)
    around = script(PLACEHOLDER.sub(" ", " ".join([*pieces, text[at:]])))
    if around == "none":
        return "zh" if lang == "zh" else "en"
    return "zh" if around in {"han", "mixed"} else "en"


def stretches(
    view: SearchText, candidates: Sequence[Candidate]
) -> Iterator[tuple[int, int, list[int]]]:
    """Group candidates that one repaired stretch holds, for it can only be replaced whole."""
    group: list[int] = []
    start = end = 0
    for i, candidate in enumerate(candidates):
        a, b = view.whole(candidate.start, candidate.end)
        if group and a < end:
            group.append(i)
            end = max(end, b)
            continue
        if group:
            yield start, end, group
        start, end, group = a, b, [i]
    if group:
        yield start, end, group


def filled(text: str, start: int, end: int, hidden: Sequence[tuple[Candidate, str]]) -> str:
    """Return a stretch of text with its details replaced."""
    pieces = []
    at = start
    for candidate, placeholder in hidden:
        pieces += [text[at : candidate.start], placeholder]
        at = candidate.end
    return "".join([*pieces, text[at:end]])
