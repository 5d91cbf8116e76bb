"""The instruction dataset: conversations as `messages`, split into train and validation.

exports/instruction/<version>/
  train.jsonl  train.parquet  validation.jsonl  validation.parquet
  train.<format>.jsonl …      the further formats, see `curator.exports.writing`
  dataset_info.json, <trainer>.yaml, chat_template.jinja, see `curator.exports.trainers`
  provenance.jsonl            the duplicates that rows stand for, where there are any
  README.md                   the dataset card
  manifest.json
"""

from __future__ import annotations

import shutil
from collections import Counter
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from curator import splits as splitting
from curator.errors import EmptyError
from curator.exports import card
from curator.exports.accounts import check_runs, conservation, verdict_counts
from curator.exports.dialogue import dialogue
from curator.exports.folder import building, dataset, verify, write_manifest
from curator.exports.handed import hand_over
from curator.exports.handshake.trl_itself import installed
from curator.exports.hiding import hiding
from curator.exports.kept import kept
from curator.exports.leaks import gate_of, stop_leaks
from curator.exports.measures import Ruler
from curator.exports.merged import write_merged
from curator.exports.preferences import preference
from curator.exports.rows import row_schema, rows_of
from curator.exports.version import version_of
from curator.exports.writing import key_of
from curator.models import model_sha
from curator.protocols import silent
from curator.reviews import settled
from curator.similarity.components import components
from curator.tables import read_table

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    import datasets
    import duckdb
    from numpy.typing import NDArray

    from curator.check import Plan
    from curator.exports.dialogue import Dialogue
    from curator.exports.handed import Handed
    from curator.exports.kept import Kept
    from curator.protocols import Progress
    from curator.schema import InstructionExport, Policy, Recipe
    from curator.types import Record
    from curator.workspace import Workspace

NAME = "instruction"
EXPORTER_VERSION = "6"
SPLITS = ("train", "validation")
_RELATED = "(code LIKE 'DUP%' OR code = 'LBL002')"


@dataclass
class _Seen:
    """What the first pass over the records notes for the split and for the manifest."""

    ids: list[str] = field(default_factory=list)
    keys: list[int] = field(default_factory=list)
    key_owners: list[int] = field(default_factory=list)
    unusable: Counter[str] = field(default_factory=Counter)
    left_out: Counter[str] = field(default_factory=Counter)
    turns: int = 0
    facts: dict[str, tuple[card.SourceKey, str]] = field(default_factory=dict)
    preferences: list[dict[str, Any]] = field(default_factory=list)

    def add(self, record: Record, spoken: Dialogue) -> bool:
        """Note a record; return whether it makes a row."""
        self.left_out.update(spoken.left_out)
        if not spoken.turns:
            self.unusable["no question with an answer"] += 1
            return False
        keys = splitting.question_keys(spoken.questions)
        self.keys += keys
        self.key_owners += [len(self.ids)] * len(keys)
        self.ids.append(record.id)
        self.turns += len(spoken.turns)
        self.facts[record.id] = (card.source_key(record), record.lang)
        return True

    def leave_out(self, ids: Collection[str], reason: str) -> None:
        """Note that records make no row after all."""
        for gone in ids:
            del self.facts[gone]
            self.unusable[reason] += 1

    @property
    def by_source(self) -> Counter[card.SourceKey]:
        """How many records of each source make rows."""
        return Counter(source for source, _ in self.facts.values())

    @property
    def by_lang(self) -> Counter[str]:
        """How many records of each language make rows."""
        return Counter(lang for _, lang in self.facts.values())


def export_instruction(
    workspace: Workspace,
    recipe: Recipe,
    policy: Policy,
    plan: Plan,
    progress: Progress | None = None,
) -> Path:
    """Write the instruction dataset of the current decision, and return its folder.

    Where that version lies there already, its files are verified instead.

    Raises:
        GateError: nothing is decided, the decision does not fit the findings, or
            records are not all accounted for, or a file would show a private detail, or
            no conversation is kept (EmptyError), or a trainer refuses rows and the recipe
            says stop.
        ModelError: the tokenizer that the recipe names is not there.
        WorkspaceError: the version lies there but was changed, or cannot be written.
    """
    how = recipe.exports.instruction
    version = version_of(
        workspace,
        recipe,
        plan,
        name=NAME,
        exporter_version=EXPORTER_VERSION,
        params=_params(how),
    )
    if version.is_there():
        return version.target
    con = workspace.sql(plan.findings)
    verdicts = settled(workspace, recipe, plan)
    ruler = Ruler(how.tokenizer) if how.tokenizer else None
    progress = progress or silent
    with building(version.target) as folder, hiding(workspace, recipe) as hide:
        staged = folder / ".staged"
        staged.mkdir()
        parts = kept(con, plan, NAME, hide, verdicts)
        seen = _stage(parts, how, ruler, plan, staged, progress)
        if not seen.ids:
            raise _nothing(seen)
        chosen, leakage = _split(con, seen, how.validation)
        own = pa.array(seen.ids, pa.string())
        splits = {"train": own.filter(pc.invert(pc.is_in(own, value_set=chosen)))}
        splits["validation"] = own.filter(pc.is_in(own, value_set=chosen))
        tables = sorted(staged.iterdir())
        handed = hand_over(folder, tables, splits, recipe, seen.preferences, ruler, progress)
        seen.leave_out(_gone(tables, handed), "a trainer would not learn from it")
        shutil.rmtree(staged)
        rows = handed.written.rows
        manifest = {
            **version.facts,
            "checks": check_runs(plan),
            "reviews": verdict_counts(verdicts),
            "conservation": conservation(con, policy, NAME, len(seen.facts), seen.unusable),
            "turns": {"exported": seen.turns, "left_out": dict(sorted(seen.left_out.items()))},
            "splits": {split: rows[f"{split}.jsonl"] for split in SPLITS},
            "leakage": leakage,
            **handed.facts(),
        }
        named, merged = write_merged(con, folder, seen.facts.keys())
        rows |= named
        title = "instruction dataset / 指令数据集"
        about = card.about(title, version, manifest, con, seen.by_source, seen.by_lang, merged)
        (folder / "README.md").write_text(card.instruction_card(about), encoding="utf-8")
        write_manifest(folder, manifest, rows)
        gate = gate_of(con, plan, policy, verdicts, (NAME,), hide.surrogates)
        stop_leaks(folder, NAME, gate)
    return version.target


