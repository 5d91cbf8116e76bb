"""Argilla's background jobs in the server's own event loop, in the place of Redis and a worker.

This module is given to Argilla under the name of its own `jobs.queues`, before anything
imports that. A job that the end of the process cuts short is lost; all that Argilla leaves
to jobs here, the status of records, is worked out anew at the start after such an end.
"""

from __future__ import annotations

import asyncio
import logging
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

JOB_TIMEOUT_DISABLED = -1

_log = logging.getLogger("argilla")


@dataclass
class Job:
    """A job and how far it is, in the words of RQ."""

    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    status: str = "queued"

    def get_status(self, refresh: bool = True) -> str:  # noqa: ARG002, FBT001, FBT002 - RQ's signature
        """Return the status, which is always fresh."""
        return self.status


class Queue:
    """Runs each job as a task at once; a failed one is tried again as often as it says."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._tasks: set[asyncio.Task[None]] = set()

    def enqueue_call(
        self,
        func: Callable[..., Any],
        args: Sequence[Any] | None = None,
        kwargs: Mapping[str, Any] | None = None,
        retry: Any = None,
        **_: Any,
    ) -> Job:
        """Start a job; see RQ's method of that name."""
        job = Job()
        run = self._run(job, func, args or (), kwargs or {}, retry.max if retry else 0)
        task = asyncio.get_running_loop().create_task(run)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return job

    async def finish(self) -> None:
        """Wait for the jobs that run."""
        await asyncio.gather(*self._tasks, return_exceptions=True)

    @staticmethod
    async def _run(
        job: Job,
        func: Callable[..., Any],
        args: Sequence[Any],
        kwargs: Mapping[str, Any],
        retries: int,
    ) -> None:
        job.status = "started"
        for left in range(retries, -1, -1):
            try:
                await func(*args, **kwargs)
            except Exception:  # noqa: BLE001 - whatever the job raises is told, and tried again
                _log.exception("a background job failed; it is tried %d times more", left)
                job.status = "failed"
            else:
                job.status = "finished"
                return


class Connection:
    """What is left of Redis: it is there."""

    def ping(self) -> bool:
        """Return True."""
        return True


REDIS_CONNECTION = Connection()
DEFAULT_QUEUE = Queue("default")
HIGH_QUEUE = Queue("high")
