"""Why a record is exported, or not, or otherwise: told from the decisions behind two versions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import duckdb

from curator.tables import read_table

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from curator.exports.versions import Exported, Written
    from curator.workspace import Workspace

_UNKNOWN = "decision: not in the workspace any more"


class Causes:
    """Tells causes, as far as the workspace still holds the decisions of both versions."""

    def __init__(self, workspace: Workspace, a: Written, b: Written) -> None:
        """Read the decisions of the earlier version `a` and of the later one `b`."""
        self._a, self._b, self._workspace = a, b, workspace
        self._before, self._after = (_decisions(workspace, version) for version in (a, b))
        self._left_before, self._left_after = a.left_out(), b.left_out()
        self._erased = {r for entry in workspace.erasures() for r in entry["records"]}
        self._reviewed = set(workspace.reviews()["record_id"].to_pylist())
        self._codes = self._codes_of_edits()

    def settings(self) -> Iterator[str]:
        """Yield what differs in how the two versions were made."""
        one, other = self._a.manifest, self._b.manifest
        if one["policy_sha"] != other["policy_sha"]:
            yield "policy"
        if one["exporter_version"] != other["exporter_version"]:
            yield "exporter version"
        runs = [{(c["name"], c["version"]) for c in m["checks"]} for m in (one, other)]
        yield from (f"check {name}" for name, _ in sorted(runs[0] ^ runs[1]))
        keys = sorted({*one["params"], *other["params"]})
        yield from (key for key in keys if one["params"].get(key) != other["params"].get(key))

    def of_addition(self, record: str) -> tuple[str, ...]:
        """Return why a record is there that was not."""
        if record in self._left_before:
            return (f"{_phrase(self._left_before[record])} (then)",)
        if self._before is None:
            return (_UNKNOWN,)
        return tuple(self._fate(self._before.get(record), self._a.name, then=True))

    def of_removal(self, record: str) -> tuple[str, ...]:
        """Return why a record is not there that was."""
        if record in self._erased:
            return ("erased",)
        if record in self._left_after:
            return (_phrase(self._left_after[record]),)
        if self._after is None:
            return (_UNKNOWN,)
        return tuple(self._fate(self._after.get(record), self._b.name, then=False))

    def of_change(self, old: str, now: str, one: Exported, other: Exported) -> tuple[str, ...]:
        """Return why a record is not exported as it was."""
        why: list[str] = []
        if old != now:
            why.append(
                "source: says something else in that place"
                if one.sha != other.sha
                else "source: stands in another place"
            )
        elif one.sha != other.sha:
            why += self._edits(now)
            if not why and now in self._reviewed:
                why.append("review: corrected")
            if not why:
                why += [f"settings: {key}" for key in self.settings()] or [_UNKNOWN]
        if one.split != other.split:
            why.append(f"splits: from {one.split} to {other.split}")
        return tuple(why)

    def _edits(self, record: str) -> Iterator[str]:
        """Yield the findings by which a record is edited now and was not, or the reverse."""
        rows = [(table or {}).get(record) for table in (self._before, self._after)]
        before, after = (_how(row, self._b.name) for row in rows)
        told = []
        for finding in sorted({*before, *after}):
            was, is_ = before.get(finding, "leave"), after.get(finding, "leave")
            if was != is_:
                code = self._codes.get(finding, "finding")
                told.append(f"finding: {code}: {_HOW[was]} → {_HOW[is_]}")
        yield from dict.fromkeys(told)

    @staticmethod
    def _fate(row: Mapping[str, Any] | None, route: str, *, then: bool) -> Iterator[str]:
        """Yield what a decision says of a record that it does not export."""
        when = " (then)" if then else ""
        if row is None:
            yield "source: a new record" if then else "source: the record is gone"
            return
        who = row["decided_by"] if row["decided_by"].startswith("reviewer:") else "decision"
        word = {"drop": "dropped", "review": "held for review"}.get(row["action"], "")
        if word and row["survivor_id"]:
            yield f"{who}: dropped as a duplicate of {row['survivor_id']}{when}"
        elif word:
            yield f"{who}: {word}{when}"
        elif not row[route]:
            yield f"{who}: kept, but not for {route}{when}"
        else:
            yield f"{who}: kept, but it makes no row{when}"
        yield from (f"rule: {rule}{when}" for rule in row["rule_ids"])

    def _codes_of_edits(self) -> dict[str, str]:
        """Return the codes of the findings by which one decision edits and the other does not."""
        edits = [
            {finding for row in (table or {}).values() for finding in row["edits"]}
            for table in (self._before, self._after)
        ]
        wanted = sorted(edits[0] ^ edits[1])
        files = [str(path) for path in self._workspace.findings.glob("*/*/*.parquet")]
        if not wanted or not files:
            return {}
        with duckdb.connect() as con:
            rows = con.execute(
                "SELECT DISTINCT id, code FROM read_parquet($files) WHERE list_contains($ids, id)",
                {"files": files, "ids": wanted},
            ).fetchall()
        return dict(rows)


_HOW = {
    "leave": "left as it is",
    "replace": "replaced",
    "mask": "masked",
    "generalise": "generalised",
}


def _how(row: Mapping[str, Any] | None, route: str) -> dict[str, str]:
    """Return how each finding of a record is edited."""
    if row is None:
        return {}
    otherwise = {o["finding_id"]: o["how"] for o in row["otherwise"] if o["route"] == route}
    return {finding: otherwise.get(finding, "replace") for finding in row["edits"]}


def _phrase(reason: str) -> str:
    return reason if reason.startswith("mix:") else f"splits: {reason}"


def _decisions(workspace: Workspace, version: Written) -> dict[str, Any] | None:
    path = workspace.decisions / str(version.manifest["decision"]) / "decisions.parquet"
    if not path.exists():
        return None
    return {row["record_id"]: row for row in read_table(path).to_pylist()}
