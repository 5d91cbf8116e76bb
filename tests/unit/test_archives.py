"""Archives and folders: what is taken out of them, and why the rest is not."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import stat
import struct
import tarfile
import zipfile
import zlib
from typing import TYPE_CHECKING, Any

import openpyxl
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from curator.errors import SourceError
from curator.schema import Source
from curator.sources.files import archives
from curator.sources.files.archives import Budget, archive_kind, check_ratio, shown, unpack
from curator.sources.files.folders import Found, matching, walk
from curator.sources.files.listing import Container, Listing, SourceFile
from curator.types import SetAside

if TYPE_CHECKING:
    from pathlib import Path


class Unflagged(zipfile.ZipInfo):
    """A member whose name is in an encoding that the archive does not tell."""

    encoding = "gbk"

    def _encodeFilenameFlags(self) -> tuple[bytes, int]:  # noqa: N802 - zipfile's name
        return self.filename.encode(self.encoding), self.flag_bits & ~0x800


class Utf8Unflagged(Unflagged):
    encoding = "utf-8"


class Big5Unflagged(Unflagged):
    encoding = "big5"


def zipped(path: Path, members: list[tuple[Any, bytes]], method: int = zipfile.ZIP_STORED) -> Path:
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, content in members:
            if isinstance(name, zipfile.ZipInfo):
                name.compress_type = method
            archive.writestr(name, content)
    return path


def tarred(members: list[tuple[str, bytes, dict[str, Any]]], encoding: str = "utf-8") -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.GNU_FORMAT, encoding=encoding) as made:
        for name, content, more in members:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            for key, value in more.items():
                setattr(info, key, value)
            made.addfile(info, io.BytesIO(content))
    return out.getvalue()


def taken(path: Path, budget: Budget | None = None) -> tuple[dict[str, bytes], dict[str, str]]:
    """Unpack an archive; return the files by name, and the reasons by locator."""
    into = path.parent / f"{path.name} unpacked"
    into.mkdir(mode=0o700)
    kind = archive_kind(path)
    assert kind is not None
    refused = {q.locator: q.reason for q in unpack(path, kind, into, budget or Budget())}
    files = {p.relative_to(into).as_posix(): p for p in sorted(into.rglob("*")) if p.is_file()}
    for file in files.values():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    return {name: p.read_bytes() for name, p in files.items()}, refused


@pytest.mark.parametrize(
    ("info", "names"),
    [
        (Unflagged, ["客服记录/五月.txt", "客服记录/退款.txt"]),
        (Utf8Unflagged, ["客服记录/五月.txt", "日本語/ファイル.txt"]),
        (Big5Unflagged, ["客服記錄/這個可以退嗎.txt", "說明/請問.txt"]),
        (zipfile.ZipInfo, ["客服记录/五月.txt", "plain/english.txt"]),
    ],
    ids=["gbk", "utf-8 untold", "big5", "utf-8 told"],
)
def test_names_come_out_in_the_encoding_they_were_written_in(
    tmp_path: Path, info: type[zipfile.ZipInfo], names: list[str]
) -> None:
    path = zipped(tmp_path / "a.zip", [(info(name), b"text") for name in names])
    files, refused = taken(path)
    assert sorted(files) == sorted(names)
    assert refused == {}


def test_the_unicode_path_field_gives_the_name_that_the_header_cannot(tmp_path: Path) -> None:
    raw, name = b"???.txt", "五月.txt".encode()
    field = b"\x01" + struct.pack("<I", zlib.crc32(raw)) + name
    info = zipfile.ZipInfo(raw.decode())
    info.extra = struct.pack("<HH", 0x7075, len(field)) + field
    stale = zipfile.ZipInfo("other.txt")
    stale.extra = info.extra  # of another name: a tool renamed the member and left the field
    files, _ = taken(zipped(tmp_path / "a.zip", [(info, b"text"), (stale, b"text")]))
    assert sorted(files) == ["other.txt", "五月.txt"]


def test_tar_names_in_gbk(tmp_path: Path) -> None:
    path = tmp_path / "a.tar"
    path.write_bytes(tarred([("客服记录/五月.txt", b"a", {}), ("b.txt", b"b", {})], "gbk"))
    assert sorted(taken(path)[0]) == ["b.txt", "客服记录/五月.txt"]


def test_a_zip_gives_plain_files_alone(tmp_path: Path) -> None:
    link = zipfile.ZipInfo("link")
    link.create_system, link.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
    members = [
        ("ok/a.txt", b"a"),
        ("../out.txt", b"x"),
        ("ok/../../out.txt", b"x"),
        ("/etc/out.txt", b"x"),
        ("C:\\out.txt", b"x"),
        ("win\\dir\\b.txt", b"b"),
        ("./dot//c.txt", b"c"),
        (link, b"/etc/passwd"),
        ("ok/a.txt/under.txt", b"x"),
        ("n" * 300 + ".txt", b"x"),
        ("folder/", b""),
    ]
    files, refused = taken(zipped(tmp_path / "a.zip", members))
    assert files == {"ok/a.txt": b"a", "win/dir/b.txt": b"b", "dot/c.txt": b"c"}
    assert refused == {
        "file ../out.txt": "a path that leads out of the archive",
        "file ok/../../out.txt": "a path that leads out of the archive",
        "file /etc/out.txt": "an absolute path",
        "file C:\\out.txt": "an absolute path",
        "file link": "a link, which is not followed",
        "file ok/a.txt/under.txt": "a member of that name came before it",
        f"file {'n' * 300}.txt": "a name that is too long",
    }
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.zip", "a.zip unpacked"]


def test_the_first_of_two_members_of_one_name_stays(tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match="Duplicate"):
        path = zipped(tmp_path / "a.zip", [("a.txt", b"one"), ("a.txt", b"two")])
    files, refused = taken(path)
    assert files == {"a.txt": b"one"}
    assert refused == {"file a.txt": "a member of that name came before it"}


def flagged(data: bytes, first: int) -> bytes:
    """A zip whose members say, from the first given one on, that they are encrypted."""
    out, number = bytearray(data), 0
    at = out.find(b"PK\x01\x02")
    while at >= 0:
        if number >= first:
            out[at + 8] |= 1
        number += 1
        at = out.find(b"PK\x01\x02", at + 1)
    return bytes(out)


def test_members_that_need_a_password(tmp_path: Path) -> None:
    whole = zipped(tmp_path / "whole.zip", [("a.txt", b"a"), ("b.txt", b"b")]).read_bytes()
    (tmp_path / "some.zip").write_bytes(flagged(whole, 1))
    assert taken(tmp_path / "some.zip") == (
        {"a.txt": b"a"},
        {"file b.txt": "protected by a password"},
    )
    (tmp_path / "all.zip").write_bytes(flagged(whole, 0))
    with pytest.raises(SourceError, match="protected by a password"):
        taken(tmp_path / "all.zip")


def test_a_damaged_member_is_told_and_the_others_are_taken(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", [("a.txt", b"aaaa"), ("b.txt", b"bbbb")])
    path.write_bytes(path.read_bytes().replace(b"aaaa", b"axaa", 1))
    assert taken(path) == ({"b.txt": b"bbbb"}, {"file a.txt": "damaged or cut off"})


def test_a_method_that_is_not_known(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", [("a.txt", b"a"), ("b.txt", b"b")])
    data = bytearray(path.read_bytes())
    data[data.find(b"PK\x01\x02") + 10] = 9
    path.write_bytes(data)
    files, refused = taken(path)
    assert files == {"b.txt": b"b"}
    assert refused == {"file a.txt": "packed by a method that is not known (deflate64)"}


@pytest.mark.parametrize("cut", [1, 30, 200])
def test_a_zip_that_is_cut_off_is_an_error(tmp_path: Path, cut: int) -> None:
    path = zipped(tmp_path / "a.zip", [("a.txt", b"a" * 300)])
    path.write_bytes(path.read_bytes()[:-cut])
    with pytest.raises(SourceError, match="a zip archive, damaged or cut off"):
        taken(path)


def test_an_empty_archive_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="an empty archive"):
        taken(zipped(tmp_path / "a.zip", []))
    (tmp_path / "b.tar").write_bytes(tarred([("folder", b"", {"type": tarfile.DIRTYPE})]))
    with pytest.raises(SourceError, match="an empty archive"):
        taken(tmp_path / "b.tar")


@pytest.mark.parametrize("packed", ["", "gz", "zst", "bz2", "xz"])
def test_a_tar_gives_plain_files_alone(tmp_path: Path, packed: str) -> None:
    data = tarred(
        [
            ("./ok/a.txt", b"a" * 3000, {}),
            ("../out.txt", b"x", {}),
            ("/abs.txt", b"x", {}),
            ("sym", b"", {"type": tarfile.SYMTYPE, "linkname": "/etc/passwd"}),
            ("sym/through.txt", b"t", {}),
            ("hard", b"", {"type": tarfile.LNKTYPE, "linkname": "ok/a.txt"}),
            ("device", b"", {"type": tarfile.CHRTYPE}),
            ("pipe", b"", {"type": tarfile.FIFOTYPE}),
            ("z.txt", b"z", {}),
        ]
    )
    packer = {
        "": bytes,
        "gz": gzip.compress,
        "zst": lambda raw: pa.compress(raw, codec="zstd", asbytes=True),
        "bz2": bz2.compress,
        "xz": lzma.compress,
    }[packed]
    path = tmp_path / f"a.tar.{packed}"
    path.write_bytes(packer(data))
    files, refused = taken(path)
    assert files == {"ok/a.txt": b"a" * 3000, "sym/through.txt": b"t", "z.txt": b"z"}
    assert refused == {
        "file ../out.txt": "a path that leads out of the archive",
        "file /abs.txt": "an absolute path",
        "file sym": "a link, which is not followed",
        "file hard": "a link, which is not followed",
        "file device": "not an ordinary file",
        "file pipe": "not an ordinary file",
    }


THREE = tarred([(f"{i}.txt", bytes([97 + i]) * 600, {}) for i in range(3)])


@pytest.mark.parametrize(
    ("data", "names", "refused"),
    [
        (THREE[: 1536 + 600], ["0.txt"], {"file 1.txt", "the rest of the archive"}),
        (THREE[: 1536 + 100], ["0.txt"], {"the rest of the archive"}),
        (
            THREE[:1536] + b"\xff" * 512 + THREE[2048:],
            ["0.txt"],
            {"the rest of the archive"},
        ),
        (THREE + THREE, ["0.txt", "1.txt", "2.txt"], {"the rest of the archive"}),
        (THREE[: 3 * 1536], ["0.txt", "1.txt", "2.txt"], set()),
    ],
    ids=["cut in a member", "cut in a header", "a damaged header", "two in one", "no end mark"],
)
def test_what_a_damaged_tar_loses_is_told(
    tmp_path: Path, data: bytes, names: list[str], refused: set[str]
) -> None:
    path = tmp_path / "a.tar"
    path.write_bytes(data)
    files, told = taken(path)
    assert (sorted(files), set(told)) == (names, refused)


def test_a_tar_of_which_nothing_can_be_read_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "a.tar").write_bytes(THREE[:700])
    with pytest.raises(SourceError, match="a tar archive, damaged or cut off"):
        taken(tmp_path / "a.tar")


# --- bombs ------------------------------------------------------------------------------


def test_a_member_that_unpacks_to_too_much(tmp_path: Path) -> None:
    path = zipped(
        tmp_path / "a.zip",
        [("a.txt", b"a"), ("bomb.txt", b"\0" * (65 << 20)), ("b.txt", b"b")],
        zipfile.ZIP_DEFLATED,
    )
    files, refused = taken(path)
    assert sorted(files) == ["a.txt", "b.txt"]
    assert refused == {"file bomb.txt": "the archive unpacks to more than 500 times its size"}


def test_members_that_unpack_to_too_much_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archives, "ALWAYS_FINE", 1000)
    members = [(f"{i}.txt", b"\0" * 150_000) for i in range(4)]
    files, refused = taken(zipped(tmp_path / "a.zip", members, zipfile.ZIP_DEFLATED))
    allowed = 500 * (tmp_path / "a.zip").stat().st_size
    assert 0 < 150_000 * len(files) <= allowed < 150_000 * (len(files) + 1)
    assert len(files) + len(refused) == 4


def test_a_size_that_is_not_true_is_damage(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", [("a.txt", b"\0" * 5000), ("b.txt", b"b")], 8)
    data = bytearray(path.read_bytes())
    struct.pack_into("<I", data, data.find(b"PK\x01\x02") + 24, 10)
    path.write_bytes(data)
    assert taken(path) == ({"b.txt": b"b"}, {"file a.txt": "damaged or cut off"})


def test_budgets_are_shared_and_told(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", [(f"{i}.txt", b"x" * 100) for i in range(5)])
    files, refused = taken(path, Budget(n_members=2))
    assert sorted(files) == ["0.txt", "1.txt"]
    assert refused == {"files 3 to 5": "the archive holds more than 100,000 members"}
    (tmp_path / "b.tar").write_bytes(tarred([(f"{i}.txt", b"x" * 100, {}) for i in range(5)]))
    budget = Budget(n_bytes=250)
    files, refused = taken(tmp_path / "b.tar", budget)
    assert sorted(files) == ["0.txt", "1.txt"]
    assert set(refused.values()) == {"the archive unpacks to more than 16 GiB"}
    assert budget.n_bytes == 50


def test_a_tar_that_hides_its_size_in_a_header(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A long name of gigabytes is no member, and is unpacked none the less."""
    monkeypatch.setattr(archives, "ALWAYS_FINE", 1 << 20)
    info = tarfile.TarInfo("././@LongLink")
    info.type, info.size = tarfile.GNUTYPE_LONGNAME, 64 << 20
    ok = tarred([("a.txt", b"a", {})])[:1024]
    path = tmp_path / "a.tar.gz"
    path.write_bytes(gzip.compress(ok + info.tobuf(tarfile.GNU_FORMAT) + b"\0" * (64 << 20)))
    files, refused = taken(path)
    assert files == {"a.txt": b"a"}
    assert refused == {
        "the rest of the archive": "the archive unpacks to more than 500 times its size"
    }


