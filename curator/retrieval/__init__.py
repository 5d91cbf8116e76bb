"""Retrieval over an exported corpus: by words, by meaning, and by both."""
