"""Functions keep to their limits: who may see what, how often, how long, and whatever is called."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import Group
from django.core.management import call_command
from django.core.management.base import SystemCheckError

from chat.models import Message, ModelCall
from chat.runs import Run
from chat.runtime import runtime
from chat.services import Asked, Question, stop
from chat.services import ask as ask_service
from chat.tools.site import told
from chat.waiting import wait_for_answer
from chat.wording import tool_step
from knowledge.models import Document
from knowledge.passages import Filters
from tests.chat import site_functions
from tests.chat.test_tools import QUESTION, calls
from tests.model_server import ModelServer, Script
from users.models import User

pytestmark = [pytest.mark.django_db(transaction=True)]

ROOT = Path(__file__).resolve().parents[2]
SAID = "You may take up to 52 weeks [1]."
Ask = Callable[..., Message]


@pytest.fixture
def tools(model_server: ModelServer, settings: Any, leave: Document) -> ModelServer:
    settings.MODEL_TOOLS = True
    settings.MODEL_RETRIES = 0
    model_server.script = Script(text=SAID)
    return model_server


@pytest.fixture
def ask(answered: Callable[..., Asked]) -> Ask:
    def one(user: Any, **fields: Any) -> Message:
        return answered(user, QUESTION, **{"top_k": 1, **fields}).answer

    return one


@pytest.fixture
def secret(add_text: Callable[..., Document]) -> Document:
    text = "# Bonus\n\nThe bonus for parental leave is 4711 euros for each manager.\n"
    return add_text("Secret bonus", text, groups=("board",), document_type="policy")


def results(server: ModelServer, request: int = 1) -> list[str]:
    told = [m for m in server.requests[request]["messages"] if m["role"] == "tool"]
    return [str(one["content"]) for one in told]


def errors(message: Message) -> list[str]:
    return [one["error"] for one in message.retrieval["tools"]]


def test_no_function_shows_a_stranger_what_is_not_theirs(
    ask: Ask, alice: User, tools: ModelServer, secret: Document
) -> None:
    wanted = (
        ("search_documents", {"query": "bonus for parental leave of a manager"}),
        ("open_document", {"document": secret.pk}),
        ("list_documents", {"title": "bonus"}),
        ("list_documents", {}),
        ("open_document", {"document": 10**9}),
        ("open_document", {"document": -1}),
    )
    tools.first = [calls(*wanted)]
    message = ask(alice)
    assert "4711" not in repr(tools.requests)
    assert "Secret bonus" not in repr(tools.requests)
    found = [place for one in message.retrieval["tools"] for place in one["found"]]
    assert secret.pk not in [place["document_id"] for place in found]
    # The same words as for a document that does not exist.
    assert results(tools)[1] == results(tools)[4]
    alice.groups.add(Group.objects.get(name="board"))
    tools.requests.clear()
    tools.first = [calls(*wanted)]
    ask(alice)
    assert "4711" in "".join(results(tools))
    assert "Secret bonus" in results(tools)[2]


def test_the_filters_of_a_question_hold_for_its_functions(
    ask: Ask, alice: User, tools: ModelServer, travel: Document, leave: Document
) -> None:
    tools.first = [
        calls(
            ("search_documents", {"query": "train journeys in Europe"}),
            ("open_document", {"document": travel.pk}),
            ("list_documents", {}),
            ("list_documents", {"document_type": "other"}),
        )
    ]
    ask(alice, filters=Filters(document_ids=(leave.pk,), document_type="policy"))
    assert "Train journeys" not in repr(tools.requests)
    assert "Travel Guide" not in repr(tools.requests)
    assert "wants documents of the type policy" in results(tools)[3]


def test_calls_that_cannot_be_used_are_answered_in_words(
    ask: Ask, alice: User, tools: ModelServer
) -> None:
    bad = Script(
        "calls",
        calls=(
            ("delete_everything", "{}"),
            ("", "{}"),
            ("calculate", "{not json"),
            ("calculate", "[1]"),
            ("calculate", '{"formula": "1"}'),
            ("calculate", '{"expression": "9**9**9"}'),
            ("add_to_date", '{"start": "soon", "amount": 1}'),
            ("search_documents", '{"query": " "}'),
        ),
    )
    tools.first = [bad]
    message = ask(alice)
    assert message.text == SAID
    assert message.notice is None
    said = results(tools)
    assert "There is no such function. There are: search_documents" in said[0]
    assert said[2:] == [
        "The arguments are no JSON object.",
        "The arguments are no JSON object.",
        "Unknown: formula. The parameters are: expression.",
        "The result is too large.",
        "A date is written as 2027-03-01, or as today.",
        "The query is empty.",
    ]
    assert errors(message) == said


def test_two_hundred_calls_at_once_and_the_same_again_end_well(
    ask: Ask, alice: User, tools: ModelServer, settings: Any
) -> None:
    settings.TOOL_ROUNDS = 2
    many = Script("calls", calls=(("calculate", '{"expression": "1+1"}'),) * 200)
    tools.first = [many, many]
    message = ask(alice)
    assert message.text == SAID
    assert len(results(tools, 1)) == 8
    assert results(tools, 1)[0] == "1+1 = 2"
    assert set(results(tools, 1)[1:]) == {"You have called this already; its result stands above."}
    assert "tool_choice" not in tools.requests[1]
    assert tools.requests[2]["tool_choice"] == "none"


def test_a_model_that_never_stops_calling_gives_way_to_quotes(
    ask: Ask, alice: User, tools: ModelServer, settings: Any
) -> None:
    settings.TOOL_ROUNDS = 2
    tools.script = calls(("calculate", {"expression": "1 + 1"}))
    message = ask(alice)
    assert (message.state, message.model) == ("done", "extractive")
    assert message.notice["code"] == "generation_failed"
    assert len(tools.requests) == 4
    assert results(tools, 3)[-1].startswith("No more functions")
    assert ModelCall.objects.exclude(outcome="running").count() == 4


def test_without_rounds_nothing_is_offered(
    ask: Ask, alice: User, tools: ModelServer, settings: Any
) -> None:
    settings.TOOL_ROUNDS = 0
    assert ask(alice).text == SAID
    assert "tools" not in tools.requests[0]


def test_a_window_without_room_offers_no_function(
    ask: Ask, alice: User, tools: ModelServer, settings: Any
) -> None:
    settings.CHAT_CONTEXT_TOKENS = 1600
    assert ask(alice).text == SAID
    assert "tools" not in tools.requests[0]


@pytest.mark.parametrize("kind", ["hang", "broken", "reset", "garbage", "silent"])
def test_a_model_that_fails_after_its_calls_gives_way_to_quotes(
    kind: str, ask: Ask, alice: User, tools: ModelServer, settings: Any
) -> None:
    settings.MODEL_FIRST_TOKEN_SECONDS = 1
    tools.first = [calls(("calculate", {"expression": "1 + 1"}))]
    tools.script = Script(kind, cut_after=0)
    message = ask(alice)
    assert (message.state, message.model) == ("done", "extractive")
    assert message.notice["detail"].startswith("Quoted, not written.")


def test_a_further_round_that_no_budget_pays_for_ends_in_quotes(
    ask: Ask, alice: User, tools: ModelServer, settings: Any
) -> None:
    settings.MODEL_PRICE_IN = Decimal(1)
    settings.MODEL_PRICE_OUT = Decimal(1000)
    settings.DAILY_BUDGET_USD = Decimal("0.7025")  # one answer's highest price, and its prompt's
    tools.first = [calls(("list_documents", {}), ("calculate", {"expression": "1" * 400}))]
    message = ask(alice)
    assert len(tools.requests) == 1
    assert message.notice["code"] == "budget_exhausted"
    assert message.model == "extractive"


# --- functions of a site ------------------------------------------------------------------------


def named(*names: str) -> list[str]:
    return [f"tests.chat.site_functions:{name}" for name in names]


def test_a_function_of_the_site_is_told_who_asks_and_the_model_is_not(
    ask: Ask, alice: User, tools: ModelServer, settings: Any
) -> None:
    settings.CHAT_TOOLS = named("who_asks")
    alice.groups.add(Group.objects.create(name="hr"))
    tools.first = [calls(("who_asks", {"loud": True}))]
    message = ask(alice)
    assert "False ['hr'] True" in results(tools)[0]
    assert site_functions.seen[-1].user_id == alice.pk
    offered = {tool["function"]["name"]: tool["function"] for tool in tools.requests[0]["tools"]}
    assert list(offered["who_asks"]["parameters"]["properties"]) == ["loud"]
    assert message.retrieval["tools"][0]["site"] is True
    settings.ANSWER_CACHE_HOURS = 24
    tools.first = [calls(("who_asks", {}))]
    assert ask(alice).share_key == ""


def test_what_comes_from_the_web_is_marked_and_gives_no_orders(
    ask: Ask, alice: User, tools: ModelServer, settings: Any
) -> None:
    settings.CHAT_TOOLS = named("search_the_web")
    tools.first = [calls(("search_the_web", {"query": "trains to Rome"}))]
    message = ask(alice)
    [said] = results(tools)
    assert "From the web, not from the documents:" in said
    assert "Trains to Rome leave at noon." in said
    assert "PELICAN" not in said
    assert message.notice["code"] == "from_web"
    assert message.retrieval["tools"][0]["web"] is True


def test_personal_data_goes_to_no_function_of_the_site(
    ask: Ask, alice: User, tools: ModelServer, settings: Any
) -> None:
    settings.CHAT_TOOLS = named("search_the_web")
    settings.PII_POLICY = "redact"
    tools.first = [calls(("search_the_web", {"query": "jane.doe@example.org"}))]
    message = ask(alice)
    assert results(tools) == ["Personal data must not be sent there. Call it without."]
    assert message.retrieval["tools"][0]["web"] is False
    assert message.notice is None


def test_a_step_is_told_without_its_words_once_a_document_may_not_be_read() -> None:
    run = Run(uuid4(), uuid4(), 1)
    run.tell(*tool_step("en", "search_documents", {"query": "words of a document"}))
    step = run.log[-1]
    assert run.as_readable(step).data["text"] == "Searched again: words of a document"
    run.gone = {7: "restricted"}
    assert run.as_readable(step).data["text"] == "Searched again"


def test_a_function_that_hangs_or_fails_is_given_up(
    ask: Ask, alice: User, tools: ModelServer, settings: Any
) -> None:
    settings.CHAT_TOOLS = named("hang", "fail")
    settings.TOOL_SECONDS = 1
    tools.first = [calls(("hang", {"seconds": 4}), ("fail", {}))]
    message = ask(alice)
    assert results(tools) == ["It took too long and was given up.", "It failed."]
    assert "a secret" not in repr(message.retrieval)
    assert message.text == SAID


def test_stop_works_within_a_second_while_a_function_runs(
    alice: User, tools: ModelServer, settings: Any
) -> None:
    settings.CHAT_TOOLS = named("hang")
    tools.first = [calls(("hang", {"seconds": 4}))]
    answer = ask_service(alice, Question(QUESTION)).answer
    run = runtime().find(answer.pk)
    assert run is not None
    while not any("another source" in str(event.data) for event in list(run.log)):
        time.sleep(0.02)
    began = time.monotonic()
    stop(alice, answer.pk)
    wait_for_answer(answer.pk)
    assert time.monotonic() - began < 1.0
    answer.refresh_from_db()
    assert answer.state == "stopped"


def test_the_check_says_what_is_wrong_with_a_function(settings: Any) -> None:
    settings.CHAT_TOOLS = [
        *named("lacks_everything", "calculate", "absent"),
        "no.such.module:function",
        "no colon",
    ]
    with pytest.raises(SystemCheckError) as caught:
        call_command("check")
    said = str(caught.value)
    for words in (
        "lacks_everything needs a docstring",
        "no type hint for words",
        "takes *more",
        "the name calculate is taken already",
        "tests.chat.site_functions has no absent",
        "cannot be imported",
        "is not written as package.module:function",
    ):
        assert words in said


@pytest.mark.parametrize(
    "value", [None, "", b"x\x00", ["a", "b"], {"a": 1}, 7, "x" * 99_999, "\ud800"]
)
def test_whatever_a_function_returns_becomes_words(value: Any) -> None:
    said = told(value)
    assert said
    assert len(said) <= 12_000
    said.encode("utf-8")


@pytest.fixture
def searx(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            assert "q=trains+to+Rome&format=json" in self.path
            page = {"title": "Rome", "url": "https://example.org/rome", "content": "At noon."}
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps({"results": [page]}).encode())

        def log_message(self, *_: Any) -> None:
            return

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("SEARXNG_URL", f"http://127.0.0.1:{server.server_port}")
    yield
    server.shutdown()
    server.server_close()


@pytest.fixture
def of_the_manual(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    """The module that the manual shows, switched on."""
    page = (ROOT / "docs" / "tools.md").read_text()
    (tmp_path / "site_tools.py").write_text(page.split("```python\n")[1].split("```")[0])
    monkeypatch.syspath_prepend(str(tmp_path))
    settings.CHAT_TOOLS = ["site_tools:search_the_web"]


@pytest.mark.usefixtures("searx", "of_the_manual")
def test_the_web_search_of_the_manual_works_as_it_stands(
    ask: Ask, alice: User, tools: ModelServer
) -> None:
    tools.first = [calls(("search_the_web", {"query": "trains to Rome"}))]
    message = ask(alice)
    assert "https://example.org/rome" in results(tools)[0]
    assert message.notice["code"] == "from_web"
