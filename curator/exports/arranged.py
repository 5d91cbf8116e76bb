"""The rows of an export, put where they belong: split by split, in their order."""

from __future__ import annotations

from typing import TYPE_CHECKING

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from curator.tables import read_table

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_AT_ONCE = 4096
_IN_ORDER = """
SELECT s.* EXCLUDE (filename, file_row_number)
FROM read_parquet($files, filename = true, file_row_number = true) s
JOIN chosen c ON c.id = s.id ORDER BY c.rank, s.filename, s.file_row_number
"""


def arrange(
    staged: Path, chosen: Mapping[str, pa.Array], ranks: Mapping[str, pa.Array]
) -> dict[str, list[Path]]:
    """Return the files of each split's rows, made from the staged ones, which are gone then.

    Args:
        staged: the folder of the rows' tables.
        chosen: the ids of each split's records.
        ranks: of splits that have an order of their own, the rank of each of these.

    """
    files = sorted(staged.glob("*.parquet"))
    found: dict[str, list[Path]] = {}
    for split, ids in chosen.items():
        folder = staged / split
        folder.mkdir()
        for path in files:
            table = read_table(path)
            table = table.filter(pc.is_in(table["id"], value_set=ids))
            if table.num_rows:
                pq.write_table(table, folder / path.name)
        if split in ranks:
            _sort(folder, pa.table({"id": ids, "rank": ranks[split]}))
        found[split] = sorted(folder.glob("*.parquet"))
    for path in files:
        path.unlink()
    return found


def _sort(folder: Path, ranked: pa.Table) -> None:
    """Put the rows of a folder's tables in the order of their ranks."""
    files = sorted(folder.glob("*.parquet"))
    if not files:
        return
    schema = pq.read_schema(files[0])
    with duckdb.connect(config={"temp_directory": str(folder / ".spill")}) as con:
        con.register("chosen", ranked)
        rows = con.sql(_IN_ORDER, params={"files": [str(path) for path in files]})
        for number, batch in enumerate(rows.to_arrow_reader(_AT_ONCE)):
            table = pa.Table.from_batches([batch]).cast(schema)
            pq.write_table(table, folder / f"ordered-{number:06d}.parquet")
    for path in files:
        path.unlink()
