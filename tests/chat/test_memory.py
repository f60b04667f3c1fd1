"""What is remembered of a conversation: the last turns by tokens, a summary of those before."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from rest_framework.test import APIClient

from chat import remembering
from chat.generation.context import Turn, estimate_tokens
from chat.generation.prompts import without_marks
from chat.generation.understanding import memory
from chat.models import ChatSession, Citation, Message, TokenRate
from chat.remembered import memory_dict
from chat.runtime import runtime
from chat.services import Asked, clear_memory
from knowledge.models import Document
from knowledge.services import delete_document
from tests.model_server import ModelServer, Script
from users.models import User

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.engine]

QUESTION = "How many weeks of parental leave may an employee take?"
Ask = Callable[..., Asked]


def conversation(user: User, turns: int, answer: str = "Yes, that is so.", **more: Any) -> Any:
    """A conversation of so many answered turns."""
    session = ChatSession.objects.create(user=user, title="Long")
    for turn in range(turns):
        asked = Message.objects.create(
            session=session, ordinal=2 * turn, role="user", text=f"What about item {turn}?"
        )
        Message.objects.create(
            session=session,
            ordinal=2 * turn + 1,
            role="assistant",
            question=asked,
            text=answer,
            outcome="answered",
            **{"model": "scripted", **more},
        )
    return session


def cite(session: ChatSession, document: Document) -> None:
    """A footnote on the document for every answer of a conversation."""
    version = document.active_version
    assert version is not None
    Citation.objects.bulk_create(
        Citation(
            message=message,
            number=1,
            document=document,
            version=version,
            document_number=document.pk,
            version_number=version.number,
            title=document.title,
            start=0,
            end=10,
            passage_start=0,
            passage_end=10,
        )
        for message in session.messages.filter(role="assistant")
    )


def last(session: ChatSession) -> Message:
    return session.messages.get(ordinal=session.messages.count() - 1)


def recalled(session: ChatSession) -> remembering.Recalled:
    fresh = ChatSession.objects.select_related("user").get(pk=session.pk)
    return remembering.recall(fresh, fresh.messages.count(), estimate_tokens)


@pytest.mark.parametrize("window", [2048, 4096, 8192])
@pytest.mark.parametrize("answer", ["Yes. " * 400, "是的。" * 400])
def test_a_conversation_of_200_turns_stays_inside_the_window(
    *,
    answer: str,
    window: int,
    alice: User,
    leave: Document,
    travel: Document,
    answered: Ask,
    model_server: ModelServer,
    settings: Any,
) -> None:
    settings.CHAT_CONTEXT_TOKENS = window
    model_server.script = Script(text="Fifty-two weeks [1].")
    model_server.asides = {"You summarise": Script(text="They asked about items. " * 400)}
    session = conversation(alice, 200, answer)
    for _ in range(2):
        answered(alice, QUESTION, session_id=session.pk)
    written = [
        r for r in model_server.requests if r["messages"][0]["content"].startswith("You ans")
    ]
    assert len(written) == 2
    for request in written:
        used = sum(estimate_tokens(message["content"]) for message in request["messages"])
        assert used + request["max_tokens"] <= window
    assert "summary" in written[1]["messages"][-1]["content"]


def test_the_settings_bound_what_is_remembered(alice: User, settings: Any) -> None:
    session = conversation(alice, 30)
    assert recalled(session).turns[0].question == "What about item 25?"
    settings.MEMORY_MESSAGES = 4
    assert len(recalled(session).turns) == 2
    settings.MEMORY_MESSAGES = 10
    settings.MEMORY_TOKENS = 100
    found = recalled(session)
    assert 0 < len(found.turns) < 5
    assert estimate_tokens(found.summary) <= 50
    settings.MEMORY_MESSAGES = 0
    assert recalled(session) == remembering.Recalled()


def test_older_turns_are_told_by_their_questions_until_they_are_summarised(alice: User) -> None:
    session = conversation(alice, 9)
    found = recalled(session)
    assert found.is_due
    assert "Asked: What about item 3?" in found.summary
    assert "What about item 4?" not in found.summary


def test_what_left_the_window_is_summarised_after_the_answer_without_a_model(
    alice: User, leave: Document, answered: Ask
) -> None:
    session = conversation(alice, 12, model="extractive")
    answered(alice, QUESTION, session_id=session.pk)
    wait_for_summary(session)
    session.refresh_from_db()
    assert session.summary_by == "questions"
    assert "Asked: What about item 7?" in session.summary
    assert not recalled(session).is_due


def wait_for_summary(session: ChatSession) -> None:
    """The chore is done before the run is given up, which the runtime's end waits for."""
    assert runtime().wind_down(10.0) == 0


