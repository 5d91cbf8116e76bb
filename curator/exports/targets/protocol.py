"""What a vector table and its sync promise each other."""

from __future__ import annotations

import contextlib
import json
import os
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Protocol, Self

from curator.errors import TargetError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    import pyarrow as pa

LAYOUT = 1
"""The version of what curator writes into a table; another one asks for a new table."""
HASH, VECTOR = "row_hash", "vector"
"""What a table holds of a chunk beside the columns of `chunks.parquet`."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a table lies: in a folder, or on a server whose key an environment variable holds.

    shown: the folder as the recipe names it, or the server's address without a user's name.
    """

    kind: str
    table: str
    shown: str
    path: Path | None = None
    url: str | None = None
    key_env: str | None = None

    def __str__(self) -> str:
        """Say it as a user knows it."""
        return f"{self.kind} {self.shown} ({self.table})"

    @property
    def key(self) -> str | None:
        """The server's key.

        Raises:
            TargetError: the variable is not set.

        """
        if self.key_env is None:
            return None
        if self.key_env not in os.environ:
            raise TargetError(
                f"{self}: the environment variable {self.key_env} is not set",
                "put the server's key there and run the same command again",
            )
        return os.environ[self.key_env]


@dataclass(frozen=True, slots=True)
class Facts:
    """What a table was made of; vectors of two models do not go into one table.

    model: the encoder's name. model_sha: of its weights. dimension: the vectors' length.
    """

    project: str
    model: str
    model_sha: str
    dimension: int
    layout: int = LAYOUT

    def to_json(self) -> str:
        """Return them as they are kept with the table."""
        return json.dumps(asdict(self), ensure_ascii=False, sort_keys=True)

    @classmethod
    def from_json(cls, text: str | bytes | None) -> Self | None:
        """Read them; None where a table's notes are not curator's."""
        try:
            said: dict[str, Any] = json.loads(text or "")
            return cls(**said)
        except (ValueError, TypeError):
            return None


class Target(Protocol):
    """A vector table, opened for writing: one row a chunk, known by its id.

    Whatever is done twice is as if done once, so a sync that broke off is simply run again.
    """

    def __init__(self, place: Place) -> None:
        """Take where the table lies; nothing is opened yet."""
        ...

    def __enter__(self) -> Self:
        """Open the table's database."""
        ...

    def __exit__(self, *_: object) -> None:
        """Close it."""
        ...

    def exists(self) -> bool:
        """Whether there is a table of that name."""
        ...

    def facts(self) -> Facts | None:
        """Return what the table was made of; None where it is not curator's."""
        ...

    def create(self, facts: Facts, schema: pa.Schema) -> None:
        """Make an empty table; `schema` is that of the rows that `upsert` brings."""
        ...

    def drop(self) -> None:
        """Take the table away."""
        ...

    def ids_and_hashes(self) -> Iterator[tuple[str, str]]:
        """Yield id and hash of each row."""
        ...

    def upsert(self, rows: pa.Table) -> None:
        """Put rows in, in place of those of the same ids."""
        ...

    def delete(self, ids: Sequence[str]) -> None:
        """Take rows out."""
        ...

    def tidy(self) -> None:
        """Put in order what many small writes left behind."""
        ...

    def purge(self) -> None:
        """Leave nothing on the disk of what was taken out or replaced."""
        ...


def in_use(place: Place) -> TargetError:
    """Return the error of a table that somebody else writes."""
    return TargetError(
        f"{place} is being written by another process",
        "wait for it to end and run the same command again",
    )


@contextlib.contextmanager
def answering(place: Place, *errors: type[BaseException]) -> Iterator[None]:
    """Turn what goes wrong between here and a table into two lines.

    Raises:
        TargetError: one of `errors`, which tells its kind alone: its text may hold a row.

    """
    try:
        yield
    except errors as error:
        raise TargetError(
            f"{place} does not answer or refuses ({type(error).__name__})",
            "mend or start it and run the same command again: the sync goes on where it stopped",
        ) from None


def plain_rows(rows: pa.Table) -> list[dict[str, Any]]:
    """Return rows without their vectors, for tables that keep what they know as JSON."""
    found: list[dict[str, Any]] = rows.drop_columns([VECTOR]).to_pylist()
    return found
