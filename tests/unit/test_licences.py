"""Licences: what an expression allows, and what stops an export."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from curator.errors import GateError
from curator.exports.instruction import export_instruction
from curator.exports.rag import export_rag
from curator.licences import obstacles, spdx
from tests.synthetic import POLICY, Made, conversation, recipe

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("text", "known"),
    [
        ("CC BY-SA 4.0", "CC-BY-SA-4.0"),
        ("cc-by-nc-4.0", "CC-BY-NC-4.0"),
        ("CC0", "CC0-1.0"),
        ("Apache License 2.0", "Apache-2.0"),
        ("Apache License, Version 2.0", "Apache-2.0"),
        ("MIT License", "MIT"),
        ("apache-2.0 or mit", "Apache-2.0 OR MIT"),
        ("LicenseRef-ours", "LicenseRef-ours"),
        ("CC BY-NC", "CC-BY-NC"),
        ("内部资料", "内部资料"),
    ],
)
def test_what_people_write_is_understood(text: str, known: str) -> None:
    assert spdx(text) == known


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("CC-BY-NC-4.0", ["CC-BY-NC-4.0 forbids commercial use"]),
        ("CC BY-ND 4.0", ["CC-BY-ND-4.0 forbids changed versions"]),
        ("CC BY-NC-SA", ["CC-BY-NC-SA forbids commercial use"]),
        ("PolyForm-Noncommercial-1.0.0", ["PolyForm-Noncommercial-1.0.0 forbids commercial use"]),
        ("MIT AND CC-BY-NC-4.0", ["CC-BY-NC-4.0 forbids commercial use"]),
        ("MIT OR CC-BY-NC-4.0", []),
        ("(MIT OR CC-BY-NC-4.0) AND Apache-2.0", []),
        (
            "CC-BY-ND-4.0 OR CC-BY-NC-4.0",
            ["CC-BY-ND-4.0 forbids changed versions", "CC-BY-NC-4.0 forbids commercial use"],
        ),
        ("GPL-2.0-only WITH Classpath-exception-2.0", []),
        ("MIT", []),
        ("NCSA", []),
        ("all rights reserved", ["all rights reserved is no SPDX licence"]),
        ("内部资料", ["内部资料 is no SPDX licence"]),
        ("MIT AND", ["MIT AND is no SPDX licence"]),
    ],
)
def test_what_a_licence_forbids(text: str, why: list[str]) -> None:
    assert [str(obstacle) for obstacle in obstacles(text)] == why


def test_a_licence_is_allowed_by_name_and_others_can_be_forbidden() -> None:
    assert obstacles("CC BY-NC 4.0", allowed=["cc-by-nc-4.0"]) == []
    assert obstacles("内部资料", allowed=["内部资料"]) == []
    assert [o.licence for o in obstacles("MIT AND GPL-3.0-only", forbidden=["GPL-3.0-only"])] == [
        "GPL-3.0-only"
    ]


def made(terms: str | None, **more: Any) -> Made:
    lay = Made()
    for n in range(12):
        turns = (("user", f"第{n * 37}号方子怎么煎?"), ("assistant", f"先泡{n * 11}分钟，再煎。"))
        lay.add(
            conversation(f"line {n}", *turns, uri="a.jsonl", license=terms if n < 3 else "MIT"),
            **(more if n < 3 else {}),
        )
    return lay


@pytest.mark.parametrize("export", [export_instruction, export_rag])
def test_a_licence_that_forbids_the_use_stops_the_export(export: Any, tmp_path: Path) -> None:
    workspace, plan = made("CC BY-NC-SA 4.0").lay(tmp_path)
    with pytest.raises(GateError, match="forbids commercial use") as stopped:
        export(workspace, recipe(), POLICY, plan)
    assert "a.jsonl (3 records): CC-BY-NC-SA-4.0 forbids commercial use" in stopped.value.message
    assert "licenses: {allow:" in stopped.value.hint
    assert not list((tmp_path / "exports").glob("*/*/manifest.json"))
    allowed = {"CC-BY-NC-SA-4.0": "a study inside the house, agreed on in May"}
    folder = export(workspace, recipe(licenses={"allow": allowed}), POLICY, plan)
    assert (
        json.loads((folder / "manifest.json").read_text("utf-8"))["params"]["licenses_allowed"]
        == allowed
    )
    assert allowed["CC-BY-NC-SA-4.0"] in (folder / "README.md").read_text("utf-8")


def test_what_is_dropped_stops_nothing_and_an_unstated_licence_only_where_that_is_asked_for(
    tmp_path: Path,
) -> None:
    dropped = {"action": "drop", "instruction": False, "rag": False}
    workspace, plan = made("CC-BY-ND-4.0", **dropped).lay(tmp_path / "a")
    assert export_instruction(workspace, recipe(), POLICY, plan).exists()
    workspace, plan = made(None).lay(tmp_path / "b")
    assert export_instruction(workspace, recipe(), POLICY, plan).exists()
    with pytest.raises(GateError, match="no licence is stated"):
        export_instruction(workspace, recipe(licenses={"unstated": "stop"}), POLICY, plan)


def test_a_reason_has_to_be_given() -> None:
    with pytest.raises(ValueError, match="at least 3"):
        recipe(licenses={"allow": {"CC-BY-NC-4.0": ""}})
