"""Answering again and asking in other words: every version stays, and one branch is shown."""

import threading
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection, connections
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from rest_framework.test import APIClient

from chat import branches, remembering
from chat.export import conversations_of
from chat.generation.context import estimate_tokens
from chat.models import ChatSession, Message
from chat.remembered import memory_dict
from chat.services import (
    Asked,
    Question,
    choose,
    clear_memory,
    delete_session,
    edit,
    rate,
    regenerate,
    stop,
)
from chat.waiting import wait_for_answer
from core.errors import Conflict, Invalid, NotFound, Throttled
from knowledge.models import Document
from knowledge.services import delete_document
from tests.chat.wire import parse, text_of
from tests.model_server import ModelServer, Script
from users.models import User

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.engine]

Client = Callable[..., APIClient]
Ask = Callable[..., Asked]
LONG = "How long is parental leave?"
PAID = "How many weeks of parental leave are paid in full?"


def ended(asked: Asked) -> Asked:
    wait_for_answer(asked.answer.pk)
    asked.answer.refresh_from_db()
    return asked


def shown(session: ChatSession) -> list[str]:
    """The questions and answers on the branch, by their place among all."""
    rows = branches.branch(session).values_list("role", "ordinal")
    return [f"{role[0]}{ordinal}" for role, ordinal in rows]


def test_an_answer_made_again_takes_the_place_of_the_one_before_and_keeps_it(
    alice: User, leave: Document, answered: Ask
) -> None:
    first = answered(alice, LONG)
    again = ended(regenerate(alice, first.answer.pk))
    assert again.question.pk == first.question.pk
    assert again.answer.state == "done"
    assert shown(first.session) == ["u0", "a2"]
    first.answer.refresh_from_db()
    assert first.answer.text
    assert first.answer.citations.count() > 0
    versions = branches.versions_of([first.answer])[first.answer.pk]
    assert versions.ids == (first.answer.pk, again.answer.pk)
    assert (versions.at, versions.count, versions.before) == (1, 2, None)
    assert versions.after == again.answer.pk


def test_what_was_said_after_a_version_belongs_to_it(
    alice: User, leave: Document, answered: Ask
) -> None:
    one = answered(alice, LONG)
    two = answered(alice, PAID, session_id=one.session.pk)
    session = one.session
    again = ended(regenerate(alice, one.answer.pk))
    assert shown(session) == ["u0", "a4"]
    three = answered(alice, "When does it begin?", session_id=session.pk)
    assert three.question.follows_id == again.answer.pk
    assert shown(session) == ["u0", "a4", "u5", "a6"]
    choose(alice, one.answer.pk)
    assert shown(session) == ["u0", "a1", "u2", "a3"]
    choose(alice, again.answer.pk)
    assert shown(session) == ["u0", "a4", "u5", "a6"]
    assert two.question.follows_id == one.answer.pk


def test_a_branch_is_found_as_it_was_left(alice: User, leave: Document, answered: Ask) -> None:
    one = answered(alice, LONG)
    two = answered(alice, PAID, session_id=one.session.pk)
    ended(regenerate(alice, two.answer.pk))
    choose(alice, two.answer.pk)  # the first of the two is the chosen one below
    other = ended(edit(alice, one.question.pk, Question("And how is it paid?")))
    assert shown(one.session) == ["u5", "a6"]
    choose(alice, one.question.pk)
    assert shown(one.session) == ["u0", "a1", "u2", "a3"]
    choose(alice, other.answer.pk)
    assert shown(one.session) == ["u5", "a6"]


def test_an_edited_question_is_another_version_and_renames_what_it_named(
    alice: User, leave: Document, answered: Ask
) -> None:
    one = answered(alice, LONG)
    answered(alice, PAID, session_id=one.session.pk)
    edited = ended(edit(alice, one.answer.pk, Question("  When must I tell the People team? ")))
    assert edited.question.text == "When must I tell the People team?"
    assert edited.question.version_of_id == one.question.pk
    twice = ended(edit(alice, edited.question.pk, Question(PAID)))
    assert twice.question.version_of_id == one.question.pk  # always the first wording
    versions = branches.versions_of([twice.question])[twice.question.pk]
    assert versions.ids == (one.question.pk, edited.question.pk, twice.question.pk)
    one.session.refresh_from_db()
    assert one.session.title == PAID
    assert shown(one.session) == ["u6", "a7"]


def test_a_title_of_the_readers_own_survives_an_edit(alice: User, answered: Ask) -> None:
    one = answered(alice, LONG)
    ChatSession.objects.filter(pk=one.session.pk).update(title="Mine", title_is_theirs=True)
    ended(edit(alice, one.question.pk, Question(PAID)))
    one.session.refresh_from_db()
    assert one.session.title == "Mine"


