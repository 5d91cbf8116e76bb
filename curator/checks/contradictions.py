"""Contradictions: the same question, answered differently."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from curator.checks.search import near_pairs
from curator.pairs import pairs
from curator.protocols import Step
from curator.semantic.answers import disagreement
from curator.semantic.asking import asking, likely_same
from curator.similarity.claims import edition
from curator.similarity.fingerprints import groups, hash128, hashes_of
from curator.similarity.placeholders import renumbered
from curator.similarity.scanning import folded
from curator.similarity.steps import claims, part_step, short_hash
from curator.tables import n_rows, records_from
from curator.text import fold
from curator.types import Code, Finding
from curator.workspace import write_table

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from curator.protocols import PartStep, Scope
    from curator.similarity.agreement import Disagreement
    from curator.types import View

_ALL_PAIRS = 6
"""Up to so many different answers to a question are all compared with each other; beyond, each is
compared with the most common one alone."""

_NEAREST = 8
"""Of the questions that name the same things each is compared with so many."""

_IDLE = re.compile(
    "请问|請問|您好|你好|谢谢|謝謝|麻烦|麻煩|一下|[呢啊呀哦]"
    r"|(?i:(?<![a-z])(?:hi|hello|please|thank you|thanks|(?:can|could) you (?:please )?tell me"
    r"|i (?:would like|want) to know)(?![a-z]))"
)
_OPEN = re.compile("多少|[几幾]|怎么|怎麼|怎样|怎樣|如何|什么|什麼|多久|多长|多大|哪")
_MUST = re.compile(
    "(?<![不没沒])(?:应该|應該|应当|必须|必須|需要|(?<![只主重想有需])要(?![不没求点點素紧緊是么]))(?!不)"
)


class Contradictions:
    """Finds records that ask the same and answer differently.

    **LBL002, same question with contradicting answers.** The first question of
    the record is that of `peer_id` too, and their answers disagree. A question is the
    same where it is

    - equal when folded, or but for greetings and particles;
    - a near-duplicate of at least `question_floor` with the same numbers, negations and
      signs, that names no other thing;
    - the same in other words: it names the same things (`布洛芬`, `adults`), in whatever
      order, asks for the same (an amount, a date, whether …) of the same (a day, each
      time), and conflicts in nothing. Questions of up to 60 Han characters or 180
      letters are compared so; a story is not. A question that names one thing more is
      another question.

    That two answers differ does not make either wrong, so the score tells how they
    differ, and is 0.9 at most:

    - `yes_no`: one says yes and the other no to a yes-or-no question, or one that
      a thing is free and the other what it costs;
    - `number`: the same unit, or the same clause, with other numbers
      (`500 mg` and `0.5 g` are the same); where a number is asked for, another unit too
      (3 days, 3 months);
    - `date`: other dates, however written; `article`: other articles of law. Said by the
      way, and not asked for, they count little;
    - `name`: who, where, which drug or material, the best of several: each answer names
      one, and the other does not hold it;
    - `negation`: the same clause, once with and once without a negation;
    - `other`: they share few words, and nothing else is known: a low score,
      since an open question has many good answers; not told where the question is in other words.

    Equal answers, and answers of which one is a longer telling of the other,
    are no finding. Both records get a finding, each with the other as
    `peer_id`. Of records with the same question and the same answer only the
    first is told of. A question with many answers is bounded: each answer is
    compared with the most common one. Evidence: `kinds`, `question`
    (`equal`, `near` or `reworded`), `question_score` (how probably it is the same),
    `answer_similarity`, `n_answers`; where the one answer may have replaced the other, `newer`
    (`this` or `peer`) and `newer_by` (`guideline`: the year of the guideline or edition that it
    goes by; `timestamp`: it was given later).
    """

    name: ClassVar[str] = "contradictions"
    version: ClassVar[str] = "3"
    view: ClassVar[View] = "redacted"
    needs: ClassVar[tuple[str, ...]] = ()
    codes: ClassVar[tuple[Code, ...]] = (
        Code(
            "LBL002",
            "contradicting answers",
            "同一个问题在另一条记录里有互相矛盾的回答",
            "the same question has a contradicting answer in another record",
        ),
    )

    def __init__(self, *, question_floor: float = 0.8, floor: float = 0.2) -> None:
        """Take the least Jaccard similarity of near-equal questions, and the least score told."""
        self._question_floor = question_floor
        self._floor = floor

    def part_steps(self) -> Sequence[PartStep]:
        """List the questions and what their answers claim."""
        return (part_step(f"{__name__}:Questions", self.version),)

    def run(self, scope: Scope) -> Iterable[Finding]:
        """Return two findings for each contradiction, in source order."""
        if not scope.parts:
            return
        [questions] = self.part_steps()
        files = questions.files(scope)
        asked = scope.engine.collect(
            files, ["id", "question", "answer", "things", "numbers", "negations", "signs"]
        )
        to_compare = self._comparisons(scope, files, asked)
        texts = _texts(scope, files, sorted({row for c in to_compare for row in (c.left, c.right)}))
        ids = asked["id"]
        for c in to_compare:
            left, right = texts[c.left], texts[c.right]
            same = _same(c, left.question, right.question)
            found = disagreement(left.question, left.answer, right.answer) if same else None
            if found is None or round(found.score * same, 4) < self._floor:
                continue
            if c.alike == "reworded" and found.kinds[0] == "other":
                continue
            newer = _newer(left, right)
            for row, peer, first in ((c.left, c.right, True), (c.right, c.left, False)):
                told = _evidence(c, found, same, newer, first=first)
                yield Finding(
                    record_id=ids[row].as_py(),
                    check=self.name,
                    code="LBL002",
                    score=round(found.score * same, 4),
                    peer_id=ids[peer].as_py(),
                    evidence=told,
                )

    def _comparisons(
        self, scope: Scope, files: Sequence[Path], asked: pa.Table
    ) -> list[_Comparison]:
        """Return which rows are to be compared, in source order, each pair once."""
        question, answer = (hashes_of(asked[name]) for name in ("question", "answer"))
        things = asked["things"].to_numpy()
        has_pair = np.asarray(asked["question"].is_valid())
        of_question = groups(question)
        by_question = _answers(of_question, groups(answer), has_pair)
        found: dict[tuple[int, int], _Comparison] = {}

        def add(a: int, b: int, alike: str, jaccard: float, n_answers: int) -> None:
            low, high = min(a, b), max(a, b)
            found.setdefault((low, high), _Comparison(low, high, alike, jaccard, n_answers))

        def add_all(one: int, other: int, alike: str, jaccard: float) -> None:
            left, right = by_question[one], by_question[other]
            n_answers = len(left) + len(right)
            if n_answers > _ALL_PAIRS:
                left, right = left[:1], right[:1]
            for row, _ in left:
                for peer, _ in right:
                    if answer[row] != answer[peer]:
                        add(row, peer, alike, jaccard, n_answers)

        for answers in by_question.values():
            heads = [row for row, _ in answers]
            whole = len(heads) <= _ALL_PAIRS
            for i, row in enumerate(heads if whole else heads[:1]):
                for other in heads[i + 1 :]:
                    add(row, other, "equal", 1.0, len(heads))
        firsts = has_pair & (of_question == np.arange(len(of_question)))
        near = near_pairs(scope, files, firsts, floor=self._question_floor)
        same = np.ones(len(near.left), np.bool_)
        for name in ("numbers", "negations", "signs"):
            column = asked[name].to_numpy()
            same &= column[near.left] == column[near.right]
        for i in np.flatnonzero(same).tolist():
            ends = int(near.left[i]), int(near.right[i])
            # What is near, and names other things, is another question.
            named = [int(things[end]) for end in ends]
            if not all(named) or named[0] == named[1]:
                add_all(*ends, "near", float(near.jaccard[i]))
        for one, other in _sharing(things, firsts):
            add_all(one, other, "reworded", 0.0)
        return [found[key] for key in sorted(found)]


@dataclass(frozen=True, slots=True)
class _Comparison:
    """Two rows whose answers to compare, and how like their questions are."""

    left: int
    right: int
    alike: str
    jaccard: float
    n_answers: int


@dataclass(frozen=True, slots=True)
class _Text:
    """A row's first question and its answer, and when it was said."""

    question: str
    answer: str
    timestamp: str


