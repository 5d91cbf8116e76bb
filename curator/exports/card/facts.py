"""What a card tells: its sources, the counts of each stage, what was edited, what is missing."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from curator.exports.card.gaps import gaps
from curator.redact import shown_sources

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import duckdb

    from curator.exports.version import Version
    from curator.types import Record
    from curator.workspace import Workspace

SourceKey: TypeAlias = tuple[str, str]
"""A source's name as it is shown, and its sha256."""


@dataclass(frozen=True, slots=True)
class SourceRow:
    """One source, as a card lists it.

    `merged` of its records fell to exported duplicates, which stand for them.
    """

    uri: str
    sha256: str
    units: int
    records: int
    exported: int
    merged: int
    license: str | None


@dataclass(frozen=True, slots=True)
class About:
    """What a card tells."""

    title: str
    manifest: Mapping[str, Any]
    sources: Sequence[SourceRow]
    funnel: Sequence[tuple[str, int]]
    languages: Mapping[str, int]
    pii: Sequence[tuple[str, int, int]]
    gaps: Sequence[str]


def about(
    title: str,
    version: Version,
    manifest: Mapping[str, Any],
    con: duckdb.DuckDBPyConnection,
    by_source: Mapping[SourceKey, int],
    by_language: Mapping[str, int],
    merged: Mapping[SourceKey, int],
) -> About:
    """Return what the card of a version tells, from its manifest and the stored tables."""
    names = shown_sources(con, decided=True)
    return About(
        title=f"{version.recipe.name}: {title}",
        manifest=manifest,
        sources=sources(version.workspace, names, by_source, merged),
        funnel=funnel(version.workspace),
        languages=dict(by_language),
        pii=pii(con, version.name),
        gaps=gaps(con, version, names),
    )


def source_key(record: Record) -> SourceKey:
    """Return what tells a record's source from others: two may be shown by one name."""
    return record.provenance.source_uri, record.provenance.source_sha256


def sources(
    workspace: Workspace,
    names: Mapping[str, str],
    exported: Mapping[SourceKey, int],
    merged: Mapping[SourceKey, int],
) -> list[SourceRow]:
    """Return the active sources, with how many of each one's records are exported or merged.

    `names`: what the names of sources are shown as, where not as they are.
    """
    manifests = workspace.sources()
    shown = [names.get(manifest["uri"], manifest["uri"]) for manifest in manifests]
    active = {(uri, manifest["sha256"]) for uri, manifest in zip(shown, manifests, strict=True)}
    # A part that stayed when its file changed bears the sha256 of the file as it was.
    before = [_formerly(counts, active) for counts in (exported, merged)]
    return [
        SourceRow(
            uri=uri,
            sha256=manifest["sha256"],
            units=manifest["units_read"],
            records=sum(part["records"] for part in manifest["parts"]),
            exported=exported.get((uri, manifest["sha256"]), 0) + before[0][uri],
            merged=merged.get((uri, manifest["sha256"]), 0) + before[1][uri],
            license=manifest["source"].get("license"),
        )
        for uri, manifest in zip(shown, manifests, strict=True)
    ]


def _formerly(counts: Mapping[SourceKey, int], active: set[SourceKey]) -> Counter[str]:
    """Return by the source's name what is counted of versions of it that are active no more."""
    found: Counter[str] = Counter()
    for key, n in counts.items():
        found[key[0]] += 0 if key in active else n
    return found


def funnel(workspace: Workspace) -> list[tuple[str, int]]:
    """Return the counts of the stage before records: units (rows, lines, messages, files)."""
    manifests = workspace.sources()
    return [
        (label, sum(manifest[key] for manifest in manifests))
        for label, key in (
            ("units read / 读入单元", "units_read"),
            ("— in records / 进入记录", "units_in_records"),
            ("— set aside: system lines, blank lines, headers / 另置", "units_set_aside"),
            ("— quarantined: unreadable / 隔离", "units_quarantined"),
        )
    ]


def pii(con: duckdb.DuckDBPyConnection, route: str) -> list[tuple[str, int, int]]:
    """Return code, edits and edited records for each kind of edit in the exported records."""
    return con.execute(
        "SELECT f.code, count(*), count(DISTINCT f.record_id)"  # noqa: S608 - one of two fixed names
        " FROM findings f JOIN (SELECT unnest(edits) AS edit, otherwise FROM decisions"
        f"  WHERE action = 'keep' AND {route}) e ON e.edit = f.id WHERE NOT list_contains("
        f"otherwise, {{'finding_id': f.id, 'route': '{route}', 'how': 'leave'}})"
        " GROUP BY 1 ORDER BY 1"
    ).fetchall()
