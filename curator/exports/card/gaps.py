"""What a reader should not expect of the data."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    import duckdb

    from curator.exports.version import Version


def gaps(con: duckdb.DuckDBPyConnection, version: Version, names: Mapping[str, str]) -> list[str]:
    """Return what a reader should not expect of this data, both languages a line."""
    found = []
    off = sorted(name for name, given in version.recipe.checks.items() if given is False)
    if off:
        listed = ", ".join(off)
        found.append(
            f"Checks turned off, so nothing is known of them: {listed}. / 未启用的检查：{listed}。"
        )
    row = con.execute(
        "WITH edits AS (SELECT unnest(edits) AS id FROM decisions WHERE action = 'keep')"
        " SELECT count(*) FROM findings f JOIN decisions d ON d.record_id = f.record_id"
        " WHERE d.action = 'keep' AND f.code LIKE 'PII%'"
        " AND f.replacement IS NOT NULL AND f.id NOT IN (SELECT id FROM edits)"
    ).fetchone()
    left = row[0] if row else 0
    if version.name == "instruction" and version.facts["params"]["tokenizer"] is None:
        found.append(
            "Rows were not measured in tokens: what a trainer would cut is not known"
            " (exports.instruction.tokenizer). / 未按词元计长，不知训练时会截断多少。"
        )
    if left:
        found.append(
            f"{left} possible private details scored below the policy's threshold and stand"
            f" as they are. / {left} 处疑似隐私低于策略阈值，未替换。"
        )
    if any(check.name == "pii" for check in version.plan.checks):
        found.append(
            "Private details are found by rules and models; some will have been missed."
            " / 隐私由规则与模型识别，难免遗漏。"
        )
    else:
        found.append("Private details were not looked for. / 未检查隐私信息。")
    unlicensed = [
        names.get(m["uri"], m["uri"])
        for m in version.workspace.sources()
        if not m["source"].get("license")
    ]
    if unlicensed:
        listed = ", ".join(unlicensed)
        found.append(f"No licence is stated for: {listed}. / 未注明许可的来源：{listed}。")
    return found
