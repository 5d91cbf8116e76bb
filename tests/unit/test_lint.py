"""`curator rules lint`: each kind of mistake is told, and the bundled rules have none."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from curator import lint as lint_module
from curator.errors import RecipeError
from curator.lint import lint
from curator.policy import policy_sha
from curator.rules import bundled, load_rules, rule_domains
from curator.scaffold import profiles, scaffold

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from curator.lint import Problem
    from curator.rules import RuleSet

POLICY = (
    "rules:\n  - {{id: a, when: {{code: DUP002, score_at_least: 0.8}}, then: {0}, because: {1}}}\n"
)
BOTH = "{zh: 理由, en: a reason}"


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    """A project with a copy of the bundled rules, without domains."""
    shutil.copytree(bundled(), tmp_path / "rules", ignore=shutil.ignore_patterns("domains"))
    return tmp_path / "rules"


@pytest.fixture(autouse=True)
def only_new_rules_are_timed(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To time all bundled rules takes seconds; one test does."""
    if request.node.name.startswith("test_the_bundled"):
        return
    timed = lint_module._slow

    def slow(rules: RuleSet) -> Iterator[Problem]:
        new = tuple(rule for rule in rules.volatility if rule.id in {"w", "x"})
        return timed(replace(rules, pii=(), allow=(), answers=(), volatility=new))

    monkeypatch.setattr(lint_module, "_slow", slow)


def kinds(rules: Path) -> set[tuple[str, str, str]]:
    return {(p.level, p.kind, p.rule) for p in lint(load_rules(rules.parent))}


def test_the_bundled_rules_have_no_mistakes() -> None:
    found = lint(load_rules(None, domains=rule_domains()))
    # What is harmless in one domain is outdone by the stricter rule of another.
    assert [p for p in found if p.level != "note"] == []


def test_each_domains_rules_say_who_answers_for_them_and_why() -> None:
    base = {rule.id for rule in load_rules().policy.rules}
    for domain in rule_domains():
        rules = load_rules(None, domains=[domain])
        added = [r for r in rules.policy.rules if r.id not in base]
        assert added, domain
        for rule in (*added, *(r for r in (*rules.pii, *rules.answers) if r.owner)):
            assert rule.owner == domain
            assert rule.because


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (
            "  - {id: x, when: {code: DUP099}, then: drop, because: " + BOTH + "}",
            ("error", "unused", "x"),
        ),
        (
            "  - {id: x, when: {code: QLT012, score_at_least: 0.9}, then: review, because: "
            + BOTH
            + "}",
            ("warning", "shadowed", "x"),  # repetitive drops from 0.6
        ),
        (
            "  - {id: x, when: {code: QLT012, score_at_least: 0.7}, then: drop, because: "
            + BOTH
            + "}",
            ("note", "shadowed", "x"),
        ),
        (
            "  - {id: x, when: {code: QLT013}, then: review, because: {zh: reason, en: a reason}}",
            ("warning", "translation", "x"),
        ),
        (
            "  - {id: x, when: {code: QLT013}, then: review, because: {zh: 理由, en: 理由}}",
            ("warning", "translation", "x"),
        ),
    ],
)
def test_policy_rules(rules: Path, rule: str, expected: tuple[str, str, str]) -> None:
    with (rules / "policy.yaml").open("a", encoding="utf-8") as file:
        file.write(f"\n{rule}\n")
    assert expected in kinds(rules)


@pytest.mark.parametrize(
    "rule",
    [
        # each narrower rule still decides something
        "  - {id: x, when: {code: QLT012, score_at_least: 0.3}, then: review, because: "
        + BOTH
        + "}",
        "  - {id: x, when: {code: QLT012, score_at_least: 0.7}, then: drop, because: "
        + BOTH
        + ", reviewer_may_override: false}",
        "  - {id: x, when: {code: QLT013, kind: document}, then: review, because: " + BOTH + "}",
    ],
)
def test_a_rule_that_still_decides_something_is_not_shadowed(rules: Path, rule: str) -> None:
    with (rules / "policy.yaml").open("a", encoding="utf-8") as file:
        file.write(f"\n{rule}\n")
    assert not [k for k in kinds(rules) if k[2] == "x"]


