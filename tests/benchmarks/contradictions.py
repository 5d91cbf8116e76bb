"""Contradictions: generated pairs of answers that disagree, or agree, among others' questions.

`contradictions.yaml` has families of questions, each asked about 32 things (a drug for adults,
for children …). Of each thing two records ask, in the same words or in others, and answer with
another dose, unit, date, yes or no, name or article (`contradicting`), or with the same one in
other words, at greater length or in another unit (`agreeing`); or one record asks alone. The
questions about the other things are as like as questions can be that ask something else.
One half of the families was read while the check was worked on; the figures are of the other,
at the default policy's score. Our peer is the rule that most write: the same question, and
answers of which less than half of the words agree.

The lists of words that ask were widened until the aims were met, by what was missed in the half
to look at and among the pairs that people judged; the figures by kind of the other half were seen,
its mistakes were not read. Both halves have one author: a stranger's questions are put in more ways.

False merges: pairs of sentences of PAWS-X, and of questions of LCQMC, OPPO and BQ, that people call
different, and that the check would take as one question in other words.
"""

from __future__ import annotations

import gzip
import json
import random
import tempfile
from collections import Counter
from dataclasses import dataclass
from itertools import combinations, product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from tests.benchmarks.harness import Row, arguments, measured, report

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

TEMPLATES = Path(__file__).with_suffix(".yaml")
LEAST = 0.5
"""The default policy's score."""
KINDS = ("dose", "unit", "date", "yes_no", "name", "article")
_PEER = "the same question, under half of the words in common"
_JUDGED = ("pawsx_zh", "lcqmc", "oppo", "bq")


@dataclass(frozen=True, slots=True)
class Asked:
    """A record: the thing it asks about (`about`), its language, question and answer."""

    about: tuple[int, str, str]
    lang: str
    question: str
    answer: str


@dataclass(frozen=True, slots=True)
class Planted:
    """Two records about one thing, by number, and what they are to each other.

    `kind` is what changed, or how the agreeing answer was made; `reworded` whether the
    questions differ.
    """

    left: int
    right: int
    lang: str
    kind: str
    contradicting: bool
    reworded: bool


def planted(half: str) -> tuple[list[Asked], list[Planted]]:
    """Return the records made of one half of the families, and the pairs among them."""
    # Every value is text: no dates, no yes that is true.
    text = TEMPLATES.read_text(encoding="utf-8")
    families = yaml.load(text, Loader=yaml.BaseLoader)["families"]
    records: list[Asked] = []
    found: list[Planted] = []
    for number, family in enumerate(families):
        if family["half"] != half:
            continue
        chance = random.Random(f"contradictions {number}")
        things = list(product(family["s"], family["w"]))
        chance.shuffle(things)
        for at, (s, w) in enumerate(things):
            said = _said(family, at, chance)
            if said is None:
                said = [_answer(family, chance)], "", False
            answers, kind, contradicting = said
            first = chance.randrange(len(family["questions"]))
            reworded = at % 2 == 1
            forms = [first, (first + 1 + chance.randrange(len(family["questions"]) - 1))]
            if not reworded:
                forms[1] = first
            for form, answer in zip(forms, answers, strict=False):
                question = family["questions"][form % len(family["questions"])]
                texts = [_filled(text, s, w) for text in (question, answer)]
                records.append(Asked((number, s, w), family["lang"], *texts))
            if len(answers) > 1:
                pair = (len(records) - 2, len(records) - 1)
                found.append(Planted(*pair, family["lang"], kind, contradicting, reworded))
    order = list(range(len(records)))
    random.Random(half).shuffle(order)
    place = {old: new for new, old in enumerate(order)}
    moved = [
        Planted(place[p.left], place[p.right], p.lang, p.kind, p.contradicting, p.reworded)
        for p in found
    ]
    return [records[old] for old in order], moved


