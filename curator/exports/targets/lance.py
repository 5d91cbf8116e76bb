"""LanceDB, embedded: a folder, and no server. All columns of a chunk are columns of the table."""

from __future__ import annotations

import datetime as dt
import sys
import warnings
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, Self

from curator.exports.targets.protocol import HASH, Facts, answering

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pyarrow as pa

    from curator.exports.targets.protocol import Place

_NOTES = b"curator"
_READERS = dt.timedelta(hours=1)
"""How long who reads the table may go on with the version that it has opened."""


@contextmanager
def _light() -> Iterator[None]:
    """Let what is imported meanwhile make its validators when they are first used.

    LanceDB brings the client of a server, whose hundreds of classes take half of its import;
    a table in a folder uses none of them. Nor are its own methods compared with each other.
    """
    import pydantic  # noqa: PLC0415 - for LanceDB alone

    later = pydantic.ConfigDict(defer_build=True)
    config, call = pydantic.BaseModel.model_config, pydantic.validate_call
    pydantic.BaseModel.model_config = later
    pydantic.validate_call = partial(call, config=later)  # type: ignore[assignment]
    try:
        with _marked_overrides():
            yield
    finally:
        pydantic.BaseModel.model_config, pydantic.validate_call = config, call


@contextmanager
def _marked_overrides() -> Iterator[None]:
    """Let LanceDB mark its methods before Python 3.12 as it does after: none is looked up."""
    if sys.version_info >= (3, 12):
        yield
        return
    import overrides  # noqa: PLC0415 - for LanceDB alone
    import typing_extensions  # noqa: PLC0415 - see above

    checked = overrides.override
    overrides.override = typing_extensions.override  # type: ignore[assignment]
    try:
        yield
    finally:
        overrides.override = checked


class Lance:
    """See `curator.exports.targets.protocol.Target`."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self._db: Any = None

    def __enter__(self) -> Self:
        with _light():
            import lancedb  # noqa: PLC0415 - an extra, and heavy

        with self._answering():
            self._db = lancedb.connect(str(self.place.path))
        return self

    def __exit__(self, *_: object) -> None:
        self._db = None

    def exists(self) -> bool:
        with self._answering():
            return self.place.table in self._db.list_tables().tables

    def facts(self) -> Facts | None:
        with self._answering():
            return Facts.from_json((self._table().schema.metadata or {}).get(_NOTES))

    def create(self, facts: Facts, schema: pa.Schema) -> None:
        with self._answering():
            noted = schema.with_metadata({_NOTES: facts.to_json().encode()})
            self._db.create_table(self.place.table, schema=noted)

    def drop(self) -> None:
        with self._answering():
            self._db.drop_table(self.place.table)

    def ids_and_hashes(self) -> Iterator[tuple[str, str]]:
        with self._answering():
            rows = self._table().search().select(["id", HASH]).to_arrow()
        yield from zip(rows["id"].to_pylist(), rows[HASH].to_pylist(), strict=True)

    def upsert(self, rows: pa.Table) -> None:
        with self._answering():
            merge = self._table().merge_insert("id")
            merge.when_matched_update_all().when_not_matched_insert_all().execute(rows)

    def delete(self, ids: Sequence[str]) -> None:
        listed = ", ".join("'" + i.replace("'", "''") + "'" for i in ids)
        with self._answering():
            self._table().delete(f"id IN ({listed})")

    def tidy(self) -> None:
        with self._answering():
            self._table().optimize(cleanup_older_than=_READERS)

    def purge(self) -> None:
        # Compaction leaves deleted rows in files of which they are a small share.
        with self._answering(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # readers have to open the table again: it says so
            table = self._db.create_table(
                self.place.table, data=self._table().to_arrow(), mode="overwrite"
            )
            table.optimize(cleanup_older_than=dt.timedelta(0), delete_unverified=True)

    def _table(self) -> Any:
        return self._db.open_table(self.place.table)

    def _answering(self) -> Any:
        return answering(self.place, OSError, RuntimeError, ValueError)
