"""The RAG corpus: documents and question–answer pairs, cut into chunks that cite their source.

exports/rag/<version>/
  chunks.jsonl  chunks.parquet
  provenance.jsonl  the duplicates that records stand for, where there are any
  README.md         the dataset card
  manifest.json
"""

from __future__ import annotations

import hashlib
from collections import Counter
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from curator.exports import card
from curator.exports.accounts import check_runs, conservation, verdict_counts
from curator.exports.chunks import Chunk, answer_chunks, document_chunks
from curator.exports.citations import citation, locator_range
from curator.exports.cut import LINE, cutting
from curator.exports.dialogue import answered, dialogue
from curator.exports.folder import RowFiles, building, dataset, verify, write_manifest
from curator.exports.hiding import hiding
from curator.exports.kept import kept
from curator.exports.leaks import gate_of, stop_leaks
from curator.exports.licensing import stop_licences
from curator.exports.merged import write_merged
from curator.exports.validity import Validity, document_validity, validity
from curator.exports.version import version_of
from curator.models.pins import model_sha
from curator.models.tokenizers import load_tokenizer
from curator.reviews import settled
from curator.tables import digest
from curator.text import length

if TYPE_CHECKING:
    from collections.abc import Sequence

    import datasets

    from curator.check import Plan
    from curator.exports.chunks import Measure
    from curator.protocols import Progress
    from curator.schema import Policy, RagExport, Recipe
    from curator.types import Record
    from curator.workspace import Workspace

NAME = "rag"
EXPORTER_VERSION = "5"
ROWS = pa.schema(
    [
        ("id", pa.string()),
        ("text", pa.string()),
        ("key", pa.string()),
        ("record_id", pa.string()),
        ("kind", pa.string()),
        ("lang", pa.string()),
        ("heading_path", pa.list_(pa.string())),
        ("locator", pa.string()),
        ("citation", pa.string()),
        ("source_uri", pa.string()),
        ("source_sha256", pa.string()),
        ("license", pa.string()),
        ("valid_from", pa.string()),
        ("valid_until", pa.string()),
        ("units", pa.int32()),
        ("sha256", pa.string()),
    ]
)
"""One row a chunk.

key: the question that the text begins with, and answers; else null. units: how long the text
is, as it was measured. sha256: the text's. valid_from, valid_until: ISO 8601, as exactly as
the text says it, or null.
"""


def export_rag(
    workspace: Workspace,
    recipe: Recipe,
    policy: Policy,
    plan: Plan,
    progress: Progress | None = None,
) -> Path:
    """Write the RAG corpus of the current decision, and return its folder.

    Where that version lies there already, its files are verified instead.

    Raises:
        GateError: nothing is decided, the decision does not fit the findings, or
            records are not all accounted for, or a file would show a private detail.
        WorkspaceError: the version lies there but was changed, or cannot be written.
    """
    shas = workspace.source_shas()
    version = version_of(
        workspace,
        recipe,
        plan,
        name=NAME,
        exporter_version=EXPORTER_VERSION,
        params={**_params(recipe.exports.rag), "files": digest(sorted(shas.items()))},
    )
    con = workspace.sql(plan.findings)
    stop_licences(con, recipe, NAME)
    if version.is_there():
        return version.target
    verdicts = settled(workspace, recipe, plan)
    unusable: Counter[str] = Counter()
    by_source: Counter[card.SourceKey] = Counter()
    by_lang: Counter[str] = Counter()
    by_kind: Counter[str] = Counter()
    ids: set[str] = set()
    units = 0
    measure = measure_of(recipe.exports.rag)
    with building(version.target) as folder, hiding(workspace, recipe, NAME) as hide:
        with (
            RowFiles(folder, "chunks", ROWS) as files,
            cutting(
                workspace.cache / "chunks",
                digest(EXPORTER_VERSION, _params(recipe.exports.rag)),
                ROWS,
                partial(chunk_rows, params=recipe.exports.rag, measure=measure),
            ) as cutter,
        ):
            for index, some in enumerate(kept(con, plan, NAME, hide, verdicts, shas)):
                records = [one.record for one in some]
                rows, counts_of = cutter.rows(records)
                for record, n in zip(records, counts_of, strict=True):
                    if n:
                        ids.add(record.id)
                        by_source[card.source_key(record)] += 1
                        by_kind[record.kind] += 1
                        by_lang[record.lang] += n
                    else:
                        unusable[_why_none(record)] += 1
                units += pc.sum(rows["units"]).as_py() or 0
                files.add_table(rows.select(ROWS.names), rows[LINE].to_pylist())
                if progress:
                    progress("export rag", index + 1, len(plan.parts))
        exported = sum(by_kind.values())
        manifest = {
            **version.facts,
            "checks": check_runs(plan),
            "reviews": verdict_counts(verdicts),
            "conservation": conservation(con, policy, NAME, exported, unusable),
            "records_by_kind": dict(sorted(by_kind.items())),
            "chunks": {"rows": files.rows, "units": units},
        }
        named, merged = write_merged(con, folder, ids)
        title = "RAG corpus / 检索语料"
        about = card.about(title, version, manifest, con, by_source, by_lang, merged)
        (folder / "README.md").write_text(card.rag_card(about), encoding="utf-8")
        counts = {**dict.fromkeys(files.names, files.rows), **named}
        card.write_croissant(folder, about, ROWS, counts, ("chunks",))
        write_manifest(folder, manifest, counts)
        looked = workspace.cache / "leaks" / NAME
        gate = gate_of(con, plan, policy, verdicts, (NAME,), hide.surrogates, looked)
        stop_leaks(folder, NAME, gate)
    return version.target


