"""What a reviewer is shown and asked: fields, questions, labels, guidelines, in both languages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from curator.tags import TAGS
from curator.verdicts import ANSWER, COMMENT, LABEL, QUESTION, VERDICT
from curator.verdicts import TAGS as ISSUE_TAGS

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Words:
    """A name or a sentence in both languages."""

    zh: str
    en: str

    def said(self, language: str) -> str:
        """Return it in `zh`, `en`, or in `both`."""
        return {"zh": self.zh, "en": self.en}.get(language, f"{self.zh} / {self.en}")


REASON, CONVERSATION, ASKED, ANSWERED, DOCUMENT, CATEGORY, CONTEXT = (
    "reason",
    "conversation",
    "question",
    "answer",
    "document",
    "category",
    "context",
)
FIELDS: Mapping[str, Words] = {
    CONVERSATION: Words("整段对话", "whole conversation"),
    ASKED: Words("问题", "question"),
    ANSWERED: Words("回答", "answer"),
    DOCUMENT: Words("文档", "document"),
    CATEGORY: Words("类别", "category"),
    REASON: Words("为什么送审", "why it is here"),
    CONTEXT: Words("对照", "for comparison"),
}
SPAN_FIELDS = (ASKED, ANSWERED, DOCUMENT)
"""The fields in which private details are marked, each by a question of its own."""

QUESTIONS: Mapping[str, Words] = {
    VERDICT: Words("怎么处理这一条", "what becomes of it"),
    ANSWER: Words("改正后的回答", "the answer, corrected"),
    QUESTION: Words("改正后的问题", "the question, corrected"),
    LABEL: Words("改正后的类别", "the category, corrected"),
    ISSUE_TAGS: Words("有什么问题", "what is wrong"),
    COMMENT: Words("备注", "comment"),
}
VERDICTS: Mapping[str, Words] = {
    "keep": Words("保留", "keep"),
    "fix": Words("改正后保留", "fix"),
    "drop": Words("舍弃", "drop"),
}
TAG_WORDS: Mapping[str, Words] = {tag.name: Words(tag.zh, tag.en) for tag in TAGS}
SPAN_LABELS: Mapping[str, Words] = {
    "personal": Words("是隐私", "personal data"),
    "not_personal": Words("不是隐私", "not personal data"),
}
METADATA: Mapping[str, Words] = {
    "queue": Words("审核顺序", "order"),
    "state": Words("状态", "state"),
    "codes": Words("发现", "findings"),
    "score": Words("可疑程度", "doubt"),
    "source": Words("来源", "source"),
    "department": Words("类别", "category"),
    "language": Words("语言", "language"),
    "cluster": Words("主题组", "cluster"),
}
OPEN, SETTLED, OUTDATED = "open", "settled", "outdated"


def span_question(field: str) -> str:
    """Return the name of the question about private details in a field."""
    return f"personal_in_{field}"


def span_words(field: str) -> Words:
    """Return what that question is called."""
    return Words(f"{FIELDS[field].zh}中的隐私", f"personal data in the {FIELDS[field].en}")


def guidelines(language: str) -> str:
    """Return what tells a reviewer how to review, in `zh`, `en` or `both`, as Markdown."""
    told = {"zh": (_ZH,), "en": (_EN,)}.get(language, (_ZH, _EN))
    return "\n\n---\n\n".join(told)


_ZH = """\
# 怎么审核

先读问题与回答，再看“对照”里的相近记录或与之矛盾的记录。然后选择：

- **保留**：这一条没有问题，原样进入数据集。
- **改正后保留**：写下改正后的回答（或问题、类别），它会替换原文；原回答与改正后的回答还会成为一对\
偏好数据。
- **舍弃**：这一条不该进入数据集。

请注意：

- 预先填好的标签和改正文本只是建议，请读过再提交；只有选择“改正后保留”时，改正文本才会生效。
- `[姓名1]` 这样的占位符代替了隐私，请照样保留在改正文本中；不要写入任何真实的姓名、电话或地址。
- 若还看到没有隐去的隐私，请在“隐私”一题中标出；若占位符代替的并不是隐私，标为“不是隐私”。
- 拿不准时保存草稿或跳过（弃置），不会影响数据。"""

_EN = """\
# How to review

Read the question and the answer, then what stands beside them for comparison: a similar \
record, or one that contradicts this one. Then choose:

- **keep**: nothing is wrong; it goes into the dataset as it is.
- **fix**: write the corrected answer (or question, or category); it takes the place of what stood \
there, and the two answers also become a preference pair.
- **drop**: it does not belong into the dataset.

Mind that

- tags and corrections that are filled in already are suggestions: read before you submit; a \
correction counts with **fix** alone;
- placeholders such as `[PERSON_1]` stand for private details: keep them in what you write, and \
write no real name, number or address;
- a private detail that still shows is to be marked under "personal data"; a placeholder that \
hides none is marked as "not personal data";
- where you are not sure, save a draft or discard: that changes nothing."""
