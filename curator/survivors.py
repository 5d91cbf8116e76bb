"""Which record of a duplicate group survives. Pure."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


def survivors(ranked: Sequence[str], edges: Iterable[tuple[str, str, bool]]) -> dict[str, str]:
    """Return for each record that falls the survivor that it falls to.

    Args:
        ranked: the records that may survive, the best first.
        edges: pairs of duplicates, each with whether they are exactly equal.

    Exact equality is transitive, so its groups are whole components. Nearness is
    not: the best record takes its direct neighbours, then the best that is left
    takes its own, and so on. So every record that falls is close to its
    survivor, and a chain of near-duplicates never swallows a topic.

    """
    rank = {record: i for i, record in enumerate(ranked)}
    group = _components([(a, b) for a, b, exact in edges if exact])
    members: dict[str, list[str]] = defaultdict(list)
    for record in ranked:
        members[group.get(record, record)].append(record)
    neighbours: dict[str, set[str]] = defaultdict(set)
    for a, b, exact in edges:
        if not exact:
            left, right = group.get(a, a), group.get(b, b)
            if left != right and left in members and right in members:
                neighbours[left].add(right)
                neighbours[right].add(left)
    taken: dict[str, str] = {}
    for key in sorted(members, key=lambda k: rank[members[k][0]]):
        if key not in taken:
            taken[key] = members[key][0]
            for other in neighbours.get(key, ()):
                taken.setdefault(other, members[key][0])
    return {
        record: taken[key]
        for key, group_members in members.items()
        for record in group_members
        if taken[key] != record
    }


def _components(edges: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return each node's component, named by its smallest member."""
    parent: dict[str, str] = {}

    def find(node: str) -> str:
        root = node
        while parent.setdefault(root, root) != root:
            root = parent[root]
        while parent[node] != root:
            parent[node], node = root, parent[node]
        return root

    for a, b in edges:
        left, right = find(a), find(b)
        if left != right:
            parent[max(left, right)] = min(left, right)
    return {node: find(node) for node in parent}
