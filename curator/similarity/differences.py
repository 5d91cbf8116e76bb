"""What a text claims in numbers, negations and yes or no: where near-equal texts may disagree."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Literal

from curator.text import PLACEHOLDER

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

Polarity = Literal["yes", "no"]


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number and its unit. In known units `value` is in the base unit: `0.5 g` is `500 mg`.

    `unit` is empty where none is known. `value` is a fraction or, for versions
    and dates (1.2.3), the digits as they stand. `written` is the number before
    its unit counts, and tells no quantities apart.
    """

    value: str
    unit: str
    written: str = field(default="", compare=False)


# Unit as written → (base unit, factor).
_UNITS: dict[str, tuple[str, Fraction]] = {
    spelling: (base, Fraction(factor))
    for base, factor, spellings in (
        ("mg", "0.001", "μg ug mcg 微克 microgram micrograms"),
        ("mg", "1", "mg 毫克 milligram milligrams"),
        ("mg", "1000", "g 克 gram grams"),
        ("mg", "500000", "斤"),
        ("mg", "1000000", "kg 公斤 千克 kilogram kilograms kilo kilos"),
        ("ml", "1", "ml 毫升 cc milliliter milliliters millilitre millilitres"),
        ("ml", "1000", "l 升 liter liters litre litres"),
        ("s", "1", "秒 秒钟 sec secs second seconds"),
        ("s", "60", "分钟 min mins minute minutes"),
        ("s", "3600", "小时 个小时 个钟头 钟头 h hr hrs hour hours"),
        ("s", "86400", "天 日 day days"),
        ("s", "604800", "周 星期 个星期 礼拜 个礼拜 week weeks"),
        ("month", "1", "个月 月 month months"),
        ("month", "12", "年 year years"),
        ("age", "1", "岁 周岁"),
        ("%", "1", "% percent"),
        ("degree", "1", "度 ℃ °c 摄氏度 ° degree degrees"),
        ("fahrenheit", "1", "℉ °f 华氏度"),
        ("time", "1", "次 回 time times dose doses"),
        ("tablet", "1", "片 粒 颗 tablet tablets pill pills capsule capsules"),
        ("drop", "1", "滴 drop drops"),
        ("pack", "1", "袋 包 sachet sachets packet packets"),
        ("yuan", "1", "元 块 块钱 元钱 rmb cny"),
        ("dollar", "1", "美元 dollar dollars usd"),
        ("mm", "1", "mm 毫米 millimeter millimeters millimetre millimetres"),
        ("mm", "10", "cm 厘米 公分 centimeter centimeters centimetre centimetres"),
        ("mm", "1000", "m 米 meter meters metre metres"),
        ("mm", "1000000", "km 公里 千米 kilometer kilometers kilometre kilometres"),
        ("person", "1", "人 位 名 people persons person"),
        ("fold", "1", "倍 fold"),
        ("unit", "1", "单位 國際單位 国际单位 單位 iu unit units"),
        ("euro", "1", "欧元 euro euros eur"),
        ("pound", "1", "英镑 pound pounds gbp"),
    )
    for spelling in spellings.split()
}
_MONEY = {"$": "dollar", "¥": "yuan", "￥": "yuan", "€": "euro", "£": "pound"}
_HAN_UNITS = sorted(
    (u for u in _UNITS if not u.isascii() and u[0] > "\u3000"), key=len, reverse=True
)
_LATIN_UNITS = sorted((u for u in _UNITS if u not in _HAN_UNITS), key=len, reverse=True)
_UNIT = (
    rf"(?P<unit>{'|'.join(map(re.escape, _HAN_UNITS))}"
    rf"|(?:{'|'.join(map(re.escape, _LATIN_UNITS))})(?![A-Za-z]))"
)
# Every pattern begins with a set of characters, which `re` searches for quickly.
_DIGITS = re.compile(rf"(?P<number>\d[\d.,．]*(?<=\d))(?:[ \u00a0-]?{_UNIT})?", re.IGNORECASE)
_HAN_DIGITS = {c: i for i, c in enumerate("零一二三四五六七八九")} | {"〇": 0, "两": 2, "半": 0}
_HAN_POWERS = {"十": 10, "百": 100, "千": 1000, "万": 10_000, "亿": 100_000_000}
_HAN_NUMBER = re.compile(
    # A run of numerals is tried once, from its start: long ones would else cost their square.
    r"(?P<number>半|(?<![零〇一二两三四五六七八九十百千万亿])[零〇一二两三四五六七八九十百千万亿]++)"
    rf"(?P<unit>{'|'.join(_HAN_UNITS)})(?P<half>半)?"
)
_SMALL = """zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen
fifteen sixteen seventeen eighteen nineteen twenty"""
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety"
_POWERS = {"hundred": 100, "thousand": 1000, "million": 1_000_000}
_WORDS = {word: value for value, word in enumerate(_SMALL.split())} | {
    word: 10 * tens for tens, word in enumerate(_TENS.split(), start=2)
}
_OFTEN = {"once": 1, "twice": 2, "thrice": 3}
_NUMBER_WORDS = frozenset((*_WORDS, *_OFTEN))
_NUMERAL = re.compile(r"[\d零〇一二两三四五六七八九十百千万亿半]")
_EDGES = ".,;:!?()\"'"

