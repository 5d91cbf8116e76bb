"""Semantic duplicates: records that ask and answer the same in other words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from curator.checks.embeddings import CAP, embedded, passages, vectors_of
from curator.protocols import Step
from curator.semantic.neighbours import Rows, near, nearest
from curator.semantic.score import likeness
from curator.similarity.agreement import compare
from curator.similarity.fingerprints import groups
from curator.similarity.placeholders import renumbered
from curator.similarity.steps import per_part, short_hash
from curator.tables import digest, records_from
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
"""Of the first question and its answer together; below, no pair reaches the lowest score told."""
_LEAST_CHINESE = 0.75
"""Of each text by itself: of 8,000 pairs of Chinese questions none with a score that is told
was under 0.83. English paraphrases reach such scores from 0.47 on."""
_MOST = 10
"""In a crowd of near records each is compared with the ten nearest."""
_HALF = 0.5**0.5
_PAIRS = pa.schema([("left", pa.int64()), ("right", pa.int64()), ("cosine", pa.float32())])
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
    told. From 0.9 on, 95 % of the pairs of questions are what people call duplicates.

    The same question with another answer is no duplicate: it belongs to LBL002. Nor are
    texts that conflict in a number, a negation, an antonym or another word of a closed class
    (days, colours, relatives), in what they ask for (why, when), in who does what to whom
    (`A 比 B 高`, `B 比 A 高`), or in the persons (`我`, `你`). Where a word is replaced
    that no list of synonyms knows, the score stays under 0.9, unless the rest is long
    and near: another drug, city or model is mostly another question. So paraphrases that
    share few words are mostly not found, and none across languages.

    A labelled text that is no conversation is compared with those of the same label.
    Turns of the system and of tools have to be equal. Of each group of exact duplicates
    only the first takes part. Evidence: `question` and `answer` (the scores of the least
    alike questions and answers; a text that is no conversation counts as a question),
    `cosine` (the least similarity of embeddings).
    """

    name: ClassVar[str] = "semantic_duplicates"
    version: ClassVar[str] = "1"
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

    def run(self, scope: Scope) -> Iterable[Finding]:
        """Return one finding for each pair, in source order."""
        if not scope.parts:
            return
        fingerprints = scope.engine.collect(
            per_part(scope, "curator.similarity.steps:Fingerprints")
        )
        hashes = np.frombuffer(b"".join(fingerprints["hash"].to_pylist()), "V16")
        parts = self._parts(scope, groups(hashes) == np.arange(len(hashes)))
        candidates = _candidates(scope, parts)
        ids = fingerprints["id"]
        for row in _verified(scope, parts, candidates, self._floor):
            score = min(row["question"], row["answer"])
            yield Finding(
                record_id=ids[row["right"]].as_py(),
                check=self.name,
                code="DUP005",
                score=score,
                peer_id=ids[row["left"]].as_py(),
                evidence={name: round(row[name], 4) for name in ("question", "answer", "cosine")},
            )

    def _parts(self, scope: Scope, takes_part: NDArray[np.bool_]) -> list[_Part]:
        """Return each part's files, with a file of the rows that take part."""
        vectors = embedded(scope, self.encoder)
        described = scope.engine.map(
            Step(f"{__name__}:Describe"),
            [(part,) for part in scope.parts],
            scope.shared("semantic_rows", digest(self.version)),
            label="wordings",
        )
        found, low = [], 0
        for records, vector, rows in zip(scope.parts, vectors, described, strict=True):
            table = pq.read_table(rows)
            high = low + table.num_rows
            mine = takes_part[low:high] & (table["size"].to_numpy() > 0)
            chosen = scope.phase("semantic-chosen") / rows.name
            table = table.append_column("row", pa.array(np.arange(low, high)))
            table = table.append_column("local", pa.array(np.arange(high - low)))
            write_table(chosen, table.filter(pa.array(mine)))
            found.append(_Part(records, vector, chosen, low))
            low = high
        return found


