"""`curator review serve`, `status`, `stop`, as they are typed, and what they say when they cannot."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from curator.errors import CuratorError, ReviewError
from curator.review.server import environment
from curator.review.server.process import start
from curator.review.server.state import Server, home, is_locked, running
from curator.workspace import Workspace, read_json, write_json
from tests.conftest import ROOT, clean_env, command
from tests.review.argilla import TEXT, Argilla, Dataset, choice
from tests.review.conftest import quiet

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.review.conftest import Served

IN_TERMINAL = ("env", "--default-signal=INT,HUP")
"""Tests may run in the background, where signals of the terminal are ignored."""


def two_lines(error: CuratorError) -> str:
    assert "\n" not in error.message + error.hint
    return f"{error.message}\n{error.hint}"


def test_the_whole_way_by_commands(
    server_environment: Path,
    curator: Callable[..., subprocess.CompletedProcess[str]],
    project: Callable[[], Workspace],
) -> None:
    assert server_environment.exists()
    folder = project().root
    assert json.loads(curator("review", "status", "-p", folder, "--json").stdout) == {
        "state": "stopped"
    }
    assert "it does not run" in curator("review", "stop", "-p", folder).stderr
    first = curator(
        *("review", "serve", "-p", folder, "--port", 0, "--detach", "--reviewer", "anna")
    )
    try:
        url = first.stdout.strip()
        accounts = read_json(folder / ".curator" / "review" / "credentials.json")
        for account in (accounts["owner"], *accounts["reviewers"]):
            assert f"account {account['username']}, password {account['password']}" in first.stderr
        told = json.loads(curator("review", "status", "-p", folder, "--json").stdout)
        assert (told["state"], told["url"], told["datasets"]) == ("running", url, [])
        assert accounts["owner"]["password"] not in json.dumps(told)
        server = running(Workspace(folder))
        assert server is not None
        assert (server.url, server.username, server.workspace) == (url, "curator", "curator")
        assert server.password_file == folder / ".curator" / "review" / "credentials.json"
        owner = Argilla(server.url, server.api_key)
        made = owner.dataset("one", fields={"q": TEXT}, questions={"verdict": choice()})
        ids = made.push([{"fields": {"q": "发烧"}}, {"fields": {"q": "fever"}}])
        made.respond(ids[0], {"verdict": "keep"})
        shown = curator("review", "status", "-p", folder)
        assert "one\t2\t1" in shown.stdout
        second = curator("review", "serve", "-p", folder, code=2)
        assert second.stderr.splitlines()[0] == (
            f"error: the review server of this project runs already: {url}"
        )
    finally:
        assert "stopped" in curator("review", "stop", "-p", folder).stderr
    assert running(Workspace(folder)) is None
    assert not (folder / ".curator" / "review" / "server.json").exists()
    again = curator("review", "serve", "-p", folder, "--port", 0, "--detach", "--json")
    try:
        assert "password" not in again.stderr, "they are printed once"
        server = running(Workspace(folder))
        assert server is not None
        assert json.loads(again.stdout)["url"] == server.url
        assert Argilla(server.url, server.api_key).do("GET", "/me/datasets")["items"]
    finally:
        curator("review", "stop", "-p", folder)


def test_the_commands_of_the_pages(
    server_environment: Path,
    curator: Callable[..., subprocess.CompletedProcess[str]],
    project: Callable[[], Workspace],
) -> None:
    assert server_environment.exists()
    pages = [ROOT / "docs" / name for name in ("review.md", "review.zh-CN.md")]
    said = [re.findall(r"```sh\n(.*?)```", p.read_text("utf-8"), re.DOTALL) for p in pages]
    assert said[0] == said[1]
    folder = project().root
    for line in "".join(said[0]).splitlines():
        words = line.split()
        if words[:2] != ["curator", "review"] or words[2] not in ("serve", "status", "stop"):
            continue  # what is done with the records: tests/integration/test_review.py
        free = ("--port", "0") if words[2] == "serve" else ()
        curator(*words[1:], *free, cwd=folder)
    assert not is_locked(home(Workspace(folder)))


def test_ctrl_c_stops_it_in_order(
    server_environment: Path, project: Callable[[], Workspace]
) -> None:
    """The request that is under way is answered; a terminal that closes stops it too."""
    assert server_environment.exists()
    workspace = project()
    for number in (signal.SIGINT, signal.SIGHUP):
        shell = subprocess.Popen(
            [*IN_TERMINAL, command(), "review", "serve", "-p", workspace.root, "--port", "0"],
            env=clean_env(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert shell.stdout is not None
        url = shell.stdout.readline().strip()
        server = running(workspace)
        assert server is not None
        assert server.url == url
        owner = Argilla(url, server.api_key)
        name = f"under-way-{number}"
        made = owner.dataset(name, fields={"q": TEXT}, questions={"verdict": choice()})
        rows = [{"fields": {"q": f"发烧 {n}"}} for n in range(400)]
        answers: list[Any] = []

        def push(made: Dataset = made, rows: Any = rows, answers: Any = answers) -> None:
            answers.append(made.push(rows, batch=400))

        pushing = threading.Thread(target=push)
        pushing.start()
        time.sleep(0.3)
        shell.send_signal(number)
        _, said = shell.communicate(timeout=60)
        pushing.join(60)
        assert (shell.returncode, "stopping" in said) == (0, True)
        assert len(answers[0]) == 400
        assert not is_locked(home(workspace))
        with closing(sqlite3.connect(home(workspace) / "search.db")) as con:
            assert con.execute("SELECT whole FROM state").fetchone() == (1,)


def test_a_port_that_is_taken(server_environment: Path, project: Callable[[], Workspace]) -> None:
    assert server_environment.exists()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(ReviewError) as caught:
            start(project(), port=port, tell=quiet)
    assert two_lines(caught.value) == (
        f"port {port} of 127.0.0.1 is in use by another program\n"
        f"name another: curator review serve --port {port + 1} (0 takes any free one)"
    )


def test_an_address_of_another_machine(
    server_environment: Path, project: Callable[[], Workspace]
) -> None:
    assert server_environment.exists()
    with pytest.raises(ReviewError, match=r"cannot listen at 192\.0\.2\.1"):
        start(project(), host="192.0.2.1", port=0, tell=quiet)


def test_a_database_of_another_version(
    server_environment: Path, project: Callable[[], Workspace]
) -> None:
    assert server_environment.exists()
    workspace = project()
    home(workspace).mkdir(parents=True)
    with closing(sqlite3.connect(home(workspace) / "argilla.db")) as con:
        con.execute("CREATE TABLE alembic_version(version_num TEXT)")
        con.execute("INSERT INTO alembic_version VALUES ('ffffffffffff')")
        con.commit()
    with pytest.raises(ReviewError) as caught:
        start(workspace, port=0, tell=quiet)
    assert "argilla.db was made by a server of another version" in two_lines(caught.value)


def test_a_running_server_of_another_version(served: Served) -> None:
    told = served.home / "server.json"
    before = read_json(told)
    try:
        write_json(told, before | {"version": "2.7.0"})
        with pytest.raises(ReviewError) as caught:
            start(served.workspace, port=0, tell=quiet)
    finally:
        write_json(told, before)
    assert "Argilla 2.7.0, not 2.8.0" in two_lines(caught.value)
    assert "curator review stop" in caught.value.hint


def test_a_damaged_environment(
    server_environment: Path,
    project: Callable[[], Workspace],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CURATOR_CACHE", str(tmp_path))
    made = environment.folder() / "bin"
    made.mkdir(parents=True)
    with pytest.raises(ReviewError, match="environment is damaged"):
        start(project(), port=0, tell=quiet)  # there is no Python in it
    (made / "python").symlink_to(server_environment.resolve())
    with pytest.raises(ReviewError) as caught:  # there is no argilla in it
        start(project(), port=0, tell=quiet)
    assert str(environment.folder()) in two_lines(caught.value)
    assert "it is made anew" in caught.value.hint


def test_an_environment_that_cannot_be_made_leaves_nothing(
    project: Callable[[], Workspace], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CURATOR_CACHE", str(tmp_path / "cache"))
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    left = tmp_path / "cache" / f".tmp-{environment.folder().name}-killed"
    left.mkdir(parents=True)
    told: list[str] = []
    with pytest.raises(ReviewError) as caught:
        start(project(), port=0, tell=told.append)
    assert "the review server's environment cannot be made" in two_lines(caught.value)
    assert "PIP_FIND_LINKS" in caught.value.hint
    assert len(told) == 1
    assert [p.name for p in (tmp_path / "cache").iterdir() if p.is_dir()] == []


def test_a_package_that_is_not_the_locked_one_is_refused(
    project: Callable[[], Workspace], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A wheel of the right name and version with other content."""
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    shutil.make_archive(str(wheels / "aiofiles"), "zip", root_dir=tmp_path, base_dir="wheels")
    (wheels / "aiofiles.zip").rename(wheels / "aiofiles-24.1.0-py3-none-any.whl")
    lock = tmp_path / "lock.txt"
    lines = environment.REQUIREMENTS.read_text("utf-8").split("\naiohappyeyeballs")[0]
    lock.write_text(lines + "\n", "utf-8")
    monkeypatch.setattr(environment, "REQUIREMENTS", lock)
    monkeypatch.setenv("CURATOR_CACHE", str(tmp_path / "cache"))
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(wheels))
    with pytest.raises(ReviewError) as caught:
        start(project(), port=0, tell=quiet)
    assert "DO NOT MATCH THE HASHES" in two_lines(caught.value)


