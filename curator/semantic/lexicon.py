"""Words that say the same, and words that say little: the lexicon behind `wording`.

Each group lists spellings that are read as its first one. They are general
Chinese and English, traditional and simplified; none is about one subject.
"""

from __future__ import annotations

IDLE = """
请问一下 请问 請問 大家好 请 請 谢谢大家 谢谢 謝謝 多谢 麻烦您 麻烦 麻煩 帮忙 幫忙
一下下 一下子 一下 我想知道 我想问 我想问问 想问 想问问 我想了解 想了解 想咨询 跪求 急求 求 求助
谁知道 有谁知道 有没有人知道 谁能告诉我 告诉我 告诉 求解 求教 各位 大神 大师 高手 亲爱的 辛苦您了
辛苦了
的话 的 地 得 着呢 呢 啊
hello hi hey please kindly thanks thank dear pls do does
"""
"""What may be left out without a loss."""

PARTICLES = "吧呀嘛哦噢喔哟哈嗯呐哒咯诶哎唉嘞"
"""What may be left out at the beginning or the end of a clause; elsewhere it is part of a word."""

ASPECT = """
了|啦 过|過 着|著 正在 已经|已經|曾经
"""
"""Whether it is over, goes on, or has ever been."""

LIGHT = """
真|真的
个|個|种|種|位|款|件 这|這|这个|這個|这种 那|那个|那個|那种 些|一些
在 于|於 用|使用 里|裡|里面 上面 所 因此|所以 然后 和|与|與|及|以及|并 而 或|或者|还是 但|但是|不过
如果|要是
现在|現在|目前|如今|当前 刚才|刚刚 一 来|來 去 做 到底|究竟 一般|通常 一样 比较
人 时|时候|的时候|時|時候 后|後|之后|以后|後来 使|让|讓|令 属于 关于|有关
the a an is|are|was|were|be|been|being|am did|done have|has|had|having
to of in on at for with as and or but so if it|its this|these that|those
there here get|got just then some|any about into up out over
"""
"""What changes little; `than`, `from`, `by` and their like are no such words, they tell roles."""

SCOPE = """
是|為|为 就|便 都 也 还|還 才 又 真是 各 每 自己
also only even still
"""
"""What it holds for, and what is said of it."""

MODAL = """
能|能够|能夠|可以|可|can|could|may
会|會|将要|will|would|shall|going
要|应该|應該|应当|該|该|需要|需|须|必须|必須|should|must
想|想要
有
可能|might|maybe|perhaps
"""
"""Whether it is so, will be so, may be so."""

DEGREE = """
很|太|非常|特别|特別|挺|蛮|超|超级|十分|too|quite|very|really
最|most|best
更|more|better
好
"""
"""How much so."""

PRONOUNS = """
我 你|您|妳 他 她 它|牠 我们|我們|咱们|大家 你们|你們|您们 他们|他們|她们|它们 人家 别人
i|me|my|mine|we|us|our you|your|yours he|him|his she|her|hers they|them|their
"""

NEGATIONS = """
不 没有 没 沒 沒有 无 無 无法 没法 没办法 不能够 不需要 不用 不必 别 別 未 非 勿 莫
not no non never without nor neither none
"""

POSITIVE = """
不错 不錯 不同 不过 不但 不仅 不断 不管 不论 区别 區別 分别 性别 级别 类别 别的 识别 辨别
告别 个别 鉴别 差别 非洲
除非 无论 未来 无线 無線 无聊 不知不觉 对不起 不好意思 差不多 一无所有 百度 万一 千万 三星 四川
三亚 一样 一些 一点 一起 一直
一定 一切 一边 一般 统一 要求 需求 追求 请求 名人 有名 著名 换句话 号召 申请 邀请 年龄 全球 安全
完全 全国 全家 连续 唯一 第一 一生 一旦 万能 千里 百科 百货 八卦 九寨沟 两边 十足 二维码 三国 千古
百姓 六合彩 四季 五官 半夜 半路 半岛 多半 半导体 半永久 大半
了解 了不起 除了 为了 為了 受不了 过敏 過敏 过年 過年 过期 過期 过程 過程 过户 过节 过分 过度
过去 过来 通过 通過 超过 超過 经过 經過 难过 難過 错过 路过 度过 过关 过夜
着急 着火 着凉 睡着 沿着 随着
"""
"""What looks like a negation, a number or a particle and is none."""

PIVOTS = frozenset({"to", "into", "of"})
"""Too common to be counted, but things must not change places around them: from A to B."""

ROLES = """
比 被 把|将 给|給 让|讓|使|叫 从|從|自 到|至 向|往 对|對 跟 替 欠 由
than from by before after against between onto toward|towards under above below
"""
"""Who does what to whom hangs on these."""

