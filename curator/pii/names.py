"""Which of the names that a model finds are names of people; where else a record says them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from curator.text import HAN

if TYPE_CHECKING:
    from collections.abc import Container, Iterator

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

_HAN_NAME = re.compile(f"[{HAN}]{{2,4}}")
_DOTTED_NAME = re.compile(f"[{HAN}]{{1,8}}(?:[·•‧∙][{HAN}]{{1,8}}){{1,3}}")
_DOTTED_REST = re.compile(f"(?:[·•‧∙][{HAN}]{{1,8}})+")
_NO_NAME_END = re.compile(
    "(?:先生|女士|小姐|医生|大夫|主任|老师|同学|宝宝|妈妈|爸爸|奶奶|爷爷|阿姨|叔叔|哥|姐|总|某+|氏|家|们)$"
)
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
        "妈妈 爸爸 母亲 父亲 奶奶 爷爷 外婆 外公 姥姥 姥爷 宝宝 宝贝 哥哥 姐姐 弟弟 妹妹 叔叔 "
        "阿姨 舅舅 姑姑 老公 老婆 儿子 女儿 孩子 家长 大夫 医生 马上 安全 平安 明白 高兴 万一 "
        "全部 应该 时候 方便 成功 关于 由于 对于 都是 但是 可是 还是 那个 那么 那些 那里 那边 "
        "和平 国家 平时 平常 何时 何处 何必 任何 任意 白天 黄色 白色 高低 高度 石头 金额 金钱 "
        "房间 车子 车站 花费 花钱 水果 苗条 温度 温水 常见 常用 相关 上帝 耶稣 佛祖 菩萨 安利 "
        "华为 云南 海南 江苏 江西 江南 河南 湖南 于是 文化 文章 文件 方法 方案 方向"
    ).split()
)
_PARTICLE = "(?:van|von|de|der|den|del|della|di|da|dos|la|le|bin|al|el|ter|of)"
_CAPITALISED = r"[A-Z\u00c0-\u00de][A-Za-z\u00c0-\u024f.'’-]*"
_ENGLISH_NAME = re.compile(
    rf"{_CAPITALISED}(?:[ \u00a0]+(?:{_PARTICLE}[ \u00a0]+)*{_CAPITALISED}){{0,4}}"
)
_POSSESSIVE = re.compile(r"['’]s?$")
_LEAD = re.compile(
    r"^(?:(?:Mr|Mrs|Ms|Miss|Mx|Dr|Prof|Sir|Dear|Hi|Hello|Hey|Thanks|Thank|Ok|Okay)\b\.?,?\s+)+"
)
_NO_NAME = frozenset(
    (  # noqa: SIM905 - as above
        "i you he she it we they the a an and or but if so no yes not ok okay hi hello hey hiya "
        "thanks thank please sorry dear sir madam mom mum dad mommy daddy grandma grandpa baby "
        "god jesus christ lord christmas easter santa monday tuesday wednesday thursday friday "
        "saturday sunday january february march april may june july august september october "
        "november december google apple amazon microsoft facebook twitter instagram whatsapp "
        "wechat alexa siri windows linux python java javascript excel word android iphone ipad "
        "chrome netflix paypal visa mastercard bluetooth wifi covid tylenol ibuprofen aspirin "
        "motrin advil paracetamol amoxicillin benadryl zyrtec claritin pedialyte calpol english "
        "chinese french german spanish mandarin america china england python email e-mail phone "
        "address order refund account customer support team manager doctor nurse agent assistant "
        "user wow oh ah um hmm lol yep nope sure good great fine bye goodbye welcome "
        "qué cómo cuándo dónde quién quiénes cuál cuáles cuánto cuánta por hola "
        "gracias señor señora"
    ).split()
)
_MONTH_NAMES = frozenset({"April", "May", "June", "August"})
# A sentence, a line or a table cell begins here; so does what a Spanish sign opens.
_OPENING = re.compile(r"(?:^|[.!?:;。！？：；|\n\r¿¡•])[\s\"'“”‘’(\[*#>_–—-]*$")
_IN_TITLE = re.compile(r"[A-Z][a-z]{2,} $")
# "39 Rosengasse 77": a street between its numbers.
_NUMBER_BEFORE = re.compile(r"\d[A-Za-z]?,? $")
_NUMBER_BEHIND = re.compile(r",? \d")
_EDGE = r"(?<![A-Za-z\u00c0-\u024f]){}(?![A-Za-z\u00c0-\u024f])"


def chinese_name(text: str, start: int, end: int) -> tuple[int, int] | None:
    """Return the span of a Chinese personal name as it should be hidden, or None if it is none.

    It is two to four Han characters that begin with a surname, is joined by a middle
    dot (as Uyghur and translated names are). A title or kinship word at its end does
    not belong to it. What is swallowed or comes in tablets is a medicine.
    """
    while start < end and not text[start].isalnum():
        start += 1
    while end > start and not text[end - 1].isalnum():
        end -= 1
    rest = _DOTTED_REST.match(text, end)
    end = rest.end() if rest else end
    name = text[start:end]
    if _TAKEN_BEFORE.search(text, max(0, start - 4), start) or _DOSE_BEHIND.match(text, end):
        return None
    if _DOTTED_NAME.fullmatch(name):
        return start, end
    tail = _NO_NAME_END.search(name)
    if tail:
        end -= len(tail.group())
        name = text[start:end]
    if not _HAN_NAME.fullmatch(name) or name in _KINSHIP or _NO_NAME_START.match(name):
        return None
    if name.startswith(COMPOUND_SURNAMES):
        return (start, end) if len(name) >= 3 else None
    if name[0] in SURNAMES and name != name[0] * 2:
        return (start, end) if len(name) <= 3 or name[1] in SURNAMES else None
    return None


def english_name(
    text: str, start: int, end: int, ordinary: Container[str] = ()
) -> tuple[int, int] | None:
    """Return the span of an English personal name as it should be hidden, or None if it is none.

    Every word but particles begins with a capital; digits, product names and words
    of greeting are none. Titles before it and the possessive do not belong to it.
    A single ordinary word that begins a sentence, or goes on with a title, owes its
    capital to that. What stands between two numbers is a street.
    """
    lead = _LEAD.match(text[start:end])
    if lead:
        start += lead.end()
    tail = _POSSESSIVE.search(text[start:end].rstrip())
    if tail:
        end = start + tail.start()
    while end > start and not text[end - 1].isalnum():
        end -= 1
    found = _ENGLISH_NAME.match(text, start, end)
    if found is None:
        return None
    end = found.end()
    while end > start and not text[end - 1].isalnum():
        end -= 1
    words = text[start:end].split()
    if not words or any(c.isdigit() for c in text[start:end]):
        return None
    first = words[0].lower() in _NO_NAME and (len(words) == 1 or words[0] not in _MONTH_NAMES)
    if first or words[-1].lower() in _NO_NAME:
        return None
    if len(words) == 1 and (len(words[0]) < 3 or words[0].isupper()):
        return None
    before = text[max(0, start - 24) : start]
    is_street = _NUMBER_BEFORE.search(before) and _NUMBER_BEHIND.match(text, end)
    owes_capital = lead is None and (_OPENING.search(before) or _IN_TITLE.search(before))
    if is_street or (len(words) == 1 and owes_capital and words[0] in ordinary):
        return None
    return start, end


def mentions(name: str, text: str) -> Iterator[tuple[int, int]]:
    """Yield where else a name stands, spelled the same; a Latin one as whole words."""
    if name[0].isascii():
        pattern = re.compile(_EDGE.format(re.escape(name)))
        yield from (m.span() for m in pattern.finditer(text))
        return
    at = text.find(name)
    while at >= 0:
        yield at, at + len(name)
        at = text.find(name, at + len(name))
