"""Words that ask and name nothing: by what they ask for, in Chinese and English.

`它的剂量是多少`, `一次吃多大量`, `how much of it` all ask for an amount. The lists are of general
words; none is about one subject. Spellings of Chinese are simplified and traditional.
"""

from __future__ import annotations

ASKED = {
    "amount": """
        多少|几多|多大量|多大的量|多大剂量|多大|用量|剂量|劑量|使用量|服用量|摄入量|摄取量|需要量|需求量|数量|數量
        |分量|份量|量|几克|几片|几粒|几毫克
        |how much|what amount|what quantity|what dose|what dosage|amount|quantity
        |dose|doses|dosage|intake|requirement|requirements|allowance""",
    "count": """
        多少个|多少個|多少种|多少種|多少人|几个|幾個|几种|幾種|几人
        |how many|what number of|number of""",
    "often": "多少次|几次|幾次|多久一次|频率|頻率|how often|how many times|frequency",
    "purpose": """
        有什么用|有什麼用|有啥用|干什么用|做什么用|作用|用处|用途|功效|what for|used for|purpose""",
    "mean": "什么意思|什麼意思|啥意思|含义|含義|意思|mean|meaning|what does it mean",
    "duration": """
        多久|多长时间|多長時間|多长|多長|多少天|多少时间|几天|幾天|几个月|几年|几周|几小时|期限|时长|時長|时限
        |how long|what length|length|duration|for what time|period|how many days|how many weeks
        |how many months|how many years|how many hours|last|lasts""",
    "date": """
        什么时候|什麼時候|什么时间|啥时候|何时|何時|几时|哪天|哪一天|哪年|哪一年|哪个年份|什么年份|哪月|哪个月
        |几号|几月几号|几点|什么日子|哪个时间|日期|时间|時間|年份|年月|日子|哪一日
        |when|since when|what time|what date|which date|what day|which day|on which day|what year
        |which year|in what year|in which year|date|year""",
    "place": """
        哪里|哪裡|哪儿|何处|何處|什么地方|什麼地方|哪个地方|哪座城市|哪个城市|哪个地区|哪个省|哪座|位于|设在
        |坐落|地址|地点|地點|位置|城市
        |where|which city|what city|in which city|which place|what place|which town|which country
        |located|location|based|situated|host|hosts|hosted|city|town|address""",
    "who": """
        谁|誰|哪位|哪一位|哪个人|什么人|何人
        |who|whom|whose|which person|what person|name of the person|name the""",
    "clause": """
        第几条|哪一条|哪条|哪一款|哪些条款|什么条款|哪个条款|哪个条文|法律依据|依据|条款|条文|法律|法规|法規|法条
        |which section|what section|which article|what article|which clause|what clause
        |which paragraph|section|article|clause|paragraph|legal basis|law|act|statute|code""",
    "whether": """
        吗|嗎|能不能|可不可以|是不是|是否|能否|可否|会不会|會不會|要不要|行不行|有没有|有沒有|好不好
        |允许|允許|支持|可行|行得通|准许|許可|许可
        |is it okay|is it ok|is it possible|possible|allowed|permitted|permissible|okay|ok|alright
        |fine|safe|acceptable|does it work|work""",
    "why": """
        为什么|為什麼|为何|為何|为啥|因何|什么原因|何故|原因|why|how come|what reason|reason""",
    "how": """
        怎么办|怎么|怎麼|怎样|怎樣|如何|咋|怎么样|什么方法|什么办法|办法|方法|步骤|流程
        |how do i|how can i|how to|how|what way|steps|procedure""",
    "price": """
        多少钱|多少錢|什么价|价格|價格|价钱|费用|費用|多贵|收费标准
        |how expensive|price|cost|costs|fee|charge""",
    "thick": "多厚|厚度|how thick|thick|thickness",
    "high": "多高|高度|how high|how tall|high|tall|height",
    "heavy": "多重|重量|体重|how heavy|heavy|weight",
    "far": "多远|多遠|距离|距離|how far|far|distance",
    "wide": "多宽|寬度|宽度|how wide|wide|width",
    "deep": "多深|深度|how deep|deep|depth",
    "fast": "多快|速度|how fast|fast|speed",
    "old": "几岁|幾歲|年龄|年齡|多大年纪|how old|old|age",
    "hot": "多少度|几度|温度|溫度|how hot|how cold|temperature",
    "drug": """
        什么药|哪种药|药物|药品|藥物|藥品|药|藥|drug|drugs|medicine|medicines|medication|medications""",
    "material": "材料|材质|材質|料子|material|materials|made of|made from",
    "brand": "牌子|品牌|brand|brands|make",
    "colour": "颜色|顏色|colour|color",
    "what": """
        什么|什麼|甚麼|啥|何种|何種|哪种|哪種|哪一种|哪个|哪個|哪款|哪类|哪一类|哪些|哪样|哪家|哪一家|哪部|哪本|哪|何
        |what|which|what kind of|which kind of|what type of""",
}
"""What is asked for → the spellings that ask for it."""

GENERIC = ("amount", "what")
"""What says nothing more where something else is asked for: the dose is how much, which year."""

HEADS = frozenset({"drug", "material", "brand", "colour"})
"""Kinds of thing: where an amount is asked for too, they are only named."""

WHAT = frozenset(
    [
        *("what", "duration", "thick", "high", "heavy", "far", "wide", "deep", "fast", "hot"),
        *("material", "brand", "colour"),
    ]
)
"""What a bare `what` may stand for: `what is the warranty` asks how long it is."""

