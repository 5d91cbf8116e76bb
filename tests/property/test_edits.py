"""Edits: what is hidden stays hidden, whatever overlaps, and the rest stays as it was."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from curator.edits import apply, resolve
from curator.types import Edit, Part, Span

TEXT = "今天 Anna 来电 13800138000，说孩子发热三天了。"
edit = st.builds(
    lambda a, b, rank: Edit(Span(0, min(a, b), max(a, b) + 1), f"[{rank}]", rank),
    st.integers(0, len(TEXT) - 1),
    st.integers(0, len(TEXT) - 1),
    st.integers(0, 1),
)


@given(st.lists(edit, max_size=8))
def test_resolved_edits_do_not_overlap_and_cover_the_winners_whole(edits: list[Edit]) -> None:
    won = resolve(edits)
    assert all(a.span.end <= b.span.start for a, b in pairwise(won))
    for e in edits:
        if e.rank == 1:
            hidden = {i for w in won for i in range(w.span.start, w.span.end)}
            assert set(range(e.span.start, e.span.end)) <= hidden


@given(st.lists(edit, max_size=8), st.randoms(use_true_random=False))
def test_the_order_of_edits_never_matters(edits: list[Edit], random: object) -> None:
    shuffled = list(edits)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert resolve(edits) == resolve(shuffled)


@given(st.lists(edit, max_size=8))
def test_text_outside_the_edits_stays(edits: list[Edit]) -> None:
    text = apply([Part("user", TEXT)], edits)[0].text
    at = 0
    for w in resolve(edits):
        kept = TEXT[at : w.span.start]
        assert text.startswith(kept + w.replacement)
        text = text[len(kept) + len(w.replacement) :]
        at = w.span.end
    assert text == TEXT[at:]


@pytest.mark.parametrize("span", [Span(1, 0, 1), Span(0, 0, 99), Span(0, 3, 1)])
def test_an_edit_outside_the_record_is_refused(span: Span) -> None:
    with pytest.raises(ValueError, match="outside"):
        apply([Part("user", "好")], [Edit(span, "x")])