ASKS = {
    "how": (
        "怎么|怎麼|怎样|怎樣|如何|咋|咋样|怎么才能|怎样才能|如何才能|怎么样才能|怎么样才|"
        "要怎么|有什么办法|有什么方法|用什么办法|用什么方法|有啥办法|怎么能|怎么做|咋样才能|"
        "做法|写法|用法|怎么办|怎麼辦|咋办|如何是好|怎么解决|如何解决|怎么处理|如何处理|"
        "怎样解决|怎么弄|咋整|怎么操作|如何操作|how|how can i|how do i|how do you|how can|"
        "how to|what should i do|what can i do|what to do|what is the best way to|"
        "what is the way to"
    ),
    "why": (
        "为什么|為什麼|为何|為何|为啥|因何|怎么会|怎么回事|咋回事|怎么了|是何原因|什么原因|"
        "啥原因|什么情况|why|how come|what is the reason|for what reason|the reason why|"
        "the reason for"
    ),
    "what-do": "干什么|干嘛|干啥|干吗|做什么|做啥|幹什麼|做什麼|what are you doing|what do you do",
    "what": (
        "什么|什麼|甚么|甚麼|啥|何|哪些|什么样|什么样子|哪个|哪個|哪款|哪家|哪种|哪種|哪一个|"
        "哪一种|哪部|哪|哪一|what|what are|what is|which"
    ),
    "mean": ("是什么意思|什么意思|啥意思|什么含义|是什么含义|的意思是什么|what does it mean"),
    "where": ("哪里|哪裡|哪儿|哪兒|在哪|在哪里|什么地方|哪些地方|哪个地方|何处|啥地方|where"),
    "when": (
        "什么时候|什麼時候|何时|何時|几时|啥时候|什么时间|几点|几号|哪天|哪一天|when|what time"
    ),
    "how-long": ("多久|多长时间|多長時間|几天|多少天|how long|how much time"),
    "how-many": ("多少|几|幾|多少个|几个|how many|how much"),
    "how-often": ("多久一次|多长时间一次|how often|how frequently"),
    "price": ("多少钱|多少錢|什么价|什么价格|价格多少|how expensive|how much does it cost"),
    "who": ("谁|誰|什么人|哪位|who|whom|whose"),
    "how-is": ("怎么样|怎麼樣|好不好|好吗|how about|what about"),
    "whether": ("吗|么|嗎|是否|whether"),
}
"""What is asked for; of two spellings that fit at one place the longer one counts."""

SAME = """
买|購買|购买|購|购
手机|手機
电脑|電腦|计算机
账号|帐号|账户|帐户|賬號|賬戶
密码|密碼
下载|下載
推荐|推薦|介绍
好看|漂亮|美丽
英语|英文
便宜|实惠
办法|方法|方式
开通|開通|开启|启用
查看|查询|查詢|查
怕|害怕
喜欢|喜歡|爱
知道|晓得
觉得|感觉|感到
爸爸|父亲|爸
妈妈|母亲|妈
小孩|孩子|儿童|小朋友|娃娃|宝宝|宝贝
老婆|妻子|媳妇
老公|丈夫
发烧|发热|發燒|發熱
拉肚子|腹泻|拉稀
肚子疼|腹痛|肚子痛|肚痛
头疼|头痛
疼|痛
治疗|医治|治療|治好|治
医生|大夫|醫生
原因|缘故
还款|还钱|還款
借款|借钱|贷款|借贷|贷
提高|提升|增加|上调|调高
降低|减少|下调|下降|降|调低
修改|更改|更换|变更|改|换
取消|撤销
删除|删掉
可靠|靠谱
立刻|马上|立即
经常|常常|总是|老是|老
特点|特征|特色
起床|起来
图片|照片|相片
视频|視頻
歌曲|歌
电影|影片
使用|运用|利用
动画片|动画
名字|名称|名
取名|起名
去除|去掉|除去|消除|祛除
支付|付款|付
牌子|品牌
号码|号
提前|提早
再|再次
全部|全额|所有|全
审核|审批
谚语|俗语
版|版本
连接|链接|连
退款|退钱
发货|出货
快递|物流
怀孕|有喜
减肥|瘦身
联系|聯繫
价格|价钱
预防|防止
症状|表现|病症
注意|留意
吃药|服药|用药
吃|服用|口服
病人|患者|患儿
今天|今日
明天|明日
昨天|昨日
星期|礼拜
听到|听见|聽到|聽見
看到|看见|瞧见|看見
说话|讲话|說話|講話
打开|打開
登录|登陆|登入|登錄
注册|註冊
出售|售卖
归还|退还
充电|充電
高兴|开心|快乐|高興|開心
难过|伤心|難過|傷心
生气|生氣|发火
好吃|美味|可口
容易|简单|簡單
突然|忽然
大概|大约|大約|约莫
老师|教师|老師
公交车|公共汽车
自行车|单车
父母|爸爸妈妈|爸妈
爷爷|祖父|爺爺
奶奶|祖母
外婆|姥姥
外公|姥爷
网络|互联网|網絡|网路
软件|应用程序|軟件
工资|薪水|薪资|工資
副作用|不良反应
月经|例假|大姨妈|月經
呕吐|嘔吐
痤疮|青春痘
头晕|头昏|眩晕|頭暈
失眠|睡不着|睡不著
手术|开刀|手術
心梗|心肌梗死|心肌梗塞
中风|脑卒中
buy|purchase|buys|bought|purchased
begin|start|began|begun|begins|starts|started
large|big|huge
child|kid|kids|children
fast|quick|quickly|rapid|rapidly
doctor|physician
medicine|medication|medications|medicines|drug|drugs
cure|treat|treatment|treated
fix|repair|solve
delete|remove|erase
difference|differ|differs
make|create|creates|makes|made|created
say|said|says|told|tells|tell|stated
phone|telephone|cellphone|smartphone
stomach|belly|tummy
ill|sick
error|mistake
end|finish|finished|ended|ends
show|display|shows|displays
near|close
need|require|requires|needs|required
help|assist|helps
happy|glad
movie|film|movies|films
job|work
learn|study
price|cost|costs
allowed|permitted
raise|increase|raised|increased
lower|decrease|reduce|lowered|reduced|decreased
percent|pct
photo|photos|picture|pictures|image|images|pic|pics
television|tv
email|e mail|emails|e mails
app|application|apps|applications
bike|bicycle|bikes|bicycles
car|automobile|cars
choose|select|pick|chooses|selects
try|attempt|tries|tried
answer|reply|respond|answers|replies|answered|replied
shop|store|shops|stores
lawyer|attorney|lawyers|attorneys
company|firm|companies|firms
injured|wounded|hurt
nearly|almost
holiday|vacation|holidays
wage|wages|salary|salaries
tired|exhausted
vomit|throw up|vomiting|throwing up
flu|influenza
hypertension|high blood pressure
hypotension|low blood pressure
heart attack|myocardial infarction
side effect|side effects|adverse effects
"""

