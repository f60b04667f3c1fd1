"""Settings, export, deletion and the pages that mailed links open."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth import SESSION_KEY
from django.test import Client

from tests.users.people import OTHER_PASSWORD, PASSWORD, path_in
from users.models import DataExport, User
from users.services.verification import verification_key

pytestmark = [pytest.mark.django_db, pytest.mark.engine]

NEW = {"email": "dora@example.org", "password": PASSWORD, "password2": PASSWORD}


def as_(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def signed_in(client: Client) -> int | None:
    key = client.session.get(SESSION_KEY)
    return int(key) if key else None


OWN_PAGES = [
    "/accounts/settings/", "/accounts/password/", "/accounts/export/", "/accounts/delete/",
    "/accounts/verify/resend/",
]  # fmt: skip


# --- settings ---------------------------------------------------------------------------------
def test_the_name_that_others_see_can_be_changed(alice: User) -> None:
    client = as_(alice)
    assert client.post("/accounts/settings/", {"name": "Alice  von Alm"}).status_code == 302
    alice.refresh_from_db()
    assert alice.display_name == "Alice  von Alm"
    assert client.post("/accounts/settings/", {"name": "\u202ealm"}).status_code == 400


def test_a_first_and_a_last_name_stay_apart_when_nothing_was_changed(alice: User) -> None:
    User.objects.filter(pk=alice.pk).update(first_name="Alice", last_name="Alm")
    as_(alice).post("/accounts/settings/", {"name": "Alice Alm"})
    alice.refresh_from_db()
    assert (alice.first_name, alice.last_name) == ("Alice", "Alm")


def test_changing_the_password_keeps_this_session_and_ends_the_others(alice: User) -> None:
    here, elsewhere = as_(alice), as_(alice)
    body = {"old_password": PASSWORD, "new_password": OTHER_PASSWORD}
    assert here.post("/accounts/password/", body)["Location"] == "/accounts/settings/"
    assert here.get("/accounts/settings/").status_code == 200
    assert elsewhere.get("/accounts/settings/").status_code == 302


@pytest.mark.parametrize(
    "body",
    [
        {"old_password": "x", "new_password": OTHER_PASSWORD},
        {"old_password": PASSWORD, "new_password": "12345678"},
        {},
    ],
)
def test_a_bad_change_of_password_comes_back(alice: User, body: dict[str, str]) -> None:
    assert as_(alice).post("/accounts/password/", body).status_code == 400


def test_deleting_takes_the_password(alice: User) -> None:
    client = as_(alice)
    assert client.post("/accounts/delete/", {"password": "x"}).status_code == 400
    assert client.post("/accounts/delete/", {}).status_code == 400
    answer = client.post("/accounts/delete/", {"password": PASSWORD})
    assert "Your account is deleted" in answer.content.decode()
    assert not User.objects.exists()
    assert signed_in(client) is None


def test_a_visitor_deletes_without_a_password(visitor: User) -> None:
    assert as_(visitor).post("/accounts/delete/").status_code == 200
    assert not User.objects.exists()


@pytest.mark.parametrize("path", OWN_PAGES)
def test_a_visitor_s_own_pages_open_or_lead_to_signing_up(visitor: User, path: str) -> None:
    answer = as_(visitor).get(path)
    assert answer.status_code == 200 or answer["Location"] == "/accounts/convert/"


def test_a_zip_is_ordered_and_fetched(alice: User) -> None:
    client = as_(alice)
    assert client.post("/accounts/export/").status_code == 302
    assert "is being made" in client.get("/accounts/export/").content.decode()
    export = DataExport.objects.get()
    DataExport.objects.update(state="ready")
    assert f"/accounts/export/{export.token}/" in client.get("/accounts/export/").content.decode()


# --- links of mails ---------------------------------------------------------------------------
def test_opening_the_link_of_the_mail_confirms_nothing_until_the_button(alice: User) -> None:
    User.objects.filter(pk=alice.pk).update(is_verified=False)
    path = f"/accounts/verify/{verification_key(alice)}/"
    assert Client().get(path).status_code == 200
    alice.refresh_from_db()
    assert not alice.is_verified
    assert "is confirmed" in Client().post(path).content.decode()
    alice.refresh_from_db()
    assert alice.is_verified


def test_a_bad_link_says_so() -> None:
    answer = Client().post("/accounts/verify/nonsense/")
    assert answer.status_code == 400
    assert "not valid or has expired" in answer.content.decode()


def test_another_link_is_sent_from_the_settings(alice: User, sent: Callable[[], list[Any]]) -> None:
    User.objects.filter(pk=alice.pk).update(is_verified=False)
    assert as_(alice).post("/accounts/verify/resend/").status_code == 302
    assert len(sent()) == 1


def test_a_forgotten_password_is_set_anew(alice: User, sent: Callable[[], list[Any]]) -> None:
    for email in (alice.email, "nobody@example.org"):
        answer = Client().post("/accounts/password-reset/", {"email": email})
        assert answer["Location"] == "/accounts/password-reset/sent/"
    (message,) = sent()
    path = path_in(message.body)
    assert Client().get(path).status_code == 200
    assert Client().post(path, {"new_password": "12345678"}).status_code == 400
    done = Client().post(path, {"new_password": OTHER_PASSWORD})
    assert done["Location"] == "/accounts/login/"
    assert Client().get(path).status_code == 400
    body = {"email": alice.email, "password": OTHER_PASSWORD}
    assert Client().post("/accounts/login/", body).status_code == 302
