"""Semantic duplicates: records that ask and answer the same in other words."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import groupby
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import pyarrow as pa

from curator.checks.embeddings import CAP, embedding, passages, vectors_of
from curator.protocols import PartStep, Step
from curator.semantic.neighbours import Rows, near, nearest
from curator.semantic.score import least_cosine, likeness
from curator.similarity.agreement import compare
from curator.similarity.fingerprints import groups, hashes_of
from curator.similarity.placeholders import renumbered
from curator.similarity.steps import SIGNING, short_hash, signatures
from curator.tables import digest, read_table, records_from
from curator.text import fold, language
from curator.types import Code, Finding
from curator.workspace import write_table

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from curator.protocols import Scope
    from curator.types import Record, View

_LEAST_COSINE = 0.8
"""Of the first question and its answer in the mean; below, hardly a pair says the same."""
_ROUNDED = 0.0005
"""How far a rounded cosine may lie from the cosine."""
_MOST = 10
"""In a crowd of near records each is compared with the ten nearest."""
_ROWS_IN_MEMORY = 8192
"""Parts are worked on in groups of no more rows than this, if each is smaller."""
_DESCRIBED = pa.schema(
    [
        ("at", pa.int64()),
        ("size", pa.int32()),
        ("key", pa.uint64()),
        ("chinese", pa.bool_()),
    ]
)
_ROWS = pa.schema([("row", pa.int64()), ("part", pa.int32()), ("local", pa.int32()), *_DESCRIBED])
_PAIRS = pa.schema([("left", pa.int64()), ("right", pa.int64()), ("cosine", pa.float64())])
_VERIFIED = pa.schema(
    [
        ("left", pa.int64()),
        ("right", pa.int64()),
        ("question", pa.float64()),
        ("answer", pa.float64()),
        ("cosine", pa.float64()),
    ]
)


class SemanticDuplicates:
    """Finds pairs of records that ask the same and answer the same, in other words.

    **DUP005, semantic duplicate.** Every question of the record says the same as that of an
    earlier record (`peer_id`), and so does every answer. Records whose sentence
    embeddings are near are candidates; each is then verified by its wording. Synonyms,
    greetings, particles, ways of asking (`怎么`, `如何`; `how do I`, `how can I`), the order
    of clauses and the writing of numbers do not count. The score is the probability that
    the two say the same, of the least alike of their texts; pairs under `floor` are not
    told. From 0.94 on, 95 % or more of the pairs are what people call duplicates, in each
    of the sets it was measured on.

    The same question with another answer is no duplicate: it belongs to LBL002. Nor are
    texts that conflict in a number, a negation, an antonym or another word of a closed class
    (days, colours, relatives), in what they ask for (why, when), in time (`会涨吗`, `涨了吗`),
    in who does what to whom (`A 比 B 高`, `B 比 A 高`), or in the persons (`我`, `你`).
    Where a word stands in the place of another, and no list of synonyms knows the two, the
    score is at most 0.9: another drug, city or model is mostly another question. Small words
    weigh more in short texts. So paraphrases that share few words are mostly not found, and
    none across languages.

    Every turn of a longer conversation counts, each question together with the first one.
    Of long texts the start is embedded; beyond it the words in common count.

    A labelled text that is no conversation is compared with those of the same label.
    Turns of the system and of tools have to be equal. Of each group of exact duplicates
    only the first takes part. Evidence: `question` and `answer` (the scores of the least
    alike questions and answers; a text that is no conversation counts as a question),
    `cosine` (the least similarity of embeddings).
    """

    name: ClassVar[str] = "semantic_duplicates"
    version: ClassVar[str] = "3"
    view: ClassVar[View] = "redacted"
    needs: ClassVar[tuple[str, ...]] = ("encoder",)
    codes: ClassVar[tuple[Code, ...]] = (
        Code(
            "DUP005",
            "semantic duplicate",
            "与前面的一条记录问法不同，但问答意思相同",
            "asks and answers the same as an earlier record, in other words",
        ),
    )

    def __init__(self, *, encoder: str, floor: float = 0.7) -> None:
        """Take the encoder's name, and the least score that is told."""
        self.encoder = encoder
        self._floor = floor

    def part_steps(self) -> Sequence[PartStep]:
        """Sign the records, embed their texts, and describe the wording."""
        step, key = Step(f"{__name__}:Describe"), digest(self.version)
        return SIGNING, embedding(self.encoder), PartStep(step, "semantic_rows", key, "wordings")

    def run(self, scope: Scope) -> Iterable[Finding]:
        """Return one finding for each pair, in source order."""
        if not scope.parts:
            return
        fingerprints = scope.engine.collect(signatures(scope), ["id", "hash"])
        hashes = hashes_of(fingerprints["hash"])
        blocks = self._blocks(scope, groups(hashes) == np.arange(len(hashes)))
        candidates = _candidates(scope, blocks, self._floor)
        ids = fingerprints["id"]
        for row in _verified(scope, blocks, candidates, self._floor):
            score = min(row["question"], row["answer"])
            yield Finding(
                record_id=ids[row["right"]].as_py(),
                check=self.name,
                code="DUP005",
                score=score,
                peer_id=ids[row["left"]].as_py(),
                evidence={name: round(row[name], 4) for name in ("question", "answer", "cosine")},
            )

    def _blocks(self, scope: Scope, takes_part: NDArray[np.bool_]) -> list[_Block]:
        """Return the parts in groups, with the rows that take part."""
        _, vectors, described = (work.files(scope) for work in self.part_steps())
        found: list[_Block] = []
        low = size = 0
        for part, vector, path in zip(scope.parts, vectors, described, strict=True):
            rows = read_table(path)
            mine = takes_part[low : low + rows.num_rows] & (rows["size"].to_numpy() > 0)
            local = np.flatnonzero(mine)
            size += len(local)
            if not found or size > _ROWS_IN_MEMORY:
                found.append(_Block())
                size = len(local)
            found[-1].add(part, vector, rows.take(pa.array(local)), local, low)
            low += rows.num_rows
        return found


