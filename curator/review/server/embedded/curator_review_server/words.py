"""How texts and queries become the words of a full-text index.

SQLite's own tokeniser takes a run of Han characters for one word. So such a run is
written as its pairs and its last character: 小儿湿疹 becomes 小儿 儿湿 湿疹 疹. A word of
two characters is then one word of the index, a longer one is a phrase, and a single
character is the beginning of a word. Kana and Hangul are treated alike.
"""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_UNSPACED = (
    "\u2e80-\u2fdf\u3005-\u3007\u3021-\u3029\u3038-\u303b\u3040-\u30ff\u31f0-\u31ff"
    "\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff\U0001b000-\U0001b16f\U00020000-\U0003347f"
)
_RUN = re.compile(f"([{_UNSPACED}]+)|[^\\W_{_UNSPACED}]+")


def words(text: str) -> Iterator[str]:
    """Yield the words under which a text is found."""
    for run, unspaced in _runs(text):
        if unspaced:
            yield from _pairs(run)
            yield run[-1]
        else:
            yield run


def phrase(text: str, *, prefix: bool = False) -> str | None:
    """Return the FTS5 phrase that finds a text word for word, None where it holds no word.

    With `prefix`, the last word may go on.
    """
    runs = list(_runs(text))
    if not runs:
        return None
    said: list[str] = []
    for run, unspaced in runs[:-1]:
        said += [*_pairs(run), run[-1]] if unspaced else [run]
    run, unspaced = runs[-1]
    if unspaced and len(run) > 1:
        # What follows in the text is not known, and the last pair says all.
        said += _pairs(run)
        prefix = False
    else:
        said.append(run)
        prefix = prefix or unspaced
    return f'"{" ".join(said)}"' + (" *" if prefix else "")


def _runs(text: str) -> Iterator[tuple[str, bool]]:
    for found in _RUN.finditer(unicodedata.normalize("NFKC", text)):
        yield found[0], found[1] is not None


def _pairs(run: str) -> Iterator[str]:
    for at in range(len(run) - 1):
        yield run[at : at + 2]
