"""Every command in the READMEs runs, in the order in which it is told."""

from __future__ import annotations

import csv
import re
import subprocess
from typing import TYPE_CHECKING

from tests.conftest import ROOT, run_line, run_python

if TYPE_CHECKING:
    from pathlib import Path

READMES = ["README.md", "README.zh-CN.md"]


def blocks(name: str, language: str) -> list[str]:
    text = (ROOT / name).read_text("utf-8")
    return re.findall(rf"```{language}\n(.*?)```", text, flags=re.DOTALL)


def chat(folder: Path) -> None:
    """A small table of a user's own: twelve questions, twice in part, one with a phone number."""
    topics = ["退款", "发货", "发票", "尺码", "换货", "积分", "优惠券", "地址", "物流", "售后"]
    with (folder / "chat.csv").open("w", encoding="utf-8", newline="") as file:
        out = csv.writer(file)
        out.writerow(["问题", "回答"])
        out.writerow(
            ["我的电话是13912345678，退款到账了吗？", "您好，退款会在三个工作日内原路退回。"]
        )
        out.writerows(
            [f"请问{t}怎么办理？", f"您好，{t}请在订单页面点击“{t}”按钮，按提示操作即可。"]
            for t in topics
        )
        out.writerow(
            ["请问退款怎么办理？", "您好，退款请在订单页面点击“退款”按钮，按提示操作即可。"]
        )


def test_commands(tmp_path: Path) -> None:
    """Of one README: the other has the same."""
    name = READMES[0]
    chat(tmp_path)
    commands = [line for block in blocks(name, "sh") for line in block.splitlines() if line]
    assert len(commands) > 10
    for line in commands:
        if line.startswith("make "):
            subprocess.run([*line.split(), "-n"], cwd=ROOT, check=True, capture_output=True)
            continue
        assert line.startswith("curator "), line
        run_line(line, tmp_path)
    for block in blocks(name, "python"):
        run_python(block, tmp_path)


def test_both_readmes_tell_the_same_commands() -> None:
    for language in ("sh", "python"):
        assert blocks(READMES[0], language) == blocks(READMES[1], language)
