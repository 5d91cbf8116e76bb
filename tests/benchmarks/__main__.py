"""Run the benchmarks (all, or those that are named) and write docs/benchmarks.md."""

from __future__ import annotations

import argparse
import datetime as dt
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
PAGE = HERE.parent.parent / "docs" / "benchmarks.md"
PARTS = {
    *("__init__", "__main__", "harness", "model_passes", "generate"),
    *("chats", "costs", "datatrove_peer", "files", "labelled", "language_model", "reading"),
    "scans",
}


def main() -> int:
    """Run them one by one; return 1 where one fails or misses an aim.

    The page keeps what it says of the topics that are not run.
    """
    every = sorted(path.stem for path in HERE.glob("*.py") if path.stem not in PARTS)
    given = argparse.ArgumentParser(description=__doc__)
    given.add_argument("topics", nargs="*", default=every, choices=[*every, []])
    given.add_argument("--data", help="laid out like $CURATOR_DATA, its default")
    options = given.parse_args()
    data = ["--data", options.data] if options.data else []
    results = []
    for topic in options.topics:
        print(f"{topic} …", file=sys.stderr)
        command = [sys.executable, "-m", f"tests.benchmarks.{topic}", "--json", *data]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
        if done.returncode:
            print(f"{topic} failed", file=sys.stderr)
            return 1
        results.append(json.loads(done.stdout))
    PAGE.write_text(page(sections(PAGE) | {r["topic"]: section(r) for r in results}))
    missed = [
        f"{r['topic']}: {row['metric']}"
        for r in results
        for row in r["rows"]
        if row["met"] is False
    ]
    for miss in missed:
        print(f"aim missed: {miss}", file=sys.stderr)
    return 1 if missed else 0


def sections(path: Path) -> dict[str, str]:
    """Return what the page says so far, by topic."""
    said = path.read_text(encoding="utf-8").split("\n## ")[1:] if path.exists() else []
    return {part.split("\n", 1)[0]: part.split("\n", 1)[1].strip("\n") for part in said}


def page(said: dict[str, str]) -> str:
    """Return the page: a section a topic."""
    lines = [
        "# Benchmarks",
        "",
        "Written by `make bench`. Times depend on the machine and on what else it does; the ratios, taken",
        "on the same input in the same run, are what to compare.",
    ]
    for topic in sorted(said):
        lines += ["", f"## {topic}", "", said[topic]]
    return "\n".join(lines) + "\n"


def section(result: dict[str, Any]) -> str:
    """Return a topic's table, with machine, date and commit."""
    today, m = dt.datetime.now(dt.UTC).date().isoformat(), result["machine"]
    lines = [
        f"{today}, commit {result['commit']}; {m['system']} {m['arch']}, {m['cores']} cores, Python {m['python']}, load {m['load']}.",
        "",
        "| metric | curator | peer | | ratio | aim | met |",
        "| --- | ---: | ---: | --- | ---: | --- | --- |",
    ]
    for row in result["rows"]:
        keys = ("metric", "ours", "peer", "peer_name", "ratio", "aim")
        cells = ["" if row[key] is None else str(row[key]) for key in keys]
        met = {True: "yes", False: "**no**", None: ""}[row["met"]]
        lines.append("| " + " | ".join(cells) + f" | {met} |")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
