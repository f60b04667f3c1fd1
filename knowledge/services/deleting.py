"""The end of a document: out of answers at once, then out of every place that holds its words."""

from functools import partial

from django.conf import settings
from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db import IntegrityError, transaction
from django.utils.module_loading import import_string

from knowledge import index_store, storage
from knowledge.indexing import cleaning
from knowledge.models import Chunk, Document, DocumentVersion, VersionState


def delete_document(document: Document) -> None:
    """Delete a document with its versions, chunks, vectors and files.

    One transaction takes the rows, tells the other apps (``DOCUMENT_FORGOTTEN_HOOKS``) and asks
    for a build. Files go after the commit; builds that still hold its words go with the next
    build, and no search shows them meanwhile. Deleting twice is no error.
    """
    try:
        _delete(document)
    except IntegrityError:  # a row came in between, from who held no lock; now it is seen
        _delete(document)


def _delete(document: Document) -> None:
    document_id = document.pk
    with transaction.atomic():
        index_store.want_build()
        _fence_workers(document_id)
        files = list(document.versions.values_list("file", flat=True).distinct())
        hashes = list(
            Chunk.objects.filter(version__document=document_id)
            .order_by()
            .values_list("content_hash", flat=True)
            .distinct()
        )
        for path in settings.DOCUMENT_FORGOTTEN_HOOKS:
            import_string(path)(document_id)
        _forget_in_journal(document_id)
        Document.objects.filter(pk=document_id).delete()
        transaction.on_commit(partial(storage.remove, files), robust=True)
        transaction.on_commit(partial(cleaning.remove_orphan_vectors, hashes), robust=True)


def _fence_workers(document_id: int) -> None:
    """Wait for the rows that a worker is storing, and let it store no more.

    Documents before versions: the order of locks that builds have too.
    """
    Document.objects.select_for_update().filter(pk=document_id).values("pk").first()
    DocumentVersion.objects.filter(document=document_id).update(
        state=VersionState.CANCELLED, lease_token=None, lease_until=None
    )


def _forget_in_journal(document_id: int) -> None:
    """The admin's journal keeps who did what and when, but not the title."""
    LogEntry.objects.filter(
        content_type=ContentType.objects.get_for_model(Document), object_id=str(document_id)
    ).update(object_repr=f"Document {document_id}", change_message="")
