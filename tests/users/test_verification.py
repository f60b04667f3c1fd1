"""Confirming the e-mail address."""

from collections.abc import Callable
from typing import Any

import pytest
from django.core import signing
from rest_framework.test import APIClient

from core.models import OutboundMail
from tests.users.people import path_in, sign_up_body
from users import services
from users.models import User
from users.services.verification import SALT, verification_key

pytestmark = [pytest.mark.django_db, pytest.mark.engine]
PATH = "/api/users/verify-email/"
RESEND = "/api/users/verify-email/resend/"
Api = Callable[..., APIClient]


@pytest.fixture
def dora() -> User:
    APIClient().post("/api/users/signup/", sign_up_body())
    return User.objects.get()


def test_the_key_of_the_mail_confirms_the_address(dora: User, sent: Any) -> None:
    (message,) = sent()
    key = path_in(message.body).split("/")[-2]
    assert APIClient().post(PATH, {"key": key}).status_code == 200
    dora.refresh_from_db()
    assert dora.is_verified
    assert APIClient().post(PATH, {"key": key}).status_code == 200


def _old(user: User) -> str:
    value, stamp, _ = verification_key(user).rsplit(":", 2)
    long_ago = signing.b62_encode(signing.b62_decode(stamp) - 4 * 24 * 60 * 60)
    return signing.Signer(salt=SALT).sign(f"{value}:{long_ago}")


def _of_another_address(user: User) -> str:
    key = verification_key(user)
    User.objects.filter(pk=user.pk).update(email="new@example.org")
    return key


def _of_another_purpose(user: User) -> str:
    return signing.dumps({"id": user.pk, "email": user.email}, salt="something else")


def _of_a_deleted_account(user: User) -> str:
    key = verification_key(user)
    user.delete()
    return key


def _forged(user: User) -> str:
    return "x" + verification_key(user)


@pytest.mark.parametrize(
    "make", [_old, _of_another_address, _of_another_purpose, _of_a_deleted_account, _forged]
)
def test_a_bad_key_confirms_nothing(dora: User, make: Callable[[User], str]) -> None:
    answer = APIClient().post(PATH, {"key": make(dora)})
    assert (answer.status_code, list(answer.json())) == (400, ["key"])
    assert not User.objects.filter(is_verified=True).exists()


@pytest.mark.parametrize("body", [{}, {"key": ""}, {"key": "x" * 5000}, {"key": "a\x00b"}])
def test_a_missing_or_huge_key_is_a_field_error(body: dict[str, str]) -> None:
    answer = APIClient().post(PATH, body)
    assert (answer.status_code, list(answer.json())) == (400, ["key"])


def test_another_link_is_mailed_on_request(dora: User, api: Api) -> None:
    answer = api(dora).post(RESEND)
    assert (answer.status_code, answer.content) == (202, b"")
    assert OutboundMail.objects.filter(to=dora.email).count() == 2


def test_two_requests_that_saw_the_same_count_mail_once(dora: User) -> None:
    same = User.objects.get(pk=dora.pk)
    assert [services.send_verification(dora), services.send_verification(same)] == [True, False]


def test_nothing_is_mailed_to_who_is_confirmed(alice: User, api: Api) -> None:
    assert api(alice).post(RESEND).status_code == 202
    assert not OutboundMail.objects.exists()


def test_a_visitor_has_no_address_to_confirm(visitor: User, api: Api) -> None:
    answer = api(visitor).post(RESEND)
    assert (answer.status_code, answer.json()["code"]) == (403, "permission_denied")


def test_resending_is_limited(dora: User, api: Api, settings: Any) -> None:
    settings.RATES = {"mail": "1/hour"}
    client = api(dora)
    assert [client.post(RESEND).status_code for _ in range(2)] == [202, 429]
