"""The rows of an export in another order than that of the sources."""

from __future__ import annotations

from typing import TYPE_CHECKING

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_AT_ONCE = 4096
_IN_ORDER = """
SELECT s.* EXCLUDE (filename, file_row_number)
FROM read_parquet($files, filename = true, file_row_number = true) s
LEFT JOIN ranked r ON r.id = s.id
ORDER BY r.rank NULLS LAST, s.filename, s.file_row_number
"""


def in_order(
    staged: Path, splits: Mapping[str, pa.Array], ranks: Mapping[str, pa.Array]
) -> list[Path]:
    """Return the staged tables of rows, those of splits with ranks in the order of these.

    Args:
        staged: the folder of the rows' tables.
        splits: the ids of each split's records.
        ranks: of splits that have an order of their own, the rank of each of these.

    """
    files = sorted(staged.glob("*.parquet"))
    if not ranks or not files:
        return files
    schema = pq.read_schema(files[0])
    ranked = pa.concat_tables(
        [pa.table({"id": splits[name], "rank": rank}) for name, rank in ranks.items()]
    )
    found = []
    with duckdb.connect(config={"temp_directory": str(staged / ".spill")}) as con:
        con.register("ranked", ranked)
        rows = con.sql(_IN_ORDER, params={"files": [str(path) for path in files]})
        for number, batch in enumerate(rows.to_arrow_reader(_AT_ONCE)):
            found.append(staged / f"ordered-{number:06d}.parquet")
            pq.write_table(pa.Table.from_batches([batch]).cast(schema), found[-1])
    return found
