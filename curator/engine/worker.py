"""What happens inside a worker process."""

from __future__ import annotations

import atexit
import gc
import math
import os
import signal
import threading
import time
import warnings
from functools import lru_cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

from curator.plugins import PluginWarning
from curator.tables import digest, read_table
from curator.workspace import write_table

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from curator.protocols import Step

THREADS = dict.fromkeys(
    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS"), "1"
)
OFFLINE = {
    "HF_HUB_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "TOKENIZERS_PARALLELISM": "false",
    "CURATOR_WORKER": "1",
}


def start(parent: int) -> None:
    """Prepare a worker: it dies with its driver, so a killed run leaves nobody behind."""
    # Ctrl-C reaches every process of the terminal; the driver alone answers it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Outputs lie in their places by then; to take the models apart would cost seconds.
    atexit.register(os._exit, 0)
    threading.Thread(target=_watch, args=(parent,), daemon=True).start()
    from loky import process_executor  # noqa: PLC0415 - one worker needs no pool

    # For fear of leaks loky collects garbage every second, a tenth of a second among the models,
    # and restarts a worker that grows by 300 MB, as ours do by their models. There is no option.
    process_executor._MEMORY_LEAK_CHECK_DELAY = math.inf  # noqa: SLF001
    settle()


def settle() -> None:
    """Prepare a process that works for another, wherever it is."""
    warnings.simplefilter("ignore", PluginWarning)  # the driver has told of it
    # Imports and records make many objects that stay; to look through them so often is in vain.
    gc.set_threshold(50_000, 10, 10)


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(0.2)
    os._exit(1)


def build(step: Step) -> Callable[..., Any]:
    """Return the step's object, built on its first use in this process."""
    return _build(step.target, _Frozen(step.params))


class _Frozen:
    """Parameters that can be a cache key: equal where their JSON is equal."""

    def __init__(self, params: Any) -> None:
        self.params = params
        self.key = digest(dict(params))

    def __hash__(self) -> int:
        return hash(self.key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Frozen) and self.key == other.key


@lru_cache(maxsize=64)  # steps take turns: all of a project stay, their models too
def _build(target: str, frozen: _Frozen) -> Callable[..., Any]:
    module, _, name = target.partition(":")
    built: Callable[..., Any] = getattr(import_module(module), name)(**frozen.params)
    return built


def work(step: Step, inputs: tuple[Path, ...], output: Path) -> Path:
    """Run a step on one tuple of files; return the output."""
    built = build(step)
    columns = [getattr(built, "columns", None), *[None] * len(inputs)]
    tables = [read_table(path, columns=c) for path, c in zip(inputs, columns, strict=False)]
    write_table(output, built(*tables))
    return output
