"""Who is asking: by e-mail and password, by a token, or by a page's session."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from asgiref.sync import sync_to_async
from django.contrib.auth.backends import ModelBackend
from django.http import HttpRequest
from django.utils import timezone
from rest_framework.authentication import (
    BaseAuthentication,
    SessionAuthentication,
    get_authorization_header,
)
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from core.errors import NotAuthenticated
from users.models import User, normalise_email
from users.passwords import is_password_right
from users.tokens import user_and_family

SEEN_EVERY = timedelta(minutes=10)  # a write a request would be too dear


def note_seen(user: User) -> None:
    """Keep ``last_seen_at`` true to ten minutes: clean-up spares who was here lately."""
    now = timezone.now()
    if now - user.last_seen_at > SEEN_EVERY:
        User.objects.filter(pk=user.pk).update(last_seen_at=now)
        user.last_seen_at = now


class EmailBackend(ModelBackend):
    """Log-in by e-mail. An unknown address costs the same hash as a wrong password."""

    def authenticate(
        self,
        request: HttpRequest | None,
        username: str | None = None,
        password: str | None = None,
        **kwargs: Any,
    ) -> User | None:
        if username is None or password is None:
            return None
        user = User.objects.get_queryset().members().filter(email=normalise_email(username)).first()
        is_right = is_password_right(password, user)
        return user if user is not None and is_right and user.is_active else None

    async def aauthenticate(
        self,
        request: HttpRequest | None,
        username: str | None = None,
        password: str | None = None,
        **kwargs: Any,
    ) -> User | None:
        return await sync_to_async(self.authenticate)(request, username, password, **kwargs)

    def get_user(self, user_id: int) -> User | None:
        """The user of a session; None once inactive, which ends the session."""
        user = User.objects.filter(pk=user_id, is_active=True).first()
        if user is not None:
            note_seen(user)
        return user


class TokenAuthentication(BaseAuthentication):
    """``Authorization: Bearer <access token>``."""

    def authenticate(self, request: Request) -> tuple[User, UUID] | None:
        """The caller, and as ``request.auth`` the family of the token."""
        scheme, _, raw = get_authorization_header(request).partition(b" ")
        if scheme.lower() != b"bearer":
            return None
        try:
            user, family = user_and_family(raw.strip().decode("ascii", "replace"))
        except NotAuthenticated as error:
            raise AuthenticationFailed(error.detail, code=error.code) from error
        note_seen(user)
        return user, family

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="api"'


class PageAuthentication(SessionAuthentication):
    """The session of the pages. DRF holds such a request against its CSRF token."""
