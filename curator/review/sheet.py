"""The review by a spreadsheet: the same records, answers and checks, without any server."""

from __future__ import annotations

import datetime as dt
import json
import re
import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from curator.decide import checked
from curator.errors import ReviewError
from curator.review.answers import Asked, Span, reviews
from curator.review.naming import dataset_name, project_mark
from curator.review.pull import Pulled, keep
from curator.review.questions import (
    ANSWERED,
    ASKED,
    CONTEXT,
    CONVERSATION,
    DOCUMENT,
    FIELDS,
    METADATA,
    QUESTIONS,
    REASON,
    TAG_WORDS,
    VERDICTS,
    Words,
    guidelines,
)
from curator.review.queue import OURS, metadata, queue
from curator.review.shown import Shown
from curator.verdicts import ANSWER, COMMENT, LABEL, QUESTION, TAGS, VERDICT
from curator.workspace import writing

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from curator.review.items import Item
    from curator.rules import RuleSet
    from curator.schema import Recipe
    from curator.workspace import Workspace

FORM = 1
"""The form of the sheet; one of another form is refused."""
LONGEST = 32_000
"""A cell holds 32,767 characters."""
_PRIVATE = "private"
_SEEN = (ASKED, ANSWERED, DOCUMENT, CONVERSATION, REASON, CONTEXT)
_ANSWERS = (VERDICT, ANSWER, QUESTION, LABEL, TAGS, _PRIVATE, COMMENT)
_ABOUT = ("codes", "score", "source", "department", "language", "cluster")
_PRIVATE_WORDS = Words(
    "没有隐去的隐私（每行一处，照原文抄）", "private details that show (one a line, as they stand)"
)
_REVIEW, _GUIDE, _HIDDEN = "review", "guidelines", "_curator"
_ILLEGAL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_BETWEEN = re.compile(r"[,，;；、\n]+")
_WIDE, _NARROW = 48, 14


@dataclass(frozen=True, slots=True)
class Exported:
    """A sheet that was written: where, and how many records are in it."""

    path: str
    records: int
    held: int


def export_sheet(
    workspace: Workspace, recipe: Recipe, rules: RuleSet, path: Path, limit: int | None = None
) -> Exported:
    """Write the records under review as a spreadsheet with drop-down verdicts.

    Args:
        workspace: the project's workspace.
        recipe: the project's recipe.
        rules: the project's rules.
        path: where to; a file that is there is not overwritten, for it may be filled in.
        limit: how many records, the first of the queue; all without it.

    Raises:
        GateError: there is no current decision, or a text would show a private detail.
        ReviewError: the file is there already.

    """
    if path.exists():
        raise ReviewError(
            f"{path} is there already, and may hold answers",
            "name another file, or move that one away",
        )
    line = queue(workspace, recipe, rules)
    chosen = line.items[:limit]
    language = recipe.review.language
    from openpyxl import Workbook  # noqa: PLC0415 - only sheets need it

    book = Workbook()
    page = book.active
    page.title = _REVIEW
    _fill(page, chosen, language)
    told = book.create_sheet(_GUIDE)
    for text in guidelines(language).split("\n"):
        told.append([text])
    told.column_dimensions["A"].width = 120
    hidden = book.create_sheet(_HIDDEN)
    hidden.sheet_state = "veryHidden"
    name = dataset_name(workspace, recipe.name, line.policy_sha)
    for key, value in (
        ("form", str(FORM)),
        ("project", project_mark(workspace)),
        ("name", name),
        ("language", language),
    ):
        hidden.append([key, value])
    for place, item in enumerate(chosen, 1):
        told_of = metadata(item, place)[OURS]
        hidden.append([item.id, json.dumps(told_of, ensure_ascii=False, sort_keys=True)])
    with writing(path) as temporary:
        book.save(temporary)
    return Exported(str(path), len(chosen), len(line.items))


