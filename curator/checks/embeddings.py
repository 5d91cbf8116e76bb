"""The embedding of questions, answers and labelled texts, shared by the checks that need it.

It is made once per part, encoder and cap, and kept in the workspace's cache.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from curator.models.encoders import embed, load_encoder
from curator.models.pins import model_sha
from curator.pairs import in_context, pairs
from curator.protocols import PartStep, Step
from curator.tables import digest, records_from

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from curator.protocols import Scope
    from curator.types import Record

VERSION = "1"
CAP = 128
"""How much of a text is embedded: Han characters, or thrice as many Latin letters.

The encoder's cost grows with the length, and what a text is about is said early.
"""


def passages(record: Record) -> Iterator[tuple[str, int, str]]:
    """Yield (field, pair index, text) for all that is embedded of a record.

    `question` and `answer` of each of its pairs; of a record with a label and no
    pair (a document, an utterance without an answer), the text as `subject`.
    """
    found = pairs(record)
    for index, pair in enumerate(found):
        yield "question", index, in_context(found, index)
        yield "answer", index, pair.answer
    if not found and record.label:
        yield "subject", 0, "\n".join(part.text for part in record.parts)


class Embed:
    """The step that embeds one part.

    Its rows are those of `passages`, record by record: record_id, field, pair, and
    vector, a list of float32 of length 1 in the Euclidean norm.
    """

    def __init__(self, encoder: str, cap: int) -> None:
        """Load the encoder."""
        self.encoder = load_encoder(encoder)
        self.cap = cap

    def __call__(self, records: pa.Table) -> pa.Table:
        """Return the vectors of a part of the redacted view."""
        rows = [(r.id, *passage) for r in records_from(records) for passage in passages(r)]
        vectors = embed(self.encoder, [text for *_, text in rows], self.cap)
        return pa.table(
            {
                "record_id": pa.array([row[0] for row in rows], pa.string()),
                "field": pa.array([row[1] for row in rows], pa.string()),
                "pair": pa.array([row[2] for row in rows], pa.int32()),
                "vector": pa.FixedSizeListArray.from_arrays(
                    pa.array(vectors.ravel(), pa.float32()), vectors.shape[1]
                ),
            }
        )


def embedded(scope: Scope, encoder: str) -> list[Path]:
    """Return one file of embeddings per part of the scope, made where it was missing."""
    return embedding(encoder).files(scope)


def embedding(encoder: str) -> PartStep:
    """Return what is done for `embedded` with each part."""
    step = Step("curator.checks.embeddings:Embed", {"encoder": encoder, "cap": CAP})
    key = digest(VERSION, model_sha("encoder", encoder), CAP)
    return PartStep(step, "embeddings", key, "embeddings")


def judged(scope: Scope, encoder: str, target: str, label: str) -> list[dict[str, Any]]:
    """Return the rows that a step makes of all parts and their embeddings.

    It gets the parts' records, then as many tables of vectors, and runs in a worker: the
    encoder has brought there most of what a fit needs.
    """
    inputs = [(*scope.parts, *embedded(scope, encoder))]
    found = scope.engine.map(Step(target), inputs, scope.phase("judged"), label=label)
    rows: list[dict[str, Any]] = scope.engine.collect(found).to_pylist()
    return rows


def vectors_of(table: pa.Table) -> np.ndarray:
    """Return the vectors of a table of embeddings, shape (rows, dimensions), float32."""
    column = table["vector"].combine_chunks()
    values = np.asarray(column.flatten(), np.float32)
    return values.reshape(-1, column.type.list_size)
