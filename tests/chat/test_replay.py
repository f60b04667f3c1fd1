"""An answer made again on today's index: what is different is told, and nothing is written."""

import json
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import Group, Permission
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client

from chat.models import ModelCall
from chat.services import Asked, delete_session
from knowledge.models import Document
from knowledge.services import delete_document
from tests.chat.conftest import LEAVE
from tests.model_server import ModelServer, Script
from users.models import User

pytestmark = [pytest.mark.django_db(transaction=True)]

QUESTION = "How many weeks of parental leave may an employee take?"
TRUE = "Every employee may take up to 52 weeks of parental leave [1]."
Answered = Callable[..., Asked]


def replay(message_id: Any, *options: str, capsys: Any) -> tuple[int, str]:
    """The exit status and what was printed."""
    status = 0
    try:
        call_command("replay", str(message_id), *options)
    except SystemExit as ended:
        status = int(ended.code or 0)
    return status, capsys.readouterr().out


def conversation() -> str:
    with connection.cursor() as cursor:
        found = ""
        for table in ("chat_message", "chat_citation", "chat_chatsession", "chat_trace"):
            cursor.execute(f"SELECT * FROM {table} ORDER BY 1")
            found += repr(cursor.fetchall())
    return found


def test_nothing_is_different_where_nothing_has_changed(
    alice: User, leave: Document, answered: Answered, capsys: Any
) -> None:
    asked = answered(alice, QUESTION)
    before = conversation()
    status, said = replay(asked.answer.pk, capsys=capsys)
    assert status == 0, said
    assert "Nothing is different." in said
    assert conversation() == before


def test_a_new_document_and_one_that_went_are_told(
    alice: User,
    travel: Document,
    add_text: Callable[..., Document],
    answered: Answered,
    capsys: Any,
) -> None:
    add_text("Parental Leave Policy", LEAVE)
    asked = answered(alice, QUESTION)
    add_text("Rules", "An employee may take sixty weeks of parental leave.")
    delete_document(travel)
    status, said = replay(asked.answer.pk, "--json", capsys=capsys)
    body = json.loads(said)
    assert status == 1
    assert "candidates" in body["changed"]
    came = [one["title"] for one in body["candidates"] if one["change"] == "came"]
    assert "Rules" in came
    assert body["before"]["build"] != body["after"]["build"]
    assert any(piece["kind"] != "same" for piece in body["answer"])


def test_it_asks_with_the_permissions_of_the_asker(
    alice: User, add_text: Callable[..., Document], answered: Answered, capsys: Any
) -> None:
    add_text("Leave", "Every employee may take 52 weeks of parental leave.", groups=("hr",))
    alice.groups.add(Group.objects.get(name="hr"))
    asked = answered(alice, QUESTION)
    alice.groups.clear()
    status, said = replay(asked.answer.pk, "--json", capsys=capsys)
    body = json.loads(said)
    assert status == 1
    assert body["after"]["outcome"] == "not_found"
    assert body["after"]["candidates"] == 0
    assert "52 weeks" not in said


def test_a_model_may_be_chosen_and_costs_nothing_of_the_askers(
    alice: User, leave: Document, answered: Answered, model_server: ModelServer, capsys: Any
) -> None:
    model_server.script = Script(text=TRUE)
    asked = answered(alice, QUESTION)
    ModelCall.objects.all().delete()
    status, _ = replay(asked.answer.pk, "--model", "scripted", capsys=capsys)
    assert status == 0
    call = ModelCall.objects.get()
    assert (call.purpose, call.message_id, call.user_id) == ("replay", None, None)
    status, said = replay(asked.answer.pk, "--model", "extractive", capsys=capsys)
    assert status == 1
    assert "Model: scripted -> extractive" in said


def test_a_search_alone_asks_no_model_to_write(
    alice: User, leave: Document, answered: Answered, model_server: ModelServer, capsys: Any
) -> None:
    model_server.script = Script(text=TRUE)
    asked = answered(alice, QUESTION)
    requests = len(model_server.requests)
    status, said = replay(asked.answer.pk, "--search-only", capsys=capsys)
    assert status == 0, said
    assert len(model_server.requests) == requests


def test_what_cannot_be_made_again_is_told_in_a_sentence(
    alice: User, leave: Document, answered: Answered
) -> None:
    asked = answered(alice, QUESTION)
    cases = {
        str(uuid4()): "no message with this id",
        str(asked.question.pk): "is a question",
        "nonsense": "is no id of a message",
    }
    for given, words in cases.items():
        with pytest.raises(CommandError, match=words) as error:
            call_command("replay", given)
        assert error.value.returncode == 2
    with pytest.raises(CommandError, match="no model nobody"):
        call_command("replay", str(asked.answer.pk), "--model", "nobody")
    alice.is_active = False
    alice.save()
    with pytest.raises(CommandError, match="deactivated"):
        call_command("replay", str(asked.answer.pk))
    alice.is_active = True
    alice.save()
    delete_session(alice, asked.session.pk)
    with pytest.raises(CommandError, match="was deleted"):
        call_command("replay", str(asked.answer.pk))


def test_the_button_shows_what_is_different_and_charges_who_pressed_it(
    alice: User, bob: User, leave: Document, answered: Answered, model_server: ModelServer
) -> None:
    model_server.script = Script(text=TRUE)
    asked = answered(alice, QUESTION)
    bob.user_permissions.add(Permission.objects.get(codename="read_said"))
    desk = Client()
    desk.force_login(bob)
    address = f"/admin/chat/message/{asked.answer.pk}/trace/again/"
    model_server.script = Script(text=TRUE.replace("Every", "An"))
    page = b"".join(desk.post(address)).decode()
    assert QUESTION in page
    assert "Read 1 passage" in page or "passages" in page
    assert "<del>" in page
    assert "<ins>" in page
    assert page.rstrip().endswith("</html>")
    assert ModelCall.objects.get(purpose="replay").user_id == bob.pk
    assert desk.get(address).status_code == 405
    refused = desk.post(address, {"model": "nobody"})
    assert refused.status_code == 409
    assert "There is no model nobody" in refused.content.decode()


def test_answers_that_share_little_are_shown_side_by_side(
    alice: User, bob: User, leave: Document, answered: Answered, model_server: ModelServer
) -> None:
    model_server.script = Script(text=TRUE)
    asked = answered(alice, QUESTION)
    bob.user_permissions.add(Permission.objects.get(codename="read_said"))
    desk = Client()
    desk.force_login(bob)
    model_server.script = Script(text="Leave may be taken in one or two blocks [1].")
    sent = {"model": "scripted"}
    page = b"".join(desk.post(f"/admin/chat/message/{asked.answer.pk}/trace/again/", sent)).decode()
    assert "today's index, by scripted" in page
    assert f"{TRUE}</p>" in page
    assert "Leave may be taken in one or two blocks [1].</p>" in page
    assert "<del>" not in page
