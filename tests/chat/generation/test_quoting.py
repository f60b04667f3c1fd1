"""The quotes of an extractive answer are complete, readable, and the documents' own words."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.generation import extractive
from chat.generation.binding import bind
from chat.generation.quotable import may_be_quoted
from chat.generation.sentences import Sentence, marks_in, redact, written_sentences
from chat.generation.spans import units
from knowledge.passages import Judged, Passage
from tests.fakes import BagOfWordsEmbedder

BEFORE = "Text of the version in front of the passage. "


def embed(texts: Sequence[str]) -> np.ndarray:
    return BagOfWordsEmbedder().embed_passages(texts)


def passage(text: str, score: float = 0.9, document_id: int = 1) -> Passage:
    return Passage(
        chunk_id=str(document_id),
        document_id=document_id,
        version_id=document_id,
        document_version=1,
        title="Handbook",
        heading="",
        page=None,
        text=text,
        start=len(BEFORE),
        end=len(BEFORE) + len(text),
        score=score,
    )


def answer(question: str, *texts: str) -> tuple[str, list[Sentence]]:
    found = [passage(text, 0.9 - i / 10, i + 1) for i, text in enumerate(texts)]
    pieces, sentences = extractive.compose(extractive.choose(question, found, embed))
    return "".join(pieces), sentences


def test_the_sentence_that_answers_comes_first_with_its_mark() -> None:
    text, _ = answer(
        "When does the canteen open?",
        "The canteen is in building B. The canteen opens at 11:30. It seats two hundred.",
    )
    assert text.startswith("The canteen opens at 11:30.[1]")


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("Sie gilt seit dem 4. Mai 2026. Ende.", "Sie gilt seit dem 4. Mai 2026."),
        ("Die Frist endet am 31. März. Danach nichts.", "Die Frist endet am 31. März."),
        ("Im 2. Quartal ist z.B. Urlaub. Gut.", "Im 2. Quartal ist z.B. Urlaub."),
        ("Days expire on 31. The next year begins.", "Days expire on 31."),
        ("It was version 4. April comes later.", "It was version 4."),
    ],
)
def test_a_german_ordinal_ends_no_sentence(text: str, first: str) -> None:
    unit = units(text)[0]
    assert text[unit.start : unit.end] == first


def test_a_sentence_that_leans_on_the_one_before_is_quoted_with_it() -> None:
    text, _ = answer(
        "How long may the loan take?",
        "A laptop may be borrowed from the desk. It may be on loan for fourteen days.",
    )
    assert text.startswith("A laptop may be borrowed from the desk. It may be on loan")


def test_a_table_row_comes_with_the_head_of_its_table() -> None:
    table = "| Zone | Fee |\n| --- | --- |\n| North | 12 |\n| South | 19 |"
    text, sentences = answer("What is the fee for the zone South?", table)
    assert text == "| Zone | Fee |\n| --- | --- |\n| South | 19 [1] |"
    assert sentences == [Sentence(0, len(text), (1,), "supported")]


@pytest.mark.parametrize("read", [{}, {"| Atlas 13": 0.9, "| Atlas 15": 0.4}])
@pytest.mark.parametrize("named", ["13", "15"])
def test_the_row_that_a_question_names_is_quoted_and_no_other(
    named: str, read: dict[str, float]
) -> None:
    table = "| Model | Price |\n| --- | --- |\n| Atlas 13 | 1,200 |\n| Atlas 15 | 1,650 |"
    found = judged(table, read) if read else passage(table)
    quotes = extractive.choose(f"How much is the Atlas {named}?", [found], embed)
    assert [quote.text.split("|")[1].strip() for quote in quotes] == [f"Atlas {named}"]


def test_a_row_of_a_passage_that_begins_within_a_table_names_its_columns() -> None:
    text = "| Lyon | 12 days |\n| Nantes | 14 days |"
    cut = replace(passage(text), columns="| Town | Holiday \\| leave |")
    (quote, *_) = extractive.choose("How many days in Nantes?", [cut], embed)
    assert quote.before == "| Town | Holiday \\| leave |\n| --- | --- |\n"
    assert quote.text.startswith("| Nantes | 14 days")
    assert cut.text[quote.start - cut.start : quote.end - cut.start].startswith("| Nantes")


def test_columns_belong_to_the_table_that_was_begun_above_alone() -> None:
    text = "| Lyon | 12 days |\n\nWords.\n\n| Desk | Days |\n| --- | --- |\n| Nantes desk | 14 |"
    cut = replace(passage(text), columns="| Town | Holiday |")
    (quote, *_) = extractive.choose("How many days for the Nantes desk?", [cut], embed)
    assert quote.before.startswith("| Desk | Days |")


def test_without_its_head_a_row_is_quoted_alone() -> None:
    (quote, *_) = extractive.choose("Nantes days?", [passage("| Nantes | 14 days |")], embed)
    assert quote.before == ""


def judged(text: str, likely: dict[str, float], page: float = 0.9) -> Passage:
    """A passage that the reader has read; its sentences by what they begin with."""
    made = passage(text)
    spans = [
        (unit.start, unit.end, score)
        for unit in units(text)
        for begin, score in likely.items()
        if text[unit.start : unit.end].startswith(begin)
    ]
    return replace(made, judged=Judged(page, tuple(spans)))


def test_the_readers_sentence_comes_first_and_nothing_is_embedded() -> None:
    def never(texts: Sequence[str]) -> np.ndarray:
        raise AssertionError("a passage that was read needs no vectors")

    text = "Annual leave is leave that is annual. Staff get thirty days. The canteen is closed."
    read = judged(text, {"Annual": 0.02, "Staff": 0.95, "The canteen": 0.01})
    quotes = extractive.choose("How much annual leave?", [read], never)
    assert [quote.text for quote in quotes] == ["Staff get thirty days."]


ASKED = "How many days of annual leave do staff get?"
SURE = {"Staff": 0.85}


@pytest.mark.parametrize(
    ("likely", "text", "relevance", "is_worth"),
    [
        (SURE, "Staff get five days of annual leave more at the age of fifty.", 0.88, True),
        (SURE, "The canteen is open from noon.", 0.5, False),
        # A good passage may still hold a further sentence, a poor one only the first.
        (SURE, "The canteen is open from noon.", 0.9, False),
        ({"Staff": 0.01}, "The canteen is open from noon.", 0.9, True),
        (SURE, "# Annual leave", 0.9, False),
    ],
)
def test_a_passage_is_read_only_where_it_could_be_quoted(
    likely: dict[str, float], text: str, relevance: float, is_worth: bool
) -> None:
    read = judged("Staff get thirty days of annual leave.", likely, page=max(likely.values()))
    following = passage(text, score=relevance, document_id=2)
    assert may_be_quoted(ASKED, [read], following) is is_worth


@given(
    st.floats(0.0, 0.95), st.floats(0.0, 0.95), st.floats(0.1, 0.9), st.floats(0.0, 0.95),
    st.sampled_from(("Staff get 30 days of leave.", "It closes at noon.", "Leave: 3 days.")),
)  # fmt: skip
def test_a_passage_that_is_not_worth_reading_would_never_have_been_quoted(
    sentence: float, page: float, relevance: float, second: float, text: str
) -> None:
    read = judged("Staff get thirty days of annual leave.", {"Staff": sentence}, page=page)
    following = replace(passage(text, score=relevance, document_id=2))
    likely = ((0, len(text), second),)
    also_read = replace(following, judged=Judged(second, likely))
    quoted = extractive.choose(ASKED, [read, also_read], None)
    if any(quote.passage.document_id == 2 for quote in quoted):
        assert may_be_quoted(ASKED, [read], following)


def test_where_some_passages_were_read_the_others_are_not_quoted() -> None:
    read = judged("Staff get thirty days.", {"Staff": 0.9})
    other = passage("Annual leave is thirty days, says another page.", document_id=2)
    quotes = extractive.choose("How much annual leave?", [read, other], embed)
    assert {quote.passage.document_id for quote in quotes} == {1}


def test_what_was_read_and_holds_no_sentence_leaves_the_others() -> None:
    read = judged("# Leave", {})
    other = passage("Annual leave is thirty days, says another page.", document_id=2)
    quotes = extractive.choose("How much annual leave?", [read, other], embed)
    assert {quote.passage.document_id for quote in quotes} == {2}


def test_a_short_list_is_quoted_whole_with_its_lead_in() -> None:
    listed = "You need to bring:\n\n- a passport\n- two photographs\n- the signed form"
    text, _ = answer("Do I need to bring photographs?", listed)
    assert text == f"{listed}[1]"


def test_an_item_of_a_long_list_comes_with_the_lead_in_alone() -> None:
    items = "\n".join(
        f"- item number {i} about subject {'abcdefghij'[i % 10]}{i}" for i in range(40)
    )
    text, _ = answer("What about subject c12?", f"These are covered:\n\n{items}")
    assert text.startswith("These are covered:\n\n- item number 12")
    assert text.count("item") <= 4


@pytest.mark.parametrize("lonely", ["# Opening hours", "Opening hours:", "Opening hours\n---"])
def test_a_heading_alone_is_no_answer(lonely: str) -> None:
    text, _ = answer("What are the opening hours?", f"{lonely}\n\nWe open the doors at nine sharp.")
    assert text == "We open the doors at nine sharp.[1]"


def test_marks_in_a_document_cannot_be_taken_for_ours() -> None:
    text, _ = answer("What does the study show?", "The study shows a rise of 4 percent [3].")
    assert text == "The study shows a rise of 4 percent \\[3\\].[1]"
    assert marks_in(text) == (1,)


def test_the_same_sentence_of_two_documents_is_quoted_once() -> None:
    said = "Overtime is approved by the head of the department."
    text, sentences = answer("Who approves overtime?", said, said)
    assert text == f"{said}[1]"
    assert len(sentences) == 1


def test_the_same_question_gives_the_same_answer() -> None:
    texts = ["Cats sleep a lot. Cats eat fish. Cats purr when they are glad."] * 3
    assert answer("What do cats eat?", *texts) == answer("What do cats eat?", *texts)


def test_passages_without_a_sentence_give_no_quote() -> None:
    assert answer("Anything?", "# Title\n\n## Another title") == ("", [])
    assert extractive.choose("Anything?", [], embed) == ()


LINES = (
    *("Full pay for 18 weeks.", "It ends then.", "# Heading", "- item one", "- item two", "Bring:"),
    *("| a | b |", "| --- | --- |", "| 1 | 2 |", "```", "x = 1", "", "See [1].", "e.g. this"),
    *("Ünïcödé 🦊 here!", "line without an end", "> quoted words."),
)
TEXTS = st.lists(st.sampled_from(LINES), max_size=12).map("\n".join)


@given(TEXTS, st.sampled_from(["How many weeks?", "bring item", "a b", "fox"]))
def test_every_quote_is_the_text_at_its_offsets(text: str, question: str) -> None:
    whole = BEFORE + text
    quotes = extractive.choose(question, [passage(text)], embed)
    assert len(quotes) <= 4
    for quote in quotes:
        assert whole[quote.start : quote.end].strip()
    pieces, sentences = extractive.compose(quotes)
    shown = "".join(pieces)
    for number, sentence in enumerate(sentences, start=1):
        assert f"[{number}]" in shown[sentence.start : sentence.end]


@given(TEXTS, st.sampled_from(["Full pay takes 18 weeks [1].", "", "fox here"]))
def test_a_claim_is_bound_to_a_span_inside_its_passage(text: str, claim: str) -> None:
    start, end = bind(claim, passage(text))
    assert len(BEFORE) <= start <= end <= len(BEFORE) + len(text)


@given(TEXTS)
def test_units_lie_in_order_and_do_not_overlap(text: str) -> None:
    at = 0
    for unit in units(text):
        assert at <= unit.start < unit.end <= len(text)
        at = unit.end


def test_a_claim_is_bound_to_the_sentence_that_carries_it() -> None:
    found = passage("Leave lasts 52 weeks. The first 18 weeks are paid in full. Tell us early.")
    start, end = bind("Eighteen weeks, the first 18, are paid in full [1].", found)
    assert (BEFORE + found.text)[start:end] == "The first 18 weeks are paid in full."


def test_a_claim_that_shares_no_words_is_bound_to_the_whole_passage() -> None:
    found = passage("Leave lasts 52 weeks. Tell us early.")
    assert bind("Zebras gallop.", found) == (found.start, found.end)


def test_sentences_of_a_model_say_what_is_known_of_them() -> None:
    text = (
        "Here is what I found:\n\n- Leave lasts 52 weeks [1].\n- It is paid. Is that all?\n\n"
        "## Pay\n\nThe rate, e.g. for Dr. Smith, is 4.5 percent. [2] It ends in May."
    )
    said = [(text[s.start : s.end], s.numbers, s.support) for s in written_sentences(text)]
    assert said == [
        ("Leave lasts 52 weeks [1].", (1,), "unknown"),
        ("It is paid.", (), "unsupported"),
        ("The rate, e.g. for Dr. Smith, is 4.5 percent. [2]", (2,), "unknown"),
        ("It ends in May.", (), "unsupported"),
    ]


def test_what_is_gone_is_overwritten_and_the_offsets_still_fit() -> None:
    text = "First words.[1] Second words.[2] Third.[3]"
    sentences = [
        Sentence(0, 15, (1,), "supported"),
        Sentence(16, 32, (2,), "supported"),
        Sentence(33, 42, (3,), "supported"),
    ]
    new, moved = redact(text, sentences, frozenset({2}), "*gone*")
    assert new == "First words.[1] *gone*[2] Third.[3]"
    assert [new[s.start : s.end] for s in moved] == ["First words.[1]", "*gone*[2]", "Third.[3]"]
    assert redact(new, moved, frozenset({2}), "*gone*") == (new, moved)
