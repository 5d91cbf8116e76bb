"""Whether each rule does what its own examples say."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from curator.pii.matching import Pattern, allowed_spans, narrow

if TYPE_CHECKING:
    from collections.abc import Sequence

    from curator.schema import PiiRule


@dataclass(frozen=True, slots=True)
class RuleProblem:
    """An example that a rule does not fulfil; examples are invented, so they may be told."""

    rule_id: str
    kind: Literal["match", "no_match"]
    example: str


def check_rules(rules: Sequence[PiiRule], allow: Sequence[str] = ()) -> list[RuleProblem]:
    """Run each rule alone over its own examples; return those that come out otherwise."""
    allowed = [re.compile(pattern) for pattern in allow]
    problems = []
    for rule in rules:
        pattern = Pattern(rule)
        kinds: tuple[tuple[Literal["match", "no_match"], tuple[str, ...]], ...] = (
            ("match", rule.examples.match),
            ("no_match", rule.examples.no_match),
        )
        problems += [
            RuleProblem(rule.id, kind, example)
            for kind, examples in kinds
            for example in examples
            if _fires(pattern, allowed, example) is not (kind == "match")
        ]
    return problems


def _fires(pattern: Pattern, allowed: Sequence[re.Pattern[str]], example: str) -> bool:
    text = narrow(example)
    harmless = allowed_spans(allowed, text)
    return any(
        not any(a <= found.match.start and found.match.end <= b for a, b in harmless)
        for found in pattern.scored(text)
    )
