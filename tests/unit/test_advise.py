"""What suits a topic, from its figures alone; and which words tell one topic from another."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from curator.advise import (
    CHANGES,
    CHANGES_MOSTLY,
    CONTRADICTS,
    DOCUMENTS,
    DOUBTFUL,
    EPOCHS,
    FEWEST,
    PRIVATE,
    SOME,
    Advice,
    Figures,
    advise,
    cost,
    total,
)
from curator.terms import telling

SOUND = Figures(
    topic="refunds",
    terms=("refund",),
    conversations=400,
    documents=0,
    trainable=380,
    stale=4,
    private=10,
    contradicting=4,
    doubtful=8,
    tokens=40_000,
    corpus_tokens=45_000,
    document_share=0.0,
)


def advice(**changed: float) -> Advice:
    [found] = advise([replace(SOUND, **changed)], 7e9)  # type: ignore[arg-type]
    return found


@pytest.mark.parametrize(
    ("changed", "verdict", "criterion"),
    [
        ({}, "fine-tune", None),
        ({"stale": 40}, "both", "volatility"),
        ({"stale": 200}, "rag", "volatility"),
        ({"trainable": 99}, "rag", "size"),
        ({"contradicting": 20}, "rag", "agreement"),
        ({"documents": 20, "document_share": 0.2}, "both", "documents"),
        ({"documents": 20, "document_share": 0.19}, "fine-tune", None),
        ({"private": 200}, "fine-tune", "privacy"),
        ({"doubtful": 100}, "fine-tune", "quality"),
    ],
)
def test_each_figure_moves_the_advice(
    changed: dict[str, float], verdict: str, criterion: str | None
) -> None:
    found = advice(**changed)
    assert found.verdict == verdict
    against = [r.criterion for r in found.reasons if r.side != "fine-tune"]
    assert against == ([criterion] if criterion else [])
    for reason in found.reasons:
        assert reason.zh
        assert reason.en
        assert reason.zh != reason.en


def test_a_share_of_two_records_says_nothing() -> None:
    few = {"conversations": 10, "stale": 2, "contradicting": 2, "private": 2, "doubtful": 2}
    found = advice(**few)
    assert [r.criterion for r in found.reasons if r.side != "fine-tune"] == []


def test_the_cost_is_the_rule_that_is_cited() -> None:
    found = cost(12_000_000 // EPOCHS, 600, 8e9)
    assert found.full_flops == 6 * 8e9 * 12e6
    assert found.lora_flops == 4 * 8e9 * 12e6
    assert found.lora_hours == pytest.approx(found.lora_flops / (312e12 * 0.35 * 3600), rel=0.05)
    assert (found.passages, found.prompt_tokens) == (2, 600)
    assert cost(0, 0, 8e9).full_hours == 0.0


def test_the_total_of_topics() -> None:
    other = replace(SOUND, corpus_tokens=15_000, document_share=0.4, documents=6)
    whole = total([SOUND, other])
    assert whole.records == 806
    assert whole.document_share == 0.1
    assert total([]).records == 0


def test_the_page_tells_the_thresholds() -> None:
    page = (Path(__file__).resolve().parents[2] / "docs" / "advise.md").read_text(encoding="utf-8")
    for words in (
        f"{CHANGES:.0%}".replace("%", " % or more; from"),
        f"from {CHANGES_MOSTLY:.0%}".replace("%", " %"),
        f"under {FEWEST}:",
        f"| {CONTRADICTS:.0%}".replace("%", " % or more"),
        f"| {DOCUMENTS:.0%}".replace("%", " % or more |"),
        f"| {PRIVATE:.0%}".replace("%", " % or more: a word"),
        f"| {DOUBTFUL:.0%}".replace("%", " % or more: a word"),
        f"fewer than {SOME} records",
        f"over {EPOCHS} epochs",
    ):
        assert words in page, words


def test_telling_words() -> None:
    found = telling(
        {
            "a": [
                "婴儿腹泻怎么办",
                "腹泻要补液",
                "轻度腹泻观察",
                "The baby has diarrhea",
                "diarrhea again",
                "more diarrhea",
            ],
            "b": [
                "房东不退押金",
                "押金怎么要回",
                "拿回押金",
                "My landlord keeps it",
                "landlord away",
                "a landlord",
            ],
            "c": [
                "[姓名1]来了",
                "[姓名1]走了",
                "[姓名1]又来",
                "[PERSON_1] left",
                "[PERSON_1] came",
                "[PERSON_1]",
            ],
        }
    )
    assert set(found["a"]) == {"腹泻", "diarrhea"}
    assert set(found["b"]) == {"押金", "landlord"}
    assert found["c"] == ()


def test_a_piece_of_a_word_is_none() -> None:
    texts = ["请打开验证码设置", "收不到验证码短信", "输入验证码登录", "验证码错误"]
    assert telling({"a": texts, "b": ["别的"] * 4})["a"][:1] == ("验证码",)
