"""The checks, one file each; a check only finds, the policy decides."""

from __future__ import annotations

import difflib
from importlib import import_module
from typing import TYPE_CHECKING

from curator.errors import RecipeError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from curator.protocols import Check
    from curator.types import Code

CHECKS = {
    "encoding": "curator.checks.encoding:Encoding",
    "pii": "curator.checks.pii:Pii",
    "mentions": "curator.checks.mentions:Mentions",
    "quality": "curator.checks.quality:Quality",
    "language": "curator.checks.language:Language",
    "non_answers": "curator.checks.non_answers:NonAnswers",
    "volatility": "curator.checks.volatility:Volatility",
    "exact_duplicates": "curator.checks.exact_duplicates:ExactDuplicates",
    "near_duplicates": "curator.checks.near_duplicates:NearDuplicates",
    "semantic_duplicates": "curator.checks.semantic_duplicates:SemanticDuplicates",
    "contamination": "curator.checks.contamination:Contamination",
    "contradictions": "curator.checks.contradictions:Contradictions",
    "label_issues": "curator.checks.label_issues:LabelIssues",
    "category_labels": "curator.checks.category_labels:CategoryLabels",
    "outliers": "curator.checks.outliers:Outliers",
}
"""Name → where the class is, in the order in which the checks run."""


def check_class(name: str) -> type[Check]:
    """Return a check's class.

    Raises:
        RecipeError: there is no such check; the hint lists the known ones.

    """
    if name not in CHECKS:
        near = difflib.get_close_matches(name, CHECKS, n=1)
        guess = f"did you mean {near[0]}? " if near else ""
        raise RecipeError(f"unknown check: {name}", f"{guess}known checks: {', '.join(CHECKS)}")
    module, _, cls = CHECKS[name].partition(":")
    found: type[Check] = getattr(import_module(module), cls)
    return found


def known(names: Iterable[str]) -> list[str]:
    """Return the names in the order in which checks run, after making sure that each is known."""
    asked = list(names)
    for name in asked:
        check_class(name)
    return [name for name in CHECKS if name in asked]


def codes() -> dict[str, Code]:
    """Return every finding code that a check may use."""
    return {code.id: code for name in CHECKS for code in check_class(name).codes}
