"""Versions of a document: a new content, another processing of the same one, and its end."""

from collections.abc import Sequence

from django.db import transaction
from django.db.models import Max
from django.utils import timezone

from core.errors import Conflict, NotFound, UnsupportedType
from core.hints import send_hint
from knowledge import index_store
from knowledge.models import Document, DocumentVersion, VersionState
from knowledge.services.uploads import (
    ARCHIVE,
    Content,
    NewFile,
    discard,
    discard_unless,
    in_shared_file,
    store_file,
    store_text,
)

_UNFINISHED = (VersionState.QUEUED, VersionState.PROCESSING)
# Of these the same content again would only be read twice.
_STANDS = (*_UNFINISHED, VersionState.EMBEDDED, VersionState.READY)
_OVERTAKEN = "A newer version was uploaded."
_CANCELLED = "Cancelled by a manager."
_ONE_DOCUMENT = "An archive cannot be the content of one document. Add it as new documents."


def add_version(document: Document, new: NewFile | str) -> DocumentVersion:
    """Queue a new content of a document; the one that answers now goes on until it is ready.

    A content equal to that of the newest version changes nothing, unless that one failed or was
    cancelled: it is returned, so its number has not grown.

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
    discard_unless(content, version.file)
    return version


def store_content(document: Document, new: NewFile | str) -> Content:
    """The bytes of a new version on disk; no row knows of them yet."""
    if isinstance(new, str):
        return store_text(new, document.title)
    content = store_file(new)
    if content.media_type == ARCHIVE:
        discard(content)
        raise UnsupportedType(_ONE_DOCUMENT)
    return content


def add_content(document: Document, content: Content) -> DocumentVersion:
    """Within a transaction: the new version, or the newest one where the content is the same."""
    _lock(document)
    newest = newest_version(document)
    if newest is not None and newest.state in _STANDS and _is_same(newest, content):
        return newest
    return queue_version(document, content)


def _is_same(version: DocumentVersion, content: Content) -> bool:
    """The same bytes, read in the same way."""
    return (version.sha256, version.media_type) == (content.sha256, content.media_type)


def queue_version(
    document: Document, content: Content, *, tell_worker: bool = True
) -> DocumentVersion:
    """Within a transaction: the next version; an older one that waits or is worked on ends.

    Bytes that another version has already are taken from its file: see ``file`` of the result.
    """
    _lock(document)
    content = in_shared_file(content)
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
    if tell_worker:
        send_to_worker(version)
    return version


def send_to_worker(version: DocumentVersion) -> None:
    """Within a transaction: tell a worker of a version that waits, after the commit."""
    is_archive = version.media_type == ARCHIVE
    task = "knowledge.schedule.unpack" if is_archive else "knowledge.tasks.process_version"
    transaction.on_commit(lambda: send_hint(task, version.pk), robust=True)


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
            # The build under way may hold it. First, for the order of locks.
            index_store.want_build(documents=[document.pk])
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
        progress={},  # it is read again
        error="",
        attempts=0,
        due_at=timezone.now(),
        finished_at=None,
    )
    if queued:
        send_to_worker(version)
