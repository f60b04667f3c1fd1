"""Who holds a long connection, and whether they still may: one look at many of them.

A request is checked when it comes. A connection that lasts for hours is checked again and again,
by what it was opened with: an access token, or the session of a page.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from importlib import import_module
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib.auth import get_user
from django.http import HttpRequest, parse_cookie
from django.utils import timezone

from users.authentication import note_seen
from users.models import TokenFamily, User
from users.tokens import bad_token, read_claims, user_of_token


@dataclass(frozen=True)
class Credential:
    """What a connection was opened with.

    Attributes:
        user_id: whom it speaks for.
        expires_at: the end of a token; None for a session, which ends when it is gone.
        family: the log-in that a token came of.
        version: the user's ``token_version`` that the token names.
        session_key: of a page's session.
    """

    user_id: int
    expires_at: datetime | None = None
    family: UUID | None = None
    version: int = 0
    session_key: str = ""


def by_token(raw: str) -> Credential:
    """The credential of an access token.

    Raises:
        NotAuthenticated: as ``user_of_token``.
    """
    user = user_of_token(raw)
    claims = read_claims(raw, "access")
    note_seen(user)
    return Credential(user.pk, claims.expires_at, claims.family, claims.version)


def by_session(cookies: str) -> Credential | None:
    """The credential of the page's session in a ``Cookie`` header; None where there is none."""
    key = parse_cookie(cookies).get(settings.SESSION_COOKIE_NAME, "")
    user = _user_of_session(key) if key else None
    return None if user is None else Credential(user.pk, session_key=key)


def user_of(credential: Credential) -> User:
    """Whoever a credential speaks for, as the row is now.

    Raises:
        NotAuthenticated: it does not hold any more.
    """
    user = None
    if credential not in ended([credential]):
        user = User.objects.filter(pk=credential.user_id, is_active=True).first()
    if user is None:
        raise bad_token()
    return user


def ended(credentials: Collection[Credential]) -> set[Credential]:
    """Those that do not hold any more: expired, logged out, revoked, of a user who may not come in.

    One query for all tokens, two for each session.
    """
    now = timezone.now()
    families = {one.family for one in credentials if one.family is not None}
    rows = TokenFamily.objects.filter(pk__in=families, revoked_at=None, user__is_active=True)
    alive = set(rows.values_list("pk", "user_id", "user__token_version")) if families else set()
    return {one for one in credentials if not _holds(one, alive, now)}


def _holds(credential: Credential, alive: set[Any], now: datetime) -> bool:
    if credential.family is None:
        user = _user_of_session(credential.session_key)
        return user is not None and user.pk == credential.user_id
    is_over = credential.expires_at is not None and credential.expires_at <= now
    return not is_over and (credential.family, credential.user_id, credential.version) in alive


def _user_of_session(key: str) -> User | None:
    """Django's own check, with the hash that a change of the password changes."""
    request = HttpRequest()
    request.session = import_module(settings.SESSION_ENGINE).SessionStore(key)
    user = get_user(request)
    return user if isinstance(user, User) else None
