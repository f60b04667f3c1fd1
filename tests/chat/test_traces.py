"""How an answer came to be is kept with it, read by staff on one page, and erased with it."""

import json
import time
from collections.abc import Callable
from hashlib import sha256
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client

from chat.forgetting import forget_document
from chat.generation.prompts import Message as PromptMessage
from chat.models import Message, Trace
from chat.outgoing import seal
from chat.retelling import Told, tell
from chat.services import Asked, Question, ask, clear_memory, delete_session
from chat.tracing import Tracer
from chat.waiting import wait_for_answer
from knowledge.models import Document
from knowledge.passages import LeftOut, Scores, SearchResult
from knowledge.services import delete_document
from tests.model_server import ModelServer, Script
from users.models import User

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.engine]

QUESTION = "How many weeks of parental leave may an employee take?"
TRUE = "Every employee may take up to 52 weeks of parental leave [1]."
Answered = Callable[..., Asked]


def told(asked: Asked) -> Told:
    found = tell(asked.answer.pk, reads_words=True)
    assert found is not None
    return found


def trace_rows() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM chat_trace")
        return repr(cursor.fetchall())


def allow(user: User, *names: str) -> None:
    user.user_permissions.add(*Permission.objects.filter(codename__in=names))


@pytest.fixture
def reader(bob: User) -> Client:
    """Staff who were given the permission to read what was said."""
    allow(bob, "view_message", "view_chatsession", "read_said")
    client = Client()
    client.force_login(bob)
    return client


def page_of(asked: Asked, end: str = "/trace/") -> str:
    return f"/admin/chat/message/{asked.answer.pk}{end}"


def test_the_prompt_is_put_together_again_letter_by_letter(
    alice: User, leave: Document, travel: Document, answered: Answered, model_server: ModelServer
) -> None:
    model_server.script = Script(text=TRUE)
    first = answered(alice, QUESTION)
    asked = answered(alice, "And is parental leave paid?", session_id=first.session.pk)
    sent = model_server.requests[-1]["messages"]
    rewriting, prompt = told(asked).prompts
    assert rewriting.stored["kind"] == "rewrite"
    assert [(p.role, p.content) for p in prompt.parts] == [(m["role"], m["content"]) for m in sent]
    assert prompt.is_sent
    assert prompt.stored["temperature"] == 0.2
    assert "fifty-two" not in trace_rows()
    assert "Entitlement" not in trace_rows()
    assert TRUE not in trace_rows()


def test_a_passage_that_begins_within_a_table_has_its_columns_in_the_prompt_again(
    alice: User,
    answered: Answered,
    model_server: ModelServer,
    settings: Any,
    add_text: Callable[..., Document],
) -> None:
    settings.CHUNK_TOKENS = 64
    rows = "\n".join(f"| Town {n} | {n} days of leave |" for n in range(60))
    add_text("Holidays", f"# Holidays\n\n| Town | Days |\n| --- | --- |\n{rows}\n")
    asked = answered(alice, "How many days of leave are there in Town 41?")
    [prompt] = told(asked).prompts
    sent = model_server.requests[-1]["messages"]
    assert sent[-1]["content"].count("| Town | Days |") > 1
    assert [p.content for p in prompt.parts] == [m["content"] for m in sent]
    assert prompt.is_sent


def test_every_stage_says_what_it_thought_and_what_it_left_out(
    alice: User, leave: Document, travel: Document, answered: Answered, model_server: ModelServer
) -> None:
    model_server.script = Script(text=TRUE)
    asked = answered(alice, QUESTION, top_k=1)
    found = told(asked)
    [search] = found.searches
    [row] = search["given"]
    assert row["rank"] == row["number"] == 1
    assert {"dense", "lexical", "fused"} <= set(row["scores"])
    assert [one["why"] for one in search["left_out"]].count("beyond limit") >= 1
    assert search["in_sight"] == search["indexed"]
    assert [one["stage"] for one in found.stages][:3] == ["loaded", "understood", "searched"]
    assert found.stages[-1]["stage"] == "checked"
    [sentence] = found.sentences
    assert sentence["support"] == "supported"
    assert sentence["by"] in {"words", "meaning"}
    assert sentence["figures"]["coverage"] > 0
    [call] = found.calls
    assert (call["purpose"], call["outcome"], call["attempts"]) == ("answer", "done", 1)
    assert Trace.objects.get(message=asked.answer).supported == 1


