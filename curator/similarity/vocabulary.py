"""Words by what they do when near-equal texts are compared: courtesy, grammar, opposites, drugs.

The lists are short on purpose: they decide only where texts differ by a word
or two, and what they do not know is judged by how it is written.
"""

from __future__ import annotations

import re

COURTESIES = re.compile(
    r"(?:[\s~、:：]|您好|你好|大家好|医生|大夫|老师|专家|亲爱的|亲|请问|想问|问一下|一下"
    r"|请教|咨询|早上好|下午好|晚上好|谢谢|多谢|感谢|谢了|辛苦了|麻烦了|再见|客服|朋友|先生|女士"
    r"|[您你们了呢啊的]|祝[^，。！\n]{1,14}|请(?:帮忙|帮助|帮帮)"
    r"|(?i:hello|hi|hey|dear(?: \w+){1,2}|good (?:morning|afternoon|evening|day)|there|doctor"
    r"|please|help|many|thanks?(?: you)?(?: (?:so|very) much)?(?: in advance)?|everyone|all"
    r"|(?:best|kind|warm)(?:est)? (?:regards|wishes)|regards|sincerely|cheers|yours)(?![a-z]))*+"
)
"""A clause that greets, thanks or takes leave, and says nothing else."""

_GRAMMAR = """a an the this that these those it its he she they them his her their him we us our
you your i me my who whom whose which what when where why how and or but so if then than as of to
in on at by for from with about into over under through during between among against upon within
per via up down out off is are was were be been being am do does did done doing have has had
having will would shall should can could may might must ought need not no nor very really also
just often too quite rather even still yet already again there here some any each every all both
more most much many few little other another such same own only please thanks thank hello hi dear
regards kindly well now ever always usually generally typically however therefore thus hence
because since while though although whether either neither let get got make made like ones once
twice thrice one two three four five six seven eight nine ten"""
_GENERAL_EN = """after before following prior since until till when whenever once upon onto
toward towards beyond beside besides plus despite unless instead rather perhaps maybe possibly
probably likely normally commonly mostly mainly largely roughly approximately around nearly
almost about exactly simply merely clearly certainly surely definitely absolutely actually
basically especially particularly specifically quickly promptly immediately soon shortly right
straight directly again furthermore moreover additionally also further meanwhile afterwards
afterward later then next finally firstly secondly suggest suggests suggested recommend
recommends recommended advise advises advised propose want wants wish need needs needed require
requires required use uses used using utilize utilise employ make makes making give gives given
provide provides provided offer offers get gets getting obtain receive put puts set place keep
keeps kept hold take takes taken taking go goes going come comes see sees look looks check checks
find finds found choose chooses chosen choosing pick select selects selected try tries tried
attempt ensure sure verify confirm press presses click clicks tap taps hit push start starts
begin begins help helps helped assist assists allow allows enable let show shows shown display
tell tells told say says said explain explains describe describes contact reach ask asks happen
happens occur occurs cause causes lead leads result results seem seems appear appears become
becomes remain remains stay stays contain contains include includes including consist suits suit
fit fits fine good great nice okay ok well better best proper suitable appropriate correct
important essential crucial key main major several various different many numerous multiple
certain specific common usual normal typical able unable big large huge small little tiny quick
fast rapid easy simple hard difficult often frequently regularly sometimes occasionally thing
things way ways method methods manner kind kinds type types sort part parts bit lot lots number
amount case cases issue issues problem problems matter matters question questions answer answers
point points example examples reason reasons situation people person someone anyone everyone
everybody sir madam guys folks team staff friend friends customer support regarding concerning
per via within throughout across along among"""
_GENERAL_ZH = """一般 通常 平时 往往 常常 经常 时常 有时 偶尔 大多 多数 大部分 基本 基本上 大约
大概 左右 差不多 几乎 可能 也许 或许 兴许 建议 推荐 提议 劝您 最好 尽量 尽可能 立即 立刻 马上
赶紧 赶快 尽快 尽早 及时 随时 随后 然后 接着 之后 以后 后来 最后 最终 首先 其次 再次 另外 此外
同时 并且 而且 以及 还有 或者 或是 但是 不过 可是 然而 只是 因为 由于 所以 因此 因而 于是 如果
假如 要是 倘若 若是 的话 虽然 尽管 即使 就算 无论 不管 只要 只有 除非 为了 对于 关于 至于 根据
按照 依照 通过 经过 采用 采取 使用 利用 运用 需要 必须 必需 务必 一定 肯定 确实 的确 应该 应当
理应 可以 能够 能否 是否 可否 非常 十分 特别 很是 相当 比较 较为 稍微 有点 有些 极其 极为 更加
越来越 完全 全部 所有 一切 各种 各类 许多 很多 不少 大量 一些 几个 某些 其他 其它 别的 这个 那个
这些 那些 这样 那样 这种 那种 这里 那里 此处 目前 现在 眼下 如今 当前 近期 最近 当时 时候 期间
情况 状况 情形 问题 疑问 方法 办法 方式 途径 措施 原因 缘故 因素 结果 影响 作用 效果 事情 东西
地方 方面 部分 内容 信息 帮助 协助 帮忙 支持 提供 给予 给出 进行 开展 实施 出现 发生 产生 造成
导致 引起 引发 致使 存在 属于 具有 具备 拥有 包括 包含 涵盖 表示 显示 表明 说明 解释 介绍 告诉
告知 通知 联系 咨询 询问 请教 了解 知道 清楚 明白 认为 觉得 感觉 以为 希望 期望 想要 打算 准备
开始 继续 保持 维持 注意 留意 当心 小心 重视 看重 观察 检查 查看 看看 确认 核实 核对 选择 挑选
选取 点击 点按 单击 轻点 按下 前往 去到 到达 来到 就诊 就医 看医生 看病 治疗 救治 医治 诊治 调整
调节 改善 改进 提升 恢复 康复 好转 缓解 消除 去除 处理 解决 办理 完成 实现 达到 获得 取得 得到
合适 适合 适当 恰当 合理 正常 普通 常见 重要 主要 关键 必要 简单 容易 方便 便捷 快速 迅速 很快
仔细 认真 详细 具体 我们 咱们 大家 患者 病人 用户 客户 顾客 亲们 朋友 小孩 孩子 宝宝 儿童 您的
你的 商品 产品 货品"""
FUNCTION_WORDS = frozenset((*_GRAMMAR.split(), *_GENERAL_EN.split()))
"""English words that name no thing of their own: grammar, fillers, numbers, the commonest verbs."""
GENERAL_WORDS = frozenset(_GENERAL_ZH.split())
"""Chinese words of the kind: where one of them stands for another word, no thing changed."""