def test_the_next_answer_remembers_the_branch_alone(
    alice: User, leave: Document, answered: Ask
) -> None:
    one = answered(alice, LONG)
    answered(alice, PAID, session_id=one.session.pk)
    ended(edit(alice, one.question.pk, Question("When must I tell the People team?")))
    session = ChatSession.objects.select_related("user").get(pk=one.session.pk)
    last = branches.last_shown(session)
    recalled = remembering.recall(session, last.ordinal + 1, estimate_tokens)
    assert [turn.question for turn in recalled.turns] == ["When must I tell the People team?"]
    assert memory_dict(session)["questions"] == ["When must I tell the People team?"]
    choose(alice, one.question.pk)
    assert memory_dict(session)["questions"] == [LONG, PAID]


def test_an_answer_made_again_knows_what_the_first_one_knew(
    alice: User, leave: Document, answered: Ask, model_server: ModelServer
) -> None:
    model_server.script = Script(text="It is 52 weeks [1].")
    one = answered(alice, LONG)
    two = answered(alice, "And when is it paid in full?", session_id=one.session.pk)
    answered(alice, "Who is told of it?", session_id=one.session.pk)
    ended(regenerate(alice, two.answer.pk))
    asked = str(model_server.requests[-1])
    assert LONG in asked
    assert "Who is told" not in asked


def test_a_summary_of_another_branch_is_not_kept(
    alice: User, leave: Document, answered: Ask
) -> None:
    one = answered(alice, LONG)
    session = ChatSession.objects.filter(pk=one.session.pk)
    session.update(summary="Leave is 52 weeks.", summary_by="questions", summary_until=2)
    work = remembering.Work(
        one.session.pk, 0, 2, 4, "", (), (), by_model=False, message_id=one.answer.pk, branch=0
    )
    ended(regenerate(alice, one.answer.pk))
    found = session.get()
    assert (found.summary, found.summary_until) == ("", 0)
    session.update(summary_until=2)
    assert not remembering.store(work, "Of the branch before.", "questions")
    assert session.get().summary == ""


def test_a_cleared_memory_stays_cleared_on_every_branch(
    alice: User, leave: Document, answered: Ask
) -> None:
    one = answered(alice, LONG)
    ended(regenerate(alice, one.answer.pk))
    clear_memory(alice, one.session.pk)
    choose(alice, one.answer.pk)
    session = ChatSession.objects.select_related("user").get(pk=one.session.pk)
    assert memory_dict(session)["questions"] == []


def test_no_version_is_made_or_chosen_while_an_answer_is_written(
    alice: User, leave: Document, answered: Ask, model_server: ModelServer, api: Client
) -> None:
    one = answered(alice, LONG)
    model_server.script = Script(kind="endless", delay=0.05)
    running = regenerate(alice, one.answer.pk)
    for refused in (
        lambda: regenerate(alice, one.answer.pk),
        lambda: edit(alice, one.question.pk, Question("x?")),
        lambda: choose(alice, one.answer.pk),
    ):
        with pytest.raises(Conflict):
            refused()
    again = api(alice).post(f"/api/chat/messages/{one.answer.pk}/regenerate/")
    assert (again.status_code, again.json()["code"]) == (409, "conflict")
    stop(alice, running.answer.pk)
    ended(running)
    assert Message.objects.filter(role="assistant").count() == 2
    choose(alice, one.answer.pk)


def test_what_a_dead_process_left_does_not_stand_in_the_way(alice: User, answered: Ask) -> None:
    one = answered(alice, LONG)
    Message.objects.filter(pk=one.answer.pk).update(
        state="running", lease_token=uuid4(), lease_until=timezone.now() - timezone.timedelta(1)
    )
    assert ended(regenerate(alice, one.answer.pk)).answer.state == "done"


def test_of_many_at_once_one_is_made(alice: User, leave: Document, answered: Ask) -> None:
    one = answered(alice, LONG)
    found: list[Any] = []
    gate = threading.Barrier(4)

    def press() -> None:
        gate.wait()
        try:
            found.append(regenerate(alice, one.answer.pk))
        except Conflict as error:
            found.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=press) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    made = [one for one in found if isinstance(one, Asked)]
    assert len(found) == 4
    for asked in made:
        ended(asked)
    rows = Message.objects.filter(session=one.session, role="assistant")
    assert rows.count() == 1 + len(made)
    assert rows.filter(is_shown=True).count() == rows.filter(is_chosen=True).count() == 1