_NOT_NEGATIVE = re.compile(
    "(.)[不没沒]\\1|有没有|有沒有|是否|能否|可否|与否|非常|非洲|除非|特别|别人|别的|区别|分别|级别|性别|类别"
    "|个别|识别|鉴别|差别|告别|不过|不仅|不但|不断|不只|不错|不管|不论|不同|不久|不少|不良|不适|不知"
    "|差不多|对不起|不好意思|无论|未来|没关系|没事|没问题|不要紧|不用担心|不必担心|不客气|不用谢"
    "|是否|沒關係|沒事|沒問題|無論|不過|不僅|不斷|不錯|不論|不適|差不多|對不起|不客氣|不用謝"
)
_HAN_NEGATION = re.compile("[不没沒无無非未勿莫忌禁]|[别](?<![分区级性类个识鉴差告特]别)|否(?!则)")
_HAN_NEGATIVE = re.compile("[不没沒无無非未勿莫忌禁别否]")
_ENGLISH_NEGATION = re.compile(
    r"[nwcd](?<![a-z].)(?:(?<=n)(?:o|ot|ever|one|othing|obody|either|or)|(?<=w)ithout"
    r"|(?<=c)an(?:no)?t|(?<=d)ont)(?![a-z])"
)
_NOT = re.compile(r"n['\u2019]t(?![a-z])")
_ENGLISH_SET_PHRASE = re.compile(r"no (?:problem|worries|doubt|matter)|not only")

_GREETING = re.compile(
    r"^(?:\s|[，,。.!！:：;；~]|您好|你好|亲爱的|亲|患者|朋友|家长|医生|没关系|没事|没问题|不要紧"
    r"|不用担心|不必担心|别担心|请放心|放心|很抱歉|非常抱歉|抱歉|不好意思|对不起"
    r"|(?i:hello|hi|dear \w+|no problem|no worries|don['\u2019]t worry"
    r"|(?:(?:i am|we are|i['\u2019]m) )?(?:very )?sorry"
    r"|thanks?(?: you)?)(?![a-z]))+"
)
_ECHO = re.compile(r"^(?:[^.。!！?？\n]{0,120}[?？]\s*)+")
"""The questions that an answer begins with, most often the one that was asked."""
_NO = re.compile(
    "不(?![同过仅但断少错久管论妨])|没有|没(?!错)|并不|并非|否(?!则)|无法|无需|切勿|禁止|严禁|千万别|最好不|尽量不"
    r"|(?i:(?:no|nope|not|never|cannot|negative|false|incorrect)(?![a-z]))"
)
_YES = re.compile(
    "是(?!否|不是)|对(?!于|不)|可以|可(?!能|否|是)|能(?!否|不)|会(?!不)|行(?!不)"
    "|有(?!没|可能|时|些|的)|支持|需要|要(?!不|是|看)|应该|应当|当然|没错|建议"
    "|(?i:(?:yes|yep|yeah|sure|certainly|definitely|absolutely|of course|correct|true|right)"
    "(?![a-z]))"
)
_ASKS_YES_NO = re.compile(
    r"(?:[吗嗎嘛]|(?<![什甚怎多那这這])[么麼])[?？。！!~\s]*$|(.)[不没]\1|有没有|是否|能否|可否|会否"
    r"|(?i:(?:^|[.!?\n]\s*)(?:so |and |but )?(?:is|are|was|were|do|does|did|can|could|should|will"
    r"|would|may|must|has|have|am)(?![a-z])[^?.!\n]*\?)"
)
_ENGLISH_AFFIRMS = re.compile(
    r"(?i:(?<![a-z])(?:can|may|is|are|should|will|does|do|has|have|it's|it\u2019s|must)(?![a-z]))"
)
_DENIES = re.compile(
    "危险|危險|有害|伤身|忌讳|避免|禁用|违法|违规"
    r"|(?i:(?<![a-z])(?:risky|dangerous|unsafe|harmful|impossible|forbidden|prohibited|banned|illegal"
    r"|unwise|avoid|refrain|harms?|unlikely)(?![a-z]))"
)
"""What says no without a negation."""
_CLAUSE = re.compile(r"[。！？；，!?;\n]+|,(?!\d)|\.(?=\s|$)")
_FIRST_CLAUSE_CHARS = 60
_LONGEST = 30  # digits: what is longer is no quantity, but a code


