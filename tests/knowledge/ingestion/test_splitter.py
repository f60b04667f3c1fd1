"""Chunks follow the structure, fit the model, and give back every character."""

import hashlib
import itertools
import re
import time
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from knowledge.ingestion.markdown import outline
from knowledge.ingestion.splitter import SplitterConfig, split
from knowledge.ingestion.types import Extracted, Heading
from knowledge.retrieval.embedder import count_tokens_fast

SMALL = SplitterConfig(chunk_tokens=40, overlap_tokens=8, max_tokens=48)
_TOKEN = re.compile(r"\w+|[^\w\s]")


def count(text):
    return len(_TOKEN.findall(text)) + 2


def markdown(text):
    return Extracted(text, outline(text))


def pieces(text, config=SMALL, title="Manual", counter=count):
    return split(markdown(text), title, config, counter)


def assert_sound(extracted, found, config, counter=count):
    covered = bytearray(len(extracted.text))
    for number, piece in enumerate(found):
        assert piece.ordinal == number
        assert piece.start < piece.end
        assert piece.text == extracted.text[piece.start : piece.end]
        assert piece.tokens == counter(piece.embedded_text) <= config.max_tokens
        assert piece.content_hash == hashlib.sha256(piece.embedded_text.encode()).hexdigest()
        assert len(piece.heading) <= 500
        covered[piece.start : piece.end] = b"\1" * (piece.end - piece.start)
    missing = [text for text, seen in zip(extracted.text, covered, strict=True) if not seen]
    assert not "".join(missing).strip()


def test_a_chunk_does_not_cross_a_heading_and_knows_its_path():
    found = pieces("# Leave\n\nThirty days.\n\n## Sickness\n\nCall us.\n\n# Pay\n\nMonthly.")
    assert [(piece.heading, piece.text) for piece in found] == [
        ("Leave", "# Leave\n\nThirty days."),
        ("Leave › Sickness", "## Sickness\n\nCall us."),
        ("Pay", "# Pay\n\nMonthly."),
    ]


def test_what_is_embedded_has_title_and_path_once():
    found = pieces("# Manual\n\n## Leave\n\nThirty days.", title="Manual")
    assert found[0].embedded_text == "Manual\nLeave\n\nThirty days."


def test_a_heading_without_text_joins_what_follows():
    found = pieces("# Part\n\n## Chapter\n\nWords.\n\n## Empty")
    assert [piece.text for piece in found] == ["# Part\n\n## Chapter\n\nWords.", "## Empty"]
    assert found[0].heading == "Part › Chapter"


def test_neighbours_share_whole_sentences():
    text = " ".join(f"Sentence number {number} stands here." for number in range(40))
    found = pieces(text)
    assert len(found) > 3
    for before, after in itertools.pairwise(found):
        shared = text[after.start : before.end]
        assert shared.endswith("here.")
        assert shared.startswith("Sentence")
        assert count(shared) - 2 <= SMALL.overlap_tokens


def test_sizes_are_even_and_no_scrap_is_left_at_the_end():
    text = " ".join(f"Sentence number {number} stands here." for number in range(14))
    sizes = [piece.tokens for piece in pieces(text)]
    assert min(sizes) > max(sizes) / 2


def test_a_paragraph_end_is_a_good_place_to_cut():
    paragraph = "Here is one. Here is two. Here is three. Here is four. Here is five."
    found = pieces(f"{paragraph}\n\n{paragraph}\n\n{paragraph}")
    assert all(piece.text.endswith("five.") for piece in found)


def test_a_table_row_is_embedded_with_the_tables_head():
    rows = "\n".join(f"| Item {number} | {number} euros |" for number in range(30))
    found = pieces(f"| Thing | Price |\n|---|---|\n{rows}\n\nAfter.")
    assert len(found) > 3
    for piece in found[1:-1]:
        assert "| Thing | Price |\n| Item" in piece.embedded_text
        assert "Thing" not in piece.text
    assert "---" not in found[0].embedded_text


def test_code_is_cut_between_lines():
    lines = "\n".join(f"value_{number} = call(argument)" for number in range(40))
    found = pieces(f"```python\n{lines}\n```")
    assert all(piece.text.endswith((")", "```")) for piece in found)


def test_a_sentence_longer_than_a_chunk_is_cut_between_words():
    found = pieces("word " * 300)
    assert len(found) > 5
    assert all(set(piece.text.split()) == {"word"} for piece in found)


def test_pages_are_numbered_from_one():
    extracted = Extracted("One.\n\nTwo.", (Heading(1, "Two.", 6),), (0, 6), (), 2)
    found = split(extracted, "T", SMALL, count)
    assert [(piece.text, piece.page) for piece in found] == [("One.", 1), ("Two.", 2)]


def test_a_very_long_title_and_path_leave_room_for_the_text():
    title = "Terms and conditions " * 20
    text = "# " + "Long heading " * 20 + "\n\n## " + "Another heading " * 12 + "\n\nThe words."
    found = pieces(text, title=title)
    assert_sound(markdown(text), found, SMALL)
    assert "The words." in found[-1].embedded_text


def test_plain_text_with_signs_of_markdown_is_not_given_headings():
    found = split(Extracted("# comment\nvalue\n\n# other\nvalue"), "T", SMALL, count)
    assert [piece.heading for piece in found] == [""]


def test_no_text_makes_no_chunks():
    assert pieces("") == []
    assert pieces(" \n ") == []


PARTS = st.sampled_from(
    ["# One\n", "## Two\n\n", "### Three\n", "Words are here. ", "Another sentence stands here!\n",
     "\n\n", "- item\n", "| a | b |\n|---|---|\n| 1 | 2 |\n", "```\ncode = 1\n```\n", "中文句子。",
     "a" * 700, "word " * 90, "Title\n=====\n", "é́́", "😀", "[link](http://x.example/a) ", "\t",
     "......"]
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(
    st.one_of(st.lists(PARTS, max_size=25).map("".join), st.text(max_size=400)),
    st.sampled_from(["", "Manual", "A long title of a document " * 5]),
)
def test_every_text_is_covered_within_the_window(text, title):
    extracted = markdown(text)
    assert_sound(extracted, split(extracted, title, SMALL, count), SMALL)


@cache
def model_counter():
    return count_tokens_fast("all-MiniLM-L6-v2")


@pytest.mark.model
@settings(max_examples=40, deadline=None)
@given(st.lists(PARTS, max_size=25).map("".join))
def test_the_models_own_tokenizer_is_never_exceeded(text):
    config = SplitterConfig()
    extracted = markdown(text)
    counter = model_counter()
    assert_sound(extracted, split(extracted, "Manual", config, counter), config, counter)


def test_a_counter_that_does_not_add_up_is_still_obeyed():
    def by_characters(text):
        return len(text) // 3 + (7 if "\n" in text else 2)

    text = "Words that go on. " * 200
    found = split(Extracted(text), "Manual", SMALL, by_characters)
    assert_sound(Extracted(text), found, SMALL, by_characters)


@pytest.mark.parametrize(
    "unit", ["a", "word ", "A. ", "# a\n", "```\n", "| a |\n", "- a\n", "a\n\n", "中。"]
)
def test_a_long_text_is_split_in_linear_time(unit):
    text = (unit * 400_000)[:400_000]  # quadratic would be minutes
    started = time.process_time()
    found = split(markdown(text), "Manual", SplitterConfig(), count)
    assert time.process_time() - started < 10
    assert found
