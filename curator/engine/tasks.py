"""Tasks for a pool: they may wait for each other, and those that somebody waits for go first."""

from __future__ import annotations

import heapq
from concurrent.futures import Executor, Future
from functools import partial
from itertools import count
from threading import Lock
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


class Task(Future[Any]):
    """A call that is to be made, and its outcome."""

    def __init__(self, call: Callable[..., Any], *arguments: object) -> None:
        """Take the call; nothing happens before it is added to `Tasks`."""
        super().__init__()
        self.call, self.arguments = call, arguments


class Tasks:
    """Hands tasks to a pool, a few at once, so that a hurried one overtakes the others.

    Of equally hurried ones that which was added first goes first.
    """

    def __init__(self, pool: Executor, at_once: int) -> None:
        """Let `at_once` tasks be in the pool's hands."""
        self._pool = pool
        self._free = at_once
        self._lock = Lock()
        self._number = count()
        self._ready: list[tuple[bool, int, Task]] = []
        self._left: dict[Task, int] = {}

    def add(self, task: Task, after: Sequence[Task] = ()) -> None:
        """Do a task once those of `after` have succeeded; it fails with the first that fails."""
        self._left[task] = len(after)
        for other in after:
            other.add_done_callback(partial(self._one_less, task))
        if not after:
            self._push(task)

    def hurry(self, task: Task) -> None:
        """Let a task overtake those that nobody waits for, unless it waits for others itself."""
        with self._lock:
            ready = not self._left[task]
        if ready:
            self._push(task, hurried=True)

    def _push(self, task: Task, *, hurried: bool = False) -> None:
        with self._lock:
            heapq.heappush(self._ready, (not hurried, next(self._number), task))
        self._fill()

    def _one_less(self, task: Task, other: Future[Any]) -> None:
        error = other.exception()
        if error is not None:
            if not task.done():
                task.set_exception(error)
            return
        with self._lock:
            self._left[task] -= 1
            ready = not self._left[task]
        if ready:
            self._push(task)

    def _fill(self) -> None:
        while (task := self._next()) is not None:
            try:
                work = self._pool.submit(task.call, *task.arguments)
            except Exception as error:  # noqa: BLE001 - who asks for the outcome gets it
                task.set_exception(error)
            else:
                work.add_done_callback(partial(self._settle, task))

    def _next(self) -> Task | None:
        """Return the task that is to go into the pool now, if any."""
        with self._lock:
            while self._free and self._ready:
                *_, task = heapq.heappop(self._ready)
                # One that was hurried stands here twice.
                if not task.running() and not task.done():
                    task.set_running_or_notify_cancel()
                    self._free -= 1
                    return task
        return None

    def _settle(self, task: Task, work: Future[Any]) -> None:
        with self._lock:
            self._free += 1
        error = work.exception()
        if error is None:
            task.set_result(work.result())
        else:
            task.set_exception(error)
        self._fill()
