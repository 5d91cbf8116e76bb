"""Pseudonyms in place of placeholders, as the recipe links them.

Checks see placeholders that are numbered within a record. An export may show the
same person by the same surrogate all over the project instead: the placeholders of
a record's findings are exchanged for surrogates, and the vault keeps what they hide.
"""

from __future__ import annotations

import hashlib
import hmac
from collections import defaultdict
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from curator.edits import resolve
from curator.originals import Mention
from curator.pseudonyms import NUMBERED, parsed
from curator.redact import edits_of
from curator.surrogates import Surrogates

if TYPE_CHECKING:
    import re
    from collections.abc import Iterable, Mapping, Sequence

    from curator.schema import Pseudonyms
    from curator.surrogates import Style
    from curator.types import Edit, Record
    from curator.vault import Keys


class Pseudonymiser:
    """Exchanges the placeholders of records for surrogates."""

    def __init__(self, settings: Pseudonyms, keys: Keys) -> None:
        """Take how details are linked, in which style, and the keys."""
        self._settings, self._keys = settings, keys
        self._style: Style = "realistic" if settings.style == "realistic" else "coded"
        self._project = Surrogates(keys.hashing, self._style)

    def edits(self, record: Record, findings: Iterable[Mapping[str, Any]]) -> list[Edit]:
        """Return a record's edits, in which surrogates take the place of placeholders.

        Args:
            record: as it was read.
            findings: rows of the raw-view checks about it, with `part`, `start`, `end`,
                `code` and `replacement`.

        """
        plain = edits_of(findings).get(record.id, [])
        people = _originals(record, plain)
        surrogates = self._surrogates(record)

        def surrogate(edit: Edit, match: re.Match[str]) -> str:
            placeholder = parsed(match)
            held = people.get((placeholder.entity, placeholder.number))
            value = held or f"{_covered(record, edit)}\x1f{match.start()}"
            if self._settings.link == "none":
                value = f"{value}\x1f{edit.span.part}\x1f{edit.span.start}\x1f{match.start()}"
            return surrogates.of(placeholder.entity, value, placeholder.lang)

        return [
            replace(e, replacement=NUMBERED.sub(partial(surrogate, e), e.replacement))
            for e in plain
        ]

    def _surrogates(self, record: Record) -> Surrogates:
        if self._settings.link == "project":
            return self._project
        key = hmac.digest(self._keys.hashing, record.id.encode(), hashlib.sha256)
        return Surrogates(key, self._style)


def mentions(record: Record, edits: Sequence[Edit]) -> list[Mention]:
    """Return where the private details lie once a record's edits are made, and what they hide."""
    found = []
    shift: dict[int, int] = defaultdict(int)
    for edit in resolve(edits):
        span = edit.span
        if edit.rank > 0:
            start = span.start + shift[span.part]
            found.append(Mention(span.part, start, edit.replacement, _covered(record, edit)))
        shift[span.part] += len(edit.replacement) - (span.end - span.start)
    return found


def _originals(record: Record, edits: Sequence[Edit]) -> dict[tuple[str, int], str]:
    """Return the fullest spelling of what each placeholder of the record stands for."""
    found: dict[tuple[str, int], str] = {}
    for edit in edits:
        match = NUMBERED.fullmatch(edit.replacement) if edit.rank > 0 else None
        if match:
            placeholder = parsed(match)
            key, text = (placeholder.entity, placeholder.number), _covered(record, edit)
            if len(text) > len(found.get(key, "")):
                found[key] = text
    return found


def _covered(record: Record, edit: Edit) -> str:
    return record.parts[edit.span.part].text[edit.span.start : edit.span.end]
