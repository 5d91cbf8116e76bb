"""Archives: zip and tar, packed or not, are unpacked into a private folder, with limits.

An archive comes from elsewhere and may be made to do harm: to fill the disk, to write
outside of its folder, to point at files of this machine. So nothing is taken from it but
plain files with plain names, and each member that is refused is told with its reason.
Documents that are zip files by their form (DOCX, XLSX, PPTX, ODT, EPUB) are no archives.
"""

from __future__ import annotations

import lzma
import os
import re
import stat
import struct
import tarfile
import zipfile
import zlib
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any, Literal, Self

from curator.errors import SourceError
from curator.sources.files.encodings import judge
from curator.sources.files.lines import CHUNK, opened
from curator.types import Quarantined
from curator.workspace import disk_error

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

MAX_BYTES = 16 << 30
"""What one archive may unpack to, those inside it included."""

MAX_MEMBERS = 100_000
"""How many members are taken from one archive, those of archives inside it included."""

MAX_DEPTH = 3
"""How deep archives may lie in archives; 1 is an archive in an archive."""

MAX_RATIO = 500
"""How many times its packed size something may unpack to. Text packs to a fifth, monotonous
logs to a hundredth; what is made to fill a disk comes near the 1,032 that deflate can do."""

ALWAYS_FINE = 64 << 20
"""Bytes that anything may unpack to, whatever the ratio."""

_MAX_DIRECTORY = 64 << 20
"""Bytes of a zip's list of members: it is read at once, before they can be counted."""

_OTHERS = {b"7z\xbc\xaf\x27\x1c": "a 7z archive", b"Rar!\x1a\x07": "a RAR archive"}
_DOCUMENTS = (".docx", ".xlsx", ".xlsm", ".pptx", ".odt", ".ods", ".odp", ".epub")
_METHODS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA}
_DAMAGE = (
    zipfile.BadZipFile,
    tarfile.TarError,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    EOFError,
    OSError,
    MemoryError,
    ValueError,
    NotImplementedError,
    RuntimeError,
    OverflowError,
    LookupError,
)
"""What the libraries raise at bytes that are not what they should be."""

DAMAGED, LOCKED = "damaged or cut off", "protected by a password"
_TWIN = "a member of that name came before it"


@dataclass
class Budget:
    """What an archive, with those inside it, may still unpack to."""

    n_bytes: int = MAX_BYTES
    n_members: int = MAX_MEMBERS


def archive_kind(path: Path) -> Literal["zip", "tar"] | None:
    """Return which kind of archive a file is, by its content; None for all other files.

    Raises:
        SourceError: it is an archive of a kind that cannot be unpacked, or cannot be opened.

    """
    with opened(path) as file:
        start = file.read(tarfile.BLOCKSIZE)
    for magic, name in _OTHERS.items():
        if start.startswith(magic):
            raise SourceError(
                f"{path}: {name}, which cannot be unpacked here", "unpack it, and name the folder"
            )
    if start.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return None if _is_document(path) else "zip"
    return "tar" if _is_tar(start) else None


def unpack(
    path: Path, kind: Literal["zip", "tar"], into: Path, budget: Budget
) -> Iterator[Quarantined]:
    """Write an archive's files into a folder; yield each member that is not written, and why.

    Args:
        path: the archive.
        kind: which kind it is.
        into: an empty folder that nobody else may write to.
        budget: what it may unpack to; what it does unpack to is taken off.

    Raises:
        SourceError: nothing of it can be read: it is damaged, empty, or needs a password.
        WorkspaceError: no space is left.

    """
    taking = _Taking(path, into, budget)
    refused = 0
    for item in (_unzip if kind == "zip" else _untar)(taking):
        refused += 1
        yield item
    if not taking.written and not refused:
        raise SourceError(f"{path}: an empty archive", "name one that holds files")


def check_ratio(path: Path) -> None:
    """Make sure that a compressed file does not unpack to more than `MAX_RATIO` allows.

    Raises:
        SourceError: it does, or it cannot be read.

    """
    allowed = _allowed(path)
    with opened(path) as file, path.open("rb") as plain:
        data = file.read(CHUNK)
        if data[:64] == plain.read(64):
            return
        while data:
            allowed -= len(data)
            if allowed < 0:
                raise SourceError(
                    f"{path}: {_TOO_MUCH}",
                    "if that is right, unpack it yourself and name the file inside",
                )
            data = file.read(CHUNK)


