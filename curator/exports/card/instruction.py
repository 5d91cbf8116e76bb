"""The card of an instruction dataset."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from curator.exports.card.lengths import histogram, token_figures, trainers
from curator.exports.card.metadata import metadata
from curator.exports.card.page import page, section, table
from curator.splits import NAMES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from curator.exports.card.facts import About


_LEFT_OUT = {
    "blank": "空白",
    "before the first question": "首个问题之前",
    "after the last answer": "最后一个回答之后",
}
"""Why turns are in no row, in Chinese."""


def instruction_card(about: About) -> str:
    """Return the card of an instruction dataset."""
    manifest = about.manifest
    rows = manifest["splits"]
    # A split without rows is no split to the hub's loader.
    files = [{"split": s, "path": f"{s}.parquet"} for s in NAMES if rows.get(s)]
    head = metadata(about, sum(rows.values()), ["text-generation"], files, ["instruction"])
    left_out = manifest["turns"]["left_out"]
    body = [
        *_one_row(manifest["params"]["turns"]),
        "",
        *_splits(manifest),
        *_mix(manifest),
        *_lengths(manifest),
        *section("Trainers / 训练框架"),
        *table(("trainer", "file", "rows taken", "cut", "refused", "asked"), trainers(manifest)),
        "",
        (
            f"Sequences of {manifest['handshake']['length']:,} tokens. Asked: the trainer itself,"
            " or our rules from its documents; the manifest names each refused row."
        ),
        "“rules” 指依据其文档编写的规则，否则由该框架实测；被拒的行在清单中逐一列出。",
        "",
        *section("Turns / 话轮"),
        *table(
            ("turns", "n"),
            [("exported / 导出", manifest["turns"]["exported"])]
            + [
                (f"left out: {reason} / 未导出：{_LEFT_OUT.get(reason, reason)}", n)
                for reason, n in left_out.items()
            ],
        ),
        "",
    ]
    return page(about, head, body)


def _one_row(turns: str) -> tuple[str, str]:
    """Return what a row is, in both languages."""
    columns = (
        "`messages` is a list of `role` (system, user, assistant, tool) and `content`; `source`"
        " says where it was read."
    )
    if turns == "whole":
        return (
            f"One row is one conversation: {columns}",
            "每行是一个对话：`messages` 为角色与内容的列表，`source` 指明出处。",
        )
    return (
        f"One row is one answer and its context, whose answers have `weight: 0`: {columns}",
        "每行是一个回答及其上文（其中回答的 `weight` 为 0）：`messages` 为角色与内容的列表。",
    )


_KINDS = {
    "near_duplicates": "pairs of near-duplicates / 近似重复对",
    "near_questions": "pairs of near-duplicate questions / 近似重复的问题对",
    "related_by_checks": "pairs that a check relates / 检查认定相关的对",
    "questions": "questions / 问题",
    "conversations": "conversations / 会话",
    "persons": "people / 人",
    "sources": "files / 文件",
    "columns": "values of the named columns / 指定列的值",
}


def _splits(manifest: Mapping[str, Any]) -> Iterator[str]:
    """Yield the section about the splits and what was measured of them."""
    told, params = manifest["leakage"], manifest["params"]
    yield from section("Splits / 划分")
    yield from table(("split", "rows"), manifest["splits"].items())
    yield ""
    yield (
        f"What belongs together stays on one side ({told['groups']:,} groups): "
        f"{', '.join([*params['together']['by'], *params['together']['columns']]) or 'nothing'}."
        " Stratified by topic, label and language; a record that was exported never moves."
    )
    yield "相关记录只在一侧；按主题、标签与语言分层；已导出的记录不换边。"
    yield ""
    yield (
        "Measured on the rows as they are exported, beside a random split of the same sizes"
        f" (near-duplicates: Jaccard similarity of {told['near_duplicates_from']:g} or more,"
        " verified). / 在导出的行上实测，并与同样大小的随机划分对照。"
    )
    yield ""
    chance = told["across_a_random_split"]
    yield from table(
        ("on both sides / 跨越两侧", "this split", "random split"),
        [(_KINDS.get(kind, kind), n, chance[kind]) for kind, n in told["across"].items()],
    )
    yield ""
    if told["exported_apart_before"]:
        yield (
            f"{told['exported_apart_before']:,} groups hold records that were exported apart before"
            " data that were added related them: those stay where they were."
            " / 新增数据使先前分置两侧的记录相互关联，这些记录保持原位。"
        )
        yield ""
    for kind, n in told["too_large_to_keep_together"].items():
        yield (
            f"{n:,} of kind {kind} hold so many rows that they are not kept on one side."
            " / 行数过多，未整体置于一侧。"
        )
        yield ""


def _mix(manifest: Mapping[str, Any]) -> Iterator[str]:
    """Yield the section about the mix."""
    told, asked = manifest["mix"], manifest["params"]["mix"]
    yield from section("Mix / 配比")
    listed = [f"`{name}: {value}`" for name, value in asked.items() if value]
    yield (
        f"Asked for / 要求: {', '.join(listed)}. About {told['about_tokens']:,} tokens."
        f" Mean quality / 平均质量: {told['quality']['exported']} (all / 全部:"
        f" {told['quality']['all']})."
    )
    yield ""
    topics: dict[str, Any] = told["topics"]
    largest_first = sorted(topics.items(), key=lambda one: (-one[1]["rows"], one[0]))
    yield from table(
        ("topic / 主题", "rows", "left out / 未选"),
        [(name, n["rows"], n["left_out"]) for name, n in largest_first],
    )
    yield ""
    replay = told["replay"]
    if replay["share"]:
        yield (
            f"Replay: {replay['rows']:,} rows of general data in train ({replay['found']:,}"
            f" {replay['unit']}, {replay['wanted']:,} wanted for a share of {replay['share']:g})."
            f" / 通用数据回放：训练集中 {replay['rows']:,} 行。"
        )
        yield ""


def _lengths(manifest: Mapping[str, Any]) -> list[str]:
    """Return how long rows are in tokens, in both languages; nothing without a tokenizer."""
    if not manifest["tokens"]:
        return []
    name = manifest["params"]["tokenizer"]["name"]
    head = ("split", "rows", "tokens", "learnt", "median", "p90", "p99", "longest")
    return [
        *section("Tokens / 词元"),
        f"In tokens of `{name}`, with the chat template beside. / 按 `{name}` 与所附模板计。",
        "",
        *table(head, token_figures(manifest)),
        "",
        *histogram(manifest),
        "",
    ]
