"""The end of documents: out of answers at once, then out of every place that holds their words.

A document's rows go in one transaction; many documents go one by one, after a transaction that
takes all of them out of answers. What a kill leaves is on a receipt, and the sweep goes on with it.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from django.conf import settings
from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.module_loading import import_string

from core.hints import send_hint
from knowledge import index_store
from knowledge.indexing import cleaning
from knowledge.models import Chunk, Document, DocumentVersion, Receipt, VersionState
from knowledge.services import receipts
from knowledge.services.receipts import Erasure
from users.models import User

_ROWS = 500  # ids in one query
_AT_ONCE = 10  # documents in one transaction: others write between two of them
_UNFINISHED = (VersionState.QUEUED, VersionState.PROCESSING, VersionState.EMBEDDED)
_DELETED = "The document is being deleted."


def delete_document(document: Document, by: User | None = None, reason: str = "") -> Receipt | None:
    """Delete a document with its versions, chunks, vectors and files.

    One transaction takes the rows, tells the other apps (``DOCUMENT_FORGOTTEN_HOOKS``), asks for a
    build without its words and writes the receipt. Files go after the commit; builds that still
    hold its words go with the next build, and no search shows them meanwhile. Deleting twice is
    no error: the second time there is nothing to give a receipt for.
    """
    erasure = Erasure(by, reason)
    try:
        return _delete(document.pk, erasure)
    except IntegrityError:  # a row came in between, from who held no lock; now it is seen
        return _delete(document.pk, erasure)


def delete_documents(ids: Iterable[int], erasure: Erasure) -> Receipt | None:
    """Delete many documents under one receipt, at once; None where none of them is there."""
    receipt = withdraw(Receipt.Kind.DOCUMENT, ids, erasure)
    if receipt is not None:
        erase_rest(receipt)
        receipt.refresh_from_db()
    return receipt


def withdraw(kind: Receipt.Kind, ids: Iterable[int], erasure: Erasure) -> Receipt | None:
    """Take documents out of answers and open the receipt for their erasure, by `erase_rest`."""
    with transaction.atomic():
        index_store.audience_changed()
        there = [pk for part in _parts(ids) for pk in _existing(part)]
        if not there:
            return None
        for part in _parts(there):
            Document.objects.filter(pk__in=part).update(is_active=False, updated_at=timezone.now())
            DocumentVersion.objects.filter(document__in=part, state__in=_UNFINISHED).update(
                state=VersionState.CANCELLED, error=_DELETED, lease_token=None, lease_until=None
            )
        receipt = receipts.open_receipt(kind, there, erasure)
        number = str(receipt.pk)
        transaction.on_commit(lambda: send_hint("knowledge.schedule.erase", number), robust=True)
    return receipt


def erase_rest(receipt: Receipt) -> int:
    """Erase what is still there of a receipt's documents; returns how many it was.

    Safe to repeat, at the same time, and to be killed: some documents at a time are a transaction.
    """
    erased = 0
    for part in _parts(receipt.document_ids, _AT_ONCE):
        there = _existing(part)
        if not there:
            continue
        try:
            erased += _erase_some(receipt.pk, there)
        except IntegrityError:  # as above
            erased += _erase_some(receipt.pk, there)
        receipts.remove_files(receipt.pk)
    with transaction.atomic():
        index_store.want_build(full=True)
        row = receipts.locked(receipt.pk)
        if receipts.has_noted(row, receipts.INDEX):
            transaction.set_rollback(True)  # somebody else came to the end first
        else:
            _note_builds(row)
    return erased


def is_unfinished(receipt: Receipt) -> bool:
    """Whether `erase_rest` has not come to its end."""
    return not receipts.has_noted(receipt, receipts.INDEX)


def _delete(document_id: int, erasure: Erasure) -> Receipt | None:
    with transaction.atomic():
        index_store.want_build(full=True)
        index_store.audience_changed()
        # Documents before versions: the order of locks that builds have too.
        rows = Document.objects.select_for_update().filter(pk=document_id)
        if rows.values("pk").first() is None:
            transaction.set_rollback(True)
            return None
        receipt = receipts.open_receipt(Receipt.Kind.DOCUMENT, [document_id], erasure)
        _erase_rows(receipt, [document_id])
        _note_builds(receipt)
        transaction.on_commit(lambda: receipts.remove_files(receipt.pk), robust=True)
    return receipt


def _erase_some(receipt_id: Any, ids: Sequence[int]) -> int:
    """Some documents in one transaction, in the order of locks that builds have too."""
    with transaction.atomic():
        rows = Document.objects.select_for_update().filter(pk__in=ids).order_by("pk")
        there = list(rows.values_list("pk", flat=True))
        if there:
            _erase_rows(receipts.locked(receipt_id), there)
    return len(there)


def _erase_rows(receipt: Receipt, ids: Sequence[int]) -> None:
    """Within a transaction that holds the documents: their rows, and what others have of them."""
    versions = DocumentVersion.objects.filter(document__in=ids)
    # Wait for the rows that a worker is storing, and let it store no more.
    versions.update(state=VersionState.CANCELLED, lease_token=None, lease_until=None)
    files = list(versions.order_by().values_list("file", flat=True).distinct())
    late = versions.filter(created_at__gte=receipt.requested_at)
    receipts.note_late(receipt, late.values_list("sha256", flat=True))
    chunks = Chunk.objects.filter(version__document__in=ids).order_by()
    hashes = list(chunks.values_list("content_hash", flat=True).distinct())
    quotes = sum(_forgotten_by_others(document_id) for document_id in ids)
    journal = sum(_forget_in_journal(document_id) for document_id in ids)
    rows, _ = Document.objects.filter(pk__in=ids).delete()
    vectors = cleaning.remove_orphan_vectors(hashes)
    receipts.note_files(receipt, files)
    receipts.note(
        receipt,
        {
            receipts.ROWS: rows,
            receipts.VECTORS: vectors,
            receipts.QUOTES: quotes,
            receipts.JOURNAL: journal,
        },
    )


def _forgotten_by_others(document_id: int) -> int:
    """Tell the other apps; how many of their rows had words of it."""
    counts = [import_string(path)(document_id) for path in settings.DOCUMENT_FORGOTTEN_HOOKS]
    return sum(sum((count or {}).values()) for count in counts)


def _note_builds(receipt: Receipt) -> None:
    """The index goes last: every build that is on disk may hold the words."""
    receipts.note(receipt, {receipts.INDEX: 0}, "Each goes as soon as a new one is active.")
    receipt.waits_for = list(receipts.builds_on_disk().values_list("pk", flat=True))
    receipt.save(update_fields=["waits_for"])


def _forget_in_journal(document_id: int) -> int:
    """The admin's journal keeps who did what and when, but not the title."""
    return LogEntry.objects.filter(
        content_type=ContentType.objects.get_for_model(Document), object_id=str(document_id)
    ).update(object_repr=f"Document {document_id}", change_message="")


def _existing(ids: Sequence[int]) -> list[int]:
    found = Document.objects.filter(pk__in=ids).order_by("pk")
    return list(found.values_list("pk", flat=True))


def _parts(ids: Iterable[int], size: int = _ROWS) -> Iterator[Sequence[int]]:
    wanted = list(ids)
    return (wanted[start : start + size] for start in range(0, len(wanted), size))
