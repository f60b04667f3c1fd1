"""Clean-up of accounts, tokens, exports and sessions.

Each function works in batches of short transactions, asks the rows again inside each, and returns
a count: killed in between it has done part of its work, and run again it does the rest.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib.sessions.models import Session
from django.core.files.storage import default_storage
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from rest_framework_simplejwt.token_blacklist.models import OutstandingToken

from users.exporting import ATTEMPTS, FOLDER, claimable
from users.models import DataExport, TokenFamily, User
from users.services import erase, send_verification

BATCH = 200
REMIND_AFTER = timedelta(days=1)
ORPHAN_AFTER = timedelta(hours=1)  # longer than an attempt's lease


def remind_unverified(now: datetime) -> int:
    """One more link to who signed up a day ago and did not open the first; once each."""
    waiting = (
        User.objects.get_queryset()
        .unverified()
        .filter(is_active=True, verification_count=1, verification_sent_at__lte=now - REMIND_AFTER)
    )
    return sum(send_verification(user) for batch in _batches(waiting) for user in batch)


def remove_unverified(now: datetime) -> int:
    """Erase members who never confirmed, were not seen for RETENTION_DAYS and have nothing left."""
    stale = (
        User.objects.get_queryset()
        .unverified()
        .filter(is_superuser=False, created_at__lt=_cutoff(now))
    )
    return _erase_idle(stale, now)


def remove_visitors(now: datetime) -> int:
    """Erase visitors with no conversation left who were not seen for RETENTION_DAYS."""
    return _erase_idle(User.objects.get_queryset().visitors(), now)


def flush_tokens(now: datetime) -> int:
    """Drop tokens (and their blacklisting) and families that have expired anyway."""
    families = _delete(TokenFamily.objects.filter(expires_at__lt=now))
    return families + _delete(OutstandingToken.objects.filter(expires_at__lt=now))


def remove_exports(now: datetime) -> int:
    """Drop expired exports, file first: a kill in between leaves a row to find, not a file."""
    removed = 0
    for batch in _batches(DataExport.objects.filter(expires_at__lt=now)):
        for export in batch:
            if export.file:
                default_storage.delete(export.file)
        removed += DataExport.objects.filter(pk__in=[export.pk for export in batch]).delete()[0]
    return removed


def remove_orphan_files(now: datetime) -> int:
    """Delete export files that no row names: an erasure or a worker was killed."""
    if not default_storage.exists(FOLDER):
        return 0
    named = set(DataExport.objects.exclude(file="").values_list("file", flat=True))
    removed = 0
    for name in default_storage.listdir(FOLDER)[1]:
        path = f"{FOLDER}/{name}"
        if path not in named and default_storage.get_modified_time(path) < now - ORPHAN_AFTER:
            default_storage.delete(path)
            removed += 1
    return removed


def clear_sessions(now: datetime) -> int:
    """Drop page sessions that have expired."""
    return _delete(Session.objects.filter(expire_date__lt=now))


def give_up_exports(now: datetime) -> int:
    """Exports whose last attempt died are failed, for all to see."""
    return DataExport.objects.filter(
        state=DataExport.State.RUNNING, lease_until__lt=now, attempts__gte=ATTEMPTS
    ).update(state=DataExport.State.FAILED, lease_until=None)


def waiting_exports(now: datetime) -> list[int]:
    """Exports that nobody works on: their message was lost, or their worker died."""
    found = DataExport.objects.filter(claimable(now), attempts__lt=ATTEMPTS)
    return list(found.order_by("pk").values_list("pk", flat=True)[:BATCH])


def clean(now: datetime | None = None) -> dict[str, int]:
    """All of the night's work; returns what each part did."""
    now = now or timezone.now()
    return {
        "reminded": remind_unverified(now),
        "unverified": remove_unverified(now),
        "visitors": remove_visitors(now),
        "tokens": flush_tokens(now),
        "exports": remove_exports(now),
        "orphans": remove_orphan_files(now),
        "sessions": clear_sessions(now),
    }


def _cutoff(now: datetime) -> datetime:
    return now - timedelta(days=settings.RETENTION_DAYS)


def _erase_idle(rows: "QuerySet[User]", now: datetime) -> int:
    idle = rows.filter(is_staff=False, last_seen_at__lt=_cutoff(now), chat_sessions=None)
    removed = 0
    for batch in _batches(idle):
        with transaction.atomic():
            locked = User.objects.select_for_update().filter(pk__in=[user.pk for user in batch])
            ids = [user.pk for user in locked]
            still = list(idle.filter(pk__in=ids))  # someone may have come back meanwhile
            erase(still)
        removed += len(still)
    return removed


def _delete(rows: "QuerySet[Any]") -> int:
    """Delete in batches; counts these rows alone, not what cascades."""
    removed = 0
    for batch in _batches(rows):
        ids = [row.pk for row in batch]
        rows.filter(pk__in=ids).delete()
        removed += len(ids)
    return removed


def _batches(rows: "QuerySet[Any]") -> Iterator[list[Any]]:
    """Rows by ascending key, each once, also when the work on them fails to remove them."""
    last: Any = None
    while True:
        rest = rows.order_by("pk") if last is None else rows.order_by("pk").filter(pk__gt=last)
        batch = list(rest[:BATCH])
        if not batch:
            return
        yield batch
        last = batch[-1].pk
