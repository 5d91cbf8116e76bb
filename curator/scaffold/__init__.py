"""New projects: a commented recipe, a copy of the rules, and the bundled sample."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from curator.errors import WorkspaceError
from curator.rules import bundled
from curator.scaffold.look import look_at
from curator.scaffold.recipe import recipe_text
from curator.workspace import RECIPE, disk_error, write_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from curator.scaffold.look import Seen


@dataclass(frozen=True)
class Made:
    """A new project: where its recipe lies, and what was seen of its sources."""

    recipe: Path
    seen: Seen | None


def scaffold(folder: Path, sources: Sequence[Path], *, rules: bool = True) -> Made:
    """Make a project with a recipe for the given sources.

    Each is looked at, and what was recognised or guessed is written into the recipe
    beside why, so that it can be seen and corrected.

    Raises:
        WorkspaceError: there is a project already, or the folder cannot be written.
        SourceError: a source is missing, empty, or nothing of it can be read.

    """
    recipe = _fresh(folder)
    seen = look_at(sources) if sources else None
    write_text(recipe, recipe_text(folder.resolve(), seen))
    if rules:
        _copy(bundled(), folder / "rules")
    return Made(recipe, seen)


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


def _fresh(folder: Path) -> Path:
    recipe = folder / RECIPE
    if recipe.exists():
        raise WorkspaceError(
            f"{recipe} is there already", "work on with: curator run, or choose another folder"
        )
    return recipe


def _copy(origin: Path, target: Path) -> None:
    try:
        shutil.copytree(
            origin,
            target,
            dirs_exist_ok=True,
            ignore=shutil.ignore_patterns("__pycache__", "*.py", "content", "generator"),
        )
    except OSError as error:
        raise disk_error(error, target) from None
