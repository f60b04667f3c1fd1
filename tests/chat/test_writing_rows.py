"""Rows are written whatever comes: bad drafts, a database that is away, a process that dies."""

import json
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import OperationalError
from django.utils import timezone

from chat import journal, reading, schedule
from chat.flushing import draft_of, flush_or_look
from chat.models import ChatSession, Citation, Message
from chat.runs import Run
from chat.runtime import runtime
from chat.services import Asked, Question, ask
from chat.waiting import wait_for_answer
from knowledge.models import Document
from knowledge.search import EmbedderUnavailable
from knowledge.services import delete_document
from tests.model_server import ModelServer, Script
from users.models import User

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.engine]

QUESTION = "How many weeks of parental leave may an employee take?"
NEEDLE = "fifty-two weeks"


def make_run(user: User, text: str) -> Run:
    """A running answer whose row is there and that nobody writes."""
    session = ChatSession.objects.create(user=user)
    asked = Message.objects.create(session=session, ordinal=0, role="user", text="When?")
    row = Message.objects.create(
        session=session,
        ordinal=1,
        role="assistant",
        question=asked,
        state="running",
        lease_token=uuid4(),
        lease_until=timezone.now() + timedelta(seconds=20),
    )
    run = Run(row.pk, session.pk, user.pk, row.lease_token)
    run.text = text
    return run


def text_of(message_id: UUID) -> str:
    return Message.objects.get(pk=message_id).text


