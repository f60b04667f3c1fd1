"""Whatever a model does, the reader gets an answer and is told how it came to be."""

import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from rest_framework.test import APIClient

from chat.models import Message
from knowledge.models import Document
from tests.chat.wire import Frame, parse, text_of
from tests.model_server import ModelServer, Script
from users.models import User

pytestmark = [pytest.mark.django_db(transaction=True)]

QUESTION = {"message": "How many weeks of parental leave may an employee take?"}
Ask = Callable[[], list[Frame]]


@pytest.fixture
def ask(alice: User, leave: Document, api: Callable[..., APIClient]) -> Ask:
    def stream() -> list[Frame]:
        return parse(b"".join(api(alice).post("/api/chat/stream/", QUESTION)))

    return stream


@pytest.mark.parametrize(
    "kind", ["throttled", "broken", "garbage", "page", "empty", "silent", "malformed"]
)
def test_a_model_that_gives_nothing_is_replaced_by_quotes(
    kind: str, ask: Ask, model_server: ModelServer
) -> None:
    model_server.script = Script(kind=kind)
    found = ask()
    body = found[-1].data
    assert found[-1].event == "done"
    assert body["outcome"] == "answered"
    assert body["model"] == "extractive"
    assert body["notice"]["code"] == "generation_failed"
    assert body["notice"]["detail"].startswith("Quoted, not written.")
    assert body["degraded"] == ["model"]
    assert body["sources"]
    assert text_of(found) == body["message"]
    # Repeated is only what the provider refused for the moment and did not bill.
    assert len(model_server.requests) == (3 if kind == "broken" else 1)


def test_a_model_that_hangs_is_given_up_in_time(
    ask: Ask, model_server: ModelServer, settings: Any
) -> None:
    settings.MODEL_FIRST_TOKEN_SECONDS = 1
    model_server.script = Script(kind="hang")
    began = time.monotonic()
    body = ask()[-1].data
    assert time.monotonic() - began < 5
    assert body["notice"]["code"] == "model_timeout"
    assert body["model"] == "extractive"
    assert body["outcome"] == "answered"


def test_a_model_that_nobody_answers_for_is_replaced_too(ask: Ask, settings: Any) -> None:
    settings.OPENAI_BASE_URL = "http://127.0.0.1:9/v1"
    body = ask()[-1].data
    assert body["notice"]["code"] == "generation_failed"
    assert body["outcome"] == "answered"


def test_what_was_said_before_the_line_broke_stands_and_is_marked(
    ask: Ask, model_server: ModelServer
) -> None:
    model_server.script = Script(
        kind="reset", text="You may take 52 weeks [1]. And then", cut_after=6, delay=0.02
    )
    found = ask()
    body = found[-1].data
    assert [frame.event for frame in found].count("done") == 1
    assert body["state"] == "done"
    assert body["message"] == "You may take 52 weeks [1]."
    assert body["model"] == "scripted"
    assert body["notice"]["code"] == "generation_failed"
    assert body["notice"]["detail"].startswith("Cut short.")
    assert text_of(found) == body["message"]


def test_a_model_that_stops_sending_in_the_middle_is_cut(
    ask: Ask, model_server: ModelServer, settings: Any
) -> None:
    settings.MODEL_NEXT_TOKEN_SECONDS = 1
    model_server.script = Script(kind="stuck", text="You may take 52 weeks [1].", cut_after=3)
    body = ask()[-1].data
    assert body["message"] == "You may take"
    assert body["notice"]["code"] == "model_timeout"


def test_a_model_without_an_end_is_cut(ask: Ask, model_server: ModelServer) -> None:
    model_server.script = Script(kind="endless")
    body = ask()[-1].data
    assert body["state"] == "done"
    assert len(body["message"]) < 10_000
    assert body["notice"]["detail"].startswith("Cut short.")


