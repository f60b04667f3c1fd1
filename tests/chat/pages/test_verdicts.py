"""What the check found is shown in words and shapes, and cannot tell is never green."""

from collections.abc import Callable

import pytest
from django.template.loader import render_to_string
from django.test import Client

from chat.models import ChatSession
from chat.templatetags.verdicts import tally
from knowledge import indexing
from knowledge.models import Document
from knowledge.services import add_version
from tests.chat.pages.conftest import POLICY, answer_of
from tests.chat.pages.shapes import note, rendered, sentence, turn
from users.models import User

WHY = "“20” is not in the cited passage."


def work() -> None:
    """Do what a worker would do with all that waits."""
    for version_id in indexing.due_version_ids(1000):
        indexing.process_version(version_id)
    indexing.build_index()


def test_a_sentence_that_its_source_does_not_say_leads_to_that_source() -> None:
    false = {**sentence(0, 9, [1], "unsupported"), "why": WHY}
    html = rendered(turn("Paid. [1]", [note(1)], [false]))
    assert '<span class="claim" data-support="none">' in html
    assert f'href="#n1-1" aria-label="Not in source: {WHY}">not in source</a>' in html


def test_the_mark_of_a_sentence_that_nobody_can_judge_is_not_drawn_as_a_good_one() -> None:
    html = rendered(turn("Paid. [1]", [note(1)], [sentence(0, 9, [1], "unknown")]))
    assert 'data-support="open"' in html
    assert "could not be checked" in html


def test_the_line_under_an_answer_counts_each_verdict_apart() -> None:
    said = [
        sentence(0, 1, [1]),
        sentence(1, 2, [1], "partly"),
        sentence(2, 3, [1], "unknown"),
        sentence(3, 4, [1], "unsupported"),
        sentence(4, 5, [], "unsupported"),
        sentence(5, 6, [], "unknown"),
    ]
    found = tally(turn("abcdef", [note(1)], said))
    assert list(found.ticks) == ["", "part", "open", "none", "none"]
    assert (found.sourced, found.partly, found.open, found.refuted) == (2, 1, 1, 1)


@pytest.mark.django_db
def test_notes_say_what_became_of_their_sentences() -> None:
    said = [
        {**sentence(0, 9, [1], "unsupported"), "why": WHY},
        sentence(10, 19, [2], "unknown"),
        sentence(20, 29, [3]),
    ]
    one = turn("Paid. [1] Free. [2] Long. [3]", [note(1), note(2), note(3)], said)
    html = render_to_string(
        "chat/_notes.html", {"turn": one, "answer": one.answer, "key": 1, "has_obelus": False}
    )
    first, second, third = html.split('<li class="note"')[1:]
    assert "Does not say this" in first
    assert WHY in first
    assert "Could not be checked" in second
    assert "badge" not in third


@pytest.mark.django_db(transaction=True)
def test_an_older_answer_shows_what_changed_in_its_passage(
    alice: User,
    policy: Document,
    converse: Callable[..., ChatSession],
    sign_in: Callable[..., Client],
) -> None:
    session = converse(alice, policy)
    add_version(policy, POLICY.replace("fifty-two", "forty"))
    work()
    page = sign_in(alice).get(f"/c/{session.pk}/").content.decode()
    assert "Changed since" in page
    assert "What changed in version 2" in page
    assert (
        "fifty</del>" in page.replace('<span class="visually-hidden">)</span>', "")
        or "fifty-two" in page
    )
    citation = answer_of(session).citations.get()
    address = f"/sources/{policy.pk}/v1/?start={citation.start}&end={citation.end}"
    source = sign_in(alice).get(address).content.decode()
    assert "This passage was changed." in source
    assert "<del>" in source
    assert "<ins>" in source
    assert "/v2/?start=" in source


@pytest.mark.django_db(transaction=True)
def test_an_older_answer_says_that_its_passage_is_unchanged(
    alice: User,
    policy: Document,
    converse: Callable[..., ChatSession],
    sign_in: Callable[..., Client],
) -> None:
    session = converse(alice, policy)
    add_version(policy, f"{POLICY}\n\n## Annex\n\nIt is new.\n")
    work()
    page = sign_in(alice).get(f"/c/{session.pk}/").content.decode()
    assert "Unchanged in version 2" in page
    citation = answer_of(session).citations.get()
    address = f"/sources/{policy.pk}/v1/?start={citation.start}&end={citation.end}"
    source = sign_in(alice).get(address).content.decode()
    assert "This passage is unchanged." in source
