"""Write the table of docs/duplicates.md and its Chinese twin by running the checks.

python -m docs.duplicate_table
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from curator.checks import check_class
from curator.engine import LocalEngine
from curator.protocols import Scope
from curator.rules import load_rules
from curator.schema import Models
from curator.tables import records_table
from curator.text import language
from curator.types import Part, Provenance, Record
from curator.workspace import write_table

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

HERE = Path(__file__).resolve().parent
PAGES = {"en": HERE / "duplicates.md", "zh": HERE / "duplicates.zh-CN.md"}
CHECKS = ("exact_duplicates", "near_duplicates", "semantic_duplicates", "contradictions")
CODES = ("DUP001", "DUP002", "DUP003", "DUP005", "LBL002")
BEGIN, END = "<!-- table: python -m docs.duplicate_table -->", "<!-- end -->"
_WORDS = {
    "en": {"keep_one": "**one stays**", "review": "review", "told": "told", "none": "·"},
    "zh": {"keep_one": "**只留一条**", "review": "送审", "told": "仅提示", "none": "·"},
}
_HEADS = {
    "en": ("what differs", "first", "second", "exact", "near", "contained", "semantic", "answers"),
    "zh": ("不同之处", "前一条", "后一条", "完全相同", "近似", "被包含", "同义", "回答矛盾"),
}

Turns = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Example:
    """Two records, as their turns, that differ in one thing, which is named in both languages."""

    differs: Mapping[str, str]
    first: Turns
    second: Turns


EXAMPLES = tuple(
    Example(row["differs"], tuple(row["first"]), tuple(row["second"]))
    for row in yaml.safe_load((HERE / "duplicate_examples.yaml").read_text(encoding="utf-8"))
)


def records() -> list[Record]:
    """Return the examples as records, the two of each one after the other."""
    found = []
    for number, turns in enumerate(t for e in EXAMPLES for t in (e.first, e.second)):
        roles = ("user", "assistant") * len(turns)
        found.append(
            Record(
                f"r{number:03d}",
                "conversation",
                tuple(Part(role, text) for role, text in zip(roles, turns, strict=False)),
                language("".join(turns)),
                Provenance("examples", "0" * 64, f"line {number + 1}"),
            )
        )
    return found


def outcomes() -> list[dict[str, str]]:
    """Run the checks; return for each example what the policy makes of each code.

    `keep_one` and `review` are what the bundled policy does, `told` is a finding
    that it leaves alone, `none` is no finding.
    """
    found = [dict.fromkeys(CODES, "none") for _ in EXAMPLES]
    with tempfile.TemporaryDirectory() as name, LocalEngine() as engine:
        folder = Path(name)
        part = folder / "part-00000.parquet"
        write_table(part, records_table(records()))
        for check in CHECKS:
            cls = check_class(check)
            given = {"encoder": Models().encoder} if "encoder" in cls.needs else {}
            scope = Scope(engine, (part,), folder / "cache", folder / check)
            for finding in cls(**given).run(scope):  # type: ignore[attr-defined]
                one, other = int(finding.record_id[1:]), int(str(finding.peer_id)[1:])
                row = found[one // 2]
                if one // 2 == other // 2 and row[finding.code] != "keep_one":
                    row[finding.code] = _action(finding.code, finding.score)
    return found


def _action(code: str, score: float) -> str:
    for rule in load_rules().policy.rules:
        codes = (rule.when.code,) if isinstance(rule.when.code, str) else rule.when.code or ()
        if code in codes and score >= rule.when.score_at_least:
            return rule.then
    return "told"


def table(tongue: str, found: Sequence[Mapping[str, str]]) -> str:
    """Return the table in a language of the project's."""
    heads = _HEADS[tongue]
    lines = [f"| {' | '.join(heads)} |", "| --- | --- | --- |" + " :-: |" * len(CODES)]
    for example, row in zip(EXAMPLES, found, strict=True):
        cells = [_WORDS[tongue][row[code]] for code in CODES]
        name = example.differs[tongue]
        lines.append(
            f"| {name} | {_shown(example.first)} | {_shown(example.second)} | {' | '.join(cells)} |"
        )
    return "\n".join(lines)


def _shown(turns: Turns) -> str:
    return "<br>".join(turns)


def with_table(page: str, tongue: str, found: Sequence[Mapping[str, str]]) -> str:
    """Return a page with its table put in anew."""
    before, rest = page.split(BEGIN)
    after = rest.split(END)[1]
    return f"{before}{BEGIN}\n\n{table(tongue, found)}\n\n{END}{after}"


def main() -> None:
    """Write the table into both pages."""
    found = outcomes()
    for tongue, path in PAGES.items():
        page = with_table(path.read_text(encoding="utf-8"), tongue, found)
        path.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
