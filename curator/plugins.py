"""Plug-ins: checks, sources and encoders of other packages, found by their entry points.

A package names what it brings under one of these groups of entry points:

    curator.checks      a check class; the recipe turns it on by name: `checks: {name: true}`
    curator.sources     a `Format`, or a tuple of them; tried on every file
    curator.encoders    a function that returns an encoder; `models: {encoder: name}`

Nothing is imported before it is needed. One that cannot be loaded or fails names itself in
two lines, and stops nothing but what asked for it.
"""

from __future__ import annotations

import traceback
import warnings
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Any

from curator.errors import CuratorError, CuratorWarning, PluginError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

GROUPS = ("checks", "sources", "encoders")
"""What a package can bring; its entry points' group is `curator.` and this."""


class PluginWarning(CuratorWarning):
    """A plug-in cannot be used, and what asked for it goes on without."""


@dataclass(frozen=True, slots=True)
class Plugin:
    """What a package brings under one name."""

    group: str
    name: str
    package: str
    version: str
    target: str
    """Where it lies: `module:attribute`."""

    @property
    def told(self) -> str:
        """How it is named in messages."""
        return f"the plug-in {self.name} ({self.package} {self.version})"

    @property
    def sha(self) -> str:
        """What stands for it in the id of whatever it makes: package and version."""
        return f"{self.package}=={self.version}"

    def load(self) -> Any:
        """Import it.

        Raises:
            PluginError: it cannot be imported, or is not where the entry point says.

        """
        with self.blamed("cannot be loaded"):
            module, _, attribute = self.target.partition(":")
            found: Any = import_module(module)
            for step in attribute.split("."):
                found = getattr(found, step)
            return found

    @contextmanager
    def blamed(self, what: str) -> Iterator[None]:
        """Turn what goes wrong inside into an error that names the plug-in, without any text.

        Raises:
            PluginError: something went wrong.

        """
        try:
            yield
        except CuratorError:
            raise
        except Exception as error:
            raise self.error(f"{what}: {type(error).__name__}{_place(error)}") from error

    def error(self, what: str) -> PluginError:
        """Return the error that something is wrong with the plug-in."""
        return PluginError(
            f"{self.told} {what}",
            f"mend or remove the package {self.package}, or take {self.name} out of curator.yaml",
        )


@cache
def plugins(group: str) -> Mapping[str, Plugin]:
    """Return the plug-ins of a group by name; where two share a name, the first package's."""
    found: dict[str, Plugin] = {}
    points = sorted(
        entry_points(group=f"curator.{group}"),
        key=lambda p: (p.name, p.dist.name if p.dist else "", p.value),
    )
    for point in points:
        package, version = (point.dist.name, point.dist.version) if point.dist else ("?", "0")
        found.setdefault(point.name, Plugin(group, point.name, package, version, point.value))
    return found


def warn(error: PluginError) -> None:
    """Tell of a plug-in that cannot be used, where work goes on without it."""
    warnings.warn(PluginWarning(error.message, error.hint), stacklevel=2)


def _place(error: Exception) -> str:
    """Return file and line where an error was raised; its message may hold a record's text."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [f for f in frames if not f.filename.startswith("<")]
    return f" at {Path(own[-1].filename).name}:{own[-1].lineno}" if own else ""
