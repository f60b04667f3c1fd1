"""Where sentences end, in prose, lists, tables, code and other scripts."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.ingestion.splitter import sentence_spans


def sentences(text):
    return [text[start:end] for start, end in sentence_spans(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("One here. Two here! Three?", ["One here.", "Two here!", "Three?"]),
        ("It costs 3.50 today. Pay.", ["It costs 3.50 today.", "Pay."]),
        ("See e.g. Table 2 or Fig. 3 there.", ["See e.g. Table 2 or Fig. 3 there."]),
        ("Dr. Smith met J. R. Jones. They left.", ["Dr. Smith met J. R. Jones.", "They left."]),
        (
            "Bring pens, paper, etc. The rest is here.",
            ["Bring pens, paper, etc.", "The rest is here."],
        ),
        ("Pens, etc. are here.", ["Pens, etc. are here."]),
        ("The U.S. CTO's office said so.", ["The U.S. CTO's office said so."]),
        ('He said "Stop." Then he left.', ['He said "Stop."', "Then he left."]),
        ("Is it so (yes?) or not? Yes.", ["Is it so (yes?) or not?", "Yes."]),
        ("Wait... What?", ["Wait...", "What?"]),
        ("Yahoo! is a name.", ["Yahoo! is a name."]),
        ("It broke\nover a line. Next.", ["It broke\nover a line.", "Next."]),
        ("1. First thing. More.\n2. Second.", ["1. First thing.", "More.", "2. Second."]),
        ("- one\n- two. Three.\n  still", ["- one", "- two.", "Three.\n  still"]),
        ("# Title\nText. Text.", ["# Title", "Text.", "Text."]),
        ("Title\n=====\nText.", ["Title\n=====", "Text."]),
        ("| a | b. C |\n|---|---|\n| 1 | 2 |", ["| a | b. C |", "|---|---|", "| 1 | 2 |"]),
        ("```\nx = 1. Y\n\nz\n```", ["```", "x = 1. Y", "z", "```"]),
        ("我喜欢茶。你呢？好！", ["我喜欢茶。", "你呢？", "好！"]),
        ("ما هذا؟ هذا كتاب. نعم.", ["ما هذا؟", "هذا كتاب.", "نعم."]),
        ("यह घर है। वह पेड़ है।", ["यह घर है।", "वह पेड़ है।"]),
        ("para one\n\npara two", ["para one", "para two"]),
        ("", []),
        (" \n ", []),
    ],
)
def test_sentences_end_where_a_reader_says(text, expected):
    assert sentences(text) == expected


PIECES = st.sampled_from(
    ["Word", " ", ". ", "! ", "\n", "\n\n", "# ", "- ", "| a |", "|---|", "```\n", "。", "؟ ",
     "e.g. ", "3.5", "1. ", "\t", "😀", "é", "\u00a0", "==="]
)  # fmt: skip


@given(st.one_of(st.lists(PIECES, max_size=40).map("".join), st.text(max_size=200)))
def test_spans_are_in_order_and_cover_all_that_is_not_blank(text):
    spans = sentence_spans(text)
    at = 0
    for start, end in spans:
        assert start >= at
        assert not text[at:start].strip()
        piece = text[start:end]
        assert piece
        assert piece == piece.strip()
        at = end
    assert not text[at:].strip()


@pytest.mark.parametrize("unit", ["a", ".", ". ", '."', "A. ", "\n", "|", "`", "#", "。", "- "])
def test_a_megabyte_of_one_pattern_takes_seconds_at_most(unit):
    text = (unit * 1_000_000)[:1_000_000]
    started = time.process_time()
    sentence_spans(text)
    assert time.process_time() - started < 15  # quadratic would be hours
