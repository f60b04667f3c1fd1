"""A conversation's pages exist for its owner alone, at every door."""

import pytest

from chat.models import ChatSession, Feedback, Message
from tests.chat.pages.conftest import answer_of

pytestmark = [pytest.mark.django_db, pytest.mark.engine]


def doors(session):
    """(method, address, form, status for the owner) of everything that names the conversation."""
    answer = answer_of(session)
    return [
        ("get", f"/c/{session.pk}/", {}, 200),
        ("get", f"/c/{session.pk}/rename/", {}, 200),
        ("post", f"/c/{session.pk}/rename/", {"title": "Weeks"}, 302),
        ("get", f"/c/{session.pk}/turn/{answer.pk}/", {}, 200),
        ("get", f"/m/{answer.pk}/", {}, 302),
        ("get", f"/m/{answer.pk}/said/1/", {}, 200),
        ("post", f"/m/{answer.pk}/feedback/", {"rating": "1"}, 302),
        ("post", f"/c/{session.pk}/stop/", {}, 302),
        ("post", f"/c/{session.pk}/retry/", {"message_id": answer.pk}, 302),
        ("post", "/ask/", {"message": "And then?", "chat_session_id": session.pk}, 302),
        ("get", f"/c/{session.pk}/delete/", {}, 200),
        ("post", f"/c/{session.pk}/delete/", {}, 302),
        ("post", f"/c/{session.pk}/restore/", {}, 302),
    ]


def test_the_owner_comes_in_everywhere(alice, policy, converse, sign_in):
    session = converse(alice, policy)
    client = sign_in(alice)
    for method, address, form, status in doors(session):
        answer = getattr(client, method)(address, form)
        assert answer.status_code == status, (method, address, answer.content[:300])


def test_a_visitor_owns_what_they_asked(visitor, policy, converse, sign_in):
    session = converse(visitor, policy)
    assert sign_in(visitor).get(f"/c/{session.pk}/").status_code == 200


@pytest.mark.parametrize("who", ["charlie", "bob", "visitor", "nobody"])
def test_everybody_else_gets_404_and_changes_nothing(who, request, converse, sign_in):
    alice, policy = (request.getfixturevalue(name) for name in ("alice", "policy"))
    session = converse(alice, policy)
    before = Message.objects.count()
    client = sign_in(None if who == "nobody" else request.getfixturevalue(who))
    for method, address, form, _ in doors(session):
        assert getattr(client, method)(address, form).status_code == 404, (method, address)
        by_script = {"headers": {"accept": "application/json"}}
        assert getattr(client, method)(address, form, **by_script).status_code == 404
    session.refresh_from_db()
    assert (session.title, session.is_active) == ("Leave and pay", True)
    assert Message.objects.count() == before
    assert not Feedback.objects.exists()


def test_a_deleted_conversation_is_gone_at_every_door(alice, policy, converse, sign_in):
    session = converse(alice, policy)
    ChatSession.objects.update(is_active=False)
    client = sign_in(alice)
    for method, address, form, _ in doors(session)[:-1]:
        assert getattr(client, method)(address, form).status_code == 404, (method, address)


def test_history_and_search_show_ones_own_alone(alice, charlie, converse, sign_in):
    converse(alice)
    for client in (sign_in(charlie), sign_in()):
        for address in ("/history/", "/search/?search=leave", "/"):
            page = client.get(address)
            assert page.status_code == 200
            assert "Leave and pay" not in page.content.decode()
    assert "Leave and pay" in sign_in(alice).get("/history/").content.decode()
    assert "Leave and pay" in sign_in(alice).get("/search/?search=how+LONG").content.decode()
