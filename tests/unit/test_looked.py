"""A gate that remembers finds what one finds that does not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from curator.errors import GateError
from curator.exports.instruction import export_instruction
from curator.exports.looked import Clean, line_of, said_by
from curator.exports.rag import export_rag
from curator.pii.known import KnownSearch, Value
from curator.tables import records_table
from curator.text import fold
from curator.workspace import write_table
from tests.synthetic import POLICY, Made, conversation, recipe

if TYPE_CHECKING:
    from pathlib import Path

NAMES = ["王小明", "李雷", "Clara Whitcombe", "jane doe", "13800138000"]
SAID = [
    "昨天王小明来过",
    "clara whitcombe said so",
    "李 雷 and Jane Doe",
    "号码１３８００１３８０００",
    "无事",
]
_PHONE = 4


def values(chosen: set[int]) -> dict[str, Value]:
    kinds = {n: "PHONE" if n == _PHONE else "PERSON" for n in chosen}
    return {fold(NAMES[n]): Value(kinds[n], "PII001", NAMES[n]) for n in sorted(chosen)}


STEP = st.tuples(
    st.sets(st.integers(0, len(NAMES) - 1)),
    st.lists(st.integers(0, len(SAID) - 1), min_size=1, max_size=4),
    st.sampled_from([(), ("王小明",)]),
)


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.lists(STEP, min_size=2, max_size=4))
def test_memory_changes_nothing(
    tmp_path_factory: pytest.TempPathFactory,
    steps: list[tuple[set[int], list[int], tuple[str, ...]]],
) -> None:
    root = tmp_path_factory.mktemp("looked")
    for number, (chosen, texts, allow) in enumerate(steps):
        looked_for = values(chosen)
        part = root / f"part-{number}.parquet"
        said = [conversation(f"line {n}", ("user", SAID[t])) for n, t in enumerate(texts)]
        write_table(part, records_table(said))
        plain = said_by(looked_for, allow, [part], None)
        kept = said_by(looked_for, allow, [part], root / "kept")
        for key in looked_for:
            assert kept.records[key] == plain.records[key]
            assert kept.in_small_letters[key] == plain.in_small_letters[key]
        search = KnownSearch(looked_for, allow)
        clean = Clean(looked_for, allow, "rules", root / "clean" / str(bool(allow)))
        for text in {SAID[t] for t in texts}:
            shows = bool(search.places(text))
            if clean.knows(text, ruled=True):
                assert not shows
            if not shows:
                clean.add(text, ruled=True)
        clean.keep()


def test_what_was_looked_through_is_not_again(tmp_path: Path) -> None:
    for _ in range(2):
        clean = Clean(values({0}), (), "rules", tmp_path)
        known = clean.knows("无事", ruled=True)
        clean.add("无事", ruled=True)
        clean.keep()
    assert known
    assert not clean.knows("无事", ruled=False), "a field of which no rule is tried is another one"
    assert not Clean(values({0}), (), "other rules", tmp_path).knows("无事", ruled=True)


@pytest.mark.parametrize("export", [export_instruction, export_rag])
def test_a_name_found_later_is_noticed_in_what_was_clean(tmp_path: Path, export: object) -> None:
    def lay(*, found: bool) -> object:
        made = Made()
        old = made.add(conversation("line 1", ("user", "昨天王小明来过"), ("assistant", "好的。")))
        new = made.add(conversation("line 2", ("user", "我叫王小明"), ("assistant", "您好。")))
        if found:
            made.hide(new, 0, "王小明", "[姓名1]", "PII001")
        workspace, plan = made.lay(tmp_path)
        try:
            return export(workspace, recipe(), POLICY, plan)  # type: ignore[operator]
        except GateError as stopped:
            return old.id in stopped.message

    assert lay(found=False) is not True
    for _ in range(2):
        assert lay(found=True) is True, "nor is a line that shows something remembered as clean"


def test_a_known_line_is_clean_but_for_new_values(tmp_path: Path) -> None:
    line = line_of(b'{"text": "jane doe"}')
    steps = [({0}, False, False), ({0}, True, False), ({0, 3}, True, True), ({0, 3}, False, True)]
    for chosen, known, shows in steps:
        clean = Clean(values(chosen), (), "rules", tmp_path)
        assert clean.knows_line(line) is known
        assert clean.shows_new("jane doe") is (known and shows)
        clean.add_line(line, shows=shows)
        clean.keep()
