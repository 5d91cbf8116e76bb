"""A pool of Ray actors: what a dead one had in hand goes to another, and a standstill is told."""

from __future__ import annotations

import time
import warnings
from collections import deque
from concurrent.futures import Executor, Future, InvalidStateError
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from queue import Empty, SimpleQueue
from secrets import token_hex
from threading import Event, Thread
from typing import TYPE_CHECKING, Any

from curator.engine.ray.cluster import drawn, nodes
from curator.engine.ray.worker import Greeting, Outcome, Worker, seen, versions
from curator.errors import CuratorWarning, EngineError
from curator.protocols import Step

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from curator.engine.ray.cluster import Cluster

_LOOK = 5.0
"""Seconds between two looks at what stands still."""
_OPENING = 20.0
"""Seconds in which work waits for all workers to have come; afterwards some are enough."""
_ALONE = 60.0
"""Seconds with work and without any worker, after which the run ends."""
_STANDS = 120.0
"""Seconds after which a call is told of; then twice as many, and so on."""
_PULSE = 2.0
"""Seconds over which a worker's CPU time is taken."""
_TRIES = 4
"""Times that a call may take its worker along."""
_DEAF = 3
"""Looks at which the head may fail to answer."""
ON = "what is done stays; run the same command again: it goes on where it stopped"


class StandstillWarning(CuratorWarning):
    """A worker has been at one call for long, or has died."""


@dataclass(eq=False)
class _Job:
    """A call that is to be made."""

    call: Callable[..., Any]
    arguments: tuple[Any, ...]
    future: Future[Any] = field(default_factory=Future)
    tries: int = 0

    @property
    def told(self) -> str:
        """Which step and part, in words."""
        match self.arguments:
            case (Step() as step, _, output):
                return f"{step.params.get('check', step.target)}, part {output.name}"
        call = self.call
        if isinstance(call, partial):
            call = call.args[0] if call.args and callable(call.args[0]) else call.func
        return f"{call.__module__}.{getattr(call, '__qualname__', type(call).__name__)}"


@dataclass(eq=False)
class _Hired:
    """A worker, from when it was asked for."""

    number: int
    actor: Any
    since: float
    """When it was asked for, or began its call."""
    place: str = "no node yet"
    job: _Job | None = None
    tell_at: float = _STANDS
    asked: float | None = None
    """When it was asked for its pulse, while it has not answered."""

    @property
    def told(self) -> str:
        """Which worker, in words."""
        return f"worker {self.number} on {self.place}"