class _TooMuchError(Exception):
    """A tar holds more bytes than it may, whatever it says of its members."""


class _Counted:
    """A packed tar as it is unpacked, up to what it may hold."""

    def __init__(self, file: IO[bytes], allowed: int) -> None:
        self._file, self._left = file, allowed

    def read(self, size: int) -> bytes:
        data = self._file.read(size)
        self._left -= len(data)
        if self._left < 0:
            raise _TooMuchError
        return data


_TOO_MUCH = f"unpacks to more than {MAX_RATIO} times its size"


def _allowed(path: Path) -> int:
    return max(ALWAYS_FINE, MAX_RATIO * path.stat().st_size)


class _Taking:
    """The members of one archive, taken out one by one."""

    def __init__(self, path: Path, into: Path, budget: Budget) -> None:
        self.path, self.into, self.budget = path, into, budget
        self.written: set[str] = set()
        self.allowed = _allowed(path)

    def refusal(self, name: str, size: int) -> str | None:
        """Return why a member is not taken, by what the archive says of it; None if it is."""
        return _bad_name(name) or self._too_large(size)

    def write(self, name: str, file: IO[bytes]) -> str | None:
        """Write a member; return why it could not be, and leave nothing of it then."""
        target = self.into / name
        try:
            target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            # O_EXCL: what is there already, be it a link, is never written through.
            handle = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except (FileExistsError, NotADirectoryError):
            return _TWIN
        except OSError as error:
            raise disk_error(error, target) from None
        is_whole = False
        try:
            with os.fdopen(handle, "wb") as out:
                reason = self._copy(file, out)
            is_whole = reason is None
        except OSError as error:
            raise disk_error(error, target) from None
        finally:
            if not is_whole:
                target.unlink(missing_ok=True)
        if is_whole:
            self.written.add(name)
        return reason

    def _copy(self, file: IO[bytes], out: IO[bytes]) -> str | None:
        """Copy a member, up to what may be unpacked; return why not all of it was."""
        size = 0
        while data := _next(file):
            size += len(data)
            if reason := self._too_large(size):
                return reason
            out.write(data)
        if data is None:
            return DAMAGED
        self.budget.n_bytes -= size
        self.allowed -= size
        return None

    def _too_large(self, size: int) -> str | None:
        if size > self.allowed:
            return f"the archive {_TOO_MUCH}"
        if size > self.budget.n_bytes:
            return f"the archive unpacks to more than {MAX_BYTES >> 30} GiB"
        return None


def _next(file: IO[bytes]) -> bytes | None:
    """Return the next bytes of a member; None where they are damaged."""
    try:
        return file.read(CHUNK)
    except _DAMAGE:
        return None


# --- zip --------------------------------------------------------------------------------


def _unzip(taking: _Taking) -> Iterator[Quarantined]:
    with _open_zip(taking.path) as archive:
        infos = [i for i in archive.infolist() if not i.filename.endswith("/") or i.file_size]
        if infos and all(info.flag_bits & 1 for info in infos):
            raise SourceError(
                f"{taking.path}: {LOCKED}", "unpack it with its password, and name the folder"
            )
        for number, (info, name) in enumerate(zip(infos, _zip_names(infos), strict=True)):
            if taking.budget.n_members <= 0:
                place = f"files {number + 1} to {len(infos)}"
                yield Quarantined(place, _TOO_MANY, b"", len(infos) - number)
                return
            taking.budget.n_members -= 1
            if reason := _unzip_one(taking, archive, info, _plain(name)):
                yield Quarantined(f"file {shown(name)}", reason, b"")


_TOO_MANY = f"the archive holds more than {MAX_MEMBERS:,} members"


