"""Private details: what is found beside Presidio and LAC alone, on people's annotations and on numbers with traps; how fast.

English labels are mapped to one scheme (`ENGLISH`); what counts are the kinds that the
check finds (`KINDS`), not dates, titles, nationalities, organisations and ages under 90.
F2 is over tokens, any kind of private detail against none, as presidio-research counts.
Every set is told in two halves, by a hash of the text: only `seen` was looked at when
rules were written.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import random
import re
import sys
import time
from collections import Counter
from functools import cache
from typing import TYPE_CHECKING, Any

from tests.benchmarks import harness
from tests.benchmarks.harness import Row

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

Spans = list[tuple[int, int, str]]

ENGLISH = {
    "PERSON": "PERSON", "STREET_ADDRESS": "PLACE", "ADDRESS": "PLACE", "ZIP_CODE": "PLACE",
    "GPE": "PLACE", "LOCATION": "PLACE", "EMAIL_ADDRESS": "EMAIL", "EMAIL": "EMAIL",
    "PHONE_NUMBER": "PHONE", "PHONE": "PHONE", "CREDIT_CARD": "BANK_CARD", "BANK_CARD": "BANK_CARD",
    "US_SSN": "US_SSN", "IBAN_CODE": "IBAN", "IBAN": "IBAN", "IP_ADDRESS": "IP_ADDRESS",
    "US_DRIVER_LICENSE": "DRIVER_LICENCE", "DRIVER_LICENCE": "DRIVER_LICENCE",
    "DOMAIN_NAME": "URL", "URL": "URL",
}  # fmt: skip
KINDS = sorted(set(ENGLISH.values()))
ENGLISH_SETS = ("presidio_synth_v2", "presidio_generated_large")
CHINESE: dict[str, dict[str, set[str]]] = {
    "resume_ner_zh": {"PERSON": {"NAME"}, "place": {"LOC"}, "organisation": {"ORG"}},
    "weibo_ner_zh": {
        "PERSON": {"PER.NAM"},
        "place": {"LOC.NAM", "GPE.NAM"},
        "organisation": {"ORG.NAM"},
    },
    "cluener2020": {
        "PERSON": {"name"},
        "place": {"address"},
        "organisation": {"organization", "company", "government"},
    },
}
FOUND = {
    "PERSON": {"PERSON"},
    "place": {"ADDRESS", "LOCATION"},
    "organisation": {"ORGANIZATION"},
}
AIMS = {
    ("resume_ner_zh", "PERSON", "exact F1"): ">= 0.92",
    ("resume_ner_zh", "PERSON", "overlap recall"): ">= 0.99",
    ("cluener2020", "PERSON", "overlap recall"): ">= 0.93",
    ("cluener2020", "place", "overlap recall"): ">= 0.92",
    ("weibo_ner_zh", "PERSON", "overlap recall"): ">= 0.9",
    ("weibo_ner_zh", "PERSON", "overlap precision"): ">= 0.65",
}
_TOKEN = re.compile(r"\w+|[^\w\s]")
HALVES = ("seen", "unseen")
WARM = 100
"""How many texts both look at before the time is taken: models are loaded, rules compiled."""


def rows_of(data: Path, name: str) -> list[dict[str, Any]]:
    with gzip.open(data / "pii" / f"{name}.jsonl.gz", "rt", encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def half(text: str) -> str:
    return HALVES[int(hashlib.sha256(text.encode()).hexdigest(), 16) % 2]


# --- who looks ------------------------------------------------------------------------------


@cache
def rules() -> Any:
    from curator.rules import load_rules

    return load_rules()


def given_rules() -> list[dict[str, Any]]:
    return [rule.model_dump(mode="json", by_alias=True) for rule in rules().pii]


def check() -> Any:
    from curator.checks.pii import Pii

    return Pii(ner_zh="lac", ner_en="en-core-web-sm", pii_rules=given_rules(), allow=rules().allow)


def ours(texts: Sequence[str], lang: str, by: Any = None) -> list[Spans]:
    from curator.tables import records_table
    from curator.types import Part, Provenance, Record

    records = [
        Record(f"{i:08d}", "document", (Part("paragraph", t),), lang, Provenance("u", "s", "1"))
        for i, t in enumerate(texts)
    ]
    found: list[Spans] = [[] for _ in texts]
    for finding in (by or check())(records_table(records)):
        assert finding.span
        entity = str(finding.evidence["entity"])
        found[int(finding.record_id)].append((finding.span.start, finding.span.end, entity))
    return found


def spacy_engine() -> Any:
    import spacy
    from presidio_analyzer.nlp_engine import SpacyNlpEngine

    from curator.models.pins import verified

    folder = verified("ner_en", "en-core-web-sm")
    folder = next(path.parent for path in sorted(folder.glob("**/config.cfg")))
    engine = SpacyNlpEngine(models=[{"lang_code": "en", "model_name": str(folder)}])
    engine.nlp = {"en": spacy.load(folder)}
    return engine


def vanilla(texts: Sequence[str]) -> list[Spans]:
    """Presidio as it comes, with the same spaCy model."""
    import logging

    import tldextract
    from presidio_analyzer import AnalyzerEngine

    logging.disable(logging.CRITICAL)
    tldextract.tldextract.TLD_EXTRACTOR = tldextract.TLDExtract(suffix_list_urls=())
    analyzer = AnalyzerEngine(nlp_engine=spacy_engine(), supported_languages=["en"])
    return [
        [(r.start, r.end, r.entity_type) for r in analyzer.analyze(text, language="en")]
        for text in texts
    ]


def lac_alone(texts: Sequence[str]) -> list[Spans]:
    from curator.models.ner import ChineseNames

    return [
        [(n.start, n.end, n.entity) for n in names]
        for names in ChineseNames("lac", lean=0).find(texts)
    ]


# --- how well -------------------------------------------------------------------------------


def measures(gold: Sequence[Spans], found: Sequence[Spans]) -> dict[str, float]:
    """Precision, recall and F1 of exact spans, and of overlaps."""
    exact = sum(len(set(g) & set(f)) for g, f in zip(gold, found, strict=True))
    total, told = sum(map(len, gold)), sum(map(len, found))
    hit = sum(_touched(g, f) for g, f in zip(gold, found, strict=True))
    right = sum(_touched(f, g) for g, f in zip(gold, found, strict=True))
    p, r = exact / max(1, told), exact / max(1, total)
    return {
        "exact precision": round(p, 4),
        "exact recall": round(r, 4),
        "exact F1": round(2 * p * r / (p + r), 4) if p + r else 0.0,
        "overlap recall": round(hit / max(1, total), 4),
        "overlap precision": round(right / max(1, told), 4),
    }


def _touched(these: Spans, those: Spans) -> int:
    return sum(any(a < d and c < b for c, d, _ in those) for a, b, _ in these)


def chinese(data: Path) -> list[Row]:
    out = []
    for name, kinds in CHINESE.items():
        rows = rows_of(data, name)
        texts = [row["text"] for row in rows]
        mine, peer = ours(texts, "zh"), lac_alone(texts)
        for part in ("all", *HALVES):
            at = [i for i, text in enumerate(texts) if part in ("all", half(text))]
            for kind, labels in kinds.items():
                gold = [
                    [
                        (s["start"], s["end"], "")
                        for s in rows[i]["spans"]
                        if s["entity_type"] in labels
                    ]
                    for i in at
                ]
                both = [
                    measures(
                        gold, [[(a, b, "") for a, b, e in found[i] if e in FOUND[kind]] for i in at]
                    )
                    for found in (mine, peer)
                ]
                out += [
                    Row(
                        f"{name}, {kind}, {measure} ({part})",
                        both[0][measure],
                        both[1][measure],
                        "LAC alone",
                        AIMS.get((name, kind, measure)) if part == "all" else None,
                    )
                    for measure in both[0]
                ]
    return out


def tokens(text: str, spans: Iterable[tuple[int, int, str]]) -> list[str | None]:
    held = list(spans)
    return [
        next((e for a, b, e in held if a < m.end() and m.start() < b), None)
        for m in _TOKEN.finditer(text)
    ]


def english(data: Path) -> list[Row]:
    out = []
    sets = {name: rows_of(data, name) for name in ENGLISH_SETS}
    rows = [row for some in sets.values() for row in some]
    texts = [row["text"] for row in rows]
    where = [name for name, some in sets.items() for _ in some]
    mine, peer = ours(texts, "en"), vanilla(texts)
    for part in ("all", *HALVES, *ENGLISH_SETS):
        at = [i for i, text in enumerate(texts) if part in ("all", half(text), where[i])]
        both = [_by_tokens([(rows[i], found[i]) for i in at]) for found in (mine, peer)]
        for kind in ("any", *KINDS):
            for measure in ("precision", "recall", "F1", "F2"):
                aim = ">= 0.9" if (part, kind, measure) == ("all", "any", "F2") else None
                figures = [one[kind][measure] for one in both]
                out.append(
                    Row(
                        f"English, {kind}, {measure} ({part})",
                        *figures,
                        "Presidio as it comes",
                        aim,
                    )
                )
    return out


def _by_tokens(pairs: Sequence[tuple[dict[str, Any], Spans]]) -> dict[str, dict[str, float]]:
    counts: dict[str, Counter[str]] = {kind: Counter() for kind in ("any", *KINDS)}
    for row, found in pairs:
        gold = [
            (s["start"], s["end"], ENGLISH[s["entity_type"]])
            for s in row["spans"]
            if s["entity_type"] in ENGLISH
        ]
        told = [(a, b, ENGLISH[e]) for a, b, e in found if e in ENGLISH]
        for g, t in zip(tokens(row["text"], gold), tokens(row["text"], told), strict=True):
            counts["any"].update(gold=g is not None, told=t is not None, both=bool(g and t))
            if g:
                counts[g].update(gold=1, both=g == t)
            if t:
                counts[t].update(told=1)
    return {kind: _scores(c) for kind, c in counts.items()}


def _scores(c: Counter[str]) -> dict[str, float]:
    p, r = c["both"] / max(1, c["told"]), c["both"] / max(1, c["gold"])
    f = {b: (1 + b * b) * p * r / (b * b * p + r) if p + r else 0.0 for b in (1, 2)}
    return {
        k: round(v, 4) for k, v in (("precision", p), ("recall", r), ("F1", f[1]), ("F2", f[2]))
    }


# --- numbers with checksums, among traps ----------------------------------------------------


def planted(count: int, seed: int) -> tuple[list[str], list[Spans]]:
    """Sentences in both languages, each with a right number or with one that looks like it."""
    from curator.checksums import CHECKSUMS

    draw = random.Random(seed)

    def until(make: Callable[[], str], check: str, *, right: bool) -> str:
        while True:
            made = make()
            if CHECKSUMS[check](made) is right:
                return made

    def digits(n: int) -> str:
        return "".join(draw.choice("0123456789") for _ in range(n))

    def id_card() -> str:
        year, month, day = draw.randint(1940, 2015), draw.randint(1, 12), draw.randint(1, 28)
        area = draw.choice(("110105", "310115", "440106", "330102", "510107"))
        return f"{area}{year}{month:02}{day:02}{digits(3)}{draw.choice('0123456789X')}"

    def uscc() -> str:
        body = "".join(draw.choice("0123456789ABCDEFGHJKLMNPQRTUWXY") for _ in range(10))
        return f"91{draw.choice(('110108', '310115', '440300'))}{body}"

    def iban() -> str:
        return f"DE{digits(20)}"

    def bank() -> str:
        head = draw.choice(("4929", "5275", "6222"))
        return head + digits(12)

    kinds: dict[str, tuple[Callable[[], str], str, str]] = {
        "CN_ID_CARD": (id_card, "cn_id_card", "CN_ID_CARD"),
        "CN_USCC": (uscc, "cn_uscc", "CN_USCC"),
        "IBAN": (iban, "iban", "IBAN"),
        "BANK_CARD": (bank, "luhn", "BANK_CARD"),
    }
    frames = ("登记的是{}，请核对。", "see {} in the file", "编码{}已录入", "{}", "value={} ok")
    traps = ("条码{}已扫", "批次{}合格", "build {} passed", "{}")
    texts, gold = [], []
    for i in range(count):
        entity = list(kinds)[i % len(kinds)]
        make, check, label = kinds[entity]
        right = draw.random() < 0.5
        value = until(make, check, right=right)
        before, after = draw.choice(frames if right else traps).split("{}")
        texts.append(before + value + after)
        gold.append([(len(before), len(before) + len(value), label)] if right else [])
    return texts, gold


def checksums() -> list[Row]:
    texts, gold = planted(4000, 5)
    found = [
        [s for s in spans if s[2] in {"CN_ID_CARD", "CN_USCC", "IBAN", "BANK_CARD"}]
        for spans in ours(texts, "zh")
    ]
    both = measures(gold, found)
    return [
        Row(f"numbers with checksums, {m}", both[m], aim=">= 0.99")
        for m in ("exact precision", "exact recall")
    ]


# --- how fast -------------------------------------------------------------------------------


def ordinary(data: Path) -> list[str]:
    with gzip.open(data / "instruct" / "alpaca_en_original_vs_corrected.jsonl.gz", "rt") as file:
        read = [json.loads(next(file)) for _ in range(1500)]
    return [f"{r['instruction']}\n{r['input']}\n{r['output']}" for r in read]


def dense(data: Path) -> list[str]:
    return [row["text"] for name in ENGLISH_SETS for row in rows_of(data, name)][:1500]


def patterns_ours(texts: Sequence[str]) -> tuple[float, list[set[tuple[int, int, str]]]]:
    from curator.pii.rule_search import RuleSearch
    from curator.pii.texts import SearchText

    search = RuleSearch(given_rules())
    views = [SearchText.of(text) for text in texts[:WARM]]
    _ = [list(search.candidates(view.narrow)) for view in views]
    began = time.process_time()
    found = [
        {(c.start, c.end, c.entity) for c in search.candidates(SearchText.of(text).narrow)}
        for text in texts
    ]
    return time.process_time() - began, found


def patterns_peer(texts: Sequence[str]) -> tuple[float, list[set[tuple[int, int, str]]]]:
    """The same recognisers in Presidio's BatchAnalyzerEngine, with a blank pipeline."""
    import spacy
    from presidio_analyzer import AnalyzerEngine, BatchAnalyzerEngine, RecognizerRegistry
    from presidio_analyzer.nlp_engine import SpacyNlpEngine

    from curator.pii.matching import narrow
    from curator.pii.recognisers import RuleRecogniser
    from curator.schema import PiiRule

    engine = SpacyNlpEngine(models=[{"lang_code": "en", "model_name": "blank"}])
    engine.nlp = {"en": spacy.blank("en")}
    registry = RecognizerRegistry(supported_languages=["en"])
    for rule in given_rules():
        recogniser = RuleRecogniser(PiiRule.model_validate(rule))
        recogniser.supported_language = "en"
        registry.add_recognizer(recogniser)
    batch = BatchAnalyzerEngine(
        AnalyzerEngine(registry=registry, nlp_engine=engine, supported_languages=["en"])
    )
    plain = [narrow(text) for text in texts]
    list(batch.analyze_iterator(plain[:WARM], language="en"))
    began = time.process_time()
    found = [
        {(r.start, r.end, r.entity_type) for r in results}
        for results in batch.analyze_iterator(plain, language="en")
    ]
    return time.process_time() - began, found


