"""Shingle sets: the overlapping short sequences of tokens that a text is made of.

A token is one Han, kana or hangul character, one word of another script, or
one symbol that carries meaning. A shingle has three tokens where it begins
with a character, two where it begins with a word: a Chinese word is about two
characters, so both say about as much. Each turn begins with a token for its
role, and a text ends with an end token, so a text of one token has shingles too.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING

import numpy as np

from curator.similarity.codepoints import OWN, WORD, points, tables
from curator.similarity.mixing import MULTIPLIER, mix

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    Turns = Sequence[tuple[str, str]]

_INVERSE = pow(MULTIPLIER, -1, 1 << 64)
_BLOCK = 1 << 15  # characters
_SORTED = 1 << 16  # shingles
_SYMBOLS = 0xFFFE  # the end token's hash is that of this non-character


@dataclass(frozen=True)
class Sets:
    """32-bit shingle hashes; those of text i are values[bounds[i]:bounds[i + 1]].

    In a set they are sorted and each stands once, in a list they stand as in the text.
    """

    values: NDArray[np.uint32]
    bounds: NDArray[np.int64]

    def __len__(self) -> int:
        """How many sets there are."""
        return len(self.bounds) - 1


def shingle_sets(texts: Sequence[Turns]) -> Sets:
    """Return the shingle set of each text, given as its (role, text) turns or blocks.

    A text without a single token (blank, or nothing but punctuation) has the empty set.
    """
    return distinct(shingle_lists(texts))


def shingle_lists(texts: Sequence[Turns]) -> Sets:
    """Return the shingles of each text in order, repeated ones too."""
    return join([_lists(block) for block in _blocks(texts)])


def distinct(lists: Sets) -> Sets:
    """Return the set of each list."""
    values, sizes = [], []
    low = 0
    while low < len(lists):
        start = int(lists.bounds[low])
        high = max(low + 1, int(np.searchsorted(lists.bounds, start + _SORTED, side="right")) - 1)
        bounds = lists.bounds[low : high + 1] - start
        owner = np.repeat(np.arange(high - low, dtype=np.uint64), np.diff(bounds))
        packed = (owner << np.uint64(32)) | lists.values[start : lists.bounds[high]]
        packed.sort()
        first = np.ones(len(packed), np.bool_)
        first[1:] = packed[1:] != packed[:-1]
        packed = packed[first]
        values.append(packed.astype(np.uint32))  # the lower half
        sizes.append(np.bincount((packed >> np.uint64(32)).astype(np.int64), minlength=high - low))
        low = high
    bounds = np.concatenate([np.zeros(1, np.int64), *sizes]).cumsum()
    return Sets(np.concatenate([np.zeros(0, np.uint32), *values]), bounds)


def join(parts: Sequence[Sets]) -> Sets:
    """Return the sets, or lists, of all parts, in order."""
    sizes = [np.diff(part.bounds) for part in parts]
    bounds = np.concatenate([np.zeros(1, np.int64), *sizes]).cumsum()
    return Sets(np.concatenate([np.zeros(0, np.uint32), *(part.values for part in parts)]), bounds)


def _blocks(texts: Sequence[Turns]) -> Iterator[Sequence[Turns]]:
    """Cut the texts into blocks whose arrays lie in the processor's cache."""
    low, size = 0, 0
    for high, text in enumerate(texts):
        size += sum(len(t) for _, t in text)
        if size > _BLOCK:
            yield texts[low : high + 1]
            low, size = high + 1, 0
    if low < len(texts):
        yield texts[low:]


