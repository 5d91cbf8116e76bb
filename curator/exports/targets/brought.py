"""Vector tables of other packages: held to the protocol, and blamed by name for what goes wrong."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Self

from curator.errors import PluginError, TargetError
from curator.plugins import plugins

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pyarrow as pa

    from curator.exports.targets.protocol import Facts, Place
    from curator.plugins import Plugin

_METHODS = (
    *("__enter__", "__exit__", "exists", "facts", "create", "drop"),
    *("ids_and_hashes", "upsert", "delete", "tidy", "purge"),
)


class Brought:
    """See `curator.exports.targets.protocol.Target`; what a plug-in does is done behind it."""

    def __init__(self, place: Place) -> None:
        """Load the plug-in of the place's kind.

        Raises:
            TargetError: it cannot be loaded, or lacks what a table needs.

        """
        self._plugin: Plugin = plugins("targets")[place.kind]
        with self._blamed("cannot be opened"):
            made = self._plugin.load()
            lacking = [name for name in _METHODS if not hasattr(made, name)]
            if lacking:
                raise self._plugin.error(f"is no target: it has no {', '.join(lacking)}")
            self._target: Any = made(place)

    @contextmanager
    def _blamed(self, what: str) -> Iterator[None]:
        """Turn what goes wrong into an error that stops this table alone."""
        try:
            with self._plugin.blamed(what):
                yield
        except PluginError as error:
            raise TargetError(error.message, error.hint) from None

    def __enter__(self) -> Self:
        with self._blamed("cannot be opened"):
            self._target.__enter__()
        return self

    def __exit__(self, *told: object) -> None:
        with self._blamed("failed as it closed"):
            self._target.__exit__(*told)

    def exists(self) -> bool:
        with self._blamed("failed in exists"):
            return bool(self._target.exists())

    def facts(self) -> Facts | None:
        with self._blamed("failed in facts"):
            found: Facts | None = self._target.facts()
            return found

    def create(self, facts: Facts, schema: pa.Schema) -> None:
        with self._blamed("failed in create"):
            self._target.create(facts, schema)

    def drop(self) -> None:
        with self._blamed("failed in drop"):
            self._target.drop()

    def ids_and_hashes(self) -> Iterator[tuple[str, str]]:
        with self._blamed("failed in ids_and_hashes"):
            yield from self._target.ids_and_hashes()

    def upsert(self, rows: pa.Table) -> None:
        with self._blamed("failed in upsert"):
            self._target.upsert(rows)

    def delete(self, ids: Sequence[str]) -> None:
        with self._blamed("failed in delete"):
            self._target.delete(ids)

    def tidy(self) -> None:
        with self._blamed("failed in tidy"):
            self._target.tidy()

    def purge(self) -> None:
        with self._blamed("failed in purge"):
            self._target.purge()