def _same(c: _Comparison, left: str, right: str) -> float:
    """Return how probably two questions are the same, 0 where they are not."""
    return likely_same(left, right) if c.alike == "reworded" else 1.0


def _sharing(things: NDArray[np.uint64], firsts: NDArray[np.bool_]) -> Iterator[tuple[int, int]]:
    """Yield pairs of questions' first rows that name the same things.

    Of many, each meets the ones just before it, and the first ones.
    """
    rows = np.flatnonzero(firsts & (things != 0))
    order = rows[np.argsort(things[rows], kind="stable")].tolist()
    start = 0
    for at, row in enumerate(order):
        if things[row] != things[order[start]]:
            start = at
        low = max(start, at - _NEAREST)
        for other in (*order[start : min(start + _NEAREST, low)], *order[low:at]):
            yield other, row


def _evidence(
    c: _Comparison,
    found: Disagreement,
    same: float,
    newer: tuple[bool, str] | None,
    *,
    first: bool,
) -> dict[str, object]:
    told: dict[str, object] = {
        "kinds": list(found.kinds),
        "question": c.alike,
        "question_score": round(c.jaccard if c.alike != "reworded" else same, 4),
        "answer_similarity": round(found.similarity, 4),
        "n_answers": c.n_answers,
    }
    if newer:
        told |= {"newer": "this" if newer[0] == first else "peer", "newer_by": newer[1]}
    return told


