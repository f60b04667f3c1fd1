"""Ordering an export in the background, and fetching it by the mailed link."""

import secrets
from datetime import timedelta
from functools import partial
from typing import IO

from django.core.files.storage import default_storage
from django.db import transaction
from django.utils import timezone

from core.errors import NotFound, PermissionDenied
from core.hints import send_hint
from users.models import DataExport, User

VALID = timedelta(hours=48)


def request_export(user: User) -> DataExport:
    """Order a ZIP of all that is the user's; one at a time, the running one is given again.

    Raises:
        PermissionDenied: a visitor has no address to which the link could go.
    """
    if user.is_visitor:
        raise PermissionDenied("A visitor has no e-mail address for the link. Download it here.")
    with transaction.atomic():
        User.objects.select_for_update().get(pk=user.pk)
        waiting = user.exports.filter(
            state__in=[DataExport.State.QUEUED, DataExport.State.RUNNING]
        ).first()
        if waiting:
            return waiting
        export = DataExport.objects.create(
            user=user, token=secrets.token_urlsafe(32), expires_at=timezone.now() + VALID
        )
        transaction.on_commit(partial(send_hint, "users.tasks.make_export", export.pk))
    return export


def open_export(user: User, token: str) -> IO[bytes]:
    """The finished file, for its owner alone, until it expires.

    Raises:
        NotFound: someone else's, not ready, expired or gone; it does not say which.
    """
    export = DataExport.objects.filter(
        user=user, token=token, state=DataExport.State.READY, expires_at__gt=timezone.now()
    ).first()
    if export is None:
        raise NotFound
    try:
        return default_storage.open(export.file, "rb")
    except FileNotFoundError as error:
        raise NotFound from error