def phrase(name: str, code: str, regex: str, match: str, no_match: str = "none of it") -> str:
    return (
        f"  - id: {name}\n    code: {code}\n    regex: '{regex}'\n    score: 0.7\n"
        f"    examples: {{match: ['{match}'], no_match: ['{no_match}']}}\n"
    )


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (phrase("x", "VOL001", "soon-ish", "later"), ("error", "example", "x")),
        (phrase("x", "VOL001", r"(?:\d+-?)+x", "12-34x"), ("warning", "slow", "x")),
        (phrase("x", "VOL001", r"[a-z]+@[a-z]+x", "abc@defx"), ("warning", "slow", "x")),
        (
            phrase("w", "VOL003", "quokkas", "quokkas")
            + phrase("x", "VOL001", "quokkas", "quokkas"),
            ("error", "same", "x"),
        ),
        (
            phrase("w", "VOL003", "quokka", "a quokka")
            + phrase("x", "VOL001", "quokkas", "quokkas"),
            ("note", "overlap", "x"),
        ),
    ],
)
def test_phrase_rules(rules: Path, rule: str, expected: tuple[str, str, str]) -> None:
    with (rules / "volatility.yaml").open("a", encoding="utf-8") as file:
        file.write(f"\n{rule}")
    assert expected in kinds(rules)


def test_lint_at_the_command_line(rules: Path, curator: Callable[..., Any]) -> None:
    (rules.parent / "curator.yaml").write_text("sources: []\n", "utf-8")
    clean = json.loads(curator("rules", "lint", "--strict", "-p", rules.parent, "--json").stdout)
    assert {p["level"] for p in clean} <= {"note"}
    with (rules / "policy.yaml").open("a", encoding="utf-8") as file:
        file.write(f"\n  - {{id: x, when: {{code: DUP099}}, then: drop, because: {BOTH}}}\n")
    told = json.loads(curator("rules", "lint", "-p", rules.parent, "--json", code=1).stdout)
    assert told[0] == {
        "level": "error",
        "kind": "unused",
        "rule": "x",
        "zh": "没有检查产出 DUP099",
        "en": "no check finds DUP099",
    }


def test_who_answers_for_a_rule_and_its_source_change_no_hash(rules: Path) -> None:
    before = policy_sha(load_rules(rules.parent).policy)
    path = rules / "policy.yaml"
    text = path.read_text("utf-8").replace(
        "  - id: echo\n", "  - id: echo\n    owner: ann\n    source: a page\n"
    )
    path.write_text(text, "utf-8")
    loaded = load_rules(rules.parent)
    assert next(r for r in loaded.policy.rules if r.id == "echo").owner == "ann"
    assert policy_sha(loaded.policy) == before


def test_profiles_bring_a_domains_rules(tmp_path: Path) -> None:
    assert {"general", "medical", "medical-zh", "service-en", "legal-zh"} <= set(profiles())
    made = scaffold(tmp_path / "p", [], profile="medical-en")
    assert made.domain == "medical"
    assert "languages: [en, zh]" in made.recipe.read_text("utf-8")
    rules = load_rules(tmp_path / "p")
    assert "medical-doubtful-answer" in {rule.id for rule in rules.policy.rules}
    assert "legal-statute" not in {rule.id for rule in rules.policy.rules}
    assert "medicare-beneficiary" in {rule.id for rule in rules.pii}
    assert scaffold(tmp_path / "q", [], profile="general").domain is None
    with pytest.raises(RecipeError, match="no profile medical_zh"):
        scaffold(tmp_path / "r", [], profile="medical_zh")


def test_two_files_may_not_share_an_id(tmp_path: Path) -> None:
    scaffold(tmp_path / "p", [], profile="legal")
    path = tmp_path / "p" / "rules" / "domains" / "legal" / "policy.yaml"
    path.write_text(path.read_text("utf-8").replace("legal-statute", "echo"), "utf-8")
    with pytest.raises(RecipeError, match="two rules share the id echo"):
        load_rules(tmp_path / "p")
