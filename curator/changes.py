"""What differs between two decisions, and why: records, findings, rules and checks.

The earlier one is a decision that the workspace still holds, or that of another project with the
same sources, such as a copy in which something was tried. Records are the same where their ids are:
same source, same place, same content.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from curator.errors import DamagedError, WorkspaceError
from curator.evidence import Told
from curator.policy import policy_sha, speaks_of
from curator.redact import shown_sources
from curator.schema import Policy
from curator.tables import FINDINGS
from curator.workspace import Workspace, read_json

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import duckdb

STATE = ("action", "instruction", "rag", "survivor_id", "edits", "otherwise")
"""What of a decision's row is a record's fate."""
POLICY = "policy.json"
"""Beside a decision: the rules that it was made by."""
LISTED = 5
"""How many decisions a mistake is answered with."""
ACTIONS = ("keep", "review", "drop")
_FIELDS = {
    "then": Told("处理", "then"),
    "score_at_least": Told("阈值", "threshold"),
    "score_below": Told("上限", "score below"),
    "code": Told("代码", "code"),
    "check": Told("检查", "check"),
    "lang": Told("语言", "language"),
    "kind": Told("种类", "kind"),
    "routes": Told("导出", "exports"),
    "how": Told("替换方式", "how"),
    "reviewer_may_override": Told("审核人可改判", "reviewer may override"),
}


@dataclass(frozen=True)
class Standing:
    """A decision with what it rests on.

    `name` is what it is called; `policy` is None where it was decided before the rules were
    kept; `runs` are the manifests of its check runs by check, as far as they are still there.
    """

    name: str
    workspace: Workspace
    manifest: Mapping[str, Any]
    policy: Policy | None
    runs: Mapping[str, Mapping[str, Any]]

    @property
    def decisions(self) -> Path:
        """Where its decisions lie."""
        return self.workspace.decisions / str(self.manifest["id"]) / "decisions.parquet"

    @property
    def findings(self) -> list[Path]:
        """The files of its check runs; those of record checks may tell of other records too."""
        folders = [self.workspace.findings / name / run["id"] for name, run in self.runs.items()]
        return [path for folder in folders for path in sorted(folder.glob("*.parquet"))]


@dataclass(frozen=True, slots=True)
class CodeChange:
    """How often a code was found; None where its check did not run."""

    code: str
    findings: tuple[int | None, int | None]
    records: tuple[int | None, int | None]


@dataclass(frozen=True, slots=True)
class Difference:
    """A rule or a check that is new, gone or changed; `fields`: name, before, after."""

    name: str
    how: str
    fields: tuple[tuple[Told, str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class RecordChange:
    """A record whose fate differs, and why; the place is empty where it is not known any more."""

    record_id: str
    before: str
    after: str
    why: tuple[Told, ...]
    source: str
    locator: str


@dataclass(frozen=True)
class Changes:
    """What differs; `policy_known` tells whether both policies are at hand to be compared."""

    before: Standing
    after: Standing
    actions: Mapping[str, tuple[int, int]]
    codes: tuple[CodeChange, ...]
    rules: tuple[Difference, ...]
    checks: tuple[Difference, ...]
    records: tuple[RecordChange, ...]
    policy_known: bool

    def grouped(self) -> list[tuple[tuple[str, str, tuple[Told, ...]], list[RecordChange]]]:
        """Return the records by what became of them and why, the largest groups first."""
        found: dict[tuple[str, str, tuple[Told, ...]], list[RecordChange]] = defaultdict(list)
        for one in self.records:
            found[one.before, one.after, one.why].append(one)
        return sorted(found.items(), key=lambda item: (-len(item[1]), item[0][:2], item[0][2]))

    def facts(self) -> dict[str, Any]:
        """Return all of it, for JSON."""
        changed = Counter(f"{one.before} → {one.after}" for one in self.records)
        return {
            "before": self.before.name,
            "after": self.after.name,
            "actions": {action: _beside(pair) for action, pair in self.actions.items()},
            "codes": {
                one.code: {"findings": _beside(one.findings), "records": _beside(one.records)}
                for one in self.codes
            },
            "policy_known": self.policy_known,
            "rules": [_facts(one) for one in self.rules],
            "checks": [_facts(one) for one in self.checks],
            "changed": dict(changed.most_common()),
            "records": [
                {
                    "record": one.record_id,
                    "source": one.source,
                    "locator": one.locator,
                    "before": one.before,
                    "after": one.after,
                    "why": [told._asdict() for told in one.why],
                }
                for one in self.records
            ],
        }


def _beside(pair: tuple[int | None, int | None]) -> dict[str, int | None]:
    return {"before": pair[0], "after": pair[1]}


def _facts(one: Difference) -> dict[str, Any]:
    fields = [{"zh": f.zh, "en": f.en, "before": a, "after": b} for f, a, b in one.fields]
    return {"name": one.name, "how": one.how, "fields": fields}


# --- which decision -----------------------------------------------------------------------


def standing(workspace: Workspace, policy: Policy) -> Standing:
    """Return the decision that holds.

    Raises:
        WorkspaceError: nothing is decided yet.

    """
    held = workspace.current_decision()
    if held is None:
        raise WorkspaceError(
            f"{workspace.root}: nothing is decided yet", "run: curator decide, or curator run"
        )
    same = held["policy_sha"] == policy_sha(policy)
    return _standing(str(held["id"]), workspace, held, policy if same else None)


def earlier(workspace: Workspace, asked: str) -> Standing:
    """Return the decision that is asked for.

    Args:
        workspace: the project.
        asked: `previous`, the beginning of a decision's id, or the folder of another project.

    Raises:
        WorkspaceError: there is no such decision, or several begin so.

    """
    folder = Path(asked).expanduser()
    if folder.is_dir():
        other = Workspace.find(folder)
        held = other.current_decision()
        if held is None:
            raise WorkspaceError(f"{asked}: nothing is decided there", f"run: curator run {asked}")
        return _standing(asked, other, held, None)
    held = workspace.current_decision() or {}
    if asked == "previous":
        if not held.get("previous"):
            raise WorkspaceError(
                "there is no earlier decision to compare with",
                "change a rule and decide again, or name another project's folder",
            )
        asked = held["previous"]
    ids = sorted(path.parent.name for path in workspace.decisions.glob("*/decisions.parquet"))
    found = [i for i in ids if i.startswith(asked)]
    if len(found) != 1:
        known = ", ".join(_latest(workspace, held)) or "none"
        what = "several decisions begin" if found else "no decision or project's folder is called"
        raise WorkspaceError(
            f"{what} {asked}", f"previous, or one of these, the latest first: {known}"
        )
    manifest = read_json(workspace.decisions / found[0] / "run.json")
    return _standing(found[0], workspace, manifest, None)


def _latest(workspace: Workspace, held: Mapping[str, Any]) -> Iterator[str]:
    """Yield the ids of the decisions before the one that holds, each followed by the one before."""
    seen: set[str] = set()
    at = held.get("previous")
    while at and at not in seen and len(seen) < LISTED:
        path = workspace.decisions / at / "run.json"
        if not path.exists():
            return
        yield at
        seen.add(at)
        at = read_json(path)["previous"]


def _standing(
    name: str, workspace: Workspace, manifest: Mapping[str, Any], policy: Policy | None
) -> Standing:
    kept = workspace.decisions / str(manifest["id"]) / POLICY
    if policy is None and kept.exists():
        policy = Policy.model_validate(read_json(kept))
    runs = {}
    for run in manifest["runs"]:
        for path in workspace.findings.glob(f"*/{run}/run.json"):
            runs[path.parent.parent.name] = read_json(path)
    return Standing(name, workspace, manifest, policy, runs)


# --- what differs -------------------------------------------------------------------------


def changes(before: Standing, after: Standing) -> Changes:
    """Return what differs between two decisions.

    Raises:
        DamagedError: a file of one of them is damaged or gone.

    """
    con = after.workspace.connect()
    for name, one in (("before", before), ("after", after)):
        _lay(con, name, one)
    rules = tuple(_rules(before.policy, after.policy))
    checks = tuple(_checks(before.runs, after.runs))
    return Changes(
        before,
        after,
        {a: tuple(_actions(con, name).get(a, 0) for name in ("before", "after")) for a in ACTIONS},  # type: ignore[misc]
        tuple(_codes(con, before.runs, after.runs)),
        rules,
        checks,
        tuple(_Why(con, before, after, rules).records()),
        before.policy is not None and after.policy is not None,
    )


def _lay(con: duckdb.DuckDBPyConnection, name: str, one: Standing) -> None:
    """Make the tables of a decision: its rows, its findings, and the places of its records."""
    if not one.decisions.exists():
        raise DamagedError(one.decisions, "gone")
    con.execute(
        f"CREATE TABLE {name} AS SELECT * FROM read_parquet(?)",  # noqa: S608 - fixed names
        [str(one.decisions)],
    )
    found = f'CREATE TABLE found_{name} AS SELECT DISTINCT id, record_id, "check", code'
    files = [str(path) for path in one.findings]
    if not files:
        con.register("nothing", FINDINGS.empty_table())
        con.execute(f"{found} FROM nothing")
        return
    # A record may lie in a part and in a batch that stands for it: one finding, told twice.
    con.execute(
        f"{found} FROM read_parquet(?) WHERE record_id IN (SELECT record_id FROM {name})",  # noqa: S608
        [files],
    )


def _actions(con: duckdb.DuckDBPyConnection, name: str) -> dict[str, int]:
    return dict(con.execute(f"SELECT action, count(*) FROM {name} GROUP BY 1").fetchall())  # noqa: S608


def _codes(
    con: duckdb.DuckDBPyConnection, before: Mapping[str, Any], after: Mapping[str, Any]
) -> Iterator[CodeChange]:
    """Yield the codes, those first that are found more or less often."""
    query = (
        'SELECT code, min("check"), count(*), count(DISTINCT record_id) FROM found_{} GROUP BY 1'
    )
    counted: list[dict[str, tuple[str, int, int]]] = [
        {code: (check, n, m) for code, check, n, m in con.execute(query.format(name)).fetchall()}
        for name in ("before", "after")
    ]

    def differs(code: str) -> bool:
        return counted[0].get(code) != counted[1].get(code)

    for code in sorted({*counted[0], *counted[1]}, key=lambda code: (not differs(code), code)):
        check = next(some[code][0] for some in counted if code in some)
        numbers: list[list[int | None]] = [
            [n if check in runs else None for n in some.get(code, (check, 0, 0))[1:]]
            for some, runs in zip(counted, (before, after), strict=True)
        ]
        yield CodeChange(code, *((numbers[0][i], numbers[1][i]) for i in (0, 1)))


def _rules(before: Policy | None, after: Policy | None) -> Iterator[Difference]:
    if before is None or after is None:
        return
    one, other = ({rule.id: _flat(rule) for rule in p.rules} for p in (before, after))
    for name in sorted({*one, *other}):
        if name not in one or name not in other:
            yield Difference(name, "new" if name in other else "gone")
        elif one[name] != other[name]:
            yield Difference(name, "changed", tuple(_differing(one[name], other[name])))


def _flat(rule: Any) -> dict[str, Any]:
    said = rule.model_dump(mode="json")
    said |= said.pop("when")
    return {key: said[key] for key in _FIELDS}


def _differing(one: Mapping[str, Any], other: Mapping[str, Any]) -> Iterator[tuple[Told, str, str]]:
    for key in sorted({*one, *other}):
        if one.get(key) != other.get(key):
            yield _FIELDS.get(key, Told(key, key)), _shown(one.get(key)), _shown(other.get(key))


def _shown(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, list):
        return ", ".join(map(_shown, value)) or "—"
    return "—" if value is None else str(value)


def _checks(
    before: Mapping[str, Mapping[str, Any]], after: Mapping[str, Mapping[str, Any]]
) -> Iterator[Difference]:
    """Yield the checks that differ in version, parameters, model or what they are given."""
    for name in sorted({*before, *after}):
        if name not in before or name not in after:
            yield Difference(name, "new" if name in after else "gone")
            continue
        one, other = before[name], after[name]
        fields = [
            (_NAMES[key], str(one[key]), str(other[key]))
            for key in _NAMES
            if key in one and key in other and one[key] != other[key]
        ]
        fields += _differing(one["params"], other["params"])
        if not fields and one["params_sha"] != other["params_sha"]:
            fields = [(Told("规则", "its rules"), one["params_sha"][:8], other["params_sha"][:8])]
        if fields:
            yield Difference(name, "changed", tuple(fields))


_NAMES = {
    "version": Told("版本", "version"),
    "plugin": Told("插件", "plug-in"),
    "model_sha": Told("模型", "model"),
}


class _Why:
    """Tells for each record whose fate differs why it does."""

    def __init__(
        self,
        con: duckdb.DuckDBPyConnection,
        before: Standing,
        after: Standing,
        rules: Sequence[Difference],
    ) -> None:
        self.con, self.before, self.after = con, before, after
        self.rules = {rule.name: rule for rule in rules}

    def records(self) -> Iterator[RecordChange]:
        """Yield them by id."""
        self._find()
        places = self._places(self.before) | self._places(self.after)
        codes = self._codes()
        columns = [c[0] for c in self.con.execute("SELECT * FROM changed LIMIT 0").description]
        for row in self.con.execute("SELECT * FROM changed ORDER BY id").fetchall():
            one = dict(zip(columns, row, strict=True))
            old = {k[4:]: v for k, v in one.items() if k.startswith("old_")}
            new = {k[4:]: v for k, v in one.items() if k.startswith("new_")}
            yield RecordChange(
                one["id"],
                _fate(old),
                _fate(new),
                tuple(self._why(old, new, codes)) or (Told("替换不同", "other edits"),),
                *places.get(one["id"], ("", "")),
            )

    def _find(self) -> None:
        """Make the table of the records that differ, `old_` and `new_` beside each other."""
        told = (*STATE, "rule_ids", "finding_ids", "decided_by")
        sides = ", ".join(
            f"{t}.{c} AS {n}_{c}" for c in told for t, n in (("b", "old"), ("a", "new"))
        )
        self.con.execute(
            "CREATE TABLE changed AS SELECT coalesce(a.record_id, b.record_id) AS id,"  # noqa: S608
            f" {sides} FROM before b FULL JOIN after a ON a.record_id = b.record_id"
            f" WHERE {differ('b', 'a')}"
        )  # fmt: skip

    def _places(self, one: Standing) -> dict[str, tuple[str, str]]:
        """Return source and place of the changed records, as they may be shown."""
        ids = [i for (i,) in self.con.execute("SELECT id FROM changed").fetchall()]
        con = one.workspace.sql([path for path in one.findings if path.exists()])
        names = shown_sources(con, decided=False)
        found = con.execute(
            "SELECT id, source_uri, locator FROM records WHERE list_contains(?, id)", [ids]
        ).fetchall()
        return {i: (names.get(uri, uri), locator) for i, uri, locator in found}

    def _codes(self) -> dict[str, tuple[str, str]]:
        """Return check and code of the findings that the changed records name."""
        rows = self.con.execute(
            "WITH named AS (SELECT DISTINCT unnest(list_concat(coalesce(old_finding_ids, []),"
            " coalesce(new_finding_ids, []))) AS id FROM changed)"
            ' SELECT DISTINCT f.id, f."check", f.code'
            " FROM (FROM found_before UNION FROM found_after) f JOIN named n ON n.id = f.id"
        ).fetchall()
        return {i: (check, code) for i, check, code in rows}

    def _why(
        self, old: Mapping[str, Any], new: Mapping[str, Any], codes: Mapping[str, tuple[str, str]]
    ) -> Iterator[Told]:
        if old["action"] is None:
            yield Told("新增的记录", "a new record")
            return
        if new["action"] is None:
            yield Told("记录已不在", "the record is gone")
            return
        if old["decided_by"] != new["decided_by"]:
            if new["decided_by"].startswith("reviewer:"):
                yield Told("审核人的判断", "a reviewer said so")
            elif old["decided_by"].startswith("reviewer:"):
                yield Told("审核人的判断不再有效", "what a reviewer said holds no longer")
        rules = {*old["rule_ids"]}, {*new["rule_ids"]}
        gone, come = rules[0] - rules[1], rules[1] - rules[0]
        for rule in sorted(gone | come):
            yield self._rule(rule, old, new, codes, come=rule in come)
        if old["survivor_id"] and new["survivor_id"] and old["survivor_id"] != new["survivor_id"]:
            yield Told("归于另一条记录", "it falls to another record")
        if not gone | come and (old["instruction"], old["rag"]) != (new["instruction"], new["rag"]):
            yield Told("规则的导出范围不同", "the exports that its rules speak of")

    def _rule(
        self,
        rule: str,
        old: Mapping[str, Any],
        new: Mapping[str, Any],
        codes: Mapping[str, tuple[str, str]],
        *,
        come: bool,
    ) -> Told:
        differs = self.rules.get(rule)
        if differs and differs.how == "changed":
            zh = "，".join(f"{f.zh} {a} → {b}" for f, a, b in differs.fields)
            en = ", ".join(f"{f.en} {a} → {b}" for f, a, b in differs.fields)
            return Told(f"规则 {rule} 已改：{zh}", f"the rule {rule} changed: {en}")
        if differs and differs.how == "new":
            return Told(f"新规则 {rule}", f"the rule {rule} is new")
        if differs:
            return Told(f"规则 {rule} 已删", f"the rule {rule} is gone")
        side, policy = (new, self.after.policy) if come else (old, self.before.policy)
        known = next((r for r in policy.rules if r.id == rule), None) if policy else None
        named = sorted(
            {
                codes[f][1]
                for f in side["finding_ids"]
                if f in codes and (known is None or speaks_of(known, *codes[f]))
            }
        )
        zh, en = "、".join(named), ", ".join(named)
        if come:
            return Told(
                f"规则 {rule} 现在涉及它（{zh}）", f"the rule {rule} speaks of it now ({en})"
            )
        return Told(
            f"规则 {rule} 不再涉及它（{zh}）", f"the rule {rule} speaks of it no longer ({en})"
        )


def differ(one: str, other: str) -> str:
    """Return the SQL condition under which two tables' rows give a record another fate."""
    return " OR ".join(f"{one}.{c} IS DISTINCT FROM {other}.{c}" for c in STATE)


def _fate(row: Mapping[str, Any]) -> str:
    """Return what becomes of a record; `none` where it is not there."""
    if row["action"] is None:
        return "none"
    if row["action"] != "keep":
        return str(row["action"])
    routes = [route for route in ("instruction", "rag") if row[route]]
    return f"keep ({', '.join(routes)})"
