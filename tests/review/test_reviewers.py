"""Several reviewers at once, a server that is killed, an index that is lost: nothing is lost."""

from __future__ import annotations

import os
import signal
import sqlite3
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from tests.review.argilla import CHAT, TEXT, Argilla, Dataset, choice, scope, terms

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from pathlib import Path

    from curator.workspace import Workspace
    from tests.review.conftest import Served

PENDING = terms(scope("response", property="status"), "pending")
OPEN = terms(scope("record", property="status"), "pending")


def questions(owner: Argilla, name: str, count: int, **more: Any) -> tuple[Dataset, list[str]]:
    dataset = owner.dataset(
        name,
        fields={"question": TEXT, "chat": CHAT},
        questions={"verdict": choice(), "comment": TEXT},
        metadata={"source": "terms", "queue": "integer"},
        **more,
    )
    rows = [
        {
            "external_id": f"r{n}",
            "fields": {
                "question": f"第 {n} 问：孩子{'发烧' if n % 2 else '咳嗽'}怎么办？ question {n}",
                "chat": [{"role": "user", "content": "您好"}],
            },
            "metadata": {"source": "网页" if n % 3 else "faq"},
        }
        for n in range(count)
    ]
    return dataset, dataset.push(rows)


def test_two_reviewers_at_once(served: Served) -> None:
    """Each works through her own queue of 200, page by page, as the pages do."""
    owned, _ = questions(served.owner, "both", 200, min_submitted=2)
    given: dict[str, dict[str, str]] = {"anna": {}, "bo": {}}

    def work(name: str) -> None:
        view = owned.seen_by(served.reviewer(name))
        while True:
            page = view.raw_search(filters=[PENDING], limit=10)["items"]
            if not page:
                return
            for n, item in enumerate(page):
                record = item["record"]
                status = ("submitted", "submitted", "draft", "discarded")[n % 4]
                verdict = ("keep", "fix", "drop")[(n + len(name)) % 3]
                view.respond(record["id"], {"verdict": verdict, "comment": f"{name} 说"}, status)
                assert record["external_id"] not in given[name], "no record is shown twice"
                given[name][record["external_id"]] = status

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(work, given))
    stored = Counter()
    for record in owned.records(include="responses"):
        by_user = {r["user_id"]: r["status"] for r in record["responses"]}
        assert sorted(by_user.values()) == sorted(g[record["external_id"]] for g in given.values())
        stored.update(by_user.values())
    assert stored.total() == 400
    for name, statuses in given.items():
        own = owned.seen_by(served.reviewer(name)).own_progress()
        counts = Counter(statuses.values())
        assert {s: own[s] for s in counts} == counts
        assert own["total"] == own.get("total", 200)
    done = [r for r in given["anna"] if given["anna"][r] == given["bo"][r] == "submitted"]
    assert owned.progress()["completed"] == len(done) > 0


def test_one_queue_is_shared(served: Served) -> None:
    """With one answer a record, what one reviewer did is not shown to the other."""
    owned, ids = questions(served.owner, "shared", 12)
    anna, bo = (owned.seen_by(served.reviewer(name)) for name in ("anna", "bo"))
    for record in ids[:5]:
        anna.respond(record, {"verdict": "keep"})
    found, total = bo.search(filters=[PENDING, OPEN])
    assert (found, total) == ([f"r{n}" for n in range(5, 12)], 7)


def test_the_records_come_in_the_order_of_the_queue(served: Served) -> None:
    owned, ids = questions(served.owner, "ordered", 9)
    ranks = [10, 2, 5, 7, 3, 8, 4, 6]  # the last has none
    for n, rank in enumerate(ranks):
        change = {"metadata": {"source": "faq", "queue": rank}}
        served.owner.do("PATCH", f"/records/{ids[n]}", change)
    wanted = [f"r{n}" for n in sorted(range(8), key=lambda n: ranks[n])] + ["r8"]
    anna = owned.seen_by(served.reviewer("anna"))
    assert anna.search(filters=[PENDING])[0] == wanted
    assert owned.search()[0] == wanted


def test_an_answer_changes_what_is_found(served: Served) -> None:
    owned, ids = questions(served.owner, "changes", 3)
    anna = owned.seen_by(served.reviewer("anna"))
    told = anna.respond(ids[0], {"verdict": "keep"}, "draft")
    fix = terms(scope("response", question="verdict"), "fix")
    assert anna.search(filters=[fix])[0] == []
    change = {"status": "submitted", "values": {"verdict": {"value": "fix"}}}
    anna.user.do("PUT", f"/responses/{told['id']}", change)
    assert anna.search(filters=[fix])[0] == ["r0"]
    assert owned.progress()["completed"] == 1
    anna.user.do("DELETE", f"/responses/{told['id']}")
    assert anna.search(filters=[fix])[0] == []
    assert anna.search(filters=[PENDING])[1] == 3
    assert owned.progress()["completed"] == 0


