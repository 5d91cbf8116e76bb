"""Ray clusters for the tests: each node has a network of its own, as on two machines."""

from __future__ import annotations

import os
import re
import secrets
import shutil
import signal
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.conftest import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

PORT = 6379
PAGE = ROOT / "docs" / "ray.md"


def starts() -> list[list[str]]:
    """How the page starts the head and another node."""
    found = re.findall(r"^ray (start .*)$", PAGE.read_text("utf-8"), flags=re.MULTILINE)
    assert len(found) == 2
    return [line.split() for line in found]


def needs_networks() -> None:
    """Skip where no network of its own can be made."""
    pytest.importorskip("ray", reason="needs the extra `ray`")
    if os.geteuid() != 0 or shutil.which("ip") is None:
        pytest.skip("two nodes on one machine need network namespaces: root and iproute2")
    name = f"try{secrets.token_hex(3)}"
    if subprocess.run(["ip", "netns", "add", name], capture_output=True, check=False).returncode:
        pytest.skip("network namespaces cannot be made here")
    subprocess.run(["ip", "netns", "del", name], check=True)


class Nodes:
    """Up to two nodes, `head` and `second`, joined by a cable."""

    def __init__(self, folder: Path) -> None:
        tag = secrets.token_hex(3)
        self.names = [f"cu{tag}a", f"cu{tag}b"]
        self.addresses = ["10.201.0.1", "10.201.0.2"]
        self.address = f"{self.addresses[0]}:{PORT}"
        self.folder = folder
        token = folder / "token"
        token.write_text(secrets.token_hex(32), encoding="utf-8")
        token.chmod(0o600)
        self.env = {
            **{k: v for k, v in os.environ.items() if not k.startswith("RAY_")},
            "RAY_AUTH_MODE": "token",
            "RAY_AUTH_TOKEN_PATH": str(token),
        }
        # Unix sockets lie in it, so its name is short.
        self.temp = Path("/tmp") / f"cu{tag}"
        for name in self.names:
            self._ip("netns", "add", name)
            self._ip("-n", name, "link", "set", "lo", "up")
        a, b = self.names
        self._ip(
            "link",
            "add",
            f"v{tag}a",
            "netns",
            a,
            "type",
            "veth",
            "peer",
            "name",
            f"v{tag}b",
            "netns",
            b,
        )
        for name, end, address in zip(
            self.names, (f"v{tag}a", f"v{tag}b"), self.addresses, strict=True
        ):
            self._ip("-n", name, "addr", "add", f"{address}/24", "dev", end)
            self._ip("-n", name, "link", "set", end, "up")

    @staticmethod
    def _ip(*arguments: str) -> None:
        subprocess.run(["ip", *arguments], check=True, capture_output=True)

    def start(self, at: int, cpus: int, hidden: Path | None = None) -> None:
        """Start the node `at`; it sees an empty folder in the place of `hidden`."""
        told = [word.replace("10.0.0.", "10.201.0.") for word in starts()[at]]
        own = [f"--num-cpus={cpus}", "--object-store-memory=80000000"]
        if at == 0:
            own.append(f"--temp-dir={self.temp}")
        command = [str(Path(sys.executable).parent / "ray"), *told, *own]
        if hidden is not None:
            quoted = " ".join(command)
            command = ["unshare", "-m", "sh", "-c", f"mount -t tmpfs none {hidden} && {quoted}"]
        done = subprocess.run(
            ["ip", "netns", "exec", self.names[at], *command],
            env=self.env,
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert done.returncode == 0, done.stdout + done.stderr

    def popen(
        self, command: Sequence[object], at: int = 0, **more: object
    ) -> subprocess.Popen[str]:
        """Start a command on a node."""
        return subprocess.Popen(  # type: ignore[call-overload,no-any-return]
            ["ip", "netns", "exec", self.names[at], *map(str, command)],
            env=self.env,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            **more,
        )

    def run(self, command: Sequence[object], timeout: float = 300) -> tuple[int, str, float]:
        """Run a command on the head; return its exit code, what it said, and its seconds."""
        began = time.monotonic()
        running = self.popen(command, cwd="/")
        try:
            said = "".join(running.communicate(timeout=timeout))
        finally:
            running.kill()
        return running.returncode, said, time.monotonic() - began

    def kill(self, at: int) -> None:
        """End all processes of a node at once, as a power cut does."""
        found = subprocess.run(
            ["ip", "netns", "pids", self.names[at]], capture_output=True, text=True, check=True
        )
        for pid in found.stdout.split():
            with suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGKILL)

    def end(self) -> None:
        """Leave nothing behind."""
        for at, name in enumerate(self.names):
            self.kill(at)
            subprocess.run(["ip", "netns", "del", name], capture_output=True, check=False)
        shutil.rmtree(self.temp, ignore_errors=True)


@contextmanager
def nodes(folder: Path) -> Iterator[Nodes]:
    """Give a place for two nodes, none of them started yet."""
    needs_networks()
    made = Nodes(folder)
    try:
        yield made
    finally:
        made.end()
