"""Every request that an answer made of a model is put together again as the model received it."""

import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from chat import reassembly
from chat.generation.modelconfig import Limits, ModelConfig
from chat.generation.prompts import Message as PromptMessage
from chat.models import Trace
from chat.outgoing import Outgoing
from chat.retelling import tell
from chat.services import clear_memory
from chat.tracing import MOST_PROMPTS, Tracer
from knowledge.models import Document
from tests.chat.test_memory import conversation, wait_for_summary
from tests.chat.traces.reading import (
    JUDGES,
    NAMES,
    QUESTION,
    REWRITES,
    SUMMARISES,
    TRUE,
    UNSURE,
    Answered,
    assert_as_sent,
    calls,
    messages_of,
    prompts,
    shown,
    told,
    trace_rows,
)
from tests.model_server import ModelServer, Script
from users.models import User

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.engine]


def test_the_rewriting_of_each_question_of_a_message(
    alice: User, leave: Document, answered: Answered, model_server: ModelServer
) -> None:
    model_server.script = Script(text=TRUE)
    model_server.asides[REWRITES] = Script(text="Who is told of parental leave?")
    first = answered(alice, QUESTION)
    sent = len(model_server.requests)
    asked = answered(alice, "And who is told? Is it paid?", session_id=first.session.pk)
    found = assert_as_sent(asked, model_server.requests[sent:])
    kinds = [one.stored["kind"] for one in found]
    assert kinds[-1] == "answer"
    assert "rewrite" in kinds
    assert found[0].stored["answer_tokens"] == 120


def test_models_that_are_asked_one_after_the_other_are_told_apart(
    alice: User, leave: Document, answered: Answered, model_server: ModelServer, settings: Any
) -> None:
    model_server.script = Script(text=TRUE)
    first = answered(alice, QUESTION)
    settings.MODEL_FALLBACKS = ["script:broken", "second"]
    settings.CHAT_MODEL = "script:broken"
    settings.MODEL_RETRIES = 0
    sent = len(model_server.requests)
    asked = answered(alice, "And who is told?", session_id=first.session.pk)
    assert_as_sent(asked, model_server.requests[sent:])
    pairs = [(one.kind, one.model) for one in told(asked).requests]
    assert pairs[-2:] == [("answer", "script:broken"), ("answer", "second")]
    assert pairs[0] == ("rewrite", "script:broken")


def test_the_title_that_follows_the_answer(
    alice: User,
    leave: Document,
    answered: Answered,
    model_server: ModelServer,
    settings: Any,
) -> None:
    settings.TITLE_TIMEOUT_MS = 3000
    model_server.script = Script(text=TRUE)
    model_server.asides[NAMES] = Script(text="Length of parental leave")
    asked = answered(alice, QUESTION)
    prompts(asked, 2)
    found = assert_as_sent(asked, model_server.requests)
    assert [one.stored["kind"] for one in found] == ["answer", "title"]


def test_the_summary_that_follows_the_answer_and_the_one_before_it(
    alice: User, leave: Document, answered: Answered, model_server: ModelServer, reader: Client
) -> None:
    model_server.script = Script(text=TRUE)
    model_server.asides[SUMMARISES] = Script(text="The reader asked about a pelican.")
    session = conversation(alice, 12)
    answered(alice, QUESTION, session_id=session.pk)
    wait_for_summary(session)
    for number in range(4):
        answered(alice, f"How is parental leave paid, {number}?", session_id=session.pk)
    sent = model_server.requests
    last = with_earlier_summary()
    found = tell(last.message_id, reads_words=True)
    assert found is not None
    [summary] = [one for one in found.prompts if one.stored["kind"] == "summary"]
    assert summary.is_sent
    assert messages_of(summary) in [one["messages"] for one in sent]
    assert "pelican" in summary.parts[1].content
    clear_memory(alice, session.pk)
    assert "pelican" not in trace_rows()
    page = reader.get(f"/admin/chat/message/{last.message_id}/trace/").content.decode()
    assert "pelican" not in page
    assert "the reader cleared the memory" in page


