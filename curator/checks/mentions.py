"""What is private in one record, said in another where the check of private details passed it."""

from __future__ import annotations

import json
from collections import defaultdict
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from curator.intervals import Intervals
from curator.pii.known import PERSON, KnownSearch, Place, Said, Value, Values, longest
from curator.pii.placing import placeholder_language
from curator.pii.scanning import RuleScan
from curator.pseudonyms import NUMBERED, Pseudonyms, parsed
from curator.redact import FIELDS
from curator.tables import read_table
from curator.text import script
from curator.types import Finding, Span

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from curator.protocols import PartStep, Scope
    from curator.pseudonyms import Lang
    from curator.types import Code, View

_TEXTS = ["id", "lang", *FIELDS, "parts.list.element.text"]
_FOUND = ["record_id", "code", "score", "part", "start", "end", "replacement", "evidence"]


class Mentions:
    """Private details that were found in another record.

    A name that stands as "我叫王小明" in one record is found there by what stands around
    it, and may be passed over in another that only mentions it. So what the check `pii` found
    anywhere, and what is somebody's wherever it stands, is looked for in every record: a name
    of two words, or of two to four Chinese characters with good reason to hold it for one; a
    number, an account, an address. Of the records that say it, a third must have been found to
    mean it (a tenth, where a full name is sure; half, where it has two characters): of the
    records that say a word that was once held for a name, most were not. A Latin name that no
    rule knows must be found in as many records as say it in small letters.

    A label and the name of a source are looked through too, by the rules and for what was
    found; such a finding has no span, and its replacement is the whole label or name.

    Findings have the code of the detail, the rule `mention` and the score of the best finding
    of it; their evidence tells in how many records it was found.

    Args:
        pii_rules: the rules, which are tried on labels and on the names of sources.
        allow: regexes of texts that are never private.
        names: a name counts from this score on, which is that of the policy.
        others: the same of all other details.
    """

    name: ClassVar[str] = "mentions"
    version: ClassVar[str] = "2"
    view: ClassVar[View] = "raw"
    needs: ClassVar[tuple[str, ...]] = ("pii_rules", "allow")
    codes: ClassVar[tuple[Code, ...]] = ()

    def __init__(
        self,
        *,
        pii_rules: Sequence[Mapping[str, Any]],
        allow: Sequence[str],
        names: float = 0.6,
        others: float = 0.4,
    ) -> None:
        self._allow = tuple(allow)
        self._rules = RuleScan(pii_rules, allow)
        self._names, self._others = names, others

    def part_steps(self) -> Sequence[PartStep]:
        """Nothing may begin before all is found."""
        return ()

    def run(self, scope: Scope) -> Iterator[Finding]:
        """Yield the mentions; values lie in memory alone, so nothing is left to other workers."""
        values = Values()
        for part, found in scope.with_findings():
            texts = {row["id"]: row["parts"] for row in _read(part, ["id", _TEXTS[-1]])}
            for row in _private(found):
                if row["score"] >= self._least(row["evidence"]["entity"]):
                    text = texts[row["record_id"]][row["part"]]["text"]
                    covered = text[row["start"] : row["end"]]
                    values.add(
                        covered, row["record_id"], row["code"], row["score"], row["evidence"]
                    )
        said = Said()
        places: list[_Said] = []
        fields: dict[tuple[str, str], list[str]] = defaultdict(list)
        search = KnownSearch(values.by_key, self._allow)
        for part, found in scope.with_findings():
            known: dict[str, list[dict[str, Any]]] = defaultdict(list)
            sure: dict[tuple[str, int], list[tuple[int, int]]] = defaultdict(list)
            for row in _private(found):
                known[row["record_id"]].append(row)
                if row["score"] >= self._least(row["evidence"]["entity"]):
                    sure[row["record_id"], row["part"]].append((row["start"], row["end"]))
            hidden = {part: Intervals(spans) for part, spans in sure.items()}
            for row in _read(part, _TEXTS):
                for field in FIELDS:
                    if row[field]:
                        fields[field, row[field]].append(row["id"])
                said_here = [
                    (at, place)
                    for at, one in enumerate(row["parts"])
                    for place in search.places(one["text"])
                ]
                for at, place in said_here:
                    said.add(row["id"], row["parts"][at]["text"], place)
                new = [
                    (at, place)
                    for at, place in said_here
                    if (row["id"], at) not in hidden
                    or not hidden[row["id"], at].hold(place.start, place.end)
                ]
                if new:
                    places.append(_Said(row, known[row["id"]], new))
        held = values.held(said)
        for one in places:
            yield from self._findings(one, held)
        within = KnownSearch(held, self._allow)
        for (field, text), ids in fields.items():
            found_there = self._in_field(text, within)
            if found_there:
                yield from (self._of_field(i, field, text, found_there) for i in ids)

    def _least(self, entity: str) -> float:
        return self._names if entity == PERSON else self._others

    def _findings(self, said: _Said, held: Mapping[str, Value]) -> Iterator[Finding]:
        held_here: dict[int, list[Place]] = defaultdict(list)
        for at, place in said.places:
            if place.key in held:
                held_here[at].append(place)
        new = {at: list(longest(places)) for at, places in held_here.items()}
        if not new:
            return
        record = said.record
        pseudonyms = Pseudonyms("zh" if record["lang"] == "zh" else "en")
        for row in said.found:
            text = record["parts"][row["part"]]["text"][row["start"] : row["end"]]
            for match in NUMBERED.finditer(row["replacement"]):
                held_by = parsed(match)
                alone = match.group() == row["replacement"]
                pseudonyms.keep(held_by.entity, held_by.number, text if alone else None)
        languages: dict[int, Lang] = {}
        around: dict[int, list[tuple[int, int]]] = defaultdict(list)
        for row in said.found:
            around[row["part"]].append((row["start"], row["end"]))
        for at, place in ((at, place) for at, places in new.items() for place in places):
            text, value = record["parts"][at]["text"], held[place.key]
            if at not in languages:
                spans = [*around[at], *((p.start, p.end) for p in new[at])]
                languages[at] = placeholder_language(text, spans, record["lang"])
            yield Finding(
                record_id=record["id"],
                check=self.name,
                code=value.code,
                score=value.score,
                span=Span(at, place.start, place.end),
                replacement=pseudonyms.of(
                    value.entity, text[place.start : place.end], languages[at]
                ),
                evidence={
                    "entity": value.entity,
                    "rule": "mention",
                    "recogniser": "another record",
                    "found_in": len(value.records),
                    "validated": value.validated,
                },
            )

    def _in_field(self, text: str, held: KnownSearch) -> list[_Detail]:
        """Return what is private in a label or a name of a source, in order, without overlaps."""
        details = [
            _Detail(f.start, f.end, f.rule.entity, f.rule.code, f.score, f.rule.id)
            for f in self._rules.found(text)
            if f.score >= self._least(f.rule.entity)
        ]
        for place in longest(held.places(text)):
            v = held.values[place.key]
            details.append(_Detail(*place[:2], v.entity, v.code, v.score, "mention"))
        kept: list[_Detail] = []
        for detail in sorted(details, key=lambda d: (d.start - d.end, -d.score, d)):
            if not any(k.start < detail.end and detail.start < k.end for k in kept):
                kept.append(detail)
        return sorted(kept)

    def _of_field(
        self, record_id: str, field: str, text: str, details: Sequence[_Detail]
    ) -> Finding:
        # The ending of a file's name says nothing of its language.
        pseudonyms = Pseudonyms("zh" if script(text) in {"han", "mixed"} else "en")
        pieces, at = [], 0
        for d in details:
            pieces += [text[at : d.start], pseudonyms.of(d.entity, text[d.start : d.end])]
            at = d.end
        best = max(details, key=lambda d: d.score)
        return Finding(
            record_id=record_id,
            check=self.name,
            code=best.code,
            score=best.score,
            replacement="".join([*pieces, text[at:]]),
            evidence={"entity": best.entity, "rule": best.rule, "field": field},
        )


class _Detail(NamedTuple):
    """A private detail in a label or a name: half-open, in code points."""

    start: int
    end: int
    entity: str
    code: str
    score: float
    rule: str


class _Said(NamedTuple):
    """A record that says values which are not hidden there: part and place of each."""

    record: Mapping[str, Any]
    found: Sequence[Mapping[str, Any]]
    places: Sequence[tuple[int, Place]]


def _read(path: Path, columns: Sequence[str]) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = read_table(path, columns=columns).to_pylist()
    return rows


def _private(found: Iterable[Path]) -> Iterator[dict[str, Any]]:
    """Yield the findings of private details that are to be hidden, with their evidence read."""
    for path in found:
        for row in _read(path, _FOUND):
            if row["replacement"] is not None and row["code"].startswith("PII"):
                yield row | {"evidence": json.loads(row["evidence"])}
