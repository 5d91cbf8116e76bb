"""What reviewers said, settled: one verdict for each record. Pure.

A response is what one person said about one record at one time: of several by the same
person the last holds, and it counts where it was submitted on the text that the record
has now. Several people agree, or a majority wins, or the record stays in review, as the
recipe says. Neither the order of the reviews nor how often they were pulled matters.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import pyarrow as pa

from curator.tables import VERDICTS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

Said = Literal["keep", "fix", "drop", "review"]
Conflicts = Literal["majority", "review"]

VERDICT, ANSWER, QUESTION = "verdict", "corrected_answer", "corrected_question"
LABEL = "corrected_category"
TAGS, COMMENT, PERSONAL = "tags", "comment", "personal"
WORDS: tuple[Said, ...] = ("keep", "fix", "drop")
UNSETTLED: Said = "review"
SUBMITTED = "submitted"


@dataclass(frozen=True, slots=True)
class Response:
    """What one person said last about one record; `answers` is by question.

    `parts` are those that a question's answer is about, and `findings` what the person
    was shown.
    """

    record_id: str
    user: str
    status: str
    at: str
    answers: Mapping[str, str]
    parts: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    findings: tuple[str, ...] = ()

    @property
    def counts(self) -> bool:
        """Whether it is submitted and says what is to become of the record."""
        return self.status == SUBMITTED and self.answers.get(VERDICT) in WORDS

    @property
    def tags(self) -> tuple[str, ...]:
        """What is wrong with the record, as the person sees it."""
        return tuple(json.loads(self.answers.get(TAGS) or "[]"))

    def marks(self, label: str) -> list[Mark]:
        """Return the spans that the person gave a label to."""
        told = json.loads(self.answers.get(PERSONAL) or "[]")
        return [
            Mark(m["part"], m["start"], m["end"], tuple(m.get("findings", ())))
            for m in told
            if m["label"] == label
        ]


@dataclass(frozen=True, slots=True, order=True)
class Mark:
    """A span of the record as it was read, half-open, with the findings that lie in it."""

    part: int
    start: int
    end: int
    findings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, order=True)
class Correction:
    """A text that takes the place of whole parts: it stands in the first, the others are empty.

    `question` tells what was corrected: the question, the answer, or the record's label,
    which is in no part.
    """

    parts: tuple[int, ...]
    text: str
    question: str = ANSWER


@dataclass(frozen=True, slots=True)
class Verdict:
    """What holds of all that was said about a record.

    `said` is `review` where nothing is settled, and `reason` tells why: `conflict`,
    `corrections differ`, `nothing to fix`. `hidden` are spans that hold a private detail,
    `disputed` are findings of private details that are none.
    """

    record_id: str
    said: Said
    who: tuple[str, ...]
    reason: str = ""
    corrections: tuple[Correction, ...] = ()
    hidden: tuple[Mark, ...] = ()
    disputed: tuple[str, ...] = ()


def responses(reviews: pa.Table, contents: Mapping[str, str] | None = None) -> list[Response]:
    """Return each person's last response about each record, sorted by record and person.

    Args:
        reviews: schema `REVIEWS`.
        contents: the content hash of each record as it is now; what was said about another
            content is left out. Without it, all contents count as one.

    """
    rows = (
        row
        for row in reviews.to_pylist()
        if contents is None or contents.get(row["record_id"]) == row["content_sha"]
    )
    held = latest(rows, ("record_id", "user_id"))
    return [_response(mine) for _, mine in sorted(held.items())]


def latest(
    rows: Iterable[Mapping[str, Any]], key: Sequence[str]
) -> dict[tuple[Any, ...], list[Mapping[str, Any]]]:
    """Return of the rows (schema `REVIEWS`) with the same key those of the last moment."""
    found: dict[tuple[Any, ...], list[Mapping[str, Any]]] = defaultdict(list)
    for row in rows:
        held = found[tuple(row[name] for name in key)]
        if held and row["at"] > held[0]["at"]:
            held.clear()
        if not held or row["at"] == held[0]["at"]:
            held.append(row)
    return dict(found)


def _response(rows: Sequence[Mapping[str, Any]]) -> Response:
    # Sorted, so that of two answers at one moment the same one wins always.
    ordered = sorted(rows, key=lambda r: (r["question"], r["value"] or "", r["status"]))
    first = ordered[-1]
    return Response(
        first["record_id"],
        first["user_id"],
        first["status"],
        first["at"],
        {row["question"]: row["value"] for row in ordered if row["value"] is not None},
        {row["question"]: tuple(row["parts"]) for row in ordered if row["parts"]},
        tuple(first["finding_ids"] or ()),
    )


def settle(
    given: Iterable[Response], *, at_least: int = 1, conflicts: Conflicts = "majority"
) -> dict[str, Verdict]:
    """Return the verdict on each record that enough people have said something about.

    Args:
        given: the responses of all, one for each person and record.
        at_least: how many people must have submitted before anything counts.
        conflicts: what becomes of a record about which they do not agree.

    """
    about: dict[str, list[Response]] = defaultdict(list)
    for response in given:
        if response.counts:
            about[response.record_id].append(response)
    return {
        record: _settled(record, sorted(said, key=lambda r: (r.at, r.user)), conflicts)
        for record, said in sorted(about.items())
        if len(said) >= at_least
    }


def disagree(said: Iterable[Response]) -> bool:
    """Tell whether people who have submitted differ in the verdict."""
    return len({r.answers[VERDICT] for r in said if r.counts}) > 1


def _settled(record: str, said: Sequence[Response], conflicts: Conflicts) -> Verdict:
    words = Counter(response.answers[VERDICT] for response in said)
    word, n = words.most_common(1)[0]
    everyone = tuple(sorted(r.user for r in said))
    hidden, disputed = _marks(said)
    if len(words) > 1 and (conflicts == "review" or 2 * n <= len(said)):
        return Verdict(record, "review", everyone, "conflict", (), hidden, disputed)
    mine = [response for response in said if response.answers[VERDICT] == word]
    who = tuple(sorted(r.user for r in mine))
    if word != "fix":
        return Verdict(record, word, who, "", (), hidden, disputed)  # type: ignore[arg-type]
    corrections, agree = _corrections(mine, conflicts)
    if not agree:
        return Verdict(record, "review", who, "corrections differ", (), hidden, disputed)
    if not corrections and not hidden:
        return Verdict(record, "review", who, "nothing to fix", (), hidden, disputed)
    return Verdict(record, "fix", who, "", corrections, hidden, disputed)


def _corrections(
    said: Sequence[Response], conflicts: Conflicts
) -> tuple[tuple[Correction, ...], bool]:
    """Return the corrections that hold, and whether people agree on them; the last comes last."""
    found = []
    for question in (QUESTION, ANSWER, LABEL):
        given = [
            Correction(response.parts.get(question, ()), response.answers[question], question)
            for response in said
            if response.answers.get(question, "").strip()
            and (response.parts.get(question) or question == LABEL)
        ]
        times = Counter(given)
        if len(times) > 1 and conflicts == "review":
            return (), False
        if given:
            place = {correction: at for at, correction in enumerate(given)}
            found.append(max(given, key=lambda c: (times[c], place[c])))
    return tuple(found), True


def _marks(said: Sequence[Response]) -> tuple[tuple[Mark, ...], tuple[str, ...]]:
    """Return what anybody says is private, and the findings of which a majority says they are not.

    One person who sees a private detail is enough; to show one, most must agree.
    """
    hidden = sorted({mark for response in said for mark in response.marks("personal")})
    votes = Counter(
        finding
        for response in said
        for finding in {f for mark in response.marks("not_personal") for f in mark.findings}
    )
    seen = {finding for mark in hidden for finding in mark.findings}
    disputed = sorted(f for f, n in votes.items() if 2 * n > len(said) and f not in seen)
    return tuple(m for m in hidden if not m.findings), tuple(disputed)


def verdict_table(verdicts: Iterable[Verdict]) -> pa.Table:
    """Return verdicts as `policy.decide` takes them (schema `VERDICTS`)."""
    rows = [
        {
            "record_id": verdict.record_id,
            "said": "keep" if verdict.said == "fix" else verdict.said,
            "who": ", ".join(verdict.who),
            "disputed": list(verdict.disputed),
        }
        for verdict in verdicts
    ]
    return pa.Table.from_pylist(rows, schema=VERDICTS)
