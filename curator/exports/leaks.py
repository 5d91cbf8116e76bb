"""The leak gate: a second look at all that an export would publish, before it is published.

The files as they are written are read again. No text in them may say

- a private value that the decision hides anywhere in the project (see `curator.pii.known`:
  what is found once is looked for everywhere), or
- what a rule of `rules/pii` finds there with a score at which the policy hides it, or with
  a strong checksum, whatever the findings say.

The values are taken from the records for this and are never written; what stops an export
is told by record, file and field alone.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from curator.corrections import MARKED
from curator.errors import GateError
from curator.exports.looked import Clean, line_of, said_by, texts_of
from curator.intervals import Intervals
from curator.pii.known import KnownSearch, Value, Values, longest
from curator.pii.scanning import RuleScan
from curator.policy import speaks_of
from curator.tables import digest, read_table
from curator.text import fold
from curator.types import ROUTES

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    import duckdb

    from curator.check import CheckPlan, Plan
    from curator.schema import Policy
    from curator.verdicts import Mark, Verdict

SHOWN = 10
_IDS = frozenset({"id", "record_id", "survivor_id", "sha256", "source_sha256"})
_MADE = frozenset({"locator", "citation", "valid_from", "valid_until"})
"""Fields that are put together from numbers and from other fields: no rule is tried on them."""
_SEEN_BY_PEOPLE = ("PERSON", "PRIVATE")
"""What a marked text is tried as: a name by its form, else whatever has a digit or an @."""
_HASH = re.compile(r"\b[0-9a-f]{12,64}\b")
_VALUES = ["id", "record_id", "code", "score", "part", "start", "end", "evidence"]


@dataclass(frozen=True, slots=True)
class Leak:
    """Where a private detail shows, and how it was noticed; never what it is."""

    record_id: str
    file: str
    field: str
    code: str
    entity: str
    rule: str

    def __str__(self) -> str:
        """Say it in a line."""
        who = f"record {self.record_id}" if self.record_id else "no record"
        return f"  {who}: {self.entity} ({self.code}), {self.rule}, in {self.file}, {self.field}"


class Text(NamedTuple):
    """A text that is to be published: whose it is, and the file and field that say it."""

    record_id: str
    file: str
    field: str
    text: str
    line: bytes | None = None
    """The row's line, as `line_of` gives it; None where it is none."""


def stop_leaks(folder: Path, name: str, gate: Gate | None) -> None:
    """Make sure that no file of an export shows a private detail.

    Args:
        folder: the export as it is to be published.
        name: what it is called.
        gate: what looks for them; None where nothing is hidden.

    Raises:
        GateError: a file shows one; the message names the records, and no detail.
    """
    if gate is not None:
        refuse(gate.leaks_in(folder), f"export {name} is not published", "export again")


def refuse(leaks: Iterable[Leak], refused: str, again: str) -> None:
    """Raise if there are leaks.

    Args:
        leaks: what was found.
        refused: what does not happen because of them.
        again: what to do when they are mended.

    Raises:
        GateError: there are some; the message names the records, and no detail.
    """
    found = list(leaks)
    if not found:
        return
    first: dict[str, Leak] = {}
    for leak in found:
        first.setdefault(leak.record_id or f"{leak.file}\n{leak.field}", leak)
    lines = [str(leak) for leak in list(first.values())[:SHOWN]]
    if len(first) > SHOWN:
        lines.append(f"  … and {len(first) - SHOWN} more")
    raise GateError(
        f"{refused}: private details would show ({len(first)} found)\n" + "\n".join(lines),
        f"run: curator check, curator decide, and {again}; look with: curator why ID;"
        " what is not private goes on the allow list of a file in rules/pii,"
        " what is to be hidden at a lower score in rules/policy.yaml",
    )


def gate_of(
    con: duckdb.DuckDBPyConnection,
    plan: Plan,
    policy: Policy,
    verdicts: Mapping[str, Verdict],
    routes: Collection[str] = ROUTES,
    surrogates: Iterable[str] = (),
    folder: Path | None = None,
) -> Gate | None:
    """Return the gate of a decision; None without the check of private details.

    Args:
        con: with the view `decisions`.
        plan: the check runs that count.
        policy: which findings are hidden.
        routes: where texts go: what is hidden on one of these may not show.
        verdicts: what reviewers said: what they mark as private is looked for too.
        surrogates: made-up values, which look like private ones.
        folder: where it keeps what it has looked through, if anywhere.

    """
    pii = next((check for check in plan.checks if check.name == "pii"), None)
    if pii is None:
        return None
    marked = {record: verdict.hidden for record, verdict in verdicts.items() if verdict.hidden}
    return Gate(pii, plan, policy, routes, _hidden(con, routes), marked, surrogates, folder)


