"""Wording as sparse vectors: TF-IDF over hashed n-grams of tokens, Chinese and English alike."""

from __future__ import annotations

import math
import re
import zlib
from collections import Counter, defaultdict
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from curator.similarity.vocabulary import FUNCTION_CHARACTERS, FUNCTION_WORDS, GENERAL_WORDS
from curator.text import HAN, PLACEHOLDER, tokens

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray
    from scipy.sparse import csr_matrix

WIDTH = 1 << 20
"""Number of columns: n-grams are hashed to it."""
LONGEST = 400
"""Characters of a text that count."""
_STEM = 5
_LOOKED_AT = 400
"""Texts of a group that are looked at for its words."""
_FEWEST = 3
_NEIGHBOURS = 2
_ANYWHERE = 0.05
"""What a word that all groups have counts for."""
_PART = 0.7
"""Where so many of a word's texts have it inside a longer one, it is that one's part."""
_HAN_RUN = re.compile(f"[{HAN}]+")
_LATIN = re.compile(r"(?<![a-z])[a-z][a-z'-]{2,}(?![a-z])")
_MIX = (np.uint64(0x9E3779B97F4A7C15), np.uint64(0xC2B2AE3D27D4EB4F), np.uint64(0x165667B19E3779F9))


@lru_cache(maxsize=1 << 16)
def _code(token: str) -> int:
    return zlib.crc32(token.encode("utf-8", "surrogatepass"))


def counts(texts: Iterable[str]) -> csr_matrix:
    """Return the counts of each text's n-grams, one to three tokens long, shape (texts, WIDTH).

    A token is a Han character or a word (see `curator.text.tokens`). The first
    letters of a long word count too, since they stay where its ending changes.
    Placeholders of redacted details do not count.
    """
    from scipy.sparse import csr_matrix  # noqa: PLC0415 - heavy

    columns: list[NDArray[np.uint64]] = []
    bounds = [0]
    for text in texts:
        found = tokens(PLACEHOLDER.sub(" ", text[:LONGEST]))
        codes = np.array([_code(token) for token in found], np.uint64)
        stems = np.array([_code(t[:_STEM] + "*") for t in found if len(t) > _STEM], np.uint64)
        grams = np.concatenate([_grams(codes), stems * _MIX[0]])
        columns.append(grams >> np.uint64(44))
        bounds.append(bounds[-1] + len(grams))
    flat = np.concatenate(columns).astype(np.int32) if columns else np.zeros(0, np.int32)
    matrix = csr_matrix(
        (np.ones(len(flat), np.float32), flat, np.array(bounds)), shape=(len(columns), WIDTH)
    )
    matrix.sum_duplicates()
    return matrix


def _grams(codes: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Return a hash of every n-gram of one to three tokens; products wrap round."""
    grams = [codes * _MIX[0]]
    for n in (2, 3):
        last = len(codes) - n + 1
        if last > 0:
            mixed = codes[:last] * _MIX[0]
            for k in range(1, n):
                mixed = (mixed ^ (mixed >> np.uint64(29))) * _MIX[k] + codes[k : last + k]
            grams.append(mixed * _MIX[0])
    return np.concatenate(grams)


def tfidf(matrices: Sequence[csr_matrix]) -> list[csr_matrix]:
    """Return the count matrices as TF-IDF rows of length 1, with one IDF over all of them.

    N-grams that only one text has are left out: they match nothing.
    """
    from scipy.sparse import diags  # noqa: PLC0415 - heavy

    seen = np.zeros(WIDTH, np.int64)
    for matrix in matrices:
        seen += np.bincount(matrix.indices, minlength=WIDTH)
    n = sum(matrix.shape[0] for matrix in matrices)
    rarity = (np.log((1 + n) / (1 + seen)) + 1).astype(np.float32)
    rarity[seen < 2] = 0.0
    weighted = []
    for matrix in matrices:
        rows = matrix.copy()
        rows.data = (1 + np.log(rows.data)) * rarity[rows.indices]
        rows.eliminate_zeros()
        norms = np.sqrt(np.asarray(rows.multiply(rows).sum(axis=1)).ravel())
        weighted.append((diags((1 / np.maximum(norms, 1e-9)).astype(np.float32)) @ rows).tocsr())
    return weighted


def telling(groups: Mapping[str, Sequence[str]], most: int = 5) -> dict[str, tuple[str, ...]]:
    """Return for each group of texts the words that tell it from the others, best first.

    A word is an English word, or two to four Han characters that stand between different
    neighbours, as words do and pieces of words don't. At least three texts of the group
    have it. Words that name nothing, and placeholders of redacted details, are none. Of a
    large group some texts are looked at, evenly spread.
    """
    held = {name: _counted(_spread(texts)) for name, texts in groups.items()}
    in_groups = Counter(word for counted in held.values() for word in counted)
    found = {}
    for name, counted in held.items():
        n = max(1, min(len(groups[name]), _LOOKED_AT))
        scores = {
            word: many / n * (math.log(len(held) / in_groups[word]) + _ANYWHERE)
            for word, many in counted.items()
        }
        found[name] = tuple(_apart(scores, counted, most))
    return found


def _spread(texts: Sequence[str]) -> Sequence[str]:
    return texts[:: -(-len(texts) // _LOOKED_AT)] if texts else texts


def _counted(texts: Sequence[str]) -> dict[str, int]:
    """Return in how many texts each word is."""
    many: Counter[str] = Counter()
    before: dict[str, set[str]] = defaultdict(set)
    after: dict[str, set[str]] = defaultdict(set)
    for number, whole in enumerate(texts):
        text = PLACEHOLDER.sub(" ", whole[:LONGEST]).lower()
        words = {word for word in _LATIN.findall(text) if word not in FUNCTION_WORDS}
        for run in _HAN_RUN.findall(text):
            ends = f"{number}{run}{number}"  # the end of a clause is a neighbour of its own
            low = len(ends) - len(run) >> 1
            for size in (2, 3, 4):
                for at in range(len(run) - size + 1):
                    word = run[at : at + size]
                    if not FUNCTION_CHARACTERS.isdisjoint((word[0], word[-1])):
                        continue
                    words.add(word)
                    before[word].add(run[at - 1] if at else ends[:low])
                    after[word].add(run[at + size] if at + size < len(run) else ends[-low:])
        many.update(words - GENERAL_WORDS)
    return {
        word: n
        for word, n in many.items()
        if n >= _FEWEST
        and (word.isascii() or min(len(before[word]), len(after[word])) >= _NEIGHBOURS)
    }


def _apart(scores: Mapping[str, float], counted: Mapping[str, int], most: int) -> Iterator[str]:
    """Yield the best words that are no part of another one; a part that stands alone is one."""
    told: list[str] = []
    for word in sorted(scores, key=lambda w: (-scores[w], w)):
        longer = [w for w in scores if word in w and w != word and len(word) > 1]
        if any(_PART * counted[word] <= counted[w] for w in longer[:_LOOKED_AT]):
            continue
        if not any(word in other or other in word for other in told):
            told.append(word)
            yield word
        if len(told) == most:
            return
