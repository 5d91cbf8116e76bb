"""The checks, one file each; a check only finds, the policy decides."""

from __future__ import annotations

import difflib
import re
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING

from curator.errors import PluginError, RecipeError
from curator.plugins import plugins, warn
from curator.types import Code

if TYPE_CHECKING:
    from collections.abc import Iterable

    from curator.plugins import Plugin
    from curator.protocols import Check

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


BROKEN = "broken"
"""The version of a check that cannot be loaded: what it found is never fresh."""

_CODE = re.compile(r"[A-Z]{3,5}\d{3}")
_NEEDS = frozenset(("encoder", "ner_zh", "ner_en", "language_id", "languages"))


def every() -> list[str]:
    """Return every check that there is, in the order in which they run: ours, then plug-ins'."""
    return [*CHECKS, *(name for name in plugins("checks") if name not in CHECKS)]


def plugin(name: str) -> Plugin | None:
    """Return the plug-in that brings a check; None for our own."""
    return None if name in CHECKS else plugins("checks").get(name)


def check_class(name: str) -> type[Check]:
    """Return a check's class; for a plug-in that cannot be loaded, one that says so when it runs.

    Raises:
        RecipeError: there is no such check; the hint lists the known ones.

    """
    if name not in CHECKS:
        brought = plugin(name)
        if brought is None:
            near = difflib.get_close_matches(name, every(), n=1)
            guess = f"did you mean {near[0]}? " if near else ""
            raise RecipeError(
                f"unknown check: {name}",
                f"{guess}known checks: {', '.join(every())} (a plug-in's: curator plugins)",
            )
        return _of_plugin(brought)
    module, _, cls = CHECKS[name].partition(":")
    found: type[Check] = getattr(import_module(module), cls)
    return found


def known(asked: Iterable[str]) -> list[str]:
    """Return the names in the order in which checks run, after making sure that each is known."""
    wanted = list(asked)
    for name in wanted:
        if name not in CHECKS:  # else its module would be imported, be it to be turned off
            check_class(name)
    return [name for name in every() if name in wanted]


def codes() -> dict[str, Code]:
    """Return every finding code that a check may use."""
    return {code.id: code for name in every() for code in check_class(name).codes}


@cache
def _of_plugin(brought: Plugin) -> type[Check]:
    try:
        found = brought.load()
        if problem := _problem(brought.name, found):
            raise brought.error(problem)
    except PluginError as error:
        warn(error)
        return _broken(brought, error)
    checked: type[Check] = found
    return checked


def _problem(name: str, found: object) -> str | None:
    """Return what a plug-in's class lacks to be a check."""
    if not isinstance(found, type):
        return "is no class"
    if getattr(found, "name", None) != name:
        return f"has the name {getattr(found, 'name', None)!r} inside, and {name!r} outside"
    version = getattr(found, "version", None)
    if not (isinstance(version, str) and version):
        return "has no version"
    if getattr(found, "view", None) != "redacted":
        return "must have view = 'redacted': a plug-in sees no private details"
    if not (callable(found) and (hasattr(found, "run") or "__call__" in dir(found))):
        return "is neither a record check (__call__) nor a corpus check (run)"
    if hasattr(found, "run") and not hasattr(found, "part_steps"):
        return "is a corpus check without part_steps"
    told = getattr(found, "codes", None)
    if not (isinstance(told, tuple) and told and all(isinstance(code, Code) for code in told)):
        return "has no codes"
    taken = {code.id for own in CHECKS for code in check_class(own).codes}
    for code in told:
        if not _CODE.fullmatch(code.id):
            return f"has the code {code.id!r}: three to five capital letters, three digits"
        if code.id in taken:
            return f"has the code {code.id}, which another check has"
    strange = [need for need in getattr(found, "needs", ()) if need not in _NEEDS]
    return f"needs {strange[0]}, which a plug-in is not given" if strange else None


def _broken(brought: Plugin, error: PluginError) -> type[Check]:
    """Return a check that cannot run: it says why, and blocks what rests on it."""

    class Broken:
        """A plug-in's check that cannot be loaded."""

        name = brought.name
        version = BROKEN
        view = "redacted"
        codes: tuple[Code, ...] = ()
        needs: tuple[str, ...] = ()

        def __init__(self, **_: object) -> None:
            raise PluginError(error.message, error.hint)

        def __call__(self, _: object) -> list[object]:
            return []

    return Broken  # type: ignore[return-value]
