"""`curator rules`: check, list and describe the rules."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from curator.cli.output import Json, data, say, table

app = typer.Typer(help="Check, list and describe the rules.", no_args_is_help=True)
Project = Annotated[
    Path | None, typer.Option("--project", "-p", help="A project with rules of its own.")
]


@app.command()
def check(*, project: Project = None, json: Json = False) -> None:
    """Load the rules and run every rule's examples; exits 1 where one fails."""
    from curator.checks import codes
    from curator.checks.pii import check_rules
    from curator.phrases import broken_examples
    from curator.rules import load_rules

    rules = load_rules(project)
    problems = [
        {"rule": p.rule_id, "problem": f"{p.kind}: {p.example}"}
        for p in check_rules(rules.pii, rules.allow)
    ]
    problems += [
        {"rule": rule_id, "problem": f"{kind}: {example}"}
        for rule_id, kind, example in broken_examples((*rules.answers, *rules.volatility))
    ]
    known = codes()
    for rule in rules.policy.rules:
        wanted = rule.when.code if isinstance(rule.when.code, tuple) else (rule.when.code,)
        problems += [
            {"rule": rule.id, "problem": f"no check has the code {code}"}
            for code in wanted
            if code
            and not any(
                c == code or (code.endswith("*") and c.startswith(code[:-1])) for c in known
            )
        ]
    if json:
        phrases = (*rules.answers, *rules.volatility)
        count = len(rules.pii) + len(rules.policy.rules) + len(phrases)
        data({"rules": count, "problems": problems})
    else:
        for problem in problems:
            print(f"{problem['rule']}: {problem['problem']}")
        counts = (
            f"{len(rules.policy.rules)} policy rules, {len(rules.pii)} PII rules,"
            f" {len(rules.answers) + len(rules.volatility)} phrase rules"
        )
        say(f"{counts}, {len(problems)} problems ({rules.root})")
    if problems:
        raise typer.Exit(1)


@app.command()
def lint(
    *,
    project: Project = None,
    strict: Annotated[bool, typer.Option(help="Let warnings fail too.")] = False,
    json: Json = False,
) -> None:
    """Look for rules that are unused, shadowed, overlapping, untranslated or slow.

    Exits 1 where something is surely wrong.
    """
    from dataclasses import asdict

    from curator.lint import LEVELS
    from curator.lint import lint as look
    from curator.rules import load_rules

    rules = load_rules(project)
    problems = look(rules)
    if json:
        data([asdict(problem) for problem in problems])
    else:
        if problems:
            table(
                ("level", "kind", "rule", "中文", "English"),
                [(p.level, p.kind, p.rule, p.zh, p.en) for p in problems],
            )
        counts = [f"{sum(p.level == level for p in problems)} {level}s" for level in LEVELS]
        say(f"{', '.join(counts)} ({rules.root})")
    failing = ("error", "warning") if strict else ("error",)
    if any(problem.level in failing for problem in problems):
        raise typer.Exit(1)


@app.command()
def schema(
    kind: Annotated[str, typer.Argument(help="recipe, policy, pii or phrases")] = "recipe",
) -> None:
    """Print the JSON schema of the recipe, the policy, the PII rules or the phrases."""
    from curator.errors import CuratorError
    from curator.schema import PhraseRules, PiiRules, Policy, Recipe, Strict

    models: dict[str, type[Strict]] = {
        "recipe": Recipe,
        "policy": Policy,
        "pii": PiiRules,
        "phrases": PhraseRules,
    }
    if kind not in models:
        raise CuratorError(f"no schema called {kind}", f"one of: {', '.join(models)}")
    data(models[kind].model_json_schema())


@app.command(name="list")
def list_(*, project: Project = None, json: Json = False) -> None:
    """List the rules: what each finds, or what follows from a finding."""
    from curator.checks import codes
    from curator.rules import load_rules

    rules = load_rules(project)
    rows: list[tuple[str, ...]] = [
        (
            r.id,
            r.when.code if isinstance(r.when.code, str) else ", ".join(r.when.code or ()),
            r.then if r.how == "replace" else f"{r.then}: {r.how}",
            r.because.zh,
            r.because.en,
        )
        for r in rules.policy.rules
    ]
    rows += [(r.id, r.code, "find", r.entity, r.entity) for r in rules.pii]
    told = codes()
    rows += [
        (r.id, r.code, "find", told[r.code].zh, told[r.code].en)
        for r in (*rules.answers, *rules.volatility)
    ]
    if json:
        data([dict(zip(("id", "code", "then", "zh", "en"), row, strict=True)) for row in rows])
    else:
        table(("rule", "codes", "then", "中文", "English"), rows)
