"""What a project is about, told by general vocabulary: medicine, customer service, law.

A record belongs to the domain of which it holds most words, if it holds two of them; a
project to the domain of most of its records, if that is a quarter of them. The words are
those that any text of the domain uses, in Chinese (both scripts) and English.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable

Domain = Literal["medical", "service", "legal", "general"]
DOMAINS: dict[str, tuple[str, str]] = {
    "medical": ("医疗", "medical"),
    "service": ("客户服务", "customer service"),
    "legal": ("法律", "legal"),
    "general": ("通用", "general"),
}
"""Each domain's name in Chinese and English."""

_ZH = {
    "medical": """
        医生 医院 患者 病人 症状 治疗 诊断 检查 用药 药物 剂量 服用 发烧 发热 咳嗽 疼痛 感染
        炎症 手术 门诊 挂号 科室 血压 血糖 疫苗 过敏 抗生素 病情 复查 就诊 宝宝 腹泻 湿疹 皮疹
        头痛 化验 住院 护理 醫生 醫院 症狀 治療 診斷 檢查 用藥 藥物 劑量 發燒 門診 過敏 就診
    """,
    "service": """
        订单 发货 快递 物流 退货 退款 换货 售后 客服 优惠券 发票 会员 收货 下单 付款 店铺 包邮
        质保 保修 亲 商品 库存 补发 差评 好评 积分 充值 账号 客户 套餐 配送 签收 运费 旗舰店
        包裹 派送 到货 地址 訂單 發貨 快遞 退貨 退款 換貨 售後 優惠券 發票 會員 運費 帳號
    """,
    "legal": """
        合同 律师 法院 起诉 诉讼 仲裁 原告 被告 判决 条款 违约 赔偿 民法典 刑法 劳动法 法律
        法规 证据 债务 借条 抵押 继承 离婚 抚养权 侵权 责任 租赁 押金 劳动合同 工伤 立案 管辖
        时效 合約 律師 起訴 訴訟 條款 違約 賠償 證據 債務 繼承 離婚
    """,
}
_EN = {
    "medical": """
        doctor physician patient symptom symptoms treatment diagnosis medication medicine dose
        dosage tablet tablets fever cough pain infection surgery clinic hospital vaccine
        allergy allergic antibiotic antibiotics blood pressure rash diarrhea diarrhoea
        headache nausea prescription chronic disease therapy
    """,
    "service": """
        order orders shipping delivery delivered refund return returns exchange warranty
        invoice account subscription billing charged parcel tracking customer support discount
        coupon cancel membership payment receipt store item replacement agent
        ticket depot arrive arrives shipped
    """,
    "legal": """
        contract lawyer attorney court lawsuit sue plaintiff defendant tenant landlord lease
        statute liability damages clause breach legal law laws custody divorce inheritance
        evidence arbitration settlement jurisdiction eviction deposit rights
    """,
}
_LEAST_WORDS = 2
_LEAST_SHARE = 0.25
_PATTERNS = {
    name: (
        re.compile("|".join(sorted(_ZH[name].split(), key=len, reverse=True))),
        re.compile(rf"\b(?:{'|'.join(sorted(set(_EN[name].split())))})\b"),
    )
    for name in _ZH
}


def domain_of(texts: Iterable[str]) -> tuple[Domain, float]:
    """Return the domain of records by their texts, and the share of them that speaks for it."""
    found: Counter[str] = Counter()
    total = 0
    for text in texts:
        total += 1
        lower = text.lower()
        words = {
            name: len({m.group() for pattern in patterns for m in pattern.finditer(lower)})
            for name, patterns in _PATTERNS.items()
        }
        best = max(words, key=lambda name: words[name])
        if words[best] >= _LEAST_WORDS:
            found[best] += 1
    if not found:
        return "general", 0.0
    name, count = found.most_common(1)[0]
    share = count / total
    return (name, share) if share >= _LEAST_SHARE else ("general", 1 - share)  # type: ignore[return-value]
