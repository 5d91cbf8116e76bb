"""Curate raw chat logs and documents into clean training data, in Chinese and English.

>>> import curator
>>> project = curator.open("my-project")
>>> project.run()
>>> project.findings().to_pandas()
>>> project.export_instruction()  # a datasets.DatasetDict
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from curator.errors import CuratorError

if TYPE_CHECKING:
    from pathlib import Path

    from curator.project import Project

__all__ = ["CuratorError", "__version__", "open"]

__version__ = "0.1.0"

# onnxruntime reads it when it is imported, in this process and in those it starts; without it,
# its wheels for Linux keep a database of events for Microsoft's telemetry under ~/.cache.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"


def open(  # noqa: A001 - curator.open reads well
    root: str | Path = ".", *, workers: int | None = None, engine: str | None = None
) -> Project:
    """Open the project at `root` or above it; see `curator.project.Project`.

    Raises:
        CuratorError: there is no project there, or its recipe or rules are wrong.

    """
    from curator.project import Project  # noqa: PLC0415 - importing curator stays light

    return Project(root, workers=workers, engine=engine)
