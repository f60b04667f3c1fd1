"""Tokens of the API: short-lived access, refresh that is used once, families that end together.

A log-in starts a family. Each refresh rotates it by one conditional UPDATE of the family's row, so
that of several requests with one token exactly one wins. The losers of a race learn that they lost
(``refresh_raced``) and nothing else happens; a token that comes back later was copied, and the
family ends for every holder.

No token's text is stored, and no hash of a password is in one: ``tv`` is the user's
``token_version``, and raising that number ends everything that was issued before.
"""

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import QuerySet
from django.utils import timezone
from rest_framework_simplejwt.exceptions import TokenError
from rest_framework_simplejwt.token_blacklist.models import BlacklistedToken, OutstandingToken
from rest_framework_simplejwt.tokens import RefreshToken, UntypedToken

from core.errors import Code, NotAuthenticated
from core.statements import NO_KEY, Marks, statement
from users.models import TokenFamily, User

RACE = timedelta(seconds=10)  # honest tabs lose by milliseconds, retries by seconds
_NO_VERSION = 2**31 - 1  # beyond all that will be
LONGEST_LOGIN = timedelta(days=90)  # rotation would slide for ever


@dataclass(frozen=True)
class Claims:
    """What a token of ours says, after its signature and its end were checked."""

    user_id: int
    version: int
    family: uuid.UUID
    jti: str
    logged_in_at: datetime
    expires_at: datetime


def bad_token() -> NotAuthenticated:
    return NotAuthenticated("The token is not valid.", code=Code.TOKEN_NOT_VALID)


def issue_tokens(user: User) -> dict[str, str]:
    """A new family: ``{"access", "refresh"}``."""
    now = timezone.now()
    family = uuid.uuid4()
    refresh = _mint(user, family, now)
    with transaction.atomic():
        TokenFamily.objects.create(
            id=family,
            user=user,
            current_jti=refresh["jti"],
            rotated_at=now,
            expires_at=_moment(refresh["exp"]),
        )
        _remember(refresh, user)
    return _pair(refresh)


def rotate(raw: str) -> dict[str, str]:
    """A new pair for a refresh token, which is then used up.

    Raises:
        NotAuthenticated: ``refresh_raced`` where another request has just used it; otherwise
            ``token_not_valid``.
    """
    claims = read_claims(raw, "refresh")
    user = _users(claims.user_id, claims.version, claims.family).first()
    now = timezone.now()
    if user is None or now - claims.logged_in_at > LONGEST_LOGIN:
        raise bad_token()
    refresh = _mint(user, claims.family, claims.logged_in_at)
    with transaction.atomic():
        won = TokenFamily.objects.filter(
            pk=claims.family, user=user, current_jti=claims.jti, revoked_at=None
        ).update(current_jti=refresh["jti"], rotated_at=now, expires_at=_moment(refresh["exp"]))
        if won:
            _blacklist(claims.jti)
            _remember(refresh, user)
    if not won:
        raise _refusal(claims, now)
    return _pair(refresh)


def revoke(raw: str) -> None:
    """End the family of a refresh token: log-out.

    Raises:
        NotAuthenticated: the token is not one of ours, or its family has ended already.
    """
    claims = read_claims(raw, "refresh")
    if not _users(claims.user_id, claims.version, claims.family).exists() or not _end_family(
        claims.family
    ):
        raise bad_token()


def revoke_all(user: User, *, but: uuid.UUID | None = None) -> None:
    """End every family of a user, but one if it is named, and blacklist what is outstanding."""
    now = timezone.now()
    spared = [but] if but else []
    families = TokenFamily.objects.filter(user=user)
    families.filter(revoked_at=None).exclude(pk__in=spared).update(revoked_at=now)
    kept = families.filter(pk__in=spared).values("current_jti")
    outstanding = OutstandingToken.objects.filter(user=user, blacklistedtoken=None)
    outstanding = outstanding.exclude(jti__in=kept)
    BlacklistedToken.objects.bulk_create(
        [BlacklistedToken(token=token) for token in outstanding.only("pk")],
        ignore_conflicts=True,
        batch_size=500,
    )


def user_of_token(raw: str) -> User:
    """Whoever an access token speaks for: the one check of every door that takes tokens.

    Raises:
        NotAuthenticated: forged, expired, of another kind, of an ended family or an older
            ``token_version``, or its user is gone or inactive.
    """
    return user_and_family(raw)[0]


