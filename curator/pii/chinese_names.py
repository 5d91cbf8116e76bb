"""Chinese personal names: which of the stretches that a model may hold for one are one."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

from curator.text import HAN

if TYPE_CHECKING:
    from collections.abc import Mapping

    from curator.models.ner import NameSpan

SURNAMES = frozenset(
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗郑梁谢宋唐许韩冯邓曹彭曾肖田董袁潘于蒋蔡余杜叶程苏魏吕丁任沈"
    "姚卢姜崔钟谭陆汪范金石廖贾夏韦付方白邹孟熊秦邱江尹薛闫段雷侯龙史陶黎贺顾毛郝龚邵万钱严覃武戴莫孔向汤"
    "温康施文牛樊葛邢安齐易乔伍庞颜倪庄聂章鲁岳翟殷詹申欧耿关兰焦俞左柳甘祝包宁尚符舒阮柯纪梅童凌毕单季裴"
    "霍涂成苗谷盛曲翁冉骆蓝路游辛靳欧管柴蒙鲍华喻祁蒲房滕屈饶解牟艾尤阳时穆农司卓古吉缪简车项连芦麦褚娄窦戚"
    "岑景党宫费卜冷晏席卫米柏宗瞿桂全佟应臧闵苟邬边卞姬师和仇栾隋商刁沙荣巫寇桑郎甄丛仲虞敖巩明佘池查麻苑迟"
    "邝官封谈匡鞠惠荆乐冀郁胥南班储原栗燕楚鄢劳谌奚皮粟冼蔺楼盘满闻位厉伊仝区郜海阚花权强帅屠豆朴盖练廉禹井"
    "祖漆巴丰支卿国狄平计索宣晋相初门云容敬来扈晁芮都普阙浦戈伏鹿薄邸雍辜羊阿乌母裘亓修邰赫杭况那宿鲜印逯隆"
    "茹诺战慕危玉银亢嵇公哈湛宾戎勾茅利於呼居揭干但尉冶斯元束檀衣信展阴昝智幸奉植衡富尧闭由"
    "張劉陳楊黃趙吳孫馬鄭謝許韓馮鄧蕭葉蘇魏呂盧鐘譚陸範賈韋鄒龍賀顧龔邵萬錢嚴湯溫齊喬龐顏莊聶魯關蘭紀單畢駱藍管饒鍾簡車項連"
)
"""Single-character surnames, simplified and traditional."""

COMPOUND_SURNAMES = (
    "欧阳", "歐陽", "司马", "司馬", "上官", "诸葛", "諸葛", "东方", "東方", "皇甫", "尉迟", "公孙",
    "公孫", "慕容", "令狐", "司徒", "夏侯", "端木", "独孤", "南宫", "轩辕", "宇文", "长孙", "闻人",
    "百里", "呼延", "东郭", "澹台", "拓跋", "申屠", "太史", "淳于", "单于", "张简", "范姜",
)  # fmt: skip

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
_HAN_NAME = re.compile(f"[{HAN}]+")
_DOT = "·•‧∙"
_DOTTED_REST = re.compile(f"(?:[{_DOT}][{HAN}]{{1,8}})+")
_DOTTED = re.compile(f"[{HAN}]{{1,8}}(?:[{_DOT}][{HAN}]{{1,8}})+")
_TITLE = (
    "先生|女士|小姐|太太|夫人|医生|大夫|医师|主任|老师|教授|博士|同学|同志|先森|宝宝|妈妈|爸爸|奶奶|爷爷|阿姨|叔叔|"
    "醫生|醫師|主任|老師|教授"
)
_TITLE_END = re.compile(f"(?:{_TITLE})家?$|(?:哥|姐|总|某+|氏|家|们)$")
_NO_LETTERS = re.compile(rf"[^\w\s.{_DOT}]|[\d_]")
_ANY_LETTER = re.compile(r"[^\W\d_]")
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
_LIST = "、，,：:（(/和与及"
_MISS = math.log(4)
"""A name that is missed weighs four times as much as a word that is hidden for nothing."""

WEIGHTS: Mapping[str, float] = {
    "2 Han": 0.12,
    "3 Han": 0.1,
    "4 Han": -0.08,
    "after @": 1.12,
    "after a list mark": 0.13,
    "after a role": 1.41,
    "always": -1.69,
    "before a colon": 0.6,
    "before a kind of place": -0.26,
    "before a list mark": 0.68,
    "before a man's or a woman's": 1.04,
    "before a title": 0.36,
    "begins the text": 0.27,
    "dotted": 0.49,
    "else LOC": 0.08,
    "else ORG": -0.14,
    "else TIME": -0.14,
    "else m": -0.07,
    "else n": -0.17,
    "else nw": -0.06,
    "else nz": -0.37,
    "else p": 0.21,
    "else r": -0.13,
    "else s": 0.37,
    "else vn": -0.14,
    "else w": -0.26,
    "else xc": -0.92,
    "ends a book's title": -0.46,
    "latin": -1.05,
    "latin name": 2.38,
    "margin": 0.95,
    "margin below 0": 0.21,
    "no letters": -0.15,
    "no surname": -0.33,
    "one character again": 0.26,
    "quoted": -0.5,
    "says": 0.06,
    "surname": 0.54,
    "surname and one": -0.37,
    "surname and three": 0.2,
    "surname, margin": 0.35,
    "worst": -0.44,
}
"""Log odds, by logistic regression (C = 0.3) over what LAC proposes in one half of three
annotated sets (résumés, Weibo, CLUENER2020) and in medical questions, which hold hardly a name."""


def chinese_person(text: str, name: NameSpan) -> tuple[int, int, float] | None:
    """Return the span and the score of a personal name as it should be hidden, or None.

    A title or kinship word at its end does not belong to it; what is swallowed or comes
    in tablets is a medicine. The score is the probability that it is a name, where one
    that is missed counts for more.
    """
    span = _trimmed(text, name.start, name.end)
    if span is None:
        return None
    odds = sum(
        WEIGHTS.get(sign, 0.0) * value for sign, value in evidence(text, *span, name).items()
    )
    return *span, round(1 / (1 + math.exp(-odds - _MISS)), 3)


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
    if (
        len(name) < 2
        or not _ANY_LETTER.search(name)
        or name in _KINSHIP
        or _NO_NAME_START.match(name)
        or _TAKEN_BEFORE.search(text, max(0, start - 4), start)
        or _DOSE_BEHIND.match(text, end)
    ):
        return None
    return start, end


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
        "before a title": re.match(_TITLE, behind) is not None,
        "after a role": _ROLE.search(before) is not None,
        "says": _SAYS.match(behind) is not None,
        "after @": before.endswith("@"),
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
    if not _HAN_NAME.fullmatch(word):
        if _LATIN.search(word) is None:
            return {}
        signs = {"latin": 1.0, "latin, margin": margin}
        if _HAN_NAME.search(word):
            return {"mixed": 1.0}
        return signs | ({"latin name": 1.0} if _LATIN_NAME.fullmatch(word) else {})
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
