"""Faults at any moment: the next run ends as if there had been none. See `tests.faults.inject`.

`CURATOR_FAULTS=200` injects so many; the suite injects one of five kinds.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.conftest import ROOT
from tests.faults.inject import KINDS, can_mount

if TYPE_CHECKING:
    from collections.abc import Callable

FAULTS = int(os.environ.get("CURATOR_FAULTS", "0"))
SHORT = ("kill -9 of the driver", "kill -9 of a worker", "disk full", "out of memory", "SIGINT")


def test_the_next_run_ends_as_if_nothing_had_happened(
    record_property: Callable[[str, object], None],
) -> None:
    kinds = list(KINDS) if FAULTS else [k for k in SHORT if k != "disk full" or can_mount()]
    asked = ["--faults", str(FAULTS or 1), "--kinds", ",".join(kinds), "--json"]
    done = subprocess.run(
        [sys.executable, "-m", "tests.faults.inject", *asked],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout, done.stderr
    told = json.loads(done.stdout)
    record_property("table", told["table"])
    amiss = [one for one in told["outcomes"] if not one["recovered"]]
    assert not amiss, amiss
    assert (told["injected"], told["lost"], told["twice"]) == (told["recovered"], 0, 0)
    assert told["injected"] >= len(kinds)
    if "disk full" not in kinds:
        pytest.skip("no permission to mount: a full disk was not tried; all else was")