FUNCTION_CHARACTERS = frozenset(
    "的地得了着过是在有和与及或而且但就都也很还又再才只不没无我你您他她它们这那哪些个一吗呢吧"
    "啊呀哦嘛么之其以于为被把给向从到对由让使要会能可想请说上下来去出里中时后前大多好如何怎什"
    "请问您国年生子"
)
"""Chinese characters that are often written by mistake, or carry no matter of their own."""

_OPPOSITES = """before/after above/below left/right more/less increase/decrease
increased/decreased increases/decreases raise/lower raises/lowers high/low higher/lower hot/cold
warm/cold hard/soft morning/evening morning/night day/night early/late earlier/later first/last
start/stop begin/end open/close opened/closed enable/disable enabled/disabled allow/forbid
allowed/forbidden always/never always/rarely often/rarely often/seldom with/without
include/exclude includes/excludes male/female man/woman men/women boy/girl father/mother
husband/wife son/daughter maximum/minimum most/least upper/lower inside/outside internal/external
acute/chronic safe/unsafe safe/dangerous possible/impossible positive/negative empty/full
fasting/fed buy/sell import/export send/receive push/pull accept/reject true/false yes/no on/off
fast/slow long/short big/small large/small young/old adults/children benign/malignant
oral/intravenous daily/weekly daily/monthly weekly/monthly hourly/daily monthly/yearly 饭前/饭后
餐前/餐后 空腹/饱腹 空腹/饭后 睡前/起床 术前/术后 产前/产后 以前/以后 之前/之后 以上/以下
以内/以外 左侧/右侧 左边/右边 增加/减少 增大/减小 升高/降低 上升/下降 提高/降低 偏高/偏低
过高/过低 高血压/低血压 高血糖/低血糖 促进/抑制 加重/减轻 良性/恶性 阳性/阴性 急性/慢性 男性/女性
男孩/女孩 男士/女士 儿子/女儿 父亲/母亲 丈夫/妻子 成人/儿童 孕前/孕后 内服/外用 口服/外用
口服/注射 热敷/冰敷 热敷/冷敷 冷水/热水 早上/晚上 早晨/晚上 白天/夜里 上午/下午 每天/每周
每日/每周 每周/每月 每天/每月 每月/每年 最大/最小 最高/最低 最多/最少 至少/至多 至少/最多
允许/禁止 可以/禁止 能够/无法 支持/反对 打开/关闭 开启/关闭 启用/禁用 买入/卖出 进口/出口
收入/支出 存款/取款 有效/无效 合法/非法 安全/危险 正确/错误 包括/除外 首次/末次 开始/停止
进项/销项"""
OPPOSITES: dict[str, tuple[str, ...]] = {}
"""Word → the words that say the opposite, or another measure of the same kind."""
for _pair in _OPPOSITES.split():
    _one, _, _other = _pair.partition("/")
    OPPOSITES[_one] = (*OPPOSITES.get(_one, ()), _other)
    OPPOSITES[_other] = (*OPPOSITES.get(_other, ()), _one)

