"""What speaks for and against a stretch of Chinese text that may be a personal name."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

from curator.pii.surnames import COMPOUND_SURNAMES, SURNAMES
from curator.text import HAN

if TYPE_CHECKING:
    from collections.abc import Mapping

    from curator.models.ner import NameSpan

_HAN = re.compile(f"[{HAN}]+")
DOT = "·•‧∙"
_DOTTED = re.compile(f"[{HAN}]{{1,8}}(?:[{DOT}][{HAN}]{{1,8}})+")
TITLE = (
    "先生|女士|小姐|太太|夫人|医生|大夫|医师|主任|老师|教授|博士|同学|同志|先森|宝宝|妈妈|爸爸|奶奶|爷爷|阿姨|叔叔|"
    "醫生|醫師|主任|老師|教授"
)
KIN = "哥|姐|总|叔|姨|嫂|少|爷"
_NO_LETTERS = re.compile(rf"[^\w\s.{DOT}]|[\d_]")
_LATIN = re.compile(r"[A-Za-z]")
_LATIN_NAME = re.compile(r"[A-Z][a-z]+(?: ?[A-Z][a-z.]*)*")
_SEX = re.compile(r"先生|女士|[：:，,（(]?[男女](?![^，,。）)])")
_ROLE = re.compile(
    "(?:先生|女士|长|员|师|手|者|家|星|导演|主任|经理|裁|席|记|授|士|教练|编辑|人|患者|病人|姓名|叫)$"
)
_SAYS = re.compile(
    "[，,]?(?:表示|认为|指出|说|称|告诉|透露|介绍|坦言|强调|谈到|接受|出任|担任|任|指|问|答|回忆|解释|道|曾|"
    r"在|与|和|及|的|男|女|\d{4}年)"
)
_PLACE_BEHIND = re.compile(
    "公司|集团|银行|大学|学院|队|杯|省|市|区|县|镇|村|路|街|山|河|俱乐部|足球|州|岛|湾|城|国|族|人"
)
_IN_ACCOUNT = re.compile(r"@[\w.·-]+$")
_DEALINGS = re.compile(
    "(?:谢谢?|感谢|祝|恭喜|跟|给|找|叫|问|见到?|认识|喜欢|爱|关注|采访|作者|演员|像|听|陪)$"
)
_LIST = "、，,：:（(/和与及"
_MISS = math.log(5)
"""A name that is missed weighs five times as much as a word that is hidden for nothing."""

WEIGHTS: Mapping[str, float] = {
    "2 Han": 0.09,
    "3 Han": 0.07,
    "4 Han": -0.15,
    "5 Han": -0.36,
    "after @": 0.87,
    "after a list mark": 0.2,
    "after a role": 1.59,
    "after a verb of dealings": 0.49,
    "always": -2.0,
    "before a colon": 0.92,
    "before a kind of place": -0.71,
    "before a list mark": 0.73,
    "before a man's or a woman's": 0.59,
    "before a title": 0.06,
    "begins the text": 0.81,
    "dotted": 0.43,
    "else LOC": 0.41,
    "else TIME": -0.28,
    "else a": -0.09,
    "else ad": -0.08,
    "else d": -0.13,
    "else m": 0.24,
    "else n": -0.13,
    "else nw": 0.12,
    "else p": -0.13,
    "else q": 0.07,
    "else r": -0.28,
    "else s": 0.3,
    "else v": 0.3,
    "else vn": -0.15,
    "else w": -0.08,
    "ends a book's title": -0.63,
    "in an account": 0.32,
    "latin": 0.53,
    "latin name": 0.78,
    "latin, margin": -0.15,
    "margin": 1.03,
    "margin below 0": 0.08,
    "mixed": 0.26,
    "no letters": -0.3,
    "no surname": -0.29,
    "one and a title": -0.89,
    "one character again": 0.16,
    "quoted": -0.41,
    "surname": 0.45,
    "surname and three": 0.43,
    "surname, margin": 0.23,
    "worst": -0.4,
}
"""Log odds, by logistic regression (C = 0.3) over what LAC proposes in one half of three
annotated sets (résumés, Weibo, CLUENER2020) and in medical questions, which hold hardly a name."""


def probability(text: str, start: int, end: int, name: NameSpan) -> float:
    """Return how likely a stretch is a name, where one that is missed counts for more."""
    signs = evidence(text, start, end, name)
    odds = sum(WEIGHTS.get(sign, 0.0) * value for sign, value in signs.items())
    return round(1 / (1 + math.exp(-odds - _MISS)), 3)


def evidence(text: str, start: int, end: int, name: NameSpan) -> dict[str, float]:
    """Return the signs for or against a name: 1 where one holds, or a margin in LAC's units."""
    word = text[start:end]
    before, behind = text[max(0, start - 4) : start], text[end : end + 4]
    margin = max(-4.0, min(4.0, name.margin))
    signs = {
        "always": 1.0,
        "margin": margin,
        "worst": max(-6.0, min(3.0, name.worst)),
        "margin below 0": min(0.0, margin),
        f"else {name.otherwise}": 1.0,
    }
    said = {
        "begins the text": start == 0,
        "after a list mark": before[-1:] != "" and before[-1] in _LIST,
        "before a list mark": behind[:1] != "" and behind[0] in _LIST,
        "before a colon": behind[:1] != "" and behind[0] in "：:",
        "before a man's or a woman's": _SEX.match(behind) is not None,
        "before a title": re.match(TITLE, behind) is not None,
        "after a role": _ROLE.search(before) is not None,
        "says": _SAYS.match(behind) is not None,
        "after @": before.endswith("@"),
        "in an account": _IN_ACCOUNT.search(text, max(0, start - 12), start) is not None,
        "one and a title": end - start == 1,
        "after a verb of dealings": _DEALINGS.search(before) is not None,
        "quoted": before[-1:] in {"《", "“"},
        "ends a book's title": behind.startswith("》"),
        "before a kind of place": _PLACE_BEHIND.match(behind) is not None,
        "no letters": _NO_LETTERS.search(word) is not None,
        "dotted": _DOTTED.fullmatch(word) is not None,
    }
    signs |= {sign: 1.0 for sign, holds in said.items() if holds}
    signs |= _form(word, margin)
    return signs


def _form(word: str, margin: float) -> dict[str, float]:
    if not _HAN.fullmatch(word):
        if _LATIN.search(word) is None:
            return {}
        signs = {"latin": 1.0, "latin, margin": margin}
        if _HAN.search(word):
            return {"mixed": 1.0}
        return signs | ({"latin name": 1.0} if _LATIN_NAME.fullmatch(word) else {})
    if len(word) == 1:
        return {}
    signs = {f"{min(len(word), 5)} Han": 1.0}
    if word[0] in SURNAMES or word.startswith(COMPOUND_SURNAMES):
        if 2 <= len(word) <= 3:
            signs |= {"surname": 1.0, "surname, margin": margin}
            if len(word) == 2:
                signs["surname and one"] = 1.0
        elif len(word) == 4:
            signs["surname and three"] = 1.0
    elif len(word) in {2, 3}:
        signs["no surname"] = 1.0
    if len(word) > 1 and len(set(word)) == 1:
        signs["one character again"] = 1.0
    return signs