def test_a_tar_that_is_stopped_within_a_member_leaves_nothing_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archives, "ALWAYS_FINE", 1 << 20)
    monkeypatch.setattr(archives, "MAX_RATIO", 10)
    headers = [(f"{i}", b"", {}) for i in range(1500)]
    path = tmp_path / "a.tar.gz"
    path.write_bytes(gzip.compress(tarred([*headers, ("large.txt", b"\0" * 400_000, {})])))
    files, refused = taken(path)
    assert len(files) == 1500
    assert "large.txt" not in files
    assert list(refused) == ["the rest of the archive"]


def test_a_packed_file_that_unpacks_to_too_much(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archives, "ALWAYS_FINE", 1 << 20)
    for name, content in (("bomb", b"\0" * (16 << 20)), ("fine", b"{}\n" * 1000)):
        (tmp_path / name).write_bytes(gzip.compress(content))
    check_ratio(tmp_path / "fine")
    with pytest.raises(SourceError, match="unpacks to more than 500 times its size"):
        check_ratio(tmp_path / "bomb")


# --- what is an archive -------------------------------------------------------------------


def test_documents_that_are_zip_files_are_no_archives(tmp_path: Path) -> None:
    openpyxl.Workbook().save(tmp_path / "a.xlsx")
    zipped(tmp_path / "a.docx", [("[Content_Types].xml", b"<x/>"), ("word/document.xml", b"<x/>")])
    zipped(
        tmp_path / "a.odt", [("mimetype", b"application/vnd.oasis.opendocument.text"), ("c", b"")]
    )
    zipped(tmp_path / "a.epub", [("mimetype", b"application/epub+zip"), ("b.xhtml", b"")])
    (tmp_path / "damaged.docx").write_bytes(b"PK\x03\x04 and no more")
    for path in tmp_path.iterdir():
        assert archive_kind(path) is None, path.name
    zipped(tmp_path / "chat.zip", [("xl/notes.txt", b"text"), ("mimetype", b"nothing known")])
    assert archive_kind(tmp_path / "chat.zip") == "zip"
    (tmp_path / "a.txt").write_text("PK is how zip files start\n")
    assert archive_kind(tmp_path / "a.txt") is None


