"""What was quoted from a document goes when the document goes, and is covered when it is closed."""

import time
from collections.abc import Callable, Iterator

import httpx
import pytest
from django.contrib.auth.models import Group
from django.db import connection
from rest_framework.test import APIClient

from chat import reading
from chat.forgetting import forget_document
from chat.models import Citation, Message
from chat.services import Asked, Question, ask
from chat.waiting import wait_for_answer
from knowledge.models import Document
from knowledge.passages import Filters
from knowledge.services import delete_document
from tests.chat.test_resuming import client
from tests.chat.wire import frames
from tests.model_server import ModelServer, Script
from users.models import User

__all__ = ["client"]

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.engine]

QUESTION = "How many weeks of parental leave may an employee take?"
NEEDLE = "fifty-two weeks"


def chat_rows() -> str:
    """Every byte of the chat's tables as text."""
    with connection.cursor() as cursor:
        found = ""
        for table in ("chat_message", "chat_citation", "chat_chatsession"):
            cursor.execute(f"SELECT * FROM {table}")
            found += repr(cursor.fetchall())
    return found


def test_a_deleted_document_leaves_none_of_its_words(
    alice: User, leave: Document, travel: Document, answered: Callable[..., Asked]
) -> None:
    asked = answered(alice, QUESTION)
    assert NEEDLE in asked.answer.text
    number = leave.pk
    delete_document(leave)
    forget_document(number)
    body = reading.answer(Message.objects.get(pk=asked.answer.pk), user=alice)
    assert NEEDLE not in chat_rows()
    assert "Entitlement" not in chat_rows()
    gone = [s for s in body["sources"] if s["document_id"] == number]
    assert gone
    for source in gone:
        assert source["gone"] == "removed"
        assert source["content"] is None
        assert source["title"] == "Parental Leave Policy"
    for sentence in body["sentences"]:
        words = body["message"][sentence["start"] : sentence["end"]]
        assert all(f"[{n}]" in words for n in sentence["numbers"])


def test_forgetting_twice_is_forgetting_once(
    alice: User, leave: Document, answered: Callable[..., Asked]
) -> None:
    asked = answered(alice, QUESTION)
    number = leave.pk
    delete_document(leave)
    forget_document(number)
    once = Message.objects.get(pk=asked.answer.pk)
    forget_document(number)
    twice = Message.objects.get(pk=asked.answer.pk)
    assert (once.text, once.sentences, once.retrieval) == (
        twice.text,
        twice.sentences,
        twice.retrieval,
    )


def test_a_restricted_document_is_covered_when_read_and_comes_back_when_opened(
    alice: User, leave: Document, answered: Callable[..., Asked], api: Callable[..., APIClient]
) -> None:
    asked = answered(alice, QUESTION)
    group = Group.objects.create(name="hr")
    leave.groups.add(group)
    client = api(alice)
    session = f"/api/chat/sessions/{asked.session.pk}/"
    stream = f"/api/chat/messages/{asked.answer.pk}/stream/"
    for address in (session, f"{session}messages/"):
        assert NEEDLE not in client.get(address).content.decode()
    assert NEEDLE.encode() not in b"".join(client.get(stream))
    body = reading.answer(asked.answer, user=alice)
    assert body["sources"][0]["gone"] == "restricted"
    assert body["sources"][0]["content"] is None
    assert body["sources"][0]["title"] == ""
    assert "You may no longer read this passage" in body["message"]
    alice.groups.add(group)
    assert NEEDLE in reading.answer(asked.answer, user=alice)["message"]


def test_a_document_deleted_while_it_is_quoted_keeps_its_number_and_loses_its_words(
    alice: User, leave: Document, travel: Document, model_server: ModelServer
) -> None:
    model_server.script = Script(text="You may take 52 weeks [1].", first_delay=1.0)
    asked = ask(alice, Question(QUESTION, filters=Filters(document_ids=(leave.pk,))))
    while not model_server.requests:
        time.sleep(0.01)
    number = leave.pk
    delete_document(leave)
    forget_document(number)
    wait_for_answer(asked.answer.pk)
    message = Message.objects.get(pk=asked.answer.pk)
    assert message.state == "done"
    citation = Citation.objects.get(message=message)
    assert citation.document_id is None
    assert citation.document_number == number
    assert reading.answer(message, user=alice)["sources"][0]["gone"] == "removed"


@pytest.fixture
def streaming(client: httpx.Client, model_server: ModelServer) -> Iterator[httpx.Client]:
    model_server.script = Script(tokens=("Take ", "52 ", "[1]", ". ", *["more "] * 80), delay=0.06)
    return client


def test_a_document_restricted_during_the_stream_is_withdrawn_and_gone_in_done(
    streaming: httpx.Client, leave: Document
) -> None:
    with streaming.stream("POST", "/api/chat/stream/", json={"message": QUESTION}) as response:
        found = []
        for frame in frames(response.iter_lines()):
            found.append(frame)
            if frame.event == "citation":
                leave.groups.add(Group.objects.create(name="hr"))
    names = [frame.event for frame in found]
    assert "withdrawn" in names
    withdrawn = found[names.index("withdrawn")]
    assert withdrawn.data == {"number": 1}
    tokens_between = names[names.index("citation") : names.index("withdrawn")].count("token")
    assert tokens_between * 0.06 < 5.0
    assert found[-1].event == "done"
    assert found[-1].data["sources"][0]["gone"] == "restricted"


def test_a_conversation_deleted_during_the_stream_ends_it(
    streaming: httpx.Client, api: Callable[..., APIClient], alice: User
) -> None:
    with streaming.stream("POST", "/api/chat/stream/", json={"message": QUESTION}) as response:
        found = []
        for frame in frames(response.iter_lines()):
            found.append(frame)
            if len(found) == 6:
                address = f"/api/chat/sessions/{found[0].data['session_id']}/"
                assert api(alice).delete(address).status_code == 204
    assert found[-1].event in {"done", "error"}
    assert sum(frame.event == "token" for frame in found) < 40
    message_id = found[0].data["message_id"]
    assert streaming.get(f"/api/chat/messages/{message_id}/stream/").status_code == 404
