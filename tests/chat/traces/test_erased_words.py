"""What is erased from documents and conversations leaves no word in a trace."""

import threading
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from chat.forgetting import forget_document
from chat.models import Trace
from chat.services import clear_memory
from knowledge.models import Document
from knowledge.services import delete_document
from tests.chat.test_memory import conversation
from tests.chat.traces.reading import (
    QUESTION,
    REWRITES,
    TRUE,
    Answered,
    allowed,
    calls,
    shown,
    told,
    trace_rows,
)
from tests.model_server import ModelServer, Script
from users.models import User

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.engine]


@pytest.mark.usefixtures("leave")
def test_an_erased_document_takes_what_was_called_and_brought_along(
    alice: User, travel: Document, answered: Answered, web: ModelServer, reader: Client
) -> None:
    web.first = [
        calls(("search_the_web", {"query": "second class pelicans"}), text="Of the albatross."),
        calls(("open_document", {"document": travel.pk})),
    ]
    web.script = Script(text=TRUE)
    asked = answered(alice, QUESTION, top_k=1)
    before = shown(asked, reader)
    assert all(words in before for words in ("pelicans", "albatross", "Train journeys", "at noon"))
    number = travel.pk
    delete_document(travel)
    forget_document(number)
    after = shown(asked, reader) + trace_rows()
    for words in ("pelicans", "albatross", "Train journeys", "second class", "at noon"):
        assert words not in after
    first, second, third = told(asked).prompts
    assert first.is_sent
    assert not second.is_sent
    assert "taken out" in second.reasons[0]
    assert third.missing.passages > 0
    assert [part.is_sent for part in second.parts] == [True, True, False, False]


def test_an_erased_document_takes_the_sentences_that_were_never_shown_along(
    alice: User, leave: Document, answered: Answered, strict: ModelServer, reader: Client
) -> None:
    asked = answered(alice, QUESTION)
    assert "7 blocks" in shown(asked, reader)
    number = leave.pk
    delete_document(leave)
    forget_document(number)
    left = shown(asked, reader) + trace_rows()
    assert "7 blocks" not in left
    assert "fifty-two" not in left
    assert not any(one.is_sent for one in told(asked).prompts)


def test_a_document_that_goes_while_the_answer_is_written_leaves_no_words(
    alice: User, leave: Document, travel: Document, answered: Answered, tools: ModelServer
) -> None:
    number = travel.pk

    def erase() -> None:
        delete_document(travel)
        forget_document(number)
        connection.close()

    def says(request: dict[str, Any]) -> str:
        worker = threading.Thread(target=erase)
        worker.start()
        worker.join(20)
        return TRUE

    tools.first = [calls(("open_document", {"document": number}), text="Of the albatross.")]
    tools.script = Script(says=says)
    answered(alice, QUESTION, top_k=1)
    assert not Document.objects.filter(pk=number).exists()
    assert "albatross" not in trace_rows()


def test_a_memory_that_is_cleared_while_the_answer_is_written_leaves_no_words(
    alice: User, leave: Document, answered: Answered, model_server: ModelServer
) -> None:
    session = conversation(alice, 12)

    def clear() -> None:
        clear_memory(alice, session.pk)
        connection.close()

    def says(request: dict[str, Any]) -> str:
        assert "about item 3" in str(request)
        worker = threading.Thread(target=clear)
        worker.start()
        worker.join(20)
        return TRUE

    model_server.asides[REWRITES] = Script(text="none")
    model_server.script = Script(says=says)
    asked = answered(alice, QUESTION, session_id=session.pk)
    [prompt] = [one for one in told(asked).prompts if one.stored["kind"] == "answer"]
    assert not prompt.is_sent
    assert "about item 3" not in trace_rows()


def test_whatever_goes_with_the_conversation_goes_from_the_trace(
    alice: User, leave: Document, answered: Answered, strict: ModelServer
) -> None:
    asked = answered(alice, QUESTION)
    assert "7 blocks" in trace_rows()
    asked.session.delete()
    assert "7 blocks" not in trace_rows()
    assert not Trace.objects.exists()


def test_staff_without_the_permission_see_no_word_of_any_call(
    alice: User, bob: User, leave: Document, answered: Answered, tools: ModelServer
) -> None:
    tools.first = [calls(("search_documents", {"query": "pelicans"}), text="Of the albatross.")]
    tools.script = Script(text=TRUE)
    asked = answered(alice, QUESTION)
    body = shown(asked, allowed(bob, "view_message"))
    for words in ("pelicans", "albatross", "Nothing was found", "52 weeks"):
        assert words not in body
    assert "search_documents" in body
