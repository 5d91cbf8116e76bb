"""Contamination: records that hold items of the evaluation files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pyarrow as pa

from curator.checks.embeddings import CAP, embedded, vectors_of
from curator.checks.evaluation import evaluation_items
from curator.contamination.index import LONGEST, SHORTEST, Index, build
from curator.contamination.meaning import likeness, weight
from curator.contamination.overlap import overlaps, short_questions
from curator.contamination.tokens import Tokens, tokenise
from curator.models.pins import model_sha
from curator.pairs import in_context, pairs
from curator.protocols import Step
from curator.similarity.steps import turns
from curator.tables import digest, read_table, records_from, records_table
from curator.types import Code, Finding, Part, Provenance, Record
from curator.workspace import write_table

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from numpy.typing import NDArray

    from curator.checks.evaluation import Item
    from curator.protocols import PartStep, Scope
    from curator.types import View

_VERSION = "1"
_CHUNK = 2048
"""Items in a file, which one worker embeds."""
_BLOCK, _WIDE = 512, 8192
"""Rows and columns of one product of vectors."""
_NEAREST = 5
_ASIDE = 0.15
"""The most that numbers which agree add to a cosine."""
_FOUND = pa.schema(
    [
        ("record_id", pa.string()),
        ("item", pa.int64()),
        ("score", pa.float64()),
        ("share", pa.float64()),
        ("runs_of_five", pa.float64()),
        ("longest_run", pa.int64()),
        ("of_record", pa.float64()),
        ("numbers_differ", pa.bool_()),
        ("items", pa.int64()),
    ]
)
_NEAR = pa.schema(
    [
        ("record_id", pa.string()),
        ("item", pa.int64()),
        ("score", pa.float64()),
        ("cosine", pa.float64()),
    ]
)


class Contamination:
    """Finds records that hold items of the evaluation files named in `against`.

    A model that has been trained on the questions that it is tested with tests well and
    proves nothing. `against` lists files, folders or patterns, from the project's folder:
    the project's own evaluation files, and benchmarks that lie on the disk (nothing is
    fetched). They are read as sources are. Each question is an item, and so is the
    question with its answer. Without `against` the check finds nothing, since it had
    nothing to compare with; that is no proof of clean data.

    **CON001, evaluation item.** A record has words of an item. Compared are runs of 13
    tokens (a word, or a Han character), as for GPT-3 (Brown et al. 2020, appendix C) and
    Llama; an item of fewer tokens as a whole, down to eight words or twelve Han
    characters; a shorter question only where a turn is that question and nothing else,
    from four words or six Han characters on, with a score of 0.69. Runs that stand in
    more than 30 items are boilerplate and do not count. For light rewording the share of
    the item's runs of five tokens counts too, and, for the three items nearest to the
    record, that of the tokens that stand in the same order, a placeholder standing for a
    few; eight words or twelve Han characters have to be the same. The score is the
    greatest share of the question, of the item, or of the record where a record lies
    inside an item. It is 0.69 at most where the question holds a number that the record
    does not, or has fewer than 13 tokens and is reworded. Only the item that a record
    shares most with is told. Evidence: `file`, `item` (its place in the file), `share`,
    `runs_of_five`, `longest_run` (tokens), `of_record` (the share of the record),
    `direction`, `numbers_differ`, `items` (how many are told of).

    **CON002, reworded evaluation item.** A question of the record means what a question of
    an evaluation file means, in other words or in the other language. Their sentence
    embeddings are near, a number in digits stands in both (in either in words, too), and
    neither is more than twice as long. The score is the cosine, 0.05 more for each number
    that both have, up to three, and in one language 0.05 less. Embedded is the start of a
    question, and a later question of a conversation together with the first. It is not
    told where CON001 is told of the same item. Evidence: `file`, `item`, `cosine`.

    Lost: a question shorter than the minimum, unless its answer makes up for it; a
    reworded question whose numbers have changed.
    """

    name: ClassVar[str] = "contamination"
    version: ClassVar[str] = "1"
    view: ClassVar[View] = "redacted"
    needs: ClassVar[tuple[str, ...]] = ("encoder",)
    codes: ClassVar[tuple[Code, ...]] = (
        Code(
            "CON001",
            "evaluation item",
            "含有评测集中的题目",
            "holds an item of an evaluation file",
        ),
        Code(
            "CON002",
            "reworded evaluation item",
            "与评测集中的题目意思相同，只是说法或语言不同",
            "asks what an evaluation file asks, in other words or another language",
        ),
    )

    def __init__(
        self,
        *,
        encoder: str,
        against: tuple[str, ...] = (),
        floor: float = 0.2,
        meaning_floor: float = 0.7,
    ) -> None:
        """Take the encoder's name, the evaluation files, and the least scores that are told."""
        self.encoder = encoder
        self.against = tuple(against)
        self._floor = floor
        self._meaning_floor = meaning_floor

    def part_steps(self) -> Sequence[PartStep]:
        """None: all depends on the evaluation items."""
        return ()

    def run(self, scope: Scope) -> Iterable[Finding]:
        """Return the findings, in source order, those of words first.

        Raises:
            RecipeError: an evaluation file cannot be read.

        """
        if not self.against or not scope.parts:
            return
        items = evaluation_items(self.against, scope.phase("contamination-unpacked"))
        if not items:
            return
        told: set[tuple[str, int]] = set()
        for row in self._by_words(scope, items):
            told.add((row["record_id"], row["item"]))
            yield self._finding("CON001", items, row)
        for row in self._by_meaning(scope, items):
            if (row["record_id"], row["item"]) not in told:
                yield self._finding("CON002", items, row)

    def _finding(self, code: str, items: Sequence[Item], row: dict[str, Any]) -> Finding:
        item = items[row["item"]]
        evidence: dict[str, object] = {"file": item.file, "item": item.locator}
        for name, value in row.items():
            if name not in ("record_id", "item", "score"):
                evidence[name] = round(value, 4) if isinstance(value, float) else value
        if code == "CON001":
            inside = row["of_record"] > max(row["share"], row["runs_of_five"])
            evidence["direction"] = "record in item" if inside else "item in record"
        return Finding(row["record_id"], self.name, code, row["score"], evidence=evidence)

    def _by_words(self, scope: Scope, items: Sequence[Item]) -> list[dict[str, Any]]:
        folder = scope.phase("contamination-index")
        build(*_tokens(items)).save(folder)
        files = scope.engine.map(
            Step(f"{__name__}:Words", {"index": str(folder), "floor": self._floor}),
            [(part,) for part in scope.parts],
            scope.phase("contamination-words"),
            label="evaluation items",
        )
        rows: list[dict[str, Any]] = scope.engine.collect(files).to_pylist()
        return rows

    def _by_meaning(self, scope: Scope, items: Sequence[Item]) -> list[dict[str, Any]]:
        chosen = [
            (number, item.question)
            for number, item in enumerate(items)
            if weight(item.question) >= SHORTEST
        ]
        if not chosen:
            return []
        folder = scope.phase("contamination-questions")
        questions = folder / "questions.parquet"
        write_table(
            questions,
            pa.table({"item": [n for n, _ in chosen], "text": [text for _, text in chosen]}),
        )
        chunks = []
        for low in range(0, len(chosen), _CHUNK):
            chunks.append(folder / f"chunk-{low // _CHUNK:05d}.parquet")
            write_table(chunks[-1], _as_records(chosen[low : low + _CHUNK]))
        key = digest(
            _VERSION, model_sha("encoder", self.encoder), CAP, [text for _, text in chosen]
        )
        vectors = scope.engine.map(
            Step("curator.checks.embeddings:Embed", {"encoder": self.encoder, "cap": CAP}),
            [(chunk,) for chunk in chunks],
            scope.shared("evaluation_embeddings", key),
            label="evaluation embeddings",
        )
        matrix = folder / "vectors.npy"
        np.save(matrix, np.concatenate([vectors_of(read_table(path)) for path in vectors]))
        files = scope.engine.map(
            Step(
                f"{__name__}:Meaning",
                {
                    "questions": str(questions),
                    "vectors": str(matrix),
                    "floor": self._meaning_floor,
                },
            ),
            list(zip(scope.parts, embedded(scope, self.encoder), strict=True)),
            scope.phase("contamination-meaning"),
            label="reworded items",
        )
        rows: list[dict[str, Any]] = scope.engine.collect(files).to_pylist()
        return rows


