"""`curator ingest` over folders and archives: everything is accounted for, and read once."""

from __future__ import annotations

import gzip
import io
import json
import os
import re
import subprocess
import sys
import tarfile
import zipfile
from typing import TYPE_CHECKING, Any

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import curator as api
from curator import ingest as ingesting
from curator.errors import SourceError
from curator.schema import Source
from tests.conftest import clean_env
from tests.integration.test_resume import latest
from tests.scans import lines, pictured, scanned

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CHEAP = (
    "sources: [{{path: {}}}]\nworkers: 1\n"
    "checks: {{pii: false, label_issues: false, category_labels: false, outliers: false, language: false}}\n"
)


def row(i: int) -> dict[str, str]:
    return {
        "question": f"第 {i} 号订单什么时候发货？",
        "answer": f"您好，{i} 号今天下午发出，请放心。",
    }


def jsonl(*numbers: int) -> bytes:
    return b"".join(json.dumps(row(i), ensure_ascii=False).encode() + b"\n" for i in numbers)


def zipped(members: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return out.getvalue()


def tarred(members: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return out.getvalue()


def workbook() -> bytes:
    book, out = openpyxl.Workbook(), io.BytesIO()
    for cells in (["question", "answer"], ["怎么退款？", "在订单页申请。"]):
        book.active.append(cells)
    book.save(out)
    return out.getvalue()


def parquet() -> bytes:
    out = io.BytesIO()
    pq.write_table(pa.Table.from_pylist([row(900), row(901)]), out)
    return out.getvalue()


def project(folder: Path, recipe: str, files: dict[str, bytes] | None = None) -> Path:
    for name, content in (files or {}).items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    folder.mkdir(exist_ok=True)
    (folder / "curator.yaml").write_text(recipe, encoding="utf-8")
    return folder


FILES = {
    "a.jsonl": jsonl(1, 2, 3),
    "b.json": json.dumps([row(10), row(11)], ensure_ascii=False).encode(),
    "gbk.csv": "问题,回答\n可以退款吗？,可以的，七天之内。\n几点发货？,下午五点。\n".encode(
        "gb18030"
    ),
    "c.tsv": b"question\tanswer\nHow do I pay?\tBy card.\nWhere is my order?\tOn its way.\n",
    "d.parquet": parquet(),
    "e.xlsx": workbook(),
    "f.md": "# 退货须知\n\n七天之内可以退货。\n".encode(),
    "g.txt": b"Delivery takes three days.\n\nReturns are free.\n",
    "C# notes.md": b"# Notes\n\nA file with a sign in its name.\n",
    "h.jsonl.gz": gzip.compress(jsonl(20, 21)),
    "i.jsonl.zst": pa.compress(jsonl(30, 31, 32), codec="zstd", asbytes=True),
    "sub/deeper/j.jsonl": jsonl(40),
    "export.zip": zipped(
        {
            "channel/2024-05-01.json": json.dumps([row(50)], ensure_ascii=False).encode(),
            "inner.zip": zipped({"k.jsonl": jsonl(51, 52)}),
            "../evil.txt": b"out",
            "photo.jpg": b"\xff\xd8\xff\xe0" + bytes(range(256)) * 4,
            "__MACOSX/._2024-05-01.json": b"x",
        }
    ),
    "logs.tar.gz": gzip.compress(tarred({"l.txt": b"Opened at nine.\n", "m.jsonl": jsonl(60)})),
    "logs.tar.zst": pa.compress(tarred({"n.jsonl": jsonl(61)}), codec="zstd", asbytes=True),
    "broken.zip": b"PK\x03\x04" + b"\x01\x02\x03" * 50,
    "cut.jsonl.gz": gzip.compress(os.urandom(4000).hex().encode() + b"\n" + jsonl(*range(200)))[
        :3000
    ],
    "half.jsonl": jsonl(70) + b'{"question": "cut of\n' + jsonl(71),
    "random.bin": bytes(range(256)) * 20,
    "packed.7z": b"7z\xbc\xaf\x27\x1c" + b"\0" * 40,
    "empty.csv": b"",
    ".DS_Store": b"\0\0\0\1",
    ".git/config": b"[core]\n",
}


@pytest.fixture(scope="module")
def inbox(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("ingest") / "p"
    project(folder, "sources: [{path: inbox}]\n", {f"inbox/{n}": c for n, c in FILES.items()})
    (folder / "inbox" / "link.jsonl").symlink_to("a.jsonl")
    (folder / "inbox" / "loop").symlink_to("loop")
    return folder


def run(*args: object, code: int = 0) -> subprocess.CompletedProcess[str]:
    """Run `python -m curator`, as a user would who has no command on the path."""
    done = subprocess.run(
        [sys.executable, "-m", "curator", *map(str, args)],
        capture_output=True,
        text=True,
        check=False,
        env=clean_env(),
        cwd="/",
        timeout=300,
    )
    assert done.returncode == code, f"exit {done.returncode}\n{done.stdout}\n{done.stderr}"
    assert "Traceback" not in done.stderr
    return done


def test_every_file_of_a_folder_is_accounted_for(inbox: Path) -> None:
    told = {m["uri"]: m for m in json.loads(run("ingest", "-p", inbox, "--json").stdout)}
    records = {uri: m["units_in_records"] for uri, m in told.items() if m["units_in_records"]}
    assert records == {
        "inbox/a.jsonl": 3,
        "inbox/b.json": 2,
        "inbox/gbk.csv": 2,
        "inbox/c.tsv": 2,
        "inbox/d.parquet": 2,
        "inbox/e.xlsx": 1,
        "inbox/f.md": 1,
        "inbox/g.txt": 1,
        "inbox/C# notes.md": 1,
        "inbox/h.jsonl.gz": 2,
        "inbox/i.jsonl.zst": 3,
        "inbox/sub/deeper/j.jsonl": 1,
        "inbox/export.zip/channel/2024-05-01.json": 1,
        "inbox/export.zip/inner.zip/k.jsonl": 2,
        "inbox/logs.tar.gz/l.txt": 1,
        "inbox/logs.tar.gz/m.jsonl": 1,
        "inbox/logs.tar.zst/n.jsonl": 1,
        "inbox/half.jsonl": 2,
    }
    status = json.loads(run("status", "-p", inbox, "--json").stdout)
    assert status["conserved"]
    units = status["units"]
    assert (
        units["read"]
        == sum(units[key] for key in ("in_records", "set_aside", "quarantined"))
        == sum(m["units_read"] for m in told.values())
    )
    listed = told["inbox"]
    assert (listed["units_set_aside"], listed["units_quarantined"]) == (4, 5)
    assert {
        "a link into the same folder",
        "hidden",
        "left there by the system or a program",
        "an empty file",
    } <= status["set_aside_reasons"].keys()
    assert {
        "a link that leads back to itself",
        "a path that leads out of the archive",
        "a zip archive, damaged or cut off",
        "a 7z archive, which cannot be unpacked here",
    } <= status["quarantine_reasons"].keys()
    assert told["inbox/export.zip"]["units_quarantined"] == 2
    assert list((inbox / ".curator" / "tmp").iterdir()) == []


def test_what_each_file_was_read_as_and_how_sure_that_is(inbox: Path) -> None:
    lines = [line.split("\t") for line in run("ingest", "-p", inbox).stdout.splitlines()]
    assert lines[0] == [
        "source", "read as", "units", "in records", "set aside", "quarantined", "changes"
    ]  # fmt: skip
    read_as = {cells[0]: cells[1] for cells in lines[1:]}
    assert read_as["inbox/d.parquet"] == "parquet (sure)"
    assert read_as["inbox/e.xlsx"] == "xlsx (sure)"
    assert read_as["inbox/gbk.csv"].startswith("csv (")
    assert read_as["inbox/g.txt"] == "document (by its name)"
    assert read_as["inbox/logs.tar.gz/l.txt"] == "document (by its name)"


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ("inbox/half.jsonl#line 3", "inbox/half.jsonl, line 3"),
        ("inbox/half.jsonl#line 2", "quarantined"),
        ("inbox/C# notes.md#line 1", "inbox/C# notes.md, line 1"),
        ("inbox/export.zip/inner.zip/k.jsonl#line 2", "inbox/export.zip/inner.zip/k.jsonl, line 2"),
        ("inbox/export.zip#file ../evil.txt", "a path that leads out of the archive"),
        ("inbox#file random.bin", "quarantined"),
        ("inbox#file empty.csv", "set aside, because: an empty file"),
        ("inbox#folder .git", "set aside, because: hidden"),
    ],
)
def test_why_leads_to_the_place(inbox: Path, asked: str, told: str) -> None:
    run("ingest", "-p", inbox)
    assert told in run("why", asked, "-p", inbox).stdout


def test_why_names_the_archive_and_the_member(inbox: Path) -> None:
    run("ingest", "-p", inbox)
    asked = "inbox/export.zip/inner.zip/k.jsonl#line 1"
    source = json.loads(run("why", asked, "-p", inbox, "--json").stdout)["source"]
    assert source["path"] == str(inbox.resolve() / "inbox" / "export.zip")
    assert source["member"] == "inner.zip/k.jsonl"


def test_paths_given_by_hand(inbox: Path, tmp_path: Path) -> None:
    """Files, folders, archives and patterns; `--as` overrules, for what is given with it."""
    folder = project(tmp_path / "p", "sources: []\n")
    there = inbox / "inbox"
    told = run("ingest", there / "c.tsv", there / "logs.tar.gz", there / "sub", "-p", folder).stdout
    assert [line.split("\t")[0] for line in told.splitlines()[1:]] == [
        "c.tsv",
        "logs.tar.gz/l.txt",
        "logs.tar.gz/m.jsonl",
        "sub/deeper/j.jsonl",
    ]
    told = run("ingest", there / "[fg].*", "--as", "document", "-p", folder).stdout
    rows = {line.split("\t")[0]: line.split("\t")[1] for line in told.splitlines()}
    assert rows["inbox/f.md"] == "document (as told)"
    assert rows["sub/deeper/j.jsonl"].startswith("jsonl (")
    told = run("ingest", there / "c.tsv", "--as", "document", "-p", folder).stdout
    rows = {line.split("\t")[0]: line.split("\t")[1] for line in told.splitlines()}
    assert rows["c.tsv"] == "document (as told)"
    wrong = run("ingest", there / "c.tsv", "--as", "jsnol", "-p", folder, code=2).stderr
    assert "there is no format jsnol" in wrong
    assert "did you mean jsonl?" in wrong
    assert "--as" in run("ingest", "--as", "csv", "-p", folder, code=2).stderr
    assert "no file goes by that pattern" in run("ingest", "*.no", "-p", folder, code=2).stderr


def test_the_formats_are_listed() -> None:
    told = json.loads(run("sources", "--json").stdout)
    assert {"jsonl", "csv", "xlsx", "chatlog", "document"} <= {kind["name"] for kind in told}
    assert all(kind["en"] and kind["zh"] and kind["family"] for kind in told)
    table = run("sources").stdout.splitlines()
    assert table[0] == "format\tfamily\tEnglish\t中文"
    assert len(table) == len(told) + 1


@pytest.mark.parametrize(
    ("name", "content", "what"),
    [
        ("a.zip", b"PK\x03\x04" + b"\x01" * 100, "a zip archive, damaged or cut off"),
        ("a.zip", zipped({}), "an empty archive"),
        ("a.tar", tarred({"a.txt": b"x" * 900})[:700], "a tar archive, damaged or cut off"),
        ("a.rar", b"Rar!\x1a\x07\x01\x00" + b"\0" * 50, "a RAR archive"),
    ],
)
def test_an_archive_of_which_nothing_can_be_read(
    tmp_path: Path, name: str, content: bytes, what: str
) -> None:
    folder = project(
        tmp_path / "p", "sources: [{path: ok.jsonl}]\n", {"ok.jsonl": jsonl(1), name: content}
    )
    run("ingest", "-p", folder)
    before = json.loads(run("status", "-p", folder, "--json").stdout)
    lines = run("ingest", folder / name, "-p", folder, code=2).stderr.splitlines()
    assert what in lines[-2]
    assert lines[-1].startswith("  try: ")
    assert json.loads(run("status", "-p", folder, "--json").stdout) == before
    assert list((folder / ".curator").glob("tmp/*")) == []


def test_init_takes_archives_folders_and_patterns(inbox: Path, tmp_path: Path) -> None:
    there = inbox / "inbox"
    for i, source in enumerate((there / "export.zip", there / "sub", there / "*.tsv")):
        run("init", tmp_path / f"p{i}", "--from", source, "--no-rules")
        told = json.loads(run("ingest", "-p", tmp_path / f"p{i}", "--json").stdout)
        assert sum(m["units_in_records"] for m in told) == [3, 1, 2][i]


def test_a_project_does_not_read_itself(tmp_path: Path) -> None:
    folder = project(tmp_path / "p", "sources: [{path: .}]\n", {"a.jsonl": jsonl(1, 2)})
    (folder / "exports").mkdir()
    (folder / "exports" / "train.jsonl").write_bytes(jsonl(1))
    for _ in range(2):
        told = json.loads(run("ingest", "-p", folder, "--json").stdout)
        assert [(m["uri"], m["units_read"]) for m in told] == [("p/a.jsonl", 2), ("p", 3)]


def test_a_file_that_two_sources_name_is_read_once(tmp_path: Path) -> None:
    recipe = "sources: [{path: in}, {path: in/a.jsonl, license: MIT}, {path: 'in/b*'}]\n"
    files = {"in/a.jsonl": jsonl(1), "in/b.jsonl": jsonl(2)}
    folder = project(tmp_path / "p", recipe, files)
    opened = api.open(folder)
    told = {m["uri"]: m["units_in_records"] for m in opened.ingest()}
    assert told == {"in/b.jsonl": 1, "in": 0, "a.jsonl": 1}
    assert opened.status()["set_aside_reasons"] == {"named as a source of its own": 1}


def test_two_sources_of_one_name_are_told(tmp_path: Path) -> None:
    files = {"one/a.jsonl": jsonl(1), "two/a.jsonl": jsonl(2)}
    folder = project(tmp_path / "p", "sources: []\n", files)
    told = run(
        "ingest", folder / "one/a.jsonl", folder / "two/a.jsonl", "-p", folder, code=2
    ).stderr
    assert "two sources go by the name a.jsonl" in told


# --- again and again ----------------------------------------------------------------------


def changes(manifests: list[dict[str, Any]]) -> dict[str, tuple[int, int, int, int]]:
    keys = ("added", "unchanged", "moved", "retired")
    return {m["uri"]: tuple(m["changes"][k] for k in keys) for m in manifests}  # type: ignore[misc]


def test_what_changed_in_a_file_is_told_by_content(tmp_path: Path) -> None:
    folder = project(tmp_path / "p", "sources: [{path: in}]\n", {"in/a.jsonl": jsonl(*range(1000))})
    path, opened = folder / "in" / "a.jsonl", api.open(folder)
    assert changes(opened.ingest()) == {"in/a.jsonl": (1000, 0, 0, 0)}
    parts = {p: p.stat().st_mtime_ns for p in opened.workspace.records.iterdir()}
    assert changes(opened.ingest()) == {"in/a.jsonl": (0, 1000, 0, 0)}
    assert {p: p.stat().st_mtime_ns for p in opened.workspace.records.iterdir()} == parts
    path.write_bytes(jsonl(*range(1000), 2000, 2001))
    assert changes(opened.ingest()) == {"in/a.jsonl": (2, 1000, 0, 0)}
    path.write_bytes(jsonl(*range(500), 3000, *range(501, 1000), 2000, 2001))
    assert changes(opened.ingest()) == {"in/a.jsonl": (1, 1001, 0, 1)}
    path.write_bytes(jsonl(4000, *range(500), 3000, *range(501, 1000), 2000, 2001))
    assert changes(opened.ingest()) == {"in/a.jsonl": (1, 1002, 1002, 0)}
    path.write_bytes(jsonl(*range(1000)))
    (folder / "in" / "b.jsonl").write_bytes(jsonl(1, 1))
    told = opened.ingest()
    assert changes(told) == {"in/a.jsonl": (1, 999, 999, 4), "in/b.jsonl": (2, 0, 0, 0)}
    kept = opened.workspace.sources()[0]["changes"]
    assert kept == told[0]["changes"]
    path.unlink()
    done = run("ingest", "-p", folder)
    assert "no longer there: in/a.jsonl: 1,000 records retired" in done.stderr
    assert "records: 0 added, 2 unchanged, 1,000 retired" in done.stderr


def test_exports_are_those_of_a_fresh_project(tmp_path: Path) -> None:
    """P3: however a project came to its sources, the same sources give the same bytes."""
    first = {"in/a.jsonl": jsonl(*range(40)), "in/b.md": FILES["f.md"], "in/x.zip": zipped({})}
    first["in/x.zip"] = zipped({"c.jsonl": jsonl(*range(50, 60)), "d.txt": FILES["g.txt"]})
    last = first | {
        "in/a.jsonl": jsonl(99, *range(1, 39)),
        "in/x.zip": zipped({"c.jsonl": jsonl(*range(50, 63))}),
        "in/e.tsv": FILES["c.tsv"],
    }
    del last["in/b.md"]
    grown = project(tmp_path / "grown", CHEAP.format("in"), first)
    api.open(grown).run()
    for name in first.keys() - last.keys():
        (grown / name).unlink()
    api.open(project(grown, CHEAP.format("in"), last)).run()
    fresh = project(tmp_path / "fresh", CHEAP.format("in"), last)
    api.open(fresh).run()
    assert latest(grown) == latest(fresh)
    assert api.open(grown).status()["conserved"]


def test_what_was_found_in_the_parts_that_stay_is_not_looked_for_again(tmp_path: Path) -> None:
    """A log that grows at its end costs its new lines; a changed row costs its part."""
    folder = project(tmp_path / "p", CHEAP.format("a.jsonl"), {"a.jsonl": jsonl(*range(600))})
    opened = api.open(folder)
    opened.run()
    findings = opened.workspace.findings / "quality"
    before = {p: p.stat().st_mtime_ns for p in findings.glob("*/*.parquet")}
    stems = [p.stem for p in opened.workspace.record_parts()]
    assert len(stems) == len(before) == 3
    (folder / "a.jsonl").write_bytes(jsonl(*range(300), 999, *range(301, 600), 600))
    opened.run()
    grown = [p.stem for p in opened.workspace.record_parts()]
    assert [mine == theirs for mine, theirs in zip(stems, grown, strict=True)] == [
        True,
        False,
        False,
    ]
    after = {p: p.stat().st_mtime_ns for p in findings.glob("*/*.parquet")}
    assert before.items() <= after.items()
    assert len(after) == 5
    fresh = project(
        tmp_path / "fresh", CHEAP.format("a.jsonl"), {"a.jsonl": (folder / "a.jsonl").read_bytes()}
    )
    api.open(fresh).run()
    assert latest(folder) == latest(fresh)


def test_sources_given_by_hand_are_remembered_as_they_were_given(tmp_path: Path) -> None:
    """A folder given once is looked through again, and what is gone is dropped."""
    folder = project(tmp_path / "p", "sources: []\n")
    there = tmp_path / "there"
    there.mkdir()
    (there / "a.jsonl").write_bytes(jsonl(1))
    opened = api.open(folder)
    opened.ingest([Source(path=str(there))])
    (there / "b.jsonl").write_bytes(jsonl(2))
    assert changes(opened.ingest()) == {
        "there/a.jsonl": (0, 1, 0, 0),
        "there/b.jsonl": (1, 0, 0, 0),
    }
    for path in there.iterdir():
        path.unlink()
    there.rmdir()
    assert opened.ingest() == []


def test_slack_names_are_part_of_a_channel(tmp_path: Path) -> None:
    """The file is the same and reads otherwise, since the export's users are beside it."""
    said = [
        {"type": "message", "user": f"U{i % 2}", "text": f"text {i}", "ts": f"17000000{i}0.000100"}
        for i in range(2)
    ]
    users = [{"id": f"U{i}", "team_id": "T", "profile": {"real_name": f"Ann {i}"}} for i in (0, 1)]
    files = {
        "in/general/2024-05-01.json": json.dumps(said).encode(),
        "in/users.json": json.dumps(users).encode(),
    }
    folder = project(tmp_path / "p", "sources: [{path: in}]\n", files)
    opened = api.open(folder)

    def speakers() -> set[str]:
        opened.ingest()
        tables = [pq.read_table(p) for p in opened.workspace.record_parts()]
        return {p["speaker"] for table in tables for r in table["parts"].to_pylist() for p in r}

    assert speakers() == {"Ann 0", "Ann 1"}
    (folder / "in" / "users.json").write_text(json.dumps(users).replace("Ann", "Bob"))
    assert speakers() == {"Bob 0", "Bob 1"}


def test_a_source_that_changes_while_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = project(tmp_path / "p", "sources: [{path: a.jsonl}]\n", {"a.jsonl": jsonl(1, 2)})
    original = ingesting.read

    def growing(path: Path, *more: Any) -> Iterator[Any]:
        yield from original(path, *more)
        with path.open("ab") as file:
            file.write(jsonl(3))

    monkeypatch.setattr(ingesting, "read", growing)
    with pytest.raises(SourceError, match="changed while it was read") as caught:
        api.open(folder).ingest()
    assert "run the same command again" in caught.value.hint
    assert api.open(folder).workspace.sources() == []
    monkeypatch.undo()
    assert changes(api.open(folder).ingest()) == {"a.jsonl": (3, 0, 0, 0)}


def test_an_error_midway_in_an_archive_leaves_nothing_unpacked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = project(
        tmp_path / "p",
        "sources: [{path: a.zip}]\n",
        {"a.zip": zipped({f"{i}.jsonl": jsonl(i) for i in range(3)})},
    )
    original = ingesting.read
    seen: list[Path] = []

    def failing(path: Path, *more: Any) -> Iterator[Any]:
        seen.append(path)
        if len(seen) == 2:
            raise KeyboardInterrupt
        yield from original(path, *more)

    monkeypatch.setattr(ingesting, "read", failing)
    with pytest.raises(KeyboardInterrupt):
        api.open(folder).ingest()
    assert seen[1].parent.parent == folder.resolve() / ".curator" / "tmp"
    assert list((folder / ".curator" / "tmp").iterdir()) == []


def test_what_cannot_be_read_is_told_and_so_is_what_ocr_read(tmp_path: Path) -> None:
    folder = project(tmp_path / "p", CHEAP.format("in"), {"in/random.bin": bytes(range(256)) * 20})
    pages = ["Exchanges take two weeks.", "Returns are free for seven days."]
    scanned(folder / "in" / "scan.pdf", [pictured(lines([text])) for text in pages])
    done = run("ingest", "-p", folder)
    assert "quarantined: in, file random.bin: not a text file" in done.stderr
    (record,) = (
        row
        for path in api.open(folder).workspace.record_parts()
        for row in pq.read_table(path).to_pylist()
    )
    run("check", "-p", folder)
    told = run("why", record["id"], "-p", folder).stdout
    assert "pages: 2" in told
    assert re.search(
        r"ocr: read by OCR \(rapidocr==[\d.]+, confidence [01]\.\d\d\): pages 1, 2", told
    )
    assert re.search(r"part 1 +\w+ \(page 2 box \d+,\d+,\d+,\d+\): Returns are free", told)
