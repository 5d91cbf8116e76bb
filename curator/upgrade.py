"""The format of a workspace: a mark tells which, and an older workspace is brought up to it.

`.curator/format.json` holds the number of the format and the curator that wrote it. The mark's
own form never changes, so that every curator can tell that a workspace is newer than itself.
The number grows where a stored table or manifest gets another form; what a check, a reader or
a decision is made of has versions of its own, and is made again where they change.

A workspace without a mark was written before there were marks, or lost it. What it holds is
looked at file by file: what has this format's form stays, what has not and follows from
sources or other files is taken out, so that the next run makes it again, and reviews get the
columns that they lack. Anything else is refused, and nothing is changed.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from curator.errors import DamagedError, UpgradeWarning, WorkspaceError
from curator.integrity import discard
from curator.tables import DECISIONS, FINDINGS, QUARANTINE, RECORDS, REVIEWS, SET_ASIDE, read_table
from curator.workspace import FORMAT, Workspace, read_json, write_table

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_FORMS = {
    "records": RECORDS,
    "redacted": RECORDS,
    "quarantine": QUARANTINE,
    "set_aside": SET_ASIDE,
    "findings": FINDINGS,
    "decisions": DECISIONS,
}
_MANIFEST = {
    *("id", "uri", "path", "sha256", "bytes", "source", "sure", "told", "adhoc", "changes"),
    *("units_read", "units_in_records", "units_set_aside", "units_quarantined", "parts"),
}
_PART = {"stem", "records", "sha256"}


def upgrade(workspace: Workspace) -> None:
    """Bring a workspace that has no mark to this format, and mark it; warn of what was done.

    Raises:
        WorkspaceError: it holds what follows from nothing else in a form that is not known,
            or another process is at work in it.

    """
    if workspace.is_marked() or workspace.is_empty():
        return
    with workspace.lock():
        reviews = [(path, _with_all_columns(path)) for path in _others(workspace, "reviews")]
        for path, table in reviews:
            if table is not None:
                write_table(path, table)
        old = sorted(_old(workspace))
        for path in old:
            discard(workspace, DamagedError(path, "its form"))
        workspace.mark()
    warnings.warn(
        UpgradeWarning(
            f"{workspace.root}: the workspace had no mark of its format; it was looked through,"
            f" and is of format {FORMAT} now",
            f"curator run makes {len(old):,} files of an older form again" if old else "go on",
        ),
        stacklevel=2,
    )


def _old(workspace: Workspace) -> Iterator[Path]:
    """Yield the files whose form is not this format's and which the next run makes again.

    What is damaged is none of them: that is told where it is read.
    """
    for folder, form in _FORMS.items():
        for path in (workspace.store / folder).rglob("*.parquet"):
            schema = _schema(path)
            if schema is not None and not schema.equals(form):
                yield path
    for path in (workspace.store / "ingest").glob("*.json"):
        try:
            manifest = read_json(path)
        except DamagedError:
            continue
        parts = manifest.get("parts", ()) if isinstance(manifest, dict) else ()
        if not manifest.keys() >= _MANIFEST or not all(part.keys() >= _PART for part in parts):
            yield path


def _others(workspace: Workspace, folder: str) -> Iterator[Path]:
    """Yield a folder's whole tables that have another form than the reviews."""
    for path in sorted((workspace.store / folder).glob("*.parquet")):
        schema = _schema(path)
        if schema is not None and not schema.equals(REVIEWS):
            yield path


def _with_all_columns(path: Path) -> pa.Table:
    """Return an older table of reviews with the columns that it lacks, empty.

    Raises:
        WorkspaceError: it has columns that are not known, or of another type.

    """
    table = read_table(path)
    strange = [field.name for field in table.schema if field not in list(REVIEWS)]
    if strange:
        raise WorkspaceError(
            f"{path}: reviews of an older form ({', '.join(strange)} is not known)",
            "open the project with the curator that wrote it, or take the file out and review anew",
        )
    columns = [
        table[field.name] if field.name in table.column_names else pa.nulls(len(table), field.type)
        for field in REVIEWS
    ]
    return pa.Table.from_arrays(columns, schema=REVIEWS)


def _schema(path: Path) -> pa.Schema | None:
    """Return a Parquet file's schema; None where the file is damaged."""
    try:
        return pq.read_schema(path).remove_metadata()
    except (OSError, pa.ArrowException):
        return None
