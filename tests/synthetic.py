"""A workspace made by hand: records, findings and decisions, without any reader or model."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import pyarrow as pa
import yaml

from curator.check import CheckPlan, Plan
from curator.redact import Redact
from curator.rules import load_rules
from curator.schema import Policy, Recipe
from curator.tables import (
    DECISIONS,
    QUARANTINE,
    SET_ASIDE,
    digest,
    finding_row,
    findings_table,
    record_id,
    records_table,
)
from curator.types import Code, Finding, Part, Provenance, Record, Span
from curator.workspace import Workspace, write_json, write_table

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_POLICY = """
rules:
  - id: hide-private-details
    when: {code: "PII*", score_at_least: 0.4}
    then: edit
    because: {zh: 隐私以占位符替换, en: private details are replaced}
  - id: near-duplicates
    when: {code: DUP002, score_at_least: 0.7}
    then: keep_one
    because: {zh: 与另一条几乎相同, en: nearly the same as another record}
  - id: doubtful-answer
    when: {code: LBL001, score_at_least: 0.6}
    then: review
    because: {zh: 答案可能与问题不符, en: the answer may not match the question}
  - id: stale-knowledge
    when: {code: VOL001, score_at_least: 0.5}
    then: drop
    routes: [instruction]
    because: {zh: 内容会过时, en: this goes stale}
  - id: no-answer
    when: {code: QLT010, score_at_least: 0.8}
    then: drop
    because: {zh: 没有实质回答, en: there is no real answer}
