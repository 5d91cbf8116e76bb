"""Baits for regular expressions: texts on which one that goes back and forth takes for ever.

Run as a program, it tries rules on baits at three sizes and prints, as JSON lines, which take
time out of proportion. What is compared is the CPU time of the sizes; a try that takes too long
is broken off, and the operating system ends the program if even that fails.
"""

from __future__ import annotations

import json
import re
import resource
import signal
import sys
import time
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from curator.phrases import Phrases
from curator.pii.matching import Pattern, allowed_spans, narrow
from curator.rules import bundled, rule_files
from curator.schema import PhraseRules, PiiRule, PiiRules, load

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

SIZES = (8_000, 16_000, 32_000)
"""Above the longest that a rule counts to, below which it may look at all of a text at each place."""
MEASURABLE = 0.03
"""CPU seconds at the largest size under which nothing is out of proportion."""
GROWTH, HALF_GROWTH = 9.0, 2.8
"""What is linear takes 4 times as long for 4 times the length, what is quadratic 16 times; and 2
times and 4 times for twice the length."""
PATIENCE = 10.0
"""CPU seconds after which a try is broken off."""
HARD_LIMIT = 300
"""CPU seconds after which the whole program is ended."""

RUNS = (
    *"1 a A @ . - _ / ( [ = : + # ' \" \n\t中路号一年王,·的是".replace(" ", ""),
    " ", "1 ", "1-", "1.", "a ", "A ", "a.", "a@", "a-", "Aa ", "Aa, ", "1a", "a1", "1A ", "(1) ",
    "+1 ", "://", "a:", "0x1", "A1-", "1:", "中1", "中 ", "一二", "王一", "中·", "路1", "路一号",
    "1号1", "是 ", "：", "、", "电话", "我叫", "my name is ", "key ", "order ", "\u200b1", "😀", "א1 ",
    "\r\n", "\x00", "\\", "é", "ſ",
)  # fmt: skip


class Rule(NamedTuple):
    """A rule as it is tried: a name, what it does with a text, and examples to make baits of."""

    name: str
    tried: Callable[[str], object]
    examples: Sequence[str]


def baits(examples: Sequence[str]) -> Iterator[tuple[str, Callable[[int], str]]]:
    """Yield baits, each with a name: runs, and what only nearly is one of the examples."""
    for run in RUNS:
        yield repr(run), _repeated("", run)
    for example in examples:
        yield f"{example!r} again and again", _repeated("", example)
        yield f"{example!r} in a row", _repeated("", f"{example} ")
        for cut in sorted({len(example) // 3, len(example) * 2 // 3, len(example) - 1}):
            if cut > 0:
                yield f"{example[:cut]!r} again and again", _repeated("", example[:cut])
                yield (
                    f"{example[:cut]!r}, going on",
                    _repeated(example[: cut - 1], example[cut - 1]),
                )
                yield f"{example[:cut]!r}, spaces", _repeated(example[:cut], " ")


def _repeated(before: str, unit: str) -> Callable[[int], str]:
    return lambda size: (before + unit * (size // len(unit) + 1))[:size] + "\n!"


def rules_of(group: str) -> list[Rule]:
    """Return the rules of a file, or what the files allow, ready to be tried."""
    root = bundled()
    if group in {"answers", "volatility"}:
        phrases = load(root / f"{group}.yaml", PhraseRules).rules
        return [
            Rule(
                r.id, _phrase(r.model_dump(mode="json")), (*r.examples.match, *r.examples.no_match)
            )
            for r in phrases
        ]
    files = {path.stem: load(path, PiiRules) for path in rule_files(root)}
    if group == "allow":
        return [
            Rule(pattern[:40], _allowed(pattern), [])
            for file in files.values()
            for pattern in file.allow
        ]
    return [
        Rule(r.id, _pattern(r), (*r.examples.match, *r.examples.no_match))
        for r in files[group].rules
    ]


def one_rule(regex: str, *examples: str) -> Rule:
    """Return a rule of its own, to see that the baits tell a bad one."""
    return Rule(
        "made up",
        _pattern(
            PiiRule.model_validate(
                {
                    "id": "made-up",
                    "code": "PII002",
                    "entity": "PHONE",
                    "regex": regex,
                    "score": 0.5,
                    "examples": {"match": examples},
                }
            )
        ),
        examples,
    )


_narrow = lru_cache(maxsize=512)(narrow)
"""Most baits are the same for every rule."""


def _pattern(rule: PiiRule) -> Callable[[str], object]:
    pattern = Pattern(rule)
    return lambda text: list(pattern.scored(_narrow(text)))


def _phrase(rule: dict[str, object]) -> Callable[[str], object]:
    phrases = Phrases([rule])
    return lambda text: list(phrases.matches(text))


def _allowed(pattern: str) -> Callable[[str], object]:
    compiled = re.compile(pattern)
    return lambda text: allowed_spans([compiled], _narrow(text))


class _TooLong(Exception):  # noqa: N818 - it is no error
    pass


def _seconds(rule: Rule, text: str) -> float:
    """Return the CPU time of a try; time in which the process stands still does not count."""
    signal.setitimer(signal.ITIMER_PROF, PATIENCE)
    began = time.process_time()
    try:
        rule.tried(text)
    except _TooLong:
        return float("inf")
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
    return time.process_time() - began


def growth(rule: Rule, bait: Callable[[int], str]) -> float:
    """Return how many times as long the largest size takes as the smallest, 0 where it is quick."""
    small, middle, large = map(bait, SIZES)
    if (longest := _seconds(rule, large)) < MEASURABLE:
        return 0.0
    if longest == float("inf"):
        return longest
    # The best of a few: whatever else the machine does only ever adds to it.
    a, b, c = (min(_seconds(rule, text) for _ in range(3)) for text in (small, middle, large))
    return c / max(a, 1e-6) if c > HALF_GROWTH * b else 0.0


def out_of_proportion(rules: Sequence[Rule]) -> Iterator[dict[str, object]]:
    """Yield rule and bait of each try whose time grows faster than the text."""

    def stop(*_: object) -> None:
        raise _TooLong

    signal.signal(signal.SIGPROF, stop)
    for rule in rules:
        for name, bait in baits(rule.examples):
            # What is out of proportion is so each time; a busy machine is only at times.
            if (times := growth(rule, bait)) > GROWTH and growth(rule, bait) > GROWTH:
                yield {"rule": rule.name, "bait": name, "times": round(times, 1)}
                break  # one is enough


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_CPU, (HARD_LIMIT, HARD_LIMIT))
    asked = sys.argv[1]
    wanted = [one_rule(*sys.argv[2:])] if asked == "regex" else rules_of(asked)
    print(json.dumps({"rules": len(wanted)}), flush=True)
    for found in out_of_proportion(wanted):
        print(json.dumps(found, ensure_ascii=False), flush=True)
