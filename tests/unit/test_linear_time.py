"""No rule that ships goes back and forth: twice the text takes twice the time."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest

from curator.checks.pii import Pii
from curator.edits import apply
from curator.redact import edits_of
from curator.rules import bundled, load_rules, rule_files
from curator.tables import finding_row, records_table
from curator.text import language
from curator.types import Part, Provenance, Record
from tests.baits import GROWTH

if TYPE_CHECKING:
    from collections.abc import Callable

GROUPS = [*(path.stem for path in rule_files(bundled())), "answers", "volatility", "allow"]


def out_of_proportion(*arguments: str) -> list[dict[str, Any]]:
    """Try rules in a process of its own, which the operating system ends if nothing else does."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.baits", *arguments],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{done.returncode}: {done.stdout}{done.stderr[-2000:]}"
    told = [json.loads(line) for line in done.stdout.splitlines()]
    assert told[0]["rules"] > 0
    return told[1:]


@pytest.mark.parametrize("group", GROUPS)
def test_the_time_of_every_rule_grows_as_the_text_does(group: str) -> None:
    assert out_of_proportion(group) == []


@pytest.mark.parametrize(
    ("regex", "example"),
    [
        (r"(?:\d+-?)+x", "12-34x"),  # exponential
        ("[a-z]+@[a-z]+x", "abc@defx"),  # quadratic
        (r"电话\s*(?P<pii>\d{11})|\s+电话$", "电话 13800138000"),  # quadratic in spaces
    ],
)
def test_a_rule_that_goes_back_and_forth_is_told(regex: str, example: str) -> None:
    (found,) = out_of_proportion("regex", regex, example)
    assert found["rule"] == "made up"


# --- the check as a whole -------------------------------------------------------------------

NAMES = "赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨朱秦许何吕张孔曹严华金魏陶姜"
GIVEN = "明亮华强志伟秀英建国丽娜小燕文博雅琴"
FORENAMES = ("John", "Maria", "Peter", "Susan", "Omar", "Priya", "Hannah", "Tobias")


def repeated(unit: str) -> Callable[[int], str]:
    return lambda size: (unit * (size // len(unit) + 1))[:size]


def phone_book(size: int) -> str:
    """Lines that are all different: what is found once is looked for everywhere."""
    line = "{0}{1}{2}，电话138{3:08}，{4} {5}son，邮箱u{3}@example.com\n"
    lines = (
        line.format(
            NAMES[i % 30],
            GIVEN[i % 18],
            GIVEN[i // 7 % 18],
            i,
            FORENAMES[i % 8],
            FORENAMES[i // 8 % 8] + chr(97 + i % 26) * 2,
        )
        for i in range(size // 40)
    )
    return "".join(lines)[:size]


DENSE: dict[str, Callable[[int], str]] = {
    "names": repeated("张伟说李秀英和王小明，"),
    "English names": repeated("John Smith and Maria Garcia went home. "),
    "phones": repeated("13800138000，"),
    "addresses": repeated("中山路12号"),
    "a phone book": phone_book,
    "broken encoding": repeated("锟斤拷"),
    "hidden characters": repeated("1\u200b3８"),
    "emoji": repeated("😀👩\u200d👩\u200d👧🇨🇳电话🎉13800138000 "),
}
HUGE = {
    "digits": repeated("0123456789"),
    "one digit": repeated("1"),
    "spaces": repeated(" "),
    "right to left": repeated("שלום עולם 0501234567 مرحبا بالعالم "),
    "at signs": repeated("a@"),
    "no spaces": repeated("A"),
}


@pytest.fixture(scope="module")
def pii() -> Pii:
    rules = load_rules()
    return Pii(
        ner_zh="lac",
        ner_en="en-core-web-sm",
        pii_rules=[rule.model_dump(mode="json", by_alias=True) for rule in rules.pii],
        allow=rules.allow,
    )


def redacted(pii: Pii, text: str) -> tuple[str, float]:
    """Return the text with what the check proposes put in, and the CPU time that it took."""
    record = Record(
        "r", "document", (Part("paragraph", text),), language(text), Provenance("u", "s", "1")
    )
    began = time.process_time()
    rows = [finding_row(finding, "run") for finding in pii(records_table([record]))]
    for row in rows:
        assert 0 <= row["start"] < row["end"] <= len(text)
    (part,) = apply(record.parts, edits_of(rows).get("r", ()))
    return part.text, time.process_time() - began


@pytest.mark.parametrize("kind", DENSE)
def test_the_time_of_the_check_grows_as_a_text_full_of_details_does(pii: Pii, kind: str) -> None:
    make = DENSE[kind]
    redacted(pii, make(2_000))
    _, small = redacted(pii, make(15_000))
    _, large = redacted(pii, make(60_000))
    if large > GROWTH * small:  # whatever else the machine does only ever adds to it
        small = min(redacted(pii, make(15_000))[1] for _ in range(3))
        large = min(redacted(pii, make(60_000))[1] for _ in range(2))
    assert large < max(GROWTH * small, 0.2)


@pytest.mark.parametrize("kind", HUGE)
def test_a_megabyte_of_anything_is_read(pii: Pii, kind: str) -> None:
    text = HUGE[kind](1_000_000)
    shown, _ = redacted(pii, f"{text}\n+86 13912345678.")
    # Not compared by pytest, which would look for the differences of two megabytes.
    is_kept, is_hidden = shown.startswith(text[:900_000]), "13912345678" not in shown
    assert (is_kept, is_hidden) == (True, True)