def user_and_family(raw: str) -> tuple[User, uuid.UUID]:
    """As ``user_of_token``, and the log-in that the token came of."""
    claims = read_claims(raw, "access")
    user = _bearer(claims)
    if user is None:
        raise bad_token()
    return user, claims.family


def read_claims(raw: str, kind: str) -> Claims:
    """The claims of a token of this kind (``access`` or ``refresh``), signature and end checked.

    Raises:
        NotAuthenticated: it is not one of ours.
    """
    try:
        token = UntypedToken(raw)
        if token["token_type"] != kind:
            raise bad_token()
        return Claims(
            user_id=int(token["user_id"]),
            version=int(token["tv"]),
            family=uuid.UUID(token["family"]),
            jti=str(token["jti"]),
            logged_in_at=_moment(token["auth_time"]),
            expires_at=_moment(token["exp"]),
        )
    except (TokenError, KeyError, ValueError, TypeError, AttributeError) as error:
        raise bad_token() from error


def _users(user_id: int, version: int, family: uuid.UUID, **more: Any) -> QuerySet[User]:
    """The active user whose version a token names, or nobody; the family's row joined.

    What ``more`` says of the family stands in the same ``filter``: it is about this one.
    """
    return User.objects.filter(
        pk=user_id, is_active=True, token_version=version, token_families__pk=family, **more
    )


def _bearer(claims: Claims) -> User | None:
    """Whom an access token speaks for, as long as its family has not ended."""
    if claims.user_id >= NO_KEY or claims.version >= _NO_VERSION:
        return None
    rows = statement(("bearer",), _marked_bearer).rows(
        user=claims.user_id, version=claims.version, family=claims.family
    )
    return User.from_db(connection.alias, _columns(), rows[0]) if rows else None


def _columns() -> list[str]:
    return [field.attname for field in User._meta.concrete_fields]  # noqa: SLF001  (public API)


def _marked_bearer() -> tuple[QuerySet[Any, Any], Marks]:
    user, version, family = NO_KEY, _NO_VERSION, uuid.UUID(int=NO_KEY)
    rows = _users(user, version, family, token_families__revoked_at=None).order_by()
    return rows.values_list(*_columns()), {"user": user, "version": version, "family": family}


def _mint(user: User, family: uuid.UUID, logged_in_at: datetime) -> Any:
    refresh = RefreshToken()
    refresh["user_id"] = user.pk
    refresh["identifier"] = user.identifier
    refresh["user_type"] = user.user_type
    refresh["tv"] = user.token_version
    refresh["family"] = str(family)
    refresh["auth_time"] = int(logged_in_at.timestamp())
    return refresh


def _pair(refresh: Any) -> dict[str, str]:
    return {"access": str(refresh.access_token), "refresh": str(refresh)}


def _moment(epoch: float) -> datetime:
    return datetime.fromtimestamp(epoch, UTC)


def _remember(refresh: Any, user: User) -> None:
    OutstandingToken.objects.create(
        user=user,
        jti=refresh["jti"],
        token="",  # the row is enough; the text would be a credential at rest
        created_at=refresh.current_time,
        expires_at=_moment(refresh["exp"]),
    )


def _blacklist(jti: str) -> None:
    for token in OutstandingToken.objects.filter(jti=jti):
        BlacklistedToken.objects.get_or_create(token=token)


def _end_family(family: uuid.UUID) -> bool:
    """Whether this call ended it; its last refresh token is blacklisted with it."""
    with transaction.atomic():
        ended = TokenFamily.objects.filter(pk=family, revoked_at=None).update(
            revoked_at=timezone.now()
        )
        if ended:
            _blacklist(TokenFamily.objects.values_list("current_jti", flat=True).get(pk=family))
    return bool(ended)


def _refusal(claims: Claims, now: datetime) -> NotAuthenticated:
    """Why a token that is not the family's current one was refused; a theft ends the family."""
    alive = TokenFamily.objects.filter(pk=claims.family, revoked_at=None).exists()
    if not alive:
        return bad_token()
    raced = BlacklistedToken.objects.filter(
        token__jti=claims.jti, blacklisted_at__gt=now - RACE
    ).exists()
    if raced:
        return NotAuthenticated(
            "Another request has just used this token. Try again with the newest one.",
            code=Code.REFRESH_RACED,
        )
    _end_family(claims.family)
    return bad_token()
