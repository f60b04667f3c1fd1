"""What the first search does not answer, a model may look for with functions, and only then."""

import time
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from rest_framework.test import APIClient

from chat.models import Message, ModelCall
from chat.runtime import runtime
from chat.services import Question, stop
from chat.services import ask as ask_service
from chat.waiting import wait_for_answer
from knowledge.models import Document
from tests.chat.test_tools import calls, result_of, steps
from tests.chat.traces.reading import assert_as_sent, told
from tests.chat.wire import Frame, parse, text_of
from tests.model_server import ModelServer, Script
from users.models import User

pytestmark = [pytest.mark.django_db(transaction=True)]

DAYS = "How many days are there between 2024-03-01 and 2024-06-15?"
SUM = "What is 17.5 % of 4,310?"
NEON = "What is the boiling point of neon?"
LISTED = "Do you have any papers that deal with bills?"
RAILS = "Which coach do we ride in on rails, and how long may a fresh mum stay at home?"
WEEKS = "How many weeks of parental leave may an employee take?"
TRAINS = "What class are train journeys in Europe booked in?"
BOOKED = "Train journeys in Europe are booked in second class [1]."
NOT_FOUND = "Not in my documents."
Ask = Callable[..., list[Frame]]


@pytest.fixture
def tools(model_server: ModelServer, settings: Any) -> ModelServer:
    settings.MODEL_TOOLS = True
    settings.MODEL_RETRIES = 0
    return model_server


@pytest.fixture
def ask(alice: User, leave: Document, travel: Document, api: Callable[..., APIClient]) -> Ask:
    def stream(message: str, user: User = alice, **more: Any) -> list[Frame]:
        body = {"message": message, **more}
        return parse(b"".join(api(user).post("/api/chat/stream/", body, format="json")))

    return stream


def counted(*more: tuple[str, dict[str, Any]]) -> Script:
    return calls(("days_between", {"first": "2024-03-01", "last": "2024-06-15"}), *more)


def is_not_found(found: list[Frame]) -> bool:
    """Whether this is the ordinary answer, and no other word was ever shown."""
    body = found[-1].data
    ordinary = (body["outcome"], body["model"], body["notice"], body["sources"], body["degraded"])
    shown = text_of(found)
    assert shown == body["message"]
    return ordinary == ("not_found", "extractive", None, [], []) and shown.startswith(NOT_FOUND)


def test_days_are_counted_though_no_document_says_them(ask: Ask, tools: ModelServer) -> None:
    tools.first = [counted()]
    tools.script = Script(text="There are 106 days between 1 March 2024 and 15 June 2024.")
    found = ask(DAYS)
    body = found[-1].data
    assert body["outcome"] == "answered"
    assert body["message"] == text_of(found) == tools.script.text
    assert (body["model"], body["sources"], body["notice"]) == ("scripted", [], None)
    [sentence] = body["sentences"]
    assert sentence["support"] == "unknown"
    assert "computed" in sentence["why"]
    assert "Worked out a date" in steps(found)
    assert (body["confidence"], body["grounded"]) == ("low", False)


def test_a_sum_is_calculated_though_no_document_says_it(ask: Ask, tools: ModelServer) -> None:
    tools.first = [calls(("calculate", {"expression": "4310 * 0.175"}))]
    tools.script = Script(text="17.5 % of 4,310 is **754.25**.")
    body = ask(SUM)[-1].data
    assert (body["outcome"], body["message"]) == ("answered", tools.script.text)


def test_documents_are_listed(
    ask: Ask, tools: ModelServer, add_text: Callable[..., Document]
) -> None:
    add_text("Handling of invoices", "# Money\n\nPay what is due.\n", document_type="policy")
    tools.first = [calls(("list_documents", {"title": "invoices"}))]
    tools.script = Script(
        text="There is one document about invoices:\n\n- Handling of invoices (policy)\n"
    )
    body = ask(LISTED)[-1].data
    assert body["outcome"] == "answered"
    assert body["message"].strip() == tools.script.text.strip()
    assert {one["support"] for one in body["sentences"]} == {"unknown"}


