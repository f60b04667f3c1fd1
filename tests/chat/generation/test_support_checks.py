"""A sentence is held against the passage that it cites, thing by thing."""

import pytest

from chat.generation import extractive
from chat.generation.sentences import Sentence, written_sentences
from chat.generation.support.checking import Tools, check
from chat.generation.support.tokens import plain, tokens
from tests.chat.generation.test_quoting import passage

TEXT = """Every employee may take up to fifty-two weeks of parental leave. It may be taken in two
blocks.
Weeks 1 to 18 of parental leave are paid in full. Weeks 19 to 39 are paid at the statutory rate.
Tell the People team ten weeks before parental leave begins. Flights over 1,000 euros are not
allowed without the approval of Marie Curie. The rule holds since 4 March 2026. Error C4996 is off
by default. The form asks for "the day of your return to work" and for 18 % of the fee.
"""


def verdicts(text: str) -> list[tuple[str, str]]:
    found = passage(TEXT)
    checked = check(text, written_sentences(text), {1: found}, Tools())
    return [(one.sentence.support, one.sentence.why) for one in checked]


@pytest.mark.parametrize(
    "said",
    [
        "You may take 52 weeks of parental leave [1].",
        "Weeks 1 to 18 are paid in full [1].",
        "Flights over 1000 € are not allowed without the approval of Marie Curie [1].",
        "Flights over €1 000 aren't allowed without the approval of Marie Curie [1].",
        "The rule holds since 2026-03-04 [1].",
        "The rule holds since March 4, 2026 [1].",
        "The rule holds since March 2026 [1].",
        "Tell the People team 10 weeks before parental leave begins [1].",
        "Error c4996 is off by default [1].",
        "The form asks for 18 percent of the fee [1].",
    ],
)
def test_the_same_thing_written_otherwise_is_supported(said: str) -> None:
    assert verdicts(said) == [("supported", "")]


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("You may take 25 weeks of parental leave [1].", "“25” is not in the cited passage."),
        ("Weeks 19 to 18 are paid in full [1].", "something else in the place of “19”"),
        ("Weeks 1 to 39 of parental leave are paid in full [1].", "in the place of “39”"),
        ("The form asks for 18 days of the fee [1].", "another unit"),
        ("The rule holds since 4 May 2026 [1].", "not a date of the cited passage"),
        ("Error C4995 is off by default [1].", "“C4995” is not in the cited passage."),
        ('The form asks for "the hour of your return to work" [1].', "quoted words"),
        ("Flights need the approval of Isaac Newton [1].", "“Isaac” is not named"),
        ("Weeks 1 to 18 are not paid in full [1].", "without “not”"),
        ("Weeks 1 to 18 are unpaid [1].", "the opposite of “unpaid”"),
        ("Tell the People team ten weeks after parental leave begins [1].", "opposite of “after”"),
        (
            "Flights over 1,000 euros are allowed without the approval of Marie Curie [1].",
            "says “not” here",
        ),
    ],
)
def test_what_the_passage_does_not_say_is_not_supported_and_says_why(said: str, why: str) -> None:
    [(support, reason)] = verdicts(said)
    assert support == "unsupported"
    assert why in reason


def test_a_sentence_of_which_only_a_part_is_there_is_supported_in_part() -> None:
    said = "Leave may be taken in two blocks, and gym membership goes on free of charge [1]."
    assert verdicts(said) == [("partly", "The cited passage says only a part of this.")]


def test_what_shares_hardly_a_word_gets_no_green_mark() -> None:
    [(support, _)] = verdicts("Bananas ripen quickly beside warm radiators [1].")
    assert support in {"unknown", "unsupported"}


def test_a_fact_without_a_footnote_is_not_supported_and_talk_is_left_alone() -> None:
    text = (
        "# Leave\n\nHere is what I found. Leave lasts a year. The pay is this:\n\n"
        "- Weeks 1 to 18 are paid in full [1].\n\nDo you need more? I hope this helps."
    )
    assert verdicts(text) == [
        ("unknown", ""),
        ("unsupported", "No document is cited for this sentence."),
        ("supported", ""),
        ("unknown", ""),
    ]


def test_a_document_that_need_not_be_signed_is_a_fact_and_no_talk() -> None:
    [sentence] = written_sentences("The documents do not have to be signed.")
    assert sentence.support == "unsupported"


def test_each_of_several_cited_passages_may_carry_a_part() -> None:
    one, two = passage("The fee is 20 euros a month."), passage("It is due on 4 March 2026.")
    text = "The fee of 20 euros a month is due on 4 March 2026 [1][2]."
    [checked] = check(text, written_sentences(text), {1: one, 2: two}, Tools())
    assert checked.sentence.support != "unsupported"


def test_quoted_answers_pass_the_check_that_they_need_not() -> None:
    found = passage(TEXT)
    quotes = extractive.choose("How many weeks of parental leave are paid?", [found], None)
    texts, sentences = extractive.compose(quotes)
    cited = {number: quote.passage for number, quote in enumerate(quotes, start=1)}
    for one in check("".join(texts), sentences, cited, Tools()):
        assert one.sentence.support == "supported"


def test_a_row_of_before_reasons_were_noted_is_still_read() -> None:
    stored = {"start": 0, "end": 3, "numbers": [1], "support": "unknown"}
    assert Sentence.from_dict(stored).why == ""


@pytest.mark.parametrize(
    ("written", "values"),
    [
        ("1,000 people", [1000.0]),
        ("1 000 people", [1000.0]),
        ("1.000 people", [1000.0]),
        ("a thousand people", [1000.0]),
        ("two hundred and five people", [205.0]),
        ("twenty-five or six", [25.0, 6.0]),
        ("1.5 million", [1_500_000.0]),
        ("between 3 and 5", [3.0, 5.0]),
        ("3,5 kg", [3.5]),
    ],
)
def test_numbers_are_read_in_every_writing(written: str, values: list[float]) -> None:
    found = [token.key[1] for token in tokens(plain(written)) if token.kind == "number"]
    assert found == values


def test_hostile_texts_cost_no_time_and_break_nothing() -> None:
    for text in (
        "1," * 4000,
        "not " * 2000,
        "A" * 8000,
        "[1]" * 2000,
        "٣ ½ ² 𝟙 " * 400,
        "\\" * 5000,
    ):
        found = passage(text or "x")
        check(f"{text} [1].", written_sentences(f"{text} [1]."), {1: found}, Tools())


@pytest.mark.parametrize(
    "said",
    [
        "Die Elternzeit wird in den Wochen 1 bis 18 voll bezahlt und gilt für alle [1].",
        "Le congé parental est payé en entier pendant les semaines 1 à 18 [1].",
        "从第1周到第18周，育儿假全额支付给所有员工 [1]。",
    ],
)
def test_a_sentence_in_another_language_than_its_passage_cannot_be_told(said: str) -> None:
    assert verdicts(said) == [("unknown", "The cited passage is in another language.")]


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("Die Elternzeit wird in den Wochen 1 bis 20 voll bezahlt und gilt für alle [1].", "“20”"),
        ("Les vols de plus de 3 000 euros ne sont pas permis sans un accord [1].", "“3 000”"),
        ("Die Regel gilt seit dem 4. Mai 2026 und ist für alle da [1].", "not a date"),
    ],
)
def test_a_wrong_figure_is_found_in_any_language(said: str, why: str) -> None:
    [(support, found)] = verdicts(said)
    assert support == "unsupported"
    assert why in found