def with_names_ours(texts: Sequence[str]) -> float:
    by = check()
    ours(texts[:WARM], "en", by)
    began = time.process_time()
    ours(texts, "en", by)
    return time.process_time() - began


def with_names_peer(texts: Sequence[str]) -> float:
    """Presidio with the same rules and the same spaCy pipeline."""
    import logging

    from presidio_analyzer import AnalyzerEngine, BatchAnalyzerEngine, RecognizerRegistry
    from presidio_analyzer.predefined_recognizers import SpacyRecognizer

    from curator.pii.recognisers import RuleRecogniser
    from curator.schema import PiiRule

    logging.disable(logging.CRITICAL)
    registry = RecognizerRegistry(supported_languages=["en"])
    registry.add_recognizer(SpacyRecognizer())
    for rule in given_rules():
        recogniser = RuleRecogniser(PiiRule.model_validate(rule))
        recogniser.supported_language = "en"
        registry.add_recognizer(recogniser)
    engine = AnalyzerEngine(
        registry=registry, nlp_engine=spacy_engine(), supported_languages=["en"]
    )
    batch = BatchAnalyzerEngine(engine)
    list(batch.analyze_iterator(list(texts[:WARM]), language="en"))
    began = time.process_time()
    list(batch.analyze_iterator(list(texts), language="en"))
    return time.process_time() - began


