"""Answers from the corpus: prompts, citations, local models and servers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from curator.errors import ModelError
from curator.models.generators import API_KEY, Server, load_generator
from curator.retrieval.corpus import Found, Hit
from curator.retrieval.grounding import ABSENT, Grounded, grounded
from tests.answering_server import serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ASKED = [{"role": "user", "content": "运费谁出？"}]


@pytest.mark.parametrize("stream", [True, False])
def test_a_server_answers_piece_by_piece(monkeypatch: pytest.MonkeyPatch, *, stream: bool) -> None:
    monkeypatch.setenv(API_KEY, "sk-1")
    with serving(stream=stream) as server:
        pieces = list(load_generator(server.url)(ASKED, 50))
        assert "".join(pieces) == "由商家承担 [1]。"
        assert (len(pieces) > 1) == stream
        asked = server.asked[0]
    assert asked["model"] == "tiny"
    assert asked["max_tokens"] == 50
    assert asked["key"] == "Bearer sk-1"
    assert asked["messages"] == ASKED


def test_what_a_server_refuses_is_told() -> None:
    for status, hint in ((401, API_KEY), (404, "/v1")):
        with serving(status=status) as server, pytest.raises(ModelError, match=str(status)) as told:
            list(Server(server.url, "tiny")(ASKED, 9))
        assert hint in told.value.hint
    with pytest.raises(ModelError, match="does not answer"):
        list(Server("http://127.0.0.1:9/v1", "tiny")(ASKED, 9))
    assert Server("http://127.0.0.1:9/v1", None).is_local
    assert not Server("https://api.example.org/v1", None).is_local


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of a few thousand parameters that knows nothing, with Qwen's tokenizer."""
    import torch
    from transformers import Qwen2Config, Qwen2ForCausalLM

    from curator.models.tokenizers import load_tokenizer

    folder = tmp_path_factory.mktemp("model")
    tokenizer = load_tokenizer("qwen")
    torch.manual_seed(0)
    config = Qwen2Config(
        vocab_size=len(tokenizer),
        hidden_size=8,
        intermediate_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        num_key_value_heads=2,
        max_position_embeddings=64,
    )
    Qwen2ForCausalLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def test_a_model_in_a_folder_answers_and_says_the_same_again(tiny_model: Path) -> None:
    generator = load_generator(str(tiny_model))
    # The prompt is longer than the model: its start is left out.
    long = [{"role": "user", "content": "运费由谁承担？" * 40}]
    first, again = ("".join(generator(long, 8)) for _ in range(2))
    assert first
    assert first == again


def test_a_template_that_knows_no_system_message_gets_one_message() -> None:
    from curator.models.generators import prompt
    from curator.models.tokenizers import load_tokenizer

    tokenizer = load_tokenizer("qwen")
    said = [{"role": "system", "content": "a"}, {"role": "user", "content": "b"}]
    assert prompt(tokenizer, said) == "a\n\nb\n\n"
    told = "{% for m in messages %}<{{ m.role }}>{{ m.content }}{% endfor %}"
    tokenizer.chat_template = told
    assert prompt(tokenizer, said) == "<system>a<user>b"
    tokenizer.chat_template = (
        "{% if messages[0].role == 'system' %}{{ raise_exception('no') }}{% endif %}" + told
    )
    assert prompt(tokenizer, said) == "<user>a\n\nb"


def test_a_folder_without_a_model_is_told(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no such model here"):
        load_generator(str(tmp_path / "none"))
    with pytest.raises(ModelError, match="holds no language model"):
        list(load_generator(str(tmp_path))(ASKED, 9))


def hit(text: str, citation: str) -> Hit:
    return Hit({"text": text, "citation": citation}, 0.5, 0.5, 0.5)


class Shelf:
    """A corpus that finds the same, whatever is asked."""

    def __init__(self, confidence: float, *hits: Hit) -> None:
        self.found = Found("", hits, confidence)

    def search(self, question: str, *_: object) -> Found:
        return Found(question, self.found.hits, self.found.confidence)


def ready(question: str, confidence: float = 0.9, *hits: Hit) -> Grounded:
    shelf: Any = Shelf(confidence, *(hits or (hit("运费由商家承担。", "《退货.md》› 运费"),)))
    return grounded(shelf, question, 5, None)


def test_the_prompt_shows_numbered_passages_in_the_language_of_the_question() -> None:
    for question, word in (("运费谁出？", "资料："), ("Who pays for shipping?", "Passages:")):
        system, user = ready(question).messages()
        assert user["content"].startswith(word)
        assert "[1] 《退货.md》› 运费\n运费由商家承担。" in user["content"]
        assert user["content"].endswith(question)
        assert ABSENT["zh" if "谁" in question else "en"] in system["content"]


def test_passages_are_shown_as_far_as_they_fit() -> None:
    long = [hit("字" * 2000, str(n)) for n in range(3)]
    assert len(ready("问", 0.9, *long).passages) == 1
    assert len(ready("问", 0.9, *[hit("字" * 100, str(n)) for n in range(5)]).passages) == 5


def test_an_answer_names_what_it_cites() -> None:
    two = (hit("甲", "a"), hit("乙", "b"))
    answer = ready("问？", 0.9, *two).answer("是乙【2】。还有 [2] 和 [7]。")
    assert answer.in_corpus
    assert answer.cited == (2,)
    assert not ready("问？").answer(ABSENT["zh"]).in_corpus
    assert ready("问？").answer(f"先看 [1]。{ABSENT['zh']}").in_corpus


def test_where_retrieval_is_not_sure_no_model_is_asked() -> None:
    def never(*_: object) -> Iterator[str]:
        raise AssertionError

    asked = ready("火星上有水吗？", 0.2)
    text = "".join(asked.pieces(never, 9))
    assert text == ABSENT["zh"]
    answer = asked.answer(text)
    assert not answer.in_corpus
    assert answer.cited == ()
    assert len(answer.passages) == 1
