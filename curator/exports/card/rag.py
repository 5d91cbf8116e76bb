"""The card of a RAG corpus."""

from __future__ import annotations

from typing import TYPE_CHECKING

from curator.exports.card.metadata import metadata
from curator.exports.card.page import page, section, table

if TYPE_CHECKING:
    from curator.exports.card.facts import About


def rag_card(about: About) -> str:
    """Return the card of a RAG corpus."""
    manifest = about.manifest
    rows = manifest["chunks"]["rows"]
    files = [{"split": "train", "path": "chunks.parquet"}]
    head = metadata(about, rows, ["text-retrieval"], files, ["rag", "retrieval"])
    params = manifest["params"]
    named = params.get("tokenizer")
    body = [
        (
            "One row is one chunk: `text` is what to embed and to show, `key` the question that it"
            " answers, `heading_path` the headings above it, `locator` its exact place,"
            " `citation` how to cite it, `valid_from` and `valid_until` what it says itself of"
            " when it holds."
        ),
        (
            "每行是一个片段：`text` 供向量化与展示，`key` 为其所答的问题，`locator` 为精确位置，"
            "`citation` 为引用格式，`valid_from` 与 `valid_until` 为原文自述的有效期。"
        ),
        "",
        *section("Chunks / 片段"),
        (
            f"{rows} chunks, at most {params['chunk_length']}"
            f" {f'tokens of {named}' if named else 'Han characters or words'} each,"
            " cut at the ends of sentences; sentences that a chunk repeats from the one before it:"
            f" {params['overlap_sentences']}."
        ),
        (
            f"共 {rows} 段，每段至多 {params['chunk_length']}"
            f" {f'个 {named} 词元' if named else '个汉字或词'}，只在句末切分；"
            f"每段开头重复前一段末尾的 {params['overlap_sentences']} 句。"
        ),
        "",
        *table(("records / 记录", "n"), manifest["records_by_kind"].items()),
        "",
    ]
    return page(about, head, body)
