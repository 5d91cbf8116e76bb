"""What a finding's evidence means, in plain words, in Chinese and English.

A finding keeps figures under short names. Here each name has a phrase, so that a person
reads "5 % of the other answers fit this question better" and not `answer_rank 0.0526`.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping


class Told(NamedTuple):
    """A phrase in both languages."""

    zh: str
    en: str


def told(code: str, evidence: Mapping[str, Any]) -> list[Told]:
    """Return the phrases of a finding's evidence, the most telling first.

    What is not so (`numbers_differ: false`) is not told. A name that has no phrase, as
    from somebody's own check, is told as it is.
    """
    named = [(n, v) for n, v in evidence.items() if v is not False and v is not None]
    named.sort(key=lambda item: _ORDER.get(item[0], len(_ORDER)))
    return list(_phrases(code, named))


def has_phrase(code: str, name: str) -> bool:
    """Tell whether a name of evidence has a phrase of its own."""
    return (code, name) in _OF_CODE or name in _PHRASES


def _phrases(code: str, named: list[tuple[str, Any]]) -> Iterator[Told]:
    for name, value in named:
        own = _Phrase(f"{name}：{{}}", f"{name}: {{}}")
        phrase = _OF_CODE.get((code, name)) or _PHRASES.get(name) or own
        shown = phrase.shown(value)
        yield Told(phrase.zh.format(shown.zh), phrase.en.format(shown.en))


def plain(value: object) -> Told:
    """Return a value as it is told: words in both languages where they are known."""
    if isinstance(value, list):
        shown = [plain(one) for one in value]
        return Told("、".join(s.zh for s in shown), ", ".join(s.en for s in shown))
    if isinstance(value, bool) or value is None:
        return {True: Told("是", "yes"), False: Told("否", "no"), None: Told("—", "—")}[value]
    if isinstance(value, float):
        return Told(f"{value:.3g}", f"{value:.3g}")
    if isinstance(value, int):
        return Told(f"{value:,}", f"{value:,}")
    return _WORDS.get(str(value)) or Told(str(value), str(value))


def _share(value: float) -> Told:
    shown = f"{value:.1%}" if 0 < value < 0.1 or 0.9 < value < 1 else f"{value:.0%}"
    return Told(shown, shown)


def _times(nats: float) -> Told:
    return plain(math.exp(nats))


class _Phrase(NamedTuple):
    zh: str
    en: str
    shown: Callable[[Any], Told] = plain


_PHRASES = {
    # Questions and answers
    "p_match": _Phrase(
        "未见过这一对的模型认为两者相配的概率为 {}",
        "a model that has not seen the pair gives {} that they belong together",
        _share,
    ),
    "answer_rank": _Phrase(
        "其他答案中有 {} 更合这个问题",
        "{} of the other answers fit this question better",
        _share,
    ),
    "question_rank": _Phrase(
        "其他问题中有 {} 更合这个答案",
        "{} of the other questions fit this answer better",
        _share,
    ),
    "neighbours": _Phrase(
        "相近的问题中有 {} 更合这个答案",
        "{} of the similar questions fit this answer better",
        _share,
    ),
    "likelihood_gain": _Phrase(
        "看过问题之后，语言模型认为这个答案的每个词元出现的可能性是未看问题时的 {} 倍",
        "after the question, a language model holds each token of the answer {} times as likely"
        " as without it",
        _times,
    ),
    "cosine": _Phrase("意思相近程度 {}（最高 1）", "similarity of meaning {} (of 1)"),
    "overlap": _Phrase("用词相同程度 {}（最高 1）", "similarity of wording {} (of 1)"),
    "suggested": _Phrase("更像是“{}”", "more like “{}”"),
    "p_suggested": _Phrase("它的概率为 {}", "with a probability of {}", _share),
    "p_given": _Phrase("现有标签的概率为 {}", "the given label has {}", _share),
    "skill": _Phrase(
        "这批标签可从文字判断的程度 {}（0 为全凭猜）",
        "how well texts tell these labels: {} (0 is guessing)",
    ),
    "kinds": _Phrase("不同之处：{}", "what differs: {}"),
    "question_score": _Phrase("问题相同的把握 {}", "that they ask the same: {}", _share),
    "answer_similarity": _Phrase("两个回答有 {} 相同", "{} of the two answers is the same", _share),
    "n_answers": _Phrase("这个问题共有 {} 个不同回答", "the question has {} different answers"),
    "newer": _Phrase("{}较新，可能取代旧的", "{} is newer, and may supersede the older one"),
    "newer_by": _Phrase("新旧依据：{}", "newer by {}"),
    # Duplicates
    "group_size": _Phrase("共有 {} 条内容相同", "{} records say the same"),
    "jaccard": _Phrase("两条文字有 {} 相同", "{} of the two texts is the same", _share),
    "containment": _Phrase(
        "较短一条的 {} 在另一条之中", "{} of the shorter text is inside the other", _share
    ),
    "numbers_differ": _Phrase("数字不同", "numbers differ"),
    "negation_differs": _Phrase("否定不同", "a negation differs"),
    "signs_differ": _Phrase("符号不同", "signs differ"),
    "terms_differ": _Phrase("所说的事物不同", "what is named differs"),
    "question_differs": _Phrase("问题不同", "the questions differ"),
    "answer_differs": _Phrase("回答不同", "the answers differ"),
    "relation": _Phrase("关系：{}", "how: {}"),
    "file": _Phrase("见文件 {}", "in the file {}"),
    "item": _Phrase("其中的 {}", "there at {}"),
    # Evaluation items
    "direction": _Phrase("{}", "{}"),
    "share": _Phrase("该题有 {} 出现在这条中", "{} of the item stands in this record", _share),
    "runs_of_five": _Phrase(
        "该题的五词片段有 {} 出现在这条中",
        "{} of the item's runs of five words stand in this record",
        _share,
    ),
    "longest_run": _Phrase("最长的相同片段有 {} 个词", "the longest run in common has {} words"),
    "of_record": _Phrase("这条有 {} 出自该题", "{} of this record is the item's", _share),
    "items": _Phrase("涉及 {} 道题", "{} items are met"),
    # Private details
    "entity": _Phrase("种类 {}", "kind {}"),
    "rule": _Phrase("规则 {}", "rule {}"),
    "recogniser": _Phrase("由{}认出", "recognised by {}"),
    "context": _Phrase("旁边的词也这样说", "a word beside it says so too"),
    "validated": _Phrase("校验码相符", "its check digits agree"),
    "found_in": _Phrase("在 {} 条记录里已认出", "recognised in {} records"),
    "field": _Phrase("在{}里", "in the {}"),
    # Answers that are none
    "left": _Phrase("除去客套只剩 {} 个字词", "beside courtesy it says {} words"),
    "sign": _Phrase("迹象：{}", "sign: {}"),
    "new_share": _Phrase(
        "只有 {} 不是问题里的话", "only {} is not the question's own words", _share
    ),
    "simplified_share": _Phrase("其中简体字占 {}", "{} of its characters are simplified", _share),
    # Quality and language
    "kind": _Phrase("种类：{}", "kind: {}"),
    "characters": _Phrase("字符 {}", "characters {}"),
    "lost": _Phrase("有 {} 处无法恢复", "{} places cannot be restored"),
    "length": _Phrase("长度 {} 个字词", "{} characters or words long"),
    "repeated_share": _Phrase("其中 {} 是重复的", "{} of it is repeated", _share),
    "reading_ease": _Phrase("易读程度 {}（100 为最易）", "reading ease {} (100 is easiest)"),
    "language": _Phrase("语言 {}", "language {}"),
    "distance": _Phrase(
        "离它最近的十条内容的距离是通常的 {} 倍",
        "the ten nearest are {} times as far away as is usual",
    ),
    "question": _Phrase("问题：{}", "question: {}"),
    "answer": _Phrase("回答：{}", "answer: {}"),
    # Knowledge that goes stale
    "rules": _Phrase("规则 {}", "rules {}"),
    "signs": _Phrase("{} 处迹象", "{} signs"),
}
_ORDER = {name: place for place, name in enumerate(_PHRASES)}
_OF_CODE = {
    ("LBL002", "question"): _Phrase("问题{}", "the questions are {}"),
    ("DUP005", "question"): _Phrase("问题相符 {}", "the questions agree to {}", _share),
    ("DUP005", "answer"): _Phrase("回答相符 {}", "the answers agree to {}", _share),
    ("QLT003", "share"): _Phrase("占全文的 {}", "{} of the text", _share),
}
_WORDS = {
    "yes_no": Told("一是一否", "yes and no"),
    "number": Told("数字", "a number"),
    "date": Told("日期", "a date"),
    "article": Told("法条", "an article of law"),
    "name": Told("名称", "a name"),
    "negation": Told("否定", "a negation"),
    "other": Told("说法不同", "other words"),
    "equal": Told("相同", "equal"),
    "near": Told("相近", "nearly equal"),
    "reworded": Told("同义，说法不同", "the same in other words"),
    "this": Told("本条", "this answer"),
    "peer": Told("另一条", "the other answer"),
    "guideline": Told("指南年份", "the year of its guideline"),
    "timestamp": Told("时间", "its time"),
    "exact": Told("完全相同", "equal"),
    "contained": Told("被包含", "contained"),
    "same record": Told("同一条记录", "the same record"),
    "record in item": Told("这条在该题之中", "the record is inside the item"),
    "item in record": Told("该题在这条之中", "the item is inside the record"),
    "mention": Told("别处已认出", "known from elsewhere"),
    "record": Told("同一条记录的他处", "another place of the record"),
    "another record": Told("其他记录", "another record"),
    "rule": Told("规则", "a rule"),
    "en-core-web-sm": Told("英文模型 spaCy", "the English model of spaCy"),
    "lac": Told("LAC 中文模型", "the Chinese model LAC"),
    "label": Told("标签", "label"),
    "source_uri": Told("来源名", "source's name"),
    "empty list item": Told("空的列表项", "empty list item"),
    "open bracket": Told("括号未闭合", "open bracket"),
    "open code block": Told("代码块未闭合", "open code block"),
    "unfinished sentence": Told("句子未完", "unfinished sentence"),
    "mojibake": Told("乱码", "mojibake"),
    "markup": Told("标记残留", "markup"),
    "control": Told("控制字符", "control characters"),
    "invisible": Told("不可见字符", "invisible characters"),
    "composed": Told("组合字符", "combining characters"),
    "width": Told("全角字符", "full-width characters"),
    "blank-lines": Told("多余空行", "blank lines"),
    "line-end": Told("换行符", "line ends"),
    "space": Told("异形空格", "unusual spaces"),
    "zh": Told("中文", "Chinese"),
    "en": Told("英文", "English"),
}