def test_a_key_makes_one_version_of_two_requests(alice: User, leave: Document, api: Client) -> None:
    client = api(alice)
    first = client.post("/api/chat/send/", {"message": LONG}).json()
    address = f"/api/chat/messages/{first['message_id']}/regenerate/"
    head = {"Idempotency-Key": "again-1"}
    one = client.post(address, headers=head).json()
    wait_for_answer(one["message_id"])
    two = client.post(address, headers=head).json()
    assert one["message_id"] == two["message_id"] != first["message_id"]
    other = client.post(f"{address}", {"model": "extractive"}, headers=head)
    assert other.status_code == 409
    edited = client.post(address.replace("regenerate", "edit"), {"message": LONG}, headers=head)
    assert edited.status_code == 409
    asked = client.post("/api/chat/send/", {"message": LONG}, headers=head)
    assert asked.status_code == 409


def test_by_api_a_version_is_made_read_and_chosen(
    alice: User, leave: Document, api: Client
) -> None:
    client = api(alice)
    first = client.post("/api/chat/send/", {"message": LONG}).json()
    made = client.post(f"/api/chat/messages/{first['message_id']}/regenerate/", {})
    assert made.status_code == 202
    body = made.json()
    assert set(body) == {"session_id", "message_id", "state"}
    assert (body["session_id"], body["state"]) == (first["session_id"], "running")
    wait_for_answer(body["message_id"])
    opened = client.get(f"/api/chat/sessions/{first['session_id']}/").json()
    assert [one["message_id"] for one in opened["messages"]][1] == body["message_id"]
    assert opened["message_count"] == 2
    assert opened["messages"][1]["versions"] == [first["message_id"], body["message_id"]]
    address = f"/api/chat/sessions/{first['session_id']}/messages/"
    earlier = client.get(f"{address}?version={first['message_id']}").json()
    assert [one["message_id"] for one in earlier["results"]][1] == first["message_id"]
    assert client.get(f"{address}?version={uuid4()}").status_code == 404
    assert client.get(f"{address}?version=x").status_code == 404
    back = client.post(f"/api/chat/messages/{first['message_id']}/choose/")
    assert back.status_code == 200
    assert back.json()["messages"][1]["message_id"] == first["message_id"]
    assert client.get("/api/chat/sessions/").json()["results"][0]["message_count"] == 2


def test_a_version_can_be_streamed_at_once(alice: User, leave: Document, api: Client) -> None:
    client = api(alice)
    first = client.post("/api/chat/send/", {"message": LONG}).json()
    head = {"Accept": "text/event-stream"}
    address = f"/api/chat/messages/{first['message_id']}/edit/"
    response = client.post(address, {"message": PAID}, headers=head)
    assert response["Content-Type"] == "text/event-stream"
    found = parse(b"".join(response))
    assert found[-1].event == "done"
    assert text_of(found) == found[-1].data["message"]


@pytest.mark.parametrize(
    "body", [{}, {"message": ""}, {"message": "x" * 5001}, {"message": ["a"]}, {"message": None}]
)
def test_a_question_that_is_none_leaves_everything_as_it_was(
    body: Any, alice: User, answered: Ask, api: Client
) -> None:
    one = answered(alice, LONG)
    response = api(alice).post(f"/api/chat/messages/{one.question.pk}/edit/", body, format="json")
    assert response.status_code == 400
    assert list(response.json()) == ["message"]
    assert Message.objects.count() == 2


def test_a_model_that_may_not_be_chosen_is_refused(alice: User, answered: Ask) -> None:
    one = answered(alice, LONG)
    with pytest.raises(Invalid):
        regenerate(alice, one.answer.pk, model="no-such-model")
    assert Message.objects.count() == 2


def test_a_version_counts_like_any_question(alice: User, answered: Ask, settings: Any) -> None:
    settings.RATES = {**settings.RATES, "chat_user": "2/day"}
    one = answered(alice, LONG)
    ended(regenerate(alice, one.answer.pk))
    with pytest.raises(Throttled):
        regenerate(alice, one.answer.pk)


def test_a_stranger_and_the_owner_of_what_was_deleted_find_nothing(
    alice: User, charlie: User, bob: User, answered: Ask, api: Client
) -> None:
    one = answered(alice, LONG)
    for user in (charlie, bob):
        for what in (
            lambda u=user: regenerate(u, one.answer.pk),
            lambda u=user: edit(u, one.question.pk, Question("x?")),
            lambda u=user: choose(u, one.answer.pk),
        ):
            with pytest.raises(NotFound):
                what()
    theirs = answered(charlie, LONG)
    address = f"/api/chat/sessions/{theirs.session.pk}/messages/?version={one.answer.pk}"
    assert api(charlie).get(address).status_code == 404
    delete_session(alice, one.session.pk)
    for door in ("regenerate", "edit", "choose"):
        response = api(alice).post(f"/api/chat/messages/{one.answer.pk}/{door}/", {"message": "x"})
        assert response.status_code == 404
    assert Message.objects.filter(session=one.session).count() == 2