def test_a_model_that_sends_what_cannot_be_stored_is_written_all_the_same(
    alice: User,
    leave: Document,
    model_server: ModelServer,
    answered: Callable[..., Asked],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def escaped(body: dict[str, Any]) -> bytes:
        return b"data: " + json.dumps(body).encode() + b"\n\n"

    monkeypatch.setattr("tests.model_server._event", escaped)
    tokens = ("You\x00 may \ud800", "take 52 \ud83e", "\udd8a weeks ", "[1].")
    model_server.script = Script(tokens=tokens, delay=0.3)
    asked = answered(alice, QUESTION)
    assert (asked.answer.state, asked.answer.text) == ("done", "You may take 52 🦊 weeks [1].")
    assert answered(alice, "When is parental leave paid?").answer.state == "done"


def test_a_draft_that_cannot_be_written_fails_no_other(alice: User, charlie: User) -> None:
    good, bad, late = (make_run(alice, "good"), make_run(alice, "\ud800"), make_run(charlie, "end"))
    drafts = [draft_of(run) for run in (good, bad, late)]
    flushed, failed = flush_or_look(drafts, [draft.message_id for draft in drafts])
    assert failed == {bad.message_id}
    assert not flushed.lost
    assert (text_of(good.message_id), text_of(late.message_id)) == ("good", "end")


def test_a_round_that_breaks_does_not_end_the_flushing(
    alice: User, leave: Document, model_server: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken: list[object] = []

    def breaks_once(*given: Any) -> Any:
        if not broken:
            broken.append(given)
            raise RuntimeError("a bug")
        return flush_or_look(*given)

    monkeypatch.setattr("chat.runtime.flush_or_look", breaks_once)
    model_server.script = Script(tokens=("word ",) * 30, delay=0.1)
    asked = ask(alice, Question(QUESTION))
    deadline = time.monotonic() + 10
    while not text_of(asked.answer.pk) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert broken
    assert Message.objects.get(pk=asked.answer.pk).state == "running"
    assert text_of(asked.answer.pk)
    wait_for_answer(asked.answer.pk)


def test_an_end_that_cannot_be_written_is_tried_again(
    alice: User, leave: Document, answered: Callable[..., Asked], monkeypatch: pytest.MonkeyPatch
) -> None:
    finish, failures = journal.finish, [OperationalError("away"), OperationalError("away")]

    def fails_twice(*given: Any) -> Any:
        if failures:
            raise failures.pop()
        return finish(*given)

    monkeypatch.setattr(journal, "finish", fails_twice)
    asked = answered(alice, QUESTION)
    assert not failures
    assert (asked.answer.state, asked.answer.model) == ("done", "extractive")
    assert asked.answer.retrieval["candidates"]


def test_an_end_that_breaks_still_tells_the_readers(
    alice: User, leave: Document, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr(journal, "finish", broken)
    asked = ask(alice, Question(QUESTION))
    run = runtime().find(asked.answer.pk)
    if run is not None:
        assert run.wait(10)
        assert run.log[-1].kind == "reconnect"
    assert runtime().wind_down(5) == 0


def test_the_last_draft_repeats_all_fields(alice: User) -> None:
    run = make_run(alice, "said")
    run.fields = {"searched": 3}
    first = draft_of(run)
    run.flushed_fields, run.flushed_chars = first.fields, len(run.text)
    assert not run.is_dirty
    assert draft_of(run).text is None
    assert draft_of(run, full=True).fields == {"searched": 3}


def test_without_an_embedder_quotes_are_chosen_by_their_words(
    alice: User, leave: Document, answered: Callable[..., Asked], monkeypatch: pytest.MonkeyPatch
) -> None:
    def unavailable(_: object) -> None:
        raise EmbedderUnavailable("no model")

    monkeypatch.setattr("chat.answering.embed", unavailable)
    answer = answered(alice, QUESTION).answer
    assert (answer.state, answer.outcome, answer.degraded) == ("done", "answered", ["dense"])
    assert NEEDLE in answer.text


def died_while_quoting(asked: Asked, **fields: Any) -> None:
    """As the row of an answer stands whose process died between its first flush and its end."""
    past = timezone.now() - timedelta(seconds=1)
    given = {"state": "running", "lease_token": uuid4(), "lease_until": past, **fields}
    Message.objects.filter(pk=asked.answer.pk).update(**given)


@pytest.mark.parametrize("lacks", [{}, {"model": "", "sentences": []}])
def test_a_quoted_answer_whose_process_died_gives_up_the_words_of_what_was_deleted(
    alice: User, leave: Document, answered: Callable[..., Asked], lacks: dict[str, Any]
) -> None:
    asked = answered(alice, QUESTION)
    assert NEEDLE in asked.answer.text
    died_while_quoting(asked, **lacks)
    delete_document(leave)
    assert schedule.sweep()["interrupted"] == 1
    message = Message.objects.get(pk=asked.answer.pk)
    assert message.state == "interrupted"
    assert NEEDLE not in message.text
    assert "[1]" in message.text
    assert message.retrieval["candidates"] == []
    assert not Citation.objects.filter(message=message).exclude(heading="").exists()
    assert NEEDLE not in reading.answer(message, user=alice)["message"]


def test_the_first_flush_of_a_quoted_answer_says_what_it_is(
    alice: User, leave: Document, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended: list[Any] = []
    finish = journal.finish

    def keeps(*given: Any) -> Any:
        ended.extend(given)
        return finish(*given)

    monkeypatch.setattr(journal, "finish", keeps)
    asked = ask(alice, Question(QUESTION))
    wait_for_answer(asked.answer.pk)
    draft = ended[0]
    assert draft.fields["model"] == "extractive"
    assert draft.fields["sentences"]


def test_what_was_deleted_meanwhile_is_not_among_what_was_found(
    alice: User, leave: Document, travel: Document
) -> None:
    run = make_run(alice, "Not in my documents.")
    number, version = leave.pk, 1
    run.fields = {
        "retrieval": {
            "candidates": [
                {"document_id": pk, "document_version": 1, "start": 0, "end": 9, "heading": "Pay"}
                for pk in (number, travel.pk)
            ]
        }
    }
    near = tuple(
        {"document_id": pk, "document_version": version, "title": "t", "url": "", "why": ""}
        for pk in (number, travel.pk)
    )
    delete_document(leave)
    ending = journal.Ending("done", "not_found", "extractive", nearest=near)
    assert journal.finish(draft_of(run, full=True), ending, 1) is not None
    row = Message.objects.get(pk=run.message_id)
    assert [one["document_id"] for one in row.nearest] == [travel.pk]
    assert [one["document_id"] for one in row.retrieval["candidates"]] == [travel.pk]