def test_two_documents_are_found_that_the_question_as_a_whole_does_not_find(
    ask: Ask, tools: ModelServer, leave: Document, travel: Document
) -> None:
    tools.first = [
        calls(("search_documents", {"query": TRAINS}), ("search_documents", {"query": WEEKS}))
    ]
    tools.script = Script(text=f"{BOOKED} Parental leave is up to 52 weeks [2].")
    found = ask(RAILS)
    body = found[-1].data
    assert body["outcome"] == "answered"
    assert text_of(found) == body["message"] == tools.script.text
    assert [one["document_id"] for one in body["sources"]] == [travel.pk, leave.pk]
    assert [one["support"] for one in body["sentences"]] == ["supported", "supported"]
    assert body["grounded"] is True


def test_the_model_is_given_none_of_the_poor_passages(ask: Ask, tools: ModelServer) -> None:
    tools.script = Script(text="NOT_IN_DOCUMENTS")
    found = ask(NEON)
    assert is_not_found(found)
    [request] = tools.requests
    assert "end of passage" not in request["messages"][-1]["content"]
    assert "There are no passages yet" in request["messages"][0]["content"]
    assert "search_documents" in repr(request["tools"])


def test_a_poor_hit_of_a_further_search_is_no_source(ask: Ask, tools: ModelServer) -> None:
    tools.first = [calls(("search_documents", {"query": "boiling of neon in trains"}))]
    tools.script = Script(text=BOOKED)
    found = ask(NEON)
    assert is_not_found(found)
    assert result_of(tools) == "Nothing was found that answers this."
    message = Message.objects.get(pk=found[-1].data["message_id"])
    [kept] = message.retrieval["tools"]
    assert kept["found"] == []
    assert kept["answerable"] < 0.5


def test_an_opened_document_may_be_cited(ask: Ask, tools: ModelServer, travel: Document) -> None:
    tools.first = [calls(("open_document", {"document": travel.pk}))]
    tools.script = Script(text=BOOKED)
    body = ask("Sum up guide number two for me, please.")[-1].data
    assert (body["outcome"], body["message"]) == ("answered", BOOKED)
    assert [one["document_id"] for one in body["sources"]] == [travel.pk]


# --- what rests on nothing is never shown -------------------------------------------------------

KNOWN = "Neon boils at minus 246 degrees Celsius."
LONG = " ".join([KNOWN] * 12)
SEARCH = ("search_documents", {"query": TRAINS})
NOTHING = ("search_documents", {"query": "boiling point of neon"})


@pytest.mark.parametrize(
    ("first", "text"),
    [
        ([], KNOWN),  # it asks no function at all
        ([], LONG),
        ([], "NOT_IN_DOCUMENTS"),
        ([], "Sure! Here is what I know. Would you like more?"),
        ([calls(NOTHING)], KNOWN),  # the result is empty
        ([calls(NOTHING, text=LONG)], f"{KNOWN} I hope this helps."),
        ([calls(("calculate", {"expression": "1 /"}))], KNOWN),  # the result is an error
        ([calls(("list_documents", {"title": "neon"}))], "There are 0 documents about neon."),
        ([calls(NOTHING)], f"{KNOWN[:-1]} [1]."),  # there is no first passage
        ([calls(SEARCH)], f"{KNOWN[:-1]} [7]."),
        ([calls(SEARCH)], KNOWN),  # a passage is there and is not cited
        ([calls(SEARCH)], f"{KNOWN[:-1]} [1]."),  # and does not say it
        ([calls(("calculate", {"expression": "1+1"}))], "The point of neon is at 2."),
        ([calls(("calculate", {"expression": "1+1"}))], "Neon is a gas [1]."),
        ([counted()], "Neon boils at 106 degrees, as the physics department of Leeds found out."),
        ([calls(("list_documents", {}))], "The boiling point of neon is 2."),
        ([calls(("list_documents", {}))], "Travel Guide says that neon boils late."),
    ],
)
def test_what_a_model_says_without_ground_never_reaches_the_reader(
    first: list[Script], text: str, ask: Ask, tools: ModelServer
) -> None:
    tools.first = first
    tools.script = Script(text=text)
    found = ask(NEON)
    assert is_not_found(found)
    assert "Neon boils" not in repr(found)
    message = Message.objects.get(pk=found[-1].data["message_id"])
    assert (message.prompt_version, message.share_key) == ("", "")


