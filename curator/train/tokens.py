"""Rows in tokens: what is trained on of each, and which are cut or left without an answer."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from transformers import PreTrainedTokenizerBase

    from curator.protocols import Progress
    from curator.train.inputs import Row
    from curator.train.templates import Template

SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("general", pa.bool_()),
        ("input_ids", pa.list_(pa.int32())),
        ("labels", pa.list_(pa.int32())),
    ]
)
IGNORED = -100
"""The label of a token that is not learnt, as torch's cross-entropy has it."""

_BATCH = 256
_NAMED = 20


@dataclass
class Account:
    """What became of rows: `rows = used + masked`, of which `cut` lost their end.

    masked: rows without a token to learn, most of them since the question alone fills the
    length; they are left out. named: the first of those and of the cut ones, with reasons.
    tokens and learnt count what is used; lengths are those before anything is cut.
    """

    rows: int = 0
    used: int = 0
    cut: int = 0
    masked: int = 0
    tokens: int = 0
    learnt: int = 0
    lost: int = 0
    longest: int = 0
    named: list[dict[str, Any]] = field(default_factory=list)
    lengths: Counter[int] = field(default_factory=Counter)

    def facts(self) -> dict[str, Any]:
        """Return the figures, for plans and run cards."""
        return {
            name: getattr(self, name)
            for name in (
                *("rows", "used", "cut", "masked", "tokens", "learnt", "lost", "longest", "named"),
            )
        }

    def within(self, share: float) -> int:
        """Return the length, a multiple of 16 tokens, that so large a share of rows fits in."""
        seen = 0
        for length in sorted(self.lengths):
            seen += self.lengths[length]
            if seen >= share * self.rows:
                return length
        return max(self.lengths, default=0)


@dataclass(frozen=True, slots=True)
class Encoded:
    """Rows in tokens, as `SCHEMA`, and what became of them."""

    table: pa.Table
    account: Account


def encode(
    rows: Sequence[Row],
    tokenizer: PreTrainedTokenizerBase,
    template: Template,
    max_length: int,
    *,
    general: bool = False,
    progress: Progress | None = None,
) -> Encoded:
    """Return the rows in tokens, cut to the length; those without a token to learn are left out."""
    account = Account()
    made: list[dict[str, Any]] = []
    for batch in _batches(rows):
        pairs = template.encode(tokenizer, [row.messages for row in batch])
        for row, (ids, learnt) in zip(batch, pairs, strict=True):
            kept = _one(row, ids, learnt, max_length, account)
            if kept is not None:
                made.append({"id": row.id, "general": general, **kept})
        if progress:
            progress("tokens", account.rows, len(rows))
    return Encoded(pa.Table.from_pylist(made, schema=SCHEMA), account)


def _one(
    row: Row, ids: Any, learnt: Any, max_length: int, account: Account
) -> dict[str, Any] | None:
    account.rows += 1
    account.longest = max(account.longest, len(ids))
    account.lengths[-(-len(ids) // 16) * 16] += 1
    # The first token has nothing before it that it could be foretold from.
    left = learnt[:max_length].copy()
    left[:1] = False
    reason = None
    if not left.any():
        account.masked += 1
        reason = "nothing to learn is left" if learnt.any() else "no answer"
    elif len(ids) > max_length:
        account.cut += 1
        reason = "its end is cut off"
    if reason:
        account.lost += int(learnt[max_length:].sum())
        if len(account.named) < _NAMED:
            account.named.append({"id": row.id, "tokens": len(ids), "reason": reason})
    if not left.any():
        return None
    account.used += 1
    account.tokens += len(left)
    account.learnt += int(left.sum())
    kept = ids[:max_length]
    return {
        "input_ids": kept.astype(np.int32),
        "labels": np.where(left, kept, IGNORED).astype(np.int32),
    }


def _batches(rows: Sequence[Row]) -> Iterator[Sequence[Row]]:
    for start in range(0, len(rows), _BATCH):
        yield rows[start : start + _BATCH]
