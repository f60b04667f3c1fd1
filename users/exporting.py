"""The work of an export: everything of one person as JSON, streamed into a file, and as a ZIP.

Other apps give their parts by ``settings.EXPORT_SECTIONS``: dotted paths of functions
``f(user) -> Iterator[dict]``. A section is named after its function without ``_of``.
"""

import json
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import IO, Any

from django.conf import settings
from django.core.files import File
from django.core.files.storage import default_storage
from django.core.serializers.json import DjangoJSONEncoder
from django.db import transaction
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone
from django.utils.module_loading import import_string

from core.outbox import queue_mail
from users.models import DataExport, User

LEASE = timedelta(minutes=5)
ATTEMPTS = 3
VALID = timedelta(hours=48)
RENEW_EVERY = 200  # items between two looks at the lease
FOLDER = "exports"


class LeaseLost(Exception):
    """Another worker has taken the export over; this one stops and leaves no trace."""


@dataclass(frozen=True)
class Claim:
    """One worker's hold on an export; ``attempt`` is the token that every later write repeats."""

    export: DataExport
    attempt: int
    file: str


def account_of(user: User) -> dict[str, Any]:
    """The account's own part."""
    return {
        "id": user.pk,
        "identifier": user.identifier,
        "username": user.username,
        "email": user.email,
        "first_name": user.first_name,
        "last_name": user.last_name,
        "user_type": user.user_type,
        "is_verified": user.is_verified,
        "is_staff": user.is_staff,
        "groups": [group.name for group in user.groups.all()],
        "created_at": user.created_at,
        "updated_at": user.updated_at,
        "last_login": user.last_login,
        "last_seen_at": user.last_seen_at,
    }


def sections(user: User) -> Iterator[tuple[str, Iterator[dict[str, Any]]]]:
    """Name and items of every other app's part."""
    for path in settings.EXPORT_SECTIONS:
        section = import_string(path)
        yield section.__name__.removesuffix("_of"), section(user)


def json_pieces(user: User) -> Iterator[str]:
    """The whole export as one JSON object, in pieces of one item."""
    head = {"exported_at": timezone.now(), "user": account_of(user)}
    yield _dump(head)[:-1]
    for name, items in sections(user):
        yield f", {json.dumps(name)}: "
        yield from _array(items)
    yield "}\n"


def spool(user: User) -> IO[bytes]:
    """The export in a nameless temporary file, at its start.

    Written before the first byte is sent, so that an error is an error and not half an answer,
    and so that no database connection is held while a slow reader takes it.
    """
    with ExitStack() as opened:
        file = opened.enter_context(tempfile.TemporaryFile(dir=settings.FILE_UPLOAD_TEMP_DIR))
        for piece in json_pieces(user):
            file.write(piece.encode())
        file.seek(0)
        opened.pop_all()  # from here on the answer closes it
    return file


def make_export(export_id: int) -> bool:
    """Write the ZIP if nobody else does, publish it and queue the mail; returns whether it did.

    Killed at any moment it is made again after its lease has ended, at most three times.
    """
    claim = _claim(export_id, timezone.now())
    if claim is None:
        return False
    with tempfile.TemporaryFile(dir=settings.FILE_UPLOAD_TEMP_DIR) as file:
        try:
            _write_zip(claim, file)
        except LeaseLost:
            return False
        file.seek(0)
        default_storage.save(claim.file, File(file))
    if _publish(claim):
        return True
    default_storage.delete(claim.file)
    return False


def claimable(now: datetime) -> Q:
    """Queued, or left behind by a worker whose lease has ended."""
    return Q(state=DataExport.State.QUEUED) | Q(state=DataExport.State.RUNNING, lease_until__lt=now)


def _claim(export_id: int, now: datetime) -> Claim | None:
    found = DataExport.objects.filter(claimable(now), pk=export_id, attempts__lt=ATTEMPTS)
    export = found.select_related("user").first()
    if export is None:
        return None
    attempt = export.attempts + 1
    file = f"{FOLDER}/{export.pk}-{attempt}-{export.token[:16]}.zip"
    if not found.filter(attempts=export.attempts).update(
        state=DataExport.State.RUNNING, attempts=attempt, lease_until=now + LEASE, file=file
    ):
        return None
    if export.file:  # what an earlier attempt left
        default_storage.delete(export.file)
    return Claim(export, attempt, file)


def _mine(claim: Claim) -> Any:
    return DataExport.objects.filter(
        pk=claim.export.pk, state=DataExport.State.RUNNING, attempts=claim.attempt
    )


def _renew(claim: Claim) -> None:
    if not _mine(claim).update(lease_until=timezone.now() + LEASE):
        raise LeaseLost


def _write_zip(claim: Claim, file: IO[bytes]) -> None:
    user = claim.export.user
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("account.json", _dump(account_of(user), indent=2))
        for name, items in sections(user):
            with archive.open(f"{name}.json", "w", force_zip64=True) as part:
                for piece in _array(_renewing(claim, items)):
                    part.write(piece.encode())


def _renewing(claim: Claim, items: Iterator[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for number, item in enumerate(items):
        if number % RENEW_EVERY == 0:
            _renew(claim)
        yield item


def _publish(claim: Claim) -> bool:
    user = claim.export.user
    with transaction.atomic():
        done = _mine(claim).update(
            state=DataExport.State.READY, lease_until=None, expires_at=timezone.now() + VALID
        )
        if done and user.email:
            path = reverse("users:export_file", args=[claim.export.token])
            context = {"user": user, "path": path, "hours": VALID // timedelta(hours=1)}
            queue_mail(f"export:{claim.export.pk}", user.email, "export", context)
    return bool(done)


def _array(items: Iterator[dict[str, Any]]) -> Iterator[str]:
    yield "["
    for number, item in enumerate(items):
        yield (",\n" if number else "\n") + _dump(item)
    yield "]"


def _dump(item: dict[str, Any], indent: int | None = None) -> str:
    return json.dumps(item, cls=DjangoJSONEncoder, ensure_ascii=False, indent=indent)
