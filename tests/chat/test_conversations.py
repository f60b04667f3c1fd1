"""Conversations by API: one's own, whole, in few queries; a stranger's are not there."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from rest_framework.test import APIClient

from chat.export import conversations_of
from chat.models import ChatSession, Citation, Message
from chat.services import Asked
from knowledge.models import Document
from users.models import User

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.engine]

Client = Callable[..., APIClient]
SESSIONS = "/api/chat/sessions/"


def make_session(
    user: User, document: Document | None, turns: int = 1, title: str = "t"
) -> ChatSession:
    session = ChatSession.objects.create(user=user, title=title)
    version = document.active_version if document else None
    for turn in range(turns):
        question = Message.objects.create(
            session=session, ordinal=2 * turn, role="user", text=f"question {turn}"
        )
        answer = Message.objects.create(
            session=session,
            ordinal=2 * turn + 1,
            role="assistant",
            question=question,
            text="Said.[1]",
            outcome="answered",
            model="extractive",
            sentences=[{"start": 0, "end": 8, "numbers": [1], "support": "supported"}],
        )
        Citation.objects.create(
            message=answer,
            number=1,
            document=document,
            version=version,
            document_number=document.pk if document else 1,
            version_number=1,
            title="T",
            start=0,
            end=10 + turn,
            passage_start=0,
            passage_end=20,
        )
    return session


def count_queries(work: Callable[[], Any]) -> int:
    with CaptureQueriesContext(connection) as queries:
        work()
    return len(queries)


def test_a_session_has_exactly_these_fields(alice: User, api: Client) -> None:
    made = api(alice).post(SESSIONS, {"title": "Leave"})
    assert made.status_code == 201
    body = made.json()
    assert set(body) == {
        "session_id", "title", "is_active", "model", "message_count", "created_at", "updated_at",
        "last_activity", "kept_until",
    }  # fmt: skip
    assert body["title"] == "Leave"
    opened = api(alice).get(f"{SESSIONS}{body['session_id']}/").json()
    assert opened["messages"] == []
    assert api(alice).post(SESSIONS, {}).json()["title"] == ""


def test_the_title_comes_from_the_first_question_cut_at_a_word(
    alice: User, api: Client, answered: Callable[..., Asked]
) -> None:
    asked = answered(alice, "How many weeks of parental leave may an employee take, and how paid?")
    asked.session.refresh_from_db()
    assert asked.session.title == "How many weeks of parental leave may an employee take, and…"
    assert len(asked.session.title) <= 60


def test_a_title_of_the_readers_own_is_kept(alice: User, api: Client) -> None:
    client = api(alice)
    made = client.post(SESSIONS, {"title": "Mine"}).json()
    body = {"message": "When?", "chat_session_id": made["session_id"]}
    assert client.post("/api/chat/send/", body).status_code == 200
    assert client.get(f"{SESSIONS}{made['session_id']}/").json()["title"] == "Mine"
    renamed = client.patch(f"{SESSIONS}{made['session_id']}/", {"title": "  New\nname "})
    assert renamed.json()["title"] == "New name"


@pytest.mark.parametrize("title", ["", "   ", "x" * 201, None, ["a"]])
def test_a_title_that_is_none_is_refused(title: Any, alice: User, api: Client) -> None:
    session = make_session(alice, None)
    response = api(alice).patch(f"{SESSIONS}{session.pk}/", {"title": title}, format="json")
    assert response.status_code == 400
    assert list(response.json()) == ["title"]


def test_lists_are_latest_first_and_paginated(alice: User, api: Client) -> None:
    made = [make_session(alice, None, title=f"s{i}") for i in range(25)]
    for at, session in enumerate(made):
        moment = timezone.now() + timezone.timedelta(minutes=at)
        ChatSession.objects.filter(pk=session.pk).update(last_activity=moment)
    for address in (SESSIONS, "/api/chat/history/"):
        body = api(alice).get(address).json()
        assert body["count"] == 25
        assert len(body["results"]) == 20
        assert body["results"][0]["title"] == "s24"
        assert body["results"][0]["message_count"] == 2
        assert len(api(alice).get(f"{address}?page=2&page_size=5").json()["results"]) == 5


def test_search_does_not_tell_which_words_an_answer_quotes(alice: User, api: Client) -> None:
    make_session(alice, None, turns=1, title="Other")
    Message.objects.filter(role="assistant").update(text="secret zebras [1]")
    assert api(alice).get("/api/chat/history/?search=zebra").json()["count"] == 0


def test_search_looks_into_titles_and_questions(alice: User, charlie: User, api: Client) -> None:
    make_session(alice, None, turns=3, title="About zebras")
    other = make_session(alice, None, title="Other")
    Message.objects.filter(session=other, role="user").update(text="a word on zebras")
    make_session(charlie, None, title="zebras too")
    make_session(alice, None, title="Nothing")
    body = api(alice).get("/api/chat/history/?search=zebra").json()
    assert sorted(row["title"] for row in body["results"]) == ["About zebras", "Other"]
    assert [row["message_count"] for row in body["results"] if row["title"] == "About zebras"] == [
        6
    ]
    assert api(alice).get("/api/chat/history/?search=%00").status_code == 200


def test_lists_and_conversations_take_the_same_number_of_queries_however_long(
    alice: User, leave: Document, api: Client
) -> None:
    client = api(alice)
    short = make_session(alice, leave, turns=3)
    addresses = [
        SESSIONS + "?page_size=100",
        f"{SESSIONS}{short.pk}/",
        f"{SESSIONS}{short.pk}/messages/?page_size=100",
    ]
    client.get(SESSIONS)
    before = [count_queries(lambda a=address: client.get(a)) for address in addresses]
    for _ in range(60):
        make_session(alice, leave, turns=1)
    long = make_session(alice, leave, turns=100)
    addresses = [a.replace(str(short.pk), str(long.pk)) for a in addresses]
    after = [count_queries(lambda a=address: client.get(a)) for address in addresses]
    assert before == after


def test_a_message_shows_its_fields_and_the_thumb(
    alice: User, leave: Document, api: Client
) -> None:
    session = make_session(alice, leave)
    answer = Message.objects.get(session=session, role="assistant")
    client = api(alice)
    rated = client.post(
        f"/api/chat/messages/{answer.pk}/feedback/", {"rating": 1, "comment": " ok "}
    )
    assert rated.status_code == 200
    assert rated.json() == {"rating": 1, "comment": "ok"}
    client.post(f"/api/chat/messages/{answer.pk}/feedback/", {"rating": -1})
    question, said = client.get(f"{SESSIONS}{session.pk}/messages/").json()["results"]
    assert set(question) == {
        "message_id", "role", "message", "created_at", "feedback", "versions",
    }  # fmt: skip
    assert question["versions"] == [question["message_id"]]
    assert said["feedback"] == {"rating": -1, "comment": ""}
    assert said["sources"][0]["content"] == leave.active_version.text[0:10]
    assert "retrieval" not in said


@pytest.mark.parametrize(
    "body", [{}, {"rating": 0}, {"rating": "up"}, {"rating": 1, "comment": "x" * 2001}]
)
def test_a_rating_that_is_none_is_refused(body: dict[str, Any], alice: User, api: Client) -> None:
    answer = Message.objects.get(session=make_session(alice, None), role="assistant")
    assert api(alice).post(f"/api/chat/messages/{answer.pk}/feedback/", body).status_code == 400


def test_a_stranger_finds_nothing_at_any_door(
    alice: User, charlie: User, bob: User, visitor: User, api: Client
) -> None:
    session = make_session(alice, None)
    answer = Message.objects.get(session=session, role="assistant")
    doors = [
        ("get", f"{SESSIONS}{session.pk}/", {}),
        ("patch", f"{SESSIONS}{session.pk}/", {"title": "x"}),
        ("delete", f"{SESSIONS}{session.pk}/", {}),
        ("get", f"{SESSIONS}{session.pk}/messages/", {}),
        ("post", f"/api/chat/messages/{answer.pk}/feedback/", {"rating": 1}),
        ("post", f"/api/chat/messages/{answer.pk}/feedback/", {}),
        ("post", f"/api/chat/messages/{answer.pk}/stop/", {}),
        ("get", f"/api/chat/messages/{answer.pk}/stream/", {}),
        ("get", f"{SESSIONS}{uuid4()}/", {}),
    ]
    for user in (charlie, bob, visitor):
        for method, address, body in doors:
            response = getattr(api(user), method)(address, body)
            assert response.status_code == 404, (method, address)
            assert response.json()["code"] == "not_found"
    for method, address, body in doors:
        assert getattr(api(), method)(address, body).status_code == 401
    session.refresh_from_db()
    assert session.is_active
    assert session.title == "t"


def test_a_deleted_conversation_is_gone_at_every_door_at_once(alice: User, api: Client) -> None:
    session = make_session(alice, None)
    answer = Message.objects.get(session=session, role="assistant")
    client = api(alice)
    assert client.delete(f"{SESSIONS}{session.pk}/").status_code == 204
    assert client.delete(f"{SESSIONS}{session.pk}/").status_code == 404
    assert client.get(f"{SESSIONS}{session.pk}/").status_code == 404
    assert client.get(f"/api/chat/messages/{answer.pk}/stream/").status_code == 404
    assert client.get(SESSIONS).json()["count"] == 0
    asked = client.post("/api/chat/send/", {"message": "On?", "chat_session_id": str(session.pk)})
    assert asked.status_code == 404


def test_an_export_holds_every_conversation_and_is_ready_for_json(
    alice: User, charlie: User, leave: Document
) -> None:
    make_session(alice, leave, turns=2)
    make_session(alice, None, title="second")
    make_session(charlie, None, title="not hers")
    exported = list(conversations_of(alice))
    assert [row["title"] for row in exported] == ["t", "second"]
    assert [len(row["messages"]) for row in exported] == [4, 2]
    assert isinstance(exported[0]["messages"][0]["created_at"], str)
