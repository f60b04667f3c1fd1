"""How often one may knock: by address and by account, before anything is hashed or mailed.

The account's key is made of what the caller typed, whether or not there is such an account, so a
limit tells nothing about who has one.
"""

from django.http import HttpRequest
from rest_framework.request import Request

from core.throttles import address_key, client_address, take
from users.models import User, normalise_email

AnyRequest = HttpRequest | Request


def _address(request: AnyRequest) -> str:
    return address_key(client_address(request))


def _account(email: str) -> str:
    return "account:" + address_key(normalise_email(email))


def limit_login(request: AnyRequest, email: str) -> None:
    take("login", _address(request))
    take("login", _account(email))


def limit_password_check(user: User) -> None:
    """Guesses at the password of who is signed in already."""
    take("login", f"user:{user.pk}")


def limit_signup(request: AnyRequest) -> None:
    """New rows by anyone: sign-ups and visitors."""
    take("signup", _address(request))


def limit_mail(request: AnyRequest, email: str) -> None:
    take("mail", _address(request))
    take("mail", _account(email))


def limit_export(user: User) -> None:
    take("export", f"user:{user.pk}")