def test_what_the_model_adds_of_its_own_to_a_result_is_left_out(
    ask: Ask, tools: ModelServer
) -> None:
    tools.first = [counted()]
    tools.script = Script(text=f"The policy pays each employee twice. There are 106 days. {KNOWN}")
    found = ask(DAYS)
    body = found[-1].data
    assert text_of(found) == body["message"] == "There are 106 days."
    assert body["notice"]["code"] == "left_out"
    assert "2 sentences were not shown" in body["notice"]["detail"]


def test_a_sentence_that_its_passage_does_not_say_is_marked_beside_one_that_is_fine(
    ask: Ask, tools: ModelServer
) -> None:
    tools.first = [calls(SEARCH)]
    tools.script = Script(text=f"Trains leave at 11:45 [1]. {BOOKED}")
    body = ask(RAILS)[-1].data
    assert [one["support"] for one in body["sentences"]] == ["unsupported", "supported"]
    assert body["grounded"] is False


def test_the_strict_policy_leaves_it_out(ask: Ask, tools: ModelServer, settings: Any) -> None:
    settings.SUPPORT_POLICY = "strict"
    tools.first = [calls(SEARCH)]
    tools.script = Script(text=f"Trains leave at 11:45 [1]. {BOOKED}")
    tools.asides = {"You correct one sentence": Script(text="Trains leave at 11:46 [1].")}
    body = ask(RAILS)[-1].data
    assert body["message"].strip() == BOOKED


def test_a_model_that_never_stops_calling_finds_nothing(
    ask: Ask, tools: ModelServer, settings: Any
) -> None:
    settings.TOOL_ROUNDS = 2
    tools.script = calls(NOTHING)
    assert is_not_found(ask(NEON))
    # Nothing was brought, so that it is not asked for an answer once more.
    assert len(tools.requests) == 2


@pytest.mark.parametrize("kind", ["hang", "broken", "reset", "garbage", "silent", "stuck"])
@pytest.mark.parametrize("after", [0, 1])
def test_a_model_that_fails_leaves_it_at_not_found(
    kind: str, after: int, ask: Ask, tools: ModelServer, settings: Any
) -> None:
    settings.MODEL_FIRST_TOKEN_SECONDS = settings.MODEL_NEXT_TOKEN_SECONDS = 1
    tools.first = [counted()] * after
    tools.script = Script(kind, cut_after=2)
    assert is_not_found(ask(DAYS))


def test_an_answer_that_breaks_off_behind_a_good_sentence_is_cut(
    ask: Ask, tools: ModelServer
) -> None:
    tools.first = [calls(SEARCH)]
    tools.script = Script("reset", text=f"{BOOKED} Receipts are handed in later.", cut_after=13)
    body = ask(RAILS)[-1].data
    assert body["message"].startswith(BOOKED)
    assert body["notice"]["detail"].startswith("Cut short.")


# --- when no model is asked, and what it costs ---------------------------------------------------


def test_it_can_be_switched_off(ask: Ask, tools: ModelServer, settings: Any) -> None:
    settings.TOOLS_WHEN_NOT_FOUND = "off"
    assert is_not_found(ask(DAYS))
    assert tools.requests == []


