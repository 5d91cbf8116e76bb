"""The review server's index without the server: words, queries, and what a damaged file does."""

from __future__ import annotations

import ast
import sys
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from curator.review.server.embedded.curator_review_server.conditions import Sql, by_fact, fact_in
from curator.review.server.embedded.curator_review_server.index import Index
from curator.review.server.embedded.curator_review_server.query import parse
from curator.review.server.embedded.curator_review_server.rows import Response, Row
from curator.review.server.embedded.curator_review_server.vectors import as_bytes
from curator.review.server.embedded.curator_review_server.words import phrase, words
from curator.review.server.environment import EMBEDDED

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TEXTS = (
    "小儿湿疹用药",
    "发热 CT检查",
    "refund policy",
    "café au lait",
    "ＣＴ 检查",
    "カタカナの本",
    "",
)


def row(n: int, text: str = "", **more: Any) -> Row:
    made: dict[str, Any] = {"external_id": None, "status": "pending", "facts": {}}
    times = {"inserted_at": float(n), "updated_at": float(n)}
    return Row(id=f"{n}", texts={"q": text}, **times, **(made | more))


@pytest.fixture
def index(tmp_path: Path) -> Iterator[Index]:
    made = Index(tmp_path / "search.db")
    made.put("d", ["q"], [row(n, text) for n, text in enumerate(TEXTS)])
    yield made
    made.close()


def found(index: Index, query: str | None = None, where: Sql | None = None) -> list[str]:
    match = parse(query) if query is not None else None
    if query is not None and match is None:
        return []
    page = index.search(
        "d", where or Sql("1"), match=match, field=None, order=(), offset=0, limit=100
    )
    assert page.total == len(page.items)
    return [id_ for id_, _ in page.items]


def test_words_of_texts_without_spaces() -> None:
    assert list(words("小儿湿疹 iPhone15手机")) == [
        *("小儿", "儿湿", "湿疹", "疹", "iPhone15", "手机", "机")
    ]
    assert list(words("，。?!")) == []


def test_a_phrase_ends_where_the_text_may_go_on() -> None:
    assert phrase("湿疹") == '"湿疹"'
    assert phrase("疹") == '"疹" *'
    assert phrase("CT检查") == '"CT 检查"'
    assert phrase("检查CT") == '"检查 查 CT"'
    assert phrase("refu", prefix=True) == '"refu" *'
    assert phrase("…") is None


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("湿疹", ["0"]),
        ("疹", ["0"]),
        ("小儿湿疹用药", ["0"]),
        ("湿疹小儿", []),
        ("检查", ["1", "4"]),
        ("CT检查", ["1", "4"]),
        ("ct 检查", ["1", "4"]),
        ("ＣＴ", ["1", "4"]),
        ("カタ", ["5"]),
        ("cafe", ["3"]),
        ("pol*", ["2"]),
        ("pol", []),
        (r"refund\*", ["2"]),
        ('"refund policy"~2', ["2"]),
        ("policy~1", ["2"]),
        ("-检查 -refund", ["0", "3", "5", "6"]),
        ("--refund", ["2"]),
        ("-(-refund)", ["2"]),
        ("refund-policy", ["2"]),
        ("(" * 200 + "refund", ["2"]),
    ],
)
def test_queries(index: Index, query: str, wanted: list[str]) -> None:
    assert sorted(found(index, query)) == wanted


@settings(
    deadline=None,
    max_examples=300,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    st.text(
        st.sampled_from("湿疹检查refundCT \"()|+-*~\\^:{}'\0，é\U0002070e%_") | st.characters(),
        max_size=30,
    )
)
def test_nothing_that_is_typed_is_an_error(index: Index, query: str) -> None:
    assert set(found(index, query)) <= {str(n) for n in range(len(TEXTS))}


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(st.sampled_from("湿疹发热检查CT a"), min_size=1, max_size=12), st.data())
def test_every_piece_of_a_chinese_text_is_found(
    index: Index, text: str, data: st.DataObject
) -> None:
    """And no text that lacks it."""
    run = max(text.replace("C", " ").replace("T", " ").replace("a", " ").split(" "), key=len)
    index.put("d", ["q"], [row(99, text)])
    if run:
        start = data.draw(st.integers(0, len(run) - 1))
        piece = run[start : data.draw(st.integers(start + 1, len(run)))]
        assert set(found(index, piece)) == {
            *(str(n) for n, said in enumerate(TEXTS) if piece in said),
            "99",
        }