def with_earlier_summary() -> Trace:
    """The trace of the answer after which a summary was made of another one."""
    until = time.monotonic() + 20
    while time.monotonic() < until:
        if found := Trace.objects.filter(kept__has_key="earlier").first():
            return found
        time.sleep(0.05)
    raise AssertionError("no summary was made of another one")


def test_the_judge_of_an_answer_that_is_out(
    alice: User, leave: Document, answered: Answered, model_server: ModelServer, settings: Any
) -> None:
    settings.SUPPORT_JUDGE = True
    model_server.script = Script(text=UNSURE)
    model_server.asides[JUDGES] = Script(text="1: supported")
    asked = answered(alice, QUESTION)
    found = assert_as_sent(asked, model_server.requests)
    assert [one.stored["kind"] for one in found] == ["answer", "judge"]
    assert "small child" not in trace_rows()


def test_sentences_that_are_judged_and_said_anew_before_anybody_saw_them(
    alice: User, leave: Document, answered: Answered, strict: ModelServer
) -> None:
    asked = answered(alice, QUESTION)
    found = assert_as_sent(asked, strict.requests)
    kinds = [one.stored["kind"] for one in found]
    assert kinds[0] == "answer"
    assert {"reword", "judge"} <= set(kinds)
    assert UNSURE not in asked.answer.text


def test_a_sentence_that_was_shown_after_all_is_not_kept_twice(
    alice: User, leave: Document, answered: Answered, strict: ModelServer
) -> None:
    strict.script = Script(text=UNSURE)
    strict.asides[JUDGES] = Script(text="1: supported")
    asked = answered(alice, QUESTION)
    assert asked.answer.text.strip() == UNSURE
    assert_as_sent(asked, strict.requests)
    assert "small child" not in trace_rows()


def test_an_answer_from_the_model_s_own_knowledge(
    alice: User, leave: Document, answered: Answered, model_server: ModelServer, settings: Any
) -> None:
    settings.WHEN_NOT_FOUND = "general"
    model_server.script = Script(text="Mostly of iron.")
    asked = answered(alice, "What is the core of the planet Mercury made of?")
    found = assert_as_sent(asked, model_server.requests)
    assert [one.stored["kind"] for one in found][-1] == "general"


def test_every_round_with_functions(
    alice: User, leave: Document, travel: Document, answered: Answered, web: ModelServer
) -> None:
    web.first = [
        calls(
            ("search_documents", {"query": "train journeys in Europe"}),
            ("calculate", {"expression": "18 + 21"}),
            ("search_the_web", {"query": "trains"}),
            shape="gemini",
            text="Let me look.",
        ),
        calls(
            ("open_document", {"document": travel.pk}),
            ("open_document", {"document": leave.pk, "section": "holidays"}),
            ("list_documents", {"title": "travel"}),
        ),
        calls(("calculate", {"expression": "18 plus"}), ("no_such", {})),
    ]
    web.script = Script(text=f"{TRUE} Trains are booked in second class [2].")
    asked = answered(alice, QUESTION, top_k=1)
    found = assert_as_sent(asked, web.requests)
    assert [one.stored["kind"] for one in found] == ["answer", "round", "round", "round"]
    assert "search_the_web" in found[0].stored["functions"]
    assert [len(one.fresh) for one in found] == [2, 4, 4, 3]
    numbered = [row["number"] for row in told(asked).searches[0]["given"]]
    assert numbered == [1]
    for words in ("second class", "Train journeys", "Entitlement of", "fifty-two"):
        assert words not in trace_rows()


def test_a_server_that_refuses_functions_was_asked_twice(
    alice: User, leave: Document, answered: Answered, tools: ModelServer
) -> None:
    tools.script = Script("toolless", text=TRUE)
    asked = answered(alice, QUESTION)
    found = assert_as_sent(asked, tools.requests)
    assert [bool(one.stored["functions"]) for one in found] == [True, False]