@pytest.mark.parametrize("start", [b"7z\xbc\xaf\x27\x1c", b"Rar!\x1a\x07\x01\x00"])
def test_archives_of_other_kinds_are_named(tmp_path: Path, start: bytes) -> None:
    (tmp_path / "a").write_bytes(start + b"\0" * 100)
    with pytest.raises(SourceError, match="archive, which cannot be unpacked here"):
        archive_kind(tmp_path / "a")


def small_zip() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for i in range(3):
            archive.writestr(f"deep/{i}.txt", "some text " * 20)
    return out.getvalue()


edits = st.lists(st.tuples(st.integers(0, 1 << 16), st.integers(0, 255)), min_size=1, max_size=5)


@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.sampled_from([small_zip(), THREE]), edits, st.booleans())
def test_changed_bytes_never_surprise(
    tmp_path_factory: pytest.TempPathFactory,
    data: bytes,
    changes: list[tuple[int, int]],
    cut: bool,  # noqa: FBT001 - drawn
) -> None:
    changed = bytearray(data)
    for at, byte in changes:
        changed[at % len(changed)] = byte
    folder = tmp_path_factory.mktemp("changed")
    path = folder / "a"
    path.write_bytes(changed[: changes[0][0] % len(changed) + 1] if cut else changed)
    try:
        if archive_kind(path):
            files, refused = taken(path)
            assert files or refused
    except SourceError:
        pass
    assert {p.name for p in folder.iterdir()} <= {"a", "a unpacked"}