def _unzip_one(
    taking: _Taking, archive: zipfile.ZipFile, info: zipfile.ZipInfo, name: str
) -> str | None:
    mode = info.external_attr >> 16 if info.create_system == 3 else 0
    if stat.S_ISLNK(mode):
        return "a link, which is not followed"
    if info.filename.endswith("/") or stat.S_IFMT(mode) not in (0, stat.S_IFREG):
        return "not a file"
    if info.flag_bits & 1:
        return LOCKED
    if info.compress_type not in _METHODS:
        method = zipfile.compressor_names.get(info.compress_type, "")  # type: ignore[attr-defined]
        return f"packed by a method that is not known ({method or info.compress_type})"
    if reason := taking.refusal(name, info.file_size):
        return reason
    try:
        with archive.open(info) as file:
            return taking.write(name, file)
    except _DAMAGE:
        return DAMAGED


def _open_zip(path: Path) -> zipfile.ZipFile:
    if _directory_size(path) > _MAX_DIRECTORY:
        raise SourceError(f"{path}: {_TOO_MANY}", "unpack it, and name the folder")
    try:
        return zipfile.ZipFile(path)
    except _DAMAGE:
        raise SourceError(
            f"{path}: a zip archive, {DAMAGED}", "make or download it again"
        ) from None


def _directory_size(path: Path) -> int:
    """Return how many bytes a zip's list of members has; 0 where its end is damaged."""
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - (1 << 16) - 256))
        tail = file.read()
    at, large = tail.rfind(b"PK\x05\x06"), tail.rfind(b"PK\x06\x06")
    if 0 <= large <= len(tail) - 48:
        return int(struct.unpack_from("<Q", tail, large + 40)[0])
    return int(struct.unpack_from("<I", tail, at + 12)[0]) if 0 <= at <= len(tail) - 16 else 0


def _is_document(path: Path) -> bool:
    """Whether a zip is a document: Office Open XML, or OpenDocument or EPUB by their first file."""
    try:
        with _open_zip(path) as archive:
            infos = archive.infolist()
            if any(info.filename == "[Content_Types].xml" for info in infos):
                return True
            first = min(infos, key=lambda info: info.header_offset, default=None)
            if first is None or first.filename != "mimetype" or first.file_size > 256:
                return False
            return archive.read(first).startswith(b"application/")
    except (SourceError, *_DAMAGE):
        # A damaged document is for its reader to tell.
        return path.suffix.lower() in _DOCUMENTS


def _zip_names(infos: Sequence[zipfile.ZipInfo]) -> list[str]:
    """Return the members' names, in the encoding that they were written in.

    A zip says of a name that it is UTF-8, or nothing. Where it says nothing, the
    standard has code page 437; Chinese Windows writes GBK, others UTF-8. All names
    of an archive are judged together.
    """
    raw = [_raw_name(info) for info in infos]
    unsaid = b"\n".join(name for name in raw if isinstance(name, bytes) and not name.isascii())
    encoding = judge(unsaid[: 1 << 16])
    return [n if isinstance(n, str) else n.decode(encoding, "backslashreplace") for n in raw]


def _raw_name(info: zipfile.ZipInfo) -> str | bytes:
    if info.flag_bits & 0x800:
        return info.filename
    try:
        raw = info.filename.encode("cp437")
    except UnicodeEncodeError:
        return info.filename
    return _unicode_path(info.extra, raw) or raw


def _unicode_path(extra: bytes, raw: bytes) -> str | None:
    """Return the name in Info-ZIP's Unicode Path field (0x7075), if it is of this name."""
    at = 0
    while at + 4 <= len(extra):
        kind, size = struct.unpack_from("<HH", extra, at)
        field = extra[at + 4 : at + 4 + size]
        if (
            kind == 0x7075
            and len(field) > 5
            and field[1:5] == zlib.crc32(raw).to_bytes(4, "little")
        ):
            return field[5:].decode("utf-8", "backslashreplace")
        at += 4 + size
    return None


# --- tar --------------------------------------------------------------------------------


class _Header(tarfile.TarInfo):
    """A member's header; why the last one could not be read stays with the archive.

    Without that, tarfile takes a damaged header for the end.
    """

    @classmethod
    def fromtarfile(cls, tarfile: tarfile.TarFile) -> Self:
        try:
            return super().fromtarfile(tarfile)
        except Exception as error:
            tarfile.ended_by = type(error).__name__  # type: ignore[attr-defined]
            raise


