"""What a source of the recipe stands for: a file, or all of a folder, a pattern or an archive."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from curator.errors import SourceError
from curator.sources.files.archives import MAX_DEPTH, Budget, archive_kind, unpack
from curator.sources.files.folders import Found, is_pattern, matching, walk
from curator.types import Quarantined, SetAside

if TYPE_CHECKING:
    import os
    from collections.abc import Generator, Iterable, Mapping
    from typing import Literal

    from curator.schema import Source
    from curator.sources.files.folders import Entry


@dataclass(slots=True)
class Container:
    """A folder or an archive, and those of its files that are not read.

    uri: the name that it goes by; its files' names begin with it.
    path: the folder or archive; for an archive in an archive, the outermost.
    member: where it lies in that, if it does.
    refused: what each file is that is not read, by `file NAME`, and why.
    """

    uri: str
    path: Path
    kind: Literal["folder", "zip", "tar"]
    source: Source
    member: str | None = None
    refused: list[SetAside | Quarantined] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class SourceFile:
    """One file to ingest.

    uri: the name that it goes by in locators and exports.
    path: where its bytes lie; for an archive's member, in a folder that is there
        only until the next file is asked for.
    origin: the file that a person finds: itself, or the outermost archive.
    member: where it lies in that archive, if it does.
    container: what it lies in; None where it was named itself.
    """

    uri: str
    path: Path
    source: Source
    origin: Path
    member: str | None = None
    container: Container | None = None

    def refuse(self, reason: str) -> None:
        """Tell the container that this file cannot be read, and why."""
        assert self.container is not None
        self.container.refused.append(Quarantined(self._place(self.container), reason, b""))

    def set_aside(self, reason: str) -> None:
        """Tell the container that this file is not to be read, and why."""
        assert self.container is not None
        self.container.refused.append(SetAside(self._place(self.container), reason))

    def _place(self, container: Container) -> str:
        return f"file {self.uri.removeprefix(f'{container.uri}/')}"


@dataclass(frozen=True, slots=True)
class Listing:
    """How sources are looked up.

    root: the folder that their paths start from.
    temporary: where archives are unpacked, each into a private folder of its own
        that is removed after its files.
    leave: paths that no folder's listing looks into, and why.
    """

    root: Path
    temporary: Path
    leave: Mapping[Path, str]

    def location(self, source: Source) -> Path:
        """Return where a source lies: absolute, links followed, a pattern as it stands."""
        path = self.root / Path(source.path).expanduser()
        return path if is_pattern(path) else path.resolve()

    def files(self, source: Source) -> Generator[SourceFile | Container, None, None]:
        """Yield the files of a source; each container after its files.

        Raises:
            SourceError: there is no such file, or nothing of it can be read.

        """
        path = self.location(source)
        leave = {p: why for p, why in self.leave.items() if p != path}
        if is_pattern(path):
            base, entries = matching(path, leave)
            yield from self._inside(self._container(source, base), entries, Budget(), 0)
        elif path.is_dir():
            if not any(path.iterdir()):
                raise SourceError(f"{path}: an empty folder", "name a folder that holds files")
            container = self._container(source, path)
            yield from self._inside(container, walk(path, leave), Budget(), 0)
        elif kind := archive_kind(path):
            container = Container(source.name or path.name, path, kind, source)
            yield from self._unpacked(container, path, None, Budget(), 0)
        else:
            yield SourceFile(source.name or path.name, path, source, path)

    @staticmethod
    def _container(source: Source, folder: Path) -> Container:
        return Container(source.name or folder.name or "root", folder, "folder", source)

    def _inside(
        self, container: Container, entries: Iterable[Entry], budget: Budget, depth: int
    ) -> Generator[SourceFile | Container, None, None]:
        for entry in entries:
            if not isinstance(entry, Found):
                container.refused.append(entry)
                continue
            uri, member = f"{container.uri}/{entry.name}", None
            origin = entry.path
            if container.kind != "folder":
                origin = container.path
                member = f"{container.member}/{entry.name}" if container.member else entry.name
            file = SourceFile(uri, entry.path, container.source, origin, member, container)
            try:
                kind = archive_kind(entry.path)
            except SourceError as error:
                file.refuse(reason(error, file))
                continue
            if kind is None:
                yield file
                continue
            # An archive in a folder has a budget of its own; one in an archive shares.
            shared = Budget() if container.kind == "folder" else budget
            inner = Container(uri, origin, kind, container.source, member)
            yield from self._unpacked(inner, entry.path, file, shared, depth)
        yield container

    def _unpacked(
        self, container: Container, path: Path, file: SourceFile | None, budget: Budget, depth: int
    ) -> Generator[SourceFile | Container, None, None]:
        """Yield the files of an archive; `file` is the archive itself where it lies in another."""
        if depth > MAX_DEPTH:
            assert file is not None
            file.refuse(f"archives in archives, more than {MAX_DEPTH} deep")
            return
        assert container.kind != "folder"
        self.temporary.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".tmp-", dir=self.temporary) as folder:
            into = Path(folder).resolve()
            status = path.stat()
            try:
                container.refused.extend(unpack(path, container.kind, into, budget))
            except SourceError as error:
                if file is None:
                    raise
                file.refuse(reason(error, file))
                return
            unchanged(path, status)
            yield from self._inside(container, walk(into, {}), budget, depth + 1)


def unchanged(path: Path, before: os.stat_result) -> None:
    """Make sure that a file is what it was before it was read.

    Raises:
        SourceError: its size or its time of change differ.

    """
    after = path.stat()
    if (after.st_size, after.st_mtime_ns) != (before.st_size, before.st_mtime_ns):
        raise SourceError(
            f"{path}: changed while it was read",
            "wait until what writes it is done, then run the same command again",
        )


def reason(error: SourceError, file: SourceFile) -> str:
    """Return why a file is not read, without the path, which may be of a folder that is gone."""
    said = error.message.replace(str(file.path), file.uri)
    return said.removeprefix(f"{file.uri}: ")
