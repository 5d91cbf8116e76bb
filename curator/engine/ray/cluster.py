"""A Ray cluster to work on: reached or started, and found large enough, or refused in words."""

from __future__ import annotations

import atexit
import json
import logging
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from threading import Thread
from typing import TYPE_CHECKING, Any

from curator.engine.worker import OFFLINE, THREADS
from curator.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

INSTALL = "install it on every node: pip install 'curator-data[ray]'"
_KNOCKING = 22.0
"""Seconds in which a cluster must have answered."""
_PARTING = 5.0
"""Seconds to wait for a connection to end whose head is gone."""
_FREE = 6.0
"""Seconds to wait for a free CPU: those of a run that has just ended come back late."""
_STORE = 80 * 2**20
"""Bytes of shared memory, Ray's least: what goes through Ray is the names of files."""


@dataclass(frozen=True, slots=True)
class Cluster:
    """A cluster that this process is connected to."""

    head: str
    """Host and port at which the head answers."""
    workers: int
    """How many there are to be."""

    def answers(self) -> bool:
        """Return whether the head can be reached."""
        return _reachable(self.head)


@contextmanager
def connected(address: str | None, workers: int | None) -> Iterator[Cluster]:
    """Connect to the cluster at an address, or start one on this machine; part in the end.

    Args:
        address: `host:port` of the head.
        workers: how many; by default as many as there are free CPUs.

    Raises:
        EngineError: Ray is not installed, does not answer, or has no whole CPU free.

    """
    try:
        import ray  # noqa: PLC0415 - an extra brings it
        from ray._raylet import Config  # type: ignore[attr-defined]  # noqa: PLC0415
    except ImportError:
        raise EngineError("Ray is not installed", INSTALL) from None
    if address is None:
        _guard()
    else:
        _knock(address)
    # Ray ends this very process after a minute without the head; here is said what is wrong.
    os.environ.setdefault("RAY_gcs_rpc_server_reconnect_timeout_s", "600")
    Config.initialize("")  # else Ray goes by what was set when it was imported
    # Short, since Unix sockets lie below; Ray opens its own folder to everybody, not this one.
    folder = None if address else tempfile.mkdtemp(prefix="curator-ray-", dir="/tmp")
    try:
        with _same_answer_to_sigterm():
            _init({"address": address} if address else _starting(workers or 1, str(folder)))
        head: str = ray.get_runtime_context().gcs_address
        free = _free(address)
        yield Cluster(head, workers or sum(free.values()))
    finally:
        if address is None or _reachable(address):
            ray.shutdown()
        else:
            _part_without_the_head()
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)


def _part_without_the_head() -> None:
    """Part from a cluster whose head is gone: Ray would wait for it, now and when Python ends."""
    import ray  # noqa: PLC0415

    atexit.unregister(ray.shutdown)
    parting = Thread(target=ray.shutdown, daemon=True)
    parting.start()
    parting.join(timeout=_PARTING)


def _init(where: Mapping[str, Any]) -> None:
    import ray  # noqa: PLC0415

    try:
        ray.init(
            **where,
            log_to_driver=False,
            configure_logging=False,
            logging_level=logging.ERROR,
            runtime_env={"env_vars": {**THREADS, **OFFLINE}},
        )
    except (RuntimeError, OSError, ray.exceptions.RayError) as error:
        raise EngineError(
            f"Ray cannot be started or joined ({type(error).__name__})",
            "see that /tmp has space and the machine memory; or leave --engine out",
        ) from error


@contextmanager
def _same_answer_to_sigterm() -> Iterator[None]:
    """Undo in the end what Ray does with the answer to SIGTERM."""
    answer = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        with suppress(ValueError):  # not in the main thread, where Ray has left it alone
            signal.signal(signal.SIGTERM, answer)


def nodes() -> dict[str, float]:
    """Return the CPUs of each node that is alive, by its name."""
    return {_name(n): n["Resources"].get("CPU", 0.0) for n in _alive()}


