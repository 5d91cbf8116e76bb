"""`curator decide`: turn findings into decisions."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from curator.cli.output import Folder, Json, data, say, table

if TYPE_CHECKING:
    from curator.decide import Decided

SHOWN = 20
_PROPOSALS = {
    "idle": "{code}: only {right} of {reviewed} reviewed below {to} were right; consider"
    " score_at_least: {to} in the rule {rule} (now {now})",
    "below": "{code}: {right} of the {reviewed} reviewed next to {now} were right, so more may lie"
    " below; consider score_at_least: {to} in the rule {rule}",
    "sure": "{code}: people dropped {right} of {reviewed} from {to} on; consider a rule"
    " that drops them unseen from there (rule {rule} sends them to review now)",
}


def decide(
    *,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only tell what would change, and why.")
    ] = False,
    project: Folder = ".",
    json: Json = False,
) -> None:
    """Decide what is kept, held for review and dropped; tell what changed since the last time."""
    from curator.project import Project

    decided = Project(project).decide(dry_run=dry_run)
    if json:
        data(
            {
                "decision": decided.manifest,
                "saved": not dry_run,
                "changes": [
                    {
                        "record": c.record_id,
                        "before": c.before,
                        "after": c.after,
                        "rules": c.rule_ids,
                    }
                    for c in decided.changes
                ],
                "precision": [asdict(found) for found in decided.precision],
            }
        )
        return
    tell(decided)
    say("nothing saved (--dry-run)" if dry_run else "next: curator export instruction")


def tell(decided: Decided) -> None:
    """Print the counts, what changed, and what the reviews say of the findings."""
    counts = decided.manifest["counts"]
    say("  ".join(f"{action}: {n:,}" for action, n in counts.items()))
    if decided.is_first:
        say("the first decision: there is nothing to compare it with")
    elif not decided.changes:
        say("no record changes")
    else:
        for change, n in decided.manifest["changed"].items():
            say(f"{n:,} × {change}")
        table(
            ("record", "before", "after", "because of"),
            [
                (c.record_id, c.before, c.after, ", ".join(c.rule_ids))
                for c in decided.changes[:SHOWN]
            ],
        )
        if len(decided.changes) > SHOWN:
            say(f"… and {len(decided.changes) - SHOWN:,} more (all of them: --json)")
    if decided.precision:
        say("as far as people have reviewed, so many findings were right:")
        table(
            ("code", "reviewed", "right", "share", "95 %"),
            [
                (p.code, p.reviewed, p.right, f"{p.right / p.reviewed:.2f}", f"{p.low}–{p.high}")
                for p in decided.precision
            ],
        )
    for found in decided.precision:
        for proposal in found.proposals:
            say(_PROPOSALS[proposal.why].format(code=found.code, **asdict(proposal)))