def test_what_the_asker_may_not_see_is_counted_and_not_named(
    alice: User, add_text: Callable[..., Document], leave: Document, answered: Answered
) -> None:
    add_text("Secret", "Every employee may take ninety weeks of parental leave.", groups=("board",))
    asked = answered(alice, QUESTION)
    [search] = told(asked).searches
    assert search["in_sight"] < search["indexed"]
    rows = [*search["given"], *search["left_out"]]
    assert {row["title"] for row in rows} == {"Parental Leave Policy"}


def test_failures_and_repeated_requests_are_told_with_their_reasons(
    alice: User,
    leave: Document,
    answered: Answered,
    model_server: ModelServer,
    settings: Any,
) -> None:
    settings.MODEL_FALLBACKS = ["script:broken", "second"]
    settings.CHAT_MODEL = "script:broken"
    settings.MODEL_RETRIES = 1
    model_server.script = Script(text=TRUE)
    found = told(answered(alice, QUESTION))
    assert found.body["failures"] == [
        {"model": "script:broken", "kind": "ModelFailed", "error": "the model answered 500"}
    ]
    failed, done = found.calls
    assert (failed["attempts"], failed["repeated_for"]) == (2, "the model answered 500")
    assert done["outcome"] == "done"
    assert [one.stored["model"] for one in found.prompts] == ["script:broken", "second"]


def test_an_erased_document_leaves_the_trace_and_its_page_says_so(
    alice: User, leave: Document, answered: Answered, model_server: ModelServer, reader: Client
) -> None:
    model_server.script = Script(text="It is a fine thing [1].")
    asked = answered(alice, QUESTION)
    number = leave.pk
    delete_document(leave)
    forget_document(number)
    [prompt] = told(asked).prompts
    assert prompt.gone == len(prompt.stored["passages"]) > 0
    assert not prompt.is_sent
    page = reader.get(page_of(asked)).content.decode()
    assert "removed since" in page
    assert "no longer there" in page
    for words in ("fifty-two", "Entitlement"):
        assert words not in page
        assert words not in reader.get(page_of(asked, "/trace.json")).content.decode()


def test_a_summary_goes_with_its_documents_and_with_the_memory(
    alice: User, leave: Document, answered: Answered
) -> None:
    first, second = answered(alice, QUESTION), answered(alice, QUESTION)
    named = [{"document_id": leave.pk, "document_version": 1}]
    Trace.objects.update(summary="Fifty-two weeks.", summary_documents=named)
    clear_memory(alice, second.session.pk)
    assert Trace.objects.get(message=second.answer).summary == ""
    assert Trace.objects.get(message=first.answer).summary == "Fifty-two weeks."
    forget_document(leave.pk)
    assert not Trace.objects.exclude(summary="").exists()


