"""Talks in the terminal with what was trained: by heart, and from the corpus."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

from curator.cli.training import by_heart, from_corpus, talk
from curator.retrieval.corpus import Found, Hit
from curator.retrieval.grounding import ABSENT

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import pytest

    Messages = Sequence[Mapping[str, str]]

FREIGHT = Hit({"text": "退货的运费由商家承担。", "citation": "《退货.md》› 运费"}, 0.9, 0.9, 0.9)


class Echo:
    """A model that says what it was asked last, and remembers it."""

    def __init__(self) -> None:
        self.asked: list[Messages] = []

    def __call__(self, messages: Messages, most: int) -> Iterator[str]:
        assert most == 9
        self.asked.append([dict(m) for m in messages])
        yield "由商家承担 [1]。"


class Shelf:
    """A corpus that is sure where the question names freight."""

    def search(self, question: str, *_: object) -> Found:
        return Found(question, (FREIGHT,), 0.9 if "运费" in question else 0.3)


def typed(monkeypatch: pytest.MonkeyPatch, *lines: str) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("".join(f"{line}\n" for line in lines)))


def test_a_talk_goes_on_from_what_was_said_and_can_begin_anew(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    model = Echo()
    typed(monkeypatch, "运费谁出？", "And abroad?", "/new", "你好", "")
    talk(by_heart(model, 9), None)
    assert [[m["content"] for m in asked] for asked in model.asked] == [
        ["运费谁出？"],
        ["运费谁出？", "由商家承担 [1]。", "And abroad?"],
        ["你好"],
    ]
    assert capsys.readouterr().out == "由商家承担 [1]。\n" * 3


def test_with_the_corpus_it_cites_or_says_that_it_is_not_there(
    capsys: pytest.CaptureFixture[str],
) -> None:
    model, shelf = Echo(), Shelf()
    corpus: Any = shelf
    talk(from_corpus(model, corpus, None, 9), "退货的运费谁出？")
    told = capsys.readouterr()
    assert told.out.splitlines() == ["由商家承担 [1]。", "[1] 《退货.md》› 运费"]
    assert "退货的运费由商家承担。" in model.asked[0][-1]["content"]
    talk(from_corpus(model, corpus, None, 9), "火星上有没有水？")
    told = capsys.readouterr()
    assert told.out.splitlines()[0] == ABSENT["zh"]
    assert "confidence 0.30" in told.err
    assert len(model.asked) == 1  # it is not asked in vain
    talk(from_corpus(model, corpus, 0.2, 9), "火星上有没有水？")
    assert len(model.asked) == 2


def test_a_question_that_goes_on_is_looked_for_with_the_one_before(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    model = Echo()
    corpus: Any = Shelf()
    typed(monkeypatch, "退货的运费谁出？", "那国外呢？", "")
    talk(from_corpus(model, corpus, None, 9), None)
    assert model.asked[1][-1]["content"].endswith("退货的运费谁出？\n那国外呢？")
    # What was said by heart is shown to nobody: each answer rests on its passages.
    assert [len(asked) for asked in model.asked] == [2, 2]
    assert ABSENT["zh"] not in capsys.readouterr().out
