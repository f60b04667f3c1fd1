"""A forgotten password: a link by mail, and no way to learn who has an account."""

import time
from collections.abc import Callable
from datetime import timedelta
from statistics import median
from typing import Any

import pytest
from django.contrib.auth.tokens import default_token_generator
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode
from rest_framework.test import APIClient

from core.models import OutboundMail
from tests.users.people import OTHER_PASSWORD, PASSWORD, path_in
from users.models import User
from users.tokens import issue_tokens

pytestmark = [pytest.mark.django_db, pytest.mark.engine]
PATH = "/api/users/password-reset/"
CONFIRM = "/api/users/password-reset/confirm/"
Sent = Callable[[], list[Any]]


def ask(email: str) -> Any:
    return APIClient().post(PATH, {"email": email})


def link_of(user: User) -> dict[str, str]:
    uid = urlsafe_base64_encode(force_bytes(user.pk))
    return {"uid": uid, "token": default_token_generator.make_token(user)}


def test_a_mailed_link_sets_a_new_password_once(alice: User, sent: Sent) -> None:
    assert ask("ALICE@example.org").status_code == 202
    (message,) = sent()
    assert message.to == ["alice@example.org"]
    *_, uid, token, _ = path_in(message.body).split("/")
    body = {"uid": uid, "token": token, "new_password": OTHER_PASSWORD}
    assert APIClient().post(CONFIRM, body).status_code == 204
    login = {"email": alice.email, "password": OTHER_PASSWORD}
    assert APIClient().post("/api/users/login/", login).status_code == 200
    again = APIClient().post(CONFIRM, body)
    assert (again.status_code, list(again.json())) == (400, ["token"])


def test_links_are_made_of_the_site_s_address_and_not_of_the_host_header(
    alice: User, sent: Sent, settings: Any
) -> None:
    settings.SITE_URL = "https://footnote.example"
    settings.ALLOWED_HOSTS = ["*"]
    APIClient(HTTP_HOST="evil.example").post(PATH, {"email": alice.email})
    (message,) = sent()
    assert "https://footnote.example/accounts/password-reset/" in message.body
    assert "evil" not in message.body


def test_a_reset_ends_every_token_and_confirms_the_address(alice: User) -> None:
    User.objects.filter(pk=alice.pk).update(is_verified=False)
    pair = issue_tokens(alice)
    APIClient().post(CONFIRM, {**link_of(alice), "new_password": OTHER_PASSWORD})
    again = APIClient().post("/api/users/token/refresh/", {"refresh": pair["refresh"]})
    assert again.status_code == 401
    alice.refresh_from_db()
    assert alice.is_verified


@pytest.mark.parametrize("who", ["unknown", "inactive", "known"])
def test_the_answer_is_the_same_for_every_address(alice: User, who: str, sent: Sent) -> None:
    if who == "inactive":
        User.objects.filter(pk=alice.pk).update(is_active=False)
    answer = ask("nobody@example.org" if who == "unknown" else alice.email)
    assert (answer.status_code, answer.content) == (202, b"")
    assert len(sent()) == (1 if who == "known" else 0)


def test_nothing_that_someone_typed_is_kept() -> None:
    ask("someone.else@example.net")
    assert not OutboundMail.objects.filter(to__icontains="example.net").exists()


def test_known_and_unknown_addresses_ask_the_database_the_same(alice: User) -> None:
    def statements(email: str) -> list[str]:
        with CaptureQueriesContext(
            connection,
        ) as seen:
            ask(email)
        return [query["sql"].split(" ")[0] for query in seen]

    ask(alice.email)  # warm
    assert statements(alice.email) == statements("nobody@example.org")


@pytest.mark.django_db(transaction=True)  # what follows the commit counts too
def test_known_and_unknown_addresses_take_the_same_time(alice: User) -> None:
    client = APIClient()
    taken: dict[str, list[float]] = {"alice@example.org": [], "nobody@example.org": []}
    for _ in range(40):
        for email, times in taken.items():
            began = time.perf_counter()
            assert client.post(PATH, {"email": email}).status_code == 202
            times.append(time.perf_counter() - began)
    known, unknown = (median(times) for times in taken.values())
    assert abs(known - unknown) < 0.25 * max(known, unknown)


BAD_LINKS: dict[str, dict[str, str]] = {
    "another token": {"token": "abc-def"},
    "no such user": {"uid": urlsafe_base64_encode(b"999999")},
    "a huge user": {"uid": urlsafe_base64_encode(b"9" * 40)},
    "no number": {"uid": urlsafe_base64_encode(b"alice")},
    "no base64": {"uid": "ü!"},
}


@pytest.mark.parametrize("change", BAD_LINKS.values(), ids=BAD_LINKS.keys())
def test_a_bad_link_sets_nothing(alice: User, change: dict[str, str]) -> None:
    body = {**link_of(alice), "new_password": OTHER_PASSWORD, **change}
    answer = APIClient().post(CONFIRM, body)
    assert (answer.status_code, list(answer.json())) == (400, ["token"])
    assert (
        APIClient()
        .post("/api/users/login/", {"email": alice.email, "password": PASSWORD})
        .status_code
        == 200
    )


def test_a_link_of_an_inactive_account_sets_nothing(alice: User) -> None:
    body = {**link_of(alice), "new_password": OTHER_PASSWORD}
    User.objects.filter(pk=alice.pk).update(is_active=False)
    assert APIClient().post(CONFIRM, body).status_code == 400


def test_a_link_is_dead_after_a_log_in(alice: User) -> None:
    body = {**link_of(alice), "new_password": OTHER_PASSWORD}
    User.objects.filter(pk=alice.pk).update(last_login=timezone.now() + timedelta(seconds=1))
    assert APIClient().post(CONFIRM, body).status_code == 400


@pytest.mark.parametrize("weak", ["short", "password1", "alice@example.org", "x" * 129])
def test_a_weak_password_is_refused_and_the_link_stays_good(alice: User, weak: str) -> None:
    link = link_of(alice)
    answer = APIClient().post(CONFIRM, {**link, "new_password": weak})
    assert (answer.status_code, list(answer.json())) == (400, ["new_password"])
    assert APIClient().post(CONFIRM, {**link, "new_password": OTHER_PASSWORD}).status_code == 204


@pytest.mark.parametrize("email", ["", "x", "a" * 300 + "@example.org"])
def test_what_is_no_address_is_a_field_error(email: str) -> None:
    answer = ask(email)
    assert (answer.status_code, list(answer.json())) == (400, ["email"])


def test_mails_to_one_address_are_limited_whether_or_not_it_has_an_account(
    alice: User, settings: Any
) -> None:
    settings.RATES = {"mail": "2/hour"}
    for email in (alice.email, "nobody@example.org"):
        statuses = [
            APIClient(REMOTE_ADDR=f"203.0.{len(str(email))}.{n}")
            .post(PATH, {"email": email})
            .status_code
            for n in range(3)
        ]
        assert statuses == [202, 202, 429]
