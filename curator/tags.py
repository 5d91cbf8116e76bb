"""The issue tags by which a reviewer tells what is wrong with a record, and the codes they mean."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Tag:
    """A tag: its name, what it is called in both languages, the codes of findings that say so."""

    name: str
    zh: str
    en: str
    codes: tuple[str, ...] = ()


TAGS = (
    Tag("wrong_answer", "答非所问或答错", "wrong answer", ("LBL001",)),
    Tag("contradiction", "与他处矛盾", "contradicts another record", ("LBL002",)),
    Tag("wrong_category", "类别标错", "wrong category", ("LBL003",)),
    Tag("refusal", "拒答或 AI 套话", "refusal", ("LBL004",)),
    Tag("no_answer", "没有实质回答", "no real answer", ("LBL005", "LBL007", "QLT010")),
    Tag("cut_off", "回答被截断", "cut off", ("LBL006",)),
    Tag("template", "残留模板", "left-overs of a template", ("LBL008",)),
    Tag("advertisement", "广告或引流", "advertisement", ("LBL009",)),
    Tag("wrong_language", "语言或繁简不符", "wrong language or script", ("LBL010", "LNG")),
    Tag("duplicate", "重复", "duplicate", ("DUP",)),
    Tag("evaluation_item", "评测题", "evaluation item", ("CON",)),
    Tag("outdated", "已过时或会过时", "outdated", ("VOL",)),
    Tag("damaged_text", "乱码或格式损坏", "damaged text", ("QLT00",)),
    Tag("hard_to_read", "过长、重复或难读", "too long, repetitive, hard to read", ("QLT01",)),
    Tag("personal_data", "含隐私", "personal data", ("PII",)),
    Tag("unsafe", "有害或违规", "unsafe"),
    Tag("off_topic", "与用途无关", "off topic"),
)


def tag_of(code: str) -> str | None:
    """Return the tag that says what a code says: that of the longest code it begins with."""
    fitting = [(len(c), tag.name) for tag in TAGS for c in tag.codes if code.startswith(c)]
    return max(fitting)[1] if fitting else None