def quantities(text: str, words: Collection[str] | None = None) -> list[Quantity]:
    """Return the numbers of a text, in order of appearance by way of writing.

    Placeholders' numbers and list numbering are none. Chinese numerals and
    English number words count where a unit follows. Where the text's tokens are
    at hand, `words` tells at once that it holds no English one.
    """
    worded = words is None or not (_NUMBER_WORDS.isdisjoint(words))
    if not _NUMERAL.search(text):
        return _worded(text) if worded else []
    if "[" in text:
        text = PLACEHOLDER.sub(" ", text)
    found = []
    for match in _DIGITS.finditer(text):
        number, unit = match["number"], (match["unit"] or "").lower()
        if not unit and _enumerates(text, match.start(), match.end()):
            continue
        before = text[max(0, match.start() - 2) : match.start()].rstrip()[-1:]
        found.append(_quantity(_value(number), unit, _MONEY.get(before, "")))
    for match in _HAN_NUMBER.finditer(text):
        value = _han_value(match["number"])
        if match["half"] and isinstance(value, Fraction):
            value += Fraction(1, 2)
        found.append(_quantity(value, match["unit"], ""))
    return found + _worded(text) if worded else found


def without_quantities(text: str) -> str:
    """Return the text without the numbers in digits and their units."""
    return _DIGITS.sub(" ", text)


def _worded(text: str) -> list[Quantity]:
    """Return the quantities in English words: twenty-five euros, eight or ten doses, twice."""
    words = text.lower().replace("-", " ").split()
    if _WORDS.keys().isdisjoint(words) and not any(often in text.lower() for often in _OFTEN):
        return []
    found: list[Quantity] = []
    waiting: list[Fraction] = []
    index = 0
    while index < len(words):
        word = words[index]
        value, used = _english_value(words[index : index + 6])
        if used:
            waiting.append(Fraction(value))
            index += used
            if words[index : index + 1] and words[index] in {"or", "to", "and"}:
                # "eight or ten doses": the first number has the second's unit.
                index += 1
            continue
        unit = word.strip(_EDGES)
        if waiting and len(unit) > 2 and unit in _UNITS:
            found += [_quantity(value, unit, "") for value in waiting]
        waiting = []
        if unit in _OFTEN:
            found.append(Quantity(str(_OFTEN[unit]), "time", unit))
        index += 1
    return found


def _english_value(words: Sequence[str]) -> tuple[int, int]:
    """Return the number that begins a run of words, and how many of them it takes."""
    total = section = used = 0
    last = 0
    for word in words:
        if word in _POWERS and used:
            power = _POWERS[word]
            if power == 100:
                section *= power
            else:
                total, section = total + section * power, 0
            last = power
        elif word in _WORDS and (
            not used or last >= 100 or (last in range(20, 100, 10) and 0 < _WORDS[word] < 10)
        ):
            last = _WORDS[word]
            section += last
        elif word != "and" or last < 100:
            break
        used += 1
    return total + section, used


def _enumerates(text: str, start: int, end: int) -> bool:
    """Whether the digits number an item of a list: `1.` at a line's start, `2）` anywhere."""
    after, then = text[end : end + 1], text[end + 1 : end + 2]
    if end - start > 2 or then.isdigit() or not after:
        return False
    before = text[start - 1 : start]
    if after in ")）、":
        return not (before.isalnum() and before.isascii())
    line = text[max(0, start - 4) : start]
    return after in ".．:：" and (not line.strip(" \t(（") or line.rstrip(" \t(（").endswith("\n"))


def _quantity(value: Fraction | str, unit: str, base: str) -> Quantity:
    factor = Fraction(1)
    if unit:
        base, factor = _UNITS[unit]
    return Quantity(value if isinstance(value, str) else str(value * factor), base, str(value))


