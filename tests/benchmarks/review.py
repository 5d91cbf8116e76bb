"""The review server beside Argilla as it comes: start, push, pull, search, memory.

    python -m tests.benchmarks.review --json [--records N]

Argilla as it comes does not run without Elasticsearch and Redis, so the peer has our search
engine and our jobs too, and none of the changes to Argilla's own code: what is compared is
those changes. Both work on the same made records, one after the other.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from curator.review.server import accounts, environment
from curator.workspace import read_json
from tests.benchmarks.harness import Row, report
from tests.review.argilla import (
    CHAT,
    TEXT,
    Argilla,
    Dataset,
    between,
    choice,
    choices,
    ordered,
    scope,
    terms,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PEER = "argilla-server 2.8.0, unchanged"
CHANGED = "import sys; from curator_review_server.__main__ import main; sys.exit(main())"
UNCHANGED = (
    "import sys; from curator_review_server import patches;"
    "patches.apply_all = lambda: None;"
    "from curator_review_server.__main__ import main; sys.exit(main())"
)
EVEN = ("cold start, s", "push, records/s", "answer, ms")
"""What does not depend on how many records there are."""
DIMENSIONS = 128
REPEATS = 9
CODES = ("LBL001", "LBL002", "DUP002", "PII001", "QLT003", "VOL001")
TAGS = ("wrong", "private", "stale", "short", "off-topic")
ZH = [
    "孩子",
    "发烧",
    "咳嗽",
    "腹泻",
    "湿疹",
    "药膏",
    "激素",
    "体温",
    "补液",
    "医生",
    "观察",
    "就诊",
    "护理",
    "饮食",
    "睡眠",
    "疫苗",
    "皮肤",
    "呼吸",
]
EN = [
    "reset",
    "password",
    "refund",
    "policy",
    "order",
    "late",
    "settings",
    "security",
    "address",
    "warranty",
    "cover",
]


def main() -> None:
    """Measure, and print the rows."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--data", help="not needed: the records are made")
    parser.add_argument("--records", type=int, default=20_000)
    parser.add_argument(
        "--peer-records", type=int, default=20_000, help="fewer: what depends on them is left out"
    )
    given = parser.parse_args()
    ours = measure(CHANGED, given.records)
    peer: dict[str, float | None] = {**measure(UNCHANGED, min(given.peer_records, given.records))}
    if given.peer_records < given.records:
        peer = {name: peer[name] if name in EVEN else None for name in peer}
    aims = {
        "push, records/s": "ratio >= 2.5",
        **{f"{what}, ms": "<= 100" for what in SEARCHES},
    }
    rows = [Row(name, ours[name], peer[name], PEER, aims.get(name)) for name in ours]
    report("review", rows, as_json=given.json)


def measure(program: str, count: int) -> dict[str, float]:
    """Return every figure of one server, by its name."""
    told: dict[str, float] = {}
    home = Path(tempfile.mkdtemp(prefix="curator-review-"))
    try:
        accounts.ensure(home / "credentials.json", [])
        with serving(program, home) as (seconds, server):
            told["cold start, s"] = seconds
            dataset = made(server)
            draw = random.Random(1)
            records = [record(dataset, n, draw) for n in range(count)]
            told["push, records/s"] = count / timed(lambda: dataset.push(records, batch=500))
        with serving(program, home) as (seconds, server):
            told["warm start, s"] = seconds
            dataset = dataset.seen_by(server)
            for name, search in SEARCHES.items():
                search(dataset)
                told[f"{name}, ms"] = 1000 * statistics.median(
                    timed(lambda s=search: s(dataset)) for _ in range(REPEATS)
                )
            (one,) = dataset.raw_search(limit=1)["items"]
            told["answer, ms"] = 1000 * timed(
                lambda: dataset.respond(one["record"]["id"], {"verdict": "keep"})
            )
            got: list[int] = []
            reading = timed(lambda: got.extend(1 for _ in pulled(dataset)))
            assert len(got) == count
            told["pull, records/s"] = count / reading
            told["memory, MB"] = peak(read_json(home / "server.json")["pid"])
        (home / "search.db").unlink()
        with serving(program, home) as (seconds, _):
            told["start with a lost index, s"] = seconds
    finally:
        shutil.rmtree(home, ignore_errors=True)
    return {name: round(value, 2) for name, value in told.items()}