def _fill(page: Any, chosen: Sequence[Item], language: str) -> None:
    from openpyxl.styles import Alignment, Font, PatternFill  # noqa: PLC0415 - as above
    from openpyxl.utils import get_column_letter  # noqa: PLC0415
    from openpyxl.worksheet.datavalidation import DataValidation  # noqa: PLC0415

    heads = _heads(language)
    for column, head in enumerate(heads.values(), 1):
        cell = page.cell(1, column, head)
        cell.font = Font(bold=True)
        cell.alignment = Alignment(wrap_text=True, vertical="top")
        name = list(heads)[column - 1]
        if name in _ANSWERS:
            cell.fill = PatternFill("solid", fgColor="FFF2CC")
        wide = name in (*_SEEN, ANSWER, QUESTION, COMMENT, _PRIVATE)
        page.column_dimensions[get_column_letter(column)].width = _WIDE if wide else _NARROW
    for place, item in enumerate(chosen, 1):
        for column, text in enumerate(_row(item, place, heads), 1):
            cell = page.cell(place + 1, column)
            _write(cell, text)
            cell.alignment = Alignment(wrap_text=True, vertical="top")
    page.freeze_panes = page.cell(2, 3)
    page.auto_filter.ref = page.dimensions
    words = ",".join(words.said(language) for words in VERDICTS.values())
    choice = DataValidation(type="list", formula1=f'"{words}"', allow_blank=True)
    choice.error = choice.prompt = words
    page.add_data_validation(choice)
    letter = get_column_letter(list(heads).index(VERDICT) + 1)
    choice.add(f"{letter}2:{letter}{max(2, len(chosen) + 1)}")


def _heads(language: str) -> dict[str, str]:
    """Return the heading of each column, in order."""
    names = {"number": "#", "id": "id"}
    names |= {name: FIELDS[name].said(language) for name in (ASKED, ANSWERED)}
    names |= {name: words.said(language) for name, words in QUESTIONS.items()}
    names[_PRIVATE] = _PRIVATE_WORDS.said(language)
    names |= {
        name: FIELDS[name].said(language) for name in (DOCUMENT, CONVERSATION, REASON, CONTEXT)
    }
    return names | {name: METADATA[name].said(language) for name in _ABOUT}


def _row(item: Item, place: int, heads: Mapping[str, str]) -> list[Any]:
    told = metadata(item, place)
    cells: dict[str, Any] = {"number": place, "id": item.id, **item.fields}
    if CONVERSATION in cells:
        cells[CONVERSATION] = "\n".join(f"{m['role']}: {m['content']}" for m in cells[CONVERSATION])
    cells |= {name: told.get(name, "") for name in _ABOUT}
    cells["codes"] = ", ".join(told.get("codes", ()))
    cells[TAGS] = ", ".join(item.tags)
    cells[ANSWER] = item.suggested or ""
    cells[LABEL] = item.category or ""
    return [cells.get(name, "") for name in heads]


def _write(cell: Any, value: Any) -> None:
    """Write a cell; text stays text, whatever it begins with, so that no formula ever runs."""
    if isinstance(value, str):
        text = _ILLEGAL.sub("\ufffd", value)
        cell.value = text if len(text) <= LONGEST else text[:LONGEST] + "…"
        cell.data_type = "s"
        cell.quotePrefix = text[:1] in "=+-@"
    else:
        cell.value = value


def import_sheet(
    workspace: Workspace, recipe: Recipe, rules: RuleSet, path: Path, reviewer: str
) -> Pulled:
    """Keep the answers of a filled sheet as one person's responses.

    A row without a verdict is no response. The whole sheet is read before anything is kept.

    Args:
        workspace: the project's workspace.
        recipe: the project's recipe.
        rules: the project's rules.
        path: the sheet.
        reviewer: who filled it in.

    Raises:
        GateError: a check is missing, failed or stale, so that it is not known what texts say now.
        ReviewError: it is no sheet of this project, or not as it was exported, or an answer
            is none that can be given.

    """
    everything = checked(workspace, recipe, rules)
    heads, rows, facts = _read(path)
    if facts.get("form") != str(FORM):
        raise ReviewError(
            f"{path}: not a review sheet, or of another version of curator",
            "make one with: curator review sheet export FILE, and fill in that one",
        )
    if facts.get("project") != project_mark(workspace):
        raise ReviewError(
            f"{path}: a sheet of another project ({facts.get('name')})",
            "is --project the right folder? nothing was changed",
        )
    wanted = _heads(facts.get("language", "both"))
    for name in ("id", *_ANSWERS):
        if wanted[name] not in heads:
            raise ReviewError(
                f"{path}: there is no column “{wanted[name]}”",
                "give it that name again, in the first row; nothing was changed",
            )
    filled = list(_filled(path, heads, rows, wanted, facts))
    shown = Shown(everything, {asked.record_id for asked, _, _ in filled})
    at = dt.datetime.now(dt.UTC).isoformat(timespec="microseconds")
    given = []
    for asked, answers, number in filled:
        record_id = asked.record_id
        is_same = shown.contents.get(record_id) == asked.content_sha
        given.append(
            reviews(
                asked,
                {name: text for name, text in answers.items() if name != _PRIVATE},
                _spans(path, number, answers, asked, shown) if is_same else [],
                status="submitted",
                user=reviewer,
                at=at,
                shown=shown.records[record_id] if is_same else None,
                places=shown.places(record_id) if is_same else None,
            )
        )
    return keep(workspace, recipe, rules, [path.name], given)


