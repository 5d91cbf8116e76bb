"""Pseudonyms: the same detail, the same surrogate; with the key it comes back, without it not."""

from __future__ import annotations

import json
import re
import stat
from typing import TYPE_CHECKING, Any

import pytest

from curator.checksums import CHECKSUMS
from curator.edits import apply
from curator.errors import VaultError
from curator.exports.hiding import project_keys
from curator.exports.instruction import export_instruction
from curator.exports.rag import export_rag
from curator.originals import Hidden, hidden, restored
from curator.pseudonymise import Pseudonymiser, mentions
from curator.reveal import reveal
from curator.schema import Pseudonyms, Recipe
from curator.surrogates import Surrogates
from curator.text import PLACEHOLDER
from curator.vault import Keys, Vault, create_key, load_keys
from tests.synthetic import POLICY, Made, conversation

if TYPE_CHECKING:
    from pathlib import Path

    from curator.types import Record

KEYS = Keys("id", b"h" * 32, b"s" * 32)
NAME, PHONE, MAIL = "王小明", "138 0013 8000", "xm.wang@mail.cn"


def row(
    record: Record, part: int, text: str, placeholder: str, code: str = "PII001"
) -> dict[str, Any]:
    start = record.parts[part].text.index(text)
    return {
        "record_id": record.id,
        "part": part,
        "start": start,
        "end": start + len(text),
        "replacement": placeholder,
        "code": code,
    }


def chat(number: int, name: str = NAME) -> Record:
    turns = (("user", f"我是{name}，电话{PHONE}"), ("assistant", f"{name}您好，已登记"))
    return conversation(f"line {number}", *turns)


def rows(record: Record, name: str = NAME) -> list[dict[str, Any]]:
    return [
        row(record, 0, name, "[姓名1]"),
        row(record, 0, PHONE, "[电话1]", "PII002"),
        row(record, 1, name, "[姓名1]"),
    ]


def kept(record: Record, style: str = "coded") -> Hidden:
    edits = Pseudonymiser(Pseudonyms(style=style, link="project"), KEYS).edits(record, rows(record))
    return hidden([part.text for part in apply(record.parts, edits)], mentions(record, edits))


def shown(settings: Pseudonyms, *records: Record) -> list[list[str]]:
    hide = Pseudonymiser(settings, KEYS)
    return [[e.replacement for e in hide.edits(r, rows(r))] for r in records]


def test_the_same_person_is_the_same_all_over_a_project() -> None:
    first, second = shown(Pseudonyms(style="coded", link="project"), chat(1), chat(2))
    assert first == second
    assert first[0] == first[2] != first[1]
    assert all(PLACEHOLDER.fullmatch(text) for text in first)


def test_within_a_conversation_and_no_further() -> None:
    first, second = shown(Pseudonyms(style="coded", link="conversation"), chat(1), chat(2))
    assert first[0] == first[2]
    assert not set(first) & set(second)


def test_linked_nowhere_each_mention_stands_alone() -> None:
    (only,) = shown(Pseudonyms(style="coded", link="none"), chat(1))
    assert len(set(only)) == 3


def test_another_key_gives_other_surrogates() -> None:
    first = Surrogates(b"a" * 32).of("PERSON", NAME, "zh")
    assert first == Surrogates(b"a" * 32).of("PERSON", NAME, "zh")
    assert first != Surrogates(b"b" * 32).of("PERSON", NAME, "zh")
    assert NAME not in first


@pytest.mark.parametrize(
    ("entity", "one", "other"),
    [
        ("PHONE", "13800138000", "+86 138-0013-8000"),
        ("EMAIL", "Ann@Mail.com", "ann@mail.com"),
        ("PERSON", "Bob Smith", "bob smith"),
        ("CN_ID_CARD", "11010519491231002X", "11010519491231002x"),
    ],
)
def test_spelling_makes_no_other_person(entity: str, one: str, other: str) -> None:
    surrogates = Surrogates(b"k" * 32)
    assert surrogates.of(entity, one, "en") == surrogates.of(entity, other, "en")


