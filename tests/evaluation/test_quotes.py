"""A quote is found in a text that has it in other words' clothes, and only there."""

import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluation.quotes import find

TEXT = """# Leave

Up to **five days** of [annual leave](https://example.org/leave) may be
carried — into the next year, says the “Staff Handbook”.

| Grade | Days |
| --- | --- |
| Junior | 25 |
"""


def words(quote: str, text: str = TEXT) -> list[str]:
    return [text[slice(*place)] for place in find(quote, text)]


@pytest.mark.parametrize(
    ("quote", "found"),
    [
        ("annual leave", "annual leave"),
        ("may be carried — into", "may be\ncarried — into"),
        ("MAY BE   carried - into", "may be\ncarried — into"),
        ('the "Staff Handbook"', "the “Staff Handbook”"),
        ("Up to five days of annual leave", "Up to **five days** of [annual leave"),
        (
            "five days of annual leave may be carried",
            "five days** of [annual leave](https://example.org/leave) may be\ncarried",
        ),
        ("Grade Days Junior 25 ", None),
        ("five weeks of annual leave may be carried", None),
        ("nnual leave", None),
        ("", None),
        ("   ", None),
        ("**", "**"),
    ],
)
def test_a_quote_as_a_reader_copies_it(quote: str, found: str | None) -> None:
    assert words(quote)[:1] == ([found] if found else [])


def test_short_quotes_are_never_found_by_their_letters_alone() -> None:
    assert words("15", "It costs 1.5 or 150.") == []
    assert words("C-3PO", "c3po and C‑3PO") == ["C‑3PO"]
    assert words("cat", "concatenate the cat") == ["cat"]


def test_a_table_row_is_found_without_its_bars() -> None:
    text = "| Category of leave | Days granted |\n| --- | --- |\n| Parental | 20 |"
    assert words("Category of leave Days granted Parental 20", text)


def test_every_place_counts_unless_it_is_known_where_the_quote_stood() -> None:
    text = "On call. " + "x " * 100 + "On call. " + "x " * 100 + "On call."
    assert len(find("On call.", text)) == 3
    assert find("On call.", text, position=1.0) == [(len(text) - 8, len(text))]
    assert find("On call.", text, position=0.0) == [(0, 8)]


def test_scripts_without_spaces_are_quoted_from_within() -> None:
    assert words("年休假", "员工每年享有年休假二十天。") == ["年休假"]
    assert words("إجازة سنوية", "يحق لكل موظف إجازة سنوية مدفوعة") == ["إجازة سنوية"]


def test_letters_that_change_their_length_in_lower_case_move_nothing() -> None:
    text = "İİİİ — the straße is CLOSED today"
    assert words("is closed TODAY", text) == ["is CLOSED today"]


@given(st.text(max_size=300), st.integers(0, 300), st.integers(1, 80))
def test_whatever_is_cut_out_at_word_ends_is_found_at_its_place(
    text: str, at: int, length: int
) -> None:
    text = unicodedata.normalize("NFC", text)
    quote = text[at : at + length]
    for start, end in find(quote, text):
        assert 0 <= start < end <= len(text)
    if quote.strip() == quote and unicodedata.normalize("NFC", quote) == quote and quote:
        edges = (at == 0 or not text[at - 1].isalnum()) and (
            at + length >= len(text) or not text[at + length].isalnum()
        )
        if edges:
            assert find(quote, text)


@pytest.mark.parametrize(
    ("quote", "text"),
    [
        ("a" * 3000 + "b", "a" * 1_000_000),
        ("a " * 1900 + "b", "a " * 500_000),
        ("abcdefghijklmnopqrstuvwxyz", "a" + "](-" * 300_000),
    ],
)
def test_a_hostile_text_costs_a_second_and_not_an_hour(quote: str, text: str) -> None:
    began = time.monotonic()
    assert find(quote, text) == []
    assert time.monotonic() - began < 5
