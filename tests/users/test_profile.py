"""One's own profile: reading, changing, deleting."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.utils import timezone
from rest_framework.test import APIClient
from rest_framework_simplejwt.token_blacklist.models import OutstandingToken

from chat.models import ChatSession, Message
from core.models import OutboundMail
from tests.users.people import PASSWORD
from users.models import DataExport, TokenFamily, User

pytestmark = [pytest.mark.django_db, pytest.mark.engine]
PATH = "/api/users/profile/"
Api = Callable[..., APIClient]


def test_me_and_profile_say_the_same(alice: User, api: Api) -> None:
    client = api(alice)
    assert client.get(PATH).json() == client.get("/api/users/me/").json()


def test_names_can_be_changed_and_nothing_else(alice: User, api: Api) -> None:
    body = {
        "first_name": " Zoë ",
        "last_name": "",
        "username": "zoe",
        "email": "evil@example.org",
        "is_staff": True,
        "user_type": "anonymous",
        "is_verified": False,
    }
    answer = api(alice).patch(PATH, body)
    assert answer.status_code == 200
    alice.refresh_from_db()
    assert (alice.username, alice.first_name, alice.last_name) == ("zoe", "Zoë", "")
    assert (alice.email, alice.is_staff, alice.is_verified) == ("alice@example.org", False, True)


def test_a_taken_name_is_refused(alice: User, charlie: User, api: Api) -> None:
    answer = api(alice).patch(PATH, {"username": charlie.username.title()})
    assert (answer.status_code, list(answer.json())) == (400, ["username"])
    assert api(alice).patch(PATH, {"username": alice.username.upper()}).status_code == 200


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"username": ""}, "username"),
        ({"username": "x" * 101}, "username"),
        ({"first_name": "a\tb"}, "first_name"),
        ({"last_name": "x" * 101}, "last_name"),
        ({"first_name": None}, "first_name"),
    ],
)
def test_bad_names_are_field_errors(
    alice: User, api: Api, body: dict[str, Any], field: str
) -> None:
    answer = api(alice).patch(PATH, body)
    assert (answer.status_code, list(answer.json())) == (400, [field])


def test_put_is_no_call_of_ours(alice: User, api: Api) -> None:
    assert api(alice).put(PATH, {}).status_code == 405


@pytest.mark.parametrize("body", [{}, {"password": ""}, {"password": "another phrase 7"}])
def test_without_the_password_nothing_is_deleted(
    alice: User, api: Api, body: dict[str, str]
) -> None:
    answer = api(alice).delete(PATH, body)
    assert (answer.status_code, list(answer.json())) == (400, ["password"])
    assert User.objects.filter(pk=alice.pk).exists()


def test_guesses_at_the_password_are_limited(alice: User, api: Api, settings: Any) -> None:
    settings.RATES = {"login": "2/hour"}
    client = api(alice)
    assert [client.delete(PATH, {"password": "x"}).status_code for _ in range(3)] == [400, 400, 429]


def _possessions(user: User) -> None:
    session = ChatSession.objects.create(user=user, title="Leave")
    Message.objects.create(session=session, ordinal=0, role="user", text="How long?", asker=user)
    DataExport.objects.create(
        user=user, token="t", state="ready", file="exports/1.zip", expires_at=timezone.now()
    )
    default_storage.save("exports/1.zip", ContentFile(b"zip"))
    OutboundMail.objects.create(key="verify:1", to=user.email, subject="s", text="t")
    LogEntry.objects.create(
        user=User.objects.create_user("admin@example.org", PASSWORD),
        content_type=ContentType.objects.get_for_model(User),
        object_id=str(user.pk),
        object_repr=str(user),
        action_flag=CHANGE,
        change_message=str(user.email),
    )


def test_deleting_removes_all_that_is_theirs(
    alice: User, api: Api, django_capture_on_commit_callbacks: Any
) -> None:
    _possessions(alice)
    client = api(alice)
    with django_capture_on_commit_callbacks(execute=True):
        assert client.delete(PATH, {"password": PASSWORD}).status_code == 204
    for rows in (ChatSession, Message, DataExport, OutboundMail, OutstandingToken, TokenFamily):
        assert not rows.objects.exists(), rows
    assert not default_storage.exists("exports/1.zip")
    entry = LogEntry.objects.get()
    assert "alice" not in entry.object_repr + entry.change_message
    assert client.get(PATH).json()["code"] == "token_not_valid"


def test_a_visitor_deletes_without_a_password(visitor: User, api: Api) -> None:
    assert api(visitor).delete(PATH).status_code == 204
    assert not User.objects.exists()


def test_deleting_one_account_leaves_the_others(alice: User, charlie: User, api: Api) -> None:
    other = api(charlie)
    ChatSession.objects.create(user=charlie)
    api(alice).delete(PATH, {"password": PASSWORD})
    assert other.get(PATH).status_code == 200
    assert charlie.chat_sessions.count() == 1
