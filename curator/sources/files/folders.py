"""Folders: which of their files are read, and why each of the others is not."""

from __future__ import annotations

import glob
import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from curator.errors import SourceError
from curator.sources.files.archives import shown
from curator.types import Quarantined, SetAside

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_SYSTEM = frozenset(
    {"__macosx", ".ds_store", "thumbs.db", "ehthumbs.db", "desktop.ini", "$recycle.bin"}
)
"""What systems leave in folders and archives, in lower case."""

_KINDS = {
    stat.S_IFIFO: "a pipe, not a file",
    stat.S_IFSOCK: "a socket, not a file",
    stat.S_IFCHR: "a device, not a file",
    stat.S_IFBLK: "a device, not a file",
}


@dataclass(frozen=True, slots=True)
class Found:
    """A file that is to be read; `name` is its path from the folder, as it is shown."""

    path: Path
    name: str


Entry: TypeAlias = Found | SetAside | Quarantined


def is_pattern(path: Path) -> bool:
    """Whether a path is a pattern (`logs/*.txt`), and no file goes by that very name."""
    return glob.has_magic(str(path)) and not path.exists()


def walk(folder: Path, leave: Mapping[Path, str]) -> Iterator[Entry]:
    """Yield every file of a folder and of those inside it, by name: found, or why it is not read.

    Links are not followed: one to a file of the folder is a second name for what is
    read already, and one out of it leads to what nobody named. So there are no loops.

    Args:
        folder: the folder, as `Path.resolve` gives it.
        leave: paths that are not looked into, and why.

    """
    return _walk([folder], folder, leave)


def matching(pattern: Path, leave: Mapping[Path, str]) -> tuple[Path, Iterator[Entry]]:
    """Return the folder that a pattern starts from, and what matches in it, as `walk` has it.

    `**` stands for folders of any depth. A folder that matches is walked.

    Raises:
        SourceError: nothing matches, or it is no pattern that can be.

    """
    steps = pattern.parts
    fixed = next(i for i, step in enumerate(steps) if glob.has_magic(step))
    base = Path(*steps[:fixed]).resolve()
    try:
        found = sorted(base.glob("/".join(steps[fixed:])), reverse=True)
    except ValueError:
        raise SourceError(
            f"{pattern}: not a pattern", "`**` has to stand alone between slashes"
        ) from None
    if not found:
        raise SourceError(f"{pattern}: no file goes by that pattern", "correct the path")
    return base, _walk(found, base, leave)


def _walk(stack: list[Path], root: Path, leave: Mapping[Path, str]) -> Iterator[Entry]:
    """Yield what is on a stack of files and folders, the last first; each once."""
    seen: set[Path] = set()
    while stack:
        path = stack.pop()
        if path in seen:
            continue
        seen.add(path)
        folder = _is_folder(path)
        place = f"{'folder' if folder else 'file'} {_name(path, root)}"
        if path in leave:
            yield SetAside(place, leave[path])
        elif path == root:
            yield from _open(path, place, stack)
        elif why := _not_wanted(path, root):
            yield SetAside(place, why, _count(path) if folder else 1)
        elif folder:
            yield from _open(path, place, stack)
        else:
            yield _look(path, place, root)


def _open(folder: Path, place: str, stack: list[Path]) -> Iterator[Quarantined]:
    """Put what a folder holds on the stack."""
    try:
        stack += sorted(folder.iterdir(), reverse=True)
    except OSError as error:
        yield Quarantined(place, f"cannot be opened ({error.strerror})", b"")


def _look(path: Path, place: str, root: Path) -> Entry:
    """Return what one file (no folder) is."""
    try:
        status = path.lstat()
        if stat.S_ISLNK(status.st_mode):
            return _link(path, place, root)
        if path.parent.resolve() != path.parent:
            return Quarantined(place, "reached through a link, which is not followed", b"")
    except OSError as error:
        return Quarantined(place, f"cannot be read ({error.strerror})", b"")
    if not stat.S_ISREG(status.st_mode):
        return Quarantined(place, _KINDS.get(stat.S_IFMT(status.st_mode), "not a file"), b"")
    if not status.st_size:
        return SetAside(place, "an empty file")
    return Found(path, _name(path, root))


def _link(path: Path, place: str, root: Path) -> SetAside | Quarantined:
    try:
        target = path.resolve(strict=True)
    except FileNotFoundError:
        return Quarantined(place, "a link to what is not there", b"")
    except (OSError, RuntimeError):
        return Quarantined(place, "a link that leads back to itself", b"")
    if target.is_relative_to(root):
        return SetAside(place, "a link into the same folder")
    return Quarantined(place, "a link out of the folder, which is not followed", b"")


def _not_wanted(path: Path, root: Path) -> str | None:
    """Return why a file or folder is left alone by its name; None where it is not."""
    for name in path.relative_to(root).parts:
        lower = name.lower()
        if lower in _SYSTEM or lower.startswith(("._", "~$")):
            return "left there by the system or a program"
        if lower.startswith("."):
            return "hidden"
    return None


def _count(folder: Path) -> int:
    """Return how many files are in a folder, at least 1 so that it is counted itself."""
    return max(1, sum(len(files) for _, _, files in os.walk(folder)))


def _name(path: Path, root: Path) -> str:
    return shown(path.relative_to(root).as_posix())


def _is_folder(path: Path) -> bool:
    try:
        return stat.S_ISDIR(path.lstat().st_mode)
    except OSError:
        return False