def _tokens(items: Sequence[Item]) -> tuple[Tokens, NDArray[np.int64]]:
    """Return the items' tokens, question before answer, and how many are the question."""
    texts = [text for item in items for text in (item.question, item.answer)]
    tokens = tokenise(texts)
    sizes = np.minimum(tokens.sizes, LONGEST)
    kept = np.arange(len(tokens.hashes)) - np.repeat(tokens.bounds[:-1], tokens.sizes) < LONGEST
    bounds = np.concatenate([[0], np.cumsum(sizes)])[::2].astype(np.int64)
    cut = Tokens(tokens.hashes[kept], tokens.weight[kept], tokens.number[kept], bounds)
    return cut, sizes[::2]


def _as_records(questions: Sequence[tuple[int, str]]) -> pa.Table:
    """Return questions as records that are embedded as such, by the step that records go through.

    So a worker holds the encoder once.
    """
    nowhere = Provenance("", "", "")
    return records_table(
        Record(str(item), "document", (Part("paragraph", text),), "und", nowhere, label="question")
        for item, text in questions
    )


class Words:
    """Records → what each shares with the evaluation item that it shares most with."""

    columns: ClassVar[list[str]] = ["id", "parts"]

    def __init__(self, index: str, floor: float) -> None:
        """Map the index."""
        self.index = Index.open(Path(index))
        self.floor = floor

    def __call__(self, records: pa.Table) -> pa.Table:
        """Return rows of schema `_FOUND`."""
        said = turns(records)
        spoken = tokenise([text for parts in said for _, text in parts])
        owner = np.repeat(np.arange(len(said)), [len(parts) for parts in said])
        first = np.searchsorted(owner, np.arange(len(said) + 1))
        whole = Tokens(spoken.hashes, spoken.weight, spoken.number, spoken.bounds[first])
        told = dict(overlaps(self.index, whole, self.floor))
        for turn, found in short_questions(self.index, spoken):
            record = int(owner[turn])
            if record not in told or told[record].score < found.score:
                told[record] = found
        ids = records["id"]
        rows = [
            {
                "record_id": ids[at].as_py(),
                **{name: getattr(told[at], name) for name in _FOUND.names[1:]},
            }
            for at in sorted(told)
            if told[at].score >= self.floor
        ]
        return pa.Table.from_pylist(rows, schema=_FOUND)