@pytest.fixture
def redacting(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """As if the test's model were somewhere else."""
    settings.PII_POLICY = "redact"
    monkeypatch.setattr("core.networks.is_loopback", lambda host: False)


def test_personal_data_is_shown_as_it_was_sent(
    alice: User,
    add_text: Callable[..., Document],
    answered: Answered,
    model_server: ModelServer,
    redacting: None,
) -> None:
    text = "Every employee may take up to 52 weeks of parental leave. Ask jane@example.org."
    add_text("Parental leave", text)
    model_server.script = Script(text=TRUE)
    asked = answered(alice, QUESTION)
    sent = model_server.requests[-1]["messages"]
    [prompt] = told(asked).prompts
    assert [p.content for p in prompt.parts] == [m["content"] for m in sent]
    assert prompt.is_sent
    assert "jane@example.org" not in str(sent)
    assert prompt.hidden == {"EMAIL": 1}


def test_the_trace_goes_with_the_conversation(
    alice: User, leave: Document, answered: Answered, reader: Client
) -> None:
    asked = answered(alice, QUESTION)
    assert reader.get(page_of(asked)).status_code == 200
    delete_session(alice, asked.session.pk)
    assert reader.get(page_of(asked)).status_code == 404
    asked.session.delete()
    assert not Trace.objects.exists()


def test_staff_without_the_permission_see_figures_and_no_words(
    alice: User, bob: User, leave: Document, answered: Answered, model_server: ModelServer
) -> None:
    model_server.script = Script(text=TRUE)
    asked = answered(alice, "How many weeks of parental leave may Zebedee take?")
    client = Client()
    client.force_login(bob)
    assert client.get(page_of(asked)).status_code == 404
    allow(bob, "view_message")
    for end in ("/trace/", "/trace.json"):
        body = client.get(page_of(asked, end)).content.decode()
        assert "Zebedee" not in body
        assert "52 weeks" not in body
    assert "permission" in client.get(page_of(asked)).content.decode()
    assert client.post(page_of(asked, "/trace/again/")).status_code == 404
    assert not LogEntry.objects.exists()


def test_who_reads_what_was_said_is_in_the_journal_once_a_day(
    alice: User, leave: Document, answered: Answered, reader: Client
) -> None:
    asked = answered(alice, QUESTION)
    page = reader.get(page_of(asked)).content.decode()
    assert QUESTION in page
    reader.get(page_of(asked, "/trace.json"))
    assert LogEntry.objects.get().object_id == str(asked.answer.pk)


def test_a_stranger_is_told_that_there_is_nothing(
    alice: User, charlie: User, leave: Document, answered: Answered, reader: Client
) -> None:
    asked = answered(alice, QUESTION)
    for person in (charlie, alice):
        stranger = Client()
        stranger.force_login(person)
        assert stranger.get(page_of(asked)).status_code == 404
        assert stranger.get(page_of(asked, "/trace.json")).status_code == 404
        assert stranger.post(page_of(asked, "/trace/again/")).status_code == 404
    assert Client().get(page_of(asked)).status_code == 302
    assert reader.get(f"/admin/chat/message/{uuid4()}/trace/").status_code == 404
    assert reader.get(f"/admin/chat/message/{asked.question.pk}/trace/").status_code == 404


def test_lists_of_the_admin_lead_to_the_trace(
    alice: User, leave: Document, answered: Answered, reader: Client
) -> None:
    asked = answered(alice, QUESTION)
    row = reader.get(f"/admin/chat/message/?session__id__exact={asked.session.pk}")
    assert page_of(asked) in row.content.decode()
    page = reader.get(f"/admin/chat/chatsession/{asked.session.pk}/change/").content.decode()
    assert f"session__id__exact={asked.session.pk}" in page


def test_an_answer_without_a_trace_has_a_page_too(
    alice: User, leave: Document, answered: Answered, reader: Client
) -> None:
    asked = answered(alice, QUESTION)
    Trace.objects.all().delete()
    page = reader.get(page_of(asked)).content.decode()
    assert "No trace was kept" in page
    body = json.loads(reader.get(page_of(asked, "/trace.json")).content)
    assert body["searches"][0]["given"]


def test_a_large_answer_stays_of_a_bounded_size(
    alice: User, add_text: Callable[..., Document], answered: Answered, reader: Client
) -> None:
    text = "\n\n".join(
        f"# Part {n}\n\nParental leave number {n} has {n} weeks for an employee." for n in range(90)
    )
    add_text("Long", text)
    asked = answered(alice, QUESTION, top_k=50)
    assert len(json.dumps(Trace.objects.get().body)) < 60_000
    assert len(reader.get(page_of(asked)).content) < 1_000_000


def test_small_talk_has_a_trace_without_a_search(alice: User, answered: Answered) -> None:
    found = told(answered(alice, "Hello!"))
    assert found.searches == ()
    assert found.prompts == ()
    assert Message.objects.get(pk=found.message.pk).outcome == "general"


def test_what_is_known_is_kept_while_the_answer_is_still_written(
    alice: User, leave: Document, model_server: ModelServer
) -> None:
    model_server.script = Script(text="It is paid in full for some weeks [1]. " * 6, delay=0.05)
    asked = ask(alice, Question(QUESTION))
    until = time.monotonic() + 30
    written = Trace.objects.filter(message=asked.answer, body__has_key="prompts")
    while time.monotonic() < until and not written.exists():
        time.sleep(0.05)
    row = Message.objects.get(pk=asked.answer.pk)
    body = Trace.objects.get(message=asked.answer).body
    assert row.state == "running"
    assert body["searches"]
    assert body["prompts"]
    wait_for_answer(asked.answer.pk)


def test_a_thousand_candidates_are_counted_and_some_are_kept() -> None:
    scores = Scores(dense=0.1, lexical=None, fused=1.0)
    many = tuple(LeftOut(str(uuid4()), n, 0.1, scores, "beyond limit") for n in range(1000))
    trace = Tracer()
    for question in range(3):
        trace.searched(question, "asked", SearchResult((), 0.5, 1.0, 9, 1, left_out=many))
    searches = trace.noted().body["searches"]
    assert sum(len(search["left_out"]) for search in searches) == 400
    assert sum(search["more"] for search in searches) == 2600


def test_a_seal_says_nothing_of_short_words() -> None:
    one = PromptMessage("user", "yes")
    assert seal(one) == seal(PromptMessage("user", "yes")) != seal(PromptMessage("user", "no"))
    assert seal(one) not in {sha256(b"user\nyes").hexdigest()[:32], sha256(b"yes").hexdigest()[:32]}