DETAILS = {
    "first": """
        首次|首剂|首劑|第一次|初次|初始|起始
        |first|initial|initially|to start with""",
    "most": """
        最多|至多|上限|最大|at most|maximum|max|the most|no more than""",
    "least": """
        最少|至少|下限|最低|at least|minimum|min|no less than""",
    "best": """
        首选|首選|第一选择|优先选择|优先|第一选用
        |preferred|first choice|first-choice|of choice|best choice
        |used first""",
    "per day": "日常|单日|每日|每天|一天|一日|天天|daily|a day|per day|each day|every day|one day",
    "per week": "每周|一周|每星期|weekly|a week|per week|each week|every week",
    "per month": "每月|一个月|每个月|monthly|a month|per month|each month|every month",
    "per year": "每年|一年|yearly|a year|per year|each year|every year|annually",
    "per time": """
        每次|一次|单次|單次|每回|一回|每顿|一顿
        |at once|at a time|per dose|each time|single|per serving|per time""",
    "per piece": """
        每株|一株|单株|每个|每棵|一棵|每盆|一盆|每人|每位|每户|每件|每台|每只
        |per plant|per person|per head|per piece|each""",
}
"""Of what the amount is, or which one: where two questions both say so, it has to be the same."""

VERBS = """
吃|食用|服|服用|口服|喝|饮用|用|使用|采用|採用|放|加|施|施用|补|补充|補充|摄入|摄取|给|給|给予|选|選|选用|选择|選擇|做|看|办|辦|刷|涂|塗|抹|涂抹|敷|滴|喷|噴|撒|浇|澆|倒|铺|鋪|贴|貼|喂|注射|推注|擦|装|裝|安装|安裝
|请|休|放假|享受|领取|享
|take|takes|taken|taking|use|used|uses|using|give|gives|given|giving|get|gets|add|adds|added|put
|go|goes|eat|drink|consume|consumes|try|choose|pick|select|apply|applies|applied|spread|lay|laid|spray|pour|feed|fed|sprinkle|coat|rub|inject
|injected|install|installed|spend|spends|spent|receive|receives|received
"""
"""What is done with a thing: of no matter where an amount is asked for, but where `how` is."""

SAYS_NOTHING = """
做到|做成|达到|達到|控制|需要|需|须|必须|必要|要|应该|應該|应当|应|该|可以|能够|能|会|能做|可|得
|是|为|為|有|在|的|地|了|着|到|从|自|起|于|於|由|按|按照|照|根据|依照|用于|对于|对|關於|关于|来|去|把|被|让
|推荐|推薦|建议|建議|比较|比較|合适|合適|适合|適合|适宜|恰当|为好|为宜|最好|好|够|足够|就行|就好|即可|就可以|先|先用|才|就|都|也|还|再
|一般|通常|平时|常用|常规|标准|標準|具体|正常|平常|经常|往往|大概|大约|左右|目前|现在|眼下|如今
|请问|請問|想问|问一下|问问|我想问|我想知道|想知道|想了解|咨询一下|咨询|谁知道|告诉我|麻烦|您好|你好|医生好
|谢谢|一下|一点|一点点|经常|一直|帮|帮忙|帮帮|说|觉得|那么|样子|出来|起来|的时候|得了|患了|患有|患|得|治疗|治療|治|呢|啊|呀|吧|哦|嘛|么|的话|时候|情况下|情况|里面|方面|一共|总共|分别|各自
|的人|这|那|这个|那个|这本书|这本|买的|公司|贵公司|你们|我们|您|我|他|她|它
|规定|規定|适用|適用|规范|規範|对应|對應|属于|涉及|遵守|历史上
|开始|開始|起始|生效|施行|实施|實施|执行|執行|起执行|没有|影响
|the|a|an|of|for|to|in|on|at|by|with|as|and|or|from|about|into|per|under
|usual|usually|typical|typically|normal|normally|standard|common|commonly|general|generally
|recommended|recommend|suggested|suggest|advised|advise|right|correct|proper|appropriate|suitable
|adequate|ideal|best|good|better|enough|safe amount|required|needed|necessary
|need|needs|have|has|had|make|makes|do|does|did|doing|be|is|are|was|were|been|being|can|could|may|might|must|should
|shall|will|would|ought|possible for|there|it|its|they|them|their|i|me|my|one|someone|people
|person|you|your|we|our|us|this|that|these|those|if|then|please|tell|know|want|like|saw|see
|the book|the novel|the film|the movie|the song|the poem
|cover|covers|covered|deal|deals|dealt|govern|governs|governed|regulate|regulates|regulated|fall
|falls|follow|follows|decide|decided|concern|concerns|effect|effective|force|come|comes|came|start
|starts|started|treat|treats|treated|treating|treatment|begin|begins|began|run|runs|exactly|currently|now
|run for
"""
"""What stands in a question and neither asks for something nor names a thing."""

LAWS = """
民法典|刑法典|刑法|宪法|憲法|劳动合同法|劳动法|勞動法|公司法|婚姻法|继承法|合同法|物权法|侵权责任法|道路交通安全法|道交法|交通安全法
|交通法|个人信息保护法|个保法|消费者权益保护法|消法|民事诉讼法|民诉法|刑事诉讼法|刑诉法|行政诉讼法|行政处罚法
|治安管理处罚法|食品安全法|药品管理法|个人所得税法|税收征管法|税法|社会保险法|工伤保险条例|网络安全法|数据安全法
|电子商务法|著作权法|商标法|专利法|反垄断法|反不正当竞争法|证券法|保险法|票据法|破产法|土地管理法|房地产管理法
|义务教育法|未成年人保护法|妇女权益保障法|环境保护法|环保法|招标投标法|政府采购法|会计法|审计法|海商法|仲裁法
"""
"""Statutes by the names that people ask with."""
