"""Chinese personal names: which of the stretches that a model may hold for one are one."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from curator.pii.chinese_places import kind_of_place
from curator.pii.name_signs import DOT, KIN, TITLE, probability
from curator.pii.surnames import is_like_a_chinese_name
from curator.text import HAN

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from curator.models.ner import NameSpan

_NO_NAME_START = re.compile(
    "许多|任何|由于|关于|对于|应该|应当|应用|全部|常常|经常|平时|时候|相关|明显|尤其|何时|何种|"
    "成人|成年|计划|单纯|左右|连续|解决|申请|项目"
)
_TAKEN_BEFORE = re.compile(
    "(?:服用|口服|注射|静滴|外用|外涂|涂抹|雾化|冲服|[吃服喝喂滴涂开]了?|用药|用了|加用|配合)(?:点|些|过|的|是|了)?$"
)
_DOSE_BEHIND = re.compile(
    "(?:片|胶囊|颗粒|口服|糖浆|丸|滴|分散|冲剂|散剂|软膏|乳膏|凝胶|喷雾|注射|缓释|栓|贴|洗剂|溶液|混悬|干混)"
    r"|[（( ]?(?:\d+|[一二两三四五半])(?:\.\d+)?(?:片|粒|袋|支|包|丸|滴|次|毫升|毫克|ml|mg|g|ML|MG)"
)
_KINSHIP = frozenset(
    (  # noqa: SIM905 - words read better without quotes
        "伯伯 伯父 伯母 大伯 二伯 小姨 大姨 姨妈 姑妈 小姑 小姑子 大姑 婶婶 舅妈 嫂子 弟媳 "
        "侄子 侄女 外甥 孙子 孙女 公公 婆婆 小宝 约莫 委实 严令 脑梗 黑便 妈妈 爸爸 母亲 父亲 "
        "奶奶 爷爷 外婆 外公 姥姥 姥爷 宝宝 宝贝 哥哥 姐姐 弟弟 妹妹 叔叔 "
        "阿姨 舅舅 姑姑 老公 老婆 儿子 女儿 孩子 家长 大夫 医生 马上 安全 平安 明白 高兴 万一 "
        "全部 应该 时候 方便 成功 关于 由于 对于 都是 但是 可是 还是 那个 那么 那些 那里 那边 "
        "和平 国家 平时 平常 何时 何处 何必 任何 任意 白天 黄色 白色 高低 高度 石头 金额 金钱 "
        "房间 车子 车站 花费 花钱 水果 苗条 温度 温水 常见 常用 相关 上帝 耶稣 佛祖 菩萨 安利 "
        "华为 云南 海南 江苏 江西 江南 河南 湖南 于是 文化 文章 文件 方法 方案 方向"
    ).split()
)
_DOTTED_REST = re.compile(f"(?:[{DOT}][{HAN}]{{1,8}})+")
_TITLE_END = re.compile(f"(?:{TITLE})家?$|(?:{KIN}|某+|氏|家|们)$")
_TITLE_NEXT = re.compile(f"{TITLE}|{KIN}")
_NO_SURNAME_BEFORE_TITLE = frozenset(
    "大小老二三四五六七八九十帅美前师学表堂男女这那我你他她的亲各位本该某"
)
_ANY_LETTER = re.compile(r"[^\W\d_]")
_PIECE = re.compile(r"[^@/:：、，,。…\n]+")
"""What stands between these is a name of its own, whatever the model joins."""
_ACCOUNT = re.compile(r"@[\w.·-]+")
_LATIN_FORM = re.compile(r" ?[（(]([A-Za-zÀ-ɏ][A-Za-zÀ-ɏ .'’-]{3,40})[）)]")
_CAPITALISED = re.compile(r"[A-Z][a-zà-ɏ'’-]+(?: [A-Z][\w.'’-]*)+")
_SURELY_PLACE = 2.5
_SURE = 0.6


def chinese_people(text: str, names: Sequence[NameSpan]) -> list[tuple[int, int, float]]:
    """Return the spans and the scores of the personal names among what LAC proposes.

    A title or kinship word at its end does not belong to a name; what is swallowed or
    comes in tablets is a medicine. What LAC holds for a place may be a name where it has
    the form of one. All that is a name in an account's (after an @) is one, and the Latin
    form that follows a foreign name in brackets is another. The score is the probability
    that it is a name, where one that is missed counts for more.
    """
    people: list[tuple[int, int, float]] = []
    for name in names:
        proposed = name if name.entity == "PERSON" else _instead_of_place(text, name)
        if name.entity == "PERSON" and kind_of_place(text, name) is not None:
            continue
        if proposed is not None:
            people += [
                (start, end, probability(text, start, end, proposed))
                for start, end in _stretches(text, proposed)
            ]
    people = _one_an_account(text, people)
    latin = [form for person in people if (form := _latin_form(text, *person))]
    return [p for p in people if not any(a < p[1] and p[0] < b for a, b, _ in latin)] + latin


def _instead_of_place(text: str, name: NameSpan) -> NameSpan | None:
    word = text[name.start : name.end]
    if (
        name.entity == "LOCATION"
        and name.otherwise == "PER"
        and name.margin < _SURELY_PLACE
        and is_like_a_chinese_name(word)
    ):
        margin = -abs(name.margin)
        return replace(name, entity="PERSON", margin=margin, worst=margin, otherwise="LOC")
    return None


def _stretches(text: str, name: NameSpan) -> Iterator[tuple[int, int]]:
    for piece in _PIECE.finditer(text, name.start, name.end):
        span = _trimmed(text, *piece.span())
        if span is not None:
            yield span


def _one_an_account(
    text: str, people: Sequence[tuple[int, int, float]]
) -> list[tuple[int, int, float]]:
    if "@" not in text:
        return list(people)
    accounts = [m.span() for m in _ACCOUNT.finditer(text)]
    joined: dict[int, tuple[int, int, float]] = {}
    for start, end, score in people:
        key = next((a for a, b in accounts if a < start and end <= b), -start - 1)
        a, b, best = joined.get(key, (start, end, score))
        joined[key] = min(a, start), max(b, end), max(best, score)
    return list(joined.values())


def _latin_form(text: str, start: int, end: int, score: float) -> tuple[int, int, float] | None:
    found = _LATIN_FORM.match(text, end)
    if found is None or score < _SURE:
        return None
    is_foreign = not is_like_a_chinese_name(text[start:end])
    if is_foreign or _CAPITALISED.fullmatch(found[1]):
        return *found.span(1), score
    return None


def _trimmed(text: str, start: int, end: int) -> tuple[int, int] | None:
    while start < end and not text[start].isalnum():
        start += 1
    while end > start and not text[end - 1].isalnum():
        end -= 1
    rest = _DOTTED_REST.match(text, end)
    end = rest.end() if rest else end
    tail = _TITLE_END.search(text, start, end)
    if tail and tail.start() > start:
        end = tail.start()
    if end - start >= 4 and text[start] == "任":  # "took office as": hardly a surname before three
        start += 1
    name = text[start:end]
    if len(name) == 1:
        is_titled = name not in _NO_SURNAME_BEFORE_TITLE and _TITLE_NEXT.match(text, end)
        return (start, end) if is_titled and name >= "\u4e00" else None
    if (
        not _ANY_LETTER.search(name)
        or name in _KINSHIP
        or _NO_NAME_START.match(name)
        or _TAKEN_BEFORE.search(text, max(0, start - 4), start)
        or _DOSE_BEHIND.match(text, end)
    ):
        return None
    return start, end
