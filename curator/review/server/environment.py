"""The server's private environment: made once in the user's cache, from a lock with hashes.

argilla-server's pins clash with curator's, so it has a virtual environment of its own. That
is made beside its place and put there when it is whole, so a half-made one is never used.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import venv
from pathlib import Path
from typing import TYPE_CHECKING

from curator.cache import cache_folder
from curator.errors import ReviewError
from curator.workspace import disk_error

if TYPE_CHECKING:
    from collections.abc import Callable

VERSION = "2.8.0"
"""The version of argilla-server that is served."""

REQUIREMENTS = Path(__file__).with_name("requirements.txt")
EMBEDDED = Path(__file__).with_name("embedded")
"""What is put on the environment's path: the package `curator_review_server`."""


def folder() -> Path:
    """Return where the environment lies: another lock or another Python has another."""
    lock = hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()[:12]
    return cache_folder() / f"argilla-server-{VERSION}-{sys.implementation.cache_tag}-{lock}"


def python(tell: Callable[[str], None]) -> Path:
    """Return the environment's Python; make the environment where there is none, and tell so.

    Raises:
        ReviewError: it cannot be made, since a package cannot be had or is not the locked one.
        WorkspaceError: the cache cannot be written.

    """
    from filelock import FileLock  # noqa: PLC0415 - most starts need no lock

    place = folder()
    if not place.is_dir():
        try:
            place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with FileLock(f"{place}.lock"):
                if not place.is_dir():
                    _make(place, tell)
        except OSError as error:
            raise disk_error(error, place) from None
    return _python_in(place)


def _make(place: Path, tell: Callable[[str], None]) -> None:
    for left in place.parent.glob(f".tmp-{place.name}-*"):
        shutil.rmtree(left, ignore_errors=True)
    packages = REQUIREMENTS.read_text(encoding="utf-8").count("==")
    tell(
        f"making the review server's own environment, once: {packages} packages into {place};"
        " about 1–5 min"
    )
    made = Path(tempfile.mkdtemp(prefix=f".tmp-{place.name}-", dir=place.parent))
    try:
        venv.create(made, with_pip=True, symlinks=True)
        _install(_python_in(made))
        made.replace(place)
    finally:
        shutil.rmtree(made, ignore_errors=True)


def _install(python: Path) -> None:
    """Install what the lock names: wheels alone, so that no package's code runs meanwhile."""
    options = "--require-hashes --only-binary :all: --no-deps --no-input --quiet"
    done = subprocess.run(  # noqa: S603 - our own arguments
        [
            python,
            *("-m", "pip", "install", "--disable-pip-version-check", *options.split()),
            *("-r", REQUIREMENTS),
        ],
        env=clean_environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        errors = [line for line in done.stderr.splitlines() if line.startswith("ERROR: ")]
        why = errors[-1].removeprefix("ERROR: ") if errors else f"pip ended with {done.returncode}"
        raise ReviewError(
            f"the review server's environment cannot be made: {why}",
            "let pip reach a package index, or a folder with the wheels (PIP_FIND_LINKS), once",
        )


def clean_environment(**more: str) -> dict[str, str]:
    """Return this process's environment without what would steer another Python or Argilla."""
    steering = ("PYTHON", "ARGILLA_", "HF_", "VIRTUAL_ENV")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(steering)}
    return kept | more


def _python_in(place: Path) -> Path:
    return place / "bin" / "python"