@pytest.mark.parametrize("name", ["", "curator", "an na", "-anna", "安娜", "a/../b"])
def test_a_name_that_argilla_does_not_take(
    server_environment: Path, project: Callable[[], Workspace], name: str
) -> None:
    assert server_environment.exists()
    workspace = project()
    with pytest.raises(ReviewError, match="no reviewer can be called"):
        start(workspace, port=0, reviewers=["bo", name], tell=quiet)
    assert not (home(workspace) / "credentials.json").exists()


def test_files_of_a_killed_server_mislead_nobody(project: Callable[[], Workspace]) -> None:
    workspace = project()
    assert running(workspace) is None
    folder = home(workspace)
    folder.mkdir(parents=True)
    dead = subprocess.run([sys.executable, "-c", ""], check=True)
    assert dead.returncode == 0
    (folder / "server.lock").write_text("1\n", "utf-8")
    write_json(folder / "server.json", {"url": "http://127.0.0.1:1", "pid": 1})
    assert running(workspace) is None


def test_what_push_and_pull_need_is_told(served: Served) -> None:
    server = running(served.workspace)
    assert isinstance(server, Server)
    assert Argilla(server.url, server.api_key).do("GET", "/me")["username"] == server.username
    rooms = Argilla(server.url, server.api_key).do("GET", "/me/workspaces")["items"]
    assert [room["name"] for room in rooms] == [server.workspace]