def test_a_passage_that_begins_within_a_table_has_the_names_of_its_columns(
    alice: User,
    add_text: Callable[..., Document],
    answered: Answered,
    model_server: ModelServer,
) -> None:
    rows = "\n".join(f"| Parental leave case {n} | {n} weeks of leave |" for n in range(400))
    add_text("Cases", f"# Cases\n\n| Case | Weeks |\n| --- | --- |\n{rows}\n")
    model_server.script = Script(text="Case 350 has 350 weeks of leave [1].")
    asked = answered(alice, "How many weeks of leave has parental leave case 350?")
    [prompt] = assert_as_sent(asked, model_server.requests)
    assert any(place.get("has_columns") for place in prompt.stored["passages"])


def test_personal_data_is_hidden_in_later_rounds_as_it_was_for_the_model(
    alice: User,
    add_text: Callable[..., Document],
    answered: Answered,
    tools: ModelServer,
    redacting: None,
) -> None:
    add_text("Leave", "Every employee may take 52 weeks of parental leave. Ask jane@example.org.")
    tools.first = [calls(("search_documents", {"query": "what does [EMAIL_1] do"}))]
    tools.script = Script(text=TRUE)
    asked = answered(alice, QUESTION)
    found = assert_as_sent(asked, tools.requests)
    assert "jane@example.org" not in str([messages_of(one) for one in found])
    assert found[1].hidden == {"EMAIL": 1}


@pytest.mark.usefixtures("redacting", "model_server")
def test_a_prompt_that_was_not_sent_for_its_personal_data_says_so(
    alice: User,
    add_text: Callable[..., Document],
    answered: Answered,
    reader: Client,
    settings: Any,
) -> None:
    settings.PII_POLICY = "block"
    add_text("Leave", "Every employee may take 52 weeks of parental leave. Ask jane@example.org.")
    asked = answered(alice, QUESTION)
    [request] = told(asked).requests
    assert not request.was_sent
    assert "Not sent" in shown(asked, reader)


def test_a_trace_keeps_so_many_prompts_and_counts_the_others() -> None:
    trace = Tracer()
    out = Outgoing(7, ModelConfig("one", ""), [PromptMessage("system", "Say.")], Limits(40, 1.0))
    for _ in range(MOST_PROMPTS + 3):
        trace.asked(lambda: {"kind": "title", "marker": ""}, out)
    body = trace.noted().body
    assert (len(body["prompts"]), body["prompts_more"]) == (MOST_PROMPTS, 3)
    assert len(json.dumps(body)) < 80_000


def test_a_trace_of_an_earlier_release_finds_its_calls(
    alice: User, leave: Document, answered: Answered, model_server: ModelServer
) -> None:
    model_server.script = Script(text=TRUE)
    asked = answered(alice, QUESTION)
    trace = Trace.objects.get()
    for name in ("call", "functions"):
        del trace.body["prompts"][0][name]
    trace.save()
    [request] = told(asked).requests
    assert request.call is not None
    assert request.prompt is not None
    assert request.prompt.is_sent


def test_a_call_whose_prompt_was_not_kept_is_listed_without_it(
    alice: User, leave: Document, answered: Answered, model_server: ModelServer, reader: Client
) -> None:
    model_server.script = Script(text=TRUE)
    asked = answered(alice, QUESTION)
    trace = Trace.objects.get()
    trace.body["prompts"] = []
    trace.save()
    [request] = told(asked).requests
    assert request.prompt is None
    assert "was not kept" in shown(asked, reader)


def test_every_kind_of_request_can_be_put_together_again() -> None:
    assert set(reassembly._BUILDERS) | {"round"} == {
        "answer", "general", "judge", "reword", "rewrite", "round", "summary", "title",
    }  # fmt: skip
