"""Near-duplicates: records that say almost the same in almost the same words."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from curator.checks.search import near_pairs
from curator.similarity.fingerprints import groups
from curator.similarity.steps import per_part
from curator.types import Code, Finding

if TYPE_CHECKING:
    from collections.abc import Iterable

    from curator.protocols import Scope
    from curator.types import View

_CAP = 0.69
"""Just under the score from which the default policy keeps one of a group."""


class NearDuplicates:
    """Finds pairs of records with nearly the same words in nearly the same order.

    **DUP002, near-duplicate.** The record shares much of its text with an
    earlier one (`peer_id`). Both are cut into shingles: sequences of three
    characters in Chinese, Japanese and Korean, of two words in other scripts,
    of both in mixed text; roles count. The score is the Jaccard similarity of the
    two shingle sets, |A ∩ B| / |A ∪ B|, computed on the sets themselves and not
    estimated; pairs under `floor` are not told. Short texts take part too.

    A pair that differs in a number (`38.5` and `39.5`, `10 mg` and `100 mg`), a
    negation (`可以` and `不可以`) or a sign (`+` and `-`) may say the opposite
    in nearly the same words: its score is at most 0.69, so it is not dropped by
    the default policy. Evidence: `jaccard`, `numbers_differ`,
    `negation_differs`, `signs_differ`.

    Of each group of exact duplicates only the first takes part. Records of
    different kinds are never duplicates of each other. In a crowd of many
    hundred near-equal records each is compared with a bounded number of others,
    enough to join the crowd.
    """

    name: ClassVar[str] = "near_duplicates"
    version: ClassVar[str] = "1"
    view: ClassVar[View] = "redacted"
    needs: ClassVar[tuple[str, ...]] = ()
    codes: ClassVar[tuple[Code, ...]] = (
        Code(
            "DUP002",
            "near-duplicate",
            "与前面的一条记录内容几乎相同",
            "says almost the same as an earlier record",
        ),
    )

    def __init__(self, *, floor: float = 0.5) -> None:
        """Take the least Jaccard similarity, 0.5 to 1, that is told."""
        self._floor = floor

    def run(self, scope: Scope) -> Iterable[Finding]:
        """Return one finding for each pair, in source order."""
        if not scope.parts:
            return
        fingerprints = scope.engine.collect(
            per_part(scope, "curator.similarity.steps:Fingerprints")
        )
        files = per_part(scope, "curator.similarity.steps:Signatures")
        hashes = np.frombuffer(b"".join(fingerprints["hash"].to_pylist()), "V16")
        firsts = groups(hashes) == np.arange(len(hashes))
        found = near_pairs(scope, files, firsts, name="near", floor=self._floor)
        kinds = fingerprints["kind"].to_numpy(zero_copy_only=False)
        light = pa.concat_tables(
            [pq.read_table(path, columns=["numbers", "negations"]) for path in files]
        )
        columns = (
            light["numbers"].to_numpy(),
            light["negations"].to_numpy(),
            fingerprints["signs"].to_numpy(),
        )
        numbers, negations, signs = (c[found.left] != c[found.right] for c in columns)
        ids = fingerprints["id"]
        same_kind = kinds[found.left] == kinds[found.right]
        for i in np.flatnonzero(same_kind).tolist():
            score = float(found.jaccard[i])
            differs = bool(numbers[i] or negations[i] or signs[i])
            yield Finding(
                record_id=ids[int(found.right[i])].as_py(),
                check=self.name,
                code="DUP002",
                score=min(score, _CAP) if differs else score,
                peer_id=ids[int(found.left[i])].as_py(),
                evidence={
                    "jaccard": round(score, 4),
                    "numbers_differ": bool(numbers[i]),
                    "negation_differs": bool(negations[i]),
                    "signs_differ": bool(signs[i]),
                },
            )
