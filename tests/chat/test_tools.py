"""A model calls functions: what they find is cited like everything else, and the reader is told."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from rest_framework.test import APIClient

from chat.models import Message, ModelCall
from knowledge.models import Document
from knowledge.services import delete_document
from tests.chat.wire import Frame, parse, text_of
from tests.model_server import ModelServer, Script
from users.models import User

pytestmark = [pytest.mark.django_db(transaction=True)]

QUESTION = "How many weeks of parental leave may an employee take?"
TWO = "You may take up to 52 weeks [1]. Train journeys in Europe are booked in second class [{n}]."
Ask = Callable[..., list[Frame]]


def calls(*made: tuple[str, dict[str, Any]], **more: Any) -> Script:
    return Script("calls", calls=tuple((name, json.dumps(given)) for name, given in made), **more)


@pytest.fixture
def tools(model_server: ModelServer, settings: Any) -> ModelServer:
    settings.MODEL_TOOLS = True
    return model_server


@pytest.fixture
def ask(alice: User, leave: Document, travel: Document, api: Callable[..., APIClient]) -> Ask:
    def stream(message: str = QUESTION, user: User = alice, **more: Any) -> list[Frame]:
        body = {"message": message, "top_k": 1, **more}
        return parse(b"".join(api(user).post("/api/chat/stream/", body, format="json")))

    return stream


def result_of(server: ModelServer, request: int = 1, call: int = 0) -> str:
    """What a call brought, as the model reads it."""
    told = [m for m in server.requests[request]["messages"] if m["role"] == "tool"]
    return str(told[call]["content"])


def steps(found: list[Frame]) -> list[str]:
    return [frame.data["text"] for frame in found if frame.event == "step"]


def passage_numbers(server: ModelServer) -> int:
    """How many passages the first request holds."""
    return str(server.requests[0]["messages"][-1]["content"]).count("end of passage")


def test_two_documents_are_found_in_two_rounds_and_both_are_cited(
    ask: Ask, tools: ModelServer, leave: Document, travel: Document
) -> None:
    tools.first = [calls(("search_documents", {"query": "train journeys in Europe"}))]
    tools.script = Script(text=TWO.format(n=2))
    found = ask()
    body = found[-1].data
    assert passage_numbers(tools) == 1
    assert body["message"] == TWO.format(n=2)
    assert text_of(found) == body["message"]
    assert [s["document_id"] for s in body["sources"]] == [leave.pk, travel.pk]
    assert body["sources"][1]["content"].startswith("Train journeys in Europe are booked")
    assert [s["support"] for s in body["sentences"]] == ["supported", "supported"]
    assert body["grounded"] is True
    assert body["notice"] is None
    assert "Searched again: train journeys in Europe" in steps(found)


def test_every_round_is_a_call_that_is_counted(ask: Ask, tools: ModelServer) -> None:
    tools.first = [calls(("search_documents", {"query": "train journeys in Europe"}))]
    tools.script = Script(text=TWO.format(n=2))
    body = ask()[-1].data
    rows = ModelCall.objects.filter(purpose="answer")
    assert [row.outcome for row in rows] == ["done", "done"]
    assert body["tokens_used"] == sum(row.tokens_in + row.tokens_out for row in rows)


def test_the_calls_are_kept_with_the_answer_for_staff(
    ask: Ask, tools: ModelServer, travel: Document
) -> None:
    tools.first = [calls(("search_documents", {"query": "train journeys in Europe"}))]
    tools.script = Script(text=TWO.format(n=2))
    message = Message.objects.get(pk=ask()[-1].data["message_id"])
    [kept] = message.retrieval["tools"]
    assert kept["name"] == "search_documents"
    assert kept["arguments"] == {"query": "train journeys in Europe"}
    assert travel.pk in [place["document_id"] for place in kept["found"]]
    assert kept["ms"] >= 0
    assert kept["error"] == ""
    assert "second class" not in repr(message.retrieval)
    assert message.prompt_version.endswith("+tools")
    candidates = [one["document_id"] for one in message.retrieval["candidates"]]
    assert travel.pk in candidates


def test_what_a_model_says_before_a_call_is_no_part_of_the_answer(
    ask: Ask, tools: ModelServer
) -> None:
    first = calls(("search_documents", {"query": "train journeys"}), text="Let me look that up.")
    tools.first = [first]
    tools.script = Script(text=TWO.format(n=2))
    assert ask()[-1].data["message"] == TWO.format(n=2)
    assert tools.requests[1]["messages"][-2]["content"] == "Let me look that up."


def test_a_call_after_text_goes_on_behind_it_and_repeats_nothing(
    ask: Ask, tools: ModelServer
) -> None:
    begun = "You may take up to 52 weeks [1]."
    tools.first = [calls(("search_documents", {"query": "train journeys"}), text=begun)]
    tools.script = Script(text=f"{begun} Trains are booked in second class [2].")
    found = ask()
    body = found[-1].data
    assert body["message"] == f"{begun}\n\nTrains are booked in second class [2]."
    assert text_of(found) == body["message"]
    assert body["state"] == "done"


@pytest.mark.parametrize("shape", ["openai", "whole", "gemini", "ollama", "bare", "repeated"])
def test_calls_are_read_however_a_server_streams_them(
    shape: str, ask: Ask, tools: ModelServer
) -> None:
    both = (
        ("search_documents", {"query": "train journeys in Europe"}),
        ("calculate", {"expression": "18 + 21"}),
    )
    tools.first = [calls(*both, shape=shape)]
    tools.script = Script(text=TWO.format(n=2))
    body = ask()[-1].data
    assert body["message"] == TWO.format(n=2)
    assert "Train journeys" in result_of(tools)
    assert result_of(tools, call=1) == "18 + 21 = 39"
    sent = tools.requests[1]["messages"][-3]["tool_calls"]
    ids = [call["id"] for call in sent]
    assert len(set(ids)) == 2
    assert [m["tool_call_id"] for m in tools.requests[1]["messages"][-2:]] == ids
    if shape == "gemini":
        assert sent[1]["extra_content"] == {"google": {"thought_signature": "s1"}}


def test_a_model_without_the_field_is_offered_nothing(ask: Ask, model_server: ModelServer) -> None:
    model_server.script = Script(text="You may take up to 52 weeks [1].")
    assert ask()[-1].data["model"] == "scripted"
    assert "tools" not in model_server.requests[0]
    assert "functions" not in model_server.requests[0]["messages"][0]["content"]


def test_a_server_that_refuses_functions_is_asked_without_them_and_not_again_for_a_while(
    ask: Ask, tools: ModelServer
) -> None:
    tools.script = Script("toolless", text="You may take up to 52 weeks [1].")
    body = ask()[-1].data
    assert (body["model"], body["notice"]) == ("scripted", None)
    assert ["tools" in request for request in tools.requests] == [True, False]
    assert "functions" not in tools.requests[1]["messages"][0]["content"]
    ask("How many weeks of parental leave can an employee take?")
    assert ["tools" in request for request in tools.requests[2:]] == [False]


def test_a_document_is_opened_and_listed(ask: Ask, tools: ModelServer, travel: Document) -> None:
    tools.first = [
        calls(("list_documents", {"title": "travel"})),
        calls(("open_document", {"document": travel.pk})),
    ]
    tools.script = Script(text=TWO.format(n=2))
    found = ask()
    assert f"Document {travel.pk}: Travel Guide" in result_of(tools)
    assert "Train journeys" in result_of(tools, 2, 1)
    assert [s["document_id"] for s in found[-1].data["sources"]][1] == travel.pk
    assert {"Looked through the list of documents", "Read on in a document"} <= set(steps(found))


def test_a_section_is_opened_and_the_text_around_a_passage(
    ask: Ask, tools: ModelServer, leave: Document
) -> None:
    tools.first = [
        calls(
            ("open_document", {"document": leave.pk, "section": "notice"}),
            ("open_document", {"passage": 1}),
            ("open_document", {"document": leave.pk, "section": "holidays"}),
            ("open_document", {"passage": 77}),
        )
    ]
    tools.script = Script(text="You may take up to 52 weeks [1].")
    ask()
    assert "ten weeks before" in result_of(tools, call=0)
    assert "which you have already" in result_of(tools, call=1)
    assert "There is no such section" in result_of(tools, call=2)
    assert "Entitlement" in result_of(tools, call=2)
    assert result_of(tools, call=3) == "There is no passage with this number."


def test_a_computed_figure_is_neither_green_nor_called_wrong(ask: Ask, tools: ModelServer) -> None:
    tools.first = [calls(("calculate", {"expression": "52 - 39"}))]
    tools.script = Script(text="That leaves 13 weeks of parental leave without any pay [1].")
    [sentence] = ask()[-1].data["sentences"]
    assert sentence["support"] == "unknown"
    assert "was computed" in sentence["why"]


def test_a_figure_that_nobody_computed_stays_wrong(ask: Ask, tools: ModelServer) -> None:
    tools.first = [calls(("calculate", {"expression": "52 - 39"}))]
    tools.script = Script(text="That leaves 17 weeks of parental leave without any pay [1].")
    assert ask()[-1].data["sentences"][0]["support"] == "unsupported"


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (("calculate", {"expression": "77 - 39"}), "Leave is 77 weeks, 38 weeks without pay [1]."),
        (
            ("add_to_date", {"start": "2031-03-04", "amount": 3, "unit": "days"}),
            "Leave begins on 4 March 2031 and ends on 7 March 2031 [1].",
        ),
        (
            ("days_between", {"first": "2031-03-04", "last": "2031-03-14"}),
            "Leave begins on 4 March 2031 and lasts 10 days [1].",
        ),
    ],
)
def test_what_a_model_computes_with_is_not_excused_by_that(
    ask: Ask, tools: ModelServer, call: tuple[str, dict[str, Any]], text: str
) -> None:
    tools.first = [calls(call)]
    tools.script = Script(text=text)
    assert ask()[-1].data["sentences"][0]["support"] == "unsupported"


def test_what_a_function_found_and_the_reader_may_not_read_any_more_is_gone(
    ask: Ask, tools: ModelServer, travel: Document, alice: User, api: Callable[..., APIClient]
) -> None:
    tools.first = [calls(("search_documents", {"query": "train journeys in Europe"}))]
    tools.script = Script(text=TWO.format(n=2))
    body = ask()[-1].data
    travel.is_active = False
    travel.save()
    again = api(alice).get(f"/api/chat/sessions/{body['session_id']}/").json()["messages"][-1]
    assert again["sources"][1]["gone"] == "restricted"
    assert again["sources"][1]["content"] is None


def test_a_deleted_document_leaves_no_words_in_what_is_kept_of_calls(
    ask: Ask, tools: ModelServer, travel: Document
) -> None:
    tools.first = [calls(("search_documents", {"query": "train journeys in second class"}))]
    tools.script = Script(text=TWO.format(n=2))
    message_id = ask()[-1].data["message_id"]
    delete_document(travel, None)
    kept = Message.objects.get(pk=message_id).retrieval["tools"]
    assert "second class" not in repr(kept)
    assert travel.pk not in [place["document_id"] for place in kept[0]["found"]]
