"""The golden cases: one YAML file per finding code, with what must fire, what must not, and what becomes of the text."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq
import pytest
import yaml

from curator.check import SLOTS
from curator.checks import check_class
from curator.checks.against import located
from curator.edits import apply
from curator.engine import LocalEngine
from curator.evidence import has_phrase
from curator.partly import left_of
from curator.protocols import Scope
from curator.redact import edits_of, redacted
from curator.rules import load_rules
from curator.schema import Models
from curator.tables import finding_row, record_id, records_from, records_table
from curator.text import language
from curator.types import Edit, Finding, Part, Provenance, Record

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pyarrow as pa

    from curator.partly import How

HERE = Path(__file__).parent
FILES = sorted(HERE.glob("*.yaml"))
CASES = [
    pytest.param(data, case, id=f"{data['code']}-{case['name']}")
    for data in (yaml.safe_load(path.read_text(encoding="utf-8")) for path in FILES)
    for case in data["cases"]
]


def build(turns: list[dict[str, str]], number: int) -> Record:
    parts = tuple(
        Part(role, text or "", locator=f"line {number + 1}")
        for turn in turns
        for role, text in turn.items()
    )
    locator = f"line {number + 1}"
    return Record(
        id=record_id("case.jsonl", locator, parts),
        kind="conversation",
        parts=parts,
        lang=language("\n".join(p.text for p in parts)),
        provenance=Provenance("case.jsonl", "0" * 64, locator),
    )


def check_object(
    name: str,
    params: dict[str, Any],
    cache: dict[str, Any] = {},  # noqa: B006 - models load once
) -> Any:
    if params or name not in cache:
        cls = check_class(name)
        rules = load_rules()
        given = {slot: getattr(Models(), slot) for slot in SLOTS} | {
            "languages": ["zh", "en"],
            "pii_rules": [r.model_dump(mode="json", by_alias=True) for r in rules.pii],
            "allow": list(rules.allow),
            "answer_rules": [r.model_dump(mode="json") for r in rules.answers],
            "volatility_rules": [r.model_dump(mode="json") for r in rules.volatility],
        }
        given["redaction"] = [
            (name, {need: given[need] for need in check_class(name).needs})
            for name in ("encoding", "pii")
        ]
        built = cls(**{need: given[need] for need in cls.needs}, **params)  # type: ignore[call-arg]
        if params:
            return built
        cache[name] = built
    return cache[name]


def parameters(data: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Write the case file's `files` to a folder; return its `params`, with paths that start there."""
    for name, text in data.get("files", {}).items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    params = dict(data.get("params", {}))
    if "against" in params:
        params["against"] = located(folder, params["against"], data["check"])
    return params


def findings(
    name: str, records: pa.Table, folder: Path, params: dict[str, Any]
) -> Iterable[Finding]:
    checker = check_object(name, params)
    if not hasattr(checker, "run"):
        return list(checker(records))
    part = folder / "part-00000.parquet"
    pq.write_table(records, part)
    scope = Scope(LocalEngine(), (part,), folder / "cache", folder / "phases")
    return list(checker.run(scope))


@pytest.mark.parametrize(("data", "case"), CASES)
def test_case(data: dict[str, Any], case: dict[str, Any], tmp_path: Path) -> None:
    table = records_table(build(turns, i) for i, turns in enumerate(case["records"]))
    records = list(records_from(table))
    order = {r.id: i for i, r in enumerate(records)}
    params = parameters(data, tmp_path)
    found = list(findings(data["check"], table, tmp_path, params))
    got = set()
    for f in (f for f in found if f.code == data["code"]):
        assert {name for name in f.evidence if not has_phrase(f.code, name)} == set()
        text = records[order[f.record_id]].parts[f.span.part].text if f.span else None
        got.add(
            (
                order[f.record_id],
                f.span.part if f.span else None,
                text[f.span.start : f.span.end] if f.span and text is not None else None,
                order[f.peer_id] if f.peer_id else None,
                f.score,
            )
        )
    for wanted in case["expect"]:
        matching = [
            g
            for g in got
            if g[0] == wanted["record"]
            and all(
                g[i] == wanted[k] for i, k in ((1, "part"), (2, "text"), (3, "peer")) if k in wanted
            )
            and g[4] <= wanted.get("at_most", 1.0)
        ]
        assert matching, f"{wanted} is not among {sorted(got, key=str)}"
        got -= set(matching)
    assert not got, f"found beside what was expected: {sorted(got, key=str)}"
    if "redacted" in case:
        rows = [finding_row(f, "run") for f in found]
        edits = edits_of(rows).get(records[0].id, [])
        assert [p.text for p in redacted(records[0], edits).parts] == case["redacted"]
    for how in ("mask", "generalise"):
        if how in case:
            assert hidden(records[0], found, how) == case[how]


def hidden(record: Record, found: Iterable[Finding], how: How) -> list[str]:
    """Return a record's texts with its details hidden in this way, placeholders where nothing is left."""
    edits = []
    for f in found:
        if f.span is not None and f.replacement is not None:
            said = record.parts[f.span.part].text[f.span.start : f.span.end]
            left = left_of(how, str(f.evidence["entity"]), said)
            edits.append(Edit(f.span, f.replacement if left is None else left, 1))
    return [part.text for part in apply(record.parts, edits)]


def test_every_case_file_has_both_kinds_of_cases() -> None:
    for path in FILES:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
        assert data["code"] == path.stem
        assert any(case["expect"] for case in data["cases"]), f"{path.name}: nothing must fire"
        assert any(not case["expect"] for case in data["cases"]), (
            f"{path.name}: nothing must stay quiet"
        )
