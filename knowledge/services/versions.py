"""Versions of a document: a new content, another processing of the same one, and its end."""

from collections.abc import Sequence
from functools import partial

from django.db import transaction
from django.db.models import Max
from django.utils import timezone

from core.errors import Conflict, NotFound
from core.hints import send_hint
from knowledge import index_store
from knowledge.models import Document, DocumentVersion, VersionState
from knowledge.services.uploads import Content, NewFile, discard, store_file, store_text

_UNFINISHED = (VersionState.QUEUED, VersionState.PROCESSING)
_OVERTAKEN = "A newer version was uploaded."
_CANCELLED = "Cancelled by a manager."


def add_version(document: Document, new: NewFile | str) -> DocumentVersion:
    """Queue a new content of a document; the one that answers now goes on until it is ready.

    A content equal to that of the newest version, if that one is ready, changes nothing: that
    version is returned, so its number has not grown.

    Args:
        document: what it is a version of.
        new: a file, or a text.

    Raises:
        Invalid, UnsupportedType, TooLarge, Unavailable, NotFound: nothing was kept.
    """
    content = store_content(document, new)
    try:
        with transaction.atomic():
            version = add_content(document, content)
    except BaseException:
        discard(content)
        raise
    if version.file != content.file:
        discard(content)
    return version


def store_content(document: Document, new: NewFile | str) -> Content:
    """The bytes of a new version on disk; no row knows of them yet."""
    return store_text(new, document.title) if isinstance(new, str) else store_file(new)


def add_content(document: Document, content: Content) -> DocumentVersion:
    """Within a transaction: the new version, or the newest one where the content is the same."""
    _lock(document)
    newest = newest_version(document)
    if (
        newest is not None
        and newest.sha256 == content.sha256
        and newest.state == VersionState.READY
    ):
        return newest
    return queue_version(document, content)


def queue_version(document: Document, content: Content) -> DocumentVersion:
    """Within a transaction: the next version; an older one that waits or is worked on ends."""
    _lock(document)
    document.versions.filter(state__in=_UNFINISHED).update(
        state=VersionState.CANCELLED,
        error=_OVERTAKEN,
        lease_token=None,
        lease_until=None,
        finished_at=timezone.now(),
    )
    newest = document.versions.aggregate(Max("number"))["number__max"] or 0
    version = DocumentVersion.objects.create(
        document=document,
        number=newest + 1,
        file=content.file,
        file_name=content.file_name,
        media_type=content.media_type,
        size=content.size,
        sha256=content.sha256,
    )
    transaction.on_commit(
        partial(send_hint, "knowledge.tasks.process_version", version.pk), robust=True
    )
    return version


def reprocess(document: Document) -> DocumentVersion:
    """Process the newest content again.

    One that failed or was cancelled is queued as it is. One that answers stays, and the same file
    becomes the next version, so that answers and their footnotes go on without a gap.

    Raises:
        NotFound: the document is gone.
    """
    with transaction.atomic():
        _lock(document)
        newest = newest_version(document)
        if newest is None:
            raise NotFound
        if newest.state in (VersionState.READY, VersionState.EMBEDDED):
            return queue_version(document, _content_of(newest))
        _queue_again(newest)
        newest.refresh_from_db()
        return newest


def cancel(document: Document) -> DocumentVersion:
    """End the processing of the newest version; what answers now goes on.

    Raises:
        Conflict: nothing is being processed.
    """
    with transaction.atomic():
        cancelled = _cancel_newest(document, _UNFINISHED)
    if cancelled is None:
        with transaction.atomic():
            index_store.want_build()  # the build under way may hold it; first, for the locks
            cancelled = _cancel_newest(document, (VersionState.EMBEDDED,))
            if cancelled is None:
                raise Conflict("Nothing of this document is being processed.")
    return cancelled


def _cancel_newest(document: Document, states: Sequence[str]) -> DocumentVersion | None:
    """Within a transaction: the newest version, cancelled; None where it is in no such state."""
    _lock(document)
    newest = newest_version(document)
    if newest is None or newest.state not in states:
        return None
    # A worker takes no lock of the document, so that the state is asked for once more.
    if not DocumentVersion.objects.filter(pk=newest.pk, state__in=states).update(
        state=VersionState.CANCELLED,
        error=_CANCELLED,
        lease_token=None,
        lease_until=None,
        finished_at=timezone.now(),
    ):
        return None
    newest.refresh_from_db(fields=("state", "error", "finished_at"))
    return newest


def newest_version(document: Document) -> DocumentVersion | None:
    """The newest upload, without its text."""
    return document.versions.defer("text", "outline", "pages").order_by("-number").first()


def _lock(document: Document) -> None:
    """Versions of one document are numbered one at a time (SQLite locks as a whole anyway)."""
    if not Document.objects.select_for_update().filter(pk=document.pk).values("pk").first():
        raise NotFound


def _content_of(version: DocumentVersion) -> Content:
    return Content(
        version.file, version.file_name, version.media_type, version.size, version.sha256
    )


def _queue_again(version: DocumentVersion) -> None:
    """A finished attempt starts anew; one that is waiting or under way stays as it is."""
    queued = DocumentVersion.objects.filter(
        pk=version.pk, state__in=(VersionState.FAILED, VersionState.CANCELLED)
    ).update(
        state=VersionState.QUEUED,
        step=DocumentVersion.Step.WAITING,
        percent=0,
        error="",
        attempts=0,
        due_at=timezone.now(),
        finished_at=None,
    )
    if queued:
        transaction.on_commit(
            partial(send_hint, "knowledge.tasks.process_version", version.pk), robust=True
        )
