"""The local engine: parts are worked on one by one, by a pool of processes."""

from __future__ import annotations

import os
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from curator.engine import worker
from curator.engine.tasks import Task, Tasks
from curator.errors import WorkspaceError
from curator.protocols import silent
from curator.seal import SEAL
from curator.tables import read_table
from curator.workspace import writing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from concurrent.futures import Executor
    from pathlib import Path
    from types import TracebackType

    from curator.protocols import Progress, Step


def default_workers() -> int:
    """Return how many workers suit this machine: its usable cores, eight at most."""
    return max(
        1,
        min(
            8,
            len(os.sched_getaffinity(0))
            if hasattr(os, "sched_getaffinity")
            else os.cpu_count() or 1,
        ),
    )


class LocalEngine:
    """Runs steps in `workers` processes; with one worker, in this very process.

    Workers live as long as the engine, so each loads a model once.
    """

    def __init__(self, workers: int = 1, progress: Progress = silent) -> None:
        """Start nothing yet: processes are made at the first `map`."""
        self.workers = max(1, workers)
        self.progress = progress
        self._stack = ExitStack()
        self._tasks: Tasks | None = None
        self._begun: dict[Path, Task] = {}

    def __enter__(self) -> Self:
        """Use the engine in a `with` block, so that its workers end with it."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End the workers: at once after an error, else while the caller goes on."""
        self._stack.__exit__(kind, error, trace)
        self._tasks = None
        self._begun = {}

    def map(
        self,
        step: Step,
        inputs: Sequence[tuple[Path, ...]],
        out: Path,
        *,
        label: str,
        names: Sequence[str] | None = None,
    ) -> list[Path]:
        """See `curator.protocols.Engine.map`."""
        outputs = _outputs(inputs, out, names)
        todo = [
            (files, output)
            for files, output in zip(inputs, outputs, strict=True)
            if not output.exists()
        ]
        done = len(outputs) - len(todo)
        self.progress(label, done, len(outputs))
        for _ in self._results(step, todo):
            done += 1
            self.progress(label, done, len(outputs))
        for output in outputs:
            self._begun.pop(output, None)
        return outputs

    def begin(
        self,
        step: Step,
        inputs: Sequence[tuple[Path, ...]],
        out: Path,
        names: Sequence[str] | None = None,
    ) -> None:
        """See `curator.protocols.Engine.begin`. A single worker has nobody to work ahead."""
        if self._alone:
            return
        for files, output in zip(inputs, _outputs(inputs, out, names), strict=True):
            known = all(path in self._begun or path.exists() for path in files)
            if known and output not in self._begun and not output.exists():
                self._begin(step, files, output)

    def _begin(self, step: Step, files: tuple[Path, ...], output: Path) -> None:
        self._begun[output] = Task(worker.work, step, files, output)
        after = [self._begun[path] for path in files if path in self._begun]
        self._start().add(self._begun[output], after)

    def side_by_side(self, calls: Sequence[Callable[[Progress], Any]]) -> Iterator[Any]:
        """Yield what the calls return, in order. The first is made here, the others by workers.

        A single worker makes one call after the other, each when its outcome is asked for.
        """
        here = calls if self._alone else calls[:1]
        tasks = [Task(call, silent) for call in calls[len(here) :]]
        for task in tasks:
            self._start().add(task)
        yield from (call(self.progress) for call in here)
        yield from map(self._outcome, tasks)

    def shuffle(self, parts: Sequence[Path], key: str, out: Path, *, buckets: int) -> list[Path]:
        """See `curator.protocols.Engine.shuffle`. Buckets that stay empty get an empty file."""
        outputs = [out / f"bucket-{b:04d}.parquet" for b in range(buckets)]
        if all(path.exists() for path in outputs):
            return outputs
        empty = (
            pq.read_schema(parts[0]).empty_table()
            if parts
            else pa.table({key: pa.array([], pa.uint64())})
        )
        with ExitStack() as files:
            # Part by part: only one lies in memory.
            writers = [
                files.enter_context(
                    pq.ParquetWriter(
                        files.enter_context(writing(path)),
                        empty.schema.with_metadata(SEAL),
                        compression="none",  # hashes do not compress
                        use_dictionary=False,
                        write_statistics=False,
                        write_page_checksum=True,
                    )
                )
                for path in outputs
            ]
            for path in parts:
                table = read_table(path)
                bucket = (table[key].to_numpy() % buckets).astype(np.uint16)
                order = np.argsort(bucket, kind="stable")
                bounds = np.searchsorted(bucket[order], np.arange(buckets + 1))
                ordered = table.take(pa.array(order)) if buckets > 1 else table
                for writer, low, high in zip(writers, bounds, bounds[1:], strict=False):
                    if high > low:
                        writer.write_table(ordered.slice(low, high - low))
        return outputs

    def collect(self, parts: Sequence[Path], columns: Sequence[str] | None = None) -> pa.Table:
        """See `curator.protocols.Engine.collect`."""
        return pa.concat_tables(
            [read_table(path, columns=columns and [*columns]) for path in parts]
        )

    def _results(self, step: Step, todo: Sequence[tuple[tuple[Path, ...], Path]]) -> Iterator[Path]:
        if self._alone:
            from threadpoolctl import threadpool_limits  # noqa: PLC0415 - needs numpy loaded first

            with threadpool_limits(1):
                yield from (worker.work(step, files, output) for files, output in todo)
            return
        if not todo:
            return
        for files, output in todo:
            if output not in self._begun:
                self._begin(step, files, output)
            self._start().hurry(self._begun[output])
        for _, output in todo:
            yield self._outcome(self._begun[output])

    def _outcome(self, task: Task) -> Any:
        from loky.process_executor import TerminatedWorkerError  # noqa: PLC0415

        try:
            return task.result()
        except TerminatedWorkerError:
            self._stack.close()
            self._tasks = None
            self._begun = {}
            raise WorkspaceError(
                "a worker process died (out of memory, or killed)",
                "run the same command again: it goes on where it stopped; --workers 1 needs less",
            ) from None

    def _start(self) -> Tasks:
        if self._tasks is None:
            pool, workers = self._stack.enter_context(self._pool())
            # One more than there are workers: none waits for this process to hand it the next.
            self._tasks = Tasks(pool, workers + 1)
        return self._tasks

    @property
    def _alone(self) -> bool:
        """Whether this process does all the work."""
        return self.workers == 1

    @contextmanager
    def _pool(self) -> Iterator[tuple[Executor, int]]:
        """Give what makes the calls, and how many it makes at once."""
        with _processes(self.workers) as pool:
            yield pool, self.workers


def _outputs(
    inputs: Sequence[tuple[Path, ...]], out: Path, names: Sequence[str] | None
) -> list[Path]:
    return [out / name for name in names or [f"{files[0].stem}.parquet" for files in inputs]]


@contextmanager
def _processes(workers: int) -> Iterator[Executor]:
    # loky, since its workers import no __main__: a plain script may call the API.
    from loky import ProcessPoolExecutor  # noqa: PLC0415 - one worker needs no pool

    pool = ProcessPoolExecutor(
        workers,
        initializer=worker.start,
        initargs=(os.getpid(),),
        env={**worker.THREADS, **worker.OFFLINE},
    )
    try:
        yield pool
    except BaseException:
        pool.shutdown(wait=True, kill_workers=True)
        raise
    # The workers end while the caller goes on; the interpreter waits for them at its exit.
    pool.shutdown(wait=False)
