"""How well the corpus answers questions: by chunker, by encoder, by words, by meaning, by both."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from curator.errors import GateError
from curator.exports.chunks import fixed_chunks
from curator.exports.dialogue import answered, dialogue
from curator.exports.hiding import hiding
from curator.exports.kept import kept
from curator.exports.rag import NAME, chunk_rows, measure_of
from curator.exports.vectors import chunk_vectors, said_of
from curator.retrieval.asked import Relevance, held_out, without_question
from curator.retrieval.metrics import DEEP, Scores, scores
from curator.retrieval.store import SEARCHED, embedder, index_of
from curator.reviews import settled
from curator.tables import digest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from curator.check import Plan
    from curator.exports.chunks import Measure
    from curator.protocols import Engine
    from curator.retrieval.asked import Asked
    from curator.retrieval.hybrid import Hybrid, Mode
    from curator.schema import RagExport, Recipe
    from curator.types import Record
    from curator.workspace import Workspace

MODES: tuple[Mode, ...] = ("lexical", "dense", "hybrid")


@dataclass(frozen=True)
class Setting:
    """One way to cut and to embed.

    params: the recipe's, with another length perhaps. encoder: its name. fixed: where it is
    given, texts are cut after so many characters, whatever stands there, for comparison.
    """

    params: RagExport
    encoder: str
    fixed: int | None = None

    @property
    def chunker(self) -> str:
        """What it goes by."""
        if self.fixed is not None:
            return f"fixed {self.fixed} characters"
        unit = self.params.tokenizer or "units"
        return f"structure {self.params.chunk_length} {unit}"


@dataclass(frozen=True)
class Evaluated:
    """What a setting reached; `scores` by mode, `meaning` the weight that was chosen."""

    chunker: str
    encoder: str
    chunks: int
    mean_units: float
    meaning: float
    scores: dict[str, Scores]


def settings(
    params: RagExport,
    encoder: str,
    lengths: Sequence[int] = (),
    fixed: Sequence[int] = (),
    encoders: Sequence[str] = (),
) -> list[Setting]:
    """Return what is compared: the recipe's own setting first, then all others that are named."""
    own = Setting(params, encoder)
    found = [own]
    for name in encoders or (encoder,):
        found += [
            Setting(params.model_copy(update={"chunk_length": length}), name)
            for length in lengths or (params.chunk_length,)
        ]
        found += [Setting(params, name, size) for size in fixed]
    return list(dict.fromkeys(found))


def exported(workspace: Workspace, recipe: Recipe, plan: Plan) -> list[Record]:
    """Return the records that the corpus is made of, as they are exported."""
    con = workspace.sql(plan.findings)
    verdicts = settled(workspace, recipe, plan)
    with hiding(workspace, recipe, NAME) as hide:
        return [
            one.record
            for some in kept(con, plan, NAME, hide, verdicts, workspace.source_shas())
            for one in some
        ]


def evaluate(
    workspace: Workspace,
    records: Sequence[Record],
    settings: Sequence[Setting],
    questions: Sequence[Asked] | None,
    engine: Engine,
) -> list[Evaluated]:
    """Return what each setting reaches on the same questions.

    Args:
        workspace: whose cache keeps the vectors.
        records: as they are exported.
        settings: what is compared.
        questions: the user's; None holds out those of the corpus's own pairs.
        engine: where texts are embedded.

    Raises:
        GateError: there is no question that any chunk answers.
        ModelError: there is no such encoder or tokenizer.

    """
    found = []
    for setting in settings:
        measure = measure_of(setting.params)
        rows = [row for record in records for row in _rows(record, setting, measure)]
        asked = held_out(rows) if questions is None else questions
        if questions is None:
            rows = [without_question(row) for row in rows]
        if not rows or not asked:
            raise GateError(
                "the corpus holds no question with its answer to hold out",
                "give questions of your own: curator eval rag --questions FILE",
            )
        chunks = pa.Table.from_pylist([dict(row) for row in rows], schema=SEARCHED)
        ids, texts = chunks["id"].to_pylist(), said_of(chunks)
        vectors = chunk_vectors(workspace, setting.encoder, engine, ids, texts, tidy=False)
        embed = embedder(setting.encoder)
        index = index_of(chunks, vectors, embed)
        reached = judged(index, embed([one.question for one in asked]), asked, Relevance(rows))
        units = [measure(row["text"]) for row in rows]
        found.append(
            Evaluated(
                setting.chunker,
                setting.encoder,
                len(rows),
                round(float(np.mean(units)), 1),
                index.calibration.meaning,
                reached,
            )
        )
    return found


def judged(
    index: Hybrid,
    vectors: Any,
    questions: Sequence[Asked],
    relevance: Callable[[Asked], frozenset[int]],
) -> dict[str, Scores]:
    """Return what an index reaches by each mode; what no chunk answers counts as not found."""
    relevant = [relevance(one) for one in questions]
    marks: dict[Mode, list[tuple[list[bool], int]]] = {mode: [] for mode in MODES}
    for one, vector, good in zip(questions, vectors, relevant, strict=True):
        halves = index.halves(one.question, vector)
        for mode, marked in marks.items():
            ranked = index.ranked(halves, DEEP, mode).texts.tolist()
            marked.append(([number in good for number in ranked], len(good)))
    return {mode: scores(marked) for mode, marked in marks.items()}


def _rows(record: Record, setting: Setting, measure: Measure) -> Iterator[Mapping[str, Any]]:
    if setting.fixed is None:
        yield from chunk_rows(record, setting.params, measure)
        return
    texts = (
        [("", "\n\n".join(part.text for part in record.parts))]
        if record.kind == "document"
        else [(question.text, answer.text) for question, answer in answered(dialogue(record))]
    )
    for number, (question, text) in enumerate(texts):
        for at, piece in enumerate(fixed_chunks(text, setting.fixed)):
            yield {
                "id": digest(record.id, number, at, piece),
                "text": f"{question}\n{piece}" if question else piece,
                "key": question or None,
                "record_id": record.id,
                "heading_path": [],
                "source_uri": record.provenance.source_uri,
            }
