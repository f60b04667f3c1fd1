"""Text and question become the same terms."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from knowledge.retrieval.words import (
    MAX_PIECES,
    MAX_TERMS,
    Term,
    View,
    character_pairs,
    field_texts,
    folded,
    identifiers,
    is_english,
    is_foreign,
    pieces,
    question_terms,
    search_terms,
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


def found_pieces(question):
    return {term.text for term in search_terms(question) if term.view is View.PIECE}


@pytest.mark.parametrize(
    ("text", "english", "foreign"),
    [
        ("How many days of leave do I get?", True, False),
        ("The index is built again when documents change.", True, False),
        ("Wie viele Urlaubstage habe ich im Jahr?", False, True),
        ("Die Frist für den Antrag beträgt zwei Wochen.", False, True),
        ("¿Cuántos días de vacaciones tengo?", False, True),
        ("Combien de jours de congé ai-je par an ?", False, True),
        ("كم عدد أيام الإجازة السنوية؟", False, True),
        ("Сколько дней отпуска в году?", False, True),
        ("int main(void) { return 0; }", False, False),
        ("C4996", False, False),
        ("", False, False),
    ],
)
def test_the_language_shows_in_small_words(text, english, foreign):
    assert is_english(text) is english
    assert is_foreign(text) is foreign


def test_english_has_no_pieces_and_other_languages_share_theirs_across_endings():
    assert list(pieces("How many days of leave are there for the staff?")) == []
    assert found_pieces("How many days of leave?") == set()
    text = set(pieces("Die Krankenversicherung der Mitarbeiter wird nicht gekürzt."))
    assert found_pieces("Wer ist krankenversichert?") & text
    arabic = set(pieces("الإجازات السنوية للموظفين"))
    assert found_pieces("ما هي مدة الإجازة؟") & arabic


def test_a_foreign_question_leaves_its_own_small_words_out():
    assert words("Wie viele Tage habe ich im Jahr?") == ["tage", "habe", "jahr"]


def test_arabic_is_read_with_and_without_vowel_signs():
    assert folded("إِجَازَةٌ") == folded("اجازه")
    assert words("الإجازَة") == words("الاجازه")
    assert folded("plain café") == "plain café"


def test_marks_of_a_script_do_not_break_its_words():
    assert len(words("हिन्दी की किताब")) == 3


def test_single_characters_stand_beside_pairs():
    assert list(pieces("年假")) == ["年假", "年", "假"]
    assert found_pieces("年假") == {"年", "假"}


def test_a_compound_of_two_words_is_less_than_an_identifier():
    terms = question_terms("two-dimensional no-unused-vars C4996")
    assert Term("two-dimensional", View.COMPOUND) in terms
    assert Term("no-unused-vars", View.EXACT) in terms
    assert Term("c4996", View.EXACT) in terms


def test_the_body_of_a_chunk_repeats_its_title_and_heading():
    fields = field_texts("Leave", "Annual › Carry over", "Five days.")
    assert fields["body"].split() == ["Leave", "Annual", "›", "Carry", "over", "Five", "days."]
    assert fields["title"] == "Leave"


def test_a_long_foreign_question_has_few_pieces():
    assert len(found_pieces("Donaudampfschifffahrtsgesellschaft " * 500)) <= MAX_PIECES
    assert len(search_terms("öäü".join(str(n) for n in range(5000)))) <= MAX_TERMS + MAX_PIECES


def test_a_question_of_a_thousand_words_has_few_terms():
    assert len(question_terms(" ".join(f"word{number}" for number in range(1000)))) == MAX_TERMS


@pytest.mark.parametrize("unit", ["a", "_", "-", "a-", "中", "1", ".", "a.", "@", "@.", "#", "+a-"])
def test_a_megabyte_of_one_pattern_is_read_within_seconds(unit):
    text = (unit * 1_000_000)[:1_000_000]
    started = time.process_time()
    list(identifiers(text))
    list(pieces(text))
    search_terms(text)
    assert time.process_time() - started < 3


def test_many_threads_may_ask_at_once():
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(words, ["adding documents"] * 2000))
    assert set(map(tuple, found)) == {("add", "document")}
