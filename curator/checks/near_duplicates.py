"""Near-duplicates: records that say almost the same in almost the same words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pyarrow as pa

from curator.checks.across import in_reference
from curator.checks.boilerplate import without_boilerplate
from curator.checks.containment import closest, inside_pairs
from curator.checks.reference import Reference
from curator.checks.search import contrasts, near_pairs
from curator.similarity.fingerprints import groups, hashes_of
from curator.similarity.steps import SIGNING, signatures
from curator.types import Code, Finding

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from curator.protocols import PartStep, Scope
    from curator.similarity.contrasts import Contrast
    from curator.types import View

_CAP = 0.64
"""Just under the score from which the default policy keeps one of a group."""
_SURELY = 0.9
"""The containment from which the default policy lets the shorter record fall."""
_HOLDERS = 3
"""Of how many longer records that hold a record it is told."""


@dataclass(frozen=True)
class Told:
    """The rows that findings of one code stand on, their peers, and how alike they are."""

    code: str
    rows: NDArray[np.int64]
    peers: NDArray[np.int64]
    measure: str
    scores: NDArray[np.float64]


class NearDuplicates:
    """Finds pairs of records with nearly the same words in nearly the same order.

    **DUP002, near-duplicate.** The record shares much of its text with an
    earlier one (`peer_id`). Both are cut into shingles: sequences of three
    characters in Chinese, Japanese and Korean, of two words in other scripts,
    of both in mixed text; roles count. The score is the Jaccard similarity of the
    two shingle sets, |A ∩ B| / |A ∪ B|, computed on the sets themselves and not
    estimated; pairs under `floor` are not told. Short texts take part too.

    **DUP003, contained.** At least `inside_floor` of the record's shingles lie in
    a longer record (`peer_id`) with at least a fifth more of them: an answer
    that was forwarded with a preface, the first turns of a longer conversation.
    The score is the containment |A ∩ B| / |A|. The shorter record has twenty
    shingles or more. It is told of the three that hold the most of it; it alone
    may fall, since the longer one says more. A pair of which at least 0.9 of the
    shorter lies in the longer is told as this and not as a near-duplicate.

    A pair may say different things in nearly the same words: its score is then at
    most 0.64, so it is not dropped by the default policy. It differs in

    - a number (`38.5` and `39.5`, `10 mg` and `100 mg`): `numbers_differ`;
    - a negation (`可以` and `不可以`): `negation_differs`;
    - a sign (`+` and `-`; near-duplicates alone): `signs_differ`;
    - a thing that it names where the other names another (`布洛芬` and `阿司匹林`,
      Paris and London), or its opposite (`饭前` and `饭后`): `terms_differ`; one
      Han character for another in an answer, or two spellings of a word, is no
      other thing;
    - what is asked, or what is told, has less than half of its tokens in common:
      `question_differs` (one canned answer to many questions), `answer_differs`
      (which is for LBL002 to judge).

    Greetings, thanks and farewells do not count as differences. Evidence:
    `jaccard` or `containment`, and the six above.

    Of each group of exact duplicates only the first takes part. Records of
    different kinds are never duplicates of each other. In a crowd of many
    hundred near-equal records each is compared with a bounded number of others,
    enough to join the crowd.

    With `boilerplate: true` greetings, signatures, disclaimers and the like are left out of the
    comparison: clauses that stand in one of 200 records or more, before or after ten different
    other ones, and those that follow on such an ending or go before such an opening alone. A
    record that is nothing else is compared as it stands.

    `against` lists what lies outside the project: an earlier export (its folder), another
    project (its folder; its redacted view is taken), any file, folder or pattern that can be a
    source. Paths start at the project's folder. What is not redacted yet goes through the
    project's own checks of private details and encodings first, and no text of it is written
    anywhere. A change of what lies there asks for another run.

    **DUP004, in a reference.** A record of `against` says the same (`relation: exact`), or
    almost the same (`near`; scored as DUP002), or is this very record in a project or an
    export that holds it (`same record`). Told is the likest one: its `file`, and its place
    there (`item`); there is no `peer_id`.

    **DUP006, contained in a reference.** The record lies inside a longer record of `against`,
    as for DUP003.
    """

    name: ClassVar[str] = "near_duplicates"
    version: ClassVar[str] = "3"
    view: ClassVar[View] = "redacted"
    needs: ClassVar[tuple[str, ...]] = ("redaction",)
    codes: ClassVar[tuple[Code, ...]] = (
        Code(
            "DUP002",
            "near-duplicate",
            "与前面的一条记录内容几乎相同",
            "says almost the same as an earlier record",
        ),
        Code(
            "DUP003",
            "contained",
            "整条内容包含在另一条更长的记录里",
            "lies as a whole inside another, longer record",
        ),
        Code(
            "DUP004",
            "in a reference",
            "对照集（先前的导出、另一项目或参考语料）中已有相同或几乎相同的一条",
            "an earlier export, another project or a reference corpus says (almost) the same",
        ),
        Code(
            "DUP006",
            "contained in a reference",
            "整条内容包含在对照集中更长的一条里",
            "lies as a whole inside a longer record of a reference",
        ),
    )

    def __init__(
        self,
        *,
        floor: float = 0.5,
        inside_floor: float = 0.8,
        boilerplate: bool = False,
        against: tuple[str, ...] = (),
        redaction: Sequence[tuple[str, Mapping[str, Any]]] = (),
    ) -> None:
        """Take the least scores that are told, and what lies outside.

        Args:
            floor: the least Jaccard similarity, 0.5 to 1.
            inside_floor: the least containment.
            boilerplate: whether to leave boilerplate out of the comparison.
            against: files, folders and patterns to compare with too.
            redaction: the checks that bring these to the form of the redacted view.

        """
        self._floor = floor
        self._inside_floor = inside_floor
        self._boilerplate = boilerplate
        self._against = tuple(against)
        self._redaction = redaction

    def part_steps(self) -> Sequence[PartStep]:
        """Sign the records."""
        return (SIGNING,)

    def run(self, scope: Scope) -> Iterable[Finding]:
        """Return one finding for each pair, in source order."""
        if not scope.parts:
            return
        files = signatures(scope)
        prints = scope.engine.collect(files, ["id", "kind", "hash", "signs"])
        whole = scope
        if self._boilerplate:
            scope = without_boilerplate(scope)
            files = signatures(scope)
        firsts = groups(hashes_of(prints["hash"])) == np.arange(prints.num_rows)
        kinds = prints["kind"].to_numpy(zero_copy_only=False)
        signs, ids = prints["signs"].to_numpy(), prints["id"]
        near = near_pairs(scope, files, firsts, floor=self._floor)
        inside = inside_pairs(scope, files, firsts, floor=self._inside_floor)
        inside = inside.where(kinds[inside.inner] == kinds[inside.outer])
        # A pair that is near too is told once: as contained where the longer one says more.
        surely = inside.containment >= _SURELY
        inside = closest(inside.where(surely | (inside.jaccard <= _CAP)), _HOLDERS)
        held = inside.where(inside.containment >= _SURELY)
        told_once = ~np.isin(_pairs(near.left, near.right), _pairs(held.inner, held.outer))
        near = near.where(told_once & (kinds[near.left] == kinds[near.right]))
        yield from self._findings(
            ids,
            Told("DUP002", near.right, near.left, "jaccard", near.jaccard),
            contrasts(scope, near.left, near.right, name="near"),
            signs[near.left] != signs[near.right],
        )
        yield from self._findings(
            ids,
            Told("DUP003", inside.inner, inside.outer, "containment", inside.containment),
            contrasts(scope, inside.inner, inside.outer, name="inside", inside=True),
            np.zeros(len(inside.inner), np.bool_),
        )
        if self._against:
            yield from in_reference(
                whole,
                self.name,
                Reference(whole, self.name, self._against, self._redaction),
                floor=self._floor,
                inside_floor=self._inside_floor,
            )

    def _findings(
        self,
        ids: pa.ChunkedArray,
        told: Told,
        how: Sequence[Contrast],
        signs_differ: NDArray[np.bool_],
    ) -> Iterator[Finding]:
        records, peers = (ids.take(pa.array(side)).to_pylist() for side in (told.rows, told.peers))
        for record, peer, score, contrast, signs in zip(
            records, peers, told.scores.tolist(), how, signs_differ.tolist(), strict=True
        ):
            yield Finding(
                record_id=record,
                check=self.name,
                code=told.code,
                score=min(score, _CAP) if contrast or signs else score,
                peer_id=peer,
                evidence={
                    told.measure: round(score, 4),
                    "numbers_differ": contrast.numbers,
                    "negation_differs": contrast.negation,
                    "signs_differ": signs,
                    "terms_differ": contrast.terms,
                    "question_differs": contrast.question,
                    "answer_differs": contrast.answer,
                },
            )


def _pairs(left: NDArray[np.int64], right: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return a number for each pair of rows, the same whichever comes first."""
    return (np.minimum(left, right) << np.int64(32)) | np.maximum(left, right)
