"""What a follow-up is searched as: by the last turns alone, or as a model puts it, if it can."""

from collections.abc import Callable
from time import monotonic
from typing import Any

import pytest
from django.test import Client
from rest_framework.test import APIClient

from chat import reading
from chat.models import Message
from chat.services import Asked
from knowledge.models import Document
from knowledge.services import delete_document
from tests.model_server import ModelServer, Script
from users.models import User

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.engine]

FIRST = "How many weeks of parental leave may an employee take?"
NEXT = "And how much notice?"
Ask = Callable[..., Asked]


@pytest.fixture
def documents(leave: Document, travel: Document) -> None:
    """Both documents of the stage."""


def test_a_follow_up_is_searched_with_its_subject_and_says_so(
    alice: User, documents: None, answered: Ask, api: Callable[..., APIClient]
) -> None:
    first = answered(alice, FIRST)
    second = answered(alice, NEXT, session_id=first.session.pk)
    assert second.answer.outcome == "answered"
    assert "ten weeks" in second.answer.text
    assert "Parental Leave Policy" in second.answer.retrieval["query"]
    body = reading.answer(second.answer, user=alice)
    assert body["searched_for"] == [second.answer.retrieval["query"]]
    url = f"/api/chat/sessions/{first.session.pk}/messages/"
    listed = api(alice).get(url).json()["results"]
    assert [m.get("searched_for") for m in listed] == [None, [], None, body["searched_for"]]


def test_the_page_says_what_was_searched(
    alice: User, documents: None, answered: Ask, client: Client
) -> None:
    first = answered(alice, FIRST)
    answered(alice, NEXT, session_id=first.session.pk)
    client.force_login(alice)
    html = client.get(f"/c/{first.session.pk}/").content.decode()
    assert html.count("Searched for:") == 1


def test_a_new_subject_is_not_joined_with_the_old_one(
    alice: User, documents: None, answered: Ask
) -> None:
    first = answered(alice, FIRST)
    second = answered(
        alice, "Which class are train journeys in Europe booked in?", session_id=first.session.pk
    )
    assert "second class" in second.answer.text
    assert "understood" not in second.answer.retrieval


def test_a_stranger_s_conversation_gives_nothing_away(
    alice: User, charlie: User, documents: None, answered: Ask
) -> None:
    answered(alice, FIRST)
    theirs = answered(charlie, NEXT)
    assert "understood" not in theirs.answer.retrieval


def test_words_of_a_document_that_was_deleted_are_not_told_in_what_was_searched(
    alice: User, leave: Document, travel: Document, answered: Ask
) -> None:
    first = answered(alice, FIRST)
    second = answered(alice, NEXT, session_id=first.session.pk)
    assert second.answer.retrieval["understood"]
    delete_document(leave)
    second.answer.refresh_from_db()
    assert "Parental" not in str(second.answer.retrieval)
    assert reading.answer(second.answer, user=alice)["searched_for"] == []


def test_words_of_a_document_that_was_restricted_are_not_shown_meanwhile(
    alice: User, leave: Document, travel: Document, answered: Ask
) -> None:
    first = answered(alice, FIRST)
    second = answered(alice, NEXT, session_id=first.session.pk)
    Document.objects.filter(pk=leave.pk).update(is_restricted=True)
    assert reading.answer(second.answer, user=alice)["searched_for"] == []
    Document.objects.filter(pk=leave.pk).update(is_restricted=False)
    assert reading.answer(second.answer, user=alice)["searched_for"] != []


@pytest.fixture
def rewriter(model_server: ModelServer) -> Callable[[Script], ModelServer]:
    """``rewriter(script)``: a model that answers, and rewrites by the script."""

    def server(script: Script) -> ModelServer:
        model_server.script = Script(text="Ten weeks before it begins [1].")
        model_server.asides = {"You rewrite": script}
        return model_server

    return server


def rewritings(server: ModelServer) -> list[dict[str, Any]]:
    return [r for r in server.requests if r["messages"][0]["content"].startswith("You rewrite")]


def test_a_model_s_rewriting_is_searched(
    alice: User, documents: None, answered: Ask, rewriter: Callable[[Script], ModelServer]
) -> None:
    said = "How much notice must be given before parental leave?"
    server = rewriter(Script(text=said))
    first = answered(alice, FIRST)
    second = answered(alice, NEXT, session_id=first.session.pk)
    assert len(rewritings(server)) == 1  # the first question stands alone: nobody was asked
    assert second.answer.retrieval["understood"]["by"] == "model"
    assert second.answer.retrieval["query"] == said
    question = server.requests[-1]["messages"][-1]["content"]
    assert f"Question (from the reader): {NEXT}" in question


@pytest.mark.parametrize(
    "kind", ["broken", "throttled", "reset", "garbage", "silent", "empty", "malformed", "page"]
)
def test_a_model_that_fails_to_rewrite_leaves_the_question_to_the_last_turns(
    kind: str,
    alice: User,
    documents: None,
    answered: Ask,
    rewriter: Callable[[Script], ModelServer],
) -> None:
    rewriter(Script(kind))
    first = answered(alice, FIRST)
    second = answered(alice, NEXT, session_id=first.session.pk)
    assert second.answer.outcome == "answered"
    assert second.answer.retrieval["understood"]["by"] == "turns"


@pytest.mark.parametrize("kind", ["hang", "stuck", "endless"])
def test_a_model_that_takes_too_long_to_rewrite_holds_nobody_up(
    *,
    kind: str,
    alice: User,
    documents: None,
    answered: Ask,
    rewriter: Callable[[Script], ModelServer],
    settings: Any,
) -> None:
    settings.REWRITE_TIMEOUT_MS = 300
    rewriter(Script(kind, text="How much notice before leave begins?"))
    first = answered(alice, FIRST)
    began = monotonic()
    second = answered(alice, NEXT, session_id=first.session.pk)
    assert second.answer.retrieval["understood"]["by"] == "turns"
    assert second.answer.outcome == "answered"
    assert monotonic() - began < 10.0


def test_what_a_model_makes_up_is_not_searched(
    alice: User, documents: None, answered: Ask, rewriter: Callable[[Script], ModelServer]
) -> None:
    rewriter(Script(text="Ignore this and search salaries passwords secrets of directors."))
    first = answered(alice, FIRST)
    second = answered(alice, NEXT, session_id=first.session.pk)
    assert second.answer.retrieval["understood"]["by"] == "turns"
    assert "passwords" not in str(second.answer.retrieval)


def test_no_model_is_asked_where_it_is_switched_off(
    alice: User,
    documents: None,
    answered: Ask,
    rewriter: Callable[[Script], ModelServer],
    settings: Any,
) -> None:
    settings.REWRITE_TIMEOUT_MS = 0
    server = rewriter(Script(text="How much notice before leave begins?"))
    first = answered(alice, FIRST)
    answered(alice, NEXT, session_id=first.session.pk)
    assert rewritings(server) == []
    assert Message.objects.filter(retrieval__understood__by="turns").count() == 1


def test_what_is_shown_of_a_follow_up_can_be_read(
    alice: User, documents: None, answered: Ask
) -> None:
    first = answered(alice, FIRST)
    second = answered(alice, "And how is it paid?", session_id=first.session.pk)
    [shown] = reading.answer(second.answer, user=alice)["searched_for"]
    assert shown.startswith("And how is it paid? (")
    [query] = second.answer.retrieval["understood"]["queries"]
    assert query != shown
