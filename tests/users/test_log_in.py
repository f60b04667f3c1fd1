"""Logging in by e-mail and password."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.hashers import Argon2PasswordHasher
from rest_framework.test import APIClient

from tests.users.people import PASSWORD
from users.models import User

pytestmark = [pytest.mark.django_db, pytest.mark.engine]
PATH = "/api/users/login/"


class CountingHasher(Argon2PasswordHasher):
    """Argon2 at its cheapest, counting how often it worked."""

    time_cost, memory_cost, parallelism = 1, 8, 1
    work: list[str] = []

    def encode(self, password: str, salt: str) -> str:
        self.work.append("hash")
        return str(super().encode(password, salt))

    def verify(self, password: str, encoded: str) -> bool:
        self.work.append("hash")
        return bool(super().verify(password, encoded))


@pytest.fixture
def work(settings: Any) -> list[str]:
    settings.PASSWORD_HASHERS = [f"{__name__}.CountingHasher"]
    CountingHasher.work = []
    return CountingHasher.work


def test_a_member_logs_in_and_the_time_is_noted(alice: User) -> None:
    answer = APIClient().post(PATH, {"email": "Alice@Example.org ", "password": PASSWORD})
    assert answer.status_code == 200
    assert answer.json()["user"]["id"] == alice.pk
    assert answer.json()["user"]["last_login"] is not None


@pytest.mark.parametrize(
    ("email", "password"),
    [
        ("alice@example.org", "another phrase 7"),
        ("nobody@example.org", PASSWORD),
        ("alice", PASSWORD),
        ("visitor-1", PASSWORD),
        ("alice@example.org", "\x01" * 20),
    ],
)
def test_every_refusal_is_the_same(alice: User, visitor: User, email: str, password: str) -> None:
    answer = APIClient().post(PATH, {"email": email, "password": password})
    assert answer.status_code == 401
    assert answer.json() == {
        "detail": "E-mail or password is not right.",
        "code": "not_authenticated",
    }
    assert "WWW-Authenticate" in answer


def test_an_inactive_account_is_refused_like_a_wrong_password(alice: User) -> None:
    User.objects.filter(pk=alice.pk).update(is_active=False)
    answer = APIClient().post(PATH, {"email": alice.email, "password": PASSWORD})
    assert (answer.status_code, answer.json()["code"]) == (401, "not_authenticated")


@pytest.mark.parametrize("email", ["alice@example.org", "nobody@example.org", "no address"])
def test_known_or_unknown_one_hash_is_computed(work: list[str], email: str) -> None:
    User.objects.create_user("alice@example.org", PASSWORD)
    work.clear()
    APIClient().post(PATH, {"email": email, "password": "a wrong phrase 7"})
    assert len(work) == 1


def test_an_inactive_account_costs_one_hash_too(work: list[str]) -> None:
    User.objects.create_user("alice@example.org", PASSWORD, is_active=False)
    work.clear()
    APIClient().post(PATH, {"email": "alice@example.org", "password": PASSWORD})
    assert len(work) == 1


def test_the_limit_is_taken_before_anything_is_hashed(work: list[str], settings: Any) -> None:
    settings.RATES = {"login": "3/hour"}
    body = {"email": "nobody@example.org", "password": "a wrong phrase 7"}
    answers = [APIClient().post(PATH, body) for _ in range(5)]
    assert [answer.status_code for answer in answers] == [401, 401, 401, 429, 429]
    assert len(work) == 3


def test_one_account_is_limited_from_wherever_it_is_tried(alice: User, settings: Any) -> None:
    settings.RATES = {"login": "3/hour"}
    body = {"email": alice.email, "password": "a wrong phrase 7"}
    statuses = [
        APIClient(REMOTE_ADDR=f"203.0.113.{n}").post(PATH, body).status_code for n in range(4)
    ]
    assert statuses == [401, 401, 401, 429]


def test_a_forged_forwarded_address_does_not_get_round_the_limit(settings: Any) -> None:
    settings.RATES = {"login": "2/hour"}
    statuses = [
        APIClient(HTTP_X_FORWARDED_FOR=f"198.51.100.{n}")
        .post(PATH, {"email": f"n{n}@example.org", "password": "x"})
        .status_code
        for n in range(3)
    ]
    assert statuses == [401, 401, 429]


@pytest.mark.parametrize(
    ("body", "refused"),
    [
        ({}, {"email", "password"}),
        ({"email": "", "password": ""}, {"email", "password"}),
        ({"email": "a" * 300, "password": "x"}, {"email"}),
        ({"email": "a@example.org", "password": "x" * 1000}, {"password"}),
        ({"email": "a\x00@example.org", "password": "x"}, {"email"}),
    ],
)
def test_bad_input_is_refused_by_field(body: dict[str, Any], refused: set[str]) -> None:
    answer = APIClient().post(PATH, body)
    assert (answer.status_code, set(answer.json())) == (400, refused)


def test_without_a_token_one_is_nobody() -> None:
    answer = APIClient().get("/api/users/me/")
    assert (answer.status_code, answer.json()["code"]) == (401, "not_authenticated")
    assert answer["WWW-Authenticate"] == 'Bearer realm="api"'


@pytest.mark.parametrize("header", ["Bearer", "Bearer ", "Bearer x", "bearer a.b.c", "Bearer a b"])
def test_a_bad_token_is_401_with_its_code(header: str) -> None:
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=header)
    answer = client.get("/api/users/me/")
    assert (answer.status_code, answer.json()["code"]) == (401, "token_not_valid")
    assert answer["WWW-Authenticate"] == 'Bearer realm="api"'


def test_a_refresh_token_opens_nothing(alice: User, log_in: Callable[[User], Any]) -> None:
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {log_in(alice)['refresh']}")
    assert client.get("/api/users/me/").json()["code"] == "token_not_valid"


def test_a_token_of_an_inactive_or_deleted_user_is_401(
    alice: User, charlie: User, api: Callable[..., APIClient]
) -> None:
    inactive, gone = api(alice), api(charlie)
    User.objects.filter(pk=alice.pk).update(is_active=False)
    charlie.delete()
    for client in (inactive, gone):
        answer = client.get("/api/users/me/")
        assert (answer.status_code, answer.json()["code"]) == (401, "token_not_valid")


def test_being_seen_is_noted_at_most_every_ten_minutes(
    alice: User, api: Callable[..., APIClient], django_assert_num_queries: Any
) -> None:
    client = api(alice)
    with django_assert_num_queries(1):
        client.get("/api/users/me/")