OPPOSITE = re.compile("|".join(w for w in OPPOSITES if not w.isascii()))
"""The Chinese ones, which no space parts from what stands around them."""

_RIVALS = """左右 前后 早晚 男女 高低 增减 加减 升降 冷热 内外 开关 快慢 长短 轻重 干湿 软硬 阴阳
真假 父母 买卖 多少 大小 春夏秋冬 东西南北 黑白红黄蓝绿紫灰 进出 始终 胖瘦 宽窄 深浅 新旧 强弱
松紧 甲乙丙丁戊己庚辛 借还 一二三四五六日天 三四五六七八九十 年月周日"""
EXCLUDING: dict[str, str] = {}
"""Han character → those that rule it out, where one stands in the other's place."""
for _group in _RIVALS.split():
    for _one in _group:
        EXCLUDING[_one] = EXCLUDING.get(_one, "") + _group.replace(_one, "")

# The stems of the WHO's international nonproprietary names ("stem book"), and the Chinese
# characters that the Chinese Pharmacopoeia Commission writes them with; then names without one.
_STEMS_EN = """cillin mycin micin cycline floxacin nidazole conazole prazole statin pril sartan
dipine olol azosin gliptin gliflozin glitazone profen fenac oxicam coxib vir vudine tinib mab
azepam azolam barbital caine sone solone nide parin xaban grel triptan setron oxetine pramine afil
terol tropium lukast thiazide semide formin gliclazide glinide dronate sulfa mide zepine
triptyline apine peridone"""
_NAMES_EN = """aspirin ibuprofen paracetamol acetaminophen insulin warfarin digoxin morphine
codeine tramadol caffeine metformin levothyroxine sertraline citalopram loratadine desloratadine
cetirizine levocetirizine fexofenadine chlorphenamine diphenhydramine prednisone prednisolone
dexamethasone hydrocortisone methotrexate naproxen montelukast guaifenesin pseudoephedrine
loperamide heparin melatonin lithium gabapentin pregabalin clonidine spironolactone allopurinol
colchicine"""
_STEMS_ZH = """西林 霉素 环素 沙星 硝唑 康唑 拉唑 他汀 普利 沙坦 地平 洛尔 唑嗪 列汀 列净 列酮
列齐特 列美脲 双胍 洛芬 芬酸 昔康 昔布 洛韦 那韦 夫定 替尼 单抗 西泮 唑仑 巴比妥 卡因 米松 奈德
肝素 沙班 格雷 曲坦 司琼 西汀 拉明 那非 特罗 溴铵 鲁司特 噻嗪 塞米 膦酸 利嗪 他定 那敏 曲林"""
_NAMES_ZH = """泼尼松龙 泼尼松 阿司匹林 布洛芬 对乙酰氨基酚 扑热息痛 胰岛素 华法林 地高辛 吗啡
可待因 曲马多 萘普生 左甲状腺素 优甲乐 甲氨蝶呤 秋水仙碱 别嘌醇 蒙脱石 板蓝根 连花清瘟 藿香正气
感冒灵"""
_FAMILIES_ZH = ("头孢[\u4e00-\u9fff]{2}", r"维生素[a-k]\d{0,2}")
_KNOWN_ZH = (*_FAMILIES_ZH, *_NAMES_ZH.split())
DRUG_STEM = re.compile("|".join((*_KNOWN_ZH, *_STEMS_ZH.split())))
"""What a Chinese drug's name ends with, or is."""
DRUG = re.compile(
    "|".join((*_KNOWN_ZH, f"[\u4e00-\u9fff]{{1,2}}(?:{'|'.join(_STEMS_ZH.split())})"))
)
"""A Chinese drug's name, in lower case; before a stem stand the two characters that tell which."""

_ENDS = tuple(_STEMS_EN.split())
_NAMED = frozenset(_NAMES_EN.split())


def is_drug(word: str) -> bool:
    """Whether a lower-case Latin word is, or is built like, a drug's name."""
    return word in _NAMED or (word.endswith(_ENDS) and len(word) > 6)
