"""Vector tables follow the corpus: what changed, and nothing else; and what goes wrong."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from filelock import FileLock

from curator.engine import LocalEngine
from curator.errors import TargetError
from curator.exports.rag import ROWS
from curator.exports.sync import Synced, sync
from curator.exports.synced import SyncLog
from curator.exports.targets import opened, place_of
from curator.exports.targets.protocol import Facts
from curator.exports.vectors import EmbedWindows
from curator.models.encoders import embed, load_encoder
from curator.schema import Exports, RagExport, RagTarget, Recipe
from curator.workspace import Workspace
from tests.tables import FOLDERS, KINDS, SERVERS, held, nearest, postgres, serving, target
from tests.wire import Wire

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

TEXTS = {
    "a1": "运费由卖家承担，七天内可以退货。",
    "b2": "Returns are free within seven days.",
    "c3": "发票在订单页面下载。",
    "d4": "Invoices are sent by e-mail.",
}


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with postgres(tmp_path_factory.mktemp("pg")) as url:
        yield url


@pytest.fixture
def url(request: pytest.FixtureRequest) -> str:
    """PostgreSQL's address where the test is about it; the tables of other tests are gone."""
    if request.getfixturevalue("kind") != "pgvector":
        return ""
    import psycopg

    address: str = request.getfixturevalue("database")
    with psycopg.connect(address, autocommit=True) as con:
        con.execute("DROP TABLE IF EXISTS shop")
    return address


def row(chunk: str, text: str, **more: Any) -> dict[str, Any]:
    plain = dict.fromkeys(ROWS.names, "") | {
        "id": chunk,
        "text": text,
        "record_id": f"r{chunk}",
    }
    lists = {f.name: ["售后"] for f in ROWS if pa.types.is_list(f.type)}
    other = {f.name: None for f in ROWS if not pa.types.is_string(f.type)}
    return {**plain, **other, **lists, **more}


def corpus(root: Path, texts: Mapping[str, str], **more: Any) -> Path:
    """An exported version of these chunks."""
    rows = [row(chunk, text, **more) for chunk, text in texts.items()]
    folder = root / "exports" / "rag" / f"v{abs(hash(str(rows)))}"
    folder.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(rows, schema=ROWS), folder / "chunks.parquet")
    return folder


def recipe(*targets: RagTarget, name: str = "shop") -> Recipe:
    return Recipe(name=name, exports=Exports(rag=RagExport(targets=targets)))


def synced(root: Path, folder: Path, *targets: RagTarget, **more: Any) -> list[tuple[int, ...]]:
    with LocalEngine(1) as engine:
        done = sync(Workspace(root), recipe(*targets), engine, folder, **more)
    return [counts(one) for one in done]


def counts(one: Synced) -> tuple[int, ...]:
    return one.added, one.updated, one.deleted, one.unchanged


def error_of(root: Path, folder: Path, *targets: RagTarget, **more: Any) -> TargetError:
    with pytest.raises(TargetError) as caught:
        synced(root, folder, *targets, **more)
    return caught.value


@pytest.mark.parametrize("kind", KINDS)
def test_a_table_gets_what_changed_and_nothing_else(kind: str, url: str, tmp_path: Path) -> None:
    settings = target(kind, url)
    first = corpus(tmp_path, TEXTS)
    assert synced(tmp_path, first, settings) == [(4, 0, 0, 0)]
    assert synced(tmp_path, first, settings) == [(0, 0, 0, 4)]
    changed = {k: v for k, v in TEXTS.items() if k != "c3"} | {"e5": "新的一条：全国包邮。"}
    second = corpus(tmp_path, changed)
    assert synced(tmp_path, second, settings) == [(1, 0, 1, 3)]
    expected = {chunk: (text, "售后") for chunk, text in changed.items()}
    assert held(settings, tmp_path) == expected


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_nearest_is_found(kind: str, url: str, tmp_path: Path) -> None:
    settings = target(kind, url)
    synced(tmp_path, corpus(tmp_path, TEXTS), settings)
    asked = embed(load_encoder("use-multilingual"), [f"售后\n{TEXTS['c3']}"], 200)[0]
    chunk, score = nearest(settings, tmp_path, asked.tolist())
    assert (chunk, round(score, 3)) == ("c3", 1.0)


