"""One model after the other, and at last the documents themselves; the reader is told."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from rest_framework.test import APIClient

from chat.models import Message, ModelCall
from chat.services import regenerate
from chat.waiting import wait_for_answer
from core import health
from knowledge.models import Document
from tests.model_server import ModelServer, Script
from users.models import User

pytestmark = [pytest.mark.django_db(transaction=True)]

QUESTION = {"message": "How many weeks of parental leave may an employee take?"}
Ask = Callable[..., dict[str, Any]]
List = Callable[..., None]


@pytest.fixture
def listed(model_server: ModelServer, settings: Any, tmp_path: Path) -> List:
    """``listed("script:hang", "scripted")``: these models, in this order."""

    def write(*names: str, **more: Any) -> None:
        entries = [{"name": name, "base_url": model_server.url, **more} for name in names]
        path = tmp_path / f"models-{len(list(tmp_path.iterdir()))}.json"
        path.write_text(json.dumps({"models": entries}))
        settings.MODELS_FILE = str(path)

    return write


@pytest.fixture
def ask(alice: User, leave: Document, api: Callable[..., APIClient]) -> Ask:
    def send(**more: Any) -> dict[str, Any]:
        response = api(alice).post("/api/chat/send/", {**QUESTION, **more})
        assert response.status_code == 200, response.json()
        body: dict[str, Any] = response.json()
        return body

    return send


def test_the_next_model_writes_where_the_first_one_cannot(
    ask: Ask, listed: List, model_server: ModelServer
) -> None:
    listed("script:broken", "scripted", retries=0)
    model_server.script = Script(text="You may take 52 weeks [1].")
    body = ask()
    assert (body["model"], body["message"]) == ("scripted", "You may take 52 weeks [1].")
    assert body["notice"]["code"] == "generation_failed"
    assert body["notice"]["detail"].startswith("Written by scripted.")
    assert body["degraded"] == ["model"]
    outcomes = ModelCall.objects.order_by("pk").values_list("model", "outcome")
    assert list(outcomes) == [("script:broken", "failed"), ("scripted", "done")]


def test_a_model_that_does_not_answer_in_time_is_named_as_the_reason(
    ask: Ask, listed: List, model_server: ModelServer
) -> None:
    listed("script:hang", "scripted", first_token_seconds=0.3)
    body = ask()
    assert body["model"] == "scripted"
    assert body["notice"]["code"] == "model_timeout"


def test_where_none_can_write_the_documents_are_quoted(ask: Ask, listed: List) -> None:
    listed("script:broken", "script:silent", "script:garbage", retries=0)
    body = ask()
    assert (body["model"], body["outcome"]) == ("extractive", "answered")
    assert body["notice"]["detail"].startswith("Quoted, not written.")


def test_once_a_word_was_shown_no_other_model_begins(
    ask: Ask, listed: List, model_server: ModelServer
) -> None:
    listed("first", "second")
    model_server.first = [Script("reset", text="You may take 52 weeks [1].", cut_after=3)]
    body = ask()
    assert (body["model"], body["message"]) == ("first", "You may take")
    assert len(model_server.requests) == 1


def test_the_fallbacks_may_be_named(
    ask: Ask, listed: List, settings: Any, model_server: ModelServer
) -> None:
    listed("script:broken", "script:silent", "scripted", retries=0)
    settings.MODEL_FALLBACKS = ["scripted"]
    assert ask()["model"] == "scripted"
    assert [request["model"] for request in model_server.requests] == ["script:broken", "scripted"]


def test_no_other_model_takes_over_where_the_settings_say_so(
    ask: Ask, listed: List, settings: Any, model_server: ModelServer
) -> None:
    listed("script:broken", "scripted", retries=0)
    settings.MODEL_FALLBACKS = ["extractive"]
    assert ask()["model"] == "extractive"
    assert len(model_server.requests) == 1


def test_a_model_that_was_chosen_comes_first_and_stays_with_the_conversation(
    ask: Ask, listed: List
) -> None:
    listed("first", "second")
    body = ask(model="second")
    assert body["model"] == "second"
    again = ask(chat_session_id=body["session_id"])
    assert again["model"] == "second"
    other = ask(chat_session_id=body["session_id"], model="extractive")
    assert other["model"] == "extractive"
    assert ask(chat_session_id=body["session_id"])["model"] == "extractive"
    assert ask()["model"] == "first"


def test_the_settings_say_who_may_choose(  # noqa: PLR0917
    alice: User,
    bob: User,
    visitor: User,
    leave: Document,
    api: Callable[..., APIClient],
    listed: List,
    settings: Any,
) -> None:
    listed("first", "second")
    people = {"visitor": visitor, "alice": alice, "bob": bob}

    def may(name: str) -> bool:
        offered = api(people[name]).get("/api/chat/models/").json()["results"]
        names = [row["model"] for row in offered]
        asked = api(people[name]).post("/api/chat/send/", {**QUESTION, "model": "second"})
        assert (asked.status_code == 200) == ("second" in names)
        assert names[0] == "first"
        assert names[-1] == "extractive"
        return "second" in names

    expected = {
        "everyone": [True, True, True],
        "members": [False, True, True],
        "staff": [False, False, True],
        "nobody": [False, False, False],
    }
    for word, allowed in expected.items():
        settings.MODEL_CHOICE = word
        assert [may(name) for name in people] == allowed


def test_who_may_no_longer_choose_gets_the_default(ask: Ask, listed: List, settings: Any) -> None:
    listed("first", "second")
    session = ask(model="second")["session_id"]
    settings.MODEL_CHOICE = "staff"
    assert ask(chat_session_id=session)["model"] == "first"


def test_an_answer_that_is_asked_for_again_is_written_by_a_model_that_may_be_chosen(
    ask: Ask, listed: List, settings: Any, alice: User
) -> None:
    listed("first", "second")
    first = ask(model="second")
    again = regenerate(alice, first["message_id"])
    wait_for_answer(again.answer.pk)
    settings.MODEL_CHOICE = "staff"
    later = regenerate(alice, again.answer.pk)
    wait_for_answer(later.answer.pk)
    written = Message.objects.filter(role="assistant").order_by("ordinal")
    assert [answer.model for answer in written] == ["second", "second", "first"]


def test_a_model_that_is_kept_for_a_group_writes_for_nobody_else(
    ask: Ask, listed: List, alice: User, api: Callable[..., APIClient]
) -> None:
    listed("for-board", groups=["board"])
    assert ask()["model"] == "extractive"
    assert api(alice).get("/api/chat/models/").json()["count"] == 1
    alice.groups.create(name="board")
    assert ask()["model"] == "for-board"


def test_a_short_text_for_another_purpose_is_not_an_answer(ask: Ask, listed: List) -> None:
    listed("small", purposes=["rewrite"])
    assert ask()["model"] == "extractive"


def test_the_readiness_report_shows_a_model_that_is_left_alone(
    ask: Ask, listed: List, bob: User, api: Callable[..., APIClient]
) -> None:
    listed("script:throttled", "fine")
    ask()
    health.forget_report()
    part = api().get("/health/ready/", REMOTE_ADDR="127.0.0.1").json()["parts"]["models"]
    assert part["status"] == "degraded"
    states = {one["model"]: one["breaker"] for one in part["detail"]}
    assert states == {"script:throttled": "open", "fine": "closed"}
    elsewhere = api().get("/health/ready/", REMOTE_ADDR="203.0.113.9").json()
    assert "script" not in json.dumps(elsewhere)
    health.forget_report()


def test_an_azure_deployment_is_asked_at_its_v1_address(
    ask: Ask, settings: Any, tmp_path: Path, model_server: ModelServer
) -> None:
    """Azure's v1 endpoint: the deployment as the model, a first chunk without choices."""
    entry = {
        "name": "Azure",
        "model": "our-deployment",
        "base_url": model_server.url.replace("/v1", "/openai/v1/"),
        "key_variable": "AZURE_KEY_OF_THE_TEST",
    }
    path = tmp_path / "azure.json"
    path.write_text(json.dumps([entry]))
    os.environ["AZURE_KEY_OF_THE_TEST"] = "azure-secret"
    try:
        settings.MODELS_FILE = str(path)
        model_server.script = Script("azure", text="You may take 52 weeks [1].")
        body = ask()
    finally:
        del os.environ["AZURE_KEY_OF_THE_TEST"]
    assert (body["model"], body["message"]) == ("Azure", "You may take 52 weeks [1].")
    assert body["notice"] is None
    assert model_server.requests[0]["model"] == "our-deployment"
    assert model_server.paths[0] == "/openai/v1/chat/completions"
    assert model_server.keys[0] == "Bearer azure-secret"


def test_fields_of_the_list_travel_with_each_request(
    ask: Ask, listed: List, model_server: ModelServer
) -> None:
    listed("first", extra={"reasoning_effort": "low"}, answer_tokens=300, temperature=0.5)
    ask()
    request = model_server.requests[0]
    assert request["reasoning_effort"] == "low"
    assert (request["max_tokens"], request["temperature"]) == (300, 0.5)
