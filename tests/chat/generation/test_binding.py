"""A footnote quotes a stretch of its passage that can be cut out of the version's text."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.generation.binding import bind, bind_closely
from tests.chat.generation.test_quoting import passage

TEXT = """Leave may be taken in blocks. Weeks 1 to 18 are paid in full. Weeks 19 to 39 are paid at
the statutory rate. The office decides.

| Grade | Pay |
|---|---|
| 5 | 3,100 euros |
| 6 | 3,400 euros |

Bring:

- a passport
- a photograph of 4 by 6 cm
"""
WORDS = st.lists(
    st.sampled_from(
        ["weeks ", "18 ", "[1]", "paid. ", "\n\n", "- ", "| a ", "# ", "not ", "🦊", "é"]
    ),
    max_size=30,
).map("".join)


@given(WORDS, st.one_of(WORDS, st.text(max_size=60)), st.integers(0, 5000))
def test_offsets_cut_exactly_what_is_quoted_out_of_the_version(
    text: str, claim: str, start: int
) -> None:
    version = "x" * start + text + "and more"
    found = replace(passage(text), start=start, end=start + len(text))
    for begin, end in (bind(claim, found), bind_closely(claim, found)):
        assert found.start <= begin <= end <= found.end
        assert version[begin:end] == found.text[begin - start : end - start]


@pytest.mark.parametrize(
    ("claim", "quote"),
    [
        (
            "From week 19 to week 39 the statutory rate is paid [1].",
            "Weeks 19 to 39 are paid at",
        ),
        ("Pay in the first 18 weeks is full [1].", "Weeks 1 to 18 are paid in full."),
        ("Grade 6 earns 3400 euros [1].", "| 6 | 3,400 euros |"),
        ("You need a photograph of 4 by 6 cm [1].", "a photograph of 4 by 6 cm"),
    ],
)
def test_the_sentence_row_or_item_that_carries_the_claim_is_quoted(claim: str, quote: str) -> None:
    found = passage(TEXT)
    start, end = bind_closely(claim, found)
    assert found.text[start - found.start : end - found.start].startswith(quote)


def test_what_shares_hardly_a_word_is_bound_to_the_whole_passage() -> None:
    found = passage("Weeks are paid.")
    assert bind_closely("Bananas ripen in warm rooms.", found) == (found.start, found.end)
