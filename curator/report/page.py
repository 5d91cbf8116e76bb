"""Put the report together: facts, excerpts and drawings into one HTML file.

The file loads nothing: style, drawings and the one script (it moves the threshold
explorers' marks) lie inside, and its content policy forbids everything else. Text
is escaped by the template. Without the script nothing is missing: what it shows
are the cells of a table.
"""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from curator.decide import inputs
from curator.evidence import told
from curator.precision import precision
from curator.redact import shown_sources
from curator.report import drawings, facts
from curator.report.changed import changed_groups
from curator.report.curves import curve
from curator.report.excerpts import Reader
from curator.report.groups import duplicate_groups
from curator.report.reliability import reliability
from curator.report.shapes import Name
from curator.report.training import trained
from curator.reviews import agreed, current
from curator.thresholds import explore
from curator.verdicts import verdict_table
from curator.workspace import write_text

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import jinja2

    from curator.changes import Changes
    from curator.check import Plan
    from curator.schema import Policy, Recipe
    from curator.workspace import Workspace

SHOWN_EXAMPLES, EXAMPLES = 3, 12
"""How many examples of a code are shown at once, and how many are there to be searched."""
CONTRADICTIONS = 6
_SCORED = ("DUP002", "DUP003", "DUP005")
"""The duplicates that come with a score, whose thresholds are explored."""
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
_REASONS = {
    "under": ("低于策略的", "under the policy's"),
    "no_rule": ("策略中没有规则涉及", "no rule of the policy speaks of it"),
    "elsewhere": ("已归于另一条", "it falls to another record"),
    "dropped": ("两条之一因别的规则舍弃", "another rule drops one of the two"),
    "kept_by_reviewer": ("审核人保留", "a reviewer keeps it"),
    "beyond": ("归于它的记录与另一条不够接近", "what falls to it is not near the other"),
}


def write_report(
    workspace: Workspace,
    recipe: Recipe,
    policy: Policy,
    plan: Plan,
    funnel: Mapping[str, Any],
    decision: Mapping[str, Any] | None,
    out: Path,
    changes: Changes | None = None,
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
        changes: since an earlier decision, where they are asked for.

    Raises:
        WorkspaceError: `out` cannot be written.
    """
    write_text(out, render(workspace, recipe, policy, plan, funnel, decision, changes))
    return out


def render(
    workspace: Workspace,
    recipe: Recipe,
    policy: Policy,
    plan: Plan,
    funnel: Mapping[str, Any],
    decision: Mapping[str, Any] | None,
    changes: Changes | None = None,
) -> str:
    """Return the report as HTML; the same workspace gives the same bytes."""
    ran = facts.runs(plan)
    fresh = {run.name for run in ran if run.state == "fresh"}
    known = [path for check in plan.checks if check.name in fresh for path in plan.files(check)]
    seen = bool(plan.parts) and all(path.exists() for path in plan.view_parts)
    con = workspace.sql(known, plan.view_parts if seen else ())
    names = shown_sources(con, decided=False)
    listed = [s | {"uri": names.get(s["uri"], s["uri"])} for s in funnel["sources"]]
    funnel = {**funnel, "sources": listed}
    found = facts.code_facts(con, plan, fresh, policy)
    with_findings = [f for f in found if f.findings]
    examples: dict[str, Any] = {}
    pairs: list[Any] = []
    groups: dict[str, Any] = {}
    changed: list[Any] = []
    duplicates = duplicate_groups(
        con, policy, {f.code.id: f.check for f in with_findings if f.code.id.startswith("DUP")}
    )
    if seen:
        reader = Reader(con, plan)
        chosen = facts.example_ids(con, [f.code.id for f in with_findings], EXAMPLES)
        contradictions = facts.pairs(con, "LBL002", CONTRADICTIONS)
        # All of them at once, since each search goes through all parts.
        reader.records(
            [
                *(row["record_id"] for some in chosen.values() for row in some),
                *(row[side] for row in contradictions for side in ("record_id", "peer_id")),
                *(record for shown in duplicates for record in shown.record_ids),
            ]
        )
        examples = {code: reader.examples(rows) for code, rows in chosen.items()}
        pairs = reader.side_by_side(contradictions)
        groups = {shown.code: reader.groups(shown) for shown in duplicates}
        changed = changed_groups(changes, reader) if changes else []
    records, findings = inputs(con)
    given = current(workspace, plan)
    verdicts = verdict_table(agreed(given, recipe).values())
    reviewed = {right.code: right for right in precision(findings, given, policy)}
    curves = [
        curve(explore(records, findings, verdicts, policy, f.code.id))
        for f in with_findings
        if f.code.id in _SCORED
    ]
    lengths = facts.lengths(con)
    languages = facts.languages(con)
    style, script = _asset("report.css"), _asset("explorer.js")
    return _template().render(
        style=style,
        style_hash=_sha256(style),
        script=script,
        script_hash=_sha256(script),
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
        shown_examples=SHOWN_EXAMPLES,
        families=list(dict.fromkeys(f.code.id.rstrip("0123456789") for f in with_findings)),
        seen=seen,
        pairs=pairs,
        duplicates=duplicates,
        groups=groups,
        curves=curves,
        reviewed=reviewed,
        reliability=reliability,
        because=_reason,
        names={f.code.id: f.code for f in found},
        rules=facts.rule_facts(con, policy),
        who=facts.decided_by(con),
        against=changes,
        changed=changed,
        changes=facts.changes((decision or {}).get("changed") or {}),
        languages=languages,
        n_languages=_by_language(languages),
        lengths=lengths,
        length_styles=dict(zip(lengths, _LANGUAGE_STYLES, strict=False)),
        length_drawing=drawings.classes(lengths, facts.LENGTHS, _LANGUAGE_STYLES),
        quarantine=[(names.get(uri, uri), *why) for uri, *why in facts.quarantine(con)],
        roles=_ROLES,
        trained=trained(workspace.root),
        scores=drawings.scores,
        bar=drawings.bar,
        name=Name,
        percent=drawings.percent,
        max=max,
    )


@cache
def _template() -> jinja2.Template:
    """Return the page's template, compiled once in a process."""
    import jinja2  # noqa: PLC0415 - only the report needs it

    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(_asset),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["n"] = "{:,}".format
    return environment.get_template("report.html.j2")


def _reason(name: str) -> tuple[str, str]:
    """Return in both languages why a record does not fall to another: see `groups.Member`."""
    return _REASONS.get(name) or told("", {name: True})[0]


def _by_language(rows: list[tuple[str, str, int]]) -> list[tuple[str, int, int]]:
    """Return language, conversations and documents, the most first."""
    found: dict[str, list[int]] = {}
    for lang, kind, n in rows:
        found.setdefault(lang, [0, 0])[kind == "document"] += n
    return sorted(
        ((lang, a, b) for lang, (a, b) in found.items()), key=lambda r: (-r[1] - r[2], r[0])
    )


def _sha256(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _asset(name: str) -> str:
    return (files("curator.report") / name).read_text(encoding="utf-8")