def fake(entity: str, value: str, lang: Any = "zh") -> str:
    return Surrogates(b"k" * 32, "realistic").of(entity, value, lang)


def test_realistic_values_have_the_form_and_are_nobodys() -> None:
    mobile = fake("PHONE", "138-0013-8000")
    assert re.fullmatch(r"100-\d{4}-\d{4}", mobile)
    assert re.fullmatch(r"\(555\) 555-01\d\d", fake("PHONE", "(212) 867-5309", "en"))
    assert fake("EMAIL", MAIL).endswith("@example.com")
    card = fake("CN_ID_CARD", "11010519491231002X")
    assert len(card) == 18
    assert not CHECKSUMS["cn_id_card"](card)
    assert fake("IP_ADDRESS", "10.1.2.3").startswith("203.0.113.")
    assert re.fullmatch(r"京I\d{5}", fake("LICENCE_PLATE", "京A12345"))
    assert re.fullmatch(r"0000 \d{4} \d{4} \d{4}", fake("BANK_CARD", "6222 0213 7041 5253"))
    assert re.fullmatch(r"[A-Z]{2}\d{4}", fake("ORDER_NUMBER", "AB1234"))


def test_realistic_names_keep_their_form() -> None:
    assert len(fake("PERSON", "王小明")) == 3
    assert re.fullmatch(r"小.", fake("PERSON", "小王"))
    assert re.fullmatch(r"[A-Z]\w+ [A-Z]\w+", fake("PERSON", "Jane Doe", "en"))
    assert re.fullmatch(r"[a-z]+", fake("PERSON", "bob", "en"))


def test_what_has_no_form_is_coded_in_either_style() -> None:
    assert PLACEHOLDER.fullmatch(fake("ADDRESS", "建国路88号3楼"))


def test_a_record_comes_back_to_the_letter(tmp_path: Path) -> None:
    record = chat(1)
    edits = Pseudonymiser(Pseudonyms(style="realistic", link="project"), KEYS).edits(
        record, rows(record)
    )
    texts = [part.text for part in apply(record.parts, edits)]
    assert NAME not in "".join(texts)
    with Vault(tmp_path / "vault.db", KEYS) as vault:
        vault.add(record.id, "rag", hidden(texts, mentions(record, edits)))
    with Vault(tmp_path / "vault.db", KEYS) as vault:
        known = vault.hidden(record.id, "rag")
        assert known.shown == ()
        assert restored(texts, known) == [part.text for part in record.parts]
        assert vault.hidden(record.id, "instruction") == Hidden()
        assert vault.originals(edits[0].replacement) == [NAME]


def test_a_replacement_that_holds_two_details_and_a_repair() -> None:
    record = conversation("line 1", ("user", "张三&amp;李四来电"), ("assistant", "好的"))
    both = row(record, 0, "张三&amp;李四", "[姓名1]&[姓名2]")
    hide = Pseudonymiser(Pseudonyms(style="coded", link="project"), KEYS)
    (edit,) = hide.edits(record, [both])
    assert re.fullmatch(r"\[姓名[a-z2-7]{8}\]&\[姓名[a-z2-7]{8}\]", edit.replacement)
    assert mentions(record, [edit])[0].original == "张三&amp;李四"


def test_the_vault_says_nothing_without_its_key(tmp_path: Path) -> None:
    record, path = chat(1), tmp_path / "vault.db"
    with Vault(path, KEYS) as vault:
        vault.add(record.id, "rag", kept(record))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert NAME.encode() not in path.read_bytes()
    assert b"8000" not in path.read_bytes()
    with pytest.raises(VaultError, match="another key"):
        Vault(path, Keys("other", b"x" * 32, b"y" * 32))


def test_a_value_that_was_moved_to_another_record_does_not_open(tmp_path: Path) -> None:
    record, path = chat(1), tmp_path / "vault.db"
    with Vault(path, KEYS) as vault:
        vault.add(record.id, "rag", kept(record))
        vault._db.execute("UPDATE records SET id = 'stolen'")
        with pytest.raises(VaultError, match="was changed"):
            vault.hidden("stolen", "rag")


