"""Files that a check is given to compare the records with: where they lie, what they hold."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from curator.errors import CuratorError, RecipeError
from curator.tables import file_sha256

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


def located(root: Path, given: Sequence[str], check: str) -> tuple[str, ...]:
    """Return where the files, folders and patterns of a check's `against` lie.

    Args:
        root: the project's folder, where relative paths start.
        given: what the recipe says.
        check: the check's name, for messages.

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
        places.append(str(path))
    return tuple(places)


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
