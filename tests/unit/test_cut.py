"""An export that remembers what it cut writes what one writes that does not, byte for byte."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from curator.exports import rag
from curator.exports.rag import export_rag
from tests.synthetic import POLICY, Made, conversation, document, recipe

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

SAID = [
    "发票在订单页面下载。",
    "Invoices are sent by e-mail. " * 40,
    "七天内可以退货。" * 60,
    "Valid until 2025-06-30.",
    "   ",
]


def lay(root: Path, texts: list[int], lengths: int) -> Path:
    """Export a project of these texts; return the folder of the version."""
    made = Made()
    for number, which in enumerate(texts):
        said = SAID[which]
        made.add(
            conversation(f"line {number}", ("user", "怎么办？"), ("assistant", said))
            if number % 2
            else document(
                f"guide {number}.md", ("heading", "售后", ()), ("paragraph", said, ("售后",))
            )
        )
    workspace, plan = made.lay(root)
    asked = recipe(rag={"chunk_length": lengths})
    return export_rag(workspace, asked, POLICY, plan)


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


STEP = st.tuples(
    st.lists(st.integers(0, len(SAID) - 1), min_size=1, max_size=5), st.sampled_from([60, 200])
)


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(STEP, min_size=2, max_size=4))
def test_a_sequence_of_exports_ends_where_one_from_nothing_does(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[list[int], int]]
) -> None:
    grown, anew = tmp_path_factory.mktemp("grown"), tmp_path_factory.mktemp("anew")
    for number, (texts, lengths) in enumerate(steps):
        after = files(lay(grown / "a", texts, lengths))
        assert after == files(lay(anew / str(number) / "a", texts, lengths))


def test_what_stayed_is_not_cut_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cut: list[str] = []
    chunk_rows = rag.chunk_rows

    def counted(record: Any, **more: Any) -> Any:
        cut.append(record.provenance.source_uri)
        return chunk_rows(record, **more)

    monkeypatch.setattr(rag, "chunk_rows", counted)
    lay(tmp_path, [0, 1, 2], 200)
    assert sorted(cut) == ["chats.jsonl", "guide 0.md", "guide 2.md"]
    cut.clear()
    lay(tmp_path, [0, 1, 3], 200)
    assert cut == ["guide 2.md"]
    cut.clear()
    lay(tmp_path, [0, 1, 3], 60)
    assert len(cut) == 3, "chunks of another length are other chunks"
    (kept,) = (tmp_path / ".curator/cache/chunks").iterdir()
    assert kept.stat().st_mode & 0o777 == 0o600