def load_rag(path: Path | str) -> datasets.Dataset:
    """Load an exported version (or `exports/rag/latest`) without network or cache.

    Raises:
        WorkspaceError: a file is missing or was changed since the export.
    """
    folder = Path(path)
    verify(folder)
    return dataset(folder / "chunks.parquet")


def _why_none(record: Record) -> str:
    return "no text" if record.kind == "document" else "no question with an answer"


def _params(params: RagExport) -> dict[str, Any]:
    """Return what a version depends on: not where it goes, nor what retrieval must reach."""
    said = params.model_dump(mode="json", exclude={"recall", "targets"})
    if params.tokenizer is not None:
        said["tokenizer_sha"] = model_sha("tokenizer", params.tokenizer)
    return said


def measure_of(params: RagExport) -> Measure:
    """Return how long a text is: in tokens where a tokenizer is named.

    Raises:
        ModelError: there is no such tokenizer here.
    """
    if params.tokenizer is None:
        return length
    encode = load_tokenizer(params.tokenizer).backend_tokenizer.encode
    return lambda text: len(encode(text, add_special_tokens=False))


def chunk_rows(
    record: Record, params: RagExport, measure: Measure = length
) -> list[dict[str, Any]]:
    """Return the rows of one record's chunks, in order."""
    limit, overlap = params.chunk_length, params.overlap_sentences
    whole = Validity()
    if record.kind == "document":
        chunks = document_chunks(record.parts, limit, overlap, measure)
        whole = document_validity(part.text for part in record.parts)
    else:
        chunks = [
            chunk
            for question, answer in answered(dialogue(record))
            for chunk in answer_chunks(
                question.text, answer.text, (question.first, answer.last), limit, overlap, measure
            )
        ]
    seen: Counter[Chunk] = Counter()
    rows = []
    for chunk in chunks:
        # The same text twice in one place gets two ids; the first keeps the plain one.
        again = [seen[chunk]] if seen[chunk] else []
        seen[chunk] += 1
        holds = validity(chunk.text).over(whole)
        rows.append(_row(record, chunk, again, holds, measure(chunk.text)))
    return rows


def _row(
    record: Record, chunk: Chunk, again: Sequence[int], holds: Validity, units: int
) -> dict[str, Any]:
    source = record.provenance
    first, last = record.parts[chunk.first], record.parts[chunk.last]
    locator = locator_range(first.locator, last.locator) or source.locator
    return {
        "id": digest(record.id, chunk.first, chunk.last, chunk.text, *again),
        "text": chunk.text,
        "key": chunk.asked or None,
        "record_id": record.id,
        "kind": record.kind,
        "lang": record.lang,
        "heading_path": list(chunk.heading_path),
        "locator": locator,
        "citation": citation(
            source.source_uri, locator, chunk.heading_path, chunk.within, lang=record.lang
        ),
        "source_uri": source.source_uri,
        "source_sha256": source.source_sha256,
        "license": source.license,
        "valid_from": holds.since or None,
        "valid_until": holds.until or None,
        "units": units,
        "sha256": hashlib.sha256(chunk.text.encode("utf-8", "surrogatepass")).hexdigest(),
    }
