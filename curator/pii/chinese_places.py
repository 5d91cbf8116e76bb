"""Chinese places: which of the stretches that LAC proposes are one, by their words."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

from curator.pii.gazetteer import PLACES
from curator.pii.surnames import is_like_a_chinese_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from curator.models.ner import NameSpan

_HEAD = (
    "球场|体育[场馆]|赛[车马]场|基地|[艺术度假新]村|牧场|农场|林场|哨所|[平高]原|要塞|购物中心|商务区|"
    "开发区|工业[园区]|科技园|[大新]楼|新址|大厦|广场|[公花]园|小区|社区|剧院|剧场|影院|教堂|庙|[博美]物?术?馆|"
    "图书馆|码头|机场|车站|[海半群]岛|海峡|[山河]谷|山脉|沙漠|草原|瀑布|[县州郡镇乡区市]|街道?|大道|大桥|隧道|"
    "酒店|宾馆|旅馆|网吧|商场|超市|百货|市场|校区|院区|园区|车间|讲堂|礼堂|庄子"
)
_ENDS_IN_HEAD = re.compile(f"..(?:{_HEAD})$")
_HEAD_NEXT = re.compile(f"(?:国际|空军|海军|金融|文化|体育|中央|自然|历史|国家)?(?:{_HEAD})")
_BEFORE_PLACE = re.compile(
    "(?:位于|坐落于|[家居]住|住在|驻守|前往|飞往|去往|抵达|到达|途[经径]|往返于?|驶向|开往|定居|"
    "出发去|启程去|[转迁]移?到了?|搬[到至]了?)$"
)
_ON_A_WAY = re.compile("[到至]|出发|启程|起飞|飞往|开往|坐车|乘车|转机")
"""What follows the place behind 从."""
_NO_LATIN = re.compile("[^A-Za-z]+")
_LEAST, _BY_HEAD = 0.4, 0.6
_DOUBTFUL = 3.0


def chinese_places(text: str, names: Sequence[NameSpan]) -> list[tuple[int, int, float]]:
    """Return the spans and the scores of the places among what LAC proposes.

    What ends in a word for a kind of place (球场, 大厦, 县) is one, whatever LAC holds it for;
    what LAC is in doubt about may begin with a place that is known (荷兰莱顿大学).
    """
    return [place for name in names for place in _places(text, name)]


def _places(text: str, name: NameSpan) -> Iterator[tuple[int, int, float]]:
    start, end = name.start, name.end
    word = text[start:end]
    kind = kind_of_place(text, name)
    if name.entity == "LOCATION":
        score = _score(name.margin)
        if score < _LEAST and (known := _known(word)):
            yield start, start + known, _BY_HEAD
        elif end - start > 1 or name.margin > 0:
            yield start, end, score
    elif kind is not None:
        yield start, kind, _BY_HEAD
    elif name.otherwise == "LOC" and end - start > 1 and not is_like_a_chinese_name(word):
        yield start, end, _score(-name.margin)


def kind_of_place(text: str, name: NameSpan) -> int | None:
    """Return where the place ends that LAC holds for a person or a body, or None if it is none.

    It ends in a word for a kind of place, or such a word follows what is no Chinese name
    (克兰菲空军基地), or it is a place that is known, or what a preposition of places governs.
    """
    word = text[name.start : name.end]
    if _ENDS_IN_HEAD.search(word) or word in PLACES:
        return name.end
    if name.entity == "PERSON" and not is_like_a_chinese_name(word) and _NO_LATIN.fullmatch(word):
        head = _HEAD_NEXT.match(text, name.end)
        if head is not None:
            return head.end()
        if name.margin < _DOUBTFUL and _is_on_a_way(text, name):
            return name.end
    return None


def _is_on_a_way(text: str, name: NameSpan) -> bool:
    if _BEFORE_PLACE.search(text, max(0, name.start - 4), name.start):
        return True
    return text.endswith("从", 0, name.start) and _ON_A_WAY.match(text, name.end) is not None


def _score(margin: float) -> float:
    return round(1 / (1 + math.exp(-0.4 * margin - 0.9)), 3)


def _known(word: str) -> int:
    """Return the length of the known place that a word begins with, or 0."""
    return next((n for n in range(min(6, len(word) - 1), 1, -1) if word[:n] in PLACES), 0)
