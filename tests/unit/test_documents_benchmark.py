"""How the benchmark of files counts: tokens without Markdown's marks, cells without bars."""

from __future__ import annotations

from typing import TYPE_CHECKING

import openpyxl

from tests.benchmarks.files import cells, text_of, tokens

if TYPE_CHECKING:
    from pathlib import Path


def test_tokens_are_han_characters_and_words() -> None:
    text = "# 退货 guide\n\n1. See [the *page*](https://x.org/a_(b)) <!-- image -->\n![logo](a.png)\n\n| 七天 | 7 |\n| - | - |"
    assert tokens(text) == {
        **dict.fromkeys("退货七天", 1),
        "guide": 1,
        "See": 1,
        "the": 1,
        "page": 1,
        "7": 1,
    }


def test_cells_are_filled_cells_of_tables() -> None:
    text = "| a \\| b |  | [c](x) |\n|---|:-:|---|\n| a \\| b | 1 | |\nno | table"
    assert cells(text) == {"a \\| b": 2, "c": 1, "1": 1}


def test_rows_of_a_sheet_are_a_table_again(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    for row in (["名称", "数量"], ["苹果", 3], ["梨", None]):
        book.active.append(row)
    book.save(tmp_path / "a.xlsx")
    assert text_of(tmp_path / "a.xlsx") == "| 名称 | 数量 |\n| 苹果 | 3 |\n| 梨 |  |"