def test_a_question_is_not_an_answer_to_be_made_again(alice: User, answered: Ask) -> None:
    with pytest.raises(NotFound):
        regenerate(alice, answered(alice, LONG).question.pk)


def test_an_export_holds_every_version(alice: User, leave: Document, answered: Ask) -> None:
    one = answered(alice, LONG)
    ended(regenerate(alice, one.answer.pk))
    exported = next(iter(conversations_of(alice)))
    assert [row["role"] for row in exported["messages"]] == ["user", "assistant"]
    assert exported["message_count"] == 2
    assert [row["message_id"] for row in exported["other_versions"]] == [str(one.answer.pk)]


def test_a_deleted_document_leaves_every_version(
    alice: User, bob: User, leave: Document, answered: Ask
) -> None:
    one = answered(alice, LONG)
    ended(regenerate(alice, one.answer.pk))
    delete_document(leave, by=bob)
    texts = Message.objects.filter(role="assistant").values_list("text", flat=True)
    assert len(texts) == 2
    assert not any("fifty-two" in text for text in texts)


def test_a_thumb_belongs_to_its_version(alice: User, answered: Ask, api: Client) -> None:
    one = answered(alice, LONG)
    rate(alice, one.answer.pk, -1)
    ended(regenerate(alice, one.answer.pk))
    address = f"/api/chat/sessions/{one.session.pk}/"
    assert api(alice).get(address).json()["messages"][1]["feedback"] is None
    choose(alice, one.answer.pk)
    assert api(alice).get(address).json()["messages"][1]["feedback"]["rating"] == -1


def test_the_history_is_searched_as_it_is_shown(alice: User, answered: Ask, api: Client) -> None:
    one = answered(alice, "Where do zebras sleep?")
    ended(edit(alice, one.question.pk, Question(LONG)))
    assert api(alice).get("/api/chat/sessions/?search=zebra").json()["count"] == 0
    choose(alice, one.question.pk)
    assert api(alice).get("/api/chat/sessions/?search=zebra").json()["count"] == 1


def test_versions_go_with_a_visitor_who_signs_up(visitor: User, answered: Ask, api: Client) -> None:
    one = answered(visitor, LONG)
    ended(regenerate(visitor, one.answer.pk))
    told = {**dict.fromkeys(("password", "password2"), "a long enough phrase 8")}
    signed = api(visitor).post(
        "/api/users/convert-anonymous/", {**told, "username": "dora", "email": "d@example.org"}
    )
    assert signed.status_code == 200
    member = User.objects.get(pk=visitor.pk)
    choose(member, one.answer.pk)
    assert shown(one.session) == ["u0", "a1"]


def test_conversations_from_before_there_were_versions_are_one_line(alice: User) -> None:
    session = ChatSession.objects.create(user=alice)
    for at in range(0, 6, 2):
        asked = Message.objects.create(session=session, ordinal=at, role="user", text=f"q{at}")
        Message.objects.create(
            session=session, ordinal=at + 1, role="assistant", question=asked, outcome="answered"
        )
    tree = branches.Tree.of(session.pk)
    assert [tree.knots[pk].ordinal for pk in tree.path()] == [0, 1, 2, 3, 4, 5]
    second = session.messages.get(ordinal=2)
    ended(edit(alice, second.pk, Question("Other?")))
    assert shown(session) == ["u0", "a1", "u6", "a7"]
    choose(alice, second.pk)
    assert shown(session) == ["u0", "a1", "u2", "a3", "u4", "a5"]


def test_a_switch_costs_the_same_however_long_the_conversation(alice: User) -> None:
    session = ChatSession.objects.create(user=alice)
    for at in range(0, 400, 2):
        asked = Message.objects.create(session=session, ordinal=at, role="user", text=f"q{at}")
        Message.objects.create(session=session, ordinal=at + 1, role="assistant", question=asked)
    first = session.messages.get(ordinal=1)
    ended(regenerate(alice, first.pk))
    with CaptureQueriesContext(connection) as queries:
        choose(alice, first.pk)
    assert len(queries) < 20
    assert branches.branch(session).count() == 400
