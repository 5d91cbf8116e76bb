"""Retrieval over an exported corpus: by words, by meaning, and by both."""

from __future__ import annotations

from curator.retrieval.corpus import Corpus, Filters, Found, Hit, open_corpus

__all__ = ["Corpus", "Filters", "Found", "Hit", "open_corpus"]