# --- folders ------------------------------------------------------------------------------


def test_every_file_of_a_folder_is_told_of_once(tmp_path: Path) -> None:
    root = tmp_path / "root"
    (root / "sub" / "deep").mkdir(parents=True)
    (root / ".git").mkdir()
    (root / "__MACOSX").mkdir()
    for name in ("b.txt", "a.md", "sub/c.csv", "sub/deep/d.txt", ".env", ".git/x", ".git/y"):
        (root / name).write_text("text")
    for name in ("__MACOSX/._a.md", ".DS_Store", "sub/Thumbs.db", "~$letter.docx", "left.txt"):
        (root / name).write_text("x")
    (root / "empty.txt").touch()
    (tmp_path / "outside.txt").write_text("text")
    for name, target in {
        "loop": "loop",
        "self": ".",
        "up": "..",
        "twin.txt": "b.txt",
        "out.txt": "../outside.txt",
        "gone.txt": "nowhere",
        "sub/back": "../sub",
    }.items():
        (root / name).symlink_to(target)
    os.mkfifo(root / "pipe")
    entries = list(walk(root, {root / "left.txt": "named as a source of its own"}))
    assert [e.name for e in entries if isinstance(e, Found)] == [
        "a.md",
        "b.txt",
        "sub/c.csv",
        "sub/deep/d.txt",
    ]
    told = {e.locator: (type(e) is SetAside, e.reason) for e in entries if not isinstance(e, Found)}
    system = (True, "left there by the system or a program")
    out = (False, "a link out of the folder, which is not followed")
    inside = (True, "a link into the same folder")
    assert told == {
        "file .env": (True, "hidden"),
        "folder .git": (True, "hidden"),
        "folder __MACOSX": system,
        "file .DS_Store": system,
        "file sub/Thumbs.db": system,
        "file ~$letter.docx": system,
        "file left.txt": (True, "named as a source of its own"),
        "file empty.txt": (True, "an empty file"),
        "file loop": (False, "a link that leads back to itself"),
        "file self": inside,
        "file up": out,
        "file twin.txt": inside,
        "file out.txt": out,
        "file gone.txt": (False, "a link to what is not there"),
        "file sub/back": inside,
        "file pipe": (False, "a pipe, not a file"),
    }
    counted = {e.locator: e.n_units for e in entries if isinstance(e, SetAside)}
    assert counted["folder .git"] == 2


