"""Dataset cards: README.md with the metadata that the Hugging Face hub reads, in both languages.

Everything in a card follows from the decision and the sources, so a card, like
the rows beside it, tells no time and no place.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import yaml

from curator.exports.card_lengths import histogram, token_figures, trainers
from curator.redact import shown_sources

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import duckdb

    from curator.exports.version import Version
    from curator.types import Record
    from curator.workspace import Workspace

SourceKey: TypeAlias = tuple[str, str]
"""A source's name as it is shown, and its sha256."""

_SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))


@dataclass(frozen=True, slots=True)
class SourceRow:
    """One source, as a card lists it.

    `merged` of its records fell to exported duplicates, which stand for them.
    """

    uri: str
    sha256: str
    units: int
    records: int
    exported: int
    merged: int
    license: str | None


@dataclass(frozen=True, slots=True)
class About:
    """What a card tells."""

    title: str
    manifest: Mapping[str, Any]
    sources: Sequence[SourceRow]
    funnel: Sequence[tuple[str, int]]
    languages: Mapping[str, int]
    pii: Sequence[tuple[str, int, int]]
    gaps: Sequence[str]


def about(
    title: str,
    version: Version,
    manifest: Mapping[str, Any],
    con: duckdb.DuckDBPyConnection,
    by_source: Mapping[SourceKey, int],
    by_language: Mapping[str, int],
    merged: Mapping[SourceKey, int],
) -> About:
    """Return what the card of a version tells, from its manifest and the stored tables."""
    names = shown_sources(con, decided=True)
    return About(
        title=f"{version.recipe.name}: {title}",
        manifest=manifest,
        sources=sources(version.workspace, names, by_source, merged),
        funnel=funnel(version.workspace),
        languages=dict(by_language),
        pii=pii(con, version.name),
        gaps=gaps(con, version, names),
    )


def source_key(record: Record) -> SourceKey:
    """Return what tells a record's source from others: two may be shown by one name."""
    return record.provenance.source_uri, record.provenance.source_sha256


def sources(
    workspace: Workspace,
    names: Mapping[str, str],
    exported: Mapping[SourceKey, int],
    merged: Mapping[SourceKey, int],
) -> list[SourceRow]:
    """Return the active sources, with how many of each one's records are exported or merged.

    `names`: what the names of sources are shown as, where not as they are.
    """
    manifests = workspace.sources()
    shown = [names.get(manifest["uri"], manifest["uri"]) for manifest in manifests]
    active = {(uri, manifest["sha256"]) for uri, manifest in zip(shown, manifests, strict=True)}

    def counted(counts: Mapping[SourceKey, int], own: SourceKey) -> int:
        # A part that stayed when its file changed bears the sha256 of the file as it was.
        return sum(n for key, n in counts.items() if key == own or _was(key, own, active))

    return [
        SourceRow(
            uri=uri,
            sha256=manifest["sha256"],
            units=manifest["units_read"],
            records=sum(part["records"] for part in manifest["parts"]),
            exported=counted(exported, (uri, manifest["sha256"])),
            merged=counted(merged, (uri, manifest["sha256"])),
            license=manifest["source"].get("license"),
        )
        for uri, manifest in zip(shown, manifests, strict=True)
    ]


def _was(key: SourceKey, own: SourceKey, active: set[SourceKey]) -> bool:
    """Whether a source is what another was before it changed."""
    return key[0] == own[0] and key not in active


def funnel(workspace: Workspace) -> list[tuple[str, int]]:
    """Return the counts of the stage before records: units (rows, lines, messages, files)."""
    manifests = workspace.sources()
    return [
        (label, sum(manifest[key] for manifest in manifests))
        for label, key in (
            ("units read / 读入单元", "units_read"),
            ("— in records / 进入记录", "units_in_records"),
            ("— set aside: system lines, blank lines, headers / 另置", "units_set_aside"),
            ("— quarantined: unreadable / 隔离", "units_quarantined"),
        )
    ]


def pii(con: duckdb.DuckDBPyConnection, route: str) -> list[tuple[str, int, int]]:
    """Return code, edits and edited records for each kind of edit in the exported records."""
    return con.execute(
        "SELECT f.code, count(*), count(DISTINCT f.record_id)"  # noqa: S608 - one of two fixed names
        " FROM findings f JOIN (SELECT unnest(edits) AS edit, otherwise FROM decisions"
        f"  WHERE action = 'keep' AND {route}) e ON e.edit = f.id WHERE NOT list_contains("
        f"otherwise, {{'finding_id': f.id, 'route': '{route}', 'how': 'leave'}})"
        " GROUP BY 1 ORDER BY 1"
    ).fetchall()


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
    if "tokenizer" in version.facts["params"] and version.facts["params"]["tokenizer"] is None:
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


