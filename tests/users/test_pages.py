"""The pages under /accounts/: plain forms that work without script."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth import SESSION_KEY
from django.test import Client
from django.utils import timezone

from chat.models import ChatSession, Message
from tests.users.people import PASSWORD
from users import services
from users.models import User

pytestmark = [pytest.mark.django_db, pytest.mark.engine]

NEW = {"email": "dora@example.org", "password": PASSWORD, "password2": PASSWORD}


def as_(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def signed_in(client: Client) -> int | None:
    key = client.session.get(SESSION_KEY)
    return int(key) if key else None


PAGES = [
    "/accounts/login/", "/accounts/signup/", "/accounts/password-reset/",
    "/accounts/password-reset/sent/", "/accounts/verify/some-key/",
]  # fmt: skip
OWN_PAGES = [
    "/accounts/settings/", "/accounts/password/", "/accounts/export/", "/accounts/delete/",
    "/accounts/verify/resend/",
]  # fmt: skip


@pytest.mark.parametrize("path", PAGES + OWN_PAGES)
def test_every_page_runs_without_inline_script_or_style(alice: User, path: str) -> None:
    client = as_(alice) if path in OWN_PAGES else Client()
    answer = client.get(path)
    html = answer.content.decode()
    assert answer.status_code == 200
    assert not re.search(r"<style|style=|<script(?![^>]+src=)|\son\w+=", html)


@pytest.mark.parametrize("path", [*OWN_PAGES, "/accounts/convert/"])
def test_one_s_own_pages_ask_for_a_log_in_first(path: str) -> None:
    answer = Client().get(path)
    assert answer.status_code == 302
    assert answer["Location"] == f"/accounts/login/?next={path}"


@pytest.mark.parametrize("path", ["/accounts/login/", "/accounts/signup/", "/accounts/convert/"])
def test_a_member_has_no_need_of_the_doors(alice: User, path: str) -> None:
    answer = as_(alice).get(path)
    assert (answer.status_code, answer["Location"]) == (302, "/")


@pytest.mark.parametrize("path", ["/accounts/login/", "/accounts/signup/", "/accounts/logout/"])
def test_a_form_without_its_csrf_token_is_refused(path: str) -> None:
    assert Client(enforce_csrf_checks=True).post(path, NEW).status_code == 403


# --- signing in -------------------------------------------------------------------------------
def test_signing_in_leads_to_where_one_wanted_to_go(alice: User) -> None:
    client = Client()
    body = {"email": "Alice@example.org", "password": PASSWORD, "next": "/history/"}
    answer = client.post("/accounts/login/", body)
    assert (answer.status_code, answer["Location"]) == (302, "/history/")
    assert signed_in(client) == alice.pk


@pytest.mark.parametrize(
    "evil", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)"]
)
def test_next_never_leads_away_from_the_site(alice: User, evil: str) -> None:
    body = {"email": alice.email, "password": PASSWORD, "next": evil}
    assert Client().post("/accounts/login/", body)["Location"] == "/"
    assert evil not in Client().get("/accounts/login/", {"next": evil}).content.decode()


def test_the_session_ends_with_the_browser_unless_one_stays_signed_in(alice: User) -> None:
    short, long = Client(), Client()
    body = {"email": alice.email, "password": PASSWORD}
    short.post("/accounts/login/", body)
    long.post("/accounts/login/", {**body, "remember": "on"})
    assert short.session.get_expire_at_browser_close()
    assert not long.session.get_expire_at_browser_close()


@pytest.mark.parametrize("email", ["alice@example.org", "nobody@example.org"])
def test_a_wrong_log_in_says_the_same_for_every_address(alice: User, email: str) -> None:
    client = Client()
    answer = client.post("/accounts/login/", {"email": email, "password": "another phrase 7"})
    assert answer.status_code == 400
    assert "E-mail or password is not right." in answer.content.decode()
    assert signed_in(client) is None


def test_an_inactive_member_cannot_sign_in_and_is_signed_out(alice: User) -> None:
    client = as_(alice)
    services.deactivate(alice)
    assert client.get("/accounts/settings/").status_code == 302
    body = {"email": alice.email, "password": PASSWORD}
    assert client.post("/accounts/login/", body).status_code == 400


def test_too_many_tries_have_to_wait(settings: Any) -> None:
    settings.RATES = {"login": "1/hour"}
    body = {"email": "nobody@example.org", "password": PASSWORD}
    Client().post("/accounts/login/", body)
    answer = Client().post("/accounts/login/", body)
    assert answer.status_code == 429
    assert int(answer["Retry-After"]) >= 1


def test_a_visitor_is_told_that_the_chats_stay_behind(visitor: User) -> None:
    ChatSession.objects.create(user=visitor, title="Leave")
    html = as_(visitor).get("/accounts/login/").content.decode()
    assert "1 conversation of this visit stays behind." in html
    assert "/accounts/convert/" in html


def test_signing_out_takes_a_post(alice: User) -> None:
    client = as_(alice)
    assert client.get("/accounts/logout/").status_code == 405
    assert client.post("/accounts/logout/").status_code == 302
    assert signed_in(client) is None


# --- signing up -------------------------------------------------------------------------------
def test_signing_up_makes_the_user_name_from_the_address(sent: Callable[[], list[Any]]) -> None:
    client = Client()
    answer = client.post("/accounts/signup/", {**NEW, "name": "Dora Ek"})
    user = User.objects.get()
    assert (answer.status_code, answer["Location"]) == (302, "/")
    assert (user.username, user.display_name) == ("dora", "Dora Ek")
    assert signed_in(client) == user.pk
    assert len(sent()) == 1


def test_a_taken_user_name_gets_an_ending() -> None:
    Client().post("/accounts/signup/", NEW)
    Client().post("/accounts/signup/", {**NEW, "email": "dora@example.net"})
    assert User.objects.get(email="dora@example.net").username.startswith("dora-")


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"email": "alice@example.org"}, "This e-mail already has an account."),
        ({"email": "alice"}, "Enter a valid email address."),
        ({"password2": "another phrase 9"}, "The two passwords differ."),
        ({"password": "kurz", "password2": "kurz"}, "at least 8 characters"),
        ({"name": "Do\x07ra"}, "Control characters are not allowed here."),
        ({"name": "x" * 101}, "at most 100 characters"),
        ({"password": "x" * 1000, "password2": "x" * 1000}, "at most 128 characters"),
    ],
)
def test_a_form_that_is_not_good_comes_back_with_its_sentence(
    alice: User, fields: dict[str, str], sentence: str
) -> None:
    answer = Client().post("/accounts/signup/", {**NEW, **fields})
    assert answer.status_code == 400
    assert sentence in answer.content.decode()
    assert 'role="alert"' in answer.content.decode()
    assert PASSWORD not in answer.content.decode()
    assert User.objects.count() == 1


@pytest.mark.parametrize("path", ["/accounts/signup/", "/accounts/convert/"])
def test_a_visitor_who_signs_up_keeps_user_session_and_chats(visitor: User, path: str) -> None:
    kept = ChatSession.objects.create(user=visitor, title="Leave")
    client = as_(visitor)
    session = client.session
    session["note"] = "kept"
    session.save()
    key = session.session_key
    assert client.post(path, NEW).status_code == 302
    visitor.refresh_from_db()
    assert not visitor.is_visitor
    assert list(visitor.chat_sessions.all()) == [kept]
    assert signed_in(client) == visitor.pk
    assert client.session["note"] == "kept"
    assert client.session.session_key != key  # who knew the visitor's cookie is out
    thief = Client()
    thief.cookies["sessionid"] = key or ""
    assert thief.get("/accounts/settings/").status_code == 302


def _talk(user: User, title: str, days: int) -> None:
    then = timezone.now() - timedelta(days=days)
    session = ChatSession.objects.create(user=user, title=title, last_activity=then)
    Message.objects.create(session=session, ordinal=0, role="user", text="How long?")
    Message.objects.create(session=session, ordinal=1, role="assistant", text="Twelve weeks.")


def test_converting_shows_what_will_be_kept(visitor: User, charlie: User) -> None:
    _talk(visitor, "Parental leave", days=1)
    _talk(charlie, "Somebody else's", days=1)
    html = as_(visitor).get("/accounts/convert/").content.decode()
    assert "Parental leave" in html
    assert "1 question, 0 sources" in html
    assert "Somebody else" not in html


def test_the_page_costs_the_same_for_three_conversations_and_for_thirty(
    visitor: User, django_assert_num_queries: Any
) -> None:
    client = as_(visitor)
    for count in (3, 27):
        for number in range(count):
            _talk(visitor, f"Talk {number}", days=number)
        with django_assert_num_queries(4):
            client.get("/accounts/convert/")