def test_a_model_summarises_and_its_words_are_used(
    alice: User, leave: Document, answered: Ask, model_server: ModelServer
) -> None:
    model_server.script = Script(text="Fifty-two weeks [1].")
    model_server.asides = {"You summarise": Script(text="The reader asked about twelve items [1].")}
    session = conversation(alice, 12)
    answered(alice, QUESTION, session_id=session.pk)
    wait_for_summary(session)
    session.refresh_from_db()
    assert session.summary == "The reader asked about twelve items ."
    assert session.summary_by == "model"
    answered(alice, QUESTION, session_id=session.pk)
    assert "twelve items" in model_server.requests[-1]["messages"][-1]["content"]


@pytest.mark.parametrize("kind", ["broken", "silent", "hang"])
def test_a_model_that_cannot_summarise_leaves_the_questions(
    *,
    kind: str,
    alice: User,
    leave: Document,
    answered: Ask,
    model_server: ModelServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(remembering, "SUMMARY_SECONDS", 0.3)
    model_server.script = Script(text="Fifty-two weeks [1].")
    model_server.asides = {"You summarise": Script(kind)}
    session = conversation(alice, 12)
    answered(alice, QUESTION, session_id=session.pk)
    wait_for_summary(session)
    session.refresh_from_db()
    assert session.summary_by == "questions"


def test_deleting_a_document_erases_the_summary_that_may_tell_of_it(
    alice: User, leave: Document, answered: Ask
) -> None:
    session = conversation(alice, 12, "Secret words of the policy.")
    cite(session, leave)
    work = remembering.due(last(session).pk)
    assert work is not None
    assert work.documents == ((leave.pk, 1),)
    assert remembering.store(work, "Secret words.", "model")
    delete_document(leave)
    session.refresh_from_db()
    assert session.summary == ""
    assert session.summary_documents == []


def test_a_summary_that_is_stored_after_the_deletion_is_not_kept(
    alice: User, leave: Document
) -> None:
    session = conversation(alice, 12, "Secret words of the policy.")
    cite(session, leave)
    work = remembering.due(last(session).pk)
    assert work is not None
    delete_document(leave)
    assert not remembering.store(work, "Secret words.", "model")
    session.refresh_from_db()
    assert session.summary == ""


def test_a_summary_is_not_used_while_one_of_its_documents_is_restricted(
    alice: User, leave: Document, api: Callable[..., APIClient]
) -> None:
    session = conversation(alice, 12, "Secret words of the policy.")
    cite(session, leave)
    work = remembering.due(last(session).pk)
    assert work is not None
    assert remembering.store(work, "Secret words.", "model")
    assert "Secret" in recalled(session).summary
    Document.objects.filter(pk=leave.pk).update(is_restricted=True)
    found = recalled(session)
    assert "Secret" not in found.summary + "".join(turn.answer for turn in found.turns)
    assert "Parental" not in found.summary
    body = api(alice).get(f"/api/chat/sessions/{session.pk}/memory/").json()
    assert "Secret" not in str(body)
    assert found.is_due  # and it is made anew of what may be read
    again = remembering.due(last(session).pk)
    assert again is not None
    assert again.earlier == ""
    assert "Secret" not in "".join(turn.answer for turn in again.turns)


def test_what_an_answer_stands_on_counts_where_its_sources_are_not_shown(
    alice: User, leave: Document, travel: Document
) -> None:
    session = conversation(
        alice,
        12,
        "Secret words of the policy.",
        options={"include_sources": False},
        retrieval={"candidates": [{"document_id": travel.pk, "document_version": 1}]},
    )
    cite(session, leave)
    work = remembering.due(last(session).pk)
    assert work is not None
    assert work.documents == ((leave.pk, 1), (travel.pk, 1))
    Document.objects.filter(pk=leave.pk).update(is_restricted=True)
    again = remembering.due(last(session).pk)
    assert again is not None
    assert "Secret" not in "".join(turn.answer for turn in again.turns)


def test_the_reader_sees_and_clears_what_is_remembered(
    alice: User, leave: Document, api: Callable[..., APIClient], client: Client
) -> None:
    session = conversation(alice, 12)
    url = f"/api/chat/sessions/{session.pk}/memory/"
    body = api(alice).get(url).json()
    assert body["questions"] == [f"What about item {n}?" for n in range(7, 12)]
    assert "What about item 3?" in body["summary"]
    assert body["summary_by"] == "questions"
    assert 0 < body["tokens"] <= 2000 + 1000
    client.force_login(alice)
    page = f"/c/{session.pk}/memory/"
    assert "What about item 11?" in client.get(page).content.decode()
    assert client.post(page).status_code == 302
    assert "Nothing is remembered" in client.get(page).content.decode()
    body = api(alice).get(url).json()
    assert (body["questions"], body["summary"], body["is_cleared"]) == ([], "", True)
    assert session.messages.count() == 24
    assert api(alice).delete(url).status_code == 204


def test_a_stranger_neither_sees_nor_clears_it(
    alice: User, charlie: User, api: Callable[..., APIClient], client: Client
) -> None:
    session = conversation(alice, 3)
    url = f"/api/chat/sessions/{session.pk}/memory/"
    assert api(charlie).get(url).status_code == 404
    assert api(charlie).delete(url).status_code == 404
    client.force_login(charlie)
    assert client.get(f"/c/{session.pk}/memory/").status_code == 404
    assert client.post(f"/c/{session.pk}/memory/").status_code == 404
    assert len(recalled(session).turns) == 3


def test_a_summary_that_was_being_made_does_not_come_back_after_clearing(alice: User) -> None:
    session = conversation(alice, 12)
    work = remembering.due(last(session).pk)
    assert work is not None
    clear_memory(alice, session.pk)
    assert not remembering.store(work, "What was forgotten.", "model")
    session.refresh_from_db()
    assert session.summary == ""


def test_of_two_summaries_made_at_once_one_is_kept(alice: User) -> None:
    session = conversation(alice, 12)
    first, second = remembering.due(last(session).pk), remembering.due(last(session).pk)
    assert first is not None
    assert second is not None
    assert remembering.store(first, "One.", "model")
    assert not remembering.store(second, "Two.", "model")
    assert memory_dict(ChatSession.objects.get(pk=session.pk))["summary"].startswith("One.")


def test_the_providers_own_count_corrects_the_estimate(
    alice: User, leave: Document, answered: Ask, model_server: ModelServer
) -> None:
    model_server.script = Script(text="Fifty-two weeks [1].")  # it counts 100 tokens for the prompt
    answered(alice, QUESTION)
    wait_for_summary(ChatSession.objects.get())
    rate = TokenRate.objects.get(model="scripted")
    assert rate.ratio < 1.0
    model_server.script = Script(text="Fifty-two weeks [1].", usage=False)
    answered(alice, QUESTION)
    assert TokenRate.objects.get(model="scripted").ratio == rate.ratio


def test_a_count_that_cannot_be_true_moves_the_estimate_within_bounds() -> None:
    ratio = 1.0
    for _ in range(100):
        ratio = memory.corrected(ratio, 100, 10**9)
    assert ratio <= 2.0
    for _ in range(100):
        ratio = memory.corrected(ratio, 10**9, 1)
    assert ratio >= 0.5
    assert memory.corrected(1.3, 0, 5) == memory.corrected(1.3, 5, 0) == 1.3


def test_a_summary_of_questions_tells_titles_and_no_answers() -> None:
    turns = [Turn(f"Question {n}? " * 40, "Secret.", ("Policy",)) for n in range(30)]
    told = memory.of_questions(turns)
    assert told.count("\n") == 11
    assert "Secret" not in told
    assert "(answered from Policy)" in told
    assert without_marks(told) == told
