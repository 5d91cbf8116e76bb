"""Names in long texts: read in windows, none of it passed over, and in bounded memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

from curator.models import ner
from curator.models.ner import ChineseNames, EnglishNames

if TYPE_CHECKING:
    import pytest

ENGLISH = "The parcel was sent on Friday. "
CHINESE = "快递昨天已经寄出，请注意查收。"


def test_the_windows_of_a_text_make_it_up_and_end_behind_a_sentence(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ner, "_WINDOW", 100)
    for text in (ENGLISH * 20, CHINESE * 20, "x" * 450, "", "一句\n" * 60, "a b " * 70):
        windows = list(ner._windows(text))
        assert "".join(text[a:b] for a, b in windows) == text
        assert all(b - a <= 100 for a, b in windows)
        assert all(not text[b - 1].isalnum() for _, b in windows[:-1]) or "x" in text


def test_a_name_at_the_end_of_a_long_text_is_found() -> None:
    text = f"{ENGLISH * 4000}Please ask Margaret Thompson about it."
    spans = EnglishNames().find([text])[0]
    assert "Margaret Thompson" in {text[s.start : s.end] for s in spans}
    text = f"{CHINESE * 4000}负责人王建国会回电。"
    spans = ChineseNames().find(["你好", text])[1]
    assert "王建国" in {text[s.start : s.end] for s in spans}
    assert spans == sorted(spans, key=lambda s: s.start)
