"""A message that asks several things is cut where each piece is a question of its own."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.generation.understanding.language import language_of
from chat.generation.understanding.merging import Part, of_parts, of_wordings
from chat.generation.understanding.parted import Rule, quote_parts
from chat.generation.understanding.parts import MOST, parts_of
from knowledge.passages import Passage, SearchResult
from tests.chat.generation.test_quoting import passage


@pytest.mark.parametrize(
    ("question", "parts"),
    [
        (
            "How long is parental leave and who pays for it?",
            ("How long is parental leave?", "who pays for it?"),
        ),
        (
            "How long is it, and can I take it in two blocks? Who approves travel?",
            ("How long is it?", "can I take it in two blocks?", "Who approves travel?"),
        ),
        (
            "Wie viele Wochen Elternzeit gibt es und wer bezahlt sie?",
            ("Wie viele Wochen Elternzeit gibt es?", "wer bezahlt sie?"),
        ),
        ("育儿假有多少周？谁来付钱？", ("育儿假有多少周？", "谁来付钱？")),
    ],
)
def test_questions_that_are_joined_are_cut(question: str, parts: tuple[str, ...]) -> None:
    assert parts_of(question) == parts


@pytest.mark.parametrize(
    "question",
    [
        "What is the rule on pay and leave?",
        "Who wrote and directed Alien?",
        "When and where was he born?",
        "Explain how and why leave is granted",
        "I am a contractor. Do I get leave?",
        "What did Mr. Steymann say at St. John's?",
        "How much is it? Thanks!",
        "What is the difference between sick leave and annual leave?",
        "? ? ? ?",
        "",
        "why? " * 2000,
    ],
)
def test_one_question_stays_one(question: str) -> None:
    assert parts_of(question) == (question,)


@given(st.text(max_size=300))
def test_no_text_is_cut_into_nothing_or_too_much(text: str) -> None:
    assert 1 <= len(parts_of(text)) <= MOST


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("How many days of leave do I have?", "en"),
        ("Wie viele Urlaubstage habe ich?", "de"),
        ("¿Cuántos días de vacaciones tengo?", "es"),
        ("Combien de jours de congé ai-je ?", "fr"),
        ("我有多少天假期？", "zh"),
        ("كم عدد أيام الإجازة؟", "ar"),
        ("休暇は何日ありますか", "ja"),
        ("VPN?", ""),
        ("", ""),
        ("123 !?", ""),
    ],
)
def test_a_language_is_told_by_script_and_small_words(text: str, language: str) -> None:
    assert language_of(text) == language


def result(*passages: Passage, answerable: float = 0.9) -> SearchResult:
    return SearchResult(passages, answerable, 1.0, 5, 1)


def test_no_part_crowds_another_out() -> None:
    first = [passage(f"Leave {n}.", document_id=n) for n in range(8)]
    second = [passage(f"Pay {n}.", document_id=n + 50) for n in range(8)]
    parts = [Part("A?", "A?", result(*first)), Part("B?", "B?", result(*second))]
    whole = Part("A? B?", "A? B?", result(passage("Both.", document_id=99), *first))
    merged = of_parts(whole, parts, 5)
    assert [p.chunk_id for p in merged.passages] == ["99", "0", "50", "1", "51"]


def test_the_plain_wording_wins_where_it_is_as_likely_to_be_answered() -> None:
    plain, rewritten = result(answerable=0.8), result(answerable=0.8)
    assert of_wordings(plain, rewritten, 8) is plain


def test_a_part_that_nothing_answers_says_so_under_its_question() -> None:
    found = result(passage("Parental leave is fifty-two weeks long."))
    nothing = result(passage("Something else entirely is here."), answerable=0.1)
    parts = [
        Part("How long is leave?", "How long is parental leave?", found),
        Part("What [1] is the *moon*?", "What is the moon?", nothing),
        Part("How long again?", "How long is parental leave?", found),
    ]
    pieces, sentences = quote_parts(parts, None, Rule(0.5, "Not in my documents."))
    text = "".join(piece.text for piece in pieces if hasattr(piece, "text"))
    assert text.count("Not in my documents.") == 1
    assert "**What 1 is the moon?**" in text
    assert [sentence.numbers for sentence in sentences] == [(1,), (2,)]
    for sentence in sentences:
        said = text[sentence.start : sentence.end]
        assert said.startswith("Parental leave is fifty-two weeks long.")
        assert said.endswith(f"[{sentence.numbers[0]}]")


def test_nothing_is_said_where_no_part_is_answered() -> None:
    nothing = result(passage("Something else."), answerable=0.1)
    pieces = quote_parts([Part("A?", "A?", nothing)] * 2, None, Rule(0.5, "No."))
    assert pieces == ([], [])
