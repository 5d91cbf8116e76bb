"""What all tests share: where the real data lie, the installed command, and no silent skips."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

ROOT = Path(__file__).resolve().parent.parent


def pytest_configure() -> None:
    """Give each process that runs tests a core of its own, where several do.

    What it starts is then on that core too, and finds one: each command works alone, and
    imports what it needs once. More workers are where a test asks for them.
    """
    worker = os.environ.get("PYTEST_XDIST_WORKER", "")
    if worker and hasattr(os, "sched_setaffinity"):
        cores = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, {cores[int(worker.removeprefix("gw")) % len(cores)]})


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, object, None]:
    """Where all must be at hand (CURATOR_REQUIRE_ALL), a skip is a failure."""
    outcome = yield
    report = outcome.get_result()  # type: ignore[attr-defined]
    if os.environ.get("CURATOR_REQUIRE_ALL") and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} was skipped: {report.longrepr}"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the tables that tests hand over, from whichever process they ran in."""
    for outcome in ("passed", "failed"):
        for report in terminalreporter.getreports(outcome):
            for name, value in getattr(report, "user_properties", []):
                if name == "table":
                    terminalreporter.write_line(f"\n{report.nodeid}\n\n{value}")


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of the real data; tests that need it skip where it is absent."""
    folder = Path(os.environ.get("CURATOR_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip("the real data are absent (CURATOR_DATA)")
    return folder


def command() -> str:
    """The installed command `curator`, beside the Python that runs the tests."""
    found = shutil.which("curator", path=str(Path(sys.executable).parent))
    assert found, "curator is not installed beside this Python: make test installs it"
    return found


def clean_env(**more: str) -> dict[str, str]:
    """The environment without what would make Python see the checkout."""
    return {k: v for k, v in os.environ.items() if k != "PYTHONPATH"} | more


def run_line(line: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run a line of a page as a reader types it, with the installed command; it has to end well."""
    done = subprocess.run(
        line.replace("curator", command(), 1),
        shell=True,
        cwd=cwd,
        env=clean_env(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{line}\n{done.stdout}\n{done.stderr}"
    return done


def run_python(code: str, cwd: Path, **more: str) -> subprocess.CompletedProcess[str]:
    """Run a program as its reader would, with curator as it is installed; it has to end well."""
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=cwd,
        env=clean_env(**more),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{code}\n{done.stdout}\n{done.stderr}"
    return done


@pytest.fixture(scope="session")
def curator() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run the installed command `curator`, from a folder that is not the checkout."""

    def run(
        *args: object,
        cwd: Path | None = None,
        code: int | None = 0,
        timeout: float = 600,
        inside: Sequence[str] = (),
    ) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [*inside, command(), *map(str, args)],
            cwd=cwd or Path("/"),
            env=clean_env(),
            capture_output=True,
            text=True,
            check=False,
            timeout=timeout,
        )
        if code is not None:
            assert done.returncode == code, f"exit {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done

    return run


@cache
def no_network() -> tuple[str, ...]:
    """What runs a command with no network interface at all; nothing where that is not permitted."""
    for cut in (("unshare", "-n"), ("unshare", "-rn")):
        tried = [*cut, "true"]
        if (
            shutil.which(cut[0])
            and not subprocess.run(tried, capture_output=True, check=False).returncode
        ):
            return cut
    return ()


@pytest.fixture(scope="session")
def demo(
    curator: Callable[..., subprocess.CompletedProcess[str]],
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    """The project that `curator demo` makes, with no network where it can be cut off.

    It is made once, whatever the number of test processes.
    """
    from filelock import FileLock

    base = tmp_path_factory.getbasetemp()
    shared = base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base
    folder = shared / "demo-project"
    with FileLock(shared / "demo.lock"):
        if not (shared / "demo.done").exists():
            done = curator("demo", folder, timeout=900, inside=no_network())
            assert "conserved" in done.stderr
            (shared / "demo.done").touch()
    return folder