def test_a_record_written_again_is_the_new_one(index: Index) -> None:
    response = Response("a", "anna", "submitted", {"verdict": "fix"})
    facts = {"metadata.source": ["faq", "网页"]}
    vectors = {"v": as_bytes([1.0, 0.0])}
    index.put("d", ["q"], [row(0, "全新", facts=facts, responses=(response,), vectors=vectors)])
    assert found(index, "湿疹") == []
    assert found(index, "全新") == ["0"]
    assert found(index, where=fact_in("d", "metadata.source", ["网页"])) == ["0"]
    assert index.response_statuses("d", "anna") == {"submitted": 1}
    index.put("d", ["q"], [row(0, "再来")])
    assert found(index, where=fact_in("d", "metadata.source", ["网页"])) == []
    assert index.response_statuses("d", "anna") == {}
    assert index.sizes("d") == (len(TEXTS), 0)


def test_similar_vectors_follow_what_is_written(index: Index) -> None:
    def nearest(vector: list[float]) -> list[tuple[str, float]]:
        asked: dict[str, Any] = {"match": None, "field": None, "without": None, "least": False}
        page = index.similar("d", "v", vector, Sql("1"), threshold=None, limit=9, **asked)
        return [(id_, round(score, 3)) for id_, score in page.items]

    assert nearest([1.0, 0.0]) == []
    index.put("d", ["q"], [row(0, vectors={"v": as_bytes([2.0, 0.0])})])
    assert nearest([5.0, 0.0]) == [("0", 1.0)]
    index.put("d", ["q"], [row(1, vectors={"v": as_bytes([-1.0, 0.0])})])
    assert nearest([1.0, 0.0]) == [("0", 1.0), ("1", 0.0)]
    index.remove("d", ["0"])
    assert nearest([1.0, 0.0]) == [("1", 0.0)]
    index.put("d", ["q"], [row(1, vectors={"v": as_bytes([0.0, 0.0])})])
    assert nearest([1.0, 0.0]) == [("1", 0.5)]


def test_datasets_do_not_mix(index: Index) -> None:
    index.put("e", ["q"], [row(50, "湿疹", facts={"metadata.score": 0.5})])
    assert found(index, "湿疹") == ["0"]
    order = [by_fact("d", "metadata.score", descending=True)]
    page = index.search("d", Sql("1"), match=None, field=None, order=order, offset=0, limit=2)
    assert (page.total, [id_ for id_, _ in page.items]) == (len(TEXTS), ["0", "1"])
    index.drop("d")
    assert found(index) == []
    assert index.sizes("e") == (1, 0)


def test_whole_is_only_what_was_closed(tmp_path: Path) -> None:
    path = tmp_path / "search.db"
    first = Index(path)
    assert not first.is_whole, "an empty index is filled"
    first.is_whole = True
    first.close()
    second = Index(path)
    assert second.is_whole
    third = Index(path)  # as after kill -9 of the second
    assert not third.is_whole


@pytest.mark.parametrize(
    "damage", [b"", b"no database at all" * 400, b"SQLite format 3\0" + b"\0" * 9000]
)
def test_a_damaged_index_is_begun_anew(tmp_path: Path, damage: bytes) -> None:
    path = tmp_path / "search.db"
    path.write_bytes(damage)
    index = Index(path)
    assert not index.is_whole
    index.put("d", ["q"], [row(0, "湿疹")])
    assert found(index, "湿疹") == ["0"]


def test_what_runs_beside_argilla_knows_nothing_of_curator() -> None:
    """Its environment holds argilla-server's packages and no others."""
    there = {
        "alembic",
        "argilla_server",
        "numpy",
        "sqlalchemy",
        "uvicorn",
        *sys.stdlib_module_names,
    }
    modules = sorted((EMBEDDED / "curator_review_server").glob("*.py"))
    assert len(modules) > 10
    for module in modules:
        for node in ast.walk(ast.parse(module.read_text("utf-8"))):
            names = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and not node.level:
                names = [node.module or ""]
            assert {name.split(".")[0] for name in names} <= there, module.name