def _untar(taking: _Taking) -> Iterator[Quarantined]:
    with opened(taking.path) as packed:
        counted = _Counted(packed, taking.allowed)
        try:
            archive: Any = tarfile.open(  # noqa: SIM115 - closed below; its errors are told here
                fileobj=counted,  # type: ignore[call-overload]
                mode="r|",
                tarinfo=_Header,
                encoding="utf-8",
                errors="surrogateescape",
            )
            with archive:
                yield from _untar_all(taking, archive)
                rest = _after_the_end(archive)
        except _TooMuchError:
            rest = f"the archive {_TOO_MUCH}"
        except _DAMAGE:
            rest = DAMAGED
        if rest == DAMAGED and not taking.written:
            raise SourceError(
                f"{taking.path}: a tar archive, {DAMAGED}", "make or download it again"
            )
        if rest:
            yield Quarantined("the rest of the archive", rest, b"")


def _untar_all(taking: _Taking, archive: Any) -> Iterator[Quarantined]:
    raw_names = b""
    while (member := archive.next()) is not None:
        archive.members.clear()  # tarfile keeps them all
        if member.isdir():
            continue
        if taking.budget.n_members <= 0:
            yield Quarantined("the rest of the archive", _TOO_MANY, b"")
            return
        taking.budget.n_members -= 1
        name, raw_names = _tar_name(member.name, raw_names)
        if reason := _untar_one(taking, archive, member, _plain(name)):
            yield Quarantined(f"file {shown(name)}", reason, b"")


def _untar_one(taking: _Taking, archive: Any, member: tarfile.TarInfo, name: str) -> str | None:
    if member.issym() or member.islnk():
        return "a link, which is not followed"
    if not member.isreg() or member.issparse():
        return "not an ordinary file"
    if reason := taking.refusal(name, member.size):
        return reason
    return taking.write(name, archive.extractfile(member))


def _tar_name(name: str, before: bytes) -> tuple[str, bytes]:
    """Return a name in its encoding, and the raw names by which that is judged."""
    raw = name.encode("utf-8", "surrogateescape")
    if raw.isascii():
        return name, before
    before = (raw + b"\n" + before)[: 1 << 16]
    try:
        return raw.decode("utf-8"), before
    except UnicodeDecodeError:
        return raw.decode(judge(before), "backslashreplace"), before


def _after_the_end(archive: Any) -> str | None:
    """Return what is wrong with how a tar ends, if anything: it ends in zeros."""
    if getattr(archive, "ended_by", "") not in ("EOFHeaderError", "EmptyHeaderError"):
        return DAMAGED
    try:
        while data := archive.fileobj.read(CHUNK):
            if data.strip(b"\0"):
                return "data after the archive's end"
    except _DAMAGE:
        return DAMAGED
    return None


def _is_tar(start: bytes) -> bool:
    """Whether a file starts with a tar header, by its checksum."""
    try:
        tarfile.TarInfo.frombuf(start, "utf-8", "surrogateescape")
    except (tarfile.HeaderError, ValueError):
        return False
    return True


# --- names ------------------------------------------------------------------------------


def shown(name: str) -> str:
    """Return a file's name as it goes into locators: without bytes that would break a line."""
    raw = os.fsencode(name)
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        text = raw.decode(judge(raw), "backslashreplace")
    return "".join(
        c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text
    )


def _plain(name: str) -> str:
    """Return a name with single slashes, whatever wrote it."""
    name = name.replace("\\", "/")
    return ("/" if name.startswith("/") else "") + "/".join(
        step for step in name.split("/") if step not in ("", ".")
    )


def _bad_name(name: str) -> str | None:
    steps = name.split("/")
    if name.startswith("/") or re.match(r"[A-Za-z]:/", name + "/"):
        return "an absolute path"
    if ".." in steps:
        return "a path that leads out of the archive"
    if not name or "\0" in name:
        return "a name that no file can have"
    if len(os.fsencode(name)) > 1024 or any(len(os.fsencode(step)) > 255 for step in steps):
        return "a name that is too long"
    return None
