"""A quoted passage is found again in a later text, and what differs is told word by word."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.differences import Place, difference, find_again

OLD = "Weeks 1 to 18 are paid in full. Weeks 19 to 39 are paid at the statutory rate."
NEW = """# Leave

Every employee may take leave. It is long.

Weeks 1 to 20 are paid in full. Weeks 21 to 39 are paid at the statutory rate. Ask the office.

| Kind | Days |
|---|---|
| Wedding | 2 |
"""


def test_a_passage_that_was_changed_is_found_with_its_sentences() -> None:
    place = find_again(OLD, NEW)
    assert place.state == "changed"
    assert NEW[place.start : place.end].startswith("Weeks 1 to 20")
    assert NEW[place.start : place.end].endswith("statutory rate.")


def test_a_passage_that_stands_there_is_the_same_whatever_blanks_and_capitals() -> None:
    place = find_again("ask  the\nOffice", NEW)
    assert place.state == "same"
    assert NEW[place.start : place.end] == "Ask the office"


@pytest.mark.parametrize("quote", ["Bananas ripen in warm rooms.", "…", ""])
def test_what_is_nowhere_is_gone(quote: str) -> None:
    assert find_again(quote, NEW) == Place("gone")
    assert find_again("words", "") == Place("gone")


def test_the_difference_has_the_old_and_the_new_words() -> None:
    place = find_again(OLD, NEW)
    pieces = difference(OLD, NEW[place.start : place.end])
    assert [(p.kind, p.text) for p in pieces if p.kind != "same"] == [
        ("del", "18"), ("ins", "20"), ("del", "19"), ("ins", "21"),
    ]  # fmt: skip


@given(st.text(max_size=80), st.text(max_size=80))
def test_both_texts_can_be_read_out_of_their_difference(old: str, new: str) -> None:
    pieces = difference(old, new)
    assert "".join(p.text for p in pieces if p.kind != "ins") == old
    assert "".join(p.text for p in pieces if p.kind != "del") == new


@given(st.text(max_size=60), st.text(max_size=200))
def test_a_place_lies_in_the_text(quote: str, text: str) -> None:
    place = find_again(quote, text)
    assert 0 <= place.start <= place.end <= len(text)
    assert (place.state == "gone") == (place.start == place.end)


def test_a_book_of_one_word_takes_no_time() -> None:
    began = time.process_time()
    find_again("word word other " * 200, "word " * 200_000)
    assert time.process_time() - began < 3
