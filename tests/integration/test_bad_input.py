"""Bad input: two lines that say what and what to do, exit 2, and a workspace that is whole."""

from __future__ import annotations

import gzip
import json
import shutil
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest

import curator as api
from curator.errors import WorkspaceError
from curator.tables import read_table
from curator.workspace import write_table

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

ROWS = [
    {
        "messages": [
            {"role": "user", "content": f"孩子第{i}天发烧怎么办？"},
            {"role": "assistant", "content": f"多喝水，第{i}天仍高热请就医。"},
        ]
    }
    for i in range(6)
]
CHEAP = dict.fromkeys(("pii", "label_issues", "category_labels", "outliers", "language"), False)


def project(folder: Path, recipe: str, **files: str | bytes) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "curator.yaml").write_text(recipe, encoding="utf-8")
    for name, content in files.items():
        path = folder / name.replace("__", ".")
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return folder


def two_lines(done: subprocess.CompletedProcess[str]) -> tuple[str, str]:
    lines = done.stderr.strip().splitlines()
    assert "Traceback" not in done.stderr
    assert lines[-2].startswith("error: ")
    assert lines[-1].startswith("  try: ")
    return lines[-2], lines[-1]


JSONL_LONG = "\n".join(
    json.dumps({"question": f"{i} 孩子第{i}天发烧怎么办？" * 12, "answer": f"第{i}天多喝水。" * 30})
    for i in range(4000)
)
JSONL = "\n".join(json.dumps(row, ensure_ascii=False) for row in ROWS)


@pytest.mark.parametrize(
    ("recipe", "files", "what", "todo"),
    [
        ("sources: [{path: none.jsonl}]\n", {}, "no such file", "path:"),
        ("sources: [{path: a.csv}]\n", {"a__csv": ""}, "empty", ""),
        ("sources: [{path: a.bin}]\n", {"a__bin": b"\x00\x01\x02" * 50}, "a.bin", ""),
        ("sources: [{path: a.jsonl.gz}]\n", {"a__jsonl__gz": b"not gzip at all"}, "a.jsonl.gz", ""),
        (
            "sources: [{path: a.csv, columns: {user: 问题, assistant: 回答}}]\n",
            {"a__csv": "提问,回答\n发烧怎么办,多喝水\n"},
            "问题",
            "提问",
        ),
        (
            "sources:\n  - {path: a.jsonl, fromat: jsonl}\n",
            {"a__jsonl": JSONL},
            ":2: sources[0].fromat",
            "did you mean format?",
        ),
        ("sources: [{path: a.jsonl}\nname: x\n", {"a__jsonl": JSONL}, "not valid YAML", ""),
        (
            "sources: [{path: a.jsonl}]\nchecks: {near_duplicat: true}\n",
            {"a__jsonl": JSONL},
            "unknown check: near_duplicat",
            "did you mean near_duplicates?",
        ),
        (
            "sources: [{path: a.jsonl}]\nchecks: {near_duplicates: {treshold: 1}}\n",
            {"a__jsonl": JSONL},
            "near_duplicates: unknown parameter treshold",
            "known:",
        ),
    ],
    ids=[
        "missing",
        "empty",
        "binary",
        "broken-gzip",
        "mapping",
        "yaml-key",
        "yaml",
        "check",
        "parameter",
    ],
)
def test_mistakes(
    curator: Callable[..., Any],
    tmp_path: Path,
    recipe: str,
    files: dict[str, str | bytes],
    what: str,
    todo: str,
) -> None:
    folder = project(tmp_path / "p", recipe, **files)
    first, second = two_lines(curator("run", folder, code=2))
    assert what in first
    assert todo in second
    two_lines(curator("run", folder, code=2))


def test_a_bad_file_leaves_the_workspace_as_it_was(
    curator: Callable[..., Any], tmp_path: Path
) -> None:
    folder = project(tmp_path / "p", "sources: [{path: a.jsonl}]\n", a__jsonl=JSONL)
    curator("ingest", "-p", folder)
    before = json.loads(curator("status", "-p", folder, "--json").stdout)
    (folder / "b.csv").write_bytes(b"")
    curator("ingest", folder / "b.csv", "-p", folder, code=2)
    assert json.loads(curator("status", "-p", folder, "--json").stdout) == before


def test_no_project(curator: Callable[..., Any], tmp_path: Path) -> None:
    first, second = two_lines(curator("run", tmp_path, code=2))
    assert "no curator.yaml" in first
    assert "curator init" in second


def test_a_second_process_is_told_to_wait(curator: Callable[..., Any], tmp_path: Path) -> None:
    folder = project(tmp_path / "p", "sources: [{path: a.jsonl}]\n", a__jsonl=JSONL)
    holder = subprocess.Popen(
        [
            sys.executable,
            "-c",
            f"import curator, time\nwith curator.open({str(folder)!r}).workspace.lock():\n    print('held', flush=True); time.sleep(60)",
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        first, _ = two_lines(curator("ingest", "-p", folder, code=2))
        assert "in use by another curator process" in first
    finally:
        holder.kill()
        holder.wait()
    curator("ingest", "-p", folder)  # a killed holder leaves no lock behind


def test_a_full_disk(curator: Callable[..., Any], tmp_path: Path) -> None:
    """A small tmpfs is filled; after space is made, the same command ends well."""
    mount = tmp_path / "small"
    mount.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(mount)],
        capture_output=True,
        check=False,
    )
    if done.returncode:
        pytest.skip("mounting a tmpfs needs root")
    try:
        folder = project(mount / "p", "sources: [{path: a.jsonl}]\n", a__jsonl=JSONL)
        filler = mount / "filler"
        with filler.open("wb") as file, pytest.raises(OSError, match="No space"):
            while True:
                file.write(b"0" * 65536)
                file.flush()
        first, second = two_lines(curator("ingest", "-p", folder, code=2))
        assert "no space left" in first
        assert "goes on where it stopped" in second
        filler.unlink()
        curator("ingest", "-p", folder)
        assert json.loads(curator("status", "-p", folder, "--json").stdout)["units"]["read"] == len(
            ROWS
        )
    finally:
        subprocess.run(["umount", str(mount)], check=True)


