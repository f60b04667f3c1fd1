"""A greeting is answered as one: no search is claimed, no source shown, no model asked."""

from collections.abc import Callable

import pytest
from django.test import Client
from rest_framework.test import APIClient

from chat import reading
from chat.services import Asked
from knowledge.models import Document
from tests.chat.wire import parse
from tests.model_server import ModelServer
from users.models import User

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_greeting_is_answered_without_a_search_or_a_model(
    alice: User, leave: Document, api: Callable[..., APIClient], model_server: ModelServer
) -> None:
    response = api(alice).post("/api/chat/stream/", {"message": "Hello!"})
    events = parse(b"".join(response))
    assert [event.event for event in events] == ["session", "sources", "token", "done"]
    body = events[-1].data
    assert body["outcome"] == "general"
    assert body["sources"] == body["sentences"] == body["searched_for"] == []
    assert body["message"].startswith("Hello!")
    assert not body["grounded"]
    assert model_server.requests == []


def test_a_question_behind_a_greeting_is_answered_from_the_documents(
    alice: User, leave: Document, answered: Callable[..., Asked]
) -> None:
    asked = answered(alice, "Hello! How many weeks of parental leave may an employee take?")
    assert asked.answer.outcome == "answered"


@pytest.mark.parametrize(
    ("message", "begins"),
    [("Danke!", "Gern"), ("¡Hola!", "¡Hola"), ("你好", "您好"), ("شكرا", "على")],
)
def test_the_reply_is_in_the_language_of_the_greeting(
    message: str, begins: str, alice: User, answered: Callable[..., Asked]
) -> None:
    assert answered(alice, message).answer.text.startswith(begins)


def test_what_it_can_do_names_documents_that_the_asker_may_read_and_no_other(
    alice: User,
    leave: Document,
    add_text: Callable[..., Document],
    answered: Callable[..., Asked],
    client: Client,
) -> None:
    add_text("Board Minutes", "# Minutes\n\nSecret words.", groups=("board",))
    asked = answered(alice, "What can you do?")
    body = reading.answer(asked.answer, user=alice)
    assert [near["title"] for near in body["nearest"]] == ["Parental Leave Policy"]
    assert "1" in body["message"]
    client.force_login(alice)
    html = client.get(f"/c/{asked.session.pk}/").content.decode()
    assert "Parental Leave Policy" in html
    assert "Board Minutes" not in html
    Document.objects.filter(pk=leave.pk).update(is_restricted=True)
    assert reading.answer(asked.answer, user=alice)["nearest"] == []


def test_small_talk_is_not_remembered(
    alice: User, leave: Document, answered: Callable[..., Asked], api: Callable[..., APIClient]
) -> None:
    asked = answered(alice, "Hello")
    url = f"/api/chat/sessions/{asked.session.pk}/memory/"
    assert api(alice).get(url).json()["questions"] == []