def _newer(left: _Text, right: _Text) -> tuple[bool, str] | None:
    """Return whether the left answer is the newer one, and by what; None where nothing tells."""
    years = [edition(text.answer) or edition(text.question) for text in (left, right)]
    if years[0] and years[1] and years[0] != years[1]:
        return years[0] > years[1], "guideline"
    times = [_moment(text.timestamp) for text in (left, right)]
    if times[0] and times[1] and times[0] != times[1]:
        return times[0] > times[1], "timestamp"
    return None


def _moment(timestamp: str) -> str:
    """Return a timestamp in the form in which those of one form sort by time; empty: no such."""
    return timestamp if re.match(r"\d{4}-\d\d-\d\d", timestamp) else ""


def _answers(
    question: NDArray[np.int64], answer: NDArray[np.int64], has_pair: NDArray[np.bool_]
) -> dict[int, list[tuple[int, int]]]:
    """Return for each question's first row its answers: (first row, count), commonest first."""
    rows = np.flatnonzero(has_pair)
    counts: dict[int, dict[int, list[int]]] = defaultdict(dict)
    for row in rows.tolist():
        entry = counts[int(question[row])].setdefault(int(answer[row]), [row, 0])
        entry[1] += 1
    return {
        q: sorted(((row, n) for row, n in found.values()), key=lambda x: (-x[1], x[0]))
        for q, found in counts.items()
    }


def _texts(scope: Scope, files: Sequence[Path], rows: Sequence[int]) -> dict[int, _Text]:
    """Return what the given rows say, read by the engine, part by part."""
    inputs, low = [], 0
    for part, path in zip(scope.parts, files, strict=True):
        high = low + n_rows(path)
        wanted = [row for row in rows if low <= row < high]
        if wanted:
            chosen = scope.phase("compared-chosen") / path.name
            table = {
                "at": pa.array([w - low for w in wanted], pa.int64()),
                "row": pa.array(wanted, pa.int64()),
            }
            write_table(chosen, pa.table(table))
            inputs.append((part, chosen))
        low = high
    if not inputs:
        return {}
    out = scope.engine.map(
        Step(f"{__name__}:Texts"), inputs, scope.phase("compared"), label="answers"
    )
    table = scope.engine.collect(out)
    columns = (table[name].to_pylist() for name in ("row", "question", "answer", "timestamp"))
    return {row: _Text(*said) for row, *said in zip(*columns, strict=True)}


def _first_pairs(records: pa.Table) -> Iterator[tuple[str, str] | None]:
    """Yield the first question and answer of each record, None where it has none."""
    for record in records_from(records):
        found = pairs(record)
        if found and found[0].question.strip() and found[0].answer.strip():
            question, answer = renumbered([found[0].question, found[0].answer])
            yield question, answer
        else:
            yield None


def _plain(question: str) -> str:
    """Return a question without what asks nothing: greetings, particles, "please", "tell me".

    In an open question "how much must one take" asks what "how much does one take" does.
    """
    plain = _IDLE.sub("", question)
    if _OPEN.search(plain):
        plain = _MUST.sub("", plain)
    return plain if fold(plain) else question


class Questions:
    """Records → hashes of the first question, of what it names, of its answer; its signature."""

    def __call__(self, records: pa.Table) -> pa.Table:
        """Return one row a record; `question` and `answer` are null where it has no pair.

        `things` is 0 where the question is none to be put in other words.
        """
        found = list(_first_pairs(records))
        asked = [_plain(p[0]) if p else "" for p in found]
        keys, signs = folded(asked)
        question = [_key(q or None, key) for q, key in zip(asked, keys, strict=True)]
        keys, _ = folded([p[1] if p else "" for p in found])
        answer = [_key(p and p[1], key) for p, key in zip(found, keys, strict=True)]
        table = claims([[("user", q)] if q else [] for q in asked])
        extra = {
            "id": records["id"],
            "question": pa.array(question, pa.binary(16)),
            "answer": pa.array(answer, pa.binary(16)),
            "things": pa.array([_things(q) for q in asked], pa.uint64()),
            "signs": pa.array(signs, pa.uint64()),
        }
        for name, column in extra.items():
            table = table.append_column(name, column)
        return table


def _key(text: str | None, key: bytes) -> bytes | None:
    if text is None:
        return None
    return hash128([key or text.encode("utf-8", "surrogatepass")])


def _things(question: str) -> int:
    """Return a hash of the things that a question names."""
    found = asking(question)
    return short_hash(*found.things) if found else 0


class Texts:
    """Records and chosen rows → those rows' first question and answer."""

    def __call__(self, records: pa.Table, chosen: pa.Table) -> pa.Table:
        """Return the columns `row`, `question`, `answer`, `timestamp`."""
        records = records.take(chosen["at"].combine_chunks())
        found = list(_first_pairs(records))
        return pa.table(
            {
                "row": chosen["row"],
                "question": [p[0] if p else "" for p in found],
                "answer": [p[1] if p else "" for p in found],
                "timestamp": pc.fill_null(records["timestamp"], ""),
            }
        )
