"""Two Ray nodes with a network each: the same bytes as here, whatever happens to one of them."""

from __future__ import annotations

import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from curator.engine import LocalEngine
from curator.protocols import Step
from tests.conftest import ROOT, command
from tests.integration.test_resume import digests
from tests.ray.clusters import Nodes, nodes
from tests.ray.projects import contents, small_project
from tests.unit.test_engine import parts

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.cluster

SCRIPT = """
import sys, warnings
from pathlib import Path
from curator.engine.ray import RayEngine
from curator.protocols import Step
root, address = Path(sys.argv[1]), sys.argv[2]
with RayEngine(root, address) as engine:
    step = Step("tests.unit.engine_steps:Slow", {"pids": str(root / "pids"), "seconds": 0.5})
    engine.map(step, [(p,) for p in sorted((root / "in").iterdir())], root / "out", label="slow")
    print("workers lost", engine._actors.lost)
"""


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nodes]:
    """Two nodes of one CPU each."""
    with nodes(tmp_path_factory.mktemp("nodes")) as made:
        made.start(0, 1)
        made.start(1, 1)
        yield made


def test_the_whole_job_on_two_nodes_then_one_dies_and_comes_back(
    two: Nodes, tmp_path: Path
) -> None:
    here, there = small_project(tmp_path / "here"), small_project(tmp_path / "there")
    subprocess.run(
        [command(), "run", str(here), "-w", "1"], check=True, capture_output=True, cwd="/"
    )
    code, said, _ = two.run([command(), "run", there, "--engine", f"ray://{two.address}"])
    assert code == 0, said
    assert contents(there) == contents(here)
    assert digests(there) == digests(here)

    # A node dies in the middle of a stage: the other does its parts.
    inputs = parts(tmp_path / "in", 24)
    running = two.popen([sys.executable, "-c", SCRIPT, tmp_path, two.address], cwd=ROOT)
    try:
        _until(lambda: len(list((tmp_path / "out").glob("p-*"))) >= 6, running)
        assert len(list((tmp_path / "pids").iterdir())) == 2, "both nodes work"
        two.kill(1)
        out, err = running.communicate(timeout=120)
    finally:
        running.kill()
    assert running.returncode == 0, out + err
    assert "workers lost 1" in out or "workers lost 2" in out, out + err
    assert "another worker does its part" not in out
    _same_as_local(inputs, tmp_path)


def _same_as_local(inputs: list[Path], root: Path) -> None:
    step = Step("tests.unit.engine_steps:Slow", {"pids": str(root / "pids"), "seconds": 0.0})
    with LocalEngine(1) as engine:
        wanted = engine.map(step, [(p,) for p in inputs], root / "wanted", label="x")
    assert {p.name: p.read_bytes() for p in (root / "out").iterdir()} == {
        p.name: p.read_bytes() for p in wanted
    }


def _until(there: object, running: subprocess.Popen[str], seconds: float = 120) -> None:
    until = time.monotonic() + seconds
    while not there() and time.monotonic() < until and running.poll() is None:  # type: ignore[operator]
        time.sleep(0.05)
    assert there(), running.communicate()  # type: ignore[operator]


def test_what_is_wrong_with_a_cluster_is_said_before_any_work(tmp_path: Path) -> None:
    project = small_project(tmp_path / "work" / "p")
    with nodes(tmp_path) as made:
        line = [command(), "run", project, "--engine", f"ray://{made.address}"]
        # Nothing listens.
        code, said, seconds = made.run(line)
        assert (code, seconds < 30) == (2, True), (said, seconds)
        assert f"nothing answers at the Ray address {made.address}" in said
        # Something listens that is no Ray.
        other = made.popen(
            [sys.executable, "-m", "http.server", "6379", "--bind", made.addresses[0]]
        )
        try:
            time.sleep(2)
            code, said, seconds = made.run(line)
        finally:
            other.kill()
        assert code == 2, said
        assert seconds < 30, said
        assert "not as a Ray cluster does" in said or "cannot be joined" in said, said
        # No CPU.
        made.start(0, 0)
        code, said, seconds = made.run(line)
        assert code == 2, said
        assert seconds < 30, said
        assert "has no whole CPU free" in said
        assert "ray start --address" in said
        # Another token.
        right = made.env["RAY_AUTH_TOKEN_PATH"]
        wrong = tmp_path / "wrong"
        wrong.write_text("0" * 64, encoding="utf-8")
        made.env["RAY_AUTH_TOKEN_PATH"] = str(wrong)
        code, said, seconds = made.run(line)
        made.env["RAY_AUTH_TOKEN_PATH"] = right
        assert code == 2, said
        assert seconds < 30, said
        assert "token" in said
        # A node that does not see the project.
        made.start(1, 1, hidden=tmp_path / "work")
        code, said, _ = made.run(line)
        assert code == 2, said
        assert "does not share" in said
        assert str(project / ".curator") in said
        assert "Traceback" not in said
    assert not list((project / ".curator").glob("findings/**/*.parquet"))


def test_when_the_head_goes_the_run_ends_with_words(tmp_path: Path) -> None:
    parts(tmp_path / "in", 200)
    with nodes(tmp_path) as made:
        made.start(0, 1)
        made.start(1, 1)
        running = made.popen([sys.executable, "-c", TOLD, tmp_path, made.address], at=1, cwd=ROOT)
        try:
            _until(lambda: len(list((tmp_path / "out").glob("p-*"))) >= 4, running)
            made.kill(0)
            began = time.monotonic()
            out, err = running.communicate(timeout=120)
        finally:
            running.kill()
    assert running.returncode == 2, out + err
    assert "the head of the Ray cluster" in err
    assert "does not answer any more" in err
    assert "it goes on where it stopped" in err
    assert "Traceback" not in err
    assert time.monotonic() - began < 60


TOLD = (
    "import sys\nfrom curator.cli.errors import tell\nfrom curator.errors import CuratorError\ntry:\n"
    + "\n".join(f"    {line}" for line in SCRIPT.strip().splitlines())
    + "\nexcept CuratorError as error:\n    tell(error)\n    sys.exit(error.exit_code)\n"
)


def test_when_no_node_with_a_cpu_is_left_the_run_says_so(tmp_path: Path) -> None:
    parts(tmp_path / "in", 200)
    with nodes(tmp_path) as made:
        made.start(0, 0)
        made.start(1, 1)
        running = made.popen([sys.executable, "-c", TOLD, tmp_path, made.address], cwd=ROOT)
        try:
            _until(lambda: len(list((tmp_path / "out").glob("p-*"))) >= 2, running)
            made.kill(1)
            out, err = running.communicate(timeout=180)
        finally:
            running.kill()
    assert running.returncode == 2, out + err
    assert "no worker has come for 60 seconds (no whole CPU is left" in err
    assert ":Slow, part p-" in err
    assert "0 CPU" in err