def test_a_model_without_functions_is_not_asked(ask: Ask, model_server: ModelServer) -> None:
    assert is_not_found(ask(DAYS))
    assert model_server.requests == []


def test_a_question_about_a_code_that_no_document_has_asks_no_model(
    ask: Ask, tools: ModelServer
) -> None:
    body = ask("What does the error LNK1108 mean?")[-1].data
    assert (body["outcome"], tools.requests) == ("not_found", [])


def test_without_rounds_no_model_is_asked(ask: Ask, tools: ModelServer, settings: Any) -> None:
    settings.TOOL_ROUNDS = 0
    assert is_not_found(ask(DAYS))
    assert tools.requests == []


def test_a_window_without_room_for_functions_asks_no_model(
    ask: Ask, tools: ModelServer, settings: Any
) -> None:
    settings.CHAT_CONTEXT_TOKENS = 1600
    assert is_not_found(ask(DAYS))
    assert tools.requests == []


def test_a_server_that_refuses_functions_is_not_asked_without_them(
    ask: Ask, tools: ModelServer
) -> None:
    tools.script = Script("toolless", text=KNOWN)
    assert is_not_found(ask(NEON))
    assert len(tools.requests) == 1
    assert is_not_found(ask("What is the boiling point of argon?"))
    assert len(tools.requests) == 1


def test_at_a_budget_limit_it_stays_not_found(ask: Ask, tools: ModelServer, settings: Any) -> None:
    settings.MODEL_PRICE_OUT = Decimal(1000)
    settings.DAILY_BUDGET_USD = Decimal("0.0001")
    assert is_not_found(ask(DAYS))
    assert tools.requests == []


def test_each_round_is_a_call_that_is_counted_though_nothing_is_found(
    ask: Ask, tools: ModelServer
) -> None:
    tools.first = [calls(NOTHING)]
    tools.script = Script(text="NOT_IN_DOCUMENTS")
    assert is_not_found(ask(NEON))
    rows = ModelCall.objects.filter(purpose="answer")
    assert [row.outcome for row in rows] == ["done", "done"]


def test_the_model_s_own_knowledge_follows_where_that_is_wanted(
    ask: Ask, tools: ModelServer, settings: Any
) -> None:
    settings.WHEN_NOT_FOUND = "general"
    tools.first = [calls(NOTHING), Script(text="NOT_IN_DOCUMENTS")]
    tools.script = Script(text=KNOWN)
    body = ask(NEON)[-1].data
    assert (body["outcome"], body["message"]) == ("general", KNOWN)
    assert body["notice"]["detail"].startswith("Not from the documents.")
    assert len(tools.requests) == 3
    assert "own general knowledge" in tools.requests[2]["messages"][0]["content"]


def test_what_the_first_search_answers_is_written_from_it_as_before(
    ask: Ask, tools: ModelServer
) -> None:
    tools.script = Script(text="You may take up to 52 weeks [1].")
    body = ask(WEEKS)[-1].data
    assert body["outcome"] == "answered"
    assert "There are no passages yet" not in tools.requests[0]["messages"][0]["content"]
    assert "end of passage" in tools.requests[0]["messages"][-1]["content"]


# --- around it ------------------------------------------------------------------------------------


def test_stop_works_within_a_second_and_shows_nothing(alice: User, tools: ModelServer) -> None:
    tools.first = [counted()]
    tools.script = Script("hang")
    answer = ask_service(alice, Question(DAYS)).answer
    run = runtime().find(answer.pk)
    assert run is not None
    until = time.monotonic() + 10
    while len(tools.requests) < 2 and time.monotonic() < until:
        time.sleep(0.02)
    began = time.monotonic()
    stop(alice, answer.pk)
    wait_for_answer(answer.pk)
    assert time.monotonic() - began < 1.0
    answer.refresh_from_db()
    assert (answer.state, answer.text) == ("stopped", "")


