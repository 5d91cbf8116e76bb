"""The local engine: the same files whatever the worker count, resumable, workers that die with their driver."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from threading import Event

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from curator.engine import LocalEngine
from curator.engine.tasks import Task, Tasks
from curator.errors import ModelError, WorkspaceError
from curator.protocols import Step
from tests.unit.engine_steps import called, refused

DOUBLE = Step("tests.unit.engine_steps:Double", {"by": 2})


def parts(folder: Path, n: int = 5) -> list[Path]:
    folder.mkdir()
    paths = []
    for i in range(n):
        path = folder / f"p-{i}.parquet"
        pq.write_table(pa.table({"x": pa.array(range(i * 10, i * 10 + 10), pa.uint64())}), path)
        paths.append(path)
    return paths


@pytest.mark.parametrize("workers", [1, 2])
def test_map_writes_one_file_a_part_and_leaves_those_that_are_there(
    tmp_path: Path, workers: int
) -> None:
    inputs = parts(tmp_path / "in")
    told: list[tuple[str, int, int]] = []
    with LocalEngine(workers, lambda *x: told.append(x)) as engine:
        out = engine.map(DOUBLE, [(p,) for p in inputs], tmp_path / "out", label="double")
        assert [p.name for p in out] == [p.name for p in inputs]
        assert engine.collect(out)["x"].to_pylist() == [2 * x for x in range(50)]
        before = out[0].stat().st_mtime_ns
        out[3].unlink()
        engine.map(DOUBLE, [(p,) for p in inputs], tmp_path / "out", label="double")
    assert out[3].exists()
    assert out[0].stat().st_mtime_ns == before
    assert told[-1] == ("double", 5, 5)


@pytest.mark.parametrize("workers", [1, 2])
def test_calls_side_by_side_return_in_order_and_only_the_first_is_made_here(workers: int) -> None:
    told: list[tuple[str, int, int]] = []
    calls = [partial(called, name) for name in ("a", "b", "c")]
    with LocalEngine(workers, lambda *x: told.append(x)) as engine:
        returned = list(engine.side_by_side(calls))
    assert [name for name, _ in returned] == ["a", "b", "c"]
    here = [name for name, pid in returned if pid == os.getpid()]
    assert here == (["a"] if workers == 2 else ["a", "b", "c"])
    assert [name for name, *_ in told] == here


@pytest.mark.parametrize("workers", [1, 2])
def test_an_error_of_a_call_reaches_the_caller(workers: int) -> None:
    with LocalEngine(workers) as engine:
        outcomes = engine.side_by_side([partial(called, "a"), refused])
        assert next(outcomes)[0] == "a"
        with pytest.raises(ModelError, match="not there") as told:
            next(outcomes)
    assert told.value.hint == "install it"


def test_shuffle_gathers_equal_keys_and_loses_no_row(tmp_path: Path) -> None:
    inputs = parts(tmp_path / "in")
    buckets = LocalEngine().shuffle(inputs, "x", tmp_path / "out", buckets=7)
    tables = [pq.read_table(p)["x"].to_pylist() for p in buckets]
    assert sorted(x for t in tables for x in t) == list(range(50))
    for b, values in enumerate(tables):
        assert all(x % 7 == b for x in values)


@pytest.mark.parametrize("workers", [1, 2])
def test_an_error_that_a_user_can_mend_comes_through_whole(tmp_path: Path, workers: int) -> None:
    with LocalEngine(workers) as engine, pytest.raises(ModelError) as caught:
        step = Step("tests.unit.engine_steps:Missing")
        engine.map(step, [(p,) for p in parts(tmp_path / "in", 2)], tmp_path / "out", label="x")
    assert caught.value.hint == "install it"


@pytest.mark.parametrize("workers", [1, 2])
def test_what_has_begun_is_there_when_it_is_asked_for(tmp_path: Path, workers: int) -> None:
    inputs = [(p,) for p in parts(tmp_path / "in")]
    once, twice, missing = tmp_path / "once", tmp_path / "twice", tmp_path / "missing"
    with LocalEngine(workers) as engine:
        engine.begin(DOUBLE, inputs, once)
        engine.begin(DOUBLE, [(once / p.name,) for (p,) in inputs], twice)
        # Left to `map`: nobody makes these.
        engine.begin(DOUBLE, [(missing / p.name,) for (p,) in inputs], tmp_path / "never")
        first = engine.map(DOUBLE, inputs, once, label="once")
        second = engine.map(DOUBLE, [(p,) for p in first], twice, label="twice")
        assert engine.collect(second)["x"].to_pylist() == [4 * x for x in range(50)]
        second[2].unlink()
        engine.map(DOUBLE, [(p,) for p in first], twice, label="twice")
    assert second[2].exists()
    assert not (tmp_path / "never").exists()


def test_what_waits_for_a_failure_fails_with_it(tmp_path: Path) -> None:
    inputs = [(p,) for p in parts(tmp_path / "in")]
    broken = tmp_path / "broken"
    follow = [(broken / p.name,) for (p,) in inputs]
    with LocalEngine(2) as engine, pytest.raises(ModelError):
        engine.begin(Step("tests.unit.engine_steps:Missing"), inputs, broken)
        engine.begin(DOUBLE, follow, tmp_path / "out")
        engine.map(DOUBLE, follow, tmp_path / "out", label="x")


def test_what_somebody_waits_for_goes_first() -> None:
    order: list[str] = []
    with ThreadPoolExecutor(1) as pool:
        tasks, gate = Tasks(pool, 1), Event()
        names = ["first", "second", "third"]
        made = {name: Task(order.append, name) for name in names}
        tasks.add(Task(gate.wait))
        for name in names:
            tasks.add(made[name])
        tasks.hurry(made["third"])
        gate.set()
        for task in made.values():
            task.result()
    assert order == ["third", "first", "second"]


def test_a_dead_worker_is_told_and_leaves_the_finished_parts(tmp_path: Path) -> None:
    with LocalEngine(2) as engine, pytest.raises(WorkspaceError, match="worker process died"):
        step = Step("tests.unit.engine_steps:Dies")
        engine.map(step, [(p,) for p in parts(tmp_path / "in")], tmp_path / "out", label="x")


def test_workers_end_when_their_driver_is_killed(tmp_path: Path) -> None:
    parts(tmp_path / "in", 2)
    script = (
        "import sys; from pathlib import Path; from curator.engine import LocalEngine; from curator.protocols import Step\n"
        "root = Path(sys.argv[1])\n"
        "with LocalEngine(2) as e:\n"
        "    e.map(Step('tests.unit.engine_steps:Sleeps', {'pids': str(root / 'pids')}), [(p,) for p in sorted((root / 'in').iterdir())], root / 'out', label='x')\n"
    )
    driver = subprocess.Popen([sys.executable, "-c", script, str(tmp_path)], cwd=Path.cwd())
    pids = tmp_path / "pids"
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and len(list(pids.glob("*")) if pids.exists() else []) < 2:
        time.sleep(0.05)
    workers = [int(p.name) for p in pids.iterdir()]
    assert len(workers) == 2
    driver.kill()
    driver.wait()
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline and any(_alive(pid) for pid in workers):
        time.sleep(0.05)
    assert not any(_alive(pid) for pid in workers)


def _alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"
