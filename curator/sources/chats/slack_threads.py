"""Threads of a Slack channel that go on in the file of a later day.

The messages of such a thread all belong to the first day that has one of them; the
later files set theirs aside and say where they went. That holds where the channel's
folder is the source, and not where one of its days is named alone.
"""

from __future__ import annotations

import os
import re
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from curator.sources.files.folders import is_pattern
from curator.sources.files.lines import LINE_LIMIT
from curator.tables import file_sha256

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from curator.schema import Source

_DAY = re.compile(r"\d{4}-\d\d-\d\d\.json")
_THREAD = re.compile(rb'"thread_ts"\s*:\s*"(\d[\d.]{0,30})"')

Spans = dict[str, tuple[str, ...]]
"""The names of the files that a thread's messages stand in, the first one first."""


def spans(path: Path, source: Source) -> Spans:
    """Return the threads that a day's file has in common with other days, by their stamps."""
    named = Path(source.path)
    if named.name == path.name or is_pattern(named) or not _DAY.fullmatch(path.name):
        return {}
    try:
        days = tuple(
            (entry.name, status.st_size, status.st_mtime_ns)
            for entry in os.scandir(path.parent)
            if _DAY.fullmatch(entry.name) and entry.is_file(follow_symlinks=False)
            and (status := entry.stat()).st_size <= LINE_LIMIT
        )  # fmt: skip
        every = _spans(path.parent, tuple(sorted(days)))
    except OSError:
        return {}
    return {thread: files for thread, files in every.items() if path.name in files}


def beside(path: Path, source: Source) -> list[str]:
    """Return what stands for the other days that a day's file is read with."""
    found = spans(path, source)
    others = sorted({name for files in found.values() for name in files} - {path.name})
    return [f"{name} {file_sha256(path.parent / name)}" for name in others]


def later_days(path: Path, found: Mapping[str, Sequence[str]]) -> list[Path]:
    """Return the files that hold more of the threads which begin in a day's file."""
    names = {name for files in found.values() if files[0] == path.name for name in files[1:]}
    return [path.parent / name for name in sorted(names)]


@lru_cache(maxsize=8)
def _spans(folder: Path, days: tuple[tuple[str, int, int], ...]) -> Spans:
    seen: dict[bytes, list[str]] = {}
    for name, _, _ in days:
        for thread in set(_THREAD.findall((folder / name).read_bytes())):
            seen.setdefault(thread, []).append(name)
    return {thread.decode(): tuple(names) for thread, names in seen.items() if len(names) > 1}
