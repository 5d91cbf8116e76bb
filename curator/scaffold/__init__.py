"""New projects: a commented recipe, a copy of the rules, and the bundled sample."""

from __future__ import annotations

import difflib
import shutil
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from curator.errors import RecipeError, WorkspaceError
from curator.rules import bundled, rule_domains
from curator.scaffold.look import look_at
from curator.scaffold.recipe import recipe_text
from curator.workspace import RECIPE, disk_error, write_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from curator.scaffold.look import Seen


@dataclass(frozen=True)
class Made:
    """A new project: where its recipe lies, and what was seen of its sources."""

    recipe: Path
    seen: Seen | None
    domain: str | None
    """The domain whose rules were copied beside the general ones."""


GENERAL = "general"
_MOSTLY = 0.5
"""The share of records that must speak of a domain before its rules are taken unasked."""


def profiles() -> list[str]:
    """Return the profiles that a project can be made with: a domain's rules, and a language."""
    return [GENERAL, *(f"{name}{lang}" for name in rule_domains() for lang in ("", "-zh", "-en"))]


def scaffold(
    folder: Path, sources: Sequence[Path], *, rules: bool = True, profile: str | None = None
) -> Made:
    """Make a project with a recipe for the given sources.

    Each is looked at, and what was recognised or guessed is written into the recipe
    beside why, so that it can be seen and corrected. The rules of a domain are copied too:
    of the one that `profile` names, else of the one that most of the records speak of.

    Raises:
        RecipeError: there is no such profile.
        WorkspaceError: there is a project already, or the folder cannot be written.
        SourceError: a source is missing, empty, or nothing of it can be read.

    """
    if profile is not None and profile not in profiles():
        near = difflib.get_close_matches(profile, profiles(), n=1)
        guess = f"did you mean {near[0]}? " if near else ""
        raise RecipeError(
            f"there is no profile {profile}", f"{guess}profiles: {', '.join(profiles())}"
        )
    recipe = _fresh(folder)
    seen = look_at(sources) if sources else None
    domain, _, lang = (profile or "").partition("-")
    if profile is None and seen and seen.domain_share >= _MOSTLY:
        domain = seen.domain
    first = lang or (seen.languages[0] if seen else "zh")
    write_text(recipe, recipe_text(folder.resolve(), seen, first))
    chosen = domain if rules and domain in rule_domains() else None
    if rules:
        _copy(bundled(), folder / "rules", "domains")
    if chosen:
        _copy(bundled() / "domains" / chosen, folder / "rules" / "domains" / chosen)
    return Made(recipe, seen, chosen)


def sample(folder: Path) -> Path:
    """Make a project of the sample data that comes with curator; return the recipe's path.

    A sample project that lies there already is left as it is.
    """
    if not (folder / RECIPE).exists():
        _fresh(folder)
        _copy(sample_data(), folder)
    return folder / RECIPE


def sample_data() -> Path:
    """Return the folder of the sample data that comes with curator."""
    inside = Path(str(files("curator"))) / "sample_data"
    return inside if inside.is_dir() else Path(__file__).resolve().parents[2] / "sample_data"


def sample_texts() -> Iterator[str]:
    """Yield the lines of the sample's plain texts, Chinese and English."""
    found = sorted(p for name in ("docs", "raw") for p in (sample_data() / name).rglob("*"))
    for path in found:
        if path.suffix in {".csv", ".jsonl", ".log", ".md", ".tsv", ".txt"}:
            yield from path.read_text(encoding="utf-8", errors="ignore").splitlines()


def _fresh(folder: Path) -> Path:
    recipe = folder / RECIPE
    if recipe.exists():
        raise WorkspaceError(
            f"{recipe} is there already", "work on with: curator run, or choose another folder"
        )
    return recipe


def _copy(origin: Path, target: Path, *but: str) -> None:
    try:
        shutil.copytree(
            origin,
            target,
            dirs_exist_ok=True,
            ignore=shutil.ignore_patterns("__pycache__", "*.py", "content", "generator", *but),
        )
    except OSError as error:
        raise disk_error(error, target) from None
