"""The leak test: of planted identities, none that was found shows anywhere the project writes.

`CURATOR_IDENTITIES=2000` plants as many, in five conversations each; the suite plants 200.
"""

from __future__ import annotations

import gzip
import json
import os
import re
import shutil
import sqlite3
from collections import defaultdict
from typing import TYPE_CHECKING, Any

import ahocorasick
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from curator.text import fold
from tests.conftest import ROOT
from tests.identities import Identity, Planted, conversations, identities
from tests.review_server import server_python

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

COUNT = int(os.environ.get("CURATOR_IDENTITIES", "200"))
PER_PERSON = 5
RAW = (".curator/records", ".curator/ingest", ".curator/vault.db", "chats.jsonl")
"""What holds the conversations as they were read, or is the key's own."""
VECTOR = re.compile(r"[-\d.e]*(?:, ?)?(?:-?\d\.\d+(?:e-?\d+)?, ?){16,}[-\d.e]*")
"""An embedding written as text, whole or cut by the end of a database's page. Any ten digits
stand somewhere in the decimals of some thousands: by chance, and no detail of anyone."""
OFF = [
    "semantic_duplicates",
    "contamination",
    "contradictions",
    "label_issues",
    "category_labels",
    "outliers",
]


def lay(root: Path) -> list[list[Planted]]:
    """Write a project with planted identities; return what is planted in each line."""
    root.mkdir()
    lines, planted = zip(*conversations(identities(COUNT), COUNT * PER_PERSON), strict=True)
    (root / "chats.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    # They see what the others see, and take most of the time.
    checks = f"checks: {{{', '.join(f'{name}: false' for name in OFF)}}}\n"
    (root / "curator.yaml").write_text(
        f"name: planted\nworkers: 1\nsources: [{{path: chats.jsonl, license: CC0}}]\n{checks}"
        "exports: {instruction: {formats: [sharegpt, alpaca, prompt_completion]}}\n",
        encoding="utf-8",
    )
    shutil.copytree(ROOT / "rules", root / "rules", ignore=shutil.ignore_patterns("domains"))
    # Redacted, most are duplicates: all are kept, so that all are written.
    policy(root, lambda rules: [rule for rule in rules if rule["then"] != "keep_one"])
    return list(planted)


def policy(root: Path, change: Callable[[list[dict[str, Any]]], list[dict[str, Any]]]) -> None:
    """Change the rules of the project's policy."""
    path = root / "rules" / "policy.yaml"
    rules = change(yaml.safe_load(path.read_text("utf-8"))["rules"])
    path.write_text(yaml.safe_dump({"rules": rules}, allow_unicode=True), "utf-8")


def review(root: Path, curator: Callable[..., Any]) -> str:
    """Hold for review all that hides a name, push it to a server there; return what was said."""
    look = {
        "id": "look-at-names",
        "when": {"code": "PII001"},
        "then": "review",
        "because": {"zh": "看一看", "en": "have a look"},
    }
    policy(root, lambda rules: [*rules, look])
    curator("decide", "-p", root)
    server_python()
    started = curator("review", "serve", "--detach", "--port", "0", "-p", root, "--json")
    try:
        pushed = curator("review", "push", "-p", root, "--json")
        assert json.loads(pushed.stdout)["sent"] > COUNT
        pulled = curator("review", "pull", "-p", root, "--json")
    finally:
        curator("review", "stop", "-p", root)
    server = root / ".curator" / "review"
    assert all((server / name).stat().st_size for name in ("argilla.db", "search.db", "server.log"))
    return "".join(done.stdout + done.stderr for done in (started, pushed, pulled))


def hidden_in(root: Path) -> dict[int, list[str]]:
    """Return, folded, what the edits of the decision cover in each line, from the raw records."""
    decided = json.loads((root / ".curator/decisions/current.json").read_text("utf-8"))["id"]
    table = pq.read_table(root / f".curator/decisions/{decided}/decisions.parquet")
    edits = {edit for row in table["edits"].to_pylist() for edit in row}
    texts: dict[str, tuple[int, list[str]]] = {}
    for path in (root / ".curator/records").glob("*.parquet"):
        for row in pq.read_table(path, columns=["id", "locator", "parts"]).to_pylist():
            line = int(row["locator"].split()[-1])
            texts[row["id"]] = line - 1, [part["text"] for part in row["parts"]]
    found: dict[int, list[str]] = defaultdict(list)
    for path in (root / ".curator/findings").glob("*/*/*.parquet"):
        for row in pq.read_table(path).to_pylist():
            if row["id"] in edits and row["part"] is not None and row["code"].startswith("PII"):
                line, parts = texts[row["record_id"]]
                found[line].append(fold(parts[row["part"]][row["start"] : row["end"]]))
    return found


def core(person: Identity, entity: str) -> str:
    """Return, folded, what of a detail must not show; of an address, the house and its street."""
    value = person.details[entity]
    return fold(value.split(",")[0] if entity == "ADDRESS" else value)


def strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, bytes):
        yield from decoded(value)
    elif isinstance(value, dict):
        for key, held in value.items():
            yield from strings(key)
            yield from strings(held)
    elif isinstance(value, list | tuple):
        for held in value:
            yield from strings(held)