def _params(how: InstructionExport) -> dict[str, Any]:
    """Return what a version depends on: the recipe's wishes, the tokenizer and who is asked.

    A tokenizer is named without the place where it lies.
    """
    params = how.model_dump(mode="json")
    if how.tokenizer is None:
        return params
    params["tokenizer"] = {
        "name": Path(how.tokenizer).name,
        "sha": model_sha("tokenizer", how.tokenizer),
    }
    asked = installed() if "trl" in how.trainers else None
    return params | {"trl": asked}


def _stage(
    parts: Iterable[list[Kept]],
    how: InstructionExport,
    ruler: Ruler | None,
    plan: Plan,
    staged: Path,
    progress: Progress,
) -> _Seen:
    """Write the rows part by part, before it is known which split each belongs to."""
    seen = _Seen()
    most = how.max_tokens
    fits = partial(ruler.fits, most=most) if ruler and most is not None else None
    whole = how.model_copy(update={"turns": "whole"})
    for index, some in enumerate(parts):
        rows = []
        for one in some:
            spoken = dialogue(one.record)
            if seen.add(one.record, spoken):
                rows += rows_of(one.record, spoken, how, fits)
                if one.before:
                    (row,) = rows_of(one.record, spoken, whole)
                    if pair := preference(row, dialogue(one.before)):
                        seen.preferences.append(pair)
        table = pa.Table.from_pylist(rows, schema=row_schema(how))
        pq.write_table(table, staged / f"{index:06d}.parquet")
        progress("export instruction", index + 1, len(plan.parts))
    return seen


def _nothing(seen: _Seen) -> EmptyError:
    """Return the error that nothing is selected for the export, with why."""
    unusable = "; ".join(f"{n} with {reason}" for reason, n in seen.unusable.items())
    return EmptyError(
        "no conversation is kept for the instruction dataset"
        + (f" ({unusable})" if unusable else ""),
        "see where records went: curator status; what decides: rules/policy.yaml, curator decide",
    )


def _gone(staged: Iterable[Path], handed: Handed) -> set[str]:
    """Return the records whose rows are all left out."""
    if not handed.left_out:
        return set()
    touched = {record for record, _ in handed.left_out}
    rows = (row for path in staged for row in read_table(path).to_pylist())
    stay = {row["id"] for row in rows if key_of(row) not in handed.left_out}
    return touched - stay


def _split(
    con: duckdb.DuckDBPyConnection, seen: _Seen, share: float
) -> tuple[pa.Array, dict[str, Any]]:
    """Return the ids that go to validation, and the leakage that was measured afterwards.

    Two records are related if a check paired them as duplicates or as answers to
    the same question, whatever the score, or if they ask a question in the same words.
    """
    nodes = con.sql("SELECT id FROM records ORDER BY id").to_arrow_table()["id"].combine_chunks()
    edges = con.sql(
        f"SELECT DISTINCT record_id, peer_id FROM findings WHERE peer_id IS NOT NULL AND {_RELATED}"  # noqa: S608
    ).to_arrow_table()
    numbers = [_numbers(edges[c].combine_chunks(), nodes) for c in ("record_id", "peer_id")]
    inside = (numbers[0] >= 0) & (numbers[1] >= 0)
    left, right = numbers[0][inside], numbers[1][inside]
    own = _numbers(pa.array(seen.ids, pa.string()), nodes)
    keys = np.array(seen.keys, np.int64)
    owners = own[np.array(seen.key_owners, np.int64)]
    same_left, same_right = splitting.chain(keys, owners)
    group = components(
        len(nodes), np.concatenate([left, same_left]), np.concatenate([right, same_right])
    )
    rows = np.zeros(len(nodes), bool)
    rows[own] = True
    chosen = splitting.validation(nodes.to_pylist(), group, rows, share)
    both = rows[left] & rows[right]
    leakage = {
        "questions_in_both_splits": len(
            np.intersect1d(keys[chosen[owners]], keys[~chosen[owners]])
        ),
        "related_pairs_across_splits": int((chosen[left] != chosen[right])[both].sum()),
        "groups": len(np.unique(group[rows])),
    }
    return nodes.filter(pa.array(chosen)), leakage


def _numbers(ids: pa.Array, nodes: pa.Array) -> NDArray[np.int64]:
    """Return each id's place among the nodes, -1 where it is not among them."""
    found = pc.fill_null(pc.index_in(ids, value_set=nodes), -1)
    return np.asarray(found.to_numpy(zero_copy_only=False), dtype=np.int64)


def load_instruction(path: Path | str) -> datasets.DatasetDict:
    """Load an exported version (or `exports/instruction/latest`) without network or cache.

    Raises:
        WorkspaceError: a file is missing or was changed since the export.
    """
    from datasets import DatasetDict  # noqa: PLC0415 - heavy, and only loading needs it

    folder = Path(path)
    verify(folder)
    return DatasetDict({split: dataset(folder / f"{split}.parquet") for split in SPLITS})