def drawn(cpus: Mapping[str, float]) -> str:
    """Return in words how many CPUs each node has."""
    return ", ".join(f"{name}: {n:g} CPU" for name, n in sorted(cpus.items())) or "no node"


def _guard() -> None:
    """Let a Ray of this process's own refuse whoever has no token: its ports listen everywhere."""
    os.environ["RAY_AUTH_MODE"] = "token"
    os.environ.setdefault("RAY_AUTH_TOKEN", secrets.token_hex(32))
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"


def _starting(workers: int, folder: str) -> dict[str, Any]:
    return {
        "address": "local",
        "num_cpus": workers,
        "include_dashboard": False,
        "object_store_memory": _STORE,
        "_temp_dir": f"{folder}/ray",
    }


def _alive() -> list[dict[str, Any]]:
    import ray  # noqa: PLC0415

    return [node for node in ray.nodes() if node["Alive"]]  # type: ignore[no-untyped-call]


def _name(node: Mapping[str, Any]) -> str:
    return f"{node['NodeManagerHostname']} ({node['NodeManagerAddress']})"


def _free(address: str | None) -> dict[str, int]:
    """Return how many whole CPUs are free on each node.

    Raises:
        EngineError: there are none.

    """
    from ray._private.state import available_resources_per_node  # noqa: PLC0415

    until = time.monotonic() + _FREE
    while True:
        have = {n["NodeID"]: _name(n) for n in _alive()}
        left: dict[str, dict[str, float]] = available_resources_per_node()  # type: ignore[no-untyped-call]
        free = {name: left.get(node, {}).get("CPU", 0.0) for node, name in have.items()}
        if any(n >= 1 for n in free.values()):
            return {name: int(n) for name, n in free.items()}
        if time.monotonic() > until:
            raise EngineError(
                f"the Ray cluster {address or 'of this machine'} has no whole CPU free"
                f" (has: {drawn(nodes())}; free: {drawn(free)})",
                f"add a node: ray start --address={address or 'HOST:PORT'} --num-cpus=N;"
                " or wait for what else runs there; or leave --engine out",
            )
        time.sleep(0.25)


def _reachable(address: str) -> bool:
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=5).close()
    except (OSError, ValueError):
        return False
    return True


def _knock(address: str) -> None:
    """Find out in a process of its own whether a cluster answers: `ray.init` would try for ever.

    Raises:
        EngineError: it does not, with the reason.

    """
    if not _reachable(address):
        raise EngineError(
            f"nothing answers at the Ray address {address}",
            f"is the head running (ray start --head --port={address.rpartition(':')[2]}),"
            " and the port open to this machine?",
        )
    here = f"this machine is a node of it (ray start --address={address})"
    try:
        done = subprocess.run(  # noqa: S603 - this very Python
            [sys.executable, "-m", "curator.engine.ray.knock", address],
            capture_output=True,
            text=True,
            timeout=_KNOCKING,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise EngineError(
            f"{address} answers, but not as a Ray cluster does within {_KNOCKING:.0f} seconds",
            f"see that the port is the head's own (6379 by default), that {here},"
            " and that RAY_AUTH_MODE and the token are the same everywhere (docs/ray.md)",
        ) from None
    try:
        reason = json.loads(done.stdout.splitlines()[-1])["error"]
    except (IndexError, ValueError):
        reason = f"exit {done.returncode}"
    if reason is None:
        return
    if "Authentication" in reason:
        raise EngineError(
            f"the Ray cluster at {address} refuses this machine's token",
            "let RAY_AUTH_MODE=token and the token (~/.ray/auth_token, RAY_AUTH_TOKEN_PATH) be"
            " the same on all nodes and here",
        )
    raise EngineError(
        f"the Ray cluster at {address} cannot be joined ({reason})",
        f"see that {here}, and that Python, Ray and the token are the same on all (docs/ray.md)",
    )
