"""Run every benchmark and write docs/benchmarks.md."""

from __future__ import annotations

import datetime as dt
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
PAGE = HERE.parent.parent / "docs" / "benchmarks.md"
PARTS = {"__init__", "__main__", "harness", "model_passes"}


def main() -> int:
    """Run them one by one; return 1 where one fails or misses an aim."""
    topics = sorted(path.stem for path in HERE.glob("*.py") if path.stem not in PARTS)
    results = []
    for topic in topics:
        print(f"{topic} …", file=sys.stderr)
        command = [sys.executable, "-m", f"tests.benchmarks.{topic}", "--json", *sys.argv[1:]]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
        if done.returncode:
            print(f"{topic} failed", file=sys.stderr)
            return 1
        results.append(json.loads(done.stdout))
    PAGE.write_text(page(results), encoding="utf-8")
    missed = [
        f"{r['topic']}: {row['metric']}"
        for r in results
        for row in r["rows"]
        if row["met"] is False
    ]
    for miss in missed:
        print(f"aim missed: {miss}", file=sys.stderr)
    return 1 if missed else 0


def page(results: list[dict[str, Any]]) -> str:
    """Return the page: a table a topic, with machine, date and commit."""
    today = dt.datetime.now(dt.UTC).date().isoformat()
    lines = [
        "# Benchmarks",
        "",
        "Written by `make bench`. Times depend on the machine and on what else it does; the ratios, taken",
        "on the same input in the same run, are what to compare.",
    ]
    for result in results:
        m = result["machine"]
        lines += [
            "",
            f"## {result['topic']}",
            "",
            f"{today}, commit {result['commit']}; {m['system']} {m['arch']}, {m['cores']} cores, Python {m['python']}, load {m['load']}.",
            "",
            "| metric | curator | peer | | ratio | aim | met |",
            "| --- | ---: | ---: | --- | ---: | --- | --- |",
        ]
        for row in result["rows"]:
            cells = [
                row["metric"],
                row["ours"],
                row["peer"],
                row["peer_name"],
                row["ratio"],
                row["aim"],
            ]
            met = {True: "yes", False: "**no**", None: ""}[row["met"]]
            lines.append(
                "| " + " | ".join("" if c is None else str(c) for c in cells) + f" | {met} |"
            )
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())
