"""Receipts of what was erased: where it went from, when, and what may still hold the words.

A receipt is opened in the transaction that begins the erasure, and its places are noted in the
transactions that empty them, so that a receipt never says more than what was done. ``settling``
completes it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.admin.models import DELETION, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from knowledge.models import DocumentVersion, IndexBuild, Receipt
from knowledge.services.uploads import remove_unused
from users.models import User

ANSWERS = "answers and searches"
ROWS = "rows of the database"
VECTORS = "vectors"
QUOTES = "quotes in conversations and elsewhere"
JOURNAL = "journal of the admin"
FILES = "stored files"
INDEX = "index builds"
FOLDERS = "watched folders"
_IDS = 500  # in one query
_LEFT = "left"  # names of files that the commit left behind


@dataclass(frozen=True)
class Erasure:
    """Who wants something erased, and why."""

    by: User | None = None
    reason: str = ""


def open_receipt(kind: Receipt.Kind, ids: Iterable[int], erasure: Erasure) -> Receipt:
    """Within a transaction: a receipt of documents that leave the answers with this commit."""
    document_ids = sorted(ids)
    hashes: set[str] = set()
    for start in range(0, len(document_ids), _IDS):
        part = document_ids[start : start + _IDS]
        versions = DocumentVersion.objects.filter(document__in=part)
        hashes |= set(versions.values_list("sha256", flat=True))
    receipt = Receipt.objects.create(
        kind=kind,
        document_ids=document_ids,
        sha256=sorted(hashes),
        requested_by=erasure.by,
        reason=erasure.reason[:500],
    )
    note(receipt, {ANSWERS: len(document_ids)})
    return receipt


def locked(receipt_id: Any) -> Receipt:
    """Within a transaction: the receipt to note places on, without its long lists."""
    rows = Receipt.objects.select_for_update().defer("document_ids", "sha256")
    return rows.get(pk=receipt_id)


def note(receipt: Receipt, counts: Mapping[str, int], detail: str = "") -> None:
    """Within a transaction that holds the row: add to the counts of some places."""
    now = timezone.now().isoformat()
    places = {place["place"]: place for place in receipt.places}
    for name, count in counts.items():
        place = places.setdefault(name, {"place": name, "detail": detail, "count": 0})
        place.update(count=place["count"] + count, at=now)
    receipt.places = list(places.values())
    receipt.save(update_fields=["places"])


def note_in_journal(receipt: Receipt, by: User, what: str) -> None:
    """Within the transaction that opened the receipt: the admin's journal says who wanted it."""
    LogEntry.objects.create(
        user=by,
        content_type=ContentType.objects.get_for_model(Receipt),
        object_id=str(receipt.pk),
        object_repr=what[:200],
        action_flag=DELETION,
        change_message="",
    )


def note_files(receipt: Receipt, names: Iterable[str]) -> None:
    """Within a transaction that holds the row: these files go after its commit."""
    place = _files(receipt)
    place[_LEFT] = sorted({*place[_LEFT], *names})
    receipt.places = [*(one for one in receipt.places if one["place"] != FILES), place]
    receipt.save(update_fields=["places"])


def note_late(receipt: Receipt, hashes: Iterable[str]) -> None:
    """Within a transaction that holds the row: contents that came in after it was opened."""
    late = set(hashes)
    if late:
        receipt.sha256 = sorted({*receipt.sha256, *late})
        receipt.save(update_fields=["sha256"])


def remove_files(receipt_id: Any) -> None:
    """Delete the files that a receipt left behind. Safe to repeat, and after a kill.

    A file that another document's version has too stays for that one.
    """
    with transaction.atomic():
        receipt = locked(receipt_id)
        place = _files(receipt)
        if not place[_LEFT]:
            return
        removed = remove_unused(place[_LEFT])
        kept = len(place[_LEFT]) - removed
        place.update({_LEFT: [], "count": place["count"] + removed, "at": _now()})
        if kept:
            place["detail"] = "Another document has the same content, and keeps its file."
        receipt.places = [*(one for one in receipt.places if one["place"] != FILES), place]
        receipt.save(update_fields=["places"])


def has_files_left(receipt: Receipt) -> bool:
    """Whether files of it wait to be deleted."""
    return bool(_files(receipt)[_LEFT])


def has_noted(receipt: Receipt, name: str) -> bool:
    """Whether a place is on the receipt."""
    return any(place["place"] == name for place in receipt.places)


def builds_on_disk() -> QuerySet[IndexBuild]:
    """Every build that lies on disk or is being written, oldest first."""
    state = IndexBuild.State
    on_disk = (state.BUILDING, state.ACTIVE, state.KEPT, state.REFUSED)
    return IndexBuild.objects.filter(state__in=on_disk).order_by("pk")


def erased_at(receipt: Receipt) -> datetime:
    """When the last of its rows went."""
    rows = next((one for one in receipt.places if one["place"] == ROWS), None)
    return datetime.fromisoformat(rows["at"]) if rows else receipt.requested_at


def _files(receipt: Receipt) -> dict[str, Any]:
    empty = {"place": FILES, "detail": "", "count": 0, "at": "", _LEFT: []}
    found = next((one for one in receipt.places if one["place"] == FILES), empty)
    return {**empty, **found}


def _now() -> str:
    return timezone.now().isoformat()
