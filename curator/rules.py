"""Find and load the rules: the project's own copy where there is one, else the bundled ones."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from curator.errors import RecipeError
from curator.schema import M, PhraseRule, PhraseRules, PiiRule, PiiRules, Policy, load

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


@dataclass(frozen=True, slots=True)
class RuleSet:
    """All the rules of a project."""

    root: Path
    policy: Policy
    pii: tuple[PiiRule, ...]
    allow: tuple[str, ...]
    answers: tuple[PhraseRule, ...]
    volatility: tuple[PhraseRule, ...]


def bundled() -> Path:
    """Return the folder of the rules that come with curator."""
    inside = Path(str(files("curator"))) / "rules_data"
    return inside if inside.is_dir() else Path(__file__).resolve().parent.parent / "rules"


def root(project: Path | None) -> Path:
    """Return the folder of the rules that hold for a project."""
    if project is not None and (project / "rules").is_dir():
        return project / "rules"
    return bundled()


def rule_files(folder: Path) -> Iterator[Path]:
    """Yield the PII rule files of a rules folder, in order of name."""
    yield from sorted((folder / "pii").glob("*.yaml"))


def rule_domains() -> list[str]:
    """Return the domains that there are bundled rules for."""
    return sorted(folder.name for folder in (bundled() / "domains").iterdir() if folder.is_dir())


def _or_bundled(folder: Path, name: str) -> Path:
    """Return a rule file of the project; where its rules are older than that file, the bundled."""
    return folder / name if (folder / name).exists() else bundled() / name


def load_rules(project: Path | None = None, *, domains: Sequence[str] = ()) -> RuleSet:
    """Load the rules that hold for a project (None: the bundled ones).

    The rules of a domain hold where the project's rules have a folder of its name under
    `domains/`; of the bundled ones, those of `domains`.

    Raises:
        RecipeError: a rule file is missing or wrong, or two rules share an id.

    """
    folder = root(project)
    own = [f for f in sorted((folder / "domains").glob("*")) if f.is_dir()]
    added = [f for f in own if folder != bundled() or f.name in domains]
    policies = [load(folder / "policy.yaml", Policy), *_each(added, "policy.yaml", Policy)]
    pii = [load(path, PiiRules) for path in rule_files(folder)]
    pii += _each(added, "pii.yaml", PiiRules)
    phrases = {
        name: [load(_or_bundled(folder, name), PhraseRules), *_each(added, name, PhraseRules)]
        for name in ("answers.yaml", "volatility.yaml")
    }
    found = RuleSet(
        root=folder,
        policy=Policy.model_construct(rules=tuple(r for one in policies for r in one.rules)),
        pii=tuple(rule for one in pii for rule in one.rules),
        allow=tuple(pattern for one in pii for pattern in one.allow),
        answers=tuple(rule for one in phrases["answers.yaml"] for rule in one.rules),
        volatility=tuple(rule for one in phrases["volatility.yaml"] for rule in one.rules),
    )
    for kind in (found.policy.rules, found.pii, (*found.answers, *found.volatility)):
        ids = [rule.id for rule in kind]
        if twins := sorted({i for i in ids if ids.count(i) > 1}):
            raise RecipeError(
                f"{folder}: two rules share the id {twins[0]}", "give one of them another id"
            )
    return found


def _each(folders: Sequence[Path], name: str, model: type[M]) -> list[M]:
    return [load(folder / name, model) for folder in folders if (folder / name).exists()]
