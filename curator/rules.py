"""Find and load the rules: the project's own copy where there is one, else the bundled ones."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from curator.schema import PhraseRule, PhraseRules, PiiRule, PiiRules, Policy, load

if TYPE_CHECKING:
    from collections.abc import Iterator


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


def _or_bundled(folder: Path, name: str) -> Path:
    """Return a rule file of the project; where its rules are older than that file, the bundled."""
    return folder / name if (folder / name).exists() else bundled() / name


def load_rules(project: Path | None = None) -> RuleSet:
    """Load the rules that hold for a project (None: the bundled ones).

    Raises:
        RecipeError: a rule file is missing or wrong.

    """
    folder = root(project)
    policy = load(folder / "policy.yaml", Policy)
    loaded = [load(path, PiiRules) for path in rule_files(folder)]
    return RuleSet(
        root=folder,
        policy=policy,
        pii=tuple(rule for part in loaded for rule in part.rules),
        allow=tuple(pattern for part in loaded for pattern in part.allow),
        answers=load(_or_bundled(folder, "answers.yaml"), PhraseRules).rules,
        volatility=load(_or_bundled(folder, "volatility.yaml"), PhraseRules).rules,
    )
