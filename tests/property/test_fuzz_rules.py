"""Whatever a rule file or a recipe says, it is loaded, or one error names file and line.

`CURATOR_FUZZ` sets how many are tried. Each is a bundled file with a few pieces changed:
characters and lines moved, values and nodes of YAML put in, patterns of regular expressions.
"""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from curator.errors import RecipeError
from curator.pii.scanning import RuleScan
from curator.rules import load_rules
from curator.schema import Recipe, load

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).resolve().parent.parent.parent
COUNT = int(os.environ.get("CURATOR_FUZZ", "120"))
RULES = sorted((ROOT / "rules").rglob("*.yaml"))
RECIPE = (ROOT / "sample_data" / "curator.yaml").read_text(encoding="utf-8")
TEXT = "电话13800138000请回，a@b.cn aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa! 2021-01-01"
PIECES = (
    *("null", "~", "[]", "{}", "true", "0", "-1", "1e999", ".nan", ".inf", "0x" + "f" * 5000),
    *("9" * 5000, "2001-99-99", "2001-01-01 99:99:99", "1:99:99", "!!python/name:os.system ''"),
    *("&a [*a]", "*nobody", "&b {<<: *b}", "<<: [1]", "? [a]\n: b", "!!binary 'x'", "!!set {a}"),
    *(
        "'(a+)+$'",
        "'('",
        "'[[:x:]]'",
        "'a{99999999999999999999}'",
        "'(?P<x>a)(?P<x>b)'",
        "'(?<=a+)b'",
    ),
    *("'" + "(" * 2000 + "'", "[" * 3000, "{a: " * 500, '"\\ud800"', '"\\x00"', "\x00", "\ufffe"),
    *(
        "\t",
        "---\n",
        "...\n",
        "- ",
        ": ",
        "#",
        "\r",
        "\u2028",
        "😀",
        "编号: 1\n",
        "%YAML 9.9\n---\n",
    ),
)

pieces = st.one_of(st.sampled_from(PIECES), st.text(max_size=12))
changes = st.lists(
    st.tuples(st.sampled_from("icvl"), st.floats(0, 1), pieces, st.integers(0, 80)),
    min_size=1,
    max_size=4,
)
quick = settings(
    max_examples=COUNT,
    deadline=None,
    derandomize="CURATOR_FUZZ" not in os.environ,
    suppress_health_check=list(HealthCheck),
    database=None,
)


def changed(text: str, edits: list[tuple[str, float, str, int]]) -> str:
    for how, place, piece, length in edits:
        at = int(place * len(text))
        if how == "i":
            text = text[:at] + piece + text[at:]
        elif how == "c":
            text = text[:at] + text[at + length :]
        elif how == "v":  # a value, up to the end of its line
            start = text.find(": ", at) + 2
            end = text.find("\n", start)
            if start > 1 and end > 0:
                text = f"{text[:start]}{piece}{text[end:]}"
        else:
            lines = text.split("\n")
            line = int(place * len(lines))
            lines.insert(length % len(lines), lines.pop(line % len(lines)))
            text = "\n".join(lines)
    return text


def tried(path: Path, text: str, use: Callable[[], object]) -> None:
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    began, told = time.process_time(), None
    try:
        use()
    except RecipeError as error:
        told = error
    assert told is None or (path.name in told.message and told.hint)
    assert time.process_time() - began < 20


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("fuzz")
    shutil.copytree(ROOT / "rules", made / "rules")
    return made


@quick
@given(changes)
def test_recipes(folder: Path, edits: list[tuple[str, float, str, int]]) -> None:
    path = folder / "curator.yaml"
    tried(path, changed(RECIPE, edits), lambda: load(path, Recipe))


@quick
@given(st.sampled_from(RULES), changes)
def test_rules(folder: Path, source: Path, edits: list[tuple[str, float, str, int]]) -> None:
    path = folder / "rules" / source.relative_to(ROOT / "rules")

    def use() -> None:
        domains = [source.parent.name] if "domains" in source.parts else []
        rules = load_rules(folder, domains=domains)
        if source.parent.name == "pii":
            RuleScan(
                [r.model_dump(mode="json", by_alias=True) for r in rules.pii], rules.allow
            ).found(TEXT)

    try:
        tried(path, changed(source.read_text(encoding="utf-8"), edits), use)
    finally:
        shutil.copy(source, path)
