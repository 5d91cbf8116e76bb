"""The embeddings of chunks: windows, the cache, and what is made anew."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pytest

from curator.checks.embeddings import vectors_of
from curator.engine import LocalEngine
from curator.exports.vectors import WINDOW, ChunkVectors, chunk_vectors, pooled, rewrite, windows
from curator.models.encoders import embed, load_encoder
from curator.workspace import Workspace

if TYPE_CHECKING:
    from pathlib import Path

USE = "use-multilingual"
LONG = "退货需要在七天之内申请，商品应当完好。" * 20
TEXTS = {"a": "运费由卖家承担。", "b": LONG, "c": "Shipping is free.", "d": "运费由卖家承担。"}


def made(workspace: Workspace, texts: dict[str, str]) -> ChunkVectors:
    with LocalEngine(1) as engine:
        return chunk_vectors(workspace, USE, engine, list(texts), list(texts.values()))


def rows(found: ChunkVectors, **only: Any) -> pa.Table:
    return pa.concat_tables(found.batches(**only))


@pytest.mark.parametrize("text", [LONG, "Returns take seven days. " * 60, "字" * 5000, "x" * 5000])
def test_windows_are_the_text_and_of_even_length(text: str) -> None:
    found = windows(text)
    assert "".join(found) == text
    wide = text[0] > "一"
    longest = WINDOW if wide else 3 * WINDOW
    assert max(map(len, found)) <= longest * 1.25
    assert min(map(len, found)) >= longest / 4


def test_a_window_ends_with_a_sentence_and_a_short_text_is_one() -> None:
    assert all(window.endswith("。") for window in windows(LONG))
    assert windows("Shipping is free.") == ["Shipping is free."]
    assert windows(" \n") == []


def test_each_chunk_has_the_vectors_of_its_windows(tmp_path: Path) -> None:
    found = made(Workspace(tmp_path), TEXTS)
    table = rows(found)
    assert found.made == 3  # two chunks say the same
    assert found.dimension == 512
    assert set(table["id"].to_pylist()) == set(TEXTS)
    mine = table.filter(pa.compute.equal(table["id"], "b"))
    assert mine["window"].to_pylist() == list(range(len(windows(LONG))))
    expected = embed(load_encoder(USE), windows(LONG), 200)
    assert np.allclose(vectors_of(mine), expected, atol=1e-5)
    assert np.allclose(np.linalg.norm(vectors_of(table), axis=1), 1, atol=1e-5)


def test_only_new_texts_are_embedded(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    before = rows(made(workspace, TEXTS)).sort_by("id")
    assert made(workspace, TEXTS).made == 0
    again = made(workspace, TEXTS | {"e": "A new sentence.", "f": "  "})
    assert again.made == 1
    assert rows(again, only={"e"})["id"].to_pylist() == ["e"]
    assert rows(again, only=set(TEXTS)).sort_by("id").equals(before)


def test_what_a_killed_process_was_writing_is_not_read(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    made(workspace, TEXTS)
    (folder,) = (workspace.cache / "vectors").iterdir()
    (folder / ".tmp-half.parquet").write_bytes(b"PAR1")
    assert made(workspace, TEXTS).made == 0
    assert rewrite(folder, set()) == []


def test_what_is_no_more_leaves_the_cache(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    made(workspace, {f"{n}": f"第{n}句话。" for n in range(10)})
    kept = made(workspace, {"0": "第0句话。", "new": "新的一句。"})
    assert set(rows(kept)["id"].to_pylist()) == {"0", "new"}
    assert made(workspace, {"1": "第1句话。"}).made == 1


def test_many_updates_leave_few_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("curator.exports.vectors._MOST_FILES", 3)
    workspace, texts = Workspace(tmp_path), {}
    for n in range(6):
        texts[str(n)] = f"sentence number {n}"
        found = made(workspace, texts)
    assert len(list((tmp_path / ".curator/cache/vectors").glob("*/*.parquet"))) <= 3
    assert sorted(rows(found)["id"].to_pylist()) == list("012345")
    assert made(workspace, texts).made == 0


def test_a_rewritten_cache_holds_what_is_wanted_alone(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    made(workspace, TEXTS)
    (folder,) = (tmp_path / ".curator/cache/vectors").iterdir()
    assert rewrite(folder, []) == []
    assert not list(folder.iterdir())


def test_one_vector_a_chunk_is_the_mean_of_its_windows(tmp_path: Path) -> None:
    (batch,) = made(Workspace(tmp_path), TEXTS).batches()
    one = pooled(batch)
    assert one["id"].to_pylist() == ["a", "b", "c", "d"]
    of_b = vectors_of(batch.filter(pa.compute.equal(batch["id"], "b"))).mean(axis=0)
    assert np.allclose(vectors_of(one)[1], of_b / np.linalg.norm(of_b), atol=1e-6)


def test_workers_give_the_same(tmp_path: Path) -> None:
    one = rows(made(Workspace(tmp_path / "one"), TEXTS)).sort_by("id")
    workspace = Workspace(tmp_path / "two")
    with LocalEngine(2) as engine:
        found = chunk_vectors(workspace, USE, engine, list(TEXTS), list(TEXTS.values()))
    assert rows(found).sort_by("id").equals(one)
