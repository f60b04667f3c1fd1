"""A model names a conversation after its first answer, and never over a name of the reader's."""

import time
from collections.abc import Callable
from typing import Any

import pytest

from chat.models import ChatSession, ModelCall
from chat.services import Asked, rename
from knowledge.models import Document
from tests.model_server import ModelServer, Script
from users.models import User

pytestmark = [pytest.mark.django_db(transaction=True)]

QUESTION = "How many weeks of parental leave may an employee take?"
NAMES = "You name a conversation"


@pytest.fixture(autouse=True)
def _titles(settings: Any) -> None:
    settings.TITLE_TIMEOUT_MS = 3000


def titled(asked: Asked) -> str:
    """The title, once what follows the answer is done."""
    until = time.monotonic() + 10
    first = asked.session.title
    while time.monotonic() < until:
        title = ChatSession.objects.get(pk=asked.session.pk).title
        is_called = ModelCall.objects.filter(purpose="title").exclude(outcome="running").exists()
        if title != first or is_called:
            time.sleep(0.3)
            return ChatSession.objects.get(pk=asked.session.pk).title
        time.sleep(0.05)
    return ChatSession.objects.get(pk=asked.session.pk).title


def test_a_model_gives_the_title_from_the_question_alone(
    alice: User, leave: Document, answered: Callable[..., Asked], model_server: ModelServer
) -> None:
    model_server.asides[NAMES] = Script(text='"Length of parental leave."')
    assert titled(answered(alice, QUESTION)) == "Length of parental leave"
    asked = next(r for r in model_server.requests if r["messages"][0]["content"].startswith(NAMES))
    assert QUESTION in asked["messages"][1]["content"]
    assert "fifty-two" not in str(asked)
    call = ModelCall.objects.get(purpose="title")
    assert call.user_id == alice.pk


@pytest.mark.parametrize(
    "said", ["", "One\nTwo", "x" * 200, "See https://evil.example/", "<<<>>>", "Wie viele und was"]
)
def test_a_reply_that_is_no_title_changes_nothing(
    said: str,
    alice: User,
    leave: Document,
    answered: Callable[..., Asked],
    model_server: ModelServer,
) -> None:
    model_server.asides[NAMES] = Script(text=said) if said else Script("silent")
    assert titled(answered(alice, QUESTION)) == QUESTION


def test_a_name_of_the_readers_own_stands(
    alice: User, leave: Document, answered: Callable[..., Asked], model_server: ModelServer
) -> None:
    model_server.asides[NAMES] = Script(text="Parental leave", first_delay=1.0)
    asked = answered(alice, QUESTION)
    rename(alice, asked.session.pk, "Mine")
    time.sleep(1.5)
    assert titled(asked) == "Mine"


def test_only_the_first_answer_gives_a_title(
    alice: User, leave: Document, answered: Callable[..., Asked], model_server: ModelServer
) -> None:
    model_server.asides[NAMES] = Script(text="Parental leave")
    first = answered(alice, QUESTION)
    assert titled(first) == "Parental leave"
    answered(alice, "When is parental leave paid?", session_id=first.session.pk)
    time.sleep(0.5)
    assert ModelCall.objects.filter(purpose="title").count() == 1


def test_no_model_is_asked_where_titles_are_off(
    alice: User,
    leave: Document,
    answered: Callable[..., Asked],
    model_server: ModelServer,
    settings: Any,
) -> None:
    settings.TITLE_TIMEOUT_MS = 0
    answered(alice, QUESTION)
    time.sleep(0.5)
    assert not ModelCall.objects.filter(purpose="title").exists()


def test_without_a_model_the_question_is_cut(
    alice: User, leave: Document, answered: Callable[..., Asked]
) -> None:
    assert titled_at_once(answered(alice, QUESTION)) == QUESTION


def titled_at_once(asked: Asked) -> str:
    return ChatSession.objects.get(pk=asked.session.pk).title
