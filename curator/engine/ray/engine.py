"""An engine whose workers are Ray actors."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Self

from curator.engine.local import LocalEngine, default_workers
from curator.engine.ray.cluster import Cluster, connected
from curator.engine.ray.pool import Actors
from curator.protocols import silent

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from concurrent.futures import Executor
    from pathlib import Path

    from curator.protocols import Progress, Step


class RayEngine(LocalEngine):
    """Runs steps in Ray actors; files, order and errors are the local engine's.

    Parts, and nothing else, carry records, and they lie in the workspace, which every node
    sees under the same path: what goes through Ray is the names of files.
    """

    def __init__(
        self,
        store: Path,
        address: str | None = None,
        workers: int | None = None,
        progress: Progress = silent,
    ) -> None:
        """Start nothing yet.

        Args:
            store: a folder that this process and all workers may write to.
            address: `host:port` of a running cluster's head; without, a Ray of its own is
                started on this machine at the first step, and stopped at the end.
            workers: how many; by default one for each free CPU of the cluster.
            progress: is told how far each stage is.

        """
        # What this process does itself takes threads here, however many workers there are.
        super().__init__(default_workers(), progress)
        self._store = store
        self._address = address
        self._asked = workers
        self._cluster: Cluster | None = None
        self._actors: Actors | None = None

    def __enter__(self) -> Self:
        """Connect to the cluster, so that what is wrong with it is told before any work.

        Raises:
            EngineError: it cannot be reached, or is too small.

        """
        if self._address is not None:
            self._connect()
        return self

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
        outputs = super().map(step, inputs, out, label=label, names=names)
        if self._actors is not None and self._actors.lost:
            # All of these parts are there: what else is, a dead worker has left unfinished.
            for left in out.glob(".tmp-*"):
                left.unlink(missing_ok=True)
        return outputs

    @property
    def _alone(self) -> bool:
        return False

    def _connect(self) -> Cluster:
        if self._cluster is None:
            workers = self._asked if self._address else self._asked or default_workers()
            self._cluster = self._stack.enter_context(connected(self._address, workers))
        return self._cluster

    @contextmanager
    def _pool(self) -> Iterator[tuple[Executor, int]]:
        cluster = self._connect()
        with Actors(cluster, self._store) as self._actors:
            yield self._actors, cluster.workers
