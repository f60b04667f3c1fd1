"""What the reader says of small pages, with the weights that the product ships."""

import threading

import pytest

from knowledge.ingestion.splitter import sentence_spans
from knowledge.retrieval.reader import BUNDLED, Page, Reader, Reading

pytestmark = [pytest.mark.model]

LEAVE = (
    "Staff of the depot wear boots and a yellow vest. Annual leave is 27 days a year for everyone. "
    "The canteen on the second floor opens at half past eleven. Parking costs nothing."
)
WEATHER = "Rain falls on the roof. The river rises in spring. Nobody sails in winter."


@pytest.fixture(scope="module")
def reader():
    return Reader(BUNDLED)


def page(text, heading=""):
    return Page(text, tuple(sentence_spans(text)), heading)


def best(text, reading):
    spans = sentence_spans(text)
    start, end = spans[reading.sentences.index(max(reading.sentences))]
    return text[start:end]


def test_a_page_that_answers_is_told_from_one_that_does_not(reader):
    answers, silent = reader.read(
        "How many days of annual leave are there?", [page(LEAVE), page(WEATHER)]
    )
    assert answers.answerable > 0.5 > silent.answerable


@pytest.mark.parametrize(
    ("question", "sentence"),
    [
        ("How many days of annual leave do I get?", "Annual leave is 27 days"),
        ("When does the canteen open?", "half past eleven"),
        ("What do people at the depot wear?", "yellow vest"),
    ],
)
def test_the_sentence_with_the_answer_is_first(reader, question, sentence):
    (reading,) = reader.read(question, [page(LEAVE)])
    assert sentence in best(LEAVE, reading)


def test_scores_stand_in_the_order_of_the_spans_that_were_given(reader):
    question = "When does the canteen open?"
    spans = tuple(sentence_spans(LEAVE))
    (forward,) = reader.read(question, [Page(LEAVE, spans)])
    assert len(forward.sentences) == len(spans)
    assert forward.sentences.index(max(forward.sentences)) == 2
    (half,) = reader.read(question, [Page(LEAVE, spans[1:3])])
    assert half.sentences.index(max(half.sentences)) == 1


def test_chances_are_chances(reader):
    for reading in reader.read("Who sails in winter?", [page(LEAVE), page(WEATHER, "Weather")]):
        assert 0 <= reading.answerable <= 1
        assert all(0 <= score <= 1 for score in reading.sentences)
        assert sum(reading.sentences) <= reading.answerable + 1e-9


def test_the_sentence_is_found_far_down_a_long_page(reader):
    text = " ".join([WEATHER] * 20 + [LEAVE] + [WEATHER] * 20)
    (reading,) = reader.read("How many days of annual leave are there?", [page(text)])
    assert "27 days" in best(text, reading)
    assert reading.answerable > 0.5


def test_the_same_question_gets_the_same_reading_in_any_company(reader):
    question = "How many days of annual leave are there?"
    (alone,) = reader.read(question, [page(LEAVE)])
    (again,) = reader.read(question, [page(LEAVE)])
    assert again == alone


def test_readings_come_in_the_order_of_the_pages(reader):
    pages = [page(WEATHER * 3), page(LEAVE), page("No."), page(LEAVE + WEATHER), page("")]
    readings = reader.read("How many days of annual leave are there?", pages)
    assert [len(x.sentences) for x in readings] == [len(x.spans) for x in pages]
    assert readings[1].answerable > readings[2].answerable
    assert readings[4] == Reading(0.0, ())


def test_threads_may_share_it(reader):
    expected = reader.read("When does the canteen open?", [page(LEAVE)])
    found = []
    threads = [
        threading.Thread(
            target=lambda: found.append(reader.read("When does the canteen open?", [page(LEAVE)]))
        )
        for _ in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [expected] * 6


def test_nothing_asked_or_nothing_to_read_is_no_answer(reader):
    assert reader.read("What?", []) == []
    assert reader.read("  ", [page(LEAVE)]) == [Reading(0.0, (0.0,) * 4)]
    assert reader.read("What?", [Page("", ())]) == [Reading(0.0, ())]
    assert reader.read("What?", [Page("   ", ((0, 3),))]) == [Reading(0.0, (0.0,))]


def test_a_page_without_spans_is_judged_as_one(reader):
    (reading,) = reader.read("How many days of annual leave are there?", [Page(LEAVE, ())])
    assert reading.sentences == ()
    assert reading.answerable > 0.5


@pytest.mark.parametrize(
    "text",
    [
        "\0" * 5000,
        "a" * 1_000_000,
        "a b " * 250_000,
        ". " * 200_000,
        "員工年假" * 10_000,
        "🙂 \u202e\u0301" * 2000,
        "| a | b |\n" * 5000,
    ],
)
def test_hostile_text_is_read_in_bounded_time(reader, text):
    spans = tuple((at, at + 500) for at in range(0, len(text), 500))
    (reading,) = reader.read(text[:100_000], [Page(text, spans, text[:100_000])])
    assert len(reading.sentences) == len(spans)
    assert 0 <= reading.answerable <= 1
    (whole,) = reader.read("what is a?", [Page(text, ((0, len(text)),))])
    assert len(whole.sentences) == 1


def test_spans_that_do_not_fit_the_text_are_survived(reader):
    spans = ((-5, 20), (30, 10), (10, 10), (20, 10_000), (10_000, 20_000))
    (reading,) = reader.read("What do people wear?", [Page(LEAVE, spans)])
    assert len(reading.sentences) == len(spans)
    assert reading.sentences[1] == reading.sentences[2] == reading.sentences[4] == 0.0
