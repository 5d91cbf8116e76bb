"""Files that a check is given to compare the records with: where they lie, what they hold."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from curator.errors import CuratorError, RecipeError
from curator.tables import file_sha256
from curator.workspace import RECIPE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

MANIFEST = "manifest.json"


def located(
    root: Path,
    given: Sequence[str],
    check: str,
    view_of: Callable[[Path], Sequence[Path]] | None = None,
) -> tuple[str, ...]:
    """Return where the files, folders and patterns of a check's `against` lie.

    An export of curator's stands for its tables, another project for its redacted view.

    Args:
        root: the project's folder, where relative paths start.
        given: what the recipe says.
        check: the check's name, for messages.
        view_of: returns the parts of a project's redacted view.

    Raises:
        RecipeError: one of them is not there.

    """
    from curator.sources.files.folders import is_pattern  # noqa: PLC0415 - readers load when they read

    places = []
    for name in given:
        if not isinstance(name, str) or not name.strip():
            raise RecipeError(
                f"{check}.against: a path is not text", "give files or folders: [eval/test.jsonl]"
            )
        path = root / Path(name).expanduser()
        if not is_pattern(path):
            if not path.exists():
                raise RecipeError(
                    f"{check}.against: {name}: no such file or folder",
                    f"paths start at {root}; correct this one, or leave it out",
                )
            path = path.resolve()
        meant = _meant(root, path, check, view_of)
        if not meant:
            raise RecipeError(f"{check}.against: {name}: holds no row", "leave it out")
        places += [str(place) for place in meant]
    return tuple(places)


def _meant(
    root: Path, path: Path, check: str, view_of: Callable[[Path], Sequence[Path]] | None
) -> Sequence[Path]:
    """Return the tables of an export, the redacted view of another project, any other path."""
    if view_of and (path / RECIPE).is_file() and (path / ".curator").is_dir():
        if path == root.resolve():
            raise RecipeError(
                f"{check}.against: {path}: the project itself",
                "name another one, or one of its exports",
            )
        try:
            return view_of(path)
        except RecipeError as error:
            raise RecipeError(f"{check}.against: {error.message}", error.hint) from None
    for export in (path, path / "latest"):
        if (export / MANIFEST).is_file():
            tables = _tables(export / MANIFEST)
            return [path] if tables is None else [export.resolve() / name for name in tables]
    return [path]


def _tables(manifest: Path) -> list[str] | None:
    """Return the names of an export's tables that have rows, None where it is none of curator's."""
    try:
        told = json.loads(manifest.read_text(encoding="utf-8"))
        files = told["files"] if "exporter_version" in told else None
        return files and [f["path"] for f in files if f["path"].endswith(".parquet") and f["rows"]]
    except (OSError, ValueError, LookupError, TypeError):
        return None


def contents(places: Sequence[str], check: str) -> list[tuple[str, str]]:
    """Return the name and the sha256 of every file that lies there, by name.

    Raises:
        RecipeError: one cannot be read, or nothing is there.

    """
    found = []
    for place in places:
        try:
            files = [(name, file_sha256(path)) for name, path in _files(Path(place))]
        except CuratorError as error:
            raise RecipeError(f"{check}.against: {error.message}", error.hint) from None
        except OSError as error:
            raise RecipeError(
                f"{check}.against: {place}: cannot be read ({error.strerror})",
                "check its permissions, or leave it out",
            ) from None
        if not files:
            raise RecipeError(
                f"{check}.against: {place}: holds no file", "name a file, or a folder with some"
            )
        found += files
    return found


def _files(place: Path) -> Iterator[tuple[str, Path]]:
    from curator.sources.files.folders import Found, is_pattern, matching, walk  # noqa: PLC0415 - as above

    if is_pattern(place):
        entries = matching(place, {})[1]
    elif place.is_dir():
        entries = walk(place, {})
    else:
        yield place.name, place
        return
    yield from ((entry.name, entry.path) for entry in entries if isinstance(entry, Found))
