"""What a language model makes of answers with and without their questions, and of wrong pairs.

The pairs of a part are read once, and kept in the workspace's cache as embeddings are. Wrong
pairs follow from the whole corpus, so some are read anew in each run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from curator.checks.judged_pairs import HALVES, groups, judged
from curator.matching import Gains, to_be_read
from curator.models.likelihood import ANSWER, QUESTION, Likelihood, located
from curator.models.pins import model_sha
from curator.protocols import PartStep, Step
from curator.tables import digest, records_from

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from curator.checks.judged_pairs import Group
    from curator.protocols import Scope

VERSION = "1"
_SHEETS = 16
"""Wrong pairs are dealt to so many files, whatever the workers: they share them."""
_WRONG = pa.schema(
    [
        ("sheet", pa.uint64()),
        ("group", pa.string()),
        ("asked", pa.int64()),
        ("answered", pa.int64()),
        ("question", pa.string()),
        ("answer", pa.string()),
    ]
)


def reading(language_model: str) -> PartStep:
    """Return what is done with each part: its pairs are read.

    Raises:
        ModelError: there is no such language model here.

    """
    located(language_model)
    key = digest(VERSION, model_sha("language_model", language_model), QUESTION, ANSWER)
    step = Step("curator.checks.likelihoods:ReadPairs", {"language_model": language_model})
    return PartStep(step, "likelihoods", key, "answers read")


def of_wrong_pairs(
    scope: Scope, language_model: str, described: Sequence[Path], vectors: Sequence[Path]
) -> list[Path]:
    """Make wrong pairs of all parts, and return the files of what the model makes of them."""
    made = scope.engine.map(
        Step("curator.checks.likelihoods:WrongPairs", {"n_parts": len(scope.parts)}),
        [(*described, *vectors, *scope.parts)],
        scope.phase("wrong-pairs"),
        label="wrong pairs",
    )
    sheets = scope.engine.shuffle(made, "sheet", scope.phase("wrong-sheets"), buckets=_SHEETS)
    return scope.engine.map(
        Step("curator.checks.likelihoods:ReadWrong", {"language_model": language_model}),
        [(sheet,) for sheet in sheets],
        scope.phase("wrong-read"),
        label="wrong answers read",
    )


def gains(group: Group, wrong: pa.Table) -> Gains:
    """Return what the questions add to the answers of a group, and to those of wrong pairs.

    Args:
        group: its table has the columns of `ReadPairs` too.
        wrong: what `ReadWrong` returned, of all groups.

    """
    alone = group.table["alone"].to_numpy()
    mine = wrong.filter(pc.equal(wrong["group"], group.name))
    asked, answered = (mine[name].to_numpy() for name in ("asked", "answered"))
    return Gains(
        own=group.table["given"].to_numpy() - alone,
        asked=asked,
        answered=answered,
        wrong=mine["given"].to_numpy() - alone[answered],
    )


class ReadPairs:
    """The step that reads the answers of a part, after their questions and by themselves."""

    def __init__(self, language_model: str) -> None:
        """Load the model."""
        self.likelihood = Likelihood(language_model)

    def __call__(self, records: pa.Table) -> pa.Table:
        """Return a row for each pair that can be judged: the mean log-likelihood of a token."""
        questions, answers = _texts(records)
        given = self.likelihood(questions, answers)
        alone = self.likelihood([""] * len(answers), answers)
        return pa.table({"given": pa.array(given), "alone": pa.array(alone)})


class WrongPairs:
    """The step that makes the wrong pairs that are to be read."""

    def __init__(self, n_parts: int) -> None:
        """Take the number of parts, which is that of each kind of table."""
        self.n_parts = n_parts

    def __call__(self, *tables: pa.Table) -> pa.Table:
        """Return the wrong pairs: their texts, their rows in their group, and a sheet's number.

        Args:
            tables: for each part what describes its pairs, then the vectors, then the records.

        """
        n = self.n_parts
        texts = [
            pa.table(
                {name: pa.array(side, pa.string()) for name, side in zip(HALVES, both, strict=True)}
            )
            for both in map(_texts, tables[2 * n :])
        ]
        found = []
        for group in groups(tables[:n], tables[n : 2 * n], texts):
            asked, answered = to_be_read(group.halves)
            found.append(
                pa.table(
                    {
                        "sheet": pa.array(np.arange(len(asked)) % _SHEETS, pa.uint64()),
                        "group": pa.array([group.name] * len(asked), pa.string()),
                        "asked": pa.array(asked, pa.int64()),
                        "answered": pa.array(answered, pa.int64()),
                        "question": group.table["question"].take(pa.array(asked)),
                        "answer": group.table["answer"].take(pa.array(answered)),
                    }
                )
            )
        return pa.concat_tables([_WRONG.empty_table(), *found])


class ReadWrong:
    """The step that reads the answers of wrong pairs after questions that are not theirs."""

    def __init__(self, language_model: str) -> None:
        """Load the model."""
        self.likelihood = Likelihood(language_model)

    def __call__(self, wrong: pa.Table) -> pa.Table:
        """Return the pairs without their texts, and the mean log-likelihood of a token."""
        given = self.likelihood(wrong["question"].to_pylist(), wrong["answer"].to_pylist())
        kept = wrong.select(["group", "asked", "answered"])
        return kept.append_column("given", pa.array(given))


def _texts(records: pa.Table) -> tuple[list[str], list[str]]:
    """Return the questions and the answers that can be judged, in the order of `Describe`."""
    found = [pair for record in records_from(records) for _, pair in judged(record)]
    return [pair.question for pair in found], [pair.answer for pair in found]
