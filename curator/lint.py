"""What is wrong with rules that load: unused, shadowed, overlapping, untranslated, slow.

Each problem has a level: an `error` is surely a mistake, a `warning` probably is one, a `note`
is worth knowing.
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from curator.checks import codes
from curator.checks.pii import check_rules
from curator.phrases import broken_examples, compiled
from curator.policy import speaks_of
from curator.schema import PhraseRule, PiiRule
from curator.text import HAN

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from curator.rules import RuleSet
    from curator.schema import PolicyRule, Text2
    from curator.types import Code

Pattern: TypeAlias = PiiRule | PhraseRule
"""A rule that looks for something in texts."""

Level = Literal["error", "warning", "note"]
LEVELS: tuple[Level, ...] = ("error", "warning", "note")

_HAN = re.compile(f"[{HAN}]")
_LATIN = re.compile(r"[A-Za-z]{2}")
_SEVERITY = {"edit": 0, "keep_one": 1, "review": 1, "drop": 2}
_SIZES = (16, 20, 25, 30, 36, 48, 64, 128, 256, 512, 1_000, 2_000, 4_000, 8_000)
_TOO_LONG, _TICK = 0.05, 1e-4
_GROWTH = 3.0
"""Twice the text may take twice the time, and something for the noise of the clock."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with one rule."""

    level: Level
    kind: str
    rule: str
    zh: str
    en: str


def lint(rules: RuleSet) -> list[Problem]:
    """Return what is wrong with the rules, errors first, then by rule."""
    found = [
        *_examples(rules),
        *_unused(rules.policy.rules, codes()),
        *_shadowed(rules.policy.rules),
        *_translations(rules),
        *_same(rules),
        *_overlaps(rules),
        *_slow(rules),
    ]
    return sorted(found, key=lambda p: (LEVELS.index(p.level), p.rule, p.kind, p.en))


def _examples(rules: RuleSet) -> Iterator[Problem]:
    """Yield the examples that their own rule does not fulfil."""
    broken = [(p.rule_id, str(p.kind), p.example) for p in check_rules(rules.pii, rules.allow)]
    broken += list(broken_examples((*rules.answers, *rules.volatility)))
    for rule_id, kind, example in broken:
        told = f"{kind}: {example}"
        yield Problem("error", "example", rule_id, f"示例不符：{told}", told)
    for each in _patterns(rules):
        if not each.examples.no_match:
            yield Problem(
                "note", "example", each.id, "没有反例（no_match）", "has no example of no_match"
            )


def _unused(rules: Sequence[PolicyRule], known: Mapping[str, Code]) -> Iterator[Problem]:
    """Yield policy rules that speak of a code that no check finds, or of none at all."""
    for rule in rules:
        wanted = (rule.when.code,) if isinstance(rule.when.code, str) else rule.when.code or ()
        for code in wanted:
            if not any(c.startswith(code[:-1]) if code.endswith("*") else c == code for c in known):
                yield Problem(
                    "error", "unused", rule.id, f"没有检查产出 {code}", f"no check finds {code}"
                )


def _shadowed(rules: Sequence[PolicyRule]) -> Iterator[Problem]:
    """Yield policy rules that another outdoes in all that they speak of."""
    known = codes()
    for rule in rules:
        own = _codes(rule, known)
        for other in rules:
            if other is rule or not own or not own <= _codes(other, known):
                continue
            if _covers(other, rule) and _is_harder(other, rule):
                # With the same outcome a domain's rule is but stricter.
                yield Problem(
                    "note" if other.then == rule.then else "warning",
                    "shadowed",
                    rule.id,
                    f"总是被 {other.id} 盖过",
                    f"is always outdone by {other.id}",
                )
                break


def _codes(rule: PolicyRule, known: Mapping[str, Code]) -> set[str]:
    """Return the codes that a rule speaks of; by check alone, none can be named."""
    return (
        {code for code in known if rule.when.code is not None and speaks_of(rule, "", code)}
        if (rule.when.check is None)
        else set()
    )


def _covers(other: PolicyRule, rule: PolicyRule) -> bool:
    a, b = other.when, rule.when
    return (
        a.score_at_least <= b.score_at_least
        and (a.score_below is None or (b.score_below or 2.0) <= a.score_below)
        and a.lang in (None, b.lang)
        and a.kind in (None, b.kind)
        and set(other.routes) >= set(rule.routes)
    )


def _is_harder(other: PolicyRule, rule: PolicyRule) -> bool:
    """Whether the other's outcome leaves nothing of the rule's."""
    if other.reviewer_may_override and not rule.reviewer_may_override:
        return False
    a, b = _SEVERITY[other.then], _SEVERITY[rule.then]
    if a != b:
        return a > b and (other.then == "drop" or rule.then != "edit")
    same = other.then == rule.then and other.how == rule.how
    # Of two equal ones, that which comes later in the alphabet is told.
    strict = other.when != rule.when or set(other.routes) != set(rule.routes)
    return same and rule.then != "keep_one" and (strict or other.id < rule.id)