def instruction_card(about: About) -> str:
    """Return the card of an instruction dataset."""
    manifest = about.manifest
    rows = manifest["splits"]
    # A split without rows is no split to the hub's loader.
    files = [{"split": s, "path": f"{s}.parquet"} for s in ("train", "validation") if rows[s]]
    metadata = _metadata(about, sum(rows.values()), ["text-generation"], files, ["instruction"])
    leakage = manifest["leakage"]
    left_out = manifest["turns"]["left_out"]
    body = [
        (
            "One row is one conversation: `messages` is a list of `role` (system, user, assistant,"
            " tool) and `content`; `source` says where it was read."
        ),
        "每行是一个对话：`messages` 为角色与内容的列表，`source` 指明出处。",
        "",
        *_section("Splits / 划分"),
        *_table(("split", "rows"), rows.items()),
        "",
        (
            f"Duplicates and answers to the same question stay on one side"
            f" ({leakage['groups']} groups)."
            f" Measured: {leakage['questions_in_both_splits']} questions in both splits,"
            f" {leakage['related_pairs_across_splits']} related pairs across them."
        ),
        f"重复项与同题记录只在一侧。实测：{leakage['questions_in_both_splits']} 个问题跨越两侧。",
        "",
        *_lengths(manifest),
        *_section("Trainers / 训练框架"),
        *_table(("trainer", "file", "rows taken", "cut", "refused", "asked"), trainers(manifest)),
        "",
        (
            f"Sequences of {manifest['handshake']['length']:,} tokens. Asked: the trainer itself,"
            " or our rules from its documents; the manifest names each refused row."
        ),
        "“rules” 指依据其文档编写的规则，否则由该框架实测；被拒的行在清单中逐一列出。",
        "",
        *_section("Turns / 话轮"),
        *_table(
            ("turns", "n"),
            [("exported / 导出", manifest["turns"]["exported"])]
            + [(f"left out: {reason}", n) for reason, n in left_out.items()],
        ),
        "",
    ]
    return _card(about, metadata, body)


def _lengths(manifest: Mapping[str, Any]) -> list[str]:
    """Return how long rows are in tokens, in both languages; nothing without a tokenizer."""
    if not manifest["tokens"]:
        return []
    name = manifest["params"]["tokenizer"]["name"]
    head = ("split", "rows", "tokens", "learnt", "median", "p90", "p99", "longest")
    return [
        *_section("Tokens / 词元"),
        f"In tokens of `{name}`, with the chat template beside. / 按 `{name}` 与所附模板计。",
        "",
        *_table(head, token_figures(manifest)),
        "",
        *histogram(manifest),
        "",
    ]


def rag_card(about: About) -> str:
    """Return the card of a RAG corpus."""
    manifest = about.manifest
    rows = manifest["chunks"]["rows"]
    files = [{"split": "train", "path": "chunks.parquet"}]
    metadata = _metadata(about, rows, ["text-retrieval"], files, ["rag", "retrieval"])
    params = manifest["params"]
    body = [
        (
            "One row is one chunk: `text` is what to embed and to show, `heading_path` the headings"
            " above it, `locator` its exact place and `citation` how to cite it."
        ),
        "每行是一个片段：`text` 供向量化与展示，`locator` 为精确位置，`citation` 为引用格式。",
        "",
        *_section("Chunks / 片段"),
        (
            f"{rows} chunks, at most {params['chunk_length']} Han characters or words each,"
            f" cut at the ends of sentences, {params['overlap_sentences']} sentences of overlap."
        ),
        f"共 {rows} 段，每段至多 {params['chunk_length']} 个汉字或词，只在句末切分。",
        "",
        *_table(("records / 记录", "n"), manifest["records_by_kind"].items()),
        "",
    ]
    return _card(about, metadata, body)


def _metadata(
    about: About,
    rows: int,
    tasks: list[str],
    files: list[dict[str, str]],
    tags: list[str],
) -> dict[str, Any]:
    licences = {source.license for source in about.sources}
    single = licences.pop() if len(licences) == 1 else None
    return {
        "pretty_name": about.title,
        "language": sorted(lang for lang in about.languages if lang != "und") or ["und"],
        "license": _licence_id(single) if single else "other",
        "task_categories": tasks,
        "size_categories": [next((name for n, name in _SIZES if rows < n), "n>1M")],
        "tags": ["curator", *tags],
        "configs": [{"config_name": "default", "data_files": files}],
    }


def _licence_id(text: str) -> str:
    """Return a licence in the hub's spelling: `CC BY-SA 4.0` is `cc-by-sa-4.0`."""
    return "-".join(text.lower().split())


def _card(about: About, metadata: Mapping[str, Any], body: Iterable[str]) -> str:
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
        *_section("Languages / 语言"),
        *_table(("language", "rows"), sorted(about.languages.items())),
        "",
        *_section("Sources / 来源"),
        *_table(
            ("source", "sha256", "units", "records", "exported", "merged", "licence"),
            [
                (s.uri, f"`{s.sha256}`", s.units, s.records, s.exported, s.merged, s.license or "—")
                for s in about.sources
            ],
        ),
        "",
        *_merged(about.sources),
        *_section("From source to export / 从来源到导出"),
        *_table(("stage", "n"), [*about.funnel, *_accounts(manifest["conservation"])]),
        "",
        *_section("Checks / 检查"),
        *_table(
            ("check", "version", "run", "findings"),
            [
                (c["name"], c["version"], f"`{c['id']}`", c["n_findings"])
                for c in manifest["checks"]
            ],
        ),
        "",
        *_section("Private details and repairs / 隐私与修复"),
        *_hidden(manifest["params"].get("pseudonyms")),
        "",
        *_table(("code", "edits", "records"), about.pii),
        "",
        *_section("Known gaps / 已知不足"),
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
        *((f"— unusable: {reason} / 无法成行", n) for reason, n in counts["unusable"].items()),
        *(
            (f"— not for this export: {why} / 不入此集", n)
            for why, n in counts["not_routed"].items()
        ),
        ("— held for review / 待审", counts["review"]),
        ("— dropped / 舍弃", counts["dropped"]),
    ]


def _section(title: str) -> tuple[str, str]:
    return f"## {title}", ""


def _table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> list[str]:
    body = [f"| {' | '.join(_cell(value) for value in row)} |" for row in rows]
    if not body:
        return ["None. / 无。"]
    return [f"| {' | '.join(head)} |", f"|{' --- |' * len(head)}", *body]


def _cell(value: object) -> str:
    if isinstance(value, int):
        return f"{value:,}"
    return str(value).replace("|", "\\|").replace("\n", " ")