@pytest.mark.parametrize("kind", KINDS)
def test_a_row_whose_text_stays_is_updated_and_not_embedded_again(
    kind: str, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = target(kind, url)
    synced(tmp_path, corpus(tmp_path, TEXTS), settings)
    monkeypatch.setattr(EmbedWindows, "__call__", None)
    moved = corpus(tmp_path, TEXTS, citation="《指南》› 第 2 段")
    assert synced(tmp_path, moved, settings) == [(0, 4, 0, 0)]
    assert synced(tmp_path, moved, settings) == [(0, 0, 0, 4)]


@pytest.mark.parametrize("kind", KINDS)
def test_a_table_made_with_another_model_is_not_mixed(kind: str, url: str, tmp_path: Path) -> None:
    settings = target(kind, url)
    folder = corpus(tmp_path, TEXTS)
    place = place_of(settings, tmp_path, "shop")
    vector = pa.list_(pa.float32(), 384)
    columns = [*ROWS, pa.field("row_hash", pa.string()), pa.field("vector", vector)]
    with opened(place) as table:
        table.create(Facts("shop", "minilm-en", "other", 384), pa.schema(columns))
    error = error_of(tmp_path, folder, settings)
    assert "another model (minilm-en, 384 numbers a vector; now use-multilingual, 512)" in str(
        error.message
    )
    assert "--rebuild" in error.hint
    assert synced(tmp_path, folder, settings, rebuild=True) == [(4, 0, 0, 0)]
    assert set(held(settings, tmp_path)) == set(TEXTS)


@pytest.mark.parametrize("kind", KINDS)
def test_a_table_of_another_project_is_left_alone(kind: str, url: str, tmp_path: Path) -> None:
    settings = target(kind, url, table="shop")
    folder = corpus(tmp_path, TEXTS)
    synced(tmp_path, folder, settings)
    with LocalEngine(1) as engine, pytest.raises(TargetError, match="of the project shop"):
        sync(Workspace(tmp_path), recipe(settings, name="b"), engine, folder, rebuild=True)
    assert set(held(settings, tmp_path)) == set(TEXTS)


@pytest.mark.parametrize("kind", KINDS)
def test_a_sync_that_broke_off_goes_on(
    kind: str, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = target(kind, url)
    monkeypatch.setattr("curator.exports.vectors._TEXTS_A_FILE", 2)
    folder = corpus(tmp_path, TEXTS)
    with opened(place_of(settings, tmp_path, "shop")) as table:
        cls = type(table)
    whole, calls = cls.upsert, []

    def breaks(self: Any, rows: pa.Table) -> None:
        calls.append(rows)
        if len(calls) == 2:
            raise KeyboardInterrupt
        whole(self, rows)

    with monkeypatch.context() as patched:
        patched.setattr(cls, "upsert", breaks)
        with pytest.raises(KeyboardInterrupt):
            synced(tmp_path, folder, settings)
    # FAISS is written whole or not at all.
    there = 0 if kind == "faiss" else 2
    assert synced(tmp_path, folder, settings) == [(4 - there, 0, 0, there)]
    assert set(held(settings, tmp_path)) == set(TEXTS)


@pytest.mark.parametrize("kind", SERVERS)
def test_a_server_that_goes_down_mid_sync_gets_the_rest_when_it_is_up(
    kind: str, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("curator.exports.vectors._TEXTS_A_FILE", 2)
    folder = corpus(tmp_path, TEXTS)
    with serving(kind, tmp_path, url) as (at, by_wire):
        with Wire(at) as wire:
            settings = RagTarget(kind=kind, url=by_wire(wire.port))
            with opened(place_of(settings, tmp_path, "shop")) as table:
                cls = type(table)
            whole, calls = cls.upsert, []

            def cut_at_the_second(self: Any, rows: pa.Table) -> None:
                calls.append(rows)
                if len(calls) == 2:
                    wire.cut()
                whole(self, rows)

            with monkeypatch.context() as patched:
                patched.setattr(cls, "upsert", cut_at_the_second)
                error = error_of(tmp_path, folder, settings)
            assert "does not answer or refuses" in error.message
            assert not any(text in str(error) for text in TEXTS.values())
        with Wire(at) as wire:
            settings = RagTarget(kind=kind, url=by_wire(wire.port))
            # It is another address: the table is the same.
            assert synced(tmp_path, folder, settings) == [(2, 0, 0, 2)]
            assert synced(tmp_path, folder, settings) == [(0, 0, 0, 4)]
            with opened(place_of(settings, tmp_path, "shop")) as table:
                assert {chunk for chunk, _ in table.ids_and_hashes()} == set(TEXTS)


@pytest.mark.parametrize("kind", FOLDERS)
def test_a_table_in_use_is_told(kind: str, url: str, tmp_path: Path) -> None:
    settings = target(kind, url)
    folder = corpus(tmp_path, TEXTS)
    synced(tmp_path, folder, settings)
    with FileLock(tmp_path / f"exports/tables/{kind}.lock"):
        error = error_of(tmp_path, folder, settings)
    assert "being written by another process" in error.message


@pytest.mark.parametrize("kind", ["pgvector"])
def test_a_table_on_a_server_in_use_is_told(kind: str, url: str, tmp_path: Path) -> None:
    settings = target(kind, url)
    with opened(place_of(settings, tmp_path, "shop")):
        error = error_of(tmp_path, corpus(tmp_path, TEXTS), settings)
    assert "being written by another process" in error.message


@pytest.mark.parametrize("kind", ["qdrant", "pgvector"])
def test_a_server_that_is_down_is_told_and_the_other_tables_are_synced(
    kind: str, tmp_path: Path
) -> None:
    scheme = {"qdrant": "http", "pgvector": "postgresql"}[kind]
    down = RagTarget(kind=kind, url=f"{scheme}://ann@127.0.0.1:9/x")
    up = RagTarget(kind="faiss")
    folder = corpus(tmp_path, TEXTS)
    error = error_of(tmp_path, folder, down, up)
    assert f"{kind} {scheme}://127.0.0.1:9/x (shop) does not answer" in error.message
    assert "goes on where it stopped" in error.hint
    assert set(held(up, tmp_path)) == set(TEXTS)


def test_a_table_that_curator_did_not_make_is_left_alone(tmp_path: Path) -> None:
    import lancedb

    theirs = lancedb.connect(tmp_path / "exports/tables/lancedb")
    theirs.create_table("shop", pa.table({"id": ["1"], "mine": ["yes"]}))
    folder = corpus(tmp_path, TEXTS)
    for more in ({}, {"rebuild": True}):
        error = error_of(tmp_path, folder, RagTarget(), **more)
        assert "curator did not make it" in error.message
    assert theirs.open_table("shop").to_arrow()["mine"].to_pylist() == ["yes"]


def test_a_key_that_is_not_set_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SHOP_KEY", raising=False)
    settings = RagTarget(kind="qdrant", url="http://127.0.0.1:9", key_env="SHOP_KEY")
    error = error_of(tmp_path, corpus(tmp_path, TEXTS), settings)
    assert "SHOP_KEY is not set" in error.message


def test_a_missing_extra_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "lancedb", None)
    error = error_of(tmp_path, corpus(tmp_path, TEXTS), RagTarget())
    assert error.hint == "install it: pip install 'curator-data[rag-lancedb]'"


def test_an_empty_corpus_empties_a_table_and_makes_none(tmp_path: Path) -> None:
    settings = RagTarget(kind="faiss")
    none = corpus(tmp_path, {})
    assert synced(tmp_path, none, settings) == [(0, 0, 0, 0)]
    synced(tmp_path, corpus(tmp_path, TEXTS), settings)
    assert synced(tmp_path, none, settings) == [(0, 0, 4, 0)]
    assert held(settings, tmp_path) == {}


@pytest.mark.parametrize("name", ["index.faiss", "rows.parquet"])
def test_an_index_beside_other_rows_is_made_anew(tmp_path: Path, name: str) -> None:
    settings = RagTarget(kind="faiss")
    folder = corpus(tmp_path, TEXTS)
    synced(tmp_path, folder, settings)
    with (tmp_path / "exports/tables/faiss/shop" / name).open("ab") as file:
        file.write(b"x")
    assert synced(tmp_path, folder, settings) == [(4, 0, 0, 0)]


def test_no_targets_no_vectors(tmp_path: Path) -> None:
    assert synced(tmp_path, corpus(tmp_path, TEXTS)) == []
    assert not (tmp_path / ".curator").exists()


def bytes_of(folder: Path, said: str) -> list[str]:
    """The files that say something, by its bytes."""
    asked = ["grep", "-rlaF", said, str(folder)]
    return subprocess.run(asked, capture_output=True, text=True, check=False).stdout.split()


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_is_left_on_the_disk_of_what_was_erased(
    kind: str, url: str, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    settings = target(kind, url)
    secret = "Zebediah Quixby-Thorne"
    texts = TEXTS | {"s0": f"Ask {secret} for the key. 钥匙在他那里。"}
    synced(tmp_path, corpus(tmp_path, texts), settings)
    store = tmp_path / "exports/tables" / kind
    if kind == "pgvector":
        import psycopg

        with psycopg.connect(url) as con:
            con.execute("CHECKPOINT")
        store = tmp_path_factory.getbasetemp()
        store = next(store.glob("pg*")) / "postgres" / "base"
    assert bytes_of(store, secret)
    place = place_of(settings, tmp_path, "shop")
    workspace = Workspace(tmp_path)
    assert SyncLog(workspace).holding(["rs0"]) == [{"table": str(place), "records": 1}]
    workspace.log_erasure({"id": "e", "status": "done", "contents": [], "records": ["rs0"]})
    assert synced(tmp_path, corpus(tmp_path, TEXTS), settings) == [(0, 0, 1, 4)]
    assert bytes_of(store, secret) == []
    assert set(held(settings, tmp_path)) == set(TEXTS)
    assert SyncLog(workspace).holding(["rs0"]) == []
    assert synced(tmp_path, corpus(tmp_path, TEXTS), settings) == [(0, 0, 0, 4)]


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({"kind": "pgvector"}, "needs a url"),
        ({"kind": "lancedb", "url": "http://x"}, "lies in a folder"),
        ({"kind": "pgvector", "path": "x"}, "is a server"),
        ({"kind": "qdrant", "url": "http://x", "path": "y"}, "not both"),
        ({"kind": "qdrant", "key_env": "X"}, "needs a url"),
        ({"kind": "pgvector", "url": "postgresql://a:secret@x/db"}, "holds a password"),
        ({"kind": "pgvector", "url": "postgresql://x/db?password=secret"}, "holds a password"),
    ],
)
def test_targets_that_cannot_be_are_refused(said: dict[str, str], expected: str) -> None:
    with pytest.raises(ValueError, match=expected):
        RagTarget.model_validate(said)


def test_a_kind_alone_is_a_target() -> None:
    assert RagExport.model_validate({"targets": ["lancedb"]}).targets == (RagTarget(),)


def test_what_lancedb_is_imported_with_is_left_as_it_was() -> None:
    code = """
import pydantic
before = pydantic.BaseModel.model_config, pydantic.validate_call
from curator.exports.targets import lance
with lance._light():
    import lancedb, lance_namespace
assert (pydantic.BaseModel.model_config, pydantic.validate_call) == before
lance_namespace.ListTablesResponse(tables=["shop"])
try:
    lance_namespace.ListTablesResponse(tables=3)
except pydantic.ValidationError:
    print("validated")
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "validated\n"
