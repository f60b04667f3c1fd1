"""Versions on the pages without script: arrows, an earlier version, the page that edits."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client

from chat.models import ChatSession, Message
from users.models import User

pytestmark = pytest.mark.django_db

SignIn = Callable[..., Client]


@pytest.fixture
def session(alice: User, converse: Callable[..., ChatSession]) -> ChatSession:
    """Two turns, and of the first answer a second version, which is shown."""
    made = converse(alice, turns=2)
    first = made.messages.get(ordinal=1)
    made.messages.filter(ordinal__in=(1, 2, 3)).update(is_shown=False)
    Message.objects.filter(pk=first.pk).update(is_chosen=False)
    made.messages.filter(ordinal=2).update(follows=first)
    Message.objects.create(
        session=made,
        ordinal=4,
        role="assistant",
        question=made.messages.get(ordinal=0),
        text="Said otherwise.",
        outcome="answered",
        model="scripted",
    )
    return made


def test_the_page_shows_one_version_and_the_way_to_the_other(
    session: ChatSession, alice: User, sign_in: SignIn
) -> None:
    page = sign_in(alice).get(f"/c/{session.pk}/").content.decode()
    first = session.messages.get(ordinal=1)
    assert "Said otherwise." in page
    assert "You can take fifty-two weeks." not in page
    assert "2 of 2" in page
    assert f'value="{first.pk}" aria-label="Earlier version of the answer"' in page
    assert 'aria-label="Later version of the answer" disabled' in page


def test_an_arrow_shows_the_other_version_with_what_followed_it(
    session: ChatSession, alice: User, sign_in: SignIn
) -> None:
    first = session.messages.get(ordinal=1)
    client = sign_in(alice)
    moved = client.post(f"/c/{session.pk}/choose/", {"message_id": first.pk})
    assert moved["Location"] == f"/c/{session.pk}/#m-{first.pk}"
    page = client.get(f"/c/{session.pk}/").content.decode()
    assert page.count('<article class="turn"') == 2
    assert "Said otherwise." not in page
    assert "1 of 2" in page
    by_script = client.post(
        f"/c/{session.pk}/choose/",
        {"message_id": session.messages.get(ordinal=0).pk},
        headers={"Accept": "application/json"},
    )
    assert by_script.json() == {"session_id": str(session.pk), "message_id": str(first.pk)}


def test_a_link_to_an_earlier_version_changes_nothing(
    session: ChatSession, alice: User, sign_in: SignIn
) -> None:
    first = session.messages.get(ordinal=1)
    client = sign_in(alice)
    address = client.get(f"/m/{first.pk}/")["Location"]
    assert address == f"/c/{session.pk}/?version={first.pk}#m-{first.pk}"
    page = client.get(address).content.decode()
    assert "An earlier version." in page
    assert 'id="composer"' not in page
    assert page.count('<article class="turn"') == 2
    assert not session.messages.get(ordinal=1).is_shown
    assert client.get(f"/c/{session.pk}/?version={uuid4()}").status_code == 404


def test_the_page_that_edits_keeps_what_was_wrong(
    session: ChatSession, alice: User, sign_in: SignIn
) -> None:
    question = session.messages.get(ordinal=0)
    client = sign_in(alice)
    address = f"/c/{session.pk}/edit/{question.pk}/"
    assert "How long is the leave?</textarea>" in client.get(address).content.decode()
    for wrong, told in (("  ", "Write a question first."), ("x" * 5001, "Shorten it by 1.")):
        page = client.post(address, {"message": wrong})
        assert page.status_code == 400
        assert told in page.content.decode()
    model = client.post(address, {"message": "x?", "model": "no-such"})
    assert model.status_code == 400
    by_script = client.post(address, {"message": ""}, headers={"Accept": "application/json"})
    assert by_script.json() == {"message": ["Write a question first."]}
    assert session.messages.count() == 5


def test_nobody_else_finds_any_of_it(
    session: ChatSession, alice: User, charlie: User, sign_in: SignIn, converse: Any
) -> None:
    first = session.messages.get(ordinal=1)
    theirs = converse(charlie)
    for user in (charlie, None):
        client = sign_in(user)
        for at in {session.pk, theirs.pk}:
            chosen = client.post(f"/c/{at}/choose/", {"message_id": first.pk})
            assert chosen.status_code == 404
            assert client.get(f"/c/{at}/edit/{first.pk}/").status_code == 404
            posted = client.post(f"/c/{at}/edit/{first.pk}/", {"message": "x?"})
            assert posted.status_code == 404
            assert client.get(f"/c/{at}/?version={first.pk}").status_code == 404
    mine = sign_in(alice)
    assert mine.post(f"/c/{theirs.pk}/choose/", {"message_id": first.pk}).status_code == 404
    assert mine.post(f"/c/{session.pk}/choose/", {"message_id": "x"}).status_code == 404
    assert mine.post(f"/c/{session.pk}/choose/", {}).status_code == 404