def _lists(block: Sequence[Turns]) -> Sets:
    roles = [role for text in block for role, _ in text]
    texts = [turn for text in block for _, turn in text]
    n_turns = np.fromiter(map(len, block), np.int64, len(block))
    owner = np.repeat(np.arange(len(n_turns)), n_turns)  # the text of each turn
    token, is_char, turn = _tokens(texts)
    # One more token before each turn (its role) and one after each text (its end).
    n_tokens = np.bincount(turn, minlength=len(texts))
    turn_starts = np.concatenate([[0], np.cumsum(n_tokens)])[:-1] + np.arange(len(texts)) + owner
    total = len(token) + len(texts) + len(n_turns)
    hashes = np.full(total, mix(np.array([_SYMBOLS], np.uint64))[0])
    wide = np.zeros(total, np.bool_)
    role_hash = {role: _role(role) for role in dict.fromkeys(roles)}
    hashes[turn_starts] = np.array([role_hash[role] for role in roles], np.uint64)
    at = np.arange(len(token)) + turn + 1 + owner[turn]
    hashes[at] = token
    wide[at] = is_char
    per_text = np.bincount(owner[turn], minlength=len(n_turns))
    lengths = per_text + n_turns + 1
    belongs = np.repeat(np.arange(len(n_turns)), lengths)

    two = hashes.copy()
    two[:-1] = mix(hashes[:-1] * np.uint64(MULTIPLIER) + hashes[1:])
    three = two.copy()
    three[:-2] = mix(two[:-2] * np.uint64(MULTIPLIER) + hashes[2:])
    # A turn's first shingle looks as far ahead as the token after its role does.
    wide[:-1] |= wide[1:]
    use_three = wide.copy()
    use_three[:-2] &= belongs[2:] == belongs[:-2]
    use_three[-2:] = False
    shingle = np.where(use_three, three, two)
    inside = np.zeros(total, np.bool_)
    inside[:-1] = belongs[1:] == belongs[:-1]
    inside &= per_text[belongs] > 0
    ends = np.concatenate([[0], np.cumsum(np.where(per_text > 0, lengths - 1, 0))])
    return Sets((shingle[inside] >> np.uint64(32)).astype(np.uint32), ends.astype(np.int64))


def _tokens(
    texts: Sequence[str],
) -> tuple[NDArray[np.uint64], NDArray[np.bool_], NDArray[np.int64]]:
    """Return each token's hash, whether it is one character, and the index of its text."""
    table = tables()
    found = points(texts)
    if ((found.values >= 0x300) & (found.values < 0x370)).any():
        found = points([unicodedata.normalize("NFC", text) for text in texts])
    raw = found.values
    folded = table.folded[raw]
    # What `fold` drops may still be a token here: signs and symbols.
    codes = np.where(folded == 0, raw, folded)
    kind = table.kind[codes]
    word = kind == WORD
    begins = word.copy()
    begins[1:] &= ~word[:-1]
    starts = found.bounds[:-1]
    starts = starts[starts < len(raw)]
    begins[starts] = word[starts]
    ends = word.copy()
    ends[:-1] &= ~word[1:] | begins[1:]
    own = kind == OWN
    # Words: a polynomial hash from prefix sums, in arithmetic modulo 2**64.
    mixed = mix(codes.astype(np.uint64))
    weights = np.full(len(raw), MULTIPLIER, np.uint64)
    weights[:1] = 1
    np.cumprod(weights, out=weights)
    unweights = np.full(len(raw), _INVERSE, np.uint64)
    unweights[:1] = 1
    np.cumprod(unweights, out=unweights)
    prefix = np.zeros(len(raw) + 1, np.uint64)
    np.cumsum(np.where(word, mixed, 0) * weights, out=prefix[1:])
    first, last = np.flatnonzero(begins), np.flatnonzero(ends) + 1
    at = np.flatnonzero(begins | own)
    token = mixed[at]
    is_word = begins[at]
    token[is_word] = mix((prefix[last] - prefix[first]) * unweights[first])
    is_char = ~is_word & (folded[at] != 0)
    return token, is_char, found.owner(at)


def _role(role: str) -> int:
    return int.from_bytes(blake2b(role.encode(), digest_size=8).digest(), "little")
