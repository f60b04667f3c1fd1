"""What a model sends is made fit for rows and wires, wherever its tokens end."""

from hypothesis import given
from hypothesis import strategies as st

from chat.generation.links import unlinked
from chat.generation.tokens import Cleaner


def clean(*tokens: str) -> str:
    cleaner = Cleaner()
    return "".join(cleaner.feed(token) for token in tokens)


def test_what_no_database_takes_is_left_out() -> None:
    assert clean("a\x00b\x1b\x7f\x85c\r\n\td \ud83e e", "\udd8a", "\ufeffz") == "abc\n\td  e\ufeffz"


def test_halves_of_a_pair_are_joined_over_tokens() -> None:
    assert clean("fox \ud83e", "\udd8a.", "\ud83e", "x") == "fox 🦊.x"


@given(st.text(st.characters(exclude_categories=("Cc", "Cs"))), st.integers(0, 50))
def test_good_text_is_left_as_it_is(text: str, cut: int) -> None:
    assert clean(text[:cut], text[cut:]) == text


@given(st.lists(st.text(st.characters())))
def test_what_comes_out_can_be_stored(tokens: list[str]) -> None:
    said = clean(*tokens)
    assert "\x00" not in said
    said.encode()


def test_links_of_a_quote_are_their_words_and_their_address_as_code() -> None:
    assert unlinked("See [installing](installing.md) first.") == "See installing first."
    assert unlinked('![a plan](img/plan.png "Plan") and [here](#part)') == "a plan and here"
    assert unlinked("[site](https://example.org/a)") == "site `https://example.org/a`"
    assert unlinked("[mail](mailto:a@example.org)") == "mail (a@example.org)"
    assert unlinked("![x](https://example.org/a.png)") == "x"
    assert unlinked("\\[a](b.md)") == "\\[a]\\(b.md)"
    for kept in (
        "`[a](b.md)` and ``x ` [a](b.md)``",
        "a[1] (b)",
    ):
        assert unlinked(kept) == kept
