"""Put the report together: facts, excerpts and drawings into one HTML file.

The file loads nothing: style and drawings lie inside, there is no script, and
its content policy forbids everything else. Text is escaped by the template.
"""

from __future__ import annotations

import base64
import hashlib
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from curator.report import drawings, facts
from curator.report.excerpts import Reader
from curator.workspace import write_text

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from curator.check import Plan
    from curator.schema import Policy, Recipe
    from curator.workspace import Workspace

EXAMPLES = 3
PAIRS = (("DUP002", 4), ("DUP001", 1), ("LBL002", 3))
_LANGUAGE_STYLES = ("f-zh", "f-en", "f-other")
_ROLES = {
    "user": ("用户", "user"),
    "assistant": ("助手", "assistant"),
    "system": ("系统", "system"),
    "tool": ("工具", "tool"),
    "heading": ("标题", "heading"),
    "paragraph": ("段落", "paragraph"),
    "table": ("表格", "table"),
    "list": ("列表", "list"),
    "code": ("代码", "code"),
}


def write_report(
    workspace: Workspace,
    recipe: Recipe,
    policy: Policy,
    plan: Plan,
    funnel: Mapping[str, Any],
    decision: Mapping[str, Any] | None,
    out: Path,
) -> Path:
    """Write the report to `out` and return it.

    Args:
        workspace: where records, findings and decisions lie.
        recipe: the project's recipe.
        policy: the rules that the thresholds are drawn from.
        plan: the check runs that count; what is not fresh is shown as such, and
            nothing is said of what it found.
        funnel: the counts of each stage (see `curator.funnel`).
        decision: the manifest of the decision that holds, None before the first.
        out: the file to write.

    Raises:
        WorkspaceError: `out` cannot be written.
    """
    write_text(out, render(workspace, recipe, policy, plan, funnel, decision))
    return out


def render(
    workspace: Workspace,
    recipe: Recipe,
    policy: Policy,
    plan: Plan,
    funnel: Mapping[str, Any],
    decision: Mapping[str, Any] | None,
) -> str:
    """Return the report as HTML; the same workspace gives the same bytes."""
    import jinja2  # noqa: PLC0415 - only the report needs it

    ran = facts.runs(plan)
    fresh = {run.name for run in ran if run.state == "fresh"}
    runs = [check.folder for check in plan.checks if check.name in fresh]
    seen = bool(plan.parts) and all(path.exists() for path in plan.view_parts)
    con = workspace.sql(runs, plan.view if seen else None)
    found = facts.code_facts(con, plan, fresh, policy)
    with_findings = [f for f in found if f.findings]
    examples: dict[str, Any] = {}
    pairs: list[Any] = []
    if seen:
        reader = Reader(con, plan)
        chosen = facts.example_ids(con, [f.code.id for f in with_findings], EXAMPLES)
        examples = {code: reader.examples(rows) for code, rows in chosen.items()}
        for code, n in PAIRS:
            pairs += reader.side_by_side(facts.pairs(con, code, n))
    lengths = facts.lengths(con)
    languages = facts.languages(con)
    style = _asset("report.css")
    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(_asset),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["n"] = "{:,}".format
    return environment.get_template("report.html.j2").render(
        style=style,
        style_hash=base64.b64encode(hashlib.sha256(style.encode()).digest()).decode(),
        project=recipe.name,
        default="en" if recipe.languages[:1] == ("en",) else "zh",
        decision=decision or {},
        funnel=funnel,
        flow=drawings.flow(funnel),
        runs=ran,
        blocked=[run.name for run in ran if run.state != "fresh"],
        found=with_findings,
        silent=[f for f in found if not f.findings],
        n_findings=sum(f.findings for f in found),
        examples=examples,
        seen=seen,
        pairs=pairs,
        names={f.code.id: f.code for f in found},
        rules=facts.rule_facts(con, policy),
        who=facts.decided_by(con),
        changes=facts.changes((decision or {}).get("changed") or {}),
        languages=languages,
        n_languages=_by_language(languages),
        lengths=lengths,
        length_styles=dict(zip(lengths, _LANGUAGE_STYLES, strict=False)),
        length_drawing=drawings.classes(lengths, facts.LENGTHS, _LANGUAGE_STYLES),
        quarantine=facts.quarantine(con),
        roles=_ROLES,
        scores=drawings.scores,
        bar=drawings.bar,
        name=drawings.Name,
        percent=drawings.percent,
        max=max,
    )


def _by_language(rows: list[tuple[str, str, int]]) -> list[tuple[str, int, int]]:
    """Return language, conversations and documents, the most first."""
    found: dict[str, list[int]] = {}
    for lang, kind, n in rows:
        found.setdefault(lang, [0, 0])[kind == "document"] += n
    return sorted(
        ((lang, a, b) for lang, (a, b) in found.items()), key=lambda r: (-r[1] - r[2], r[0])
    )


def _asset(name: str) -> str:
    return (files("curator.report") / name).read_text(encoding="utf-8")
