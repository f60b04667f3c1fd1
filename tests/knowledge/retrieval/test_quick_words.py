"""The quick ways to take a text apart find what the plain ways find."""

import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from knowledge.retrieval.words import analyser, folded, identifiers

RUN = re.compile(r"[\w.:/@#+-]+")
SIGN = re.compile(r"[\d_.:/@#+-]|[a-z][A-Z]")
NUMBER = re.compile(r"[\d.,:/-]+$")


def plainly(text):
    """Every run of signs is looked at."""
    for run in RUN.findall(text):
        part = run.rstrip("./:@-").lstrip("./:@-#+")
        if 1 < len(part) <= 64 and not NUMBER.fullmatch(part) and SIGN.search(part):
            yield part.lower()


TEXTS = st.text(st.sampled_from("aZbé中ب09.:/@#+-_,;() \n\u0301\u00a0x"), max_size=60)


@settings(max_examples=400, deadline=None)
@given(TEXTS)
@example("no-unused-vars, settings.DEBUG; C4996. FooBar foo. Bar: (baz) éa-b caféX1 x")
@example("word.word word.-word Word.A a.b. -a a- aB AB Ab, aé.b")
def test_names_are_those_that_a_look_at_every_word_finds(text):
    assert list(identifiers(text)) == list(plainly(text))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("cafe\u0301s", ["cafe"]),  # an accent of its own
        ("क्षत्रिय", ["कषतरिय"]),  # a virama joins letters
        ("שָׁלוֹם", ["שלום"]),  # vowel points
        ("foo_bar-baz 42", ["foo", "bar", "baz", "42"]),
        ("naïve façade", ["naiv", "facad"]),
        ("سَلام", ["سلام"]),
    ],
)
def test_marks_do_not_cut_words(text, words):
    assert analyser().analyze(folded(text)) == words


def test_a_long_line_of_one_sign_is_read_in_no_time():
    for sign in "a-._A1é中":
        assert sum(1 for _ in identifiers(sign * 1_000_000)) <= 1
