"""Signing up by API."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connections
from django.test import Client
from rest_framework.test import APIClient

from tests.users.people import PASSWORD, UNMAILABLE, sign_up_body
from users.models import User

pytestmark = [pytest.mark.django_db, pytest.mark.engine]
PATH = "/api/users/signup/"
USER_FIELDS = {
    "id", "identifier", "username", "email", "first_name", "last_name", "user_type",
    "is_verified", "is_staff", "created_at", "updated_at", "last_login",
}  # fmt: skip


def test_a_new_member_gets_tokens_that_work() -> None:
    answer = APIClient().post(PATH, sign_up_body(first_name="Dora", last_name="Ek"))
    body = answer.json()
    assert answer.status_code == 201
    assert set(body) == {"user", "access", "refresh"}
    assert set(body["user"]) == USER_FIELDS
    assert body["user"]["identifier"] == body["user"]["email"] == "dora@example.org"
    assert body["user"]["user_type"] == "authenticated"
    assert body["user"]["is_verified"] is False
    assert body["user"]["created_at"].endswith("Z")
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {body['access']}")
    assert client.get("/api/users/me/").json()["username"] == "dora"


def test_nobody_becomes_staff_by_asking() -> None:
    APIClient().post(PATH, sign_up_body(is_staff=True, is_superuser=True, is_verified=True))
    user = User.objects.get()
    assert (user.is_staff, user.is_superuser, user.is_verified) == (False, False, False)


def test_the_address_is_stored_in_one_form() -> None:
    APIClient().post(PATH, sign_up_body(email="  Dora@Example.ORG "))
    assert User.objects.get().email == "dora@example.org"


@pytest.mark.parametrize("email", ["ALICE@example.org", "ａｌｉｃｅ@example.org"])
def test_an_address_has_one_account_however_it_is_written(alice: User, email: str) -> None:
    answer = APIClient().post(PATH, sign_up_body(email=email))
    assert answer.status_code == 400
    assert list(answer.json()) == ["email"]


@pytest.mark.parametrize("email", [UNMAILABLE, "dora@\ufdfa.com"], ids=["idna", "spaces"])
def test_an_address_that_no_mail_can_reach_is_refused_at_every_door(
    api: Callable[..., APIClient], visitor: User, email: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for client, path in ((APIClient(), PATH), (api(visitor), "/api/users/convert-anonymous/")):
        answer = client.post(path, sign_up_body(email=email))
        assert (answer.status_code, list(answer.json())) == (400, ["email"])
    page, known = Client(), Client()
    known.force_login(visitor)
    for browser, path in ((page, "/accounts/signup/"), (known, "/accounts/convert/")):
        answer = browser.post(path, sign_up_body(email=email))
        assert list(answer.context["form"].errors) == ["email"]
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", PASSWORD)
    with pytest.raises(CommandError, match="email"):
        call_command("createsuperuser", email=email, interactive=False)
    assert list(User.objects.all()) == [visitor]


def test_all_that_is_wrong_is_said_at_once(alice: User) -> None:
    body = sign_up_body(email=alice.email, password="short", password2="short")
    assert set(APIClient().post(PATH, body).json()) == {"email", "password"}


def test_a_name_is_taken_whatever_its_case(alice: User) -> None:
    answer = APIClient().post(PATH, sign_up_body(username=alice.username.upper()))
    assert answer.status_code == 400
    assert list(answer.json()) == ["username"]


BAD: dict[str, tuple[dict[str, Any], set[str]]] = {
    "nothing": ({"username": "", "email": "", "password": "", "password2": ""},
                {"username", "email", "password", "password2"}),
    "no address": ({"email": "dora"}, {"email"}),
    "a huge address": ({"email": "d" * 300 + "@example.org"}, {"email"}),
    "a huge name": ({"username": "d" * 101}, {"username"}),
    "a control in the name": ({"username": "do\x07ra"}, {"username"}),
    "a line break in a name": ({"first_name": "Do\nra"}, {"first_name"}),
    "a name that runs backwards": ({"last_name": "\u202eevil"}, {"last_name"}),
    "NUL": ({"username": "do\x00ra"}, {"username"}),
    "a short password": ({"password": "xK4!q", "password2": "xK4!q"}, {"password"}),
    "a long password": ({"password": "x" * 129, "password2": "x" * 129},
                        {"password", "password2"}),
    "a common password": ({"password": "password1", "password2": "password1"}, {"password"}),
    "a numeric password": ({"password": "9472610385", "password2": "9472610385"}, {"password"}),
    "a password like the address": ({"password": "dora@example.org",
                                     "password2": "dora@example.org"}, {"password"}),
    "two passwords": ({"password2": "something else 9"}, {"password2"}),
    "a list for a name": ({"username": ["dora"]}, {"username"}),
    "an object for a password": ({"password": {"a": 1}}, {"password"}),
}  # fmt: skip


@pytest.mark.parametrize(("fields", "refused"), BAD.values(), ids=BAD.keys())
def test_bad_input_is_refused_by_field(fields: dict[str, Any], refused: set[str]) -> None:
    answer = APIClient().post(PATH, sign_up_body(**fields))
    assert answer.status_code == 400
    assert set(answer.json()) == refused
    assert all(isinstance(said, list) for said in answer.json().values())
    assert not User.objects.exists()


def test_half_a_character_is_refused() -> None:
    raw = json.dumps(sign_up_body(username="\ud800", password="\udfff enough of it"))
    answer = APIClient().post(PATH, raw, content_type="application/json")
    assert answer.status_code == 400
    assert {"username", "password"} <= set(answer.json())


@pytest.mark.parametrize("raw", ["", "[]", '"text"', "{", "null", "\xff"])
def test_a_body_that_is_no_object_is_refused(raw: str) -> None:
    answer = APIClient().post(PATH, raw, content_type="application/json")
    assert answer.status_code == 400


def test_a_form_body_is_an_unsupported_type() -> None:
    answer = APIClient().post(PATH, "email=x", content_type="application/x-www-form-urlencoded")
    assert answer.status_code == 415
    assert answer.json()["code"] == "unsupported_type"


def test_too_many_sign_ups_from_one_address_have_to_wait(settings: Any) -> None:
    settings.RATES = {"signup": "2/hour"}
    answers = [
        APIClient().post(PATH, sign_up_body(username=f"dora{n}", email=f"dora{n}@example.org"))
        for n in range(3)
    ]
    assert [answer.status_code for answer in answers] == [201, 201, 429]
    assert int(answers[2]["Retry-After"]) >= 1
    assert answers[2].json()["code"] == "throttled"


@pytest.mark.django_db(transaction=True)
def test_two_at_a_time_with_one_address_make_one_account() -> None:
    def sign_up(number: int) -> int:
        answer = APIClient().post(PATH, sign_up_body(username=f"dora{number}"))
        connections.close_all()
        return int(answer.status_code)

    with ThreadPoolExecutor(4) as pool:
        statuses = sorted(pool.map(sign_up, range(4)))
    assert statuses == [201, 400, 400, 400]
    assert User.objects.get().email == "dora@example.org"


def test_the_verification_mail_waits_in_the_outbox(sent: Callable[[], list[Any]]) -> None:
    APIClient().post(PATH, sign_up_body(password=PASSWORD))
    (message,) = sent()
    assert message.to == ["dora@example.org"]
    assert "/accounts/verify/" in message.body
