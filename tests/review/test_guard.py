"""Nobody enters without a key, nothing is fetched from elsewhere, nothing is sent elsewhere."""

from __future__ import annotations

import json
import os
import re
import shutil
import stat
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from curator.review.server import accounts, environment
from tests.conftest import ROOT
from tests.review.argilla import TEXT, Argilla, choice

if TYPE_CHECKING:
    from collections.abc import Callable

    from curator.workspace import Workspace
    from tests.review.conftest import Served

OPEN = {
    ("GET", "/version"),
    ("GET", "/settings"),
    ("GET", "/status"),
    ("GET", "/oauth2/providers"),
    ("POST", "/token"),
}
"""What a browser must be told before somebody has logged in; none of it is about records."""
ABSENT = {
    *("/openapi.json", "/docs", "/docs/oauth2-redirect", "/redoc"),
    *(f"/oauth2/providers/{{provider}}/{what}" for what in ("authentication", "access-token")),
}
"""Pages about the interface, and doors to other sites' accounts: there are none here."""
NOBODY = "00000000-0000-0000-0000-000000000000"


def routes(folder: Path) -> list[tuple[str, str]]:
    """Every route of the interface, asked of Argilla's own code."""
    code = (
        "import json; from argilla_server.api.routes import api_v1;"
        "print(json.dumps([(m, r.path) for r in api_v1.routes for m in r.methods]))"
    )
    folders = {"ARGILLA_HOME_PATH": str(folder), "TMPDIR": str(folder)}
    done = subprocess.run(
        [environment.folder() / "bin" / "python", "-c", code],
        env=folders | {"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=True,
    )
    return [(method, path) for method, path in json.loads(done.stdout.splitlines()[-1])]


def test_every_route_refuses_who_has_no_key(served: Served, tmp_path: Path) -> None:
    every = routes(tmp_path)
    assert set(every) >= OPEN
    told = [(m, p) for m, p in every if (m, p) not in OPEN and m != "HEAD"]
    assert len(told) > 60
    let_in = {}
    for headers in ({}, {"X-Argilla-Api-Key": "argilla.apikey"}):
        stranger = Argilla(served.server.url, None, **headers)
        for method, path in told:
            asked = re.sub(r"\{[^}]*\}", NOBODY, path)
            body = {} if method in {"POST", "PUT", "PATCH"} else None
            answer = stranger.ask(method, f"/api/v1{asked}", body)
            absent = answer.status == 404 and path in ABSENT
            if answer.status not in {401, 403} and not absent:
                let_in[method, path] = (answer.status, answer.body[:200])
    assert let_in == {}


def test_the_open_routes_tell_nothing_of_records(served: Served) -> None:
    stranger = Argilla(served.server.url, None)
    for method, path in OPEN - {("POST", "/token")}:
        text = stranger.ask(method, f"/api/v1{path}").body.decode()
        assert served.server.api_key not in text


def test_default_credentials_are_refused(served: Served) -> None:
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    door = Argilla(served.server.url, None, **form)
    for name, password in (
        ("argilla", "1234"),
        ("argilla", "12345678"),
        ("admin", "12345678"),
        ("curator", "curator"),
    ):
        body = f"username={name}&password={password}".encode()
        assert door.ask("POST", "/api/v1/token", body).status == 401
    owner = served.accounts["owner"]
    body = f"username={owner['username']}&password={owner['password']}".encode()
    answer = door.ask("POST", "/api/v1/token", body)
    assert answer.status == 201
    bearer = Argilla(served.server.url, None, Authorization=f"Bearer {answer.json['access_token']}")
    assert bearer.do("GET", "/me")["role"] == "owner"


def test_a_forged_session_is_refused(served: Served) -> None:
    forger = Argilla(served.server.url, None, Authorization="Bearer x")
    assert forger.ask("GET", "/api/v1/me/datasets").status == 401


def test_a_reviewer_may_answer_and_not_rule(served: Served) -> None:
    owner, anna = served.owner, served.reviewer("anna")
    dataset = owner.dataset("rights", fields={"q": TEXT}, questions={"verdict": choice()})
    (record,) = dataset.push([{"fields": {"q": "发烧怎么办"}}])
    assert anna.do("GET", "/me")["role"] == "annotator"
    assert dataset.seen_by(anna).respond(record, {"verdict": "keep"})["status"] == "submitted"
    base = "/api/v1"
    assert anna.ask("DELETE", f"{base}/datasets/{dataset.id}").status == 403
    assert anna.ask("DELETE", f"{base}/records/{record}").status == 403
    assert anna.ask("GET", f"{base}/users").status == 403


def test_files_are_the_owners_alone(served: Served) -> None:
    assert served.home.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO) == 0
    # Argilla's own pages are as open as in its wheel, within a folder that is not.
    files = [path for path in served.home.iterdir() if path.is_file()]
    assert {"credentials.json", "argilla.db", "search.db", "server.log"} <= {f.name for f in files}
    loose = [p for p in files if p.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO)]
    assert loose == []