class Meaning:
    """Records and their embeddings → the question of an evaluation file that each asks."""

    def __init__(self, questions: str, vectors: str, floor: float) -> None:
        """Map the vectors of the evaluation files' questions."""
        table = read_table(Path(questions))
        self.items = table["item"].to_numpy()
        self.texts = table["text"]
        self.vectors = np.load(vectors, mmap_mode="r")
        self.floor = floor

    def __call__(self, records: pa.Table, embeddings: pa.Table) -> pa.Table:
        """Return rows of schema `_NEAR`, one a record at most."""
        asked = embeddings.filter(pa.compute.equal(embeddings["field"], "question"))
        best: dict[str, tuple[float, int, float]] = {}
        near: dict[str, list[tuple[int, int, float]]] = {}
        for row, item, cosine in self._near(asked):
            place = (asked["pair"][row].as_py(), item, cosine)
            near.setdefault(asked["record_id"][row].as_py(), []).append(place)
        wanted = records.filter(pa.compute.is_in(records["id"], pa.array(list(near), pa.string())))
        for record in records_from(wanted):
            found = pairs(record)
            for pair, at, cosine in near[record.id]:
                text = self.texts[at].as_py()
                score = round(likeness(cosine, in_context(found, pair), text), 4)
                told = (score, -int(self.items[at]), cosine)
                if score >= self.floor and told > best.get(record.id, (0.0, 0, 0.0)):
                    best[record.id] = told
        rows = [
            {"record_id": name, "item": -item, "score": score, "cosine": cosine}
            for name, (score, item, cosine) in best.items()
        ]
        return pa.Table.from_pylist(rows, schema=_NEAR)

    def _near(self, asked: pa.Table) -> Iterator[tuple[int, int, float]]:
        """Yield (row, question, cosine) for the nearest questions of each row."""
        if not asked.num_rows:
            return
        vectors = vectors_of(asked)
        for low in range(0, len(vectors), _BLOCK):
            mine = vectors[low : low + _BLOCK]
            rows, items, cosines = [], [], []
            for start in range(0, len(self.vectors), _WIDE):
                product = mine @ self.vectors[start : start + _WIDE].T
                a, b = np.nonzero(product >= self.floor - _ASIDE)
                rows.append(a)
                items.append(b + start)
                cosines.append(np.round(product[a, b], 4))
            row, item, cosine = (np.concatenate(c) for c in (rows, items, cosines))
            order = np.lexsort((item, -cosine, row))
            row, item, cosine = row[order], item[order], cosine[order]
            first = np.searchsorted(row, row)
            for at in np.flatnonzero(np.arange(len(row)) - first < _NEAREST).tolist():
                yield low + int(row[at]), int(item[at]), float(cosine[at])