class Actors(Executor):
    """Hands each call to a free actor. One thread does all of it, so nothing is locked.

    A call whose worker dies goes to another: a part is written whole or not at all, and its
    bytes are the same whoever writes it.
    """

    def __init__(self, cluster: Cluster, store: Path) -> None:
        """Ask for the cluster's workers; they come while this returns.

        Args:
            cluster: where they are to be.
            store: a folder that all of them must see.

        """
        self.lost = 0
        """How many workers have died."""
        self._cluster = cluster
        self._store = store
        self._token = token_hex(8)
        self._versions = versions()
        self._events: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._waiting: deque[_Job] = deque()
        self._coming: dict[int, _Hired] = {}
        self._workers: dict[int, _Hired] = {}
        self._hired = 0
        self._failure: Exception | None = None
        self._ended = False
        self._open: set[Future[Any]] = set()
        self._began = self._alone_since = time.monotonic()
        self._thread = Thread(target=self._run, name="ray-pool", daemon=True)
        self._thread.start()
        self._parting = Event()
        Thread(target=self._listen, name="ray-head", daemon=True).start()

    def submit(self, call: Callable[..., Any], /, *arguments: Any, **named: Any) -> Future[Any]:
        """Return what will hold the call's outcome."""
        job = _Job(partial(call, **named) if named else call, arguments)
        self._open.add(job.future)
        job.future.add_done_callback(self._open.discard)
        self._events.put(partial(self._add, job))
        return job.future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:  # noqa: ARG002, FBT001, FBT002
        """End the workers, whatever they do."""
        self._parting.set()
        self._events.put(self._end)
        if wait and self._failure is None:
            self._thread.join(timeout=10)

    # --- the thread -------------------------------------------------------------------

    def _run(self) -> None:
        try:
            for _ in range(self._cluster.workers):
                self._hire()
            look = time.monotonic() + _LOOK
            while not self._ended and self._failure is None:
                with suppress(Empty):
                    self._events.get(timeout=max(0.05, look - time.monotonic()))()
                if time.monotonic() >= look:
                    self._look(time.monotonic())
                    look = time.monotonic() + _LOOK
                self._assign()
        except Exception as error:  # noqa: BLE001 - who waits for an outcome gets it
            self._fail(error)
        while not self._ended:
            self._events.get()()

    def _add(self, job: _Job) -> None:
        if self._failure is not None:
            _settle(job.future, error=self._failure)
        else:
            self._waiting.append(job)

    def _end(self) -> None:
        import ray  # noqa: PLC0415

        self._ended = True
        with suppress(Exception):  # they end with this process's connection, too
            for hired in [*self._workers.values(), *self._coming.values()]:
                ray.kill(hired.actor)

    def _fail(self, error: Exception) -> None:
        """End all that waits with an error, and whatever is asked for later."""
        self._failure = error
        for future in [*self._open]:
            _settle(future, error=error)

    def _listen(self) -> None:
        """Watch the head from a thread of its own: the other may be waiting for it inside Ray."""
        deaf = 0
        while deaf < _DEAF:
            if self._parting.wait(_LOOK):
                return
            deaf = 0 if self._cluster.answers() else deaf + 1
        head = self._cluster.head
        self._fail(
            EngineError(f"the head of the Ray cluster ({head}) does not answer any more", ON)
        )

    def _when(self, reference: Any, then: Callable[[Future[Any]], None]) -> None:
        """Let the thread call `then` with the outcome of a remote call."""
        reference.future().add_done_callback(
            lambda done: self._events.put(partial(self._heard, then, done))
        )

    def _heard(self, then: Callable[[Future[Any]], None], done: Future[Any]) -> None:
        if self._failure is None and not self._ended:
            then(done)

    # --- workers come and go ------------------------------------------------------------

    def _hire(self) -> None:
        import ray  # noqa: PLC0415

        # "pulse" has a thread of its own, so that it answers while the other is at work.
        remote: Any = ray.remote(num_cpus=1, concurrency_groups={"pulse": 1})(Worker)  # type: ignore[call-overload]
        number = self._hired
        self._hired += 1
        hired = _Hired(number, remote.remote(), time.monotonic())
        self._coming[number] = hired
        # Looked for before it is there: a disk that remembers this will not show it in time.
        self._file(number, "worker").exists()
        greeting = hired.actor.greet.remote(
            self._file(number, "worker"), self._file(number, "driver")
        )
        self._when(greeting, partial(self._greeted, hired))

    def _file(self, number: int, writer: str) -> Path:
        return self._store / f".tmp-ray-{self._token}-{number}-{writer}"

    def _greeted(self, hired: _Hired, done: Future[Any]) -> None:
        if done.exception() is not None:
            self._stillborn(hired, done)
            return
        greeting: Greeting = done.result()
        hired.place = f"{greeting.host} (process {greeting.pid})"
        self._compare(greeting)
        if greeting.trouble is not None or not seen(self._file(hired.number, "worker")):
            self._unseen(greeting.host, greeting.trouble or "what it writes is not seen here")
        mine = self._file(hired.number, "driver")
        mine.write_text(mine.name, encoding="utf-8")
        self._when(hired.actor.sees.remote(mine), partial(self._joined, hired, greeting.host))

    def _joined(self, hired: _Hired, host: str, done: Future[Any]) -> None:
        if done.exception() is not None:
            self._stillborn(hired, done)
            return
        if not done.result():
            self._unseen(host, "what is written here is not seen there")
        for writer in ("worker", "driver"):
            self._file(hired.number, writer).unlink(missing_ok=True)
        self._workers[hired.number] = self._coming.pop(hired.number)

    def _compare(self, greeting: Greeting) -> None:
        names = sorted({*self._versions, *greeting.versions})
        other = [
            f"{name} {greeting.versions.get(name, 'missing')} there,"
            f" {self._versions.get(name, 'missing')} here"
            for name in names
            if self._versions.get(name) != greeting.versions.get(name)
        ]
        if other:
            more = f" and {len(other) - 3} more" if len(other) > 3 else ""
            raise EngineError(
                f"the node {greeting.host} has other versions: {'; '.join(other[:3])}{more}",
                "install the same on every node, for the outcome rests on it",
            )

    def _unseen(self, host: str, why: str) -> None:
        raise EngineError(
            f"the node {host} does not share {self._store} ({why})",
            "put the project on a disk that all nodes mount under this path, for the same user;"
            " NFS with the option lookupcache=positive",
        )

    def _stillborn(self, hired: _Hired, done: Future[Any]) -> None:
        self._coming.pop(hired.number, None)
        self._gone(hired, done)
        if self.lost > 2 * self._cluster.workers and not self._workers:
            raise EngineError(
                f"{self.lost} workers died as they came ({_reason(done)})",
                "see the nodes' memory, for each worker loads the models, and Ray's logs there."
                f" {ON}",
            )

    def _gone(self, hired: _Hired, done: Future[Any]) -> None:
        import ray  # noqa: PLC0415

        self.lost += 1
        ray.kill(hired.actor)  # it may live on behind a broken line
        doing = f" at {hired.job.told}" if hired.job else ""
        warnings.warn(
            StandstillWarning(
                f"{hired.told} died{doing} ({_reason(done)})",
                "nothing to do: another worker does its part",
            ),
            stacklevel=2,
        )
        self._hire()

    # --- work -------------------------------------------------------------------------

    def _assign(self) -> None:
        if self._coming and time.monotonic() - self._began < _OPENING:
            return
        for hired in self._workers.values():
            if not self._waiting:
                return
            if hired.job is None:
                job = hired.job = self._waiting.popleft()
                hired.since, hired.tell_at = time.monotonic(), _STANDS
                outcome = hired.actor.work.remote(job.call, job.arguments)
                self._when(outcome, partial(self._done, hired, job))

    def _done(self, hired: _Hired, job: _Job, done: Future[Any]) -> None:
        if done.exception() is not None:
            self._workers.pop(hired.number, None)
            self._gone(hired, done)
            job.tries += 1
            if job.tries < _TRIES:
                self._waiting.appendleft(job)
                return
            error = EngineError(
                f"{_TRIES} workers died, each at {job.told} ({_reason(done)})",
                f"give the nodes more memory, or fewer workers (--workers). {ON}",
            )
            _settle(job.future, error=error)
            return
        hired.job = hired.asked = None
        outcome: Outcome = done.result()
        _settle(job.future, outcome.value, outcome.error)

    # --- what stands still --------------------------------------------------------------

    def _look(self, now: float) -> None:
        if self._workers or not self._waiting:
            self._alone_since = now
        elif now - self._alone_since > _ALONE:
            have = nodes()
            whole = sum(int(cpus) for cpus in have.values())
            raise EngineError(
                f"{len(self._waiting)} parts wait, and no worker has come for {_ALONE:.0f} seconds"
                f" ({'no whole CPU is left' if not whole else 'is all in use?'};"
                f" {drawn(have)}); the first: {self._waiting[0].told}",
                f"add a node, or wait for what else runs there. {ON}",
            )
        for hired in self._workers.values():
            if hired.job is None:
                continue
            if hired.asked is not None:
                if now - hired.asked > _PULSE + 2 * _LOOK:
                    self._tell(hired, hired.job, "it does not answer")
            elif now - hired.since > hired.tell_at:
                hired.asked = now
                pulse = hired.actor.pulse.options(concurrency_group="pulse").remote(_PULSE)
                self._when(pulse, partial(self._felt, hired, hired.job))

    def _felt(self, hired: _Hired, job: _Job, done: Future[Any]) -> None:
        if hired.job is job and hired.asked is not None and done.exception() is None:
            used = done.result()
            busy = f"it works: {used:.1f} s of CPU in {_PULSE:.0f} s"
            self._tell(hired, job, busy if used > 0.02 * _PULSE else "it uses no CPU")

    def _tell(self, hired: _Hired, job: _Job, how: str) -> None:
        seconds = time.monotonic() - hired.since
        hired.asked = None
        hired.tell_at = 2 * seconds
        warnings.warn(
            StandstillWarning(
                f"{job.told}: {hired.told} has been at it for {seconds:.0f} s; {how}",
                "wait where it works; else end that process: another worker does its part",
            ),
            stacklevel=2,
        )


def _settle(future: Future[Any], value: Any = None, error: BaseException | None = None) -> None:
    """Give a future its outcome, unless it has one: all may have failed meanwhile."""
    with suppress(InvalidStateError):
        if error is not None:
            future.set_exception(error)
        else:
            future.set_result(value)


def _reason(done: Future[Any]) -> str:
    """Return why Ray says a worker is gone; its message may be long, its kind is not."""
    error = done.exception()
    return "out of memory" if "OOM" in str(error) else type(error).__name__
