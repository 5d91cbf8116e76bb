"""Errors in the recipe and the rules: file, line, path and what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from curator.check import enabled
from curator.checks import check_class
from curator.errors import RecipeError
from curator.rules import bundled, load_rules
from curator.scaffold import scaffold
from curator.schema import PiiRules, Policy, Recipe, load

if TYPE_CHECKING:
    from pathlib import Path


def error(tmp_path: Path, text: str, model: type = Recipe) -> RecipeError:
    path = tmp_path / "curator.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(RecipeError) as caught:
        load(path, model)
    return caught.value


def test_an_unknown_key_names_its_line_and_the_nearest_known_one(tmp_path: Path) -> None:
    found = error(tmp_path, "version: 1\nsources:\n  - path: a.csv\n    colums: {user: 问题}\n")
    assert "curator.yaml:4: sources[0].colums: no such key" in found.message
    assert "did you mean columns?" in found.hint


def test_broken_yaml_names_its_line(tmp_path: Path) -> None:
    found = error(tmp_path, "version: 1\nsources: [a, b\nname: x\n")
    assert "not valid YAML" in found.message
    assert ":3:" in found.message


def test_a_wrong_value_names_its_line(tmp_path: Path) -> None:
    found = error(tmp_path, "version: 1\nexports:\n  instruction:\n    validation: 2\n")
    assert "curator.yaml:4: exports.instruction.validation" in found.message


def test_a_chat_pattern_needs_its_groups(tmp_path: Path) -> None:
    found = error(tmp_path, "sources:\n  - path: x.log\n    chat: {line: '(.*)', assistant: a}\n")
    assert "(?P<speaker>…)" in found.message


def test_a_missing_recipe_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(RecipeError) as caught:
        load(tmp_path / "none.yaml", Recipe)
    assert "curator init" in caught.value.hint


@pytest.mark.parametrize(
    ("text", "model", "told"),
    [
        (
            "rules:\n  - {id: a, when: {code: X}, then: delete, because: {zh: 甲, en: a}}\n",
            Policy,
            "rules[0].then",
        ),
        (
            "rules:\n  - {id: a, when: {code: X}, then: drop, because: {zh: 甲}}\n",
            Policy,
            "rules[0].because.en",
        ),
        (
            "rules:\n  - {id: a, code: PII002, entity: ID, regex: '(', score: 1, examples: {match: [a]}}\n",
            PiiRules,
            "not a regular expression",
        ),
        (
            "rules:\n  - {id: a, code: PII2, entity: ID, regex: a, score: 1, examples: {match: [a]}}\n",
            PiiRules,
            "rules[0].code",
        ),
    ],
)
def test_wrong_rules_are_named(tmp_path: Path, text: str, model: type, told: str) -> None:
    assert told in error(tmp_path, text, model).message


def test_a_utf8_bom_does_no_harm(tmp_path: Path) -> None:
    (tmp_path / "curator.yaml").write_bytes(b"\xef\xbb\xbfname: x\n")
    assert load(tmp_path / "curator.yaml", Recipe).name == "x"


def test_an_unknown_check_names_the_nearest() -> None:
    with pytest.raises(RecipeError) as caught:
        enabled(Recipe(checks={"near_duplicate": True}))
    assert "near_duplicates?" in caught.value.hint
    assert "known checks:" in caught.value.hint


def test_the_bundled_rules_load_and_speak_of_codes_that_checks_have() -> None:
    from curator.checks import codes

    rules = load_rules()
    known = set(codes())
    assert {rule.code for rule in rules.pii} <= known
    for rule in rules.policy.rules:
        wanted = rule.when.code if isinstance(rule.when.code, tuple) else (rule.when.code,)
        for code in wanted:
            assert code is None or any(
                c == code or (code[-1] == "*" and c.startswith(code[:-1])) for c in known
            )


def test_a_project_rules_folder_takes_the_place_of_the_bundled_one(tmp_path: Path) -> None:
    folder = tmp_path / "rules"
    folder.mkdir()
    (folder / "policy.yaml").write_text("rules: []\n", encoding="utf-8")
    assert load_rules(tmp_path).policy.rules == ()
    assert load_rules(tmp_path / "nowhere").root == bundled()


def test_check_classes_are_importable_and_declare_themselves() -> None:
    from curator.checks import CHECKS

    for name in CHECKS:
        cls = check_class(name)
        assert cls.name == name
        assert cls.version
        assert cls.codes or name == "mentions"  # which tells of what `pii` found elsewhere
        assert cls.__doc__


@pytest.mark.parametrize("folder", ["0", "2024", "on", "null", "1e3", "客服"])
def test_a_new_project_has_a_recipe_that_loads_whatever_its_folder_is_called(
    tmp_path: Path, folder: str
) -> None:
    recipe = scaffold(tmp_path / folder, []).recipe
    assert load(recipe, Recipe).name == (folder if folder.isascii() else "project")
