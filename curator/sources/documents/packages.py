"""Office packages: what kind of file one is, and whether it is safe to open.

Office Open XML and OpenDocument files are ZIP archives; older files and those with a
password are compound files (OLE, [MS-CFB]). An archive is unpacked once, piece by
piece, before anything reads it: what it states of its sizes need not be true.
"""

from __future__ import annotations

import mmap
import posixpath
import zipfile
import zlib
from functools import lru_cache
from typing import TYPE_CHECKING, Any, BinaryIO

from curator.errors import SourceError
from curator.sources.files.lines import CHUNK, opened

if TYPE_CHECKING:
    from pathlib import Path

    from curator.sources.formats import Start

OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ZIP = (b"PK\x03\x04", b"PK\x05\x06")
_LARGEST = 1 << 30
"""Bytes that a package may unpack to."""
_RATIO, _RATIO_FROM = 300, 1 << 26
"""How often larger an entry may become, once it is beyond 64 MiB: XML of tables reaches 100."""
_ENTRIES = 20_000
_ENTITIES = tuple("<!ENTITY".encode(name) for name in ("utf-8", "utf-16-le", "utf-16-be"))
_MANIFEST = "META-INF/manifest.xml"
"""Where OpenDocument says of a part that it is encrypted."""

_DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, ValueError)
_ALWAYS = "save it again from where it came"
_OLD = {
    ".docx": ((".doc", ".dot"), "WordDocument", "a Word 97-2003 document"),
    ".pptx": ((".ppt", ".pps"), "PowerPoint Document", "a PowerPoint 97-2003 presentation"),
}


def package(start: Start, holds: str, *suffixes: str) -> bool:
    """Whether a file is a sound package that holds an entry of this name or folder.

    Raises:
        SourceError: it is one by its name or its content, and cannot be opened: damaged,
            locked with a password, of an older format, or a zip bomb.

    """
    if start.data.startswith(OLE):
        _no_ole(start, suffixes)
        return False
    if not start.data.startswith(_ZIP):
        if start.suffix in suffixes and not start.text:
            raise SourceError(
                f"{start.path}: not {_a(start.suffix)} file, whatever its name says",
                "check where it comes from, or remove it",
            )
        return False
    try:
        with opened(start.path) as file, zipfile.ZipFile(file) as archive:
            if not any(name.startswith(holds) for name in archive.namelist()):
                return False
    except _DAMAGE:
        if start.suffix not in suffixes:
            return False
        raise _damaged(start.path) from None
    check_package(start.path)
    return True


def check_package(path: Path) -> None:
    """Unpack all texts of a package once, before anything reads it.

    Raises:
        SourceError: it is damaged, needs a password, defines entities, or is a zip bomb.

    """
    said = path.stat()
    _check_once(path, said.st_size, said.st_mtime_ns)


class Parts:
    """The parts of an Office Open XML package, and how they refer to each other.

    ECMA-376 part 2: the relationships of `word/document.xml` are in
    `word/_rels/document.xml.rels`, those of the package itself in `_rels/.rels`.
    """

    def __init__(self, file: BinaryIO) -> None:
        """Take the package as an open file."""
        self._archive = zipfile.ZipFile(file)
        self._relations: dict[str, list[tuple[str, str, str]]] = {}

    @property
    def names(self) -> list[str]:
        """The names of all parts."""
        return self._archive.namelist()

    def read(self, name: str) -> bytes:
        """Return a part; KeyError where there is none of that name."""
        return self._archive.read(name)

    def root(self, name: str) -> Any:
        """Return the root element of a part."""
        return parsed(self.read(name))

    def main(self) -> str:
        """Return the name of the part that the package is about."""
        return self.related("", "officeDocument")[0]

    def related(self, name: str, kind: str) -> list[str]:
        """Return the names of the parts of a kind that a part refers to."""
        return [target for _, is_kind, target in self._relations_of(name) if is_kind == kind]

    def target(self, name: str, identifier: str) -> str:
        """Return the name of the part that a part calls by an identifier; KeyError for none."""
        return {known: target for known, _, target in self._relations_of(name)}[identifier]

    def _relations_of(self, name: str) -> list[tuple[str, str, str]]:
        if name not in self._relations:
            folder, base = posixpath.split(name)
            try:
                found = self.root(posixpath.join(folder, "_rels", f"{base}.rels"))
            except KeyError:
                found = ()
            self._relations[name] = [
                (
                    str(relation.get("Id")),
                    str(relation.get("Type")).rsplit("/", 1)[-1],
                    posixpath.normpath(
                        posixpath.join("/", folder, str(relation.get("Target")))
                    ).lstrip("/"),
                )
                for relation in found
                if relation.get("TargetMode") != "External"
            ]
        return self._relations[name]


def parsed(xml: bytes) -> Any:
    """Return the root of an XML text; entities are not resolved."""
    from lxml import etree  # noqa: PLC0415 - only web pages and office files need it

    return etree.fromstring(xml, etree.XMLParser(resolve_entities=False, no_network=True))


def ole_holds(path: Path, name: str) -> bool:
    """Whether a compound file has a stream of this name: directory entries lie at 128 bytes."""
    wanted = name.encode("utf-16-le") + b"\0\0"
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        at = data.find(wanted)
        while at >= 0:
            if at % 128 == 0:
                return True
            at = data.find(wanted, at + 1)
    return False


@lru_cache(maxsize=64)
def _check_once(path: Path, _size: int, _changed: int) -> None:
    try:
        with opened(path) as file, zipfile.ZipFile(file) as archive:
            _check(archive, path)
    except _DAMAGE:
        raise _damaged(path) from None


def _check(archive: zipfile.ZipFile, path: Path) -> None:
    infos = archive.infolist()
    texts = [i for i in infos if i.filename.lower().endswith((".xml", ".rels", ".vml"))]
    if any(info.flag_bits & 1 for info in texts):
        raise _locked(path)
    if len(infos) > _ENTRIES or sum(info.file_size for info in infos) > _LARGEST:
        raise _bomb(path)
    for info in texts:
        if info.file_size > max(_RATIO_FROM, _RATIO * info.compress_size):
            raise _bomb(path)
        with archive.open(info) as stream:
            first = stream.read(CHUNK)
            if info.filename == _MANIFEST and b":encryption-data" in first:
                raise _locked(path)
            if any(mark in first for mark in _ENTITIES):
                raise SourceError(
                    f"{path}: an XML text that defines entities, which no office program writes",
                    "check where it comes from; open and save it with an office program",
                )
            while stream.read(CHUNK):
                pass


def _no_ole(start: Start, suffixes: tuple[str, ...]) -> None:
    if start.suffix in suffixes and ole_holds(start.path, "EncryptedPackage"):
        raise _locked(start.path)
    for better, (old, stream, what) in _OLD.items():
        named = start.suffix in old or start.suffix == better
        if better in suffixes and named and ole_holds(start.path, stream):
            raise SourceError(f"{start.path}: {what}", f"save it as {better}")


def _locked(path: Path) -> SourceError:
    return SourceError(f"{path}: needs a password", "save it without a password")


def _bomb(path: Path) -> SourceError:
    return SourceError(
        f"{path}: unpacks to far more than its size (a zip bomb?)",
        "check where it comes from; split it if it is truly that large",
    )


def _damaged(path: Path) -> SourceError:
    return SourceError(f"{path}: damaged, or not what its name says", _ALWAYS)


def _a(suffix: str) -> str:
    return f"{'an' if suffix[1:2] in 'xo' else 'a'} {suffix}"
