"""A question is stored once, answered once, and refused with a reason."""

import threading
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.db import connections
from rest_framework.test import APIClient

from chat.models import ChatSession, Message
from chat.services import Asked, Question, ask, regenerate
from core.errors import Invalid, NotFound, Throttled
from core.models import RateWindow
from knowledge.models import Document
from tests.model_server import ModelServer, Script
from users.models import User
from users.services import make_visitor

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.engine]

SEND = "/api/chat/send/"
ASK = {"message": "When is parental leave paid in full?"}


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"message": ""},
        {"message": "  \n\t "},
        {"message": "\x00\x01\x02"},
        {"message": "x" * 5001},
        {"message": ["a"]},
        {"message": {"a": 1}},
        {"message": None},
    ],
)
def test_a_message_that_is_none_is_refused_and_leaves_nothing(
    body: dict[str, Any], alice: User, api: Callable[..., APIClient]
) -> None:
    for address in (SEND, "/api/chat/stream/"):
        response = api(alice).post(address, body)
        assert response.status_code == 400
        assert list(response.json()) == ["message"]
    assert ChatSession.objects.count() == 0
    assert RateWindow.objects.count() == 0


def test_the_longest_message_is_accepted_after_trimming(
    alice: User, api: Callable[..., APIClient]
) -> None:
    response = api(alice).post(SEND, {"message": "  " + "x" * 5000 + "\n"})
    assert response.status_code == 200
    assert len(Message.objects.get(role="user").text) == 5000


def test_control_characters_are_removed_but_newline_and_tab(
    alice: User, api: Callable[..., APIClient]
) -> None:
    api(alice).post(SEND, {"message": "a\x00b\x1b\r\nc\td\x7f"})
    assert Message.objects.get(role="user").text == "ab\nc\td"


@pytest.mark.parametrize(
    ("extra", "field"),
    [
        ({"chat_session_id": "not-a-uuid"}, "chat_session_id"),
        ({"model": "gpt-99"}, "model"),
        ({"top_k": 0}, "top_k"),
        ({"top_k": 51}, "top_k"),
        ({"filters": {"document_ids": ["x"]}}, "filters"),
        ({"filters": "all"}, "filters"),
    ],
)
def test_a_field_that_cannot_be_used_is_named(
    extra: dict[str, Any], field: str, alice: User, api: Callable[..., APIClient]
) -> None:
    response = api(alice).post(SEND, {**ASK, **extra})
    assert response.status_code == 400
    assert list(response.json()) == [field]


def test_a_body_that_is_not_json_is_refused(alice: User, api: Callable[..., APIClient]) -> None:
    client = api(alice)
    assert client.post(SEND, "{no", content_type="application/json").status_code == 400
    assert client.post(SEND, "[]", content_type="application/json").status_code == 400
    assert client.post(SEND, "a=b", content_type="text/plain").status_code == 415


def test_the_conversation_of_a_stranger_does_not_exist_and_nothing_is_written(
    alice: User, charlie: User, api: Callable[..., APIClient]
) -> None:
    theirs = ChatSession.objects.create(user=charlie, title="private")
    for session_id in (theirs.pk, uuid4()):
        body = {**ASK, "chat_session_id": str(session_id)}
        for address in (SEND, "/api/chat/stream/"):
            response = api(alice).post(address, body)
            assert response.status_code == 404
            assert response.json()["code"] == "not_found"
    assert Message.objects.count() == 0
    assert ChatSession.objects.count() == 1


def test_the_same_key_gives_the_same_message(
    alice: User, leave: Document, api: Callable[..., APIClient]
) -> None:
    client = api(alice)
    first = client.post(SEND, ASK, headers={"Idempotency-Key": "k1"}).json()
    again = client.post(SEND, ASK, headers={"Idempotency-Key": "k1"}).json()
    assert first == again
    assert Message.objects.count() == 2
    other = client.post(SEND, {"message": "Another?"}, headers={"Idempotency-Key": "k1"})
    assert other.status_code == 409
    assert other.json()["code"] == "conflict"
    assert Message.objects.count() == 2