def test_secrets_are_random_and_in_one_file(
    served: Served, project: Callable[[], Workspace]
) -> None:
    other = project().root / "credentials.json"
    made = accounts.ensure(other, ["anna"])
    assert len(made) == 2
    ours, theirs = served.accounts, json.loads(other.read_text("utf-8"))
    for mine, other_one in ((ours["owner"], theirs["owner"]), (ours, theirs)):
        for key in ("password", "api_key", "secret"):
            assert key not in mine or (len(mine[key]) >= 20 and mine[key] != other_one[key])
    log = (served.home / "server.log").read_text("utf-8")
    told = (served.home / "server.json").read_text("utf-8")
    for secret in (ours["secret"], ours["owner"]["password"], ours["owner"]["api_key"]):
        assert secret not in log + told
    command = Path(f"/proc/{served.server.pid}/cmdline")
    if command.exists():
        assert ours["owner"]["password"] not in command.read_text("utf-8")


def sockets(pid: int) -> set[str]:
    """The inodes of the sockets that a process has open."""
    links = [str(fd.readlink()) for fd in Path(f"/proc/{pid}/fd").iterdir()]
    return {re.sub(r"\D", "", link) for link in links if link.startswith("socket:")}


def test_only_loopback_listens(served: Served) -> None:
    """As `ss -ltn` would say, read from where it reads."""
    tables = [Path(f"/proc/{served.server.pid}/net/{name}") for name in ("tcp", "tcp6")]
    if not tables[0].exists():
        pytest.skip("there is no /proc/net here")
    inodes = sockets(served.server.pid)
    listening = []
    for table in tables:
        for line in table.read_text().splitlines()[1:]:
            parts = line.split()
            if parts[3] == "0A" and parts[9] in inodes:
                listening.append(parts[1])
    port = served.owner.where.port
    assert listening == [f"0100007F:{port:04X}"]


def test_pages_ask_no_other_machine(served: Served) -> None:
    browser = Argilla(served.server.url, None)
    for path in ("/", "/sign-in", "/dataset/x/annotation-mode"):
        page = browser.ask("GET", path)
        assert page.status == 200
        policy = page.headers["content-security-policy"]
        assert "default-src 'self'" in policy
        assert "unsafe-eval" not in policy
        assert not re.search(r"script-src[^;]*unsafe-inline", policy)
        assert not re.search(r"https?:", policy)
        assert page.headers["x-frame-options"] == "DENY"
    styles = set(re.findall(r'href="([^"]+\.css)"', browser.ask("GET", "/").body.decode()))
    assert styles
    for style in styles:
        text = browser.ask("GET", style).body.decode()
        assert not re.search(r"(@import|url\()\s*[\"']?https?:", text)


def test_a_foreign_name_gets_no_answer(served: Served) -> None:
    for host in ("evil.example", f"evil.example:{served.owner.where.port}", ""):
        guest = Argilla(served.server.url, served.server.api_key, Host=host)
        assert guest.ask("GET", "/api/v1/me").status == 400
    home = Argilla(
        served.server.url, served.server.api_key, Host=f"localhost:{served.owner.where.port}"
    )
    assert home.ask("GET", "/api/v1/me").status == 200