@contextmanager
def serving(program: str, home: Path) -> Iterator[tuple[float, Argilla]]:
    """Run a server; give the seconds until it answered, and its owner."""
    python = environment.python(lambda line: print(line, file=sys.stderr))
    began = time.perf_counter()
    with (home / "server.log").open("wb") as log:
        process = subprocess.Popen(
            [python, "-c", program, "--home", home, "--port", "0"],
            cwd=home,
            env=environment.clean_environment(
                PYTHONPATH=str(environment.EMBEDDED), OMP_NUM_THREADS="1"
            ),
            stdout=log,
            stderr=log,
        )
    try:
        told = home / "server.json"
        while not (told.exists() and read_json(told)["pid"] == process.pid):
            assert process.poll() is None, (home / "server.log").read_text("utf-8")[-2000:]
            time.sleep(0.05)
        seconds = time.perf_counter() - began
        key = read_json(home / "credentials.json")["owner"]["api_key"]
        yield seconds, Argilla(read_json(told)["url"], key)
    finally:
        process.terminate()
        process.wait()


def made(owner: Argilla) -> Dataset:
    """Make a dataset of the kind that is reviewed."""
    return owner.dataset(
        "bench",
        fields={"conversation": CHAT, "question": TEXT, "answer": TEXT, "context": TEXT},
        questions={"verdict": choice(), "answer": TEXT, "tags": choices(*TAGS), "comment": TEXT},
        metadata={
            **dict.fromkeys(("codes", "source", "lang", "cluster"), "terms"),
            "score": "float",
            "queue": "integer",
        },
        vectors={"meaning": DIMENSIONS},
    )


def record(dataset: Dataset, n: int, draw: random.Random) -> dict[str, Any]:
    """Return one made record: two thirds Chinese, one third English."""
    words, between_words = (ZH, "") if n % 3 else (EN, " ")

    def said(count: int) -> str:
        return between_words.join(draw.choice(words) for _ in range(count)) + f" {n}"

    question, answer = said(12), said(60)
    turns = [("user", question), ("assistant", answer)]
    return {
        "external_id": f"r{n}",
        "fields": {
            "conversation": [{"role": role, "content": text} for role, text in turns],
            "question": question,
            "answer": answer,
            "context": said(60),
        },
        "metadata": {
            "codes": draw.sample(CODES, 2),
            "source": draw.choice(("faq.csv", "chats.jsonl", "网页")),
            "lang": "zh" if n % 3 else "en",
            "cluster": str(draw.randrange(300)),
            "score": draw.random(),
            "queue": draw.randrange(1, 100_000),
        },
        "suggestions": [
            dataset.suggestion("tags", draw.sample(TAGS, 2), score=[0.5, 0.6], agent="rules"),
            dataset.suggestion("answer", answer, score=draw.random(), agent="rules"),
        ],
        "vectors": {"meaning": [draw.gauss(0, 1) for _ in range(DIMENSIONS)]},
    }


def page(dataset: Dataset, *args: Any, **asked: Any) -> None:
    """Ask for what Argilla's page asks for: ten records with suggestions and own answers."""
    dataset.raw_search(*args, limit=10, include="suggestions,responses", **asked)


SCORE = scope("metadata", metadata_property="score")
SEARCHES: dict[str, Callable[[Dataset], None]] = {
    "queue": lambda d: page(d, filters=[terms(scope("response", property="status"), "pending")]),
    "text search, Chinese": lambda d: page(d, "发烧"),
    "text search, English": lambda d: page(d, "refund policy"),
    "phrase": lambda d: page(d, '"refund policy"'),
    "filter by code": lambda d: page(
        d, filters=[terms(scope("metadata", metadata_property="codes"), "PII001")]
    ),
    "filter by score": lambda d: page(d, filters=[between(SCORE, ge=0.9)]),
    "sort by score": lambda d: page(d, sort=[ordered(SCORE, "desc")]),
    "text, filter and sort": lambda d: page(
        d, "发烧", filters=[between(SCORE, ge=0.5)], sort=[ordered(SCORE, "desc")]
    ),
    "find similar": lambda d: page(d, vector={"name": "meaning", "value": [1.0] * DIMENSIONS}),
}


def pulled(dataset: Dataset) -> Iterator[Any]:
    """Yield what a pull reads."""
    return dataset.records(include="responses,suggestions")


def timed(work: Callable[[], object]) -> float:
    """Return the seconds that it took."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def peak(pid: int) -> float:
    """Return the most memory that a process held, in MB; 0 where nobody tells."""
    status = Path(f"/proc/{pid}/status")
    if not status.exists():
        return 0.0
    line = next(x for x in status.read_text().splitlines() if x.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


if __name__ == "__main__":
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    main()
