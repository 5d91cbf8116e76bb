"""The instruction dataset: conversations as `messages`, split into train and validation.

exports/instruction/<version>/
  train.jsonl  train.parquet  validation.jsonl  validation.parquet
  provenance.jsonl  the duplicates that rows stand for, where there are any
  preferences.jsonl what reviewers corrected beside what stood there, where there is any
  README.md         the dataset card
  manifest.json
"""

from __future__ import annotations

import json
import shutil
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from curator import splits
from curator.exports import card
from curator.exports.accounts import check_runs, conservation, verdict_counts
from curator.exports.dialogue import dialogue
from curator.exports.folder import Lines, RowFiles, building, dataset, verify, write_manifest
from curator.exports.formats import FORMATS, NoPlaceError, dataset_info
from curator.exports.handshake import Handshake
from curator.exports.hiding import hiding
from curator.exports.kept import kept
from curator.exports.leaks import gate_of, stop_leaks
from curator.exports.merged import write_merged
from curator.exports.preferences import preference, write_preferences
from curator.exports.version import version_of
from curator.reviews import settled
from curator.similarity.components import components
from curator.tables import read_table

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import datasets
    import duckdb
    from numpy.typing import NDArray

    from curator.check import Plan
    from curator.exports.dialogue import Dialogue
    from curator.exports.kept import Kept
    from curator.protocols import Progress
    from curator.schema import Policy, Recipe
    from curator.types import Record
    from curator.workspace import Workspace