def test_other_sites_are_not_let_in_by_the_browser(served: Served) -> None:
    asked = {"Origin": "https://evil.example", "Access-Control-Request-Method": "GET"}
    answer = Argilla(served.server.url, None, **asked).ask("OPTIONS", "/api/v1/me")
    assert "access-control-allow-origin" not in answer.headers


def test_what_reaches_out_is_refused(served: Served) -> None:
    owner = served.owner
    dataset = owner.dataset("stays", fields={"q": TEXT}, questions={"verdict": choice()})
    base = "/api/v1"
    for path, body in (
        (f"{base}/datasets/{dataset.id}/export", {"name": "a/b", "token": "hf_x", "subset": "default", "split": "train", "private": True}),
        (f"{base}/datasets/{dataset.id}/import", {"name": "a/b", "subset": "x", "split": "train", "mapping": {}}),
        (f"{base}/webhooks", {"url": "https://evil.example", "events": ["record.created"]}),
    ):  # fmt: skip
        answer = owner.ask("POST", path, body)
        assert (answer.status, answer.json) == (403, {"detail": "this server sends nothing out"})


WORK = """
import sys
sys.path.insert(0, {root!r})
from pathlib import Path
from curator.review.server.process import end, start
from curator.workspace import Workspace
from tests.review.argilla import Argilla, TEXT, choice
workspace = Workspace(Path({folder!r}))
started = start(workspace, port=0, tell=print)
try:
    owner = Argilla(started.server.url, started.server.api_key)
    made = owner.dataset("alone", fields={{"q": TEXT}}, questions={{"verdict": choice()}})
    ids = made.push([{{"external_id": "1", "fields": {{"q": "发烧怎么办"}}}}])
    made.respond(ids[0], {{"verdict": "keep"}})
    assert made.search("发烧") == (["1"], 1)
    for path in ("/", "/sign-in"):
        assert owner.ask("GET", path).status == 200
finally:
    end(started.process)
"""


def test_it_works_without_a_network_and_asks_for_none(
    server_environment: Path, project: Callable[[], Workspace], tmp_path: Path
) -> None:
    """In a network namespace with nothing but loopback; what it tries to reach is written down."""
    assert server_environment.exists()
    if sys.platform != "linux" or not shutil.which("unshare"):
        pytest.skip("there are no network namespaces here")
    workspace = project()
    work = tmp_path / "work.py"
    work.write_text(WORK.format(root=str(ROOT), folder=str(workspace.root)), "utf-8")
    command = f"ip link set lo up 2>/dev/null; exec {sys.executable} {work}"
    if not shutil.which("ip"):
        command = f"{sys.executable} -c {_LOOPBACK_UP!r} && exec {sys.executable} {work}"
    done = subprocess.run(
        ["unshare", "-rn", "sh", "-c", command],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if "Operation not permitted" in done.stderr:
        pytest.skip("this machine allows no network namespace")
    assert done.returncode == 0, done.stdout + done.stderr
    log = (workspace.store / "review" / "server.log").read_text("utf-8")
    assert "rror" not in log, log


_LOOPBACK_UP = (
    "import fcntl, socket, struct;"
    "s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM);"
    "fcntl.ioctl(s, 0x8914, struct.pack('16sh14s', b'lo', 0x1 | 0x40, b''))"
)


def test_nothing_is_connected_to(served: Served) -> None:
    """After all that the tests above asked: no connection of the server's own anywhere."""
    table = Path(f"/proc/{served.server.pid}/net/tcp")
    if not table.exists():
        pytest.skip("there is no /proc/net here")
    foreign: list[Any] = []
    for line in table.read_text().splitlines()[1:]:
        parts = line.split()
        ours = parts[9] in sockets(served.server.pid)
        if ours and not parts[2].startswith(("0100007F", "00000000")):
            foreign.append(parts)
    assert foreign == []