def test_a_stranger_s_document_is_neither_listed_nor_found(
    ask: Ask, charlie: User, tools: ModelServer, add_text: Callable[..., Document]
) -> None:
    secret = add_text("Handling of invoices", "Pay bills within 4711 days.", groups=("board",))
    tools.first = [
        calls(
            ("list_documents", {"title": "invoices"}),
            ("search_documents", {"query": "Pay bills within how many days?"}),
            ("open_document", {"document": secret.pk}),
        )
    ]
    tools.script = Script(text="- Handling of invoices\n\nPay bills within 4711 days [1].")
    assert is_not_found(ask(LISTED, charlie))
    assert "4711" not in repr(tools.requests)


def test_the_trace_holds_the_calls_and_puts_each_prompt_together_again(
    alice: User,
    leave: Document,
    travel: Document,
    answered: Callable[..., Any],
    tools: ModelServer,
) -> None:
    tools.first = [calls(NOTHING, SEARCH), counted()]
    tools.script = Script(text=BOOKED)
    asked = answered(alice, RAILS)
    found = assert_as_sent(asked, tools.requests)
    assert [one.stored["kind"] for one in found] == ["answer", "round", "round"]
    assert found[0].stored["passages"] == []
    assert asked.answer.prompt_version.endswith("+further")
    assert told(asked).as_dict()["further"] == "found"
    names = [one["name"] for one in told(asked).tools]
    assert names == ["search_documents", "search_documents", "days_between"]


def test_the_trace_of_what_was_not_found_holds_them_too(
    alice: User, leave: Document, answered: Callable[..., Any], tools: ModelServer
) -> None:
    tools.first = [calls(NOTHING)]
    tools.script = Script(text=KNOWN)
    asked = answered(alice, NEON)
    found = assert_as_sent(asked, tools.requests)
    assert [one.stored["kind"] for one in found] == ["answer", "round"]
    assert told(asked).body["held"]["left_out"] == 1
    assert told(asked).as_dict()["further"] == "nothing"
    assert [one["name"] for one in told(asked).tools] == ["search_documents"]


def test_an_answer_is_shared_only_under_the_same_setting_and_with_sources(
    alice: User, travel: Document, answered: Callable[..., Any], tools: ModelServer, settings: Any
) -> None:
    settings.ANSWER_CACHE_HOURS = 24
    tools.first = [calls(SEARCH)]
    tools.script = Script(text=BOOKED)
    first = answered(alice, RAILS).answer
    assert first.share_key
    assert answered(alice, RAILS).answer.cache == "hit"
    settings.TOOLS_WHEN_NOT_FOUND = "off"
    later = answered(alice, RAILS).answer
    assert (later.outcome, later.cache) == ("not_found", "miss")
    settings.TOOLS_WHEN_NOT_FOUND = "on"
    tools.first = [counted()]
    tools.script = Script(text="There are 106 days.")
    assert answered(alice, DAYS).answer.share_key == ""


def test_what_comes_from_the_web_stands_with_its_notice(
    ask: Ask, tools: ModelServer, settings: Any
) -> None:
    settings.CHAT_TOOLS = ["tests.chat.site_functions:search_the_web"]
    tools.first = [calls(("search_the_web", {"query": "trains to Rome"}))]
    tools.script = Script(text=f"According to the web, trains to Rome leave at noon. {KNOWN}")
    body = ask("At which hour is the departure towards Italy's capital?")[-1].data
    assert body["outcome"] == "answered"
    assert body["message"].strip() == "According to the web, trains to Rome leave at noon."
    assert body["notice"]["code"] == "from_web"
    assert [one["support"] for one in body["sentences"]] == ["unknown"]


def test_the_moderation_looks_at_what_is_shown(ask: Ask, tools: ModelServer, settings: Any) -> None:
    settings.MODERATION_MODEL = "watcher"
    tools.first = [counted()]
    tools.script = Script(text="There are 106 days.")
    ask(DAYS)
    assert tools.moderated == [DAYS, "There are 106 days."]
