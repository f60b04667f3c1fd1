"""Refreshing: one winner, and a stolen token ends the log-in."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest
from django.db import connections
from django.utils import timezone
from rest_framework.test import APIClient
from rest_framework_simplejwt.token_blacklist.models import BlacklistedToken, OutstandingToken
from rest_framework_simplejwt.tokens import RefreshToken, UntypedToken

from users.models import TokenFamily, User
from users.tokens import issue_tokens

pytestmark = [pytest.mark.django_db, pytest.mark.engine]
PATH = "/api/users/token/refresh/"


def refresh(token: str) -> Any:
    return APIClient().post(PATH, {"refresh": token})


def let_time_pass(seconds: int) -> None:
    earlier = timezone.now() - timedelta(seconds=seconds)
    BlacklistedToken.objects.update(blacklisted_at=earlier)


def test_a_refresh_gives_a_new_pair(alice: User) -> None:
    pair = issue_tokens(alice)
    answer = refresh(pair["refresh"])
    assert answer.status_code == 200
    assert set(answer.json()) == {"access", "refresh"}
    assert answer.json()["refresh"] != pair["refresh"]
    assert refresh(answer.json()["refresh"]).status_code == 200


def test_the_claims_say_who(alice: User) -> None:
    claims = UntypedToken(issue_tokens(alice)["access"]).payload
    assert claims["user_id"] == alice.pk
    assert claims["identifier"] == "alice@example.org"
    assert claims["user_type"] == "authenticated"
    assert claims["exp"] - claims["iat"] == 30 * 60


def test_a_pair_keeps_its_family_and_its_first_log_in(alice: User) -> None:
    pair = issue_tokens(alice)
    first = UntypedToken(pair["refresh"])
    second = UntypedToken(refresh(pair["refresh"]).json()["refresh"])
    assert (second["family"], second["auth_time"]) == (first["family"], first["auth_time"])


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("round_", range(3))
def test_of_eight_at_a_time_exactly_one_wins_and_nothing_is_revoked(
    alice: User, round_: int
) -> None:
    token = issue_tokens(alice)["refresh"]
    start = Barrier(8)

    def race(_: int) -> tuple[int, dict[str, str]]:
        start.wait()
        answer = refresh(token)
        connections.close_all()
        return answer.status_code, answer.json()

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(race, range(8)))
    winners = [body for status, body in answers if status == 200]
    losers = [body for status, body in answers if status == 401]
    assert len(winners) == 1
    assert [body["code"] for body in losers] == ["refresh_raced"] * 7
    assert refresh(winners[0]["refresh"]).status_code == 200


def test_who_loses_a_race_is_told_so(alice: User) -> None:
    token = issue_tokens(alice)["refresh"]
    newer = refresh(token).json()["refresh"]
    let_time_pass(8)
    answer = refresh(token)
    assert (answer.status_code, answer.json()["code"]) == (401, "refresh_raced")
    assert answer["WWW-Authenticate"].startswith("Bearer")
    assert refresh(newer).status_code == 200


def test_a_used_token_that_comes_back_later_ends_the_log_in_for_both(alice: User) -> None:
    token = issue_tokens(alice)["refresh"]
    newer = refresh(token).json()
    let_time_pass(11)
    assert refresh(token).json()["code"] == "token_not_valid"
    assert refresh(newer["refresh"]).json()["code"] == "token_not_valid"
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {newer['access']}")
    assert client.get("/api/users/me/").status_code == 401


def test_a_theft_ends_no_other_log_in(alice: User) -> None:
    stolen, other = issue_tokens(alice)["refresh"], issue_tokens(alice)["refresh"]
    refresh(stolen)
    let_time_pass(60)
    refresh(stolen)
    assert refresh(other).status_code == 200


def test_ninety_days_after_the_log_in_one_signs_in_again(alice: User) -> None:
    token = RefreshToken(issue_tokens(alice)["refresh"])
    token["auth_time"] = int((timezone.now() - timedelta(days=91)).timestamp())
    assert refresh(str(token)).json()["code"] == "token_not_valid"


def _as_access(pair: dict[str, str], user: User) -> str:
    return pair["access"]


def _deleted(pair: dict[str, str], user: User) -> str:
    user.delete()
    return pair["refresh"]


def _inactive(pair: dict[str, str], user: User) -> str:
    User.objects.filter(pk=user.pk).update(is_active=False)
    return pair["refresh"]


def _older(pair: dict[str, str], user: User) -> str:
    User.objects.filter(pk=user.pk).update(token_version=1)
    return pair["refresh"]


def _expired(pair: dict[str, str], user: User) -> str:
    token = RefreshToken(pair["refresh"])
    token.set_exp(from_time=timezone.now() - timedelta(days=30))
    return str(token)


def _forged(pair: dict[str, str], user: User) -> str:
    return pair["refresh"][:-6] + "AAAAAA"


def _of_no_family(pair: dict[str, str], user: User) -> str:
    TokenFamily.objects.all().delete()
    return pair["refresh"]


def _foreign(pair: dict[str, str], user: User) -> str:
    return str(RefreshToken())  # signed by us, with none of our claims


@pytest.mark.parametrize(
    "spoil",
    [_as_access, _deleted, _inactive, _older, _expired, _forged, _of_no_family, _foreign],
    ids=lambda spoil: spoil.__name__.strip("_"),
)
def test_a_token_that_is_not_good_is_401_and_never_an_error(
    alice: User, spoil: Callable[[dict[str, str], User], str]
) -> None:
    answer = refresh(spoil(issue_tokens(alice), alice))
    assert (answer.status_code, answer.json()["code"]) == (401, "token_not_valid")
    assert answer["WWW-Authenticate"] == 'Bearer realm="api"'


@pytest.mark.parametrize("raw", ["x", "a.b.c", "ü" * 50, "." * 100])
def test_what_is_no_token_is_401(raw: str) -> None:
    answer = refresh(raw)
    assert (answer.status_code, answer.json()["code"]) == (401, "token_not_valid")


@pytest.mark.parametrize("body", [{}, {"refresh": ""}, {"refresh": None}, {"refresh": "x" * 5000}])
def test_a_missing_or_huge_token_is_a_field_error(body: dict[str, Any]) -> None:
    answer = APIClient().post(PATH, body)
    assert (answer.status_code, list(answer.json())) == (400, ["refresh"])


def test_a_stale_access_token_in_the_header_does_not_stand_in_the_way(alice: User) -> None:
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION="Bearer stale")
    token = issue_tokens(alice)["refresh"]
    assert client.post(PATH, {"refresh": token}).status_code == 200


def test_no_token_is_stored_as_text(alice: User) -> None:
    refresh(issue_tokens(alice)["refresh"])
    assert set(OutstandingToken.objects.values_list("token", flat=True)) == {""}


def test_log_out_ends_refresh_and_access(alice: User) -> None:
    pair = issue_tokens(alice)
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {pair['access']}")
    assert client.post("/api/users/logout/", {"refresh": pair["refresh"]}).status_code == 204
    assert refresh(pair["refresh"]).json()["code"] == "token_not_valid"
    assert client.get("/api/users/me/").status_code == 401
    again = client.post("/api/users/logout/", {"refresh": pair["refresh"]})
    assert (again.status_code, again.json()["code"]) == (401, "token_not_valid")
