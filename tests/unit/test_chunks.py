"""Chunks: lengths in tokens, what stays whole, citations, and when a text says that it holds."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from curator.exports.chunks import answer_chunks, document_chunks, fixed_chunks
from curator.exports.citations import citation
from curator.exports.rag import chunk_rows, measure_of
from curator.exports.validity import Validity, document_validity, validity
from curator.schema import RagExport
from curator.text import length, measured_sentences, sentences, tokens
from curator.types import Part
from tests.synthetic import conversation, document

ODD = st.text(alphabet="a'b中。.!?？；\n ”’()_1½①℃é-", max_size=24)


@given(ODD)
def test_a_length_is_the_number_of_tokens_and_sentences_are_the_text(text: str) -> None:
    assert length(text) == len(tokens(text))
    measured = measured_sentences(text)
    assert "".join(sentence for sentence, _ in measured) == text
    assert [sentence for sentence, _ in measured] == sentences(text)
    assert all(units == length(sentence) for sentence, units in measured)


@pytest.mark.parametrize("limit", [40, 120])
def test_no_chunk_has_more_tokens_than_are_allowed(limit: int) -> None:
    measure = measure_of(RagExport(chunk_length=limit, tokenizer="qwen"))
    zh = "".join(f"第{n}条，运费按重量计算，偏远地区另加{n}元。" for n in range(40))
    en = " ".join(
        f"Rule {n}: shipping costs depend on the weight of the parcel." for n in range(40)
    )
    table = "| 药 | 量 |\n|---|---|\n" + "".join(f"| 药品 {n} | {n} 毫克 |\n" for n in range(40))
    parts = [Part("paragraph", zh), Part("paragraph", en), Part("table", table)]
    chunks = document_chunks(parts, limit, 1, measure)
    assert all(measure(chunk.text) <= limit for chunk in chunks)
    # They are filled, too, and nothing is lost.
    assert sum(measure(chunk.text) for chunk in chunks) > 0.6 * limit * len(chunks)
    joined = "".join(chunk.text for chunk in chunks)
    assert all(f"另加{n}元。" in joined and f"Rule {n}:" in joined for n in range(40))
    pair = answer_chunks("运费怎么算？", zh, (0, 1), limit, 1, measure)
    assert all(measure(chunk.text) <= limit + 1 for chunk in pair)
    rows = chunk_rows(
        conversation("line 1", ("user", "运费怎么算？"), ("assistant", "按重量。")),
        RagExport(chunk_length=limit, tokenizer="qwen"),
        measure,
    )
    assert rows[0]["units"] == measure(rows[0]["text"])


@pytest.mark.parametrize("role", ["list", "code"])
def test_a_list_and_code_stay_whole_where_they_fit(role: str) -> None:
    said = "\n".join(f"- 第 {n} 项。要带上发票。" for n in range(5))
    parts = [Part("paragraph", "退货要准备材料。" * 4), Part(role, said), Part("paragraph", "完。")]
    chunks = document_chunks(parts, 60, 1)
    assert len(chunks) > 1
    assert any(said in chunk.text for chunk in chunks)
    long = "\n".join(f"- 第 {n} 项。要带上发票。" for n in range(30))
    cut = document_chunks([Part(role, long)], 60, 1)
    assert len(cut) > 3
    assert all(chunk.text.startswith("- 第") for chunk in cut)
    assert "\n".join(chunk.text for chunk in cut) == long


def test_a_chunk_tells_which_blocks_of_its_section_it_is() -> None:
    def paragraph(n: int) -> Part:
        return Part("paragraph", f"第{n}段说运费怎样计算。" * 3, heading_path=("运费",))

    parts = [Part("heading", "运费"), *(paragraph(n) for n in range(1, 5))]
    chunks = document_chunks(parts, 70, 0)
    assert [chunk.within for chunk in chunks] == [(1, 2), (3, 4)]
    whole = document_chunks(parts, 700, 0)
    assert [chunk.within for chunk in whole] == [(1, 4)]


def test_a_pair_is_one_chunk_with_its_question_as_key() -> None:
    record = conversation(
        "line 7",
        ("user", "运费谁出？"),
        ("assistant", "商家。"),
        ("user", "多久到？"),
        ("assistant", "三天。"),
    )
    rows = chunk_rows(record, RagExport())
    assert [(row["key"], row["text"]) for row in rows] == [
        ("运费谁出？", "运费谁出？\n商家。"),
        ("多久到？", "多久到？\n三天。"),
    ]
    assert {row["source_sha256"] for row in rows} == {record.provenance.source_sha256}
    assert len({row["sha256"] for row in rows}) == 2


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (
            ("退货.docx", "paragraph 7–9", ["三、运费"], (2, 3), "zh"),
            "《退货.docx》› 三、运费 › 第 2–3 段",
        ),
        (
            ("a/g.pdf", "page 3 block 2", ["1 Fees"], (1, 1), "en"),
            "“a/g.pdf” › 1 Fees › page 3, paragraph 1",
        ),
        (("g.pdf", "page 3 block 2", ["费用"], (1, 1), "zh"), "《g.pdf》› 费用 › 第 3 页，第 1 段"),
        (("chat.csv", "line 12", [], (0, 0), "zh"), "《chat.csv》› 第 12 行"),
        (("x.xlsx", "sheet 药品 row 4", [], (0, 0), "zh"), "《x.xlsx》› 工作表 药品，第 4 行"),
        (("f.jsonl", "line 3", [], (0, 0), "en"), "“f.jsonl” › line 3"),
        (("f.bin", "somewhere", [], (0, 0), "en"), "“f.bin” › somewhere"),
    ],
)
def test_citations(said: tuple[str, str, list[str], tuple[int, int], str], expected: str) -> None:
    uri, locator, path, within, lang = said
    assert citation(uri, locator, path, within, lang=lang) == expected


@pytest.mark.parametrize(
    ("text", "since", "until"),
    [
        ("本办法自2024年1月1日起施行。", "2024-01-01", ""),
        ("生效日期：2023/7/1", "2023-07-01", ""),
        ("优惠券有效期至2025年12月31日。", "", "2025-12-31"),
        ("2020版指南于2025年3月起废止", "", "2025-03"),
        ("本证有效期自2024年3月1日至2026年2月28日", "2024-03-01", "2026-02-28"),
        ("This policy is effective from 1 March 2024.", "2024-03-01", ""),
        ("effective January 1, 2024", "2024-01-01", ""),
        ("valid until May 31, 2025", "", "2025-05-31"),
        ("It takes effect on 2024-05-01 and expires on 2026-04-30", "2024-05-01", "2026-04-30"),
        ("他于1998年出生，自2001年起住在北京", "", ""),
        ("born in May 2001; the festival ends in 2025", "", ""),
        ("截至2023年6月底，共有三家门店", "", ""),
    ],
)
def test_when_a_text_says_that_it_holds(text: str, since: str, until: str) -> None:
    assert validity(text) == Validity(since, until)


def test_what_a_document_says_of_itself_holds_for_all_its_chunks() -> None:
    record = document(
        "办法.md",
        ("heading", "总则", ()),
        ("paragraph", "本办法自2024年1月1日起施行。", ("总则",)),
        ("heading", "优惠", ()),
        ("paragraph", "优惠券有效期至2025年12月31日。", ("优惠",)),
        ("heading", "运费", ()),
        ("paragraph", "运费由商家承担。", ("运费",)),
    )
    rows = chunk_rows(record, RagExport())
    assert [(row["valid_from"], row["valid_until"]) for row in rows] == [
        ("2024-01-01", None),
        ("2024-01-01", "2025-12-31"),
        ("2024-01-01", None),
    ]
    assert document_validity(["优惠券至2025年12月31日有效。"]) == Validity()


def test_fixed_chunks_are_cut_anywhere() -> None:
    assert fixed_chunks("abcdefgh", 3) == ["abc", "def", "gh"]
    assert fixed_chunks("", 3) == []