def _value(number: str) -> Fraction | str:
    number = number.replace("．", ".")
    if len(number) > _LONGEST:
        return number
    if re.fullmatch(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?", number):
        number = number.replace(",", "")
    if number.count(".") > 1 or "," in number:
        return number
    return Fraction(Decimal(number))


def _han_value(number: str) -> Fraction | str:
    """Return the value of a Chinese numeral: 二十五, 一百零三, 两万, 二〇二四, 半."""
    if number == "半":
        return Fraction(1, 2)
    if len(number) > _LONGEST:
        return number
    if not any(c in _HAN_POWERS for c in number):
        return Fraction(int("".join(str(_HAN_DIGITS[c]) for c in number)))
    total = section = digit = 0
    for char in number:
        power = _HAN_POWERS.get(char)
        if power is None:
            digit = _HAN_DIGITS[char]
        elif power >= 10_000:
            total = (total + section + digit) * power
            section = digit = 0
        else:
            section += (digit or 1) * power
            digit = 0
    return Fraction(total + section + digit)


def negations(text: str) -> int:
    """Return how many negations a text holds; A-not-A questions and set phrases are none."""
    count = 0
    if _HAN_NEGATION.search(text):
        count = len(_HAN_NEGATION.findall(_NOT_NEGATIVE.sub(" ", text)))
    lower = text.lower()
    found = len(_ENGLISH_NEGATION.findall(lower))
    if found:
        found -= len(_ENGLISH_SET_PHRASE.findall(lower))
    return count + found + len(_NOT.findall(lower))


def negation_marks(text: str) -> Counter[str]:
    """Return the negative characters and words as they stand, those of set phrases too.

    Where two texts have the same ones, none was put in or taken out.
    """
    lower = text.lower()
    return Counter(_HAN_NEGATIVE.findall(lower)) + Counter(
        {"en": len(_ENGLISH_NEGATION.findall(lower)), "n't": len(_NOT.findall(lower))}
    )


_SAID_AGAIN = re.compile("[不没沒无無非未](?![能可会會要该該行是得用必需])[\u3400-\u9fff]")
"""A negation that belongs to a thing, such as 不全, 无糖: where the question holds it too."""


def without_named_negations(question: str, answer: str) -> str:
    """Return an answer without the negations that it says again of what is asked about."""
    asked = _NOT_NEGATIVE.sub(" ", question)
    named = set(_SAID_AGAIN.findall(asked))
    return _SAID_AGAIN.sub(lambda m: " " if m.group() in named else m.group(), answer)


def polarity(question: str, answer: str) -> tuple[Polarity | None, bool]:
    """Return whether an answer says yes or no, and whether it says so with its first word.

    Where it does not, a yes-or-no question is needed, and the answer's first clause decides.
    """
    answer = without_named_negations(question, _ECHO.sub("", answer))
    rest = answer[_GREETING.match(answer).end() :] if _GREETING.match(answer) else answer  # type: ignore[union-attr]
    asks = _ASKS_YES_NO.search(question) is not None
    if not asks:
        return None, False
    if _NO.match(rest):
        return "no", True
    first = _CLAUSE.split(rest, maxsplit=1)[0][:_FIRST_CLAUSE_CHARS]
    if _YES.match(rest):
        # "会不会…要看" and "是不能的" affirm nothing.
        return ("no", False) if negations(first) else ("yes", True)
    if negations(first) or (_DENIES.search(first) and not _DENIES.search(question)):
        return "no", False
    if _YES.search(first) or _ENGLISH_AFFIRMS.search(first):
        return "yes", False
    return None, False


_ASKS_CHARGE = re.compile(
    "收费|收費|免费|免費|付费|付費|要钱|要錢|花钱|花錢|加钱|加錢|手续费|手續費|运费|運費|费用|費用"
    r"|(?i:(?<![a-z])(?:free|charged?|cost|fees?|pay)(?![a-z]))"
)
_FREE = re.compile(
    "免费|免費|免收|免[运運邮郵手]|不(?:另|再|会|會|需)?(?:收|要钱|要錢|用钱|用錢|花钱|花錢)"
    "|(?:无需|無需|不用|不必|不需要?)(?:另外?|再)?(?:付|交|支付|缴|繳|加钱|加錢)"
    r"|(?i:(?<![a-z])(?:(?:for )?free(?! to )|at no (?:extra )?(?:cost|charge)"
    r"|no (?:extra )?(?:charge|fee|cost)s?"
    r"|(?:not|never) charged?|costs nothing|without (?:charge|a fee))(?![a-z]))"
)
_CHARGED = re.compile(
    r"收(?:费|費|取|[一二两三四五六七八九十百\d])|[都要会會另须須需照]收(?![到货貨件藏据據拾入养養录錄集回起看])"
    r"|要钱|要錢|付费|付費|自费|自費|[\d一二两三四五六七八九十百千](?:元|块|塊|美元|欧元)"
    r"|(?i:[$€£¥]\s?\d|(?<![a-z])(?:we charge|is charged|are charged|there is a (?:charge|fee)"
    r"|costs? (?:\d|an?|one|two|three|five|ten)|(?:dollars|euros|pounds)(?![a-z])))"
)


def charge(question: str, answer: str) -> Literal["free", "charged"] | None:
    """Return what an answer says to a question about a charge: the first clause that tells."""
    if not _ASKS_CHARGE.search(question):
        return None
    for clause in clauses(answer):
        if _FREE.search(clause):
            return "free"
        if _CHARGED.search(clause):
            return "charged"
    return None


def clauses(text: str) -> list[str]:
    """Return the text's clauses: what lies between commas, stops and line breaks."""
    return [clause for clause in _CLAUSE.split(text) if clause.strip()]
