"""The user's cache: what is made or fetched once for all projects, and can be made again."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def cache_folder() -> Path:
    """Return the user's cache of curator, which CURATOR_CACHE may name."""
    named = os.environ.get("CURATOR_CACHE")
    if named:
        return Path(named).expanduser()
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "curator"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "curator"
