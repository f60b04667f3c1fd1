"""Visitors: users without credentials, made at the first message and never at a page view."""

import uuid

from django.contrib.auth import login
from django.http import HttpRequest

from users.models import User
from users.passwords import hash_password
from users.ratelimits import limit_signup

BACKEND = "users.authentication.EmailBackend"


def make_visitor() -> User:
    """A visitor. The door counts it against the limit of its address."""
    return User.objects.create(
        username=f"visitor-{uuid.uuid4().hex}",
        user_type=User.Type.ANONYMOUS,
        password=hash_password(None),
    )


def ensure_visitor(request: HttpRequest) -> User:
    """Whoever is signed in, else a new visitor bound to the page's session.

    Binding rotates the CSRF token: a page that posts again needs the new one.

    Raises:
        Throttled: too many new visitors from this address.
    """
    if request.user.is_authenticated:
        return request.user
    limit_signup(request)
    visitor = make_visitor()
    login(request, visitor, backend=BACKEND)
    return visitor