def test_a_failed_block_leaves_the_vault_as_it_was(tmp_path: Path) -> None:
    record, path = chat(1), tmp_path / "vault.db"
    with pytest.raises(RuntimeError), Vault(path, KEYS) as vault:
        vault.add(record.id, "rag", kept(record))
        raise RuntimeError
    with Vault(path, KEYS) as vault:
        assert list(vault.surrogates()) == []


def test_keys_come_from_a_file_or_a_passphrase(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key, vault = tmp_path / "keys" / "a.key", tmp_path / "vault.db"
    monkeypatch.delenv("CURATOR_PASSPHRASE", raising=False)
    with pytest.raises(VaultError, match="there is none"):
        load_keys(None, vault)
    with pytest.raises(VaultError, match="no key there"):
        load_keys(key, vault)
    create_key(key)
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert load_keys(key, vault) == load_keys(key, vault)
    with pytest.raises(VaultError, match="already"):
        create_key(key)
    key.write_text("not a key")
    with pytest.raises(VaultError, match="not a key"):
        load_keys(key, vault)
    monkeypatch.setenv("CURATOR_PASSPHRASE", "correct horse")
    first = load_keys(None, vault)
    assert first == load_keys(None, vault)
    monkeypatch.setenv("CURATOR_PASSPHRASE", "other horse")
    assert load_keys(None, vault).id != first.id
    assert "horse" not in repr(first)
    assert first.hashing.hex() not in repr(first)


def test_a_file_that_is_no_vault_says_so(tmp_path: Path) -> None:
    path = tmp_path / "vault.db"
    path.write_bytes(b"no database at all, and long enough to tell" * 30)
    with pytest.raises(VaultError, match="not a vault"):
        Vault(path, KEYS)


def exported(tmp_path: Path) -> tuple[Any, Any, Recipe]:
    made = Made()
    for number in (1, 2):
        record = made.add(chat(number))
        made.hide(record, 0, NAME, "[姓名1]", "PII001")
        made.hide(record, 0, PHONE, "[电话1]", "PII002")
        made.hide(record, 1, NAME, "[姓名1]", "PII001")
    workspace, plan = made.lay(tmp_path / "project")
    create_key(tmp_path / "a.key")
    settings = {"style": "realistic", "link": "project", "key_file": str(tmp_path / "a.key")}
    return workspace, plan, Recipe.model_validate({"name": "made", "pseudonyms": settings})


def test_exports_show_surrogates_and_reveal_brings_the_rows_back(tmp_path: Path) -> None:
    workspace, plan, recipe = exported(tmp_path)
    folder = export_instruction(workspace, recipe, POLICY, plan)
    files = [folder / "train.jsonl", folder / "validation.jsonl"]
    text = "".join(path.read_text("utf-8") for path in files)
    assert NAME not in text
    assert PHONE not in text
    assert "[姓名" not in text
    back = [json.loads(line) for path in files for line in reveal(workspace, recipe, path)]
    assert [m["content"] for m in back[0]["messages"]] == [p.text for p in chat(1).parts]
    assert len(back) == 2
    log = [json.loads(line) for line in (workspace.store / "access.jsonl").read_text().splitlines()]
    assert [entry["what"] for entry in log] == ["reveal", "reveal"]
    assert NAME not in json.dumps(log, ensure_ascii=False)
    chunks = (export_rag(workspace, recipe, POLICY, plan) / "chunks.jsonl").read_text("utf-8")
    assert NAME not in chunks
    manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
    assert manifest["params"]["pseudonyms"]["key"] == project_keys(workspace, recipe).id


def test_without_the_key_nothing_is_exported(tmp_path: Path) -> None:
    workspace, plan, recipe = exported(tmp_path)
    (tmp_path / "a.key").unlink()
    with pytest.raises(VaultError, match="no key there"):
        export_instruction(workspace, recipe, POLICY, plan)
    assert not list(workspace.exports.glob("*/*"))
