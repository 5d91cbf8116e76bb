from __future__ import annotations

import socket

import pytest

from curator.checks.language import Language
from curator.errors import ModelError
from curator.models.language_id import load_language_id
from curator.tables import records_table
from curator.types import Finding, Part, Provenance, Record


def found(*turns: tuple[str, str], languages: tuple[str, ...] = ("zh", "en")) -> list[Finding]:
    parts = tuple(Part(role, text) for role, text in turns)
    one = Record("r1", "conversation", parts, "und", Provenance("u", "s", "line 1"))
    return list(Language(language_id="lid176", languages=languages)(records_table([one])))


ZH = "多喝水，体温超过三十八度五可以用退热药，精神差要去医院。"
EN = "Please drink plenty of water and see a doctor if the fever does not go down."
ES = "Por favor beba mucha agua y consulte a un médico si la fiebre no baja en tres días."


@pytest.mark.parametrize(("question", "answer"), [(ZH, EN), (EN, ZH)])
def test_an_answer_in_another_language_is_surely_found(question: str, answer: str) -> None:
    [finding] = found(("user", question), ("assistant", answer))
    assert finding.code == "LNG001"
    assert finding.score >= 0.8
    assert {finding.evidence["question"], finding.evidence["answer"]} == {"zh", "en"}


@pytest.mark.parametrize(
    "asked",
    ["请翻译：" + ZH, "请用英文回答我：" + ZH, "Translate this into Chinese, please: " + EN],
)
def test_a_translation_is_meant(asked: str) -> None:
    answer = ZH if asked.startswith("Translate") else EN
    assert found(("user", asked), ("assistant", answer)) == []


def test_the_projects_languages_decide_what_is_wanted() -> None:
    spanish = [("user", ES), ("assistant", ES)]
    assert {f.code for f in found(*spanish)} == {"LNG002"}
    assert found(*spanish, languages=("es",)) == []
    assert {f.code for f in found(("user", ZH), ("assistant", ZH), languages=("en",))} == {"LNG002"}
    assert found(("user", ZH), ("assistant", ZH), languages=("zh-Hant",)) == []


def test_terms_placeholders_links_and_code_have_no_language() -> None:
    answers = [
        "Amoxicillin 500mg",
        "[PERSON_1] [PHONE_2] [EMAIL_1] [ADDRESS_4] [PERSON_2] [PERSON_3] [PERSON_4]",
        "https://example.com/these/are/many/words/in/a/link/but/no/text/at/all",
        "```\nif this then that else another thing entirely and so on\n```",
        "12345 67890 !!!",
    ]
    for answer in answers:
        assert found(("user", ZH), ("assistant", answer)) == []


def test_a_longer_text_is_surer_than_a_short_one() -> None:
    short = found(("user", "Por favor beba mucha agua hoy"), ("assistant", EN))
    long = found(("user", ES * 3), ("assistant", EN))
    best = [max(f.score for f in group if f.code == "LNG002") for group in (short, long)]
    assert best[0] < best[1]


def test_nothing_is_downloaded(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("the network was used")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    identify = load_language_id("lid176")
    assert identify(ES)[0] == "es"


def test_an_unknown_model_is_told_with_the_known_ones() -> None:
    with pytest.raises(ModelError) as error:
        load_language_id("no-such-model")
    assert "lid176" in error.value.hint
