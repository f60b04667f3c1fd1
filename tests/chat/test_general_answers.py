"""WHEN_NOT_FOUND=general: the model may speak for itself, labelled so and without footnotes."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from chat import reading
from chat.services import Asked
from knowledge.models import Document
from tests.model_server import ModelServer, Script
from users.models import User

pytestmark = pytest.mark.django_db(transaction=True)

OFF_TOPIC = "What is the boiling point of neon?"


@pytest.fixture
def speaking(model_server: ModelServer, settings: Any) -> ModelServer:
    settings.WHEN_NOT_FOUND = "general"
    model_server.script = Script(text="Neon boils at 27 kelvin [1], I believe [2].")
    return model_server


def test_the_answer_is_labelled_and_has_no_mark(
    alice: User,
    leave: Document,
    answered: Callable[..., Asked],
    speaking: ModelServer,
    client: Client,
) -> None:
    asked = answered(alice, OFF_TOPIC)
    body = reading.answer(asked.answer, user=alice)
    assert body["outcome"] == "general"
    assert body["message"] == "Neon boils at 27 kelvin, I believe."
    assert body["sources"] == []
    assert not body["grounded"]
    assert body["notice"]["detail"].startswith("Not from the documents.")
    assert "passage 1" not in speaking.requests[-1]["messages"][-1]["content"]
    client.force_login(alice)
    html = client.get(f"/c/{asked.session.pk}/").content.decode()
    assert html.count("Not from the documents.") >= 2


def test_what_the_documents_answer_is_answered_from_them(
    alice: User, leave: Document, answered: Callable[..., Asked], speaking: ModelServer
) -> None:
    speaking.script = Script()
    asked = answered(alice, "How many weeks of parental leave may an employee take?")
    assert asked.answer.outcome == "answered"


@pytest.mark.parametrize("kind", ["broken", "silent", "garbage"])
def test_a_model_that_says_nothing_leaves_it_at_not_found(
    kind: str,
    alice: User,
    leave: Document,
    answered: Callable[..., Asked],
    speaking: ModelServer,
) -> None:
    speaking.script = Script(kind)
    answer = answered(alice, OFF_TOPIC).answer
    assert answer.outcome == "not_found"
    assert answer.text.startswith("Not in my documents.")
    assert answer.model == "extractive"


def test_an_answer_that_breaks_off_keeps_its_label(
    alice: User, leave: Document, answered: Callable[..., Asked], speaking: ModelServer
) -> None:
    speaking.script = Script("reset", text="Neon boils at 27 kelvin or so.", cut_after=3)
    answer = answered(alice, OFF_TOPIC).answer
    assert answer.outcome == "general"
    assert answer.notice["detail"].startswith("Not from the documents, and cut short.")


def test_without_a_model_it_is_refused(
    alice: User, leave: Document, answered: Callable[..., Asked], settings: Any
) -> None:
    settings.WHEN_NOT_FOUND = "general"
    assert answered(alice, OFF_TOPIC).answer.outcome == "not_found"


def test_by_default_it_is_refused(
    alice: User, leave: Document, answered: Callable[..., Asked], model_server: ModelServer
) -> None:
    assert answered(alice, OFF_TOPIC).answer.outcome == "not_found"
    assert model_server.requests == []
