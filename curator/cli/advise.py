"""`curator advise`: fine-tuning, retrieval or both, topic by topic, with the figures behind it."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from curator.cli.output import Folder, Json, data, say, show, table

if TYPE_CHECKING:
    from curator.advise import Advice, Figures

VERDICTS = {
    "fine-tune": ("微调", "fine-tuning"),
    "rag": ("检索增强", "RAG"),
    "both": ("两者结合", "both"),
}
MARKS = {"fine-tune": "+", "rag": "-", "caution": "!"}
BILLION = 1e9
MOST = 12
"""The largest topics are told."""


def advise(
    *,
    size: Annotated[
        float, typer.Option(min=0.01, help="Parameters of the model to train, in billions.")
    ] = 7.0,
    project: Folder = ".",
    json: Json = False,
) -> None:
    """Tell for each topic whether fine-tuning, retrieval (RAG) or both suits it, and the cost."""
    from curator.advise import total
    from curator.project import Project

    found = Project(project).advise(size * BILLION)
    if json:
        data({"billion_parameters": size, "topics": [_row(advice) for advice in found]})
        return
    for advice in found[:MOST]:
        _tell(advice)
    if not found:
        say("没有保留的记录 / no record is kept or held")
        return
    _sum_up(found, total(advice.figures for advice in found), size)


def _row(advice: Advice) -> dict[str, object]:
    zh, en = VERDICTS[advice.verdict]
    row = asdict(advice)
    row["figures"] |= {"records": advice.figures.records, "name": _name(advice.figures)}
    return row | {"zh": zh, "en": en}


def _name(figures: Figures) -> str:
    """Return what a topic goes by: its label or number, and its telling words."""
    words = " ".join(figures.terms)
    if not figures.topic:
        return f"未归类 / other{f' ({words})' if words else ''}"
    return f"{figures.topic} ({words})" if words else figures.topic


def _tell(advice: Advice) -> None:
    zh, en = VERDICTS[advice.verdict]
    show(f"{_name(advice.figures)}: {zh} / {en}")
    for reason in advice.reasons:
        show(f"  {MARKS[reason.side]} {reason.zh} / {reason.en}")


def _sum_up(found: list[Advice], whole: Figures, size: float) -> None:
    """Print what it costs, topic by topic and in all."""
    from curator.advise import EPOCHS, cost

    rows = [(_name(a.figures), a.figures, a.cost) for a in found[:MOST]]
    rows.append(("合计 / all", whole, cost(whole.tokens, whole.corpus_tokens, size * BILLION)))
    table(
        ("topic", "tokens", "LoRA GPU h", "full GPU h", "passages", "index MB"),
        [
            (name, f.tokens, c.lora_hours, c.full_hours, c.passages, c.index_mb)
            for name, f, c in rows
        ],
    )
    if len(found) > MOST:
        more = len(found) - MOST
        say(f"还有 {more} 个主题（全部见 --json）/ and {more} more topics (all of them: --json)")
    say(
        "+ 宜微调 / for fine-tuning   - 宜检索 / for RAG   ! 注意 / take care",
        f"估算：{size:g}B 参数，{EPOCHS} 轮；全量 6·P·D，LoRA 约 4·P·D，A100 按 35% 利用率 / "
        f"estimated: {size:g}B parameters, {EPOCHS} epochs; 6·P·D in full, about 4·P·D with LoRA,"
        " an A100 at 35 % of its peak",
    )
