"""The events of an answer, in their order."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.http.response import StreamingHttpResponse
from rest_framework.test import APIClient

from chat.models import Message
from chat.services import Asked
from knowledge.models import Document
from tests.chat.wire import kinds, parse, text_of
from tests.model_server import ModelServer, Script
from users.models import User

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.engine]

QUESTION = {"message": "How many weeks of parental leave may an employee take?"}


def body_of(response: Any) -> bytes:
    assert isinstance(response, StreamingHttpResponse), response.content
    return b"".join(response)


def test_a_quoted_answer_comes_as_session_sources_citations_tokens_done(
    alice: User, leave: Document, api: Callable[..., APIClient]
) -> None:
    response = api(alice).post("/api/chat/stream/", QUESTION)
    found = parse(body_of(response))
    names = kinds(found)
    assert names[:2] == ["session", "sources"]
    assert names[-1] == "done"
    assert names.index("citation") < len(names) - 2
    assert found[-1].data["message"] == text_of(found)


def test_the_citation_stands_just_before_the_first_token_with_its_mark(
    alice: User, leave: Document, api: Callable[..., APIClient], model_server: ModelServer
) -> None:
    model_server.script = Script(text="You may take 52 weeks [2]. It is paid [1], says [2].")
    found = parse(body_of(api(alice).post("/api/chat/stream/", QUESTION)))
    said = ""
    for frame in found:
        if frame.event == "citation":
            assert f"[{frame.data['number']}]" not in said
            assert frame.data["source"]["number"] == frame.data["number"]
        said += frame.data["text"] if frame.event == "token" else ""
    assert [f.data["number"] for f in found if f.event == "citation"] == [1, 2]
    assert said == "You may take 52 weeks [1]. It is paid [2], says [1]."


def test_ids_count_the_code_points_that_were_sent(
    alice: User, leave: Document, api: Callable[..., APIClient], model_server: ModelServer
) -> None:
    model_server.script = Script(text="Wörter mit Ümläuten 🦊 zählen [1].", delay=0.03)
    sent = 0
    for frame in parse(body_of(api(alice).post("/api/chat/stream/", QUESTION))):
        sent += len(frame.data["text"]) if frame.event == "token" else 0
        assert frame.id == sent


def test_candidates_have_no_number_and_steps_say_what_was_searched(
    alice: User, leave: Document, api: Callable[..., APIClient]
) -> None:
    found = parse(body_of(api(alice).post("/api/chat/stream/", QUESTION)))
    sources = next(frame for frame in found if frame.event == "sources").data["sources"]
    assert sources
    assert all(source["number"] is None for source in sources)
    assert next(f for f in found if f.event == "step").data == {"text": "Searched 1 document"}


def test_the_headers_keep_proxies_from_holding_it_back(
    alice: User, leave: Document, api: Callable[..., APIClient]
) -> None:
    response = api(alice).post(
        "/api/chat/stream/", QUESTION, headers={"Accept": "text/event-stream"}
    )
    body_of(response)
    assert response["Content-Type"] == "text/event-stream"
    assert response["Cache-Control"] == "no-cache, no-transform"
    assert response["X-Accel-Buffering"] == "no"
    assert response["Content-Encoding"] == "identity"


def test_a_finished_answer_is_replayed_and_ends_with_done(
    alice: User, leave: Document, api: Callable[..., APIClient], answered: Callable[..., Asked]
) -> None:
    asked = answered(alice, QUESTION["message"])
    response = api(alice).get(f"/api/chat/messages/{asked.answer.pk}/stream/")
    found = parse(body_of(response))
    assert kinds(found)[:2] == ["session", "sources"]
    assert found[1].data["sources"]
    assert text_of(found) == asked.answer.text
    assert found[-1].event == "done"
    assert found[-1].data["message_id"] == str(asked.answer.pk)


def test_joining_gives_the_text_behind_the_last_event_id(
    alice: User, leave: Document, api: Callable[..., APIClient], answered: Callable[..., Asked]
) -> None:
    asked = answered(alice, QUESTION["message"])
    address = f"/api/chat/messages/{asked.answer.pk}/stream/"
    whole = asked.answer.text
    for after in (0, 1, 17, len(whole) - 1, len(whole), len(whole) + 50):
        response = api(alice).get(address, headers={"Last-Event-ID": str(after)})
        found = parse(body_of(response))
        assert text_of(found) == whole[after:]
        assert kinds(found)[:2] == ["session", "sources"]
    by_query = parse(body_of(api(alice).get(f"{address}?after=17")))
    assert text_of(by_query) == whole[17:]


def test_a_last_event_id_that_is_no_number_begins_anew(
    alice: User, leave: Document, api: Callable[..., APIClient], answered: Callable[..., Asked]
) -> None:
    asked = answered(alice, QUESTION["message"])
    for given in ("-5", "x", "٣", "9" * 40):
        response = api(alice).get(
            f"/api/chat/messages/{asked.answer.pk}/stream/",
            headers={"Last-Event-ID": given.encode().decode("latin-1")},
        )
        assert text_of(parse(body_of(response))) == asked.answer.text


def test_an_error_of_the_request_is_json_also_for_a_client_of_streams(
    alice: User, api: Callable[..., APIClient]
) -> None:
    accept = {"Accept": "text/event-stream"}
    response = api(alice).post("/api/chat/stream/", {"message": " "}, headers=accept)
    assert response.status_code == 400
    assert response["Content-Type"] == "application/json"
    assert api().post("/api/chat/stream/", QUESTION, headers=accept).status_code == 401


def test_a_question_joined_by_a_stranger_does_not_exist(
    alice: User,
    charlie: User,
    leave: Document,
    api: Callable[..., APIClient],
    answered: Callable[..., Asked],
) -> None:
    asked = answered(alice, QUESTION["message"])
    address = f"/api/chat/messages/{asked.answer.pk}/stream/"
    assert api(charlie).get(address).status_code == 404
    assert api(charlie).get(f"/api/chat/messages/{uuid4()}/stream/").status_code == 404
    assert api(alice).get(f"/api/chat/messages/{asked.question.pk}/stream/").status_code == 404
    assert Message.objects.count() == 2