def test_suggestions_and_records_come_and_go(served: Served) -> None:
    owned, ids = questions(served.owner, "comes", 4)
    suggested = terms(scope("suggestion", question="verdict", property="value"), "drop")
    what = owned.suggestion("verdict", "drop", score=0.5)
    made = served.owner.do("PUT", f"/records/{ids[1]}/suggestions", what)
    assert owned.search(filters=[suggested])[0] == ["r1"]
    served.owner.do("PUT", f"/records/{ids[1]}/suggestions", what | {"value": "keep"})
    assert owned.search(filters=[suggested])[0] == []
    served.owner.do("PUT", f"/records/{ids[1]}/suggestions", what)
    gone = {"ids": made["id"]}
    served.owner.do("DELETE", f"/records/{ids[1]}/suggestions", **gone)
    assert owned.search(filters=[suggested])[0] == []
    owned.push([{"id": ids[2], "fields": {"question": "全新的内容 brand new"}}], method="PUT")
    assert owned.search("全新的内容")[0] == ["r2"]
    assert owned.search("第 2 问")[0] == []
    served.owner.do("DELETE", f"/datasets/{owned.id}/records", ids=f"{ids[2]},{ids[3]}")
    assert owned.search()[0] == ["r0", "r1"]
    assert owned.search("全新的内容") == ([], 0)
    assert owned.progress()["total"] == 2
    served.owner.do("DELETE", f"/datasets/{owned.id}")
    again, _ = questions(served.owner, "comes", 2)
    assert again.search("孩子")[1] == 2


def test_killed_while_answers_come_in(
    serving: Callable[..., AbstractContextManager[Served]], project: Callable[[], Workspace]
) -> None:
    """Every answer that was acknowledged is there, and counted, after `kill -9`."""
    workspace = project()
    acknowledged: dict[str, set[str]] = {"anna": set(), "bo": set()}
    enough = threading.Event()

    def work(dataset: Dataset, ids: list[str], name: str) -> None:
        for record in ids:
            try:
                dataset.respond(record, {"verdict": "fix", "comment": "更正"})
            except (OSError, AssertionError, ValueError):
                return
            except Exception as error:
                if type(error).__module__ != "http.client":
                    raise
                return
            acknowledged[name].add(record)
            if sum(map(len, acknowledged.values())) > 40:
                enough.set()

    with serving(workspace) as first:
        dataset, ids = questions(first.owner, "killed", 230, min_submitted=2)
        with ThreadPoolExecutor(2) as pool:
            for name, order in (("anna", ids), ("bo", ids[::-1])):
                pool.submit(work, dataset.seen_by(first.reviewer(name)), order, name)
            assert enough.wait(120)
            os.kill(first.server.pid, signal.SIGKILL)
    assert 40 < sum(map(len, acknowledged.values())) < 460
    with serving(workspace) as second:
        stored: dict[str, set[str]] = {}
        again = dataset.seen_by(second.owner)
        completed = 0
        for record in again.records(include="responses"):
            for response in record["responses"]:
                stored.setdefault(response["user_id"], set()).add(record["id"])
            completed += len(record["responses"]) == 2
        users = {u["username"]: u["id"] for u in second.owner.do("GET", "/users")["items"]}
        for name, records in acknowledged.items():
            kept = stored.get(users[name], set())
            assert records <= kept
            own = again.seen_by(second.reviewer(name))
            assert own.own_progress()["submitted"] == len(kept)
            assert own.search(filters=[PENDING])[1] == 230 - len(kept)
        assert again.progress() == again.progress() | {"total": 230, "completed": completed}
        fixed = terms(scope("response", question="verdict"), "fix")
        assert again.search(filters=[fixed], everybody=True)[1] == len(
            set().union(*stored.values())
        )


def test_the_index_may_be_lost(
    serving: Callable[..., AbstractContextManager[Served]], project: Callable[[], Workspace]
) -> None:
    workspace = project()
    with serving(workspace) as first:
        dataset, ids = questions(first.owner, "lost", 30)
        dataset.seen_by(first.reviewer("anna")).respond(ids[3], {"verdict": "drop"})
        before = state(dataset, first)
        first_home = first.home
    for damage in (spoil, forget_records):
        damage(first_home / "search.db")
        with serving(workspace) as again:
            assert state(dataset.seen_by(again.owner), again) == before


def state(dataset: Dataset, served: Served) -> Any:
    anna = dataset.seen_by(served.reviewer("anna"))
    return (
        dataset.search("发烧"),
        dataset.search(filters=[terms(scope("metadata", metadata_property="source"), "网页")]),
        anna.search(filters=[PENDING]),
        anna.own_progress(),
        dataset.progress(),
    )


def spoil(index: Path) -> None:
    index.write_bytes(b"no database" * 500)


def forget_records(index: Path) -> None:
    """An index that ends short of the database, and believes itself whole."""
    with closing(sqlite3.connect(index)) as con:
        con.execute("DELETE FROM records WHERE seq % 2")
        con.commit()
        assert con.execute("SELECT whole FROM state").fetchone() == (1,)


@pytest.mark.parametrize(
    "bad",
    [
        {"fields": {"question": "绝密的内容"}, "metadata": {"queue": "top secret"}},
        {"fields": {"question": ["绝密的内容", "top secret"]}},
        {"fields": {"unknown": "绝密的内容 top secret"}},
        {"fields": {"question": "绝密的内容"}, "suggestions": "top secret"},
    ],
)
def test_a_push_that_is_refused_leaves_nothing(
    served: Served, bad: dict[str, Any], request: pytest.FixtureRequest
) -> None:
    """Neither in the dataset nor in the log."""
    name = f"bad{request.node.callspec.indices['bad']}"
    owned, _ = questions(served.owner, name, 2)
    good = {"fields": {"question": "好的内容"}}
    path = f"/api/v1/datasets/{owned.id}/records/bulk"
    answer = served.owner.ask("POST", path, {"items": [good, bad]})
    assert answer.status == 422
    assert owned.search()[1] == owned.progress()["total"] == sum(1 for _ in owned.records()) == 2
    log = (served.home / "server.log").read_text("utf-8")
    assert "绝密" not in log
    assert "secret" not in log