class Gate:
    """Looks through texts for the values that a decision hides and for what the rules find."""

    def __init__(
        self,
        pii: CheckPlan,
        plan: Plan,
        policy: Policy,
        routes: Collection[str],
        hidden: frozenset[str],
        marked: Mapping[str, Sequence[Mark]],
        surrogates: Iterable[str] = (),
        folder: Path | None = None,
    ) -> None:
        allow = pii.params["allow"]
        self._rules = RuleScan(pii.params["pii_rules"], allow, pii.params["left_open"])
        self._least = {
            code.id: min(
                (
                    rule.when.score_at_least
                    for rule in policy.rules
                    if rule.then == "edit"
                    and any(route in rule.routes for route in routes)
                    and speaks_of(rule, "pii", code.id)
                ),
                default=None,
            )
            for code in pii.cls.codes
        }
        held = _held(pii, plan, hidden, marked, allow, folder)
        self._known = KnownSearch(held, allow)
        made = {fold(text): Value("", "", text) for text in surrogates}
        self._made = KnownSearch({key: value for key, value in made.items() if key}, ())
        rules = digest(
            pii.cls.version, pii.params["pii_rules"], allow, pii.params["left_open"], self._least
        )
        # A surrogate hides a private detail that it looks like, so that what they are counts too.
        self._clean = Clean(held, allow, rules, None if made else folder)

    def leaks(self, texts: Iterable[Text]) -> Iterator[Leak]:
        """Yield the leaks in texts, each text looked through once."""
        seen: dict[int, bool] = {}
        for record_id, file, name, text, line in texts:
            ruled = name.rpartition(".")[2] not in _MADE
            key = hash((ruled, text))
            if key not in seen:
                known = self._clean.knows(text, ruled=ruled)
                seen[key] = False
                for code, entity, rule in () if known else self._found(text, ruled=ruled):
                    seen[key] = True
                    yield Leak(record_id, file, name, code, entity, rule)
                if not seen[key]:
                    self._clean.add(text, ruled=ruled, line=line)
            if line is not None:
                self._clean.add_line(line, shows=seen[key])
        self._clean.keep()

    def leaks_in(self, folder: Path) -> Iterator[Leak]:
        """Yield the leaks in all that the files of an export say."""
        return self.leaks(
            Text(record_id, path.name, name, text, line)
            for path in sorted(folder.iterdir())
            for record_id, name, text, line in self._unknown(path)
        )

    def _unknown(self, path: Path) -> Iterator[tuple[str, str, str, bytes | None]]:
        """Yield record id, field, text and line of what a file says and was not looked through.

        A table is read as its JSONL.
        """
        if path.suffix == ".jsonl":
            with path.open("rb") as lines:
                for raw in lines:
                    line = line_of(raw)
                    known = self._clean.knows_line(line)
                    if known and not self._clean.has_new:
                        continue
                    for record_id, name, text in _texts(json.loads(raw)):
                        if not known or self._clean.shows_new(text):
                            yield record_id, name, text, line
        elif path.suffix in {".json", ".md"}:
            whole = path.read_text(encoding="utf-8").splitlines()
            for number, said in enumerate(whole, 1):
                yield "", f"line {number}", _HASH.sub("", said), None

    def _found(self, text: str, *, ruled: bool) -> Iterator[tuple[str, str, str]]:
        made = Intervals((p.start, p.end) for p in self._made.places(text))
        for place in longest(self._known.places(text)):
            if not made.touch(place.start, place.end):
                value = self._known.values[place.key]
                yield value.code, value.entity, "found elsewhere"
        for found in self._rules.found(text) if ruled else ():
            rule = found.rule
            if self._is_hidden(rule.code, found.score) and not made.touch(*found[:2]):
                yield rule.code, rule.entity, f"rule {rule.id}"

    def _is_hidden(self, code: str, score: float) -> bool:
        least = self._least.get(code)
        return least is not None and score >= least


def _hidden(con: duckdb.DuckDBPyConnection, routes: Collection[str]) -> frozenset[str]:
    """Return the findings that the decision hides on one of the routes, be it in part."""
    found: set[str] = set()
    for route in routes:
        rows = con.execute(
            "SELECT DISTINCT unnest(edits) FROM decisions EXCEPT"
            " SELECT o.finding_id FROM (SELECT unnest(otherwise) AS o FROM decisions)"
            " WHERE o.route = $route AND o.how = 'leave'",
            {"route": route},
        ).fetchall()
        found.update(row[0] for row in rows)
    return frozenset(found)


def _held(
    pii: CheckPlan,
    plan: Plan,
    hidden: frozenset[str],
    marked: Mapping[str, Sequence[Mark]],
    allow: Sequence[str],
    folder: Path | None,
) -> dict[str, Value]:
    """Return the values that the decision hides somewhere and that are looked for everywhere."""
    values = Values()
    wanted = pa.array(sorted(hidden), pa.string())
    for part in plan.parts:
        found = read_table(pii.folder / part.name, columns=_VALUES)
        rows = found.filter(pc.is_in(found["id"], value_set=wanted)).to_pylist()
        texts = dict(texts_of(part, {*marked, *(row["record_id"] for row in rows)}))
        for row in rows:
            said = texts[row["record_id"]][row["part"]][row["start"] : row["end"]]
            evidence = json.loads(row["evidence"])
            values.add(said, row["record_id"], row["code"], row["score"], evidence)
        for record_id in marked.keys() & texts.keys():
            for mark in marked[record_id]:
                said = texts[record_id][mark.part][mark.start : mark.end]
                for entity in _SEEN_BY_PEOPLE:
                    values.add(said, record_id, MARKED, 1.0, {"entity": entity})
    return values.held(said_by(values.by_key, allow, plan.parts, folder))


def _texts(row: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Yield record id, field and text of all that a row says."""
    record_id = row.get("record_id") or row.get("survivor_id") or row.get("id", "")
    for name, text in _strings(row, ""):
        yield record_id, name, text


def _strings(value: Any, name: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield name, value
    elif isinstance(value, dict):
        for key, held in value.items():
            if key not in _IDS:
                yield from _strings(held, f"{name}.{key}" if name else key)
    elif isinstance(value, list):
        for at, held in enumerate(value):
            yield from _strings(held, f"{name}[{at}]")