def _said(
    family: Mapping[str, Any], at: int, chance: random.Random
) -> tuple[list[str], str, bool] | None:
    """Return two answers, how they were made, and whether they contradict; None for one alone."""
    part = at // 2 % 5  # so that every part comes with equal and with reworded questions
    if part == 4:
        return None
    forms = family["answers"]
    if family["kind"] == "yes_no":
        sides = ["yes", "no"]
        chance.shuffle(sides)
        if part < 2:
            return [chance.choice(forms[side]) for side in sides], family["kind"], True
        texts = chance.sample(forms[sides[0]], 2)
        values = ["", ""]
    elif part < 2:
        one, other = chance.sample(family["values"], 2)
        texts = [chance.choice(forms) for _ in range(2)]
        values = [chance.choice(one), chance.choice(other)]
        said = [t.replace("{v}", v) for t, v in zip(texts, values, strict=True)]
        return said, family["kind"], True
    else:
        texts = chance.sample(forms, 2)
        spellings = chance.choice(family["values"])
        if part == 3 and len(spellings) > 1 and chance.random() < 0.5:
            values = chance.sample(spellings, 2)
            return (
                [t.replace("{v}", v) for t, v in zip(texts, values, strict=True)],
                "converted",
                False,
            )
        values = [spellings[0]] * 2
    said = [t.replace("{v}", v) for t, v in zip(texts, values, strict=True)]
    if part == 3:
        gap = "" if family["lang"] == "zh" else " "
        said[1] = gap.join([said[1], *chance.sample(family["more"], 2)])
        return said, "longer", False
    return said, "paraphrased", False


def _answer(family: Mapping[str, Any], chance: random.Random) -> str:
    if family["kind"] == "yes_no":
        return chance.choice(family["answers"][chance.choice(["yes", "no"])])
    value = chance.choice(chance.choice(family["values"]))
    return chance.choice(family["answers"]).replace("{v}", value)


def _filled(text: str, s: str, w: str) -> str:
    text = text.replace("{s}", s).replace("{w}", w)
    return text[0].upper() + text[1:]


def write(records: Sequence[Asked], folder: Path) -> Path:
    """Write the records as one part; a record's id is `r` and its number."""
    import pyarrow.parquet as pq

    from curator.tables import records_table
    from curator.types import Part, Provenance, Record

    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "part-00000.parquet"
    rows = [
        Record(
            f"r{i}",
            "conversation",
            (Part("user", r.question), Part("assistant", r.answer)),
            r.lang,
            Provenance("rows", "0" * 64, f"line {i + 1}"),
        )
        for i, r in enumerate(records)
    ]
    pq.write_table(records_table(rows), path)
    return path


def ours(part: Path, folder: Path) -> dict[tuple[int, int], tuple[float, str]]:
    """Return the pairs that the check tells of, with the score and the first kind."""
    from curator.checks.contradictions import Contradictions
    from curator.engine import LocalEngine
    from curator.protocols import Scope

    with LocalEngine(1) as engine:
        scope = Scope(engine, (part,), folder / "cache", folder / "phases")
        found = {}
        for f in Contradictions().run(scope):
            pair = sorted(int(str(i)[1:]) for i in (f.record_id, f.peer_id))
            found[pair[0], pair[1]] = (f.score, str(f.evidence["kinds"][0]))  # type: ignore[index]
        return found


def plain(records: Sequence[Asked]) -> set[tuple[int, int]]:
    """Return the pairs of one question whose answers have less than half of the words in common."""
    from curator.text import fold, tokens

    asked: dict[str, list[int]] = {}
    for number, record in enumerate(records):
        asked.setdefault(fold(record.question), []).append(number)
    words = [frozenset(tokens(record.answer)) for record in records]
    return {
        (a, b)
        for same in asked.values()
        for a, b in combinations(same, 2)
        if len(words[a] & words[b]) < len(words[a] | words[b]) / 2
    }