def speed(data: Path) -> list[Row]:
    out = []
    for name, texts, aim in (("ordinary", ordinary(data), 10), ("dense", dense(data), 2)):
        mine, found = harness.measured(patterns_ours, texts).result
        peer, others = harness.measured(patterns_peer, texts).result
        lost = sum(
            not any(a <= start and end <= b for a, b, _ in ourselves)
            for ourselves, theirs in zip(found, others, strict=True)
            for start, end, _ in theirs
        )
        out += [
            Row(
                f"patterns only, {name} text: texts a CPU second",
                round(len(texts) / mine, 1),
                round(len(texts) / peer, 1),
                "BatchAnalyzerEngine, same recognisers",
                f"ratio >= {aim}",
            ),
            Row(f"patterns only, {name} text: its findings that are not ours", lost, aim="<= 0"),
        ]
    texts = ordinary(data)[:600]
    mine, peer = harness.measured(with_names_ours, texts), harness.measured(with_names_peer, texts)
    out.append(
        Row(
            "with names, ordinary text: texts a CPU second",
            round(len(texts) / mine.result, 1),
            round(len(texts) / peer.result, 1),
            "BatchAnalyzerEngine, same recognisers and model",
            "ratio >= 4",
        )
    )
    out.append(
        Row(
            "with names, ordinary text: CPU seconds for 1,000 texts",
            round(1000 * mine.result / len(texts), 2),
            round(1000 * peer.result / len(texts), 2),
            "BatchAnalyzerEngine, same recognisers and model",
        )
    )
    return out


def main() -> int:
    given = harness.arguments(__doc__ or "")
    rows = [*english(given.data), *chinese(given.data), *checksums(), *speed(given.data)]
    harness.report("pii", rows, as_json=given.json)
    return 0


if __name__ == "__main__":
    sys.exit(main())