def decoded(data: bytes) -> Iterator[str]:
    yield data.decode("utf-8", "ignore")
    yield data.decode("utf-16-le", "ignore")
    yield data[1:].decode("utf-16-le", "ignore")


def _has_text(kind: pa.DataType) -> bool:
    if pa.types.is_nested(kind):
        return any(_has_text(kind.field(i).type) for i in range(kind.num_fields))
    return bool(
        pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_binary(kind)
    )


def said_by(path: Path) -> Iterator[str]:
    """Yield all that a file says: its bytes, and its rows where it is a table or a database."""
    data = path.read_bytes()
    if path.suffix == ".gz":
        data = gzip.decompress(data)
    if data[:4] == b"PAR1":
        with pq.ParquetFile(path) as file:
            worded = [f.name for f in file.schema_arrow if _has_text(f.type)]
            for column in worded:
                yield from strings(file.read([column])[0].to_pylist())
            yield from strings(dict(file.schema_arrow.metadata or {}))
    elif data[:15] == b"SQLite format 3":
        with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as con:
            for (name,) in con.execute(
                "SELECT name FROM sqlite_master WHERE type = 'table'"
            ).fetchall():
                yield from strings(con.execute(f'SELECT * FROM "{name}"').fetchall())
    elif path.suffix == ".jsonl":
        for line in data.decode("utf-8").splitlines():
            yield from strings(json.loads(line))
    yield from decoded(data)


@pytest.mark.slow
def test_no_planted_identity_that_was_found_shows_anywhere(
    tmp_path: Path,
    curator: Callable[..., Any],
    record_property: Callable[[str, object], None],
) -> None:
    root = tmp_path / "p"
    planted = lay(root)
    done = curator("run", root, timeout=max(600, 6 * COUNT))
    hidden = hidden_in(root)
    told = review(root, curator)
    people = identities(COUNT)
    total: dict[str, set[int]] = defaultdict(set)
    found: dict[str, set[int]] = defaultdict(set)
    said: dict[str, int] = defaultdict(int)
    missed: dict[str, int] = defaultdict(int)
    for line, held in enumerate(planted):
        for one in held:
            total[one.entity].add(one.identity)
            said[one.entity] += 1
            full = core(people[one.identity], one.entity)
            if any(full in h for h in hidden[line]):
                found[one.entity].add(one.identity)
            else:
                missed[one.entity] += 1
    automaton = ahocorasick.Automaton()
    for entity, those in found.items():
        for number in those:
            key = core(people[number], entity)
            automaton.add_word(key, (entity, number))
    automaton.make_automaton()
    leaks: dict[str, set[tuple[str, int]]] = defaultdict(set)
    for path in sorted(p for p in root.rglob("*") if p.is_file() and not p.is_symlink()):
        name = path.relative_to(root).as_posix()
        if name.startswith(RAW):
            continue
        for text in said_by(path):
            for _, hit in automaton.iter(fold(VECTOR.sub(" ", text))):
                leaks[name].add(hit)
    for text in (done.stdout, done.stderr, told):
        for _, hit in automaton.iter(fold(text)):
            leaks["output"].add(hit)
    lines = [
        "| entity | identities | not found at all | mentions | not found |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    lines += [
        f"| {e} | {len(total[e])} | {1 - len(found[e]) / len(total[e]):.2%} | {said[e]} | {missed[e] / said[e]:.2%} |"
        for e in sorted(total)
    ]
    record_property("table", "\n".join(lines))
    counts = {
        name: {
            e: sum(entity == e for entity, _ in hits)
            for e in sorted({entity for entity, _ in hits})
        }
        for name, hits in leaks.items()
    }
    assert not leaks, f"found, and shown nevertheless: {counts}"
    assert all(len(found[e]) > 0.5 * len(total[e]) for e in total), "most are found"
