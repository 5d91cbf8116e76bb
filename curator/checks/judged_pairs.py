"""The pairs whose match can be judged: what is known of each, and the groups that are compared."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from curator.checks.embeddings import passages, vectors_of
from curator.matching import Halves
from curator.pairs import in_context, pairs
from curator.tables import records_from
from curator.terms import WIDTH, counts, tfidf
from curator.text import fold, language, length

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from scipy.sparse import csr_matrix

    from curator.pairs import Pair
    from curator.types import Record

HALVES = ("question", "answer")
GROUPS = ("other", "zh")
"""Pairs are compared within a language: Chinese with Chinese, the rest with the rest."""
_FEWEST = 40


def judged(record: Record) -> Iterator[tuple[int, Pair]]:
    """Yield (index, pair) for the record's pairs that can be judged: no small talk.

    A follow-up question comes with the opening one.
    """
    found = pairs(record)
    for index, pair in enumerate(found):
        least = 4 if pair.n_pairs == 1 else 8
        if length(pair.question) >= least and length(pair.answer) >= 4:
            yield index, replace(pair, question=in_context(found, index))


class Describe:
    """The step that lists a part's pairs that can be judged, with all but their vectors.

    `at` is the row of the question in the part's embeddings; the answer's is the next.
    """

    def __call__(self, records: pa.Table) -> pa.Table:
        """Return one row per pair: where it is, keys, lengths and n-gram counts."""
        found: list[tuple[Record, int, Pair]] = []
        row = 0
        for record in records_from(records):
            found += [(record, row + 2 * index, pair) for index, pair in judged(record)]
            row += sum(1 for _ in passages(record))
        texts = [(pair.question, pair.answer) for _, _, pair in found]
        columns: dict[str, pa.Array] = {
            "record_id": pa.array([record.id for record, _, _ in found], pa.string()),
            "part": pa.array([pair.part for _, _, pair in found], pa.int32()),
            "end": pa.array([len(r.parts[p.part].text) for r, _, p in found], pa.int32()),
            "at": pa.array([at for _, at, _ in found], pa.int32()),
            "group": pa.array([_group("\n".join(both)) for both in texts], pa.string()),
        }
        for half, name in enumerate(HALVES):
            mine = [both[half] for both in texts]
            matrix = counts(mine)
            columns[f"{name}_key"] = pa.array([text_key(text) for text in mine], pa.uint64())
            columns[f"{name}_length"] = pa.array([length(text) for text in mine], pa.int32())
            columns[f"{name}_grams"] = _lists(matrix.indptr, matrix.indices, pa.int32())
            columns[f"{name}_counts"] = _lists(matrix.indptr, matrix.data, pa.float32())
        return pa.table(columns)


def groups(
    described: Sequence[pa.Table], embedded: Sequence[pa.Table], more: Sequence[pa.Table] = ()
) -> Iterator[Group]:
    """Yield the pairs of each language that has enough of them.

    Args:
        described: what `Describe` made of each part.
        embedded: the part's vectors.
        more: columns to be put beside those of `described`, in the same order of rows.

    """
    tables, vectors = [], []
    for part, (table, embeddings) in enumerate(zip(described, embedded, strict=True)):
        whole = table
        for name in more[part].column_names if more else ():
            whole = whole.append_column(name, more[part][name])
        values, at = vectors_of(embeddings), table["at"].to_numpy()
        tables.append(whole)
        vectors.append((values[at], values[at + 1]))
    for name in sorted(GROUPS):
        kept = [pc.equal(table["group"], name) for table in tables]
        mine = pa.concat_tables(t.filter(k) for t, k in zip(tables, kept, strict=True))
        if pc.count_distinct(mine["question_key"]).as_py() >= _FEWEST:
            sides = [
                [half[np.asarray(k, bool)] for half in halves]
                for halves, k in zip(vectors, kept, strict=True)
            ]
            yield Group(name, mine, sides)


class Group:
    """The pairs of one language: `table` has a row for each, `halves` what they are compared by."""

    def __init__(self, name: str, table: pa.Table, vectors: Sequence[Sequence[np.ndarray]]) -> None:
        """Take the pairs, and the vectors of both halves of each part's."""
        self.name = name
        self.table = table
        question_terms, answer_terms = tfidf([_matrix(table, half) for half in HALVES])
        self.halves = Halves(
            question=np.concatenate([question for question, _ in vectors]),
            answer=np.concatenate([answer for _, answer in vectors]),
            question_terms=question_terms,
            answer_terms=answer_terms,
            question_key=table["question_key"].to_numpy(),
            answer_key=table["answer_key"].to_numpy(),
            question_length=table["question_length"].to_numpy().astype(np.float32),
            answer_length=table["answer_length"].to_numpy().astype(np.float32),
        )


def _group(text: str) -> str:
    return "zh" if language(text) == "zh" else "other"


def _lists(bounds: np.ndarray, values: np.ndarray, kind: pa.DataType) -> pa.ListArray:
    return pa.ListArray.from_arrays(pa.array(bounds, pa.int32()), pa.array(values, kind))


def _matrix(table: pa.Table, name: str) -> csr_matrix:
    """Return the n-gram counts of one half of the pairs, shape (pairs, WIDTH)."""
    from scipy.sparse import csr_matrix  # noqa: PLC0415 - heavy

    grams, values = table[f"{name}_grams"], table[f"{name}_counts"]
    sizes = pc.list_value_length(grams).to_numpy()
    bounds = np.concatenate([[0], np.cumsum(sizes)])
    flat = (pc.list_flatten(values).to_numpy(), pc.list_flatten(grams).to_numpy(), bounds)
    return csr_matrix(flat, shape=(table.num_rows, WIDTH))


def text_key(text: str) -> int:
    """Return a hash that is equal where two texts are, as they are compared."""
    folded = fold(text) or text
    hashed = hashlib.blake2b(folded.encode("utf-8", "surrogatepass"), digest_size=8)
    return int.from_bytes(hashed.digest(), "big")
