"""Steps for the engine's tests."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from curator.errors import ModelError

if TYPE_CHECKING:
    from curator.protocols import Progress


class Double:
    def __init__(self, by: int) -> None:
        self.by = by

    def __call__(self, table: pa.Table) -> pa.Table:
        return pa.table({"x": pc.multiply(table["x"], pa.scalar(self.by, pa.uint64()))})


class Missing:
    def __call__(self, _: pa.Table) -> pa.Table:
        raise ModelError("the model is not there", "install it")


class Dies:
    def __call__(self, table: pa.Table) -> pa.Table:
        if table["x"][0].as_py() == 20:
            os.kill(os.getpid(), signal.SIGKILL)
        return table


def called(name: str, progress: Progress) -> tuple[str, int]:
    """Return the name and the process in which the call was made, and tell of it."""
    progress(name, 1, 1)
    return name, os.getpid()


def refused(_: Progress) -> None:
    raise ModelError("the model is not there", "install it")


class Sleeps:
    def __init__(self, pids: str) -> None:
        self.pids = Path(pids)

    def __call__(self, table: pa.Table) -> pa.Table:
        self.pids.mkdir(exist_ok=True)
        (self.pids / str(os.getpid())).touch()
        time.sleep(60)
        return table


class Slow:
    """Takes a while for each part, and leaves its process's number in a folder."""

    def __init__(self, pids: str, seconds: float = 0.3) -> None:
        self.pids, self.seconds = Path(pids), seconds

    def __call__(self, table: pa.Table) -> pa.Table:
        self.pids.mkdir(exist_ok=True)
        (self.pids / str(os.getpid())).touch()
        time.sleep(self.seconds)
        return table


class Told:
    """Goes wrong as no step should, with a record's text in the error."""

    def __call__(self, _: pa.Table) -> pa.Table:
        print(f"printed {SECRET}", flush=True)
        raise ValueError(f"raised {SECRET}")


SECRET = "张伟的电话是13800138000"
