"""One question becomes many wordings, whatever is typed."""

import time

import numpy as np
import pytest

from knowledge.retrieval.expansion import MOST, Lists, combined, variations
from tests.fakes import BagOfWordsEmbedder

EIGHT_WORDS = [
    "How do I reset my work laptop's password?",
    "Where do I have to go to vote?",
    "How do I get to it from there?",
    "annual leave carry over rules next calendar year",
    "I am presenting symptoms, should I stay home?",
]


def same(text):
    return " ".join(text.lower().split()).strip(" ?")


@pytest.mark.parametrize("question", EIGHT_WORDS)
def test_an_eight_word_question_has_thirty_distinct_wordings(question):
    found = variations(question)
    assert len(question.split()) == 8
    assert 30 <= len({same(text) for text in found}) == len(found) <= MOST
    assert same(question) not in {same(text) for text in found}


def test_there_are_keywords_phrases_questions_and_requests():
    found = variations("How do I reset the password of my laptop?")
    assert {"reset password laptop", "reset password", "password"} <= set(found)
    assert "how to reset password laptop" in found
    for request in ("help with", "fix", "resolve", "troubleshoot", "guide for"):
        assert any(text.startswith(request) for text in found)


def test_lists_of_staff_add_names_fields_and_requests():
    lists = Lists(
        synonyms={"annual leave": ("vacation", "holiday")},
        domain={"leave": ("human resources",), "vpn": ("network",)},
        actions=("apply for",),
    )
    found = variations("How much Annual Leave do I get?", lists)
    assert "How much vacation do I get?" in found
    assert "Annual Leave human resources" in found
    assert any(text.startswith("apply for") for text in found)
    assert not any("network" in text or text.startswith("fix") for text in found)


def test_a_listed_term_is_a_word_and_not_a_pattern():
    lists = Lists(synonyms={"c++": ("cpp",), ".*": ("everything",), "leave": (r"\1 time off",)})
    found = variations("Does C++ code leave traces in cleaveland?", lists)
    assert any("cpp code" in text for text in found)
    assert any(r"\1 time off traces in cleaveland" in text for text in found)
    assert not any("everything" in text for text in found)


@pytest.mark.parametrize("question", ["", "   ", "???", "\x00\x01", "🙂", "。"])
def test_nothing_is_made_of_nothing(question):
    assert variations(question) == []


@pytest.mark.parametrize(
    "question", ["x-" * 500_000, "a" * 1_000_000, "中" * 1_000_000, "word " * 200_000, "' " * 9999]
)
def test_a_megabyte_makes_few_short_wordings_at_once(question):
    started = time.process_time()
    found = variations(question, Lists(synonyms={"word": ("b" * 100,)}))
    assert time.process_time() - started < 1
    assert len(found) <= MOST
    assert all(len(text) < 600 for text in found)


def test_other_languages_get_no_english_forms():
    assert "我们的年假" in "".join(variations("我们的年假有多少天"))
    german = variations("Wie viele Urlaubstage habe ich im Jahr?")
    assert "viele Urlaubstage" in german
    assert not any(text.startswith(("how to", "fix", "what is")) for text in german)


def test_the_cap_is_kept_and_every_kind_has_a_place():
    found = variations("How do I reset the password of my laptop?", most=6)
    assert len(found) == 6
    assert any(text.startswith("help with") for text in found)
    assert any(text.startswith("what is") for text in found)


def test_vectors_become_one_that_is_near_all():
    embedder = BagOfWordsEmbedder()
    vectors = embedder.embed_passages(["vacation days", "annual leave", "annual leave days"])
    one = combined(vectors)
    assert one @ vectors[0] > 0.7
    assert one @ vectors[1] > 0.1
    assert np.linalg.norm(one) == pytest.approx(1, abs=1e-5)
    assert combined(vectors[:1]) is not None
    assert np.array_equal(combined(vectors[:1]), vectors[0])
    opposite = np.stack([vectors[0], -vectors[0]])
    assert np.array_equal(combined(opposite), vectors[0])
