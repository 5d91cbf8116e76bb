"""What an export starts from: kept records, edited and corrected, part by part."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from curator.corrections import corrected, marked_rows, renamed
from curator.errors import GateError
from curator.redact import fields_of, redacted
from curator.tables import read_table, records_from

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import duckdb

    from curator.check import Plan
    from curator.exports.hiding import Hide
    from curator.types import Record
    from curator.verdicts import Verdict

_COLUMNS = ["id", "record_id", "code", "part", "start", "end", "replacement", "evidence"]


@dataclass(frozen=True, slots=True)
class Kept:
    """A record as it is exported, and as it was before a reviewer corrected it, if one did."""

    record: Record
    before: Record | None = None


def kept(
    con: duckdb.DuckDBPyConnection,
    plan: Plan,
    route: str,
    hide: Hide,
    verdicts: Mapping[str, Verdict],
    shas: Mapping[str, str],
) -> Iterator[list[Kept]]:
    """Yield, for each part, its records that are kept for `route`, edited, in source order.

    `hide` turns a record's findings into edits; `verdicts` are what reviewers said, whose
    corrections come after that; `shas` are those of the sources' files, by name.

    One part is in memory at a time.

    Raises:
        GateError: the decision asks for an edit that no check of the plan proposed.
    """
    raw = [check for check in plan.checks if check.cls.view == "raw"]
    for part in plan.parts:
        table = read_table(part)
        chosen = _decisions(con, table["id"], route)
        table = table.filter(pc.is_in(table["id"], value_set=pa.array(chosen, pa.string())))
        wanted = {finding: how for edits in chosen.values() for finding, how in edits.items()}
        findings = [
            row | {"how": wanted[row["id"]]}
            for check in raw
            for row in read_table(check.folder / part.name, columns=_COLUMNS).to_pylist()
            if row["id"] in wanted
        ]
        missing = wanted.keys() - {row["id"] for row in findings}
        if missing:
            raise GateError(
                f"{len(missing)} edits of the decision are in no check's findings",
                "run: curator decide",
            )
        about = defaultdict(list)
        for row in findings:
            about[row["record_id"]].append(row)
        fields = fields_of(findings)
        yield [
            _edited(r, about.get(r.id, ()), fields.get(r.id), hide, verdicts.get(r.id))
            for r in records_from(_of_files(table, shas))
        ]


def _of_files(records: pa.Table, shas: Mapping[str, str]) -> pa.Table:
    """Return the records with the sha256 of their files as these are now."""
    at = records.schema.get_field_index("source_sha256")
    columns = records["source_uri"].to_pylist(), records["source_sha256"].to_pylist()
    now = [shas.get(uri, was) for uri, was in zip(*columns, strict=True)]
    return records.set_column(at, records.schema.field(at), pa.array(now, pa.string()))


def _edited(
    record: Record,
    findings: Sequence[Mapping[str, Any]],
    fields: Mapping[str, str] | None,
    hide: Hide,
    verdict: Verdict | None,
) -> Kept:
    rows = [*findings, *(marked_rows(record, verdict.hidden) if verdict else ())]
    edits = hide(record, rows)
    shown = redacted(record, edits, fields)
    if verdict is None or not verdict.corrections:
        return Kept(shown)
    after = corrected(shown, verdict.corrections, renamed(record.id, rows, edits))
    return Kept(after, shown if after.parts != shown.parts else None)


def _decisions(
    con: duckdb.DuckDBPyConnection, ids: pa.ChunkedArray, route: str
) -> dict[str, dict[str, str]]:
    """Return how each finding is edited, of each of the records that is kept for the route."""
    con.register("_part", pa.table({"id": ids}))
    rows = con.execute(
        "SELECT record_id, edits, otherwise"  # noqa: S608 - one of two fixed names
        " FROM decisions SEMI JOIN _part ON record_id = id"
        f" WHERE action = 'keep' AND {route}"
    ).fetchall()
    con.unregister("_part")
    decided = {}
    for record_id, edits, otherwise in rows:
        how = {o["finding_id"]: o["how"] for o in otherwise if o["route"] == route}
        asked = {finding: how.get(finding, "replace") for finding in edits}
        decided[record_id] = {f: h for f, h in asked.items() if h != "leave"}
    return decided
