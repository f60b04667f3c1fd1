"""Administrators made by commands: once, and by the same rule for passwords."""

from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command, get_commands
from rest_framework.test import APIClient

from users.models import User

pytestmark = [pytest.mark.django_db, pytest.mark.engine]


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DJANGO_SUPERUSER_EMAIL", raising=False)
    monkeypatch.delenv("DJANGO_SUPERUSER_PASSWORD", raising=False)


def run(command: str = "ensure_admin", **options: Any) -> str:
    out = StringIO()
    call_command(command, stdout=out, **options)
    return out.getvalue()


def test_an_administrator_is_made_once_and_shown_once() -> None:
    shown = run()
    password = shown.split()[-1]
    body = {"email": "admin@localhost", "password": password}
    answer = APIClient().post("/api/users/login/", body)
    assert answer.status_code == 200
    assert answer.json()["user"]["is_staff"]
    assert User.objects.get().is_superuser
    assert run() == ""
    assert User.objects.count() == 1


def test_the_environment_says_who(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DJANGO_SUPERUSER_EMAIL", "Root@Example.org")
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", "a phrase of one's own 5")
    shown = run()
    assert "root@example.org" in shown
    assert "phrase" not in shown
    body = {"email": "root@example.org", "password": "a phrase of one's own 5"}
    assert APIClient().post("/api/users/login/", body).status_code == 200


@pytest.mark.parametrize(
    ("email", "password"),
    [
        ("root@example.org", "password1"),
        ("root@example.org", "short"),
        ("no address", "a phrase of one's own 5"),
        ("alice@example.org", "a phrase of one's own 5"),
    ],
)
@pytest.mark.parametrize("command", ["ensure_admin", "createsuperuser"])
def test_a_bad_environment_makes_nobody(
    alice: User, monkeypatch: pytest.MonkeyPatch, email: str, password: str, command: str
) -> None:
    monkeypatch.setenv("DJANGO_SUPERUSER_EMAIL", email)
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", password)
    options = {"interactive": False} if command == "createsuperuser" else {}
    with pytest.raises(CommandError) as caught:
        run(command, **options)
    assert password not in str(caught.value)
    assert not User.objects.filter(is_superuser=True).exists()


def test_createsuperuser_is_ours_and_makes_an_administrator(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert get_commands()["createsuperuser"] == "users"
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", "a phrase of one's own 5")
    run("createsuperuser", interactive=False, email="root@example.org")
    user = User.objects.get()
    assert (user.email, user.is_superuser, user.is_verified) == ("root@example.org", True, True)
