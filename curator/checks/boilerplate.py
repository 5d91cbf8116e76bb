"""The corpus without its boilerplate: clauses → frequent ones → a view that leaves them out."""

from __future__ import annotations

from dataclasses import replace
from math import ceil
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import pyarrow as pa

from curator.protocols import Step
from curator.similarity.boilerplate import SHARE, boilerplate, frequent, places, stripped
from curator.tables import digest, n_rows, read_table, records_from, records_table
from curator.workspace import write_table

if TYPE_CHECKING:
    from curator.protocols import Scope

_VERSION = "1"
_ROWS_PER_BUCKET = 1_000_000
_MOST_BUCKETS = 256


class Places:
    """Records → where each of their clauses stands."""

    columns: ClassVar[list[str]] = ["parts"]

    def __call__(self, records: pa.Table) -> pa.Table:
        """Return a table of schema `similarity.boilerplate.PLACED`."""
        said = records["parts"].to_pylist()
        return places([[(part["role"], part["text"]) for part in parts] for parts in said])


class Frequent:
    """A bucket of clauses' places → what stands beside the frequent ones."""

    def __init__(self, least: int) -> None:
        """Take in how many records a clause stands at least."""
        self.least = least

    def __call__(self, placed: pa.Table) -> pa.Table:
        """Return a table of schema `similarity.boilerplate.BESIDE`."""
        return frequent(placed, self.least)


class Strip:
    """The part's boilerplate and its records → the records without it."""

    def __call__(self, left_out: pa.Table, records: pa.Table) -> pa.Table:
        """Return records with their places, kinds and ids as they were."""
        clauses = frozenset(left_out["clause"].to_pylist())
        return records_table(
            replace(
                record,
                parts=tuple(
                    replace(part, text=text)
                    for part, text in zip(
                        record.parts, stripped([p.text for p in record.parts], clauses), strict=True
                    )
                ),
            )
            for record in records_from(records)
        )


def without_boilerplate(scope: Scope) -> Scope:
    """Return the scope with parts that leave out what is boilerplate in the corpus.

    What a part leaves out is in its file's name, so all that is kept of it (signatures) is
    made anew only where its own boilerplate changes.
    """
    engine = scope.engine
    placed = engine.map(
        Step(f"{__name__}:Places"),
        [(part,) for part in scope.parts],
        scope.shared("clauses", digest(_VERSION)),
        label="clauses",
    )
    records = sum(n_rows(path) for path in scope.parts)
    rows = sum(n_rows(path) for path in placed)
    buckets = min(_MOST_BUCKETS, 1 << (rows // _ROWS_PER_BUCKET).bit_length())
    shuffled = engine.shuffle(placed, "clause", scope.phase("clause-buckets"), buckets=buckets)
    often = engine.map(
        Step(f"{__name__}:Frequent", {"least": ceil(SHARE * records)}),
        [(path,) for path in shuffled],
        scope.phase("clauses-often"),
        label="boilerplate",
    )
    found = boilerplate(engine.collect(often))
    inputs = []
    for part, path in zip(scope.parts, placed, strict=True):
        here = np.intersect1d(found, read_table(path, columns=["clause"])["clause"].to_numpy())
        name = f"{part.stem}-{digest(here.tolist())}.parquet"
        left_out = scope.phase("boilerplate") / name
        write_table(left_out, pa.table({"clause": here}))
        inputs.append((left_out, part))
    parts = engine.map(
        Step(f"{__name__}:Strip"),
        inputs,
        scope.shared("without_boilerplate", digest(_VERSION)),
        label="without boilerplate",
    )
    return replace(scope, parts=tuple(parts))
