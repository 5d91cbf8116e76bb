"""A Ray of one's own on this machine: the local engine's files and errors, and nothing left behind."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
import warnings
from functools import partial
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any

import pytest

from curator.engine import LocalEngine
from curator.errors import EngineError, ModelError
from curator.protocols import Step
from tests.conftest import clean_env, command
from tests.processes import Process, alive, below
from tests.ray.projects import contents, small_project
from tests.unit.engine_steps import SECRET, called, refused
from tests.unit.test_engine import DOUBLE, parts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from curator.engine.ray import RayEngine

pytest.importorskip("ray", reason="needs the extra `ray`")


@pytest.fixture(scope="module")
def told() -> list[tuple[str, int, int]]:
    return []


@pytest.fixture(scope="module")
def ray_engine(
    tmp_path_factory: pytest.TempPathFactory, told: list[tuple[str, int, int]]
) -> Iterator[RayEngine]:
    """Two workers, started once: the start is what takes long."""
    from curator.engine.ray import RayEngine

    with RayEngine(tmp_path_factory.mktemp("store"), None, 2, lambda *x: told.append(x)) as engine:
        yield engine


def mapped(engine: LocalEngine, step: Step, inputs: list[Path], out: Path) -> dict[str, bytes]:
    written = engine.map(step, [(p,) for p in inputs], out, label="step")
    return {path.name: path.read_bytes() for path in written}


def test_the_same_files_as_the_local_engine_and_the_same_progress(
    ray_engine: RayEngine, told: list[tuple[str, int, int]], tmp_path: Path
) -> None:
    inputs = parts(tmp_path / "in")
    here: list[tuple[str, int, int]] = []
    with LocalEngine(2, lambda *x: here.append(x)) as local:
        wanted = mapped(local, DOUBLE, inputs, tmp_path / "here")
    told.clear()
    assert mapped(ray_engine, DOUBLE, inputs, tmp_path / "there") == wanted
    assert told == here
    (tmp_path / "there" / "p-3.parquet").unlink()
    assert mapped(ray_engine, DOUBLE, inputs, tmp_path / "there") == wanted
    ray_engine.begin(DOUBLE, [(p,) for p in inputs], tmp_path / "begun")
    assert mapped(ray_engine, DOUBLE, inputs, tmp_path / "begun") == wanted


def test_an_error_that_a_user_can_mend_comes_through_whole(
    ray_engine: RayEngine, tmp_path: Path
) -> None:
    step = Step("tests.unit.engine_steps:Missing")
    with pytest.raises(ModelError, match="the model is not there") as caught:
        mapped(ray_engine, step, parts(tmp_path / "in", 2), tmp_path / "out")
    assert caught.value.hint == "install it"
    outcomes = ray_engine.side_by_side([partial(called, "here"), partial(called, "there"), refused])
    assert next(outcomes) == ("here", os.getpid())
    name, pid = next(outcomes)
    assert name == "there"
    assert pid != os.getpid()
    with pytest.raises(ModelError, match="not there"):
        next(outcomes)


def test_what_a_step_prints_or_raises_is_not_in_the_logs_of_ray(
    ray_engine: RayEngine, tmp_path: Path
) -> None:
    import ray

    step = Step("tests.unit.engine_steps:Told")
    with pytest.raises(ValueError, match="raised") as caught:
        mapped(ray_engine, step, parts(tmp_path / "in", 1), tmp_path / "out")
    assert "engine_steps.py" in caught.value.__notes__[0]
    session = Path(ray._private.worker._global_node.get_session_dir_path())
    logs = [path for path in (session / "logs").rglob("*") if path.is_file()]
    assert any("worker" in path.name for path in logs)
    assert not [path for path in logs if SECRET.encode() in path.read_bytes()]
    (own,) = [folder for folder in session.parents if folder.name.startswith("curator-ray-")]
    assert own.stat().st_mode & 0o777 == 0o700


def test_a_killed_worker_takes_no_part_along(ray_engine: RayEngine, tmp_path: Path) -> None:
    inputs, pids = parts(tmp_path / "in", 12), tmp_path / "pids"
    step = Step("tests.unit.engine_steps:Slow", {"pids": str(pids), "seconds": 0.5})

    def kill() -> None:
        while not (pids.exists() and len(list(pids.iterdir())) == 2):
            time.sleep(0.02)
        os.kill(int(min(p.name for p in pids.iterdir())), signal.SIGKILL)

    killer = Thread(target=kill)
    killer.start()
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / ".tmp-left.parquet").touch()
    with pytest.warns(UserWarning, match=r"worker \d on .* died at .*Slow, part p-"):
        found = mapped(ray_engine, step, inputs, tmp_path / "out")
    killer.join()
    still = Step("tests.unit.engine_steps:Slow", {"pids": str(pids), "seconds": 0.0})
    with LocalEngine(1) as local:
        assert found == mapped(local, still, inputs, tmp_path / "here")
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == sorted(found)


def test_a_part_at_which_every_worker_dies_ends_the_run_with_its_name(
    ray_engine: RayEngine, tmp_path: Path
) -> None:
    inputs = parts(tmp_path / "in", 4)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises(EngineError, match=r"4 workers died, each at .*:Dies, part p-2"):
            mapped(ray_engine, Step("tests.unit.engine_steps:Dies"), inputs, tmp_path / "out")
    assert mapped(ray_engine, DOUBLE, inputs, tmp_path / "again")


def test_what_stands_still_is_told_with_step_part_worker_and_time(
    ray_engine: RayEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from curator.engine.ray import pool

    monkeypatch.setattr(pool, "_STANDS", 1.0)
    step = Step("tests.unit.engine_steps:Slow", {"pids": str(tmp_path / "p"), "seconds": 14.0})
    with pytest.warns(
        UserWarning,
        match=r"Slow, part p-0.parquet: worker \d+ on .* has been at it for \d+ s; it uses no CPU",
    ):
        mapped(ray_engine, step, parts(tmp_path / "in", 1), tmp_path / "out")


@pytest.mark.cluster
def test_ctrl_c_and_a_killed_driver_leave_nobody_behind(tmp_path: Path) -> None:
    folder = small_project(tmp_path / "p")
    for stop in (signal.SIGINT, signal.SIGKILL):
        running = subprocess.Popen(
            [command(), "run", str(folder), "--engine", "ray"],
            env=clean_env(),
            cwd="/",
            stderr=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            text=True,
            start_new_session=True,
        )
        ours: dict[int, Process] = {}
        until = time.monotonic() + 90
        while not any(one.line.startswith("ray::Worker") for one in ours.values()):
            assert time.monotonic() < until
            assert running.poll() is None
            time.sleep(0.2)
            ours |= below(running.pid)
        if stop == signal.SIGINT:
            os.killpg(running.pid, stop)  # as a terminal does
        else:
            running.kill()
        _, err = running.communicate(timeout=60)
        assert running.returncode == (130 if stop == signal.SIGINT else -9), err
        if stop == signal.SIGINT:
            assert not list(Path("/tmp").glob(f"curator-ray-*/ray/session_*_{running.pid}"))
            assert "stopped; the same command goes on where it stopped" in err
            assert "Traceback" not in err
        # Ray's own agents ask a head that is gone, too, before they end: a minute or more.
        ours = {pid: one for pid, one in ours.items() if "agent" not in one.line.lower()}
        until = time.monotonic() + 60
        while any(map(alive, ours)) and time.monotonic() < until:
            time.sleep(0.2)
        assert not [one.line for pid, one in ours.items() if alive(pid)]
    for left in Path("/tmp").glob(f"curator-ray-*/ray/session_*_{running.pid}"):
        shutil.rmtree(left.parents[1])  # nobody was left to do it
    here = small_project(tmp_path / "here")
    for line in ([str(here), "-w", "2"], [str(folder), "--engine", "ray", "-w", "1"]):
        done = subprocess.run(
            [command(), "run", *line],
            env=clean_env(),
            cwd="/",
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
    assert contents(folder) == contents(here)


def test_an_engine_of_no_such_name_is_refused(tmp_path: Path, curator: Any) -> None:
    folder = small_project(tmp_path / "p")
    for name in ("spark", "ray://", "ray://host", "ray:host:1"):
        said = curator("run", folder, "--engine", name, code=2).stderr
        assert f"{name}: no engine" in said
        assert "ray://HOST:PORT" in said
    (folder / "curator.yaml").write_text("engine: spark\n", encoding="utf-8")
    assert "engine" in curator("run", folder, code=2).stderr


def test_without_ray_its_engine_says_what_to_install(tmp_path: Path) -> None:
    script = (
        "import sys; sys.modules['ray'] = None\n"
        "from curator.cli.app import main\n"
        "sys.argv = ['curator', 'run', sys.argv[1], '--engine', 'ray://127.0.0.1:1']\n"
        "main()\n"
    )
    folder = small_project(tmp_path / "p")
    done = subprocess.run(
        [sys.executable, "-c", script, str(folder)],
        capture_output=True,
        text=True,
        check=False,
        cwd="/",
    )
    assert done.returncode == 2
    assert "pip install 'curator-data[ray]'" in done.stderr
