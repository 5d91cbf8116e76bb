"""The page of a card: what those of both exports have in common, in both languages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from curator.exports.card.facts import About, SourceRow


def page(about: About, metadata: Mapping[str, Any], body: Iterable[str]) -> str:
    """Return a card: its head, its own sections, and those that every card has."""
    manifest = about.manifest
    front = yaml.safe_dump(dict(metadata), allow_unicode=True, sort_keys=False, width=1000)
    lines = [
        "---",
        front.rstrip(),
        "---",
        f"# {about.title}",
        "",
        (
            f"Version `{manifest['version']}`, decision `{manifest['decision']}`,"
            f" policy `{manifest['policy_sha']}`."
        ),
        (
            f"版本 `{manifest['version']}`，决定 `{manifest['decision']}`，"
            f"策略 `{manifest['policy_sha']}`。"
        ),
        "",
        *body,
        *section("Languages / 语言"),
        *table(("language", "rows"), sorted(about.languages.items())),
        "",
        *section("Sources / 来源"),
        *table(
            ("source", "sha256", "units", "records", "exported", "merged", "licence"),
            [
                (s.uri, f"`{s.sha256}`", s.units, s.records, s.exported, s.merged, s.license or "—")
                for s in about.sources
            ],
        ),
        "",
        *_merged(about.sources),
        *_allowed(manifest["params"].get("licenses_allowed", {})),
        *section("From source to export / 从来源到导出"),
        *table(("stage", "n"), [*about.funnel, *_accounts(manifest["conservation"])]),
        "",
        *section("Checks / 检查"),
        *table(
            ("check", "version", "run", "findings"),
            [
                (c["name"], c["version"], f"`{c['id']}`", c["n_findings"])
                for c in manifest["checks"]
            ],
        ),
        "",
        *section("Private details and repairs / 隐私与修复"),
        *_hidden(manifest["params"].get("pseudonyms")),
        "",
        *table(("code", "edits", "records"), about.pii),
        "",
        *section("Known gaps / 已知不足"),
        *(f"- {gap}" for gap in about.gaps),
        "",
    ]
    return "\n".join(lines)


def _merged(sources: Sequence[SourceRow]) -> tuple[str, ...]:
    """Return what the column says, in both languages; nothing where nothing is merged."""
    if not any(source.merged for source in sources):
        return ()
    return (
        (
            "Merged: duplicates of exported records, which stand for them too;"
            " `provenance.jsonl` names each with its source and licence."
        ),
        "merged 一列：与已导出记录重复、由其代表的记录；`provenance.jsonl` 逐条列出其出处与许可。",
        "",
    )


def _allowed(licences: Mapping[str, str]) -> list[str]:
    """Return which licences are allowed though they would stop the export, and why."""
    return [
        line
        for licence, reason in licences.items()
        for line in (f"Allowed by name / 特许: {licence}: {reason}", "")
    ]


def _hidden(pseudonyms: Mapping[str, str] | None) -> tuple[str, str]:
    """Return how private details are hidden, in both languages."""
    never = (
        " Speakers and unmapped columns are never exported.",
        "发言人与未映射的列从不导出。",
    )
    if pseudonyms is None:
        return (
            "Private details are replaced by numbered placeholders (`[PERSON_1]`, `[姓名1]`),"
            " the same one for the same detail within a record." + never[0],
            "隐私以编号占位符替换，同一记录内前后一致；" + never[1],
        )
    style, link = pseudonyms["style"], pseudonyms["link"]
    return (
        f"Private details are replaced by {style} pseudonyms, linked by: {link}; what they stand"
        f" for can be revealed with the key `{pseudonyms['key']}` alone." + never[0],
        f"隐私以假名替换（样式 {style}，关联范围 {link}），仅持密钥者可还原；" + never[1],
    )


def _accounts(counts: Mapping[str, Any]) -> list[tuple[str, int]]:
    return [
        ("records / 记录", counts["records"]),
        ("— exported / 导出", counts["exported"]),
        *((f"— left out, {reason} / 未选入", n) for reason, n in counts["left_out"].items()),
        *((f"— unusable: {reason} / 无法成行", n) for reason, n in counts["unusable"].items()),
        *(
            (f"— not for this export: {why} / 不入此集", n)
            for why, n in counts["not_routed"].items()
        ),
        ("— held for review / 待审", counts["review"]),
        ("— dropped / 舍弃", counts["dropped"]),
    ]


def section(title: str) -> tuple[str, str]:
    """Return the lines that begin a section."""
    return f"## {title}", ""


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> list[str]:
    """Return the lines of a table; a word where it has no rows."""
    body = [f"| {' | '.join(_cell(value) for value in row)} |" for row in rows]
    if not body:
        return ["None. / 无。"]
    return [f"| {' | '.join(head)} |", f"|{' --- |' * len(head)}", *body]


def _cell(value: object) -> str:
    if isinstance(value, int):
        return f"{value:,}"
    return str(value).replace("|", "\\|").replace("\n", " ")
