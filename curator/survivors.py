"""Which record of a duplicate group survives. Pure."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence


def survivors(
    ranked: Sequence[str],
    edges: Iterable[tuple[str, str, bool]],
    inside: Iterable[tuple[str, str]] = (),
) -> dict[str, str]:
    """Return for each record that falls the survivor that it falls to.

    Args:
        ranked: the records that may survive, the best first.
        edges: pairs of duplicates, each with whether they are exactly equal.
        inside: pairs of a record and a longer one that holds it; the longer one
            never falls by them, since it says more.

    Exact equality is transitive, so its groups are whole components. Nearness is
    not: the best record takes its direct neighbours, then the best that is left
    takes its own, and so on. So every record that falls is close to its
    survivor, and a chain of near-duplicates never swallows a topic. At last a
    record that stands falls to a longer one that stands and holds it, and with
    it those that fell to it, if that one holds them all.

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
    order = sorted(members, key=lambda k: rank[members[k][0]])
    taken: dict[str, str] = {}
    for key in order:
        if key not in taken:
            taken[key] = key
            for other in neighbours.get(key, ()):
                taken.setdefault(other, key)
    holders: dict[str, set[str]] = defaultdict(set)
    for inner, outer in inside:
        shorter, longer = group.get(inner, inner), group.get(outer, outer)
        if shorter != longer and shorter in members and longer in members:
            holders[shorter].add(longer)
    _fall_inside(order, holders, taken)
    return {
        record: members[taken[key]][0]
        for key, group_members in members.items()
        for record in group_members
        if members[taken[key]][0] != record
    }


def _fall_inside(
    order: Sequence[str], holders: Mapping[str, set[str]], taken: dict[str, str]
) -> None:
    """Let groups fall to those that hold them; `taken` says for each group to which it falls."""
    if not holders:
        return
    place = {key: i for i, key in enumerate(order)}
    followers: dict[str, list[str]] = defaultdict(list)
    for key in order:
        followers[taken[key]].append(key)
    for key in order:
        if taken[key] != key:
            continue
        common = set.intersection(*(holders.get(f, set()) for f in followers[key]))
        standing = [outer for outer in common if taken[outer] == outer]
        if standing:
            outer = min(standing, key=place.__getitem__)
            for follower in followers[key]:
                taken[follower] = outer
            followers[outer] += followers.pop(key)


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
