"""Text and question become the same terms."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from knowledge.retrieval.words import (
    MAX_TERMS,
    Term,
    View,
    character_pairs,
    identifiers,
    question_terms,
)


def words(question):
    return [term.text for term in question_terms(question) if term.view is View.WORD]


def test_small_words_are_left_out_unless_there_are_no_others():
    assert words("How do I add documents to the café?") == ["add", "document", "cafe"]
    assert words("what is it") == ["what", "is", "it"]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Warning C4996 appears", ["c4996"]),
        ("the rule no-unused-vars, please", ["no-unused-vars"]),
        ("set ERR_FOO or settings.DEBUG.", ["err_foo", "settings.debug"]),
        ("useState in node.js and C++", ["usestate", "node.js", "c++"]),
        ("it costs 3.14 at 12:30", []),
        ("Plain words only.", []),
    ],
)
def test_identifiers_are_kept_whole(text, found):
    assert list(identifiers(text)) == found


def test_scripts_without_spaces_become_pairs():
    assert list(character_pairs("我们的 a 茶")) == ["我们", "们的", "茶"]
    assert Term("们的", View.PAIR) in question_terms("我们的?")


def test_a_question_of_a_thousand_words_has_few_terms():
    assert len(question_terms(" ".join(f"word{number}" for number in range(1000)))) == MAX_TERMS


@pytest.mark.parametrize("unit", ["a", "_", "-", "a-", "中", "1", ".", "a.", "@", "@.", "#", "+a-"])
def test_a_megabyte_of_one_pattern_is_read_within_seconds(unit):
    text = (unit * 1_000_000)[:1_000_000]
    started = time.process_time()
    list(identifiers(text))
    list(character_pairs(text))
    assert time.process_time() - started < 3


def test_many_threads_may_ask_at_once():
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(words, ["adding documents"] * 2000))
    assert set(map(tuple, found)) == {("add", "document")}