def figures(half: str, folder: Path) -> tuple[list[Row], list[str]]:
    """Return the figures of one half, and each mistake with its texts."""
    records, pairs = planted(half)
    run = measured(ours, write(records, folder), folder)
    told = {pair for pair, (score, _) in run.result.items() if score >= LEAST}
    theirs = plain(records)
    by_pair = {(min(p.left, p.right), max(p.left, p.right)): p for p in pairs}
    wrong = {pair for pair, p in by_pair.items() if p.contradicting}
    rows: list[Row] = []
    for lang in ("zh", "en"):
        mine, peer = ({p for p in f if records[p[0]].lang == lang} for f in (told, theirs))
        rows += _by_language(lang, mine, peer, wrong, by_pair)
    n = len(records)
    rows.append(Row(f"CPU seconds, {n} records", run.cpu_seconds))
    mistakes = []
    for a, b in sorted((told - wrong) | (wrong - told)):
        p = by_pair.get((a, b))
        what = "missed" if (a, b) in wrong else "false"
        kind = f"{p.kind}{', reworded' if p.reworded else ''}" if p else "other things"
        texts = [f"{records[i].question} → {records[i].answer}" for i in (a, b)]
        mistakes.append("\n   ".join([f"{what}: {kind} {run.result.get((a, b), '')}", *texts]))
    return rows, mistakes


def _by_language(
    lang: str,
    mine: set[tuple[int, int]],
    peer: set[tuple[int, int]],
    wrong: set[tuple[int, int]],
    by_pair: Mapping[tuple[int, int], Planted],
) -> Iterator[Row]:
    """Yield precision and recall of a language, and both told apart by kind."""
    wrong = {pair for pair in wrong if by_pair[pair].lang == lang}
    others = {pair: p for pair, p in by_pair.items() if p.lang == lang and not p.contradicting}

    def share(of: set[tuple[int, int]], among: set[tuple[int, int]]) -> float | None:
        return round(len(of & among) / len(among), 4) if among else None

    yield Row(f"{lang}: precision", share(wrong, mine), share(wrong, peer), _PEER, ">= 0.95")
    yield Row(f"{lang}: recall", share(mine, wrong), share(peer, wrong), _PEER, ">= 0.9")
    for reworded, name in ((False, "the same question"), (True, "the question in other words")):
        some = {pair for pair in wrong if by_pair[pair].reworded == reworded}
        told = f"{lang}: recall of {len(some)}, {name}"
        yield Row(told, share(mine, some), share(peer, some), _PEER)
    for kind in KINDS:
        some = {pair for pair in wrong if by_pair[pair].kind == kind}
        yield Row(f"{lang}: recall of {len(some)}, another {kind}", share(mine, some))
    for kind in ("paraphrased", "longer", "converted"):
        some = {pair for pair, p in others.items() if p.kind == kind}
        yield Row(f"{lang}: told of {len(some)} agreeing, {kind}", float(len(mine & some)))
    yield Row(f"{lang}: told of other things", float(len(mine - wrong - set(others))))


def merged(data: Path) -> list[Row]:
    """Return how many pairs that people call different are taken as one question, and how many not.

    PAWS-X has sentences, not questions: each is asked as `…吗？`.
    """
    from curator.semantic.asking import likely_same

    rows = []
    for name in _JUDGED:
        with gzip.open(data / "pairs" / f"{name}.jsonl.gz", "rt", encoding="utf-8") as lines:
            pairs = [json.loads(line) for line in lines]
        counts: Counter[tuple[bool, bool]] = Counter()
        for pair in pairs:
            texts = (pair["text_a"], pair["text_b"])
            if name == "pawsx_zh":
                texts = tuple(text.rstrip("。 ") + "吗？" for text in texts)
            counts[bool(pair["is_duplicate"]), likely_same(*texts) > 0] += 1
        differ = counts[False, True] + counts[False, False]
        told = f"{name}: of {differ} pairs that differ, taken as one question"
        rows.append(Row(told, float(counts[False, True])))
        same = counts[True, True] + counts[True, False]
        rows.append(Row(f"{name}: of {same} that are the same", float(counts[True, True])))
    return rows


def main() -> None:
    """Measure and print; with `--look`, the half to look at, each mistake on stderr."""
    import sys

    half = "look" if "--look" in sys.argv else "report"
    if half == "look":
        sys.argv.remove("--look")
    given = arguments(__doc__ or "")
    with tempfile.TemporaryDirectory() as temporary:
        rows, mistakes = figures(half, Path(temporary))
    if half == "look":
        sys.stderr.write("\n".join(mistakes) + "\n")
        report("contradictions", rows, as_json=given.json)
        return
    rows += measured(merged, given.data).result
    report("contradictions", rows, as_json=given.json)


if __name__ == "__main__":
    main()
