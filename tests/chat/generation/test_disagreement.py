"""Documents that give different figures for one thing are said to disagree; others are not."""

from dataclasses import replace

import pytest

from chat.generation import answer
from chat.generation.dissent import Said, dissent
from chat.generation.support.disagreement import disagreements
from knowledge.passages import Passage
from tests.chat.generation.test_quoting import passage


def of(number: int, title: str, text: str, day: str = "2025-03-12") -> Passage:
    made = passage(text, document_id=number)
    return replace(
        made,
        chunk_id=f"chunk-{number}",
        version_id=number,
        title=title,
        heading="",
        uploaded_at=f"{day}T10:00:00+00:00",
    )


OLD = of(
    1, "Travel Guide", "Trains are booked early. The travel desk approves flights over 800 euros."
)
NEW = of(2, "Travel Policy", "Flights over €900 are approved by the travel desk.", "2026-05-03")


def test_two_documents_with_different_figures_disagree_and_the_newer_comes_first() -> None:
    [found] = disagreements([OLD, NEW])
    assert (found.newer.figure, found.older.figure) == ("€900", "800 euros")
    assert found.newer.passage is NEW
    at = found.older.start - OLD.start
    assert OLD.text[at:].startswith("The travel desk approves")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (
            "The travel desk approves flights over 800 euros.",
            "Flights over €800 are approved by the travel desk.",
        ),
        ("The fee is due after 30 days.", "The deposit is refunded after 60 days."),
        (
            "The travel desk approves flights over 800 euros.",
            "The travel desk approves flights over 3 hours.",
        ),
        ("In 2024 the office moved to Bern.", "In 2019 the office moved to Bern."),
        ("The office in Bern has 30 desks.", "The office in Rome has 60 desks."),
        (
            "Flights over 800 euros are not approved by the desk.",
            "Flights over 900 euros are approved by the desk.",
        ),
    ],
)
def test_what_agrees_or_speaks_of_other_things_does_not_disagree(one: str, other: str) -> None:
    found = disagreements([of(1, "Travel Guide", one), of(2, "Travel Policy", other)])
    assert list(found) == []


def test_documents_on_different_subjects_may_differ() -> None:
    one = of(1, "Car lease", "The monthly fee of the lease is 200 euros.")
    other = of(2, "Bicycle lease", "The monthly fee of the lease is 20 euros.")
    assert list(disagreements([one, other])) == []


def test_one_document_does_not_disagree_with_itself() -> None:
    one = of(1, "Travel", "The travel desk approves flights over 800 euros.")
    other = replace(NEW, document_id=1)
    assert list(disagreements([one, other])) == []


def test_a_quoted_answer_says_so_and_cites_both_with_their_dates() -> None:
    pieces, sentences = answer.quote(
        "From which price on does the travel desk approve flights?", [OLD, NEW], None
    )
    text = "".join(piece.text for piece in pieces if isinstance(piece, answer.Words))
    assert "The documents do not agree on this" in text
    assert "3 May 2026" in text
    assert "12 March 2025" in text
    last = sentences[-1]
    assert text[last.start : last.end].startswith("The documents do not agree")
    assert len(last.numbers) == 2
    cited = {piece.number: piece for piece in pieces if isinstance(piece, answer.Cited)}
    assert {cited[number].passage.document_id for number in last.numbers} == {1, 2}


def test_documents_of_one_day_are_told_apart_by_their_footnotes_alone() -> None:
    same = replace(OLD, uploaded_at=NEW.uploaded_at)
    pieces, _ = answer.quote("Which flights does the travel desk approve?", [same, NEW], None)
    text = "".join(piece.text for piece in pieces if isinstance(piece, answer.Words))
    assert "The documents, both of 3 May 2026, do not agree on this: one says" in text


def test_nothing_is_added_where_the_answer_rests_on_something_else_or_says_it_itself() -> None:
    about_trains = {1: Said(OLD, OLD.start, OLD.start + 20)}
    assert dissent("Trains are booked early [1].", about_trains, [OLD, NEW]) is None
    both = {1: Said(OLD, OLD.start, OLD.end), 2: Said(NEW, NEW.start, NEW.end)}
    text = "One says 800 euros [1], the other 900 [2]."
    from chat.generation.sentences import written_sentences  # noqa: PLC0415

    assert dissent(text, both, [OLD, NEW], written_sentences(text)) is None