def test_names_are_shown_so_that_no_line_breaks() -> None:
    assert shown("五月.txt") == "五月.txt"
    assert shown("a\nb\x1b[31m.txt") == "a\\nb\\x1b[31m.txt"
    assert shown(os.fsdecode("五月.txt".encode("gbk"))) == "五月.txt"


def test_patterns(tmp_path: Path) -> None:
    for name in ("a/1.txt", "a/2.csv", "b/3.txt", "b/c/4.txt", "b/.hidden.txt", ".x/5.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("text")
    (tmp_path / "l").symlink_to("b")

    def found(pattern: str) -> tuple[list[str], list[str]]:
        base, entries = matching(tmp_path / pattern, {})
        assert tmp_path in (base, base.parent)
        listed = list(entries)
        names = [e.name for e in listed if isinstance(e, Found)]
        return names, [e.locator for e in listed if not isinstance(e, Found)]

    assert found("a/*.txt") == (["1.txt"], [])
    assert found("[ab]/*") == (
        ["a/1.txt", "a/2.csv", "b/3.txt", "b/c/4.txt"],
        ["file b/.hidden.txt"],
    )
    names, left = found("**/*.txt")
    assert names == ["a/1.txt", "b/3.txt", "b/c/4.txt"]
    assert left == ["file .x/5.txt", "file b/.hidden.txt"]
    assert found("l*/3.txt") == ([], ["file l/3.txt"])
    with pytest.raises(SourceError, match="no file goes by that pattern"):
        matching(tmp_path / "*.pdf", {})
    with pytest.raises(SourceError, match="not a pattern"):
        matching(tmp_path / "**.txt", {})


# --- listing ------------------------------------------------------------------------------


def listed(path: Path, temporary: Path) -> tuple[dict[str, bytes], dict[str, dict[str, str]]]:
    """List a source; return the files by name, and each container's refusals."""
    files, refused = {}, {}
    listing = Listing(path.parent, temporary, {})
    for found in listing.files(Source(path=path.name)):
        if isinstance(found, SourceFile):
            files[found.uri] = found.path.read_bytes()
            assert found.origin.exists()
        else:
            assert isinstance(found, Container)
            refused[found.uri] = {r.locator: r.reason for r in found.refused}
    return files, refused


def nested(depth: int) -> bytes:
    """A zip in a zip in a zip …, with a file at each depth."""
    inner = b""
    for level in range(depth, -1, -1):
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w") as archive:
            archive.writestr("a.txt", f"level {level}")
            if inner:
                archive.writestr("in.zip", inner)
        inner = out.getvalue()
    return inner


def test_archives_in_archives_to_a_small_depth(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(nested(5))
    files, refused = listed(tmp_path / "a.zip", tmp_path / "temporary")
    assert files == {
        "a.zip/a.txt": b"level 0",
        "a.zip/in.zip/a.txt": b"level 1",
        "a.zip/in.zip/in.zip/a.txt": b"level 2",
        "a.zip/in.zip/in.zip/in.zip/a.txt": b"level 3",
    }
    deepest = refused.pop("a.zip/in.zip/in.zip/in.zip")
    assert deepest == {"file in.zip": "archives in archives, more than 3 deep"}
    assert not any(refused.values())
    assert list((tmp_path / "temporary").iterdir()) == []


def test_what_lies_beside_a_member_is_there_when_it_is_read(tmp_path: Path) -> None:
    zipped(tmp_path / "a.zip", [("users.json", b"[]"), ("general/2024-05-01.json", b"[]")])
    listing = Listing(tmp_path, tmp_path / "temporary", {})
    seen = 0
    for found in listing.files(Source(path="a.zip")):
        if isinstance(found, SourceFile) and found.member == "general/2024-05-01.json":
            assert (found.path.parent.parent / "users.json").read_bytes() == b"[]"
            assert stat.S_IMODE(found.path.parent.parent.stat().st_mode) == 0o700
            seen += 1
    assert seen == 1


def test_unpacked_files_are_removed_after_an_error(tmp_path: Path) -> None:
    zipped(tmp_path / "a.zip", [("a.txt", b"a"), ("b.txt", b"b")])
    files = Listing(tmp_path, tmp_path / "temporary", {}).files(Source(path="a.zip"))
    next(files)
    assert len(list((tmp_path / "temporary").iterdir())) == 1
    files.close()
    assert list((tmp_path / "temporary").iterdir()) == []