CLASSES = """
大 小|左 右|上 下|前 后|開 关|开 关|打开 关闭|高 低|长 短|快 慢|早 晚|男 女|公 母|雄 雌|进 出
加 减|提高 降低|升 降|胖 瘦
新 旧|新 老|冷 热|黑 白 红 绿 蓝 黄 紫 灰 粉 棕 橙|东 南 西 北|内 外|里 外|远 近|老 少|好 坏|正 反
阴 阳|输 赢|收 发|买 卖|借 还
爸爸 妈妈 爷爷 奶奶 哥哥 姐姐 弟弟 妹妹|今天 明天 昨天 后天 前天 大后天|今年 明年 去年 后年 前年
早上 中午 下午 晚上 上午 凌晨
春 夏 秋 冬|甲 乙 丙 丁|周一 周二 周三 周四 周五 周六 周日|多 少|深 浅|软 硬|干 湿|轻 重|厚 薄
宽 窄|粗 细|强 弱|真 假|安装 卸载
允许 禁止|成功 失败|喜欢 讨厌|升高 下降|便秘 拉肚子|高血压 低血压|高血糖 低血糖|登录 注销
连接 断开|充值 提现
yes no|from to|before after|above below|left right|up down|raise lower|buy sell|open close
begin end|hot cold|warm cold|high low|large small
large little|long short|fast slow|early late|old new|old young|good bad|better worse|best worst
more less|most least|more fewer|max min
maximum minimum|first last|add delete|enable disable|allow forbid|allowed forbidden|win lose
won lost|rise fall|rose fell|gain loss
gained lost|rise drop|rose dropped|jump dip|jumped dipped|accept reject|accepted rejected
import export|input output|upload download
install uninstall|push pull|male female|man woman|men women|boy girl|father mother|son daughter
brother sister|husband wife|king queen
east west north south|black white red green blue yellow purple grey gray orange pink brown
spring summer autumn winter|today tomorrow yesterday
monday tuesday wednesday thursday friday saturday sunday
january february march april may june july august september october november december
morning afternoon evening night|inside outside|login logout|always never|with without
safe dangerous|legal illegal|possible impossible
mother-in-law father-in-law|acute chronic|benign malignant|hypertension hypotension
hyperglycemia hypoglycemia|lend borrow|teach learn
love hate|like dislike|lock unlock|connect disconnect|deposit withdraw|credit debit
positive negative|heavy light|thick thin|cheap expensive
"""
"""Words of which one cannot stand for another: antonyms, colours, days, relatives."""
