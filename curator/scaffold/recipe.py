"""The recipe of a new project, as text: bilingual comments, and what was seen beside each key."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any

import yaml

from curator.scaffold.domains import DOMAINS
from curator.sources.files.folders import is_pattern

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from curator.scaffold.look import Look, Seen

_HEAD = """\
# What this project curates. `curator rules schema recipe` prints every key.
# 本项目的配方。所有可用的键：curator rules schema recipe
version: 1
name: {name}
{about}languages: {languages}
"""
_REST = """
# Every check runs with its defaults; name one to change it, or turn it off with false.
# 各项检查默认全部运行；写出名称可改参数，写 false 可关闭。
checks: {}
#  near_duplicates: {floor: 0.5}
#  category_labels: false
#  contamination: {against: [eval/]}   # your evaluation files / 你的评测集

#review: {min_submitted: 2}   # how many people look at a doubtful record / 每条由几人审核

# How private details are shown in exports; the other styles need a key: curator vault create
# 导出中如何显示隐私信息；其他方式需要密钥：curator vault create
#pseudonyms: {style: coded, link: project, key_file: ../my.key}

exports:
  instruction: {validation: 0.1}
#  tokenizer: qwen, max_tokens: 4096, formats: [alpaca, sharegpt], turns: split   # docs/exports.md
  rag: {chunk_length: 300, overlap_sentences: 1}

workers: auto
"""
_MOST_UP = 2
"""A path is told from the project's folder unless that leads further up than this."""
_MEANINGS = {
    "user": ("提问", "the question"),
    "assistant": ("回答", "the answer"),
    "system": ("系统提示", "the system prompt"),
    "text": ("正文", "the text"),
    "messages": ("多轮消息", "a list of messages"),
    "conversation": ("同一段对话的编号", "what the turns of one talk share"),
    "speaker": ("说话人", "who speaks"),
    "label": ("类别", "the category"),
    "timestamp": ("时间", "the time"),
}


def recipe_text(root: Path, seen: Seen | None, first: str) -> str:
    """Return the recipe of a project at `root`; without anything seen, one to be filled in.

    `first` is the language that stands first among those that are wanted.
    """
    name = re.sub(r"[^a-z0-9_-]+", "-", root.name.lower()).strip("-_") or "project"
    if seen is None:
        head = _HEAD.format(name=_scalar(name), about="", languages=_languages(["zh", "en"], first))
        example = (
            "\n# Name your files here / 在这里写上你的文件：\n"
            "#  - path: ../chat.csv\n"
            "#    columns: {user: 问题, assistant: 回答}\n"
        )
        return f"{head}{example}sources: []\n{_REST}"
    wanted = _languages(seen.languages, first)
    head = _HEAD.format(name=_scalar(name), about=_about(seen), languages=wanted)
    lines = [line for look in seen.looks for line in _source(root, look)]
    return f"{head}\nsources:\n" + "\n".join(lines) + "\n" + _REST


def _languages(wanted: Sequence[str], first: str) -> str:
    return f"[{', '.join(sorted(wanted, key=lambda lang: lang != first))}]"


def _about(seen: Seen) -> str:
    """Return the comments on what the sources are about, and in which languages."""
    zh, en = DOMAINS[seen.domain]
    shares = ", ".join(f"{lang} {share:.0%}" for lang, share in seen.language_shares.items())
    lines = [f"# Seen in the first records / 取样所见: {shares or 'nothing / 无'}"]
    lines.append(f"# Looks like: {en} / 看来是：{zh}")
    return "".join(f"{line}\n" for line in lines)


def _source(root: Path, look: Look) -> Iterator[str]:
    """Yield the lines of a source, and of the files in it that have a mapping of their own."""
    kinds = {"conversation": ("conversations", "对话"), "document": ("documents", "文档")}
    counted = [f"{n:,} {kinds[kind][0]} / {kinds[kind][1]}" for kind, n in look.kinds.items()]
    more = "+" if look.is_partial else ""
    formats = ", ".join(
        f"{name} × {n}" if n > 1 else name for name, n in look.formats.most_common()
    )
    yield f"  # {_comment(look.path.name)}: {formats}; {', '.join(counted) or '0'}{more}"
    if look.refused:
        said = ", ".join(f"{n:,} × {_comment(reason)}" for reason, n in look.refused.most_common(4))
        yield f"  # not readable / 无法读取: {said}"
    for zh, en in look.notes:
        yield f"  # ! {_comment(en)}"
        yield f"  # ! {_comment(zh)}"
    yield f"  - path: {_scalar(shown_path(root, look.path))}"
    source = look.source.model_dump(mode="json", exclude_defaults=True, exclude_none=True)
    for key in ("format", "encoding"):
        if key in source:
            yield f"    {key}: {_scalar(source[key])}"
    if "header" in source:
        yield "    header: false  # the first row is data / 第一行就是数据"
    if look.columns:
        yield from _columns(look, source.get("columns", {}))
    if "chat" in source:
        yield "    chat:"
        for key, value in source["chat"].items():
            yield f"      {key}: {_scalar(value)}"
    for one in look.mapped:
        yield from _source(root, one)


def _columns(look: Look, columns: dict[str, Any]) -> Iterator[str]:
    used: set[str] = set()
    filled = {key: value for key, value in columns.items() if value}
    if not filled:
        # What a person would write, were it known which column is which.
        first, *more = map(_scalar, look.columns)
        yield f"    # columns: {{user: {first}, assistant: {more[0] if more else first}}}"
        yield f"    #   these are there / 可用的列: {', '.join(map(_comment, look.columns[:20]))}"
        return
    yield "    columns:"
    why = look.guess.why if look.guess else {}
    for key, value in filled.items():
        names = [value] if isinstance(value, str) else list(value)
        used |= set(names)
        shown = _scalar(names[0]) if len(names) == 1 else f"[{', '.join(map(_scalar, names))}]"
        zh, en = _MEANINGS[key]
        guessed = next((why[name] for name in names if name in why), None)
        because = f"; guessed: {guessed[1]} / 猜测：{guessed[0]}" if guessed else ""
        yield f"      {key}: {shown}  # {en} / {zh}{because}"
    rest = [name for name in look.columns if name not in used]
    if rest:
        listed = ", ".join(map(_comment, rest[:20])) + (" …" if len(rest) > 20 else "")
        yield f"      # other columns, kept beside the record / 其余列，随记录保存: {listed}"
    maybe = look.guess.categories if look.guess else ()
    if maybe and "label" not in filled:
        yield (
            f"      # label: {_scalar(maybe[0])}  # one of these may be the category / 类别可能是: "
            + (", ".join(map(_comment, maybe[:6])))
        )


def shown_path(root: Path, path: Path) -> str:
    """Return a source's path as a recipe at `root` names it: relative to it where it lies near."""
    path = _absolute(path)
    try:
        relative = os.path.relpath(path, root)
    except ValueError:  # another drive
        return str(path)
    return str(path) if relative.count("..") > _MOST_UP else relative


def _absolute(path: Path) -> Path:
    """Return an absolute path: links followed, a pattern as it stands."""
    absolute = type(path)(os.path.abspath(path))  # noqa: PTH100 - keeps links
    return absolute if is_pattern(path) else path.resolve()


def _scalar(value: object) -> str:
    """Return a value as YAML on one line."""
    text = yaml.safe_dump(value, allow_unicode=True, width=10**6, default_flow_style=True).strip()
    return text.removesuffix("...").strip()


def _comment(text: str) -> str:
    """Return a text as it may stand in a comment: on one line, with nothing that ends it."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())
