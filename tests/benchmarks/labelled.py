"""Question–answer pairs of which it is known whether the answer is wrong.

Planted errors are swapped answers, 5 % of the pairs or another share: at random, or hard ones, the
answer of one of the 20 questions that are nearest (in the same department where
there are any). Human judgements are of other kinds: see each set.
"""

from __future__ import annotations

import gzip
import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from numpy.typing import NDArray

SHARE = 0.05
NEAREST = 20


@dataclass(frozen=True)
class Pairs:
    """Questions, their answers, and which answers are wrong (all False before planting).

    `group`: a swapped answer comes from a question of the same group.
    """

    name: str
    questions: list[str]
    answers: list[str]
    wrong: NDArray[np.bool_]
    group: list[str]

    def __len__(self) -> int:
        """Return the number of pairs."""
        return len(self.questions)


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)


def _pairs(
    name: str,
    rows: Iterator[dict[str, Any]],
    read: Callable[[dict[str, Any]], tuple[str, str, bool, str] | None],
    most: int | None = None,
) -> Pairs:
    found = [pair for row in rows if (pair := read(row)) and pair[0].strip() and pair[1].strip()]
    if most is not None:
        # By a hash, so that the choice stays where rows are added.
        found = sorted(
            found, key=lambda pair: hashlib.sha256("\n".join(pair[:2]).encode()).digest()
        )
        found = found[:most]
    questions, answers, wrong, group = (list(column) for column in zip(*found, strict=True))
    return Pairs(name, questions, answers, np.array(wrong, bool), group)


def _joined(*texts: str | None) -> str:
    return "\n".join(text.strip() for text in texts if text and text.strip())


def toyhom(data: Path) -> Pairs:
    """Return Chinese patients' questions with doctors' answers, by department."""
    return _pairs(
        "toyhom",
        _rows(data / "medical/toyhom_neike_sample_raw.jsonl.gz"),
        lambda r: (_joined(r["title"], r["ask"]), r["answer"] or "", False, r["department"] or ""),
    )


def medquad(data: Path) -> Pairs:
    """Return English questions about illnesses with answers from health institutes' pages."""
    return _pairs(
        "medquad",
        _rows(data / "medical/medquad.jsonl.gz"),
        lambda r: (r["question"], r["answer"], False, ""),
    )


def alpaca_en(data: Path) -> Pairs:
    """Return 5,000 English instructions with their outputs."""
    return _pairs(
        "alpaca_en",
        _rows(data / "instruct/alpaca_en_original_vs_corrected.jsonl.gz"),
        lambda r: (_joined(r["instruction"], r["input"]), r["output"], False, ""),
        5000,
    )


def liveqa(data: Path) -> Pairs:
    """Return consumers' health questions in short; wrong: incorrect, not incomplete or excellent.

    Experts graded the answers; those that are merely related are left out.
    """
    return _pairs(
        "liveqa",
        _rows(data / "labels/liveqa_med_judged.jsonl.gz"),
        lambda r: (
            (r["question_summary"], r["answer"], r["is_wrong_answer"], "")
            if r["is_wrong_answer"] or r["is_good_answer"]
            else None
        ),
    )


def reviewed(data: Path) -> Pairs:
    """Return machine translations; wrong: what a person who reviewed all of them changed."""
    return _pairs(
        "alpaca_zh_mt",
        _rows(data / "instruct/alpaca_zh_mt_vs_human.jsonl.gz"),
        lambda r: (
            (
                _joined(r["mt_instruction"], r["mt_input"]),
                r["mt_output"] or "",
                bool(r["was_deleted"] or (r["was_corrected"] and r["change_kind"] == "content")),
                "",
            )
            if r["review_evidence"] == "reviewed"
            else None
        ),
    )


def translated(data: Path) -> Pairs:
    """Return translations; wrong: what a large language model graded 1 or 2 of 5, not 4 or 5."""
    return _pairs(
        "alpaca_zh_scored",
        _rows(data / "instruct/alpaca_zh_translation_scored.jsonl.gz"),
        lambda r: (
            (
                _joined(r["zh_instruction"], r["zh_input"]),
                r["zh_output"] or "",
                r["translation_score_gpt4o"] <= 2,
                "",
            )
            if r["translation_score_gpt4o"] != 3
            else None
        ),
        5000,
    )


def mmlu(data: Path) -> Pairs:
    """Return examination questions; wrong: where experts found the given answer wrong."""
    return _pairs(
        "mmlu_redux",
        _rows(data / "labels/mmlu_redux.jsonl.gz"),
        lambda r: (
            (_joined(r["question"], *r["choices"]), r["answer_text"], r["is_mislabeled"], "")
            if r["error_type"] != "expert"
            else None
        ),
    )


def swapped_at_random(
    pairs: Pairs, share: float = SHARE
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Return from which row each pair takes its answer, and where that makes it wrong."""
    chosen = _chosen(pairs, share)
    takes = np.arange(len(pairs))
    takes[chosen] = np.roll(chosen, 1)
    return takes, _differs(pairs, takes)


def swapped_nearby(
    pairs: Pairs, vectors: NDArray[np.float32], share: float = SHARE
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Do the same with the answer of one of the nearest questions, by their vectors."""
    rng = np.random.default_rng(7)
    groups = np.unique(pairs.group, return_inverse=True)[1]
    answers = np.unique(pairs.answers, return_inverse=True)[1]
    takes = np.arange(len(pairs))
    for row in _chosen(pairs, share):
        likeness = vectors @ vectors[row]
        likeness[(groups != groups[row]) | (answers == answers[row])] = -np.inf
        nearest = np.argsort(-likeness, kind="stable")[:NEAREST]
        takes[row] = rng.choice(nearest)
    return takes, _differs(pairs, takes)


def _chosen(pairs: Pairs, share: float) -> NDArray[np.int64]:
    rng = np.random.default_rng(5)
    return rng.permutation(len(pairs))[: round(share * len(pairs))]


def _differs(pairs: Pairs, takes: NDArray[np.int64]) -> NDArray[np.bool_]:
    return np.array([pairs.answers[t] != pairs.answers[i] for i, t in enumerate(takes)])
