"""What differs between two versions of an export, record by record, and why."""

from __future__ import annotations

import difflib
from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from curator.errors import WorkspaceError
from curator.exports.causes import Causes

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from curator.exports.versions import Exported, Written
    from curator.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Changed:
    """A record that is not exported as it was.

    how: added, removed, edited (its text), relocated (its place in the source, or its split).
    why: short phrases, each behind what it is about (source, decision, rule, finding, review,
    mix, splits, settings, erased). before: the id that it had, where a changed source gave it
    another one. lines: the lines that changed, `-` as they were and `+` as they are.
    """

    record: str
    how: str
    source: str
    locator: str
    split: str
    why: tuple[str, ...]
    before: str | None = None
    lines: tuple[str, ...] = ()


@dataclass(frozen=True)
class Difference:
    """What differs between two versions: `unchanged` records, and the others one by one."""

    a: Written
    b: Written
    unchanged: int
    settings: tuple[str, ...]
    changes: list[Changed] = field(default_factory=list)

    def counts(self) -> dict[str, int]:
        """Return how many records changed, by how."""
        found = Counter(change.how for change in self.changes)
        return {how: found[how] for how in ("added", "removed", "edited", "relocated")}

    def causes(self) -> dict[str, dict[str, int]]:
        """Return how often each cause stands behind each kind of change."""
        found: dict[str, Counter[str]] = {}
        for change in self.changes:
            found.setdefault(change.how, Counter()).update(change.why)
        return {how: dict(n.most_common()) for how, n in sorted(found.items())}

    def facts(self) -> dict[str, Any]:
        """Return all of it, for JSON."""
        return {
            "export": self.a.name,
            "a": {"version": self.a.version, "decision": self.a.manifest["decision"]},
            "b": {"version": self.b.version, "decision": self.b.manifest["decision"]},
            "settings": list(self.settings),
            "unchanged": self.unchanged,
            **self.counts(),
            "why": self.causes(),
            "changes": [asdict(change) for change in self.changes],
        }


def diff(workspace: Workspace, a: Written, b: Written, *, text: bool = False) -> Difference:
    """Return what differs between two versions.

    Args:
        workspace: the project, whose decisions tell why.
        a: the earlier version.
        b: the later one.
        text: whether to tell the lines that changed, as they were exported.

    Raises:
        WorkspaceError: they are not of one kind.

    """
    if a.name != b.name:
        raise WorkspaceError(
            f"{a.version} is an export {a.name}, {b.version} an export {b.name}",
            "compare two versions of one kind",
        )
    before, after = a.records(), b.records()
    causes = Causes(workspace, a, b)
    found = Difference(a, b, _same(before, after), tuple(causes.settings()))
    gone = [record for record in before if record not in after]
    new = [record for record in after if record not in before]
    pairs = _paired(before, after, gone, new)
    pairs |= {r: r for r in before if r in after and before[r] != after[r]}
    edited = {old: now for old, now in pairs.items() if before[old].sha != after[now].sha}
    was, is_ = (a.texts(set(edited)), b.texts(set(edited.values()))) if text else ({}, {})
    for old, now in pairs.items():
        one, other = before[old], after[now]
        how = "edited" if old in edited else "relocated"
        why = causes.of_change(old, now, one, other)
        lines = tuple(_lines(was.get(old, ()), is_.get(now, ()))) if old in edited else ()
        found.changes.append(
            Changed(now, how, other.uri, other.locator, other.split, why,
                    None if old == now else old, lines)
        )  # fmt: skip
    followed = set(pairs.values())
    for how, records, known, why_of in (
        ("removed", [r for r in gone if r not in pairs], before, causes.of_removal),
        ("added", [r for r in new if r not in followed], after, causes.of_addition),
    ):
        for record in records:
            one = known[record]
            found.changes.append(
                Changed(record, how, one.uri, one.locator, one.split, why_of(record))
            )
    return found


def _same(before: dict[str, Exported], after: dict[str, Exported]) -> int:
    return sum(after.get(record) == one for record, one in before.items())


def _paired(
    before: dict[str, Exported],
    after: dict[str, Exported],
    gone: Iterable[str],
    new: Iterable[str],
) -> dict[str, str]:
    """Return which record that is gone is which new one: the same text, or the same place."""
    pairs: dict[str, str] = {}
    for same in (_by_text, _by_place):
        free: dict[tuple[str, ...], list[str]] = {}
        taken = set(pairs.values())
        for record in new:
            if record not in taken:
                free.setdefault(same(after[record]), []).append(record)
        for record in gone:
            found = free.get(same(before[record]))
            if record not in pairs and found:
                pairs[record] = found.pop(0)
    return pairs


def _by_text(one: Exported) -> tuple[str, str]:
    return one.uri, one.sha


def _by_place(one: Exported) -> tuple[str, str]:
    return one.uri, one.locator


def _lines(before: Sequence[str], after: Sequence[str]) -> list[str]:
    """Return the lines that differ, `-` as they were and `+` as they are."""
    one, other = ("\n".join(texts).splitlines() for texts in (before, after))
    told = list(difflib.unified_diff(one, other, n=0, lineterm=""))
    return [line for line in told[2:] if not line.startswith("@@")]