def _read(path: Path) -> tuple[dict[str, int], list[tuple[int, Sequence[Any]]], dict[str, str]]:
    """Return the columns by heading, the rows with their numbers, and what is hidden."""
    from openpyxl import load_workbook  # noqa: PLC0415 - only sheets need it
    from openpyxl.utils.exceptions import InvalidFileException  # noqa: PLC0415 - as above

    damaged = (OSError, KeyError, ValueError, IndexError, zipfile.BadZipFile, InvalidFileException)
    try:
        book = load_workbook(path, read_only=True, data_only=True)
        if _HIDDEN not in book.sheetnames or _REVIEW not in book.sheetnames:
            return {}, [], {}
        hidden = {str(row[0]): str(row[1]) for row in book[_HIDDEN].iter_rows(values_only=True)}
        table = list(book[_REVIEW].iter_rows(values_only=True))
        book.close()
    except FileNotFoundError:
        raise ReviewError(f"{path}: no such file", "name a filled sheet") from None
    except damaged as error:
        raise ReviewError(
            f"{path}: cannot be read as a spreadsheet ({type(error).__name__})",
            "save it as .xlsx; CSV and other formats lose what belongs to it",
        ) from None
    heads = {str(head).strip(): at for at, head in enumerate(table[0] if table else ()) if head}
    return heads, [(n, row) for n, row in enumerate(table[1:], 2)], hidden


def _filled(
    path: Path,
    heads: Mapping[str, int],
    rows: Sequence[tuple[int, Sequence[Any]]],
    wanted: Mapping[str, str],
    facts: Mapping[str, str],
) -> Iterator[tuple[Asked, dict[str, str], int]]:
    """Yield each row that has a verdict: what was asked, the answers, the row's number."""
    seen: dict[str, int] = {}
    for number, row in rows:

        def cell(name: str, row: Sequence[Any] = row) -> str:
            at = heads[wanted[name]]
            value = row[at] if at < len(row) else None
            return "" if value is None else str(value).replace("\r\n", "\n").strip()

        said = cell(VERDICT)
        if not said:
            continue
        name = cell("id")
        if name not in facts:
            raise ReviewError(
                f"{path}, row {number}: its id is none of this sheet's",
                "the column id must stay as it was exported; nothing was changed",
            )
        if name in seen:
            raise ReviewError(
                f"{path}, rows {seen[name]} and {number}: the same record twice",
                "take one of them out; nothing was changed",
            )
        seen[name] = number
        ours = json.loads(facts[name])
        answers = {n: cell(n) for n in (ANSWER, QUESTION, LABEL, COMMENT, _PRIVATE)}
        answers[VERDICT] = _label(path, number, said, VERDICTS)
        tags = [_label(path, number, t, TAG_WORDS) for t in _BETWEEN.split(cell(TAGS)) if t.strip()]
        answers[TAGS] = json.dumps(sorted(set(tags))) if tags else ""
        record_id = name.partition("-")[0]
        asked = Asked(record_id, ours["content"], ours["parts"], ours["findings"])
        yield asked, answers, number


def _label(path: Path, number: int, said: str, labels: Mapping[str, Words]) -> str:
    """Return the label that a cell names, in either language or by its short name.

    Raises:
        ReviewError: it names none.

    """
    plain = said.strip().casefold()
    for name, words in labels.items():
        if plain in {name, *(words.said(lang).casefold() for lang in ("zh", "en", "both"))}:
            return name
    raise ReviewError(
        f"{path}, row {number}: an answer that is none of: {', '.join(labels)}",
        "choose one of these in that row and import again; nothing was changed",
    )


def _spans(
    path: Path, number: int, answers: Mapping[str, str], asked: Asked, shown: Shown
) -> list[Span]:
    """Return where the private details that a person copied out stand in what was shown.

    Raises:
        ReviewError: one stands nowhere.

    """
    record = shown.records[asked.record_id]
    texts = {
        name: "\n".join(record.parts[part].text for part in parts)
        for name, parts in asked.parts.items()
    }
    found = []
    for at, line in enumerate(answers[_PRIVATE].split("\n"), 1):
        said = line.strip()
        if not said:
            continue
        here = [
            Span(name, match.start(), match.end(), "personal")
            for name, text in texts.items()
            for match in re.finditer(re.escape(said), text)
        ]
        if not here:
            raise ReviewError(
                f"{path}, row {number}: private detail {at} stands nowhere in the record",
                "copy it as it stands in the text; nothing was changed",
            )
        found += here
    return found
