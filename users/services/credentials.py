"""Passwords: checking them at log-in, changing and resetting them."""

from uuid import UUID

from django.contrib.auth import authenticate
from django.contrib.auth.tokens import default_token_generator
from django.db import transaction
from django.db.models import F
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_decode, urlsafe_base64_encode

from core.errors import Conflict, Invalid, NotAuthenticated
from core.models import OutboundMail
from core.outbox import queue_mail
from users.models import User, normalise_email
from users.passwords import check_new_password, hash_password, is_password_right
from users.ratelimits import limit_login, limit_password_check
from users.tokens import revoke_all

WRONG_LOGIN = "E-mail or password is not right."
WRONG_PASSWORD = "This is not the present password."  # noqa: S105  (a sentence)
BAD_LINK = "This link is not valid, was used already or has expired. Ask for a new one."


def check_credentials(request: HttpRequest, email: str, password: str) -> User:
    """Whoever these credentials belong to; the limits are taken before anything is hashed.

    Raises:
        Throttled: too many tries from this address or at this account.
        NotAuthenticated: no such account, inactive, or another password; it does not say which.
    """
    limit_login(request, email)
    user = authenticate(request, username=email, password=password)
    if user is None:
        raise NotAuthenticated(WRONG_LOGIN)
    return user


def check_own_password(user: User, password: str, field: str) -> None:
    """Ask again for the password of who is signed in.

    Raises:
        Throttled: too many guesses.
        Invalid: it is another one.
    """
    limit_password_check(user)
    if not is_password_right(password, user):
        raise Invalid(fields={field: [WRONG_PASSWORD]})


def change_password(user: User, old: str, new: str, keep: UUID | None = None) -> None:
    """Change it; the tokens of every other log-in are dead. A page renews its own session after.

    Args:
        keep: the token family of the caller, who has just shown the old password.

    Raises:
        Throttled, Invalid: as above, or the new password breaks a rule.
    """
    check_own_password(user, old, "old_password")
    set_password(user, new, "new_password", keep)


def set_password(user: User, new: str, field: str = "password", keep: UUID | None = None) -> None:
    """Store a new password unless it was changed meanwhile, and end all tokens but a family's.

    Raises:
        Invalid: it breaks a rule.
        Conflict: another request changed the password at the same time.
    """
    check_new_password(new, user, field)
    hashed = hash_password(new)
    with transaction.atomic():
        changed = User.objects.filter(pk=user.pk, password=user.password).update(
            password=hashed,
            token_version=F("token_version") + (0 if keep else 1),  # a kept token names the version
            updated_at=timezone.now(),
        )
        if not changed:
            raise Conflict("The password was changed meanwhile.")
        revoke_all(user, but=keep)
    user.refresh_from_db()


def request_password_reset(email: str) -> None:
    """Queue a mail with a link to the stored address, if it has an account.

    An address without one costs the same: the same mail is written for nobody, as sent already.
    """
    known = (
        User.objects.get_queryset()
        .members()
        .filter(email=normalise_email(email), is_active=True)
        .first()
    )
    user = known or User(pk=0, email="nobody@localhost", password=hash_password(None))
    uid = urlsafe_base64_encode(force_bytes(user.pk))
    token = default_token_generator.make_token(user)
    path = reverse("users:password_reset_confirm", args=[uid, token])
    now = timezone.now()
    key = f"reset:{user.pk}:{now.timestamp()}"
    with transaction.atomic():
        queue_mail(key, str(user.email), "password_reset", {"user": user, "path": path})
        OutboundMail.objects.filter(key=key).update(sent_at=None if known else now)


def user_of_reset(uid: str, token: str) -> User:
    """Whoever a reset link is for.

    Raises:
        Invalid: forged, used, too old, or the account is gone or inactive.
    """
    try:
        user = User.objects.get(pk=int(urlsafe_base64_decode(uid)), is_active=True)
    except (ValueError, OverflowError, User.DoesNotExist) as error:
        raise Invalid(fields={"token": [BAD_LINK]}) from error
    if user.is_visitor or not default_token_generator.check_token(user, token):
        raise Invalid(fields={"token": [BAD_LINK]})
    return user


def confirm_password_reset(uid: str, token: str, new_password: str) -> User:
    """Set a new password by a mailed link, once; who can open it has confirmed the address.

    Raises:
        Invalid: the link is not valid, or the password breaks a rule.
    """
    user = user_of_reset(uid, token)
    try:
        set_password(user, new_password, "new_password")
    except Conflict as error:  # the same link at the same time, somewhere else
        raise Invalid(fields={"token": [BAD_LINK]}) from error
    User.objects.filter(pk=user.pk).update(is_verified=True)
    user.is_verified = True
    return user