NAME = "instruction"
EXPORTER_VERSION = "5"
ROWS = pa.schema(
    [
        ("id", pa.string()),
        (
            "messages",
            pa.list_(pa.struct([("role", pa.string()), ("content", pa.string())])),
        ),
        ("label", pa.string()),
        ("lang", pa.string()),
        ("source", pa.struct([("uri", pa.string()), ("locator", pa.string())])),
    ]
)
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
    by_source: Counter[card.SourceKey] = field(default_factory=Counter)
    by_lang: Counter[str] = field(default_factory=Counter)
    preferences: list[dict[str, Any]] = field(default_factory=list)

    def add(self, record: Record, spoken: Dialogue) -> bool:
        """Note a record; return whether it makes a row."""
        self.left_out.update(spoken.left_out)
        if not spoken.turns:
            self.unusable["no question with an answer"] += 1
            return False
        keys = splits.question_keys(spoken.questions)
        self.keys += keys
        self.key_owners += [len(self.ids)] * len(keys)
        self.ids.append(record.id)
        self.turns += len(spoken.turns)
        self.by_source[card.source_key(record)] += 1
        self.by_lang[record.lang] += 1
        return True


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
            records are not all accounted for, or a file would show a private detail.
        WorkspaceError: the version lies there but was changed, or cannot be written.
    """
    version = version_of(
        workspace,
        recipe,
        plan,
        name=NAME,
        exporter_version=EXPORTER_VERSION,
        params=recipe.exports.instruction.model_dump(mode="json"),
    )
    if version.is_there():
        return version.target
    con = workspace.sql(plan.findings)
    verdicts = settled(workspace, recipe, plan)
    with building(version.target) as folder, hiding(workspace, recipe) as hide:
        staged = folder / ".staged"
        staged.mkdir()
        parts = kept(con, plan, NAME, hide, verdicts)
        seen = _stage(parts, recipe, plan, staged, progress)
        chosen, leakage = _split(con, seen, recipe.exports.instruction.validation)
        asked = recipe.exports.instruction.formats
        rows, taken, left_out = _write(folder, staged, chosen, asked)
        info = dataset_info(recipe.name, [s for s in SPLITS if rows[f"{s}.jsonl"]], asked)
        text = json.dumps(info, ensure_ascii=False, indent=2, sort_keys=True) + "\n"
        (folder / "dataset_info.json").write_text(text, encoding="utf-8")
        manifest = {
            **version.facts,
            "checks": check_runs(plan),
            "reviews": verdict_counts(verdicts),
            "conservation": conservation(con, policy, NAME, len(seen.ids), seen.unusable),
            "turns": {"exported": seen.turns, "left_out": dict(sorted(seen.left_out.items()))},
            "splits": {split: rows[f"{split}.jsonl"] for split in SPLITS},
            "leakage": leakage,
            "formats": {name: dict(sorted(left_out[name].items())) for name in asked},
            "handshake": taken.facts(),
        }
        named, merged = write_merged(con, folder, set(seen.ids))
        rows |= named
        rows |= write_preferences(folder, seen.preferences, chosen)
        title = "instruction dataset / 指令数据集"
        about = card.about(title, version, manifest, con, seen.by_source, seen.by_lang, merged)
        (folder / "README.md").write_text(card.instruction_card(about), encoding="utf-8")
        write_manifest(folder, manifest, rows)
        looked = workspace.cache / "leaks" / NAME
        gate = gate_of(con, plan, policy, verdicts, (NAME,), hide.surrogates, looked)
        stop_leaks(folder, NAME, gate)
    return version.target


def _stage(
    parts: Iterable[list[Kept]],
    recipe: Recipe,
    plan: Plan,
    staged: Path,
    progress: Progress | None,
) -> _Seen:
    """Write the rows part by part, before it is known which split each belongs to."""
    seen = _Seen()
    prompt = recipe.exports.instruction.system_prompt
    for index, some in enumerate(parts):
        rows = []
        for one in some:
            spoken = dialogue(one.record)
            if seen.add(one.record, spoken):
                rows.append(_row(one.record, spoken, prompt))
                if one.before and (pair := preference(rows[-1], dialogue(one.before))):
                    seen.preferences.append(pair)
        pq.write_table(pa.Table.from_pylist(rows, schema=ROWS), staged / f"{index:06d}.parquet")
        if progress:
            progress("export instruction", index + 1, len(plan.parts))
    return seen


def _row(record: Record, spoken: Dialogue, prompt: str | None) -> dict[str, Any]:
    """Return a record's row; a system prompt of its own stands before the recipe's."""
    system = spoken.system or prompt
    messages = [{"role": "system", "content": system}] if system else []
    messages += [{"role": turn.role, "content": turn.text} for turn in spoken.turns]
    return {
        "id": record.id,
        "messages": messages,
        "label": record.label,
        "lang": record.lang,
        "source": {
            "uri": record.provenance.source_uri,
            "locator": record.provenance.locator,
        },
    }


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
    same_left, same_right = splits.chain(keys, owners)
    group = components(
        len(nodes), np.concatenate([left, same_left]), np.concatenate([right, same_right])
    )
    rows = np.zeros(len(nodes), bool)
    rows[own] = True
    chosen = splits.validation(nodes.to_pylist(), group, rows, share)
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


def _write(
    folder: Path, staged: Path, validation: pa.Array, formats: Sequence[str]
) -> tuple[dict[str, int], Handshake, dict[str, Counter[str]]]:
    """Write each staged row to its split's files.

    Returns:
        The rows of each file, which rows trainers would refuse, and for each further
        format how many rows it has no place for, by reason.

    """
    taken = Handshake()
    left_out: dict[str, Counter[str]] = {name: Counter() for name in formats}
    written: dict[str, int] = {}
    paths = sorted(staged.iterdir())
    for split in SPLITS:
        with ExitStack() as stack:
            files = stack.enter_context(RowFiles(folder, split, ROWS))
            more = {n: stack.enter_context(Lines(folder / f"{split}.{n}.jsonl")) for n in formats}
            for path in paths:
                table = read_table(path)
                mask = pc.is_in(table["id"], value_set=validation)
                rows = table.filter(mask if split == "validation" else pc.invert(mask)).to_pylist()
                files.add(rows)
                for row in rows:
                    taken.look_at(row)
                    for name, lines in more.items():
                        try:
                            lines.add(FORMATS[name](row))
                        except NoPlaceError as reason:
                            left_out[name][str(reason)] += 1
        written |= dict.fromkeys(files.names, files.rows)
        written |= {f"{split}.{name}.jsonl": lines.rows for name, lines in more.items()}
    shutil.rmtree(staged)
    return written, taken, left_out


def load_instruction(path: Path | str) -> datasets.DatasetDict:
    """Load an exported version (or `exports/instruction/latest`) without network or cache.

    Raises:
        WorkspaceError: a file is missing or was changed since the export.
    """
    from datasets import DatasetDict  # noqa: PLC0415 - heavy, and only loading needs it

    folder = Path(path)
    verify(folder)
    return DatasetDict({split: dataset(folder / f"{split}.parquet") for split in SPLITS})
