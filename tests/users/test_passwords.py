"""Changing a password: the rule, and what ends with the old one."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.hashers import make_password
from django.test import Client
from rest_framework.test import APIClient

from core.errors import Conflict, Invalid
from tests.users.people import OTHER_PASSWORD, PASSWORD
from users import services
from users.models import User
from users.passwords import check_new_password
from users.tokens import issue_tokens

pytestmark = [pytest.mark.django_db, pytest.mark.engine]
PATH = "/api/users/change-password/"
Api = Callable[..., APIClient]


def test_a_changed_password_is_the_one_that_counts(alice: User, api: Api) -> None:
    body = {"old_password": PASSWORD, "new_password": OTHER_PASSWORD}
    answer = api(alice).post(PATH, body)
    assert (answer.status_code, answer.content) == (204, b"")
    for password, status in ((PASSWORD, 401), (OTHER_PASSWORD, 200)):
        body = {"email": alice.email, "password": password}
        assert APIClient().post("/api/users/login/", body).status_code == status


def test_the_tokens_of_every_other_log_in_are_dead(alice: User, api: Api) -> None:
    stolen, own = issue_tokens(alice), issue_tokens(alice)
    client = APIClient(headers={"Authorization": f"Bearer {own['access']}"})
    other = APIClient(headers={"Authorization": f"Bearer {stolen['access']}"})
    client.post(PATH, {"old_password": PASSWORD, "new_password": OTHER_PASSWORD})
    assert other.get("/api/users/me/").json()["code"] == "token_not_valid"
    again = APIClient().post("/api/users/token/refresh/", {"refresh": stolen["refresh"]})
    assert (again.status_code, again.json()["code"]) == (401, "token_not_valid")
    assert client.get("/api/users/me/").status_code == 200
    kept = APIClient().post("/api/users/token/refresh/", {"refresh": own["refresh"]})
    assert kept.status_code == 200


def test_a_wrong_old_password_changes_nothing(alice: User, api: Api) -> None:
    client = api(alice)
    answer = client.post(PATH, {"old_password": "x", "new_password": OTHER_PASSWORD})
    assert (answer.status_code, list(answer.json())) == (400, ["old_password"])
    assert client.get("/api/users/me/").status_code == 200


@pytest.mark.parametrize("weak", ["", "short", "password1", "19283746501", "alice@example.org"])
def test_a_weak_new_password_is_refused(alice: User, api: Api, weak: str) -> None:
    answer = api(alice).post(PATH, {"old_password": PASSWORD, "new_password": weak})
    assert (answer.status_code, list(answer.json())) == (400, ["new_password"])


def test_guesses_at_the_old_password_are_limited(alice: User, api: Api, settings: Any) -> None:
    settings.RATES = {"login": "2/hour"}
    client = api(alice)
    body = {"old_password": "x", "new_password": OTHER_PASSWORD}
    assert [client.post(PATH, body).status_code for _ in range(3)] == [400, 400, 429]


def test_a_visitor_has_no_password_to_change(visitor: User, api: Api) -> None:
    answer = api(visitor).post(PATH, {"old_password": "x", "new_password": OTHER_PASSWORD})
    assert answer.status_code == 400


def test_the_page_that_changed_it_stays_signed_in_and_others_do_not(alice: User) -> None:
    here, elsewhere = Client(), Client()
    here.force_login(alice)
    elsewhere.force_login(alice)
    body = {"old_password": PASSWORD, "new_password": OTHER_PASSWORD}
    assert here.post(PATH, body, content_type="application/json").status_code == 204
    assert here.get("/api/users/me/").status_code == 200
    assert elsewhere.get("/api/users/me/").status_code == 401


def test_of_two_changes_at_a_time_the_second_learns_of_the_first(alice: User) -> None:
    User.objects.filter(pk=alice.pk).update(password=make_password("changed meanwhile 9"))
    with pytest.raises(Conflict):
        services.set_password(alice, OTHER_PASSWORD)


@pytest.mark.parametrize("length", [8, 128])
def test_the_shortest_and_the_longest_password_are_taken(alice: User, length: int) -> None:
    check_new_password(("vK7-pq" * 30)[:length], alice)


@pytest.mark.parametrize("length", [7, 129, 1_000_000])
def test_a_shorter_or_longer_one_is_refused_at_once(alice: User, length: int) -> None:
    with pytest.raises(Invalid) as caught:
        check_new_password(("vK7-pq" * 200_000)[:length], alice)
    assert list(caught.value.fields) == ["password"]