@dataclass(frozen=True, slots=True)
class _Part:
    """A part's records, their embeddings, the rows that take part, the number of its first row."""

    records: Path
    vectors: Path
    chosen: Path
    low: int


def _pairings(parts: Sequence[_Part]) -> Iterator[tuple[int, list[tuple[_Part, _Part]]]]:
    """Yield rounds of pairs of parts in which each part comes first once at most.

    All pairs are in one round or another, a part with itself in the first.
    """
    n = len(parts)
    for shift in range(n // 2 + 1):
        firsts = n // 2 if shift and 2 * shift == n else n
        yield shift, [(parts[i], parts[(i + shift) % n]) for i in range(firsts)]


def _candidates(scope: Scope, parts: Sequence[_Part]) -> pa.Table:
    """Return the pairs of rows to verify (schema `_PAIRS`), left before right, in order."""
    found = []
    for shift, pairs in _pairings(parts):
        inputs = [
            (a.chosen, a.vectors, *((b.chosen, b.vectors) if a is not b else ())) for a, b in pairs
        ]
        out = scope.phase(f"semantic-near-{shift}")
        found += scope.engine.map(Step(f"{__name__}:Neighbours"), inputs, out, label="neighbours")
    table = scope.engine.collect(found)
    kept = nearest(
        table["left"].to_numpy(), table["right"].to_numpy(), table["cosine"].to_numpy(), _MOST
    )
    return table.filter(pa.array(kept)).sort_by([("right", "ascending"), ("left", "ascending")])


def _verified(
    scope: Scope, parts: Sequence[_Part], candidates: pa.Table, floor: float
) -> list[dict[str, float]]:
    """Return the candidates that say the same, in the order of (right, left)."""
    left, right = candidates["left"].to_numpy(), candidates["right"].to_numpy()
    lows = np.array([part.low for part in parts])
    owners = [np.searchsorted(lows, side, side="right") - 1 for side in (left, right)]
    inputs: list[tuple[Path, ...]] = []
    for shift, pairs in _pairings(parts):
        for a, b in pairs:
            at = sorted((parts.index(a), parts.index(b)))
            mine = (owners[0] == at[0]) & (owners[1] == at[1])
            if not mine.any():
                continue
            first, second = parts[at[0]], parts[at[1]]
            wanted = scope.phase("semantic-wanted") / f"{a.records.stem}-{shift}.parquet"
            write_table(wanted, candidates.filter(pa.array(mine)))
            files = [f for p in (first, second) for f in (p.records, p.vectors, p.chosen)]
            inputs.append((wanted, *files))
    step = Step(f"{__name__}:Verify", {"floor": floor})
    found = scope.engine.map(step, inputs, scope.phase("semantic-verified"), label="duplicates")
    rows: list[dict[str, float]] = scope.engine.collect(found).to_pylist() if found else []
    return sorted(rows, key=lambda row: (row["right"], row["left"]))


class Describe:
    """Records → where each record's embeddings are, and what has to be equal in a duplicate."""

    def __call__(self, records: pa.Table) -> pa.Table:
        """Return one row a record.

        `at` is its first row among the part's embeddings and `size` how many it has there; `key`
        is a hash of its kind, its label (of a text that is no conversation), its language, and
        of every turn that is in no question and no answer.
        """
        at, size, key = [], [], []
        row = 0
        for record in records_from(records):
            texts = [text for _, _, text in passages(record)]
            at.append(row)
            size.append(len(texts))
            key.append(_key(record, texts))
            row += len(texts)
        return pa.table(
            {
                "at": pa.array(at, pa.int64()),
                "size": pa.array(size, pa.int32()),
                "key": pa.array(key, pa.uint64()),
            }
        )


def _key(record: Record, texts: Sequence[str]) -> int:
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
    tongue = "zh" if language(texts[0]) == "zh" else "other"
    return short_hash(record.kind, str(len(texts)), label, tongue, *rest)


class Neighbours:
    """The rows of one or two parts that take part, and their embeddings → near pairs of rows."""

    def __call__(self, *tables: pa.Table) -> pa.Table:
        """Return a table of schema `_PAIRS`, left before right."""
        sides = [
            _rows(chosen, vectors)
            for chosen, vectors in zip(tables[::2], tables[1::2], strict=True)
        ]
        other = sides[1] if len(sides) > 1 else None
        found = near(sides[0], other, _LEAST_COSINE, _MOST)
        numbers = [chosen["row"].to_numpy() for chosen in tables[::2]]
        left, right = numbers[0][found.left], numbers[-1][found.right]
        return pa.table(
            [np.minimum(left, right), np.maximum(left, right), found.cosine], schema=_PAIRS
        )


def _rows(chosen: pa.Table, vectors: pa.Table) -> Rows:
    """Return the first question's and its answer's vectors as one, so that cosines are means."""
    values = vectors_of(vectors)
    at, size = chosen["at"].to_numpy(), chosen["size"].to_numpy()
    both = [values[at], values[at + (size > 1)]]
    return Rows((np.concatenate(both, axis=1) * _HALF).astype(np.float32), chosen["key"].to_numpy())


class Verify:
    """Candidates and the two parts they lie in → those that say the same."""

    def __init__(self, floor: float) -> None:
        """Take the least score."""
        self.floor = floor

    def __call__(self, wanted: pa.Table, *tables: pa.Table) -> pa.Table:
        """Return a table of schema `_VERIFIED`."""
        sides = [
            _told(wanted[side].to_numpy(), *files)
            for side, files in (("left", tables[:3]), ("right", tables[3:]))
        ]
        rows = []
        for left, right in zip(
            wanted["left"].to_pylist(), wanted["right"].to_pylist(), strict=True
        ):
            found = _compared(sides[0][left], sides[1][right], self.floor)
            if found:
                rows.append({"left": left, "right": right} | found)
        return pa.Table.from_pylist(rows, schema=_VERIFIED)


@dataclass(frozen=True, slots=True)
class _Told:
    """What a record tells: its passages' fields, texts, and vectors (passages, dimensions)."""

    fields: list[str]
    texts: list[str]
    vectors: NDArray[np.float32]


def _told(
    wanted: NDArray[np.int64], records: pa.Table, vectors: pa.Table, chosen: pa.Table
) -> dict[int, _Told]:
    """Return what the wanted rows of a part tell, by row."""
    values = vectors_of(vectors)
    rows = np.unique(wanted)
    mine = chosen.take(pa.array(np.searchsorted(chosen["row"].to_numpy(), rows)))
    taken = records_from(records.take(mine["local"].combine_chunks()))
    found = {}
    for row, at, record in zip(rows.tolist(), mine["at"].to_pylist(), taken, strict=True):
        said = list(passages(record))
        texts = renumbered([text for _, _, text in said])
        found[row] = _Told([f for f, _, _ in said], texts, values[at : at + len(texts)])
    return found


def _compared(left: _Told, right: _Told, floor: float) -> dict[str, float] | None:
    """Return the scores of two records, None where some text of theirs says something else."""
    scores = {"question": 1.0, "answer": 1.0, "cosine": 1.0}
    asked = ""
    cosines = np.einsum("ij,ij->i", left.vectors, right.vectors, dtype=np.float64)
    if cosines.min() < _LEAST_CHINESE and language(left.texts[0]) == "zh":
        return None
    for name, text, other, cosine in zip(
        left.fields, left.texts, right.texts, cosines.tolist(), strict=True
    ):
        # Rounded, so that what else was in an encoder's batch does not show.
        found = likeness(text, other, round(cosine, 3), CAP)
        field = "answer" if name == "answer" else "question"
        scores[field] = min(scores[field], found.score)
        scores["cosine"] = min(scores["cosine"], cosine)
        if scores[field] < floor:
            return None
        if field == "answer":
            differ = compare(asked, text, other)
            if differ and differ.kinds[0] != "other":
                return None
        asked = text
    return scores
