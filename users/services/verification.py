"""Is the address theirs? A signed link in a mail says so, for three days."""

from datetime import timedelta

from django.core import signing
from django.db import transaction
from django.db.models import F
from django.urls import reverse
from django.utils import timezone

from core.errors import Invalid, PermissionDenied
from core.outbox import queue_mail
from users.models import User

SALT = "users.verification"
VALID = timedelta(days=3)
BAD_LINK = "This link is not valid or has expired. Ask for a new one."


def verification_key(user: User) -> str:
    """Signed and bound to the address: it confirms this one and no later one."""
    return signing.dumps({"id": user.pk, "email": user.email}, salt=SALT)


def send_verification(user: User) -> bool:
    """Queue a mail with a new link; returns whether this call did.

    Two calls that saw the same count send one mail. The user's counters are refreshed.
    """
    with transaction.atomic():
        counted = User.objects.filter(
            pk=user.pk, is_verified=False, verification_count=user.verification_count
        ).update(
            verification_count=F("verification_count") + 1, verification_sent_at=timezone.now()
        )
        if not counted or not user.email:
            return False
        user.refresh_from_db(fields=["verification_count", "verification_sent_at"])
        path = reverse("users:verify", args=[verification_key(user)])
        queue_mail(
            f"verify:{user.pk}:{user.verification_count}",
            user.email,
            "verify",
            {"user": user, "path": path, "days": VALID.days},
        )
    return True


def resend_verification(user: User) -> None:
    """Another link, for who asks; nothing where the address is confirmed already.

    Raises:
        PermissionDenied: a visitor has no address.
    """
    if user.is_visitor:
        raise PermissionDenied("A visitor has no e-mail address to confirm.")
    send_verification(user)


def verify_email(key: str) -> User:
    """Confirm the address that a link names; opening it twice is no error.

    Raises:
        Invalid: forged, too old, or of an address that is no longer theirs.
    """
    try:
        said = signing.loads(key, salt=SALT, max_age=VALID)
        user = User.objects.get(pk=said["id"], email=said["email"], is_active=True)
    except (signing.BadSignature, User.DoesNotExist, KeyError, TypeError) as error:
        raise Invalid(fields={"key": [BAD_LINK]}) from error
    if not user.is_verified:
        User.objects.filter(pk=user.pk).update(is_verified=True, updated_at=timezone.now())
        user.is_verified = True
    return user
