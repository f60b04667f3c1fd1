"""Password hashes: one kind is made, older kinds are read and replaced."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import bcrypt
import pytest
from django.contrib.auth.hashers import PBKDF2PasswordHasher, identify_hasher, make_password
from django.db import connection
from rest_framework.test import APIClient

from tests.users.people import PASSWORD
from users import passwords
from users.models import User
from users.passwords import is_password_right

pytestmark = [pytest.mark.django_db, pytest.mark.engine]


def _pbkdf2(password: str) -> str:
    return PBKDF2PasswordHasher().encode(password, "some-salt-of-old", iterations=1000)


def _bcrypt(password: str) -> str:
    hashed = bcrypt.hashpw(password.encode()[:72], bcrypt.gensalt(4))
    return f"bcrypt${hashed.decode()}"


def _bcrypt_sha256(password: str) -> str:
    return make_password(password, hasher="bcrypt_sha256")


def test_a_new_hash_is_argon2id_at_owasp_s_minimum() -> None:
    assert make_password(PASSWORD).startswith("argon2$argon2id$v=19$m=19456,t=2,p=1$")


@pytest.mark.parametrize("old", [_pbkdf2, _bcrypt, _bcrypt_sha256])
def test_an_older_hash_is_accepted_and_replaced_at_log_in(alice: User, old) -> None:
    User.objects.filter(pk=alice.pk).update(password=old(PASSWORD))
    body = {"email": alice.email, "password": PASSWORD}
    assert APIClient().post("/api/users/login/", body).status_code == 200
    alice.refresh_from_db()
    assert alice.password.startswith("argon2$argon2id$")
    assert identify_hasher(alice.password).verify(PASSWORD, alice.password)
    assert APIClient().post("/api/users/login/", body).status_code == 200


def test_a_wrong_password_replaces_nothing(alice: User) -> None:
    stored = _pbkdf2(PASSWORD)
    User.objects.filter(pk=alice.pk).update(password=stored)
    alice.refresh_from_db()
    assert not is_password_right("another phrase 7", alice)
    alice.refresh_from_db()
    assert alice.password == stored


def test_a_bcrypt_hash_of_a_long_password_is_read_as_it_was_made(alice: User) -> None:
    long = "a phrase that goes on " * 5  # 110 bytes, of which bcrypt reads 72
    User.objects.filter(pk=alice.pk).update(password=_bcrypt(long))
    alice.refresh_from_db()
    assert is_password_right(long, alice)


def test_a_replacement_is_stored_when_others_may_hash_again(
    alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    User.objects.filter(pk=alice.pk).update(password=_pbkdf2(PASSWORD))
    alice.refresh_from_db()
    inside: list[bool] = []

    @contextmanager
    def hashing() -> Iterator[None]:
        inside.append(True)
        yield
        inside.pop()

    def no_write_inside(execute: Any, sql: str, *rest: Any) -> Any:
        assert not (inside and sql.startswith("UPDATE")), sql
        return execute(sql, *rest)

    monkeypatch.setattr(passwords, "one_of_two_hashings", hashing)
    with connection.execute_wrapper(no_write_inside):
        assert is_password_right(PASSWORD, alice)
    alice.refresh_from_db()
    assert alice.password.startswith("argon2$argon2id$")


def test_a_replacement_never_undoes_a_change_made_meanwhile(alice: User) -> None:
    User.objects.filter(pk=alice.pk).update(password=_pbkdf2(PASSWORD))
    alice.refresh_from_db()
    changed = make_password("quite another phrase 8")
    User.objects.filter(pk=alice.pk).update(password=changed)  # while alice's hash is compared
    assert is_password_right(PASSWORD, alice)
    alice.refresh_from_db()
    assert alice.password == changed