"""
POLICY = Policy.model_validate(yaml.safe_load(_POLICY))
RULES = load_rules(Path(__file__).parent)


PII_PARAMS = {
    "pii_rules": [rule.model_dump(mode="json", by_alias=True) for rule in RULES.pii],
    "allow": list(RULES.allow),
    "left_open": ["LOCATION", "ORGANIZATION", "URL"],
}
"""What the check of private details would be given."""


_ENTITIES = {"PII001": "PERSON", "PII002": "PHONE", "PII003": "EMAIL", "PII005": "ADDRESS"}


class FakePii:
    """Stands for the check of private details."""

    name: ClassVar[str] = "pii"
    version: ClassVar[str] = "1"
    view: ClassVar[str] = "raw"
    needs: ClassVar[tuple[str, ...]] = ()
    codes: ClassVar[tuple[Code, ...]] = (
        Code("PII001", "person", "含有人名", "a person's name"),
        Code("PII002", "phone", "含有电话号码", "a phone number"),
    )


class FakeNear:
    """Stands for the corpus checks."""

    name: ClassVar[str] = "near_duplicates"
    version: ClassVar[str] = "1"
    view: ClassVar[str] = "redacted"
    needs: ClassVar[tuple[str, ...]] = ()
    codes: ClassVar[tuple[Code, ...]] = (
        Code("DUP001", "exact duplicate", "与另一条完全相同", "the same as another record"),
        Code("DUP002", "near-duplicate", "与另一条几乎相同", "nearly the same as another record"),
        Code("LBL002", "contradiction", "同题答案矛盾", "contradicting answers"),
    )

    def run(self, scope: object) -> list[Finding]:
        """Make it a corpus check; its findings lie there already, so it is never run."""
        raise AssertionError(scope)


class FakeQuality:
    """Stands for the record checks of the redacted view."""

    name: ClassVar[str] = "quality"
    version: ClassVar[str] = "1"
    view: ClassVar[str] = "redacted"
    needs: ClassVar[tuple[str, ...]] = ()
    codes: ClassVar[tuple[Code, ...]] = (
        Code("QLT010", "empty answer", "没有实质回答", "there is no real answer"),
        Code("LBL001", "label issue", "答案可能与问题不符", "the answer may not match"),
        Code("QLT013", "hard to read", "难以阅读", "hard to read"),
    )


CHECKS = {"pii": FakePii, "near_duplicates": FakeNear, "quality": FakeQuality}


def conversation(
    locator: str, *turns: tuple[str, str], uri: str = "chats.jsonl", **more: Any
) -> Record:
    """Make a conversation record; every turn has a speaker that must never show."""
    parts = tuple(Part(role, text, speaker="SPEAKER", locator=locator) for role, text in turns)
    return _record("conversation", locator, parts, uri, **more)


def document(uri: str, *blocks: tuple[str, str, tuple[str, ...]], **more: Any) -> Record:
    """Make a document record of (role, text, heading path); block n lies on line 2n + 1."""
    parts = tuple(
        Part(role, text, locator=f"line {2 * i + 1}", heading_path=path)
        for i, (role, text, path) in enumerate(blocks)
    )
    return _record("document", "line 1", parts, uri, **more)


def _record(kind: Any, locator: str, parts: tuple[Part, ...], uri: str, **more: Any) -> Record:
    return Record(
        id=record_id(uri, locator, parts),
        kind=kind,
        parts=parts,
        lang=more.get("lang", "zh"),
        provenance=Provenance(uri, digest(uri, length=64), locator, more.get("license", "CC0")),
        label=more.get("label"),
        meta={"column": "META"},
    )


@dataclass
class Made:
    """What a test lays down; `lay` writes it as a workspace."""

    records: list[Record] = field(default_factory=list)
    findings: list[tuple[str, Finding]] = field(default_factory=list)
    fates: dict[str, dict[str, Any]] = field(default_factory=dict)
    quarantine: list[dict[str, Any]] = field(default_factory=list)
    set_aside: list[dict[str, Any]] = field(default_factory=list)

    def add(self, record: Record, **fate: Any) -> Record:
        """Add a record; `fate` are columns of its decision that are not the default."""
        self.records.append(record)
        self.fates[record.id] = fate
        return record

    def hide(self, record: Record, part: int, text: str, placeholder: str, code: str) -> None:
        """Let the check of private details find a text."""
        start = record.parts[part].text.index(text)
        span = Span(part, start, start + len(text))
        evidence = {"rule": "made", "entity": _ENTITIES[code]}
        self.findings.append(
            ("pii", Finding(record.id, "pii", code, 0.9, span, None, placeholder, evidence))
        )

    def find(self, check: str, record: Record, code: str, score: float, **more: Any) -> None:
        """Let a check find something."""
        self.findings.append((check, Finding(record.id, check, code, score, **more)))

    def lay(self, root: Path, *, part_size: int = 4) -> tuple[Workspace, Plan]:
        """Write the workspace and return it with its plan."""
        workspace = Workspace(root)
        (root / "rules" / "pii").mkdir(parents=True, exist_ok=True)
        (root / "rules" / "policy.yaml").write_text(_POLICY, encoding="utf-8")
        sources, parts = [], []
        for uri in dict.fromkeys(r.provenance.source_uri for r in self.records):
            own = [r for r in self.records if r.provenance.source_uri == uri]
            stems = []
            for n in range(0, len(own), part_size):
                stem = f"{digest(uri, length=12)}-{n // part_size:05d}"
                path = workspace.records / f"{stem}.parquet"
                write_table(path, records_table(own[n : n + part_size]))
                parts.append((path, own[n : n + part_size]))
                stems.append({"stem": stem, "records": len(own[n : n + part_size])})
            sources.append(self._source(workspace, uri, own, stems))
        write_json(workspace.store / "sources.json", sources)
        plan = self._check(workspace, parts)
        self._decide(workspace, plan)
        return workspace, plan

    def _source(
        self, workspace: Workspace, uri: str, own: Sequence[Record], stems: list[dict[str, Any]]
    ) -> str:
        source_id = digest(uri, length=12)
        counts = {"units_in_records": sum(r.n_units for r in own)}
        for name, rows, schema in (
            ("quarantine", self.quarantine, QUARANTINE),
            ("set_aside", self.set_aside, SET_ASIDE),
        ):
            mine = [row for row in rows if row["source_uri"] == uri]
            counts[f"units_{'quarantined' if name == 'quarantine' else name}"] = len(mine)
            path = workspace.store / name / f"{source_id}.parquet"
            write_table(path, pa.Table.from_pylist(mine, schema=schema))
        manifest = {
            "id": source_id,
            "uri": uri,
            "path": f"/somewhere/{uri}",
            "sha256": digest(uri, length=64),
            "source": {"license": own[0].provenance.license},
            "adhoc": False,
            "ingested_at": "2020-01-01T00:00:00+00:00",
            "units_read": sum(counts.values()),
            **counts,
            "parts": stems,
        }
        write_json(workspace.store / "ingest" / f"{source_id}.json", manifest)
        return source_id

    def _check(self, workspace: Workspace, parts: list[tuple[Path, list[Record]]]) -> Plan:
        planned = []
        for name, cls in CHECKS.items():
            folder = workspace.findings / name / f"run-{name}"
            found = [f for check, f in self.findings if check == name]
            if hasattr(cls, "run"):
                write_table(folder / "corpus.parquet", findings_table(found, f"run-{name}"))
            else:
                for path, own in parts:
                    ids = {r.id for r in own}
                    mine = [f for f in found if f.record_id in ids]
                    write_table(folder / path.name, findings_table(mine, f"run-{name}"))
            inputs = [path.stem for path, _ in parts]
            write_json(
                folder / "run.json",
                {
                    "status": "succeeded",
                    "inputs": inputs,
                    "n_findings": len(found),
                    "n_records": len(self.records),
                    "seconds": 1.5,
                },
            )
            params = PII_PARAMS if name == "pii" else {}
            planned.append(CheckPlan(name, cls, params, "p", "m", f"run-{name}", folder))  # type: ignore[arg-type]
        view = workspace.redacted / "view"
        for path, own in parts:
            found = [f for check, f in self.findings if check == "pii"]
            table = Redact()(records_table(own), findings_table(found, "run-pii"))
            write_table(view / path.name, table)
        names = tuple(path for path, _ in parts)
        return Plan(names, tuple(planned), "view", tuple(view / path.name for path in names))

    def _decide(self, workspace: Workspace, plan: Plan) -> None:
        edits: dict[str, list[str]] = {}
        for check, finding in self.findings:
            if check == "pii":
                row = finding_row(finding, "")
                edits.setdefault(finding.record_id, []).append(row["id"])
        rows = []
        for record in sorted(self.records, key=lambda r: r.id):
            fate = self.fates[record.id]
            keep = fate.get("action", "keep") == "keep"
            defaults: Mapping[str, Any] = {
                "record_id": record.id,
                "action": "keep",
                "instruction": keep and record.kind == "conversation",
                "rag": keep,
                "edits": sorted(edits.get(record.id, [])),
                "otherwise": [],
                "rule_ids": [],
                "finding_ids": [],
                "survivor_id": None,
                "decided_by": "policy",
                "policy_sha": "policy-sha",
            }
            rows.append({**defaults, **fate})
        table = pa.Table.from_pylist(rows, schema=DECISIONS)
        decision_id = digest(rows)
        write_table(workspace.decisions / decision_id / "decisions.parquet", table)
        manifest = {
            "id": decision_id,
            "policy_sha": "policy-sha",
            "runs": [check.run_id for check in plan.checks],
            "counts": dict(Counter(row["action"] for row in rows)),
            "previous": "before",
            "changed": {"keep (instruction, rag) → drop": 2, "new → keep": 5},
        }
        write_json(workspace.decisions / "current.json", manifest)


def recipe(**exports: Any) -> Recipe:
    """Return a recipe with the given export parameters."""
    return Recipe.model_validate({"name": "made", "exports": exports})
