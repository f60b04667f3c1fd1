"""Every request that an answer made of a model is put together again as the model received it."""

import json
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from chat import reassembly
from chat.forgetting import forget_document
from chat.generation.modelconfig import Limits, ModelConfig
from chat.generation.prompts import Message as PromptMessage
from chat.generation.toolcalls import ToolCall
from chat.models import ChatSession, Message, Trace
from chat.outgoing import Outgoing, seal
from chat.reassembly import Prompt
from chat.retelling import Told, tell
from chat.services import Asked, clear_memory
from chat.tracing import MOST_PROMPTS, Tracer, storable
from knowledge.models import Document
from knowledge.services import delete_document
from tests.chat.test_memory import conversation, wait_for_summary
from tests.model_server import ModelServer, Script
from users.models import User

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.engine]

QUESTION = "How many weeks of parental leave may an employee take?"
TRUE = "Every employee may take up to 52 weeks of parental leave [1]."
UNSURE = "A small child at home is a reason for parental leave [1]."
FALSE = "Leave may be taken in 7 blocks [1]."
MENDED = "Leave may be taken in one or two blocks [1]."
REWRITES, NAMES, SUMMARISES = "You rewrite", "You name a conversation", "You summarise"
CORRECTS, JUDGES = "You correct one sentence", "You compare sentences"
WEB = "tests.chat.site_functions:search_the_web"
Answered = Callable[..., Asked]


def told(asked: Asked) -> Told:
    found = tell(asked.answer.pk, reads_words=True)
    assert found is not None
    return found


def prompts(asked: Asked, count: int) -> tuple[Prompt, ...]:
    """The requests, once there are so many: some follow the answer."""
    until = time.monotonic() + 20
    while len(found := told(asked).prompts) < count and time.monotonic() < until:
        time.sleep(0.05)
    assert [one.stored["call"] for one in found] == [one["id"] for one in told(asked).calls]
    return found


def messages_of(prompt: Prompt) -> list[dict[str, Any]]:
    return [part.message.as_dict() for part in prompt.parts]


def assert_as_sent(asked: Asked, received: list[dict[str, Any]]) -> tuple[Prompt, ...]:
    """Each request of the answer is, letter by letter, one that the server received."""
    found = prompts(asked, len(received))
    assert [messages_of(one) for one in found] == [one["messages"] for one in received]
    assert all(one.is_sent for one in found)
    assert not any(one.reasons for one in found)
    return found


def calls(*made: tuple[str, dict[str, Any]], **more: Any) -> Script:
    return Script("calls", calls=tuple((name, json.dumps(given)) for name, given in made), **more)


def trace_rows() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM chat_trace")
        return repr(cursor.fetchall())


def shown(asked: Asked, reader: Client) -> str:
    """All that staff can read of the trace."""
    address = f"/admin/chat/message/{asked.answer.pk}/trace"
    page, file = reader.get(f"{address}/"), reader.get(f"{address}.json")
    assert (page.status_code, file.status_code) == (200, 200)
    return page.content.decode() + file.content.decode()


def allowed(user: User, *names: str) -> Client:
    user.user_permissions.add(*Permission.objects.filter(codename__in=names))
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def reader(bob: User) -> Client:
    """Staff who were given the permission to read what was said."""
    return allowed(bob, "view_message", "read_said")


@pytest.fixture
def tools(model_server: ModelServer, settings: Any) -> ModelServer:
    settings.MODEL_TOOLS = True
    return model_server


@pytest.fixture
def web(tools: ModelServer, settings: Any) -> ModelServer:
    """A function of the site beside our own."""
    settings.CHAT_TOOLS = [WEB]
    return tools


@pytest.fixture
def strict(model_server: ModelServer, settings: Any) -> ModelServer:
    """Everything is judged, and a sentence that is not supported is said anew."""
    settings.SUPPORT_POLICY = "strict"
    settings.SUPPORT_JUDGE = True
    model_server.script = Script(text=f"{TRUE} {FALSE} {UNSURE}")
    model_server.asides = {
        CORRECTS: Script(text=MENDED),
        JUDGES: Script(text="1: unsupported"),
    }
    return model_server


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