def test_a_number_that_was_not_in_the_prompt_is_dropped(
    ask: Ask, model_server: ModelServer
) -> None:
    model_server.script = Script(text="You may take 52 weeks [9]. It is paid [1]. See [77].")
    body = ask()[-1].data
    assert body["message"] == "You may take 52 weeks. It is paid [1]. See."
    assert [source["number"] for source in body["sources"]] == [1]
    assert [s["support"] for s in body["sentences"]] == ["unsupported"] * 3
    assert body["grounded"] is False
    assert len(body["unsupported"]) == 3


def test_a_model_that_finds_nothing_says_so_and_the_reader_never_sees_the_word(
    ask: Ask, model_server: ModelServer
) -> None:
    model_server.script = Script(tokens=("NOT", "_IN", "_DOC", "UMENTS", "."))
    found = ask()
    body = found[-1].data
    assert body["outcome"] == "not_found"
    assert body["message"].startswith("Not in my documents.")
    assert "NOT_IN" not in text_of(found)
    assert [near["title"] for near in body["nearest"]] == ["Parental Leave Policy"]


def test_the_providers_own_count_of_tokens_is_kept(ask: Ask, model_server: ModelServer) -> None:
    model_server.script = Script(text="You may take 52 weeks [1].")
    body = ask()[-1].data
    assert body["tokens_used"] == 106
    model_server.script = Script(text="You may take 52 weeks [1].", usage=False)
    assert ask()[-1].data["tokens_used"] > 100


def test_the_prompt_numbers_its_passages_and_fences_them_as_data(
    ask: Ask, model_server: ModelServer
) -> None:
    ask()
    request = model_server.requests[0]
    prompt = request["messages"][-1]["content"]
    assert request["stream"] is True
    assert request["stream_options"] == {"include_usage": True}
    assert request["max_tokens"] == 700
    assert request["messages"][0]["role"] == "system"
    assert "passage 1: Parental Leave Policy" in prompt
    assert QUESTION["message"] in prompt


def test_the_last_turns_are_part_of_the_prompt(
    alice: User, leave: Document, api: Callable[..., APIClient], model_server: ModelServer
) -> None:
    model_server.script = Script(text="You may take 52 weeks [1].")
    first = api(alice).post("/api/chat/send/", QUESTION).json()
    follow_up = {"message": "When is parental leave paid?", "chat_session_id": first["session_id"]}
    assert api(alice).post("/api/chat/send/", follow_up).status_code == 200
    said = [(m["role"], m["content"]) for m in model_server.requests[1]["messages"][1:-1]]
    assert said == [("user", QUESTION["message"]), ("assistant", "You may take 52 weeks .")]


def test_a_caller_may_choose_to_have_the_documents_quoted(
    alice: User, leave: Document, api: Callable[..., APIClient], model_server: ModelServer
) -> None:
    listed = api(alice).get("/api/chat/models/").json()["results"]
    assert [row["model"] for row in listed] == ["scripted", "extractive"]
    body = api(alice).post("/api/chat/send/", {**QUESTION, "model": "extractive"}).json()
    assert body["model"] == "extractive"
    assert body["notice"] is None
    assert model_server.requests == []


def test_an_error_of_our_own_ends_in_a_failed_answer_that_can_be_asked_again(
    alice: User, leave: Document, api: Callable[..., APIClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr("chat.understanding.search", broken)
    response = api(alice).post("/api/chat/send/", QUESTION)
    assert response.status_code == 503
    assert response.json()["code"] == "retrieval_unavailable"
    message = Message.objects.get(role="assistant")
    assert message.state == "failed"
    found = parse(b"".join(api(alice).get(f"/api/chat/messages/{message.pk}/stream/")))
    assert found[-1].event == "error"
    assert json.loads(json.dumps(found[-1].data))["code"] == "retrieval_unavailable"


def test_an_answer_in_another_language_is_told(ask: Ask, model_server: ModelServer) -> None:
    model_server.script = Script(text="Bis zu zweiundfünfzig Wochen Elternzeit [1].")
    body = ask()[-1].data
    assert body["message"] == "Bis zu zweiundfünfzig Wochen Elternzeit [1]."
    assert body["notice"]["code"] == "other_language"