def test_exports_are_refused_until_every_check_ran(
    curator: Callable[..., Any], tmp_path: Path
) -> None:
    """P5: no export without all checks, and none after the recipe or the input changed."""
    off = ", ".join(f"{name}: false" for name in CHEAP)
    recipe = f"sources: [{{path: a.jsonl}}]\nchecks: {{{off}}}\nworkers: 1\n"
    folder = project(tmp_path / "p", recipe, a__jsonl=JSONL)
    curator("ingest", "-p", folder)
    refused = curator("export", "instruction", "-p", folder, code=1)
    assert "exact_duplicates (missing)" in two_lines(refused)[0]
    curator("check", "-p", folder)
    assert "no decision" in two_lines(curator("export", "rag", "-p", folder, code=1))[0]
    curator("decide", "-p", folder)
    curator("export", "rag", "-p", folder)
    (folder / "a.jsonl").write_text(
        JSONL + "\n" + json.dumps(ROWS[0] | {"id": 1}), encoding="utf-8"
    )
    curator("ingest", "-p", folder)
    assert "(stale)" in two_lines(curator("export", "rag", "-p", folder, code=1))[0]
    told = curator("why", "a.jsonl#line 1", "-p", folder).stdout
    assert "not known of: encoding" in told
    assert "finding  none" not in told


def test_lost_records_are_noticed(curator: Callable[..., Any], tmp_path: Path) -> None:
    """P1: status proves conservation, and does not add up what is not as it was written."""
    folder = project(tmp_path / "p", "sources: [{path: a.jsonl}]\n", a__jsonl=JSONL + "\n{broken")
    curator("ingest", "-p", folder)
    told = json.loads(curator("status", "-p", folder, "--json").stdout)
    assert told["conserved"]
    assert told["units"] == {"read": 7, "in_records": 6, "set_aside": 0, "quarantined": 1}
    for path in (folder / ".curator" / "quarantine").iterdir():
        write_table(path, read_table(path).slice(0, 0))
    told = json.loads(curator("status", "-p", folder, "--json", code=1).stdout)
    assert told["problems"] == ["a.jsonl: 7 units read, 6 accounted for"]
    path.unlink()
    assert "quarantine" in curator("status", "-p", folder, code=2).stderr


def _hears_ctrl_c() -> None:
    """Undo what a shell does to its background jobs: it has them ignore Ctrl-C."""
    import signal

    signal.signal(signal.SIGINT, signal.default_int_handler)


def test_interruption_leaves_the_workspace_whole(
    curator: Callable[..., Any], tmp_path: Path
) -> None:
    """Ctrl-C ends with 130 and a sentence; the same command goes on."""
    import signal

    from tests.conftest import command

    folder = project(tmp_path / "p", "sources: [{path: a.jsonl.gz}]\n")
    big = "\n".join(json.dumps(row, ensure_ascii=False) for row in ROWS * 20000)
    (folder / "a.jsonl.gz").write_bytes(gzip.compress(big.encode(), 1))
    running = subprocess.Popen(
        [command(), "ingest", "-p", str(folder)],
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=_hears_ctrl_c,  # noqa: PLW1509 - no other thread runs here
    )
    records = folder / ".curator" / "records"
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and not (records.exists() and any(records.glob("*.parquet"))):
        time.sleep(0.01)
    running.send_signal(signal.SIGINT)
    _, told = running.communicate(timeout=60)
    assert running.returncode == 130
    assert "goes on where it stopped" in told
    assert "Traceback" not in told
    curator("ingest", "-p", folder)
    assert json.loads(curator("status", "-p", folder, "--json").stdout)["conserved"]


def test_interruption_while_workers_are_busy(tmp_path: Path) -> None:
    """Ctrl-C in a terminal reaches the workers too: all end at once, without a traceback."""
    import os
    import signal

    from tests.conftest import clean_env, command

    folder = project(tmp_path / "p", "sources: [{path: a.jsonl}]\n", a__jsonl=JSONL_LONG)
    running = subprocess.Popen(
        [command(), "run", str(folder), "--workers", "2"],
        stderr=subprocess.PIPE,
        text=True,
        env=clean_env(),
        start_new_session=True,
        preexec_fn=_hears_ctrl_c,  # noqa: PLW1509 - no other thread runs here
    )
    done = folder / ".curator" / "findings" / "pii"
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and not list(done.glob("*/*.parquet")):
        time.sleep(0.02)
    os.killpg(running.pid, signal.SIGINT)
    began = time.monotonic()
    _, told = running.communicate(timeout=60)
    assert running.returncode == 130, told
    assert time.monotonic() - began < 20
    assert "goes on where it stopped" in told
    assert "Traceback" not in told
    assert api.open(folder).status()["checks"]["pii"] in ("missing", "failed")


def test_a_damaged_manifest_says_what_makes_it_again(tmp_path: Path) -> None:
    folder = project(tmp_path / "p", "sources: [{path: a.jsonl}]\n", a__jsonl=JSONL)
    opened = api.open(folder)
    opened.ingest()
    (folder / ".curator" / "sources.json").write_text("{", encoding="utf-8")
    with pytest.raises(WorkspaceError) as caught:
        opened.status()
    assert "sources.json" in caught.value.message
    assert "curator run" in caught.value.hint
    shutil.rmtree(folder)
