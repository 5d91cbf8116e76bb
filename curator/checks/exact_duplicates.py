"""Exact duplicates: records that say the very same."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np
import pyarrow as pa

from curator.similarity.fingerprints import groups, hashes_of
from curator.similarity.steps import SIGNING, signatures
from curator.types import Code, Finding

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from curator.protocols import PartStep, Scope
    from curator.types import View


class ExactDuplicates:
    """Finds records that are the same but for width, case, spaces and punctuation.

    **DUP001, exact duplicate.** The record has the same kind, roles and folded
    text as an earlier one: after Unicode NFKC and case folding, without spaces,
    marks and punctuation. Decimal points and signs that carry meaning count:
    `3.5` is not `35`, `1+1` is not `1-1`, `C++` is not `C#`. A record of nothing
    but emoji or punctuation is compared as it stands. Numbers of placeholders
    (`[姓名3]`, `[PERSON_3]`) count within a record, not between records.

    The finding stands on every member of a group but the first in source order,
    which is `peer_id`. The score is 1. Evidence: `group_size`.
    """

    name: ClassVar[str] = "exact_duplicates"
    version: ClassVar[str] = "2"
    view: ClassVar[View] = "redacted"
    needs: ClassVar[tuple[str, ...]] = ()
    codes: ClassVar[tuple[Code, ...]] = (
        Code(
            "DUP001",
            "exact duplicate",
            "与前面的一条记录内容完全相同（忽略全半角、大小写、空格和标点）",
            "says the very same as an earlier record (but for width, case, spaces, punctuation)",
        ),
    )

    def part_steps(self) -> Sequence[PartStep]:
        """Sign the records."""
        return (SIGNING,)

    def run(self, scope: Scope) -> Iterable[Finding]:
        """Return the findings, in source order."""
        if not scope.parts:
            return
        table = scope.engine.collect(signatures(scope), ["id", "hash"])
        first = groups(hashes_of(table["hash"]))
        sizes = np.bincount(first, minlength=len(first))
        rows = np.flatnonzero(first != np.arange(len(first)))
        peers = first[rows]
        ids, theirs = (table["id"].take(pa.array(side)).to_pylist() for side in (rows, peers))
        for name, peer, size in zip(ids, theirs, sizes[peers].tolist(), strict=True):
            yield Finding(
                record_id=name,
                check=self.name,
                code="DUP001",
                score=1.0,
                peer_id=peer,
                evidence={"group_size": size},
            )