@pytest.fixture
def redacting(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """As if the test's model were somewhere else."""
    settings.PII_POLICY = "redact"
    monkeypatch.setattr("core.networks.is_loopback", lambda host: False)


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


@pytest.mark.usefixtures("leave")
def test_an_erased_document_takes_what_was_called_and_brought_along(
    alice: User, travel: Document, answered: Answered, web: ModelServer, reader: Client
) -> None:
    web.first = [
        calls(("search_the_web", {"query": "second class pelicans"}), text="Of the albatross."),
        calls(("open_document", {"document": travel.pk})),
    ]
    web.script = Script(text=TRUE)
    asked = answered(alice, QUESTION, top_k=1)
    before = shown(asked, reader)
    assert all(words in before for words in ("pelicans", "albatross", "Train journeys", "at noon"))
    number = travel.pk
    delete_document(travel)
    forget_document(number)
    after = shown(asked, reader) + trace_rows()
    for words in ("pelicans", "albatross", "Train journeys", "second class", "at noon"):
        assert words not in after
    first, second, third = told(asked).prompts
    assert first.is_sent
    assert not second.is_sent
    assert "taken out" in second.reasons[0]
    assert third.missing.passages > 0
    assert [part.is_sent for part in second.parts] == [True, True, False, False]


def test_an_erased_document_takes_the_sentences_that_were_never_shown_along(
    alice: User, leave: Document, answered: Answered, strict: ModelServer, reader: Client
) -> None:
    asked = answered(alice, QUESTION)
    assert "7 blocks" in shown(asked, reader)
    number = leave.pk
    delete_document(leave)
    forget_document(number)
    left = shown(asked, reader) + trace_rows()
    assert "7 blocks" not in left
    assert "fifty-two" not in left
    assert not any(one.is_sent for one in told(asked).prompts)


def test_a_document_that_goes_while_the_answer_is_written_leaves_no_words(
    alice: User, leave: Document, travel: Document, answered: Answered, tools: ModelServer
) -> None:
    number = travel.pk

    def erase() -> None:
        delete_document(travel)
        forget_document(number)
        connection.close()

    def says(request: dict[str, Any]) -> str:
        worker = threading.Thread(target=erase)
        worker.start()
        worker.join(20)
        return TRUE

    tools.first = [calls(("open_document", {"document": number}), text="Of the albatross.")]
    tools.script = Script(says=says)
    answered(alice, QUESTION, top_k=1)
    assert not Document.objects.filter(pk=number).exists()
    assert "albatross" not in trace_rows()


def test_a_memory_that_is_cleared_while_the_answer_is_written_leaves_no_words(
    alice: User, leave: Document, answered: Answered, model_server: ModelServer
) -> None:
    session = conversation(alice, 12)

    def clear() -> None:
        clear_memory(alice, session.pk)
        connection.close()

    def says(request: dict[str, Any]) -> str:
        assert "about item 3" in str(request)
        worker = threading.Thread(target=clear)
        worker.start()
        worker.join(20)
        return TRUE

    model_server.asides[REWRITES] = Script(text="none")
    model_server.script = Script(says=says)
    asked = answered(alice, QUESTION, session_id=session.pk)
    [prompt] = [one for one in told(asked).prompts if one.stored["kind"] == "answer"]
    assert not prompt.is_sent
    assert "about item 3" not in trace_rows()


def test_whatever_goes_with_the_conversation_goes_from_the_trace(
    alice: User, leave: Document, answered: Answered, strict: ModelServer
) -> None:
    asked = answered(alice, QUESTION)
    assert "7 blocks" in trace_rows()
    asked.session.delete()
    assert "7 blocks" not in trace_rows()
    assert not Trace.objects.exists()


def test_staff_without_the_permission_see_no_word_of_any_call(
    alice: User, bob: User, leave: Document, answered: Answered, tools: ModelServer
) -> None:
    tools.first = [calls(("search_documents", {"query": "pelicans"}), text="Of the albatross.")]
    tools.script = Script(text=TRUE)
    asked = answered(alice, QUESTION)
    body = shown(asked, allowed(bob, "view_message"))
    for words in ("pelicans", "albatross", "Nothing was found", "52 weeks"):
        assert words not in body
    assert "search_documents" in body


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("answer", "chat.generation.prompts.fenced"),
        ("judge", "chat.generation.support.judging.as_data"),
        ("reword", "chat.generation.support.rewording.as_words"),
    ],
)
@pytest.mark.usefixtures("leave", "strict")
def test_another_way_to_put_requests_together_breaks_the_seal(
    kind: str, name: str, alice: User, answered: Answered, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = answered(alice, QUESTION)
    assert all(one.is_sent for one in told(asked).prompts)
    monkeypatch.setattr(name, lambda *words: "in another way")
    changed = [one for one in told(asked).prompts if one.stored["kind"] == kind]
    assert changed
    assert not any(one.is_sent for one in changed)
    assert all("put together has changed" in one.reasons[0] for one in changed)


def test_changed_words_break_the_seal_of_the_message_that_has_them(
    alice: User, leave: Document, answered: Answered, tools: ModelServer
) -> None:
    tools.first = [calls(("calculate", {"expression": "18 + 21"}))]
    tools.script = Script(text=TRUE)
    asked = answered(alice, QUESTION)
    trace = Trace.objects.get()
    [key] = [key for key, words in trace.kept.items() if words == "18 + 21 = 39"]
    trace.kept[key] = "18 + 21 = 40"
    trace.save()
    first, second = told(asked).prompts
    assert first.is_sent
    assert [part.is_sent for part in second.parts] == [True, True, True, False]
    Message.objects.filter(pk=asked.question.pk).update(text="Something else?")
    first, second = told(asked).prompts
    assert [part.is_sent for part in first.parts] == [True, False]
    assert len(first.reasons) == 1


words = st.text(max_size=30)
tool_calls = st.builds(ToolCall, words, words, st.text(min_size=1, max_size=30))
sealed = st.builds(
    PromptMessage,
    st.sampled_from(["system", "user", "assistant", "tool"]),
    words,
    st.lists(tool_calls, max_size=2).map(tuple),
    words,
)


@given(one=sealed, other=sealed)
def test_two_messages_have_one_seal_only_where_they_are_the_same(
    one: PromptMessage, other: PromptMessage
) -> None:
    assert (seal(one) == seal(other)) == (one == other)


@given(one=sealed, at=st.integers(0, 29))
def test_a_seal_breaks_with_any_character(one: PromptMessage, at: int) -> None:
    if at < len(one.content):
        less = one.content[:at] + one.content[at + 1 :]
        other = PromptMessage(one.role, less, one.calls, one.answers)
        assert (seal(one) == seal(other)) == (one == other)


def test_words_that_no_row_takes_are_left_out_and_break_the_seal(
    alice: User, leave: Document, answered: Answered, tools: ModelServer
) -> None:
    tools.first = [Script("calls", calls=(("calculate", '{"expression": "1 +\x00 1"}'),))]
    tools.script = Script(text=TRUE)
    asked = answered(alice, QUESTION)
    first, second = told(asked).prompts
    assert first.is_sent
    assert [part.is_sent for part in second.parts][:3] == [True, True, False]
    assert storable({"a": ["x\x00\ud800y"]}) == {"a": ["xy"]}


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
    assert ChatSession.objects.count() == 0
