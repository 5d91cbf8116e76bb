"""Evidence in plain words: both languages, the most telling first, nothing that is not so."""

from __future__ import annotations

from curator.evidence import told


def test_figures_become_sentences_in_both_languages() -> None:
    evidence = {"cosine": 0.64, "answer_rank": 0.0526, "p_match": 0.168}
    phrases = told("LBL001", evidence)
    assert [t.en for t in phrases] == [
        "a model that has not seen the pair gives 17% that they belong together",
        "5.3% of the other answers fit this question better",
        "similarity of meaning 0.64 (of 1)",
    ]
    assert [t.zh for t in phrases] == [
        "未见过这一对的模型认为两者相配的概率为 17%",
        "其他答案中有 5.3% 更合这个问题",
        "意思相近程度 0.64（最高 1）",
    ]


def test_what_is_not_so_is_not_told_and_none_of_a_count_is() -> None:
    assert told("DUP002", {"numbers_differ": False, "question_differs": True}) == [
        ("问题不同", "the questions differ")
    ]
    assert told("LBL005", {"left": 0}) == [
        ("除去客套只剩 0 个字词", "beside courtesy it says 0 words")
    ]


def test_one_name_may_mean_another_thing_under_another_code() -> None:
    assert told("LBL002", {"question": "near"}) == [("问题相近", "the questions are nearly equal")]
    assert told("LNG001", {"question": "zh", "answer": "en"}) == [
        ("问题：中文", "question: Chinese"),
        ("回答：英文", "answer: English"),
    ]


def test_what_may_have_superseded_the_other_answer_is_told() -> None:
    evidence = {"question": "reworded", "newer": "peer", "newer_by": "guideline"}
    assert told("LBL002", evidence) == [
        ("另一条较新，可能取代旧的", "the other answer is newer, and may supersede the older one"),
        ("新旧依据：指南年份", "newer by the year of its guideline"),
        ("问题同义，说法不同", "the questions are the same in other words"),
    ]


def test_words_of_a_list_are_told_in_the_language_of_the_sentence() -> None:
    assert told("LBL002", {"kinds": ["number", "negation"]}) == [
        ("不同之处：数字、否定", "what differs: a number, a negation")
    ]


def test_a_name_without_a_phrase_is_told_as_it_is() -> None:
    assert told("OWN001", {"shouting": 3, "signs": [1.0, None, True]}) == [
        ("1、—、是 处迹象", "1, —, yes signs"),
        ("shouting：3", "shouting: 3"),
    ]
