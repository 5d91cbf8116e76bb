"""Dataset cards: README.md with the metadata that the hub reads, and the same as Croissant.

Everything in a card follows from the decision and the sources, so a card, like
the rows beside it, tells no time and no place.
"""

from __future__ import annotations

from curator.exports.card.croissant import write_croissant
from curator.exports.card.facts import SourceKey, about, source_key
from curator.exports.card.instruction import instruction_card
from curator.exports.card.rag import rag_card

__all__ = [
    "SourceKey",
    "about",
    "instruction_card",
    "rag_card",
    "source_key",
    "write_croissant",
]
