"""A visitor signs up: the same user, every chat kept, every token of the visitor dead."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from django.db import connections
from django.test import Client
from rest_framework.test import APIClient

from chat.models import ChatSession
from tests.users.people import PASSWORD, sign_up_body
from users.models import User
from users.tokens import issue_tokens

pytestmark = [pytest.mark.django_db, pytest.mark.engine]
PATH = "/api/users/convert-anonymous/"
Api = Callable[..., APIClient]


def test_a_visitor_is_made_by_api() -> None:
    answer = APIClient().post("/api/users/anonymous/")
    body = answer.json()
    assert answer.status_code == 201
    assert body["user"]["user_type"] == "anonymous"
    assert body["user"]["email"] is None
    assert body["user"]["identifier"] == f"visitor-{body['user']['id']}"
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {body['access']}")
    assert client.get("/api/users/me/").json()["id"] == body["user"]["id"]


def test_too_many_visitors_from_one_address_have_to_wait(settings: Any) -> None:
    settings.RATES = {"signup": "2/hour"}
    statuses = [APIClient().post("/api/users/anonymous/").status_code for _ in range(3)]
    assert statuses == [201, 201, 429]


def test_the_id_and_the_chats_are_kept(visitor: User, api: Api) -> None:
    kept = ChatSession.objects.create(user=visitor, title="Leave")
    answer = api(visitor).post(PATH, sign_up_body())
    assert answer.status_code == 200
    assert set(answer.json()) == {"user", "access", "refresh"}
    assert answer.json()["user"]["id"] == visitor.pk
    assert answer.json()["user"]["user_type"] == "authenticated"
    assert list(User.objects.get(pk=visitor.pk).chat_sessions.all()) == [kept]
    body = {"email": "dora@example.org", "password": PASSWORD}
    assert APIClient().post("/api/users/login/", body).status_code == 200


def test_the_visitor_s_tokens_are_dead(visitor: User, api: Api) -> None:
    planted = issue_tokens(visitor)
    new = api(visitor).post(PATH, sign_up_body()).json()
    thief = APIClient()
    thief.credentials(HTTP_AUTHORIZATION=f"Bearer {planted['access']}")
    assert thief.get("/api/users/me/").json()["code"] == "token_not_valid"
    again = APIClient().post("/api/users/token/refresh/", {"refresh": planted["refresh"]})
    assert again.status_code == 401
    assert (
        APIClient().post("/api/users/token/refresh/", {"refresh": new["refresh"]}).status_code
        == 200
    )


def test_a_member_cannot_convert(alice: User, api: Api) -> None:
    answer = api(alice).post(PATH, sign_up_body())
    assert (answer.status_code, answer.json()["code"]) == (409, "conflict")
    assert User.objects.get(pk=alice.pk).email == "alice@example.org"


def test_nobody_cannot_convert() -> None:
    assert APIClient().post(PATH, sign_up_body()).status_code == 401


def test_a_taken_address_or_a_weak_password_changes_nothing(
    alice: User, visitor: User, api: Api
) -> None:
    client = api(visitor)
    taken = client.post(PATH, sign_up_body(email="Alice@example.org"))
    weak = client.post(PATH, sign_up_body(password="12345678", password2="12345678"))
    assert (taken.status_code, list(taken.json())) == (400, ["email"])
    assert (weak.status_code, list(weak.json())) == (400, ["password"])
    visitor.refresh_from_db()
    assert visitor.is_visitor
    assert client.get("/api/users/me/").status_code == 200


@pytest.mark.django_db(transaction=True)
def test_of_eight_at_a_time_one_converts(visitor: User, api: Api) -> None:
    clients = [api(visitor) for _ in range(8)]
    start = Barrier(8)

    def race(number: int) -> int:
        start.wait()
        body = sign_up_body(username=f"dora{number}", email=f"dora{number}@example.org")
        status = clients[number].post(PATH, body).status_code
        connections.close_all()
        return int(status)

    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(race, range(8)))
    assert statuses.count(200) == 1
    assert set(statuses) <= {200, 401, 409}  # 401: the winner had ended the visitor's tokens
    assert User.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_of_two_visitors_with_one_address_one_converts(api: Api) -> None:
    visitors = [User.objects.create(username=f"v{n}", user_type="anonymous") for n in range(2)]
    start = Barrier(2)

    def race(number: int) -> int:
        client = api(visitors[number])
        start.wait()
        status = client.post(PATH, sign_up_body(username=f"dora{number}")).status_code
        connections.close_all()
        return int(status)

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(race, range(2))) == [200, 400]


def test_a_page_that_converts_by_api_keeps_its_session(visitor: User) -> None:
    client = Client()
    client.force_login(visitor)
    client.session["note"] = "kept"
    answer = client.post(PATH, sign_up_body(), content_type="application/json")
    assert answer.status_code == 200
    assert client.get("/api/users/me/").json()["email"] == "dora@example.org"


def test_a_page_without_its_csrf_token_converts_nothing(visitor: User) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(visitor)
    answer = client.post(PATH, sign_up_body(), content_type="application/json")
    assert (answer.status_code, answer.json()["code"]) == (403, "permission_denied")
