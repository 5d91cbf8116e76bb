"""What the command line prints cannot steer a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from curator.cli.output import table, visible

if TYPE_CHECKING:
    import pytest


def test_escapes_and_direction_marks_are_shown_not_obeyed() -> None:
    assert visible("\x1b[2J看\u202e图\x07") == "\\u001b[2J看\\u202e图\\u0007"
    assert (
        visible("两行\n\t　缩进 café 👨‍👩‍👧".replace("\u200d", "")) == "两行\n\t　缩进 café 👨👩👧"
    )


def test_a_table_in_a_pipe_shows_them_too(capsys: pytest.CaptureFixture[str]) -> None:
    table(("source", "units"), [("a\x1b]0;x.csv", 3)])
    assert capsys.readouterr().out == "source\tunits\na\\u001b]0;x.csv\t3\n"