@dataclass(slots=True)
class _Block:
    """A group of parts, their embeddings, and the rows that take part (schema `_ROWS`)."""

    records: list[Path] = field(default_factory=list)
    vectors: list[Path] = field(default_factory=list)
    rows: pa.Table = field(default_factory=_ROWS.empty_table)

    def add(
        self, records: Path, vectors: Path, described: pa.Table, local: NDArray[np.int64], low: int
    ) -> None:
        """Add a part, its first row the row `low` of all, with those at `local`."""
        part = np.full(len(local), len(self.records))
        numbers = [pa.array(column) for column in (low + local, part, local)]
        rows = pa.table([*numbers, *described.columns], names=_ROWS.names).cast(_ROWS)
        self.rows = pa.concat_tables([self.rows, rows])
        self.records.append(records)
        self.vectors.append(vectors)

    def holding(self, rows: NDArray[np.int64]) -> pa.Table:
        """Return those of the block's rows that are among the given ones."""
        return self.rows.filter(pa.array(np.isin(self.rows["row"].to_numpy(), rows)))


def _pairings(blocks: Sequence[_Block]) -> Iterator[tuple[int, list[tuple[int, int]]]]:
    """Yield rounds of pairs of blocks in which each block comes first once at most.

    All pairs are in one round or another, a block with itself in the first.
    """
    n = len(blocks)
    for shift in range(n // 2 + 1):
        firsts = n // 2 if shift and 2 * shift == n else n
        yield shift, [(i, (i + shift) % n) for i in range(firsts)]


def _candidates(scope: Scope, blocks: Sequence[_Block], floor: float) -> pa.Table:
    """Return the pairs of rows to verify (schema `_PAIRS`), in the order of (right, left)."""
    sides = []
    for block in blocks:
        path = scope.phase("semantic-rows") / f"{block.records[0].stem}.parquet"
        write_table(path, block.rows)
        sides.append((path, *block.vectors))
    step = Step(f"{__name__}:Neighbours", {"floor": floor})
    kept = _PAIRS.empty_table()
    for shift, pairs in _pairings(blocks):
        inputs = [sides[a] + (sides[b] if a != b else ()) for a, b in pairs]
        out = scope.phase(f"semantic-near-{shift}")
        found = scope.engine.collect(scope.engine.map(step, inputs, out, label="neighbours"))
        # Round by round, so that a crowd does not pile up.
        kept = pa.concat_tables([kept, found])
        left, right, cosine = (kept[name].to_numpy() for name in _PAIRS.names)
        kept = kept.filter(pa.array(nearest(left, right, cosine, _MOST)))
    return kept.sort_by([("right", "ascending"), ("left", "ascending")])


def _verified(
    scope: Scope, blocks: Sequence[_Block], candidates: pa.Table, floor: float
) -> list[dict[str, float]]:
    """Return the candidates that say the same, in the order of (right, left)."""
    ends = np.column_stack([candidates["left"].to_numpy(), candidates["right"].to_numpy()])
    told = _told(scope, blocks, np.unique(ends))
    owner = np.full(ends.max(initial=-1) + 1, -1)
    for index, block in enumerate(blocks):
        held = block.rows["row"].to_numpy()
        owner[held[held < len(owner)]] = index
    owners = owner[ends]
    inputs: list[tuple[Path, ...]] = []
    for a, b in np.unique(owners, axis=0).tolist():
        wanted = scope.phase("semantic-wanted") / f"{a:05d}-{b:05d}.parquet"
        write_table(wanted, candidates.filter(pa.array((owners == [a, b]).all(axis=1))))
        inputs.append((wanted, *(told[side] for side in sorted({a, b}))))
    step = Step(f"{__name__}:Verify", {"floor": floor})
    found = scope.engine.map(step, inputs, scope.phase("semantic-verified"), label="duplicates")
    rows: list[dict[str, float]] = scope.engine.collect(found).to_pylist() if found else []
    return sorted(rows, key=lambda row: (row["right"], row["left"]))


def _told(scope: Scope, blocks: Sequence[_Block], rows: NDArray[np.int64]) -> dict[int, Path]:
    """Return for each block with some of these rows a file of what they tell."""
    inputs: dict[int, tuple[Path, ...]] = {}
    for index, block in enumerate(blocks):
        held = block.holding(rows)
        if held.num_rows:
            wanted = scope.phase("semantic-rows-wanted") / f"{block.records[0].stem}.parquet"
            write_table(wanted, held)
            inputs[index] = (wanted, *block.records, *block.vectors)
    out = scope.phase("semantic-told")
    found = scope.engine.map(
        Step(f"{__name__}:Tell"), list(inputs.values()), out, label="candidates"
    )
    return dict(zip(inputs, found, strict=True))


class Describe:
    """Records → where each record's embeddings are, and what has to be equal in a duplicate."""

    def __call__(self, records: pa.Table) -> pa.Table:
        """Return a table of schema `_DESCRIBED`, one row a record.

        `at` is its first row among the part's embeddings and `size` how many it has there; `key`
        is a hash of its kind, its label (of a text that is no conversation), its language, and
        of every turn that is in no question and no answer.
        """
        rows = []
        at = 0
        for record in records_from(records):
            texts = [text for _, _, text in passages(record)]
            chinese = bool(texts) and language(texts[0]) == "zh"
            key = _key(record, texts, chinese=chinese)
            rows.append({"at": at, "size": len(texts), "key": key, "chinese": chinese})
            at += len(texts)
        return pa.Table.from_pylist(rows, schema=_DESCRIBED)


def _key(record: Record, texts: Sequence[str], *, chinese: bool) -> int:
    if not texts:
        return 0
    rest: list[str] = []
    waiting: list[str] = []
    asked = False
    for part in record.parts if len(texts) > 1 else ():
        if part.role == "user":
            asked = True
            waiting.append(part.text)
        elif part.role == "assistant" and asked:
            waiting = []
        else:
            rest.append(f"{part.role} {fold(part.text)}")
    rest += [fold(text) for text in waiting]
    label = "" if len(texts) > 1 else record.label or ""
    return short_hash(record.kind, str(len(texts)), label, "zh" if chinese else "other", *rest)


class Neighbours:
    """The rows of one or two blocks that take part, and their embeddings → near pairs of rows."""

    def __init__(self, floor: float) -> None:
        """Take the least score that a pair may have."""
        self.least = [least_cosine(floor, tongue) - _ROUNDED for tongue in ("other", "zh")]

    def __call__(self, *tables: pa.Table) -> pa.Table:
        """Return a table of schema `_PAIRS`, left before right."""
        second = next(
            (i for i, t in enumerate(tables) if i and "vector" not in t.column_names), len(tables)
        )
        chosen = [tables[0], *tables[second : second + 1]]
        sides = [self._rows(tables[0], tables[1:second])]
        sides += [self._rows(table, tables[second + 1 :]) for table in chosen[1:]]
        found = near(sides[0], sides[1] if chosen[1:] else None, _LEAST_COSINE, _MOST)
        left = chosen[0]["row"].to_numpy()[found.left]
        right = chosen[-1]["row"].to_numpy()[found.right]
        return pa.table(
            [np.minimum(left, right), np.maximum(left, right), found.cosine], schema=_PAIRS
        )

    def _rows(self, chosen: pa.Table, vectors: Sequence[pa.Table]) -> Rows:
        """Return the vectors of each row's first question and of its answer.

        A text without an answer counts twice.
        """
        at, size, part = (chosen[name].to_numpy() for name in ("at", "size", "part"))
        questions, answers = [], []
        for index, table in enumerate(vectors):
            values = vectors_of(table)
            mine = part == index
            questions.append(values[at[mine]])
            answers.append(values[at[mine] + (size[mine] > 1)])
        return Rows(
            np.concatenate(questions),
            np.concatenate(answers),
            chosen["key"].to_numpy(),
            np.where(chosen["chinese"].to_numpy(), self.least[1], self.least[0]),
        )


class Tell:
    """Some rows of a block, its records and embeddings → what these rows tell.

    A row a passage: `row`, `field`, `text` with its placeholders numbered by record, `vector`.
    """

    def __call__(self, wanted: pa.Table, *tables: pa.Table) -> pa.Table:
        """Return the passages, in the order of the rows."""
        n = len(tables) // 2
        told = []
        for index in range(n):
            mine = wanted.filter(pa.array(wanted["part"].to_numpy() == index))
            records = records_from(tables[index].take(mine["local"].combine_chunks()))
            rows, fields, texts = [], [], []
            for row, record in zip(mine["row"].to_pylist(), records, strict=True):
                said = list(passages(record))
                rows += [row] * len(said)
                fields += [name for name, _, _ in said]
                texts += renumbered([text for _, _, text in said])
            at, size = mine["at"].to_numpy(), mine["size"].to_numpy()
            places = np.repeat(at - np.cumsum(size) + size, size) + np.arange(len(rows))
            vectors = tables[n + index]["vector"].take(pa.array(places))
            columns = [pa.array(rows, pa.int64()), pa.array(fields, pa.string())]
            columns += [pa.array(texts, pa.string()), vectors]
            told.append(pa.table(columns, names=["row", "field", "text", "vector"]))
        return pa.concat_tables(told)


class Verify:
    """Candidates, and what the rows of the one or two blocks they lie in tell → the duplicates."""

    def __init__(self, floor: float) -> None:
        """Take the least score."""
        self.floor = floor
        self.least = least_cosine(floor, "zh")

    def __call__(self, wanted: pa.Table, *tables: pa.Table) -> pa.Table:
        """Return a table of schema `_VERIFIED`."""
        told = _by_row(pa.concat_tables(tables))
        rows = []
        for left, right in zip(
            wanted["left"].to_pylist(), wanted["right"].to_pylist(), strict=True
        ):
            found = self._compared(told[left], told[right])
            if found:
                rows.append({"left": left, "right": right} | found)
        return pa.Table.from_pylist(rows, schema=_VERIFIED)

    def _compared(self, left: _Told, right: _Told) -> dict[str, float] | None:
        """Return the scores of two records, None where some text of theirs says something else."""
        scores = {"question": 1.0, "answer": 1.0, "cosine": 1.0}
        asked = ""
        # Rounded, so that what else was in an encoder's batch does not show.
        cosines = np.einsum("ij,ij->i", left.vectors, right.vectors, dtype=np.float64).round(3)
        if cosines.min() < self.least and language(left.texts[0]) == "zh":
            return None
        for name, text, other, cosine in zip(
            left.fields, left.texts, right.texts, cosines.tolist(), strict=True
        ):
            found = likeness(text, other, cosine, CAP, self.floor)
            field_ = "answer" if name == "answer" else "question"
            scores[field_] = min(scores[field_], found.score)
            scores["cosine"] = min(scores["cosine"], cosine)
            if scores[field_] < self.floor:
                return None
            if name == "answer":
                differ = compare(asked, text, other)
                if differ and differ.kinds[0] != "other":
                    return None
            asked = text
        return scores


@dataclass(frozen=True, slots=True)
class _Told:
    """What a record tells: its passages' fields, texts, and vectors (passages, dimensions)."""

    fields: list[str]
    texts: list[str]
    vectors: NDArray[np.float32]


def _by_row(told: pa.Table) -> dict[int, _Told]:
    fields, texts, vectors = told["field"].to_pylist(), told["text"].to_pylist(), vectors_of(told)
    found = {}
    low = 0
    for row, same in groupby(told["row"].to_pylist()):
        high = low + len(list(same))
        found[row] = _Told(fields[low:high], texts[low:high], vectors[low:high])
        low = high
    return found