def test_the_keys_of_two_people_are_two_keys(
    alice: User, charlie: User, api: Callable[..., APIClient]
) -> None:
    for user in (alice, charlie):
        api(user).post(SEND, ASK, headers={"Idempotency-Key": "k1"})
    assert Message.objects.filter(role="assistant").count() == 2


def test_a_key_that_is_too_long_is_refused(alice: User) -> None:
    with pytest.raises(Invalid):
        ask(alice, Question("Anything?"), key="k" * 201)


def test_eight_posts_at_once_with_one_key_are_one_message(alice: User) -> None:
    start = threading.Barrier(8)
    got: list[Asked] = []

    def post() -> None:
        try:
            start.wait(5)
            got.append(ask(alice, Question("When is leave paid?"), key="once"))
        finally:
            connections.close_all()

    threads = [threading.Thread(target=post) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len({asked.answer.pk for asked in got}) == 1
    assert len(got) == 8
    assert sum(asked.is_new for asked in got) == 1
    assert Message.objects.count() == 2
    assert ChatSession.objects.count() == 1


def test_a_key_of_a_deleted_conversation_is_not_found(
    alice: User, answered: Callable[..., Asked]
) -> None:
    asked = ask(alice, Question("When is leave paid?"), key="once")
    ChatSession.objects.filter(pk=asked.session.pk).update(is_active=False)
    with pytest.raises(NotFound):
        ask(alice, Question("When is leave paid?"), key="once")


def test_a_third_answer_at_once_has_to_wait(
    alice: User, leave: Document, model_server: ModelServer, api: Callable[..., APIClient]
) -> None:
    model_server.script = Script(first_delay=1.0, text="Yes [1].")
    for _ in range(2):
        ask(alice, Question("How many weeks of parental leave may an employee take?"))
    response = api(alice).post(SEND, ASK)
    assert response.status_code == 429
    assert int(response["Retry-After"]) > 0
    assert Message.objects.filter(role="assistant").count() == 2


def test_members_and_visitors_have_limits_of_their_own(
    alice: User, visitor: User, settings: Any, answered: Callable[..., Asked]
) -> None:
    settings.RATES = {**settings.RATES, "chat_user": "2/day", "chat_anonymous": "1/day"}
    answered(alice, "One?")
    answered(alice, "Two?")
    with pytest.raises(Throttled):
        ask(alice, Question("Three?"))
    answered(visitor, "One?")
    with pytest.raises(Throttled):
        ask(visitor, Question("Two?"))


def test_a_fresh_visitor_at_the_same_address_is_no_way_round(
    db: None, settings: Any, api: Callable[..., APIClient]
) -> None:
    settings.RATES = {**settings.RATES, "chat_anonymous": "2/day"}
    statuses = [api(make_visitor()).post(SEND, ASK).status_code for _ in range(3)]
    assert statuses == [200, 200, 429]


def test_asking_again_counts_against_the_limit_of_the_address(
    visitor: User, settings: Any, answered: Callable[..., Asked]
) -> None:
    settings.RATES = {**settings.RATES, "chat_anonymous": "2/day"}
    asked = answered(visitor, "One?", address="a")
    answered(make_visitor(), "Two?", address="a")
    with pytest.raises(Throttled):
        regenerate(visitor, asked.answer.pk, address="a")


def test_a_title_that_is_given_while_a_question_is_asked_stays(
    alice: User, answered: Callable[..., Asked], monkeypatch: pytest.MonkeyPatch
) -> None:
    session = answered(alice, "One?").session

    def stale(_: Any, session_id: Any) -> ChatSession:
        found = ChatSession.objects.get(pk=session_id)
        ChatSession.objects.filter(pk=session_id).update(title="Mine", title_is_theirs=True)
        found.title = ""
        return found

    monkeypatch.setattr("chat.services.asking.own_session", stale)
    answered(alice, "Two?", session_id=session.pk)
    session.refresh_from_db()
    assert session.title == "Mine"


def test_the_same_message_again_does_not_count_against_the_limit(
    alice: User, settings: Any, api: Callable[..., APIClient]
) -> None:
    settings.RATES = {**settings.RATES, "chat_user": "1/day"}
    for _ in range(3):
        response = api(alice).post(SEND, ASK, headers={"Idempotency-Key": "k1"})
        assert response.status_code == 200