def _translations(rules: RuleSet) -> Iterator[Problem]:
    """Yield reasons that are missing in one of the languages."""
    told: list[tuple[str, Text2]] = [(rule.id, rule.because) for rule in rules.policy.rules]
    told += [(rule.id, rule.because) for rule in _patterns(rules) if rule.because]
    for rule_id, text in told:
        if not _HAN.search(text.zh):
            yield Problem(
                "warning",
                "translation",
                rule_id,
                "because.zh 不是中文",
                "because.zh is not Chinese",
            )
        if not _LATIN.search(text.en) or _HAN.search(text.en):
            yield Problem(
                "warning",
                "translation",
                rule_id,
                "because.en 不是英文",
                "because.en is not English",
            )


def _same(rules: RuleSet) -> Iterator[Problem]:
    """Yield rules whose regex another has too."""
    first: dict[tuple[str, str | None], str] = {}
    for rule in _patterns(rules):
        key = (rule.regex, getattr(rule, "lang", None))
        if key in first:
            yield Problem(
                "error",
                "same",
                rule.id,
                f"与 {first[key]} 的正则相同",
                f"has the same regex as {first[key]}",
            )
        first.setdefault(key, rule.id)


def _overlaps(rules: RuleSet) -> Iterator[Problem]:
    """Yield rules whose own examples a rule of another code matches too."""
    groups: tuple[Sequence[Pattern], ...] = (rules.pii, (*rules.answers, *rules.volatility))
    for group in groups:
        patterns = [(rule, _regex(rule)) for rule in group]
        for rule, _ in patterns:
            for other, regex in patterns:
                if other.code == rule.code or other.score < rule.score or _asks_context(other):
                    continue
                if all(regex.search(example) for example in rule.examples.match):
                    yield Problem(
                        "note",
                        "overlap",
                        rule.id,
                        f"其全部示例也符合 {other.id}（{other.code}）",
                        f"{other.id} ({other.code}) matches all of its examples too",
                    )


def _asks_context(rule: Pattern) -> bool:
    return bool(getattr(rule, "context_required", False) or getattr(rule, "validate_with", None))


def _slow(rules: RuleSet) -> Iterator[Problem]:
    """Yield rules whose time grows faster than the text does."""
    for rule in _patterns(rules):
        regex = _regex(rule)
        for bait in _baits(rule):
            if _grows(regex, bait):
                yield Problem(
                    "warning",
                    "slow",
                    rule.id,
                    "文本加倍，耗时远不止加倍",
                    "twice the text takes far more than twice the time",
                )
                break
    for pattern in rules.allow:
        regex = re.compile(pattern)
        if any(_grows(regex, bait) for bait in (_repeat("1"), _repeat("a"), _repeat("中"))):
            yield Problem("warning", "slow", f"allow: {pattern[:40]}", "耗时过长", "takes too long")


def _regex(rule: Pattern) -> re.Pattern[str]:
    return compiled(rule) if isinstance(rule, PhraseRule) else re.compile(rule.regex)


def _patterns(rules: RuleSet) -> tuple[Pattern, ...]:
    return (*rules.pii, *rules.answers, *rules.volatility)


def _repeat(unit: str) -> Callable[[int], str]:
    return lambda size: (unit * (size // len(unit) + 1))[:size]


def _baits(rule: Pattern) -> Iterator[Callable[[int], str]]:
    """Yield texts of any size that a regex might go back and forth in: its examples, cut up."""
    for unit in ("1", "a", "A", "中", " ", "1-", "a.", "1 ", "a "):
        yield _repeat(unit)
    for example in rule.examples.match[:2]:
        yield _repeat(example)
        for part in dict.fromkeys(re.findall(r"[^\W\d_]+|\d+|[^\w]+", example)):
            yield _repeat(part)


def _grows(regex: re.Pattern[str], bait: Callable[[int], str]) -> bool:
    """Whether a search goes back and forth: told on short texts first, lest it never ends."""
    before = 0.0
    for size in _SIZES:
        seconds = _seconds(regex, bait(size))
        if seconds > _TOO_LONG:
            again = min(seconds, _seconds(regex, bait(size)) if seconds < 1 else seconds)
            return again > _TOO_LONG and again > _GROWTH * max(before, _TICK)
        before = seconds
    return False


def _seconds(regex: re.Pattern[str], text: str) -> float:
    began = time.process_time()
    for _ in regex.finditer(text):
        pass
    return time.process_time() - began
