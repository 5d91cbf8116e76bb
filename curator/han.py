"""Simplified and traditional Chinese, told apart by the characters that only one of them has."""

from __future__ import annotations

from functools import cache


def written(text: str) -> tuple[int, int]:
    """Return how many characters of a text are simplified only, and how many traditional only.

    A character is simplified only if GB 2312 (1980, the standard of simplified Chinese)
    has it and Big5 (1984, that of traditional) does not; and the other way round.
    """
    if text.isascii():
        return 0, 0
    simplified, traditional = _sets()
    return sum(map(simplified.__contains__, text)), sum(map(traditional.__contains__, text))


@cache
def _sets() -> tuple[frozenset[str], frozenset[str]]:
    # The rows of ideographs alone: symbols and kana are in both, or say nothing.
    gb2312 = _decoded("gb2312", range(0xB0, 0xF8), range(0xA1, 0xFF))
    big5 = _decoded("big5", range(0xA4, 0xFA), (*range(0x40, 0x7F), *range(0xA1, 0xFF)))
    return gb2312 - big5, big5 - gb2312


def _decoded(encoding: str, rows: range, cells: range | tuple[int, ...]) -> frozenset[str]:
    found = (bytes((row, cell)).decode(encoding, "ignore") for row in rows for cell in cells)
    return frozenset(char for char in found if len(char) == 1 and "\u4e00" <= char <= "\u9fff")
