"""The search engine gives what a reader of all records would give, for every kind of question."""

from __future__ import annotations

import math
import random
import re
from typing import TYPE_CHECKING, Any

import pytest

from tests.review.argilla import (
    CHAT,
    TEXT,
    Dataset,
    between,
    choice,
    choices,
    ordered,
    rating,
    scope,
    terms,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tests.review.conftest import Served

TAGS = ("wrong", "private", "stale", "short")
SAID = (
    ("孩子发烧三天怎么办", "先量体温，多喝水；超过38.5℃可服布洛芬混悬液。"),
    ("小儿湿疹能用激素药膏吗", "可以短期使用弱效激素药膏，注意保湿。"),
    ("婴儿发热，湿疹加重", "发热时先退烧，湿疹处保持干燥。"),
    ("宝宝腹泻如何护理ＣＴ检查", "注意补液，必要时查大便常规；CT一般不需要。"),
    ("How do I reset my password?", "Open Settings, choose Security, then Reset password."),
    ("What is the refund policy?", "Refunds take 5-7 days; the policy covers late orders."),
    ("Can I get a refund for a café voucher", "Yes, vouchers can be refunded within a year."),
    ("iPhone发热怎么办", "关闭后台应用，避免边充电边使用 iPhone。"),
)


def words(text: str) -> list[str]:
    """The words of a Latin text as a reader sees them."""
    folded = text.lower().replace("é", "e").replace("ＣＴ", "ct")
    return re.findall(r"[a-z0-9]+", folded)


class Known:
    """One record, and what everybody said of it."""

    def __init__(self, n: int, draw: random.Random) -> None:
        self.id = f"r{n}"
        question, answer = SAID[draw.randrange(len(SAID))]
        self.question, self.answer = f"{question} #{n}", answer
        self.said = draw.choice(("谢谢医生", "thank you", "再问一句：能吃鸡蛋吗"))
        self.source: str | None = draw.choice(("faq.csv", "chats.jsonl", "网页", None))
        self.codes = draw.sample(("LBL001", "DUP002", "PII001", "QLT003"), draw.randrange(4))
        self.score = round(draw.random(), 3) if draw.random() < 0.9 else None
        self.length = draw.randrange(200)
        self.tags = draw.sample(TAGS, 1 + draw.randrange(3)) if draw.random() < 0.7 else []
        self.tag_scores = [round(draw.random(), 2) for _ in self.tags]
        self.stars = draw.randrange(1, 6) if draw.random() < 0.6 else None
        self.agent = draw.choice(("rules", "model-a"))
        self.vector = [draw.gauss(0, 1) for _ in range(8)] if draw.random() < 0.95 else None
        self.responses: dict[str, tuple[str, dict[str, Any]]] = {}
        self.server_id = ""

    @property
    def text(self) -> str:
        return f"{self.question}\n{self.answer}\n{self.said}"

    def row(self, dataset: Dataset) -> dict[str, Any]:
        metadata: dict[str, Any] = {"length": self.length}
        if self.source is not None:
            metadata["source"] = self.source
        if self.codes:
            metadata["codes"] = self.codes
        if self.score is not None:
            metadata["score"] = self.score
        suggestions = []
        if self.tags:
            told = {"score": self.tag_scores, "agent": self.agent}
            suggestions.append(dataset.suggestion("tags", self.tags, **told))
        if self.stars is not None:
            suggestions.append(dataset.suggestion("stars", self.stars, score=0.5, type="human"))
        turns = [
            {"role": "user", "content": self.question},
            {"role": "assistant", "content": self.said},
        ]
        return {
            "external_id": self.id,
            "fields": {"question": self.question, "answer": self.answer, "chat": turns},
            "metadata": metadata,
            "suggestions": suggestions,
            "vectors": {"meaning": self.vector} if self.vector else {},
        }


class Corpus:
    """A dataset on a server, and the same records at hand."""

    def __init__(self, served: Served) -> None:
        draw = random.Random(3)
        self.owner = served.owner.dataset(
            "search",
            fields={"question": TEXT, "answer": TEXT, "chat": CHAT},
            questions={
                "verdict": choice(),
                "tags": choices(*TAGS),
                "stars": rating(),
                "comment": TEXT,
            },
            metadata={
                "source": "terms",
                "codes": "terms",
                "score": "float",
                "length": "integer",
            },
            vectors={"meaning": 8},
            min_submitted=2,
        )
        self.users = {name: self.owner.seen_by(served.reviewer(name)) for name in ("anna", "bo")}
        self.known = [Known(n, draw) for n in range(150)]
        ids = self.owner.push([record.row(self.owner) for record in self.known], batch=100)
        for record, id_ in zip(self.known, ids, strict=True):
            record.server_id = id_
        for name, view in self.users.items():
            for record in draw.sample(self.known, 45):
                status = draw.choice(("submitted", "submitted", "draft", "discarded"))
                values: dict[str, Any] = {
                    "verdict": draw.choice(("keep", "fix", "drop")),
                    "tags": draw.sample(TAGS, 2),
                    "stars": draw.randrange(1, 6),
                }
                view.respond(record.server_id, values, status)
                record.responses[name] = (status, values)

    def ids(self, holds: Callable[[Known], object]) -> list[str]:
        return [record.id for record in self.known if holds(record)]

    def find(self, *args: Any, by: str | None = None, **asked: Any) -> list[str]:
        view = self.users[by] if by else self.owner
        found, total = view.search(*args, **asked)
        assert total == len(found)
        return found


@pytest.fixture(scope="session")
def corpus(served: Served) -> Corpus:
    return Corpus(served)


@pytest.mark.parametrize(
    ("query", "holds"),
    [
        ("湿疹", lambda t: "湿疹" in t),
        ("发热", lambda t: "发热" in t),
        ("热", lambda t: "热" in t),
        ("激素药膏", lambda t: "激素药膏" in t),
        ("药膏激素", lambda t: False),  # noqa: ARG005
        ("发热 湿疹", lambda t: "发热" in t and "湿疹" in t),
        ("发热 -湿疹", lambda t: "发热" in t and "湿疹" not in t),
        ("发热 | refund", lambda t: "发热" in t or "refund" in words(t)),
        ("-发热", lambda t: "发热" not in t),
        ("湿疹 | -发热", lambda t: "湿疹" in t or "发热" not in t),
        ("-(湿疹 | 发热)", lambda t: "湿疹" not in t and "发热" not in t),
        ("iphone", lambda t: "iphone" in words(t)),
        ("iPhone发热", lambda t: "iphone发热" in t.lower()),
        ("CT检查", lambda t: "ＣＴ检查" in t),
        ("ct", lambda t: "ct" in words(t)),
        ("refund", lambda t: "refund" in words(t)),
        ("refund*", lambda t: any(w.startswith("refund") for w in words(t))),
        ("REFUND policy", lambda t: {"refund", "policy"} <= set(words(t))),
        ('"refund policy"', lambda t: "refund policy" in " ".join(words(t))),
        ('"policy refund"', lambda t: False),  # noqa: ARG005
        ("refund -policy", lambda t: "refund" in words(t) and "policy" not in words(t)),
        ("cafe", lambda t: "café" in t),
        ("(refund | 湿疹) + (policy | 激素)", lambda t: ("refund" in words(t) and "policy" in words(t)) or ("湿疹" in t and "激素" in t)),
        ("鸡蛋 thank", lambda t: False),  # noqa: ARG005
        ("5-7", lambda t: "5-7" in t),
        ("谢谢医生", lambda t: "谢谢医生" in t),
        ("", lambda t: False),  # noqa: ARG005
        ("？！…", lambda t: False),  # noqa: ARG005
        ('"湿疹', lambda t: "湿疹" in t),
        ("((湿疹", lambda t: "湿疹" in t),
        ("湿疹)", lambda t: "湿疹" in t),
        ("湿疹 |", lambda t: "湿疹" in t),
        ('OR AND NEAR("', lambda t: False),  # noqa: ARG005
    ],
)  # fmt: skip
def test_text(corpus: Corpus, query: str, holds: Callable[[str], bool]) -> None:
    wanted = corpus.ids(lambda record: holds(record.text))
    assert sorted(corpus.find(query)) == sorted(wanted)
    assert sorted(corpus.find(query, by="anna")) == sorted(wanted)


def test_text_in_one_field(corpus: Corpus) -> None:
    wanted = corpus.ids(lambda r: "湿疹" in r.answer)
    assert sorted(corpus.find("湿疹", field="answer")) == sorted(wanted)
    assert wanted != corpus.ids(lambda r: "湿疹" in r.text)
    assert sorted(corpus.find("谢谢", field="chat")) == sorted(
        corpus.ids(lambda r: "谢谢" in r.said)
    )
    assert sorted(corpus.find("-湿疹", field="answer")) == sorted(
        corpus.ids(lambda r: "湿疹" not in r.answer)
    )


def test_the_most_relevant_comes_first(corpus: Corpus) -> None:
    found = corpus.find("发热 | 湿疹 | 退烧")
    known = {record.id: record for record in corpus.known}
    assert all(word in known[found[0]].text for word in ("发热", "湿疹", "退烧"))


METADATA = scope("metadata", metadata_property="source")
CODES = scope("metadata", metadata_property="codes")
SCORE = scope("metadata", metadata_property="score")
LENGTH = scope("metadata", metadata_property="length")
SUGGESTED = scope("suggestion", question="tags", property="value")


@pytest.mark.parametrize(
    ("asked", "holds"),
    [
        ([terms(METADATA, "网页")], lambda r: r.source == "网页"),
        ([terms(METADATA, "网页", "faq.csv")], lambda r: r.source in {"网页", "faq.csv"}),
        ([terms(CODES, "PII001")], lambda r: "PII001" in r.codes),
        ([terms(CODES, "PII001", "DUP002")], lambda r: {"PII001", "DUP002"} & set(r.codes)),
        ([terms(CODES, "PII001"), terms(CODES, "DUP002")], lambda r: {"PII001", "DUP002"} <= set(r.codes)),
        ([between(SCORE, ge=0.8)], lambda r: r.score is not None and r.score >= 0.8),
        ([between(SCORE, le=0.2)], lambda r: r.score is not None and r.score <= 0.2),
        ([between(SCORE, 0.4, 0.6)], lambda r: r.score is not None and 0.4 <= r.score <= 0.6),
        ([between(LENGTH, 50, 60)], lambda r: 50 <= r.length <= 60),
        ([terms(LENGTH, "51")], lambda r: r.length == 51),
        ([terms(SUGGESTED, "stale")], lambda r: "stale" in r.tags),
        ([terms(scope("suggestion", question="tags", property="agent"), "model-a")], lambda r: r.tags and r.agent == "model-a"),
        ([terms(scope("suggestion", question="stars", property="type"), "human")], lambda r: r.stars is not None),
        ([between(scope("suggestion", question="tags", property="score"), ge=0.9)], lambda r: any(s >= 0.9 for s in r.tag_scores)),
        ([terms(scope("suggestion", question="stars", property="value"), "4")], lambda r: r.stars == 4),
        ([between(scope("suggestion", question="stars", property="value"), 2, 3)], lambda r: r.stars in {2, 3}),
        ([terms(scope("record", property="external_id"), "r7", "r8", "nobody")], lambda r: r.id in {"r7", "r8"}),
        ([terms(scope("record", property="status"), "completed")], lambda r: sum(s == "submitted" for s, _ in r.responses.values()) >= 2),
        ([terms(scope("record", property="status"), "pending")], lambda r: sum(s == "submitted" for s, _ in r.responses.values()) < 2),
    ],
)  # fmt: skip
def test_filters(
    corpus: Corpus, asked: list[Mapping[str, Any]], holds: Callable[[Known], object]
) -> None:
    wanted = corpus.ids(holds)
    assert 0 < len(wanted) < len(corpus.known)
    assert corpus.find(filters=asked) == wanted
    with_text = corpus.find("湿疹", filters=asked)
    assert sorted(with_text) == sorted(set(wanted) & set(corpus.ids(lambda r: "湿疹" in r.text)))


def test_a_record_is_found_by_its_times(corpus: Corpus) -> None:
    when = {r["external_id"]: r["inserted_at"] for r in corpus.owner.records()}
    border = sorted(when.values())[75]
    about = scope("record", property="inserted_at")
    assert sorted(corpus.find(filters=[between(about, ge=border)])) == sorted(
        name for name, at in when.items() if at >= border
    )
    assert corpus.find(filters=[between(about, le="1999-01-01T00:00:00")]) == []


@pytest.mark.parametrize("who", ["anna", "bo"])
@pytest.mark.parametrize(
    "statuses",
    [("pending",), ("submitted",), ("draft",), ("discarded",), ("draft", "pending")],
)
def test_filters_on_own_responses(corpus: Corpus, who: str, statuses: tuple[str, ...]) -> None:
    about = scope("response", property="status")
    wanted = corpus.ids(lambda r: r.responses.get(who, ("pending", {}))[0] in statuses)
    assert corpus.find(filters=[terms(about, *statuses)], by=who) == wanted


def test_filters_on_anybodys_responses(corpus: Corpus) -> None:
    about = scope("response", property="status")
    assert corpus.find(filters=[terms(about, "pending")], everybody=True) == corpus.ids(
        lambda r: not r.responses
    )
    assert corpus.find(filters=[terms(about, "draft")], everybody=True) == corpus.ids(
        lambda r: any(status == "draft" for status, _ in r.responses.values())
    )


@pytest.mark.parametrize(
    ("question", "make", "holds"),
    [
        ("verdict", lambda about: terms(about, "fix"), lambda v: v["verdict"] == "fix"),
        ("tags", lambda about: terms(about, "stale"), lambda v: "stale" in v["tags"]),
        ("stars", lambda about: terms(about, "5"), lambda v: v["stars"] == 5),
        ("stars", lambda about: between(about, ge=4), lambda v: v["stars"] >= 4),
    ],
)
def test_filters_on_answers(
    corpus: Corpus, question: str, make: Callable[..., Any], holds: Callable[[Any], bool]
) -> None:
    about = scope("response", question=question)
    of_anybody = corpus.ids(lambda r: any(holds(values) for _, values in r.responses.values()))
    assert corpus.find(filters=[make(about)], everybody=True) == of_anybody
    own = corpus.ids(lambda r: "anna" in r.responses and holds(r.responses["anna"][1]))
    assert corpus.find(filters=[make(about)], by="anna") == own
    assert 0 < len(own) < len(of_anybody)


@pytest.mark.parametrize("order", ["asc", "desc"])
@pytest.mark.parametrize(
    ("about", "key"),
    [
        (SCORE, lambda r, _: r.score),
        (LENGTH, lambda r, _: r.length),
        (METADATA, lambda r, _: r.source),
        (CODES, lambda r, first: first(r.codes) if r.codes else None),
        (scope("suggestion", question="stars", property="value"), lambda r, _: r.stars),
        (scope("suggestion", question="tags", property="score"), lambda r, first: first(r.tag_scores) if r.tags else None),
        (scope("response", question="stars"), lambda r, _: r.responses["anna"][1]["stars"] if "anna" in r.responses else None),
        (scope("response", property="status"), lambda r, _: r.responses["anna"][0] if "anna" in r.responses else None),
        (scope("record", property="external_id"), lambda r, _: r.id),
    ],
)  # fmt: skip
def test_sorts(corpus: Corpus, about: Any, key: Callable[..., Any], order: str) -> None:
    first = max if order == "desc" else min
    has = [record for record in corpus.known if key(record, first) is not None]
    lacks = [record for record in corpus.known if key(record, first) is None]
    has.sort(key=lambda record: key(record, first), reverse=order == "desc")
    if order == "desc":  # what is equal stays in its order
        keys = {record.id: key(record, first) for record in has}
        has = sorted(has, key=corpus.known.index)
        values = sorted(set(keys.values()), reverse=True)
        has = [record for value in values for record in has if keys[record.id] == value]
    wanted = [record.id for record in has + lacks]
    assert corpus.find(sort=[ordered(about, order)], by="anna") == wanted
    page, total = corpus.users["anna"].search(sort=[ordered(about, order)], limit=20, offset=40)
    assert (page, total) == (wanted[40:60], len(wanted))


def test_a_second_sort_decides_where_the_first_is_equal(corpus: Corpus) -> None:
    found = corpus.find(sort=[ordered(METADATA), ordered(LENGTH, "desc")])
    known = {record.id: record for record in corpus.known}
    keys = [(known[f].source or "\U0010ffff", -known[f].length) for f in found]
    assert keys == sorted(keys)


def test_without_an_order_records_come_as_they_were_pushed(corpus: Corpus) -> None:
    assert corpus.find() == [record.id for record in corpus.known]
    assert corpus.find(by="bo") == [record.id for record in corpus.known]


def cosine(a: list[float], b: list[float]) -> float:
    return sum(x * y for x, y in zip(a, b, strict=True)) / (math.hypot(*a) * math.hypot(*b))


@pytest.mark.parametrize("order", ["most_similar", "least_similar"])
def test_similar_records(corpus: Corpus, order: str) -> None:
    one = next(r for r in corpus.known if r.vector and "湿疹" in r.text)
    sign = 1 if order == "most_similar" else -1

    def nearest(holds: Callable[[Known], object]) -> list[tuple[str, float]]:
        others = [r for r in corpus.known if r.vector and r is not one and holds(r)]
        scored = [(r.id, (1 + sign * cosine(r.vector, one.vector)) / 2) for r in others]
        return sorted(scored, key=lambda pair: -pair[1])

    asked = {"name": "meaning", "record_id": one.server_id, "order": order}
    told = corpus.users["anna"].raw_search(vector=asked, limit=50)
    wanted = nearest(lambda _: True)[:50]
    assert [item["record"]["external_id"] for item in told["items"]] == [id_ for id_, _ in wanted]
    assert [item["query_score"] for item in told["items"]] == pytest.approx(
        [score for _, score in wanted], abs=1e-5
    )
    found = corpus.find("湿疹", vector=asked, filters=[terms(CODES, "PII001")], by="anna", limit=30)
    wanted = nearest(lambda r: "湿疹" in r.text and "PII001" in r.codes)[:30]
    assert found == [id_ for id_, _ in wanted]
    by_value = {"name": "meaning", "value": one.vector, "order": order}
    if order == "most_similar":
        assert corpus.find(vector=by_value, limit=1) == [one.id]


def test_progress(corpus: Corpus) -> None:
    done = corpus.ids(
        lambda r: sum(status == "submitted" for status, _ in r.responses.values()) >= 2
    )
    told = corpus.owner.progress()
    assert (told["total"], told["completed"]) == (len(corpus.known), len(done))
    for name, view in corpus.users.items():
        statuses = [r.responses[name][0] for r in corpus.known if name in r.responses]
        own = view.own_progress()
        for status in ("submitted", "draft", "discarded"):
            assert own[status] == statuses.count(status)


def test_metrics_of_metadata(corpus: Corpus) -> None:
    ask = corpus.owner.user.do
    of = {
        p["name"]: ask("GET", f"/metadata-properties/{p['id']}/metrics")
        for p in ask("GET", f"/me/datasets/{corpus.owner.id}/metadata-properties")["items"]
    }
    codes = [code for record in corpus.known for code in record.codes]
    assert {v["term"]: v["count"] for v in of["codes"]["values"]} == {
        code: codes.count(code) for code in set(codes)
    }
    assert of["codes"]["total"] == len(codes)
    scores = [record.score for record in corpus.known if record.score is not None]
    assert (of["score"]["min"], of["score"]["max"]) == (min(scores), max(scores))
    lengths = [record.length for record in corpus.known]
    assert (of["length"]["min"], of["length"]["max"]) == (min(lengths), max(lengths))
