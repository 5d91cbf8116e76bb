"""What a project would train on without curation: all conversations as they came in.

Private details stay hidden and broken encodings repaired, since nothing else may be read (P4);
but nothing is dropped, merged, corrected or held back. What is related to the held-out rows is
left out, or the raw side would be measured on what it was trained on.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np

from curator.exports.dialogue import dialogue
from curator.exports.rows import rows_of
from curator.splits.keys import question_keys
from curator.splits.related import Related
from curator.tables import read_table, records_from
from curator.train.inputs import Row

if TYPE_CHECKING:
    from collections.abc import Sequence

    from curator.check import Plan
    from curator.schema import InstructionExport
    from curator.workspace import Workspace

_RELATED = "peer_id IS NOT NULL AND (code LIKE 'DUP%' OR code = 'LBL002')"


def raw_rows(
    workspace: Workspace, plan: Plan, held_out: Sequence[Row], how: InstructionExport
) -> tuple[list[Row], dict[str, int]]:
    """Return the rows, and how many conversations make none, by reason.

    Args:
        workspace: with records and their redacted view.
        plan: the check runs that count: duplicates and shared answers tell what is related.
        held_out: what is measured with.
        how: the shape of the export's rows, and the system prompt.

    """
    left: Counter[str] = Counter()
    rows: list[Row] = []
    keys: list[int] = []
    owners: list[int] = []
    place = {name: index for index, name in enumerate(dict.fromkeys(r.id for r in held_out))}
    nodes = list(place)
    n_held_out = len(nodes)
    for row in held_out:
        asked = [m["content"] for m in row.messages if m["role"] == "user"]
        found = question_keys(asked)
        keys += found
        owners += [place[row.id]] * len(found)
    general = set()
    if not how.mix.replay:
        told = workspace.sql().execute("SELECT id FROM records WHERE replay").fetchall()
        general = {row[0] for row in told}
    for part in plan.view_parts:
        for record in records_from(read_table(part)):
            if record.kind != "conversation" or record.id in general:
                continue
            spoken = dialogue(record)
            if record.id in place:
                left["held out"] += 1
                continue
            place[record.id] = len(nodes)
            nodes.append(record.id)
            found = question_keys(spoken.questions)
            keys += found
            owners += [place[record.id]] * len(found)
            if not spoken.turns:
                left["no question with an answer"] += 1
                continue
            made = rows_of(record, spoken, how)
            rows += [Row(record.id, row["messages"]) for row in made]
    con = workspace.sql(plan.findings)
    pairs = con.execute(f"SELECT record_id, peer_id FROM findings WHERE {_RELATED}").fetchall()  # noqa: S608 - fixed text
    edges = np.array(
        [(place[a], place[b]) for a, b in pairs if a in place and b in place], np.int64
    ).reshape(-1, 2)
    group = Related(
        len(nodes),
        edges[:, 0],
        edges[:, 1],
        np.array(keys, np.int64),
        np.array(owners, np.int64),
    ).group
    barred = set(group[:n_held_out].tolist())
    kept = [row for row in rows if group[place[row.id]] not in barred]
    left["related to what is held out"] = len(rows) - len(kept)
    return kept, {reason: n for reason, n in sorted(left.items()) if n}
