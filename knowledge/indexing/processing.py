"""One version from bytes to stored chunks and vectors: extract, split, embed.

    queued --claim--> processing: extracting, splitting, embedding --> embedded (waits for a build)
       ^                  |  |
       +---- retry -------+  +--> failed (with a sentence) | cancelled

Between a claim and its end every write repeats the claim's token. CPU work is done outside
transactions, and a transaction holds at most 500 rows.
"""

import logging
from collections.abc import Callable, Sequence
from datetime import timedelta
from functools import partial
from pathlib import Path
from time import monotonic

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from knowledge import conf, index_store, storage
from knowledge.indexing import vectors
from knowledge.indexing.leases import (
    MAX_ATTEMPTS,
    Heartbeat,
    LeaseLost,
    Step,
    Version,
    VersionLease,
    claim_version,
    database_now,
    is_claimable,
)
from knowledge.ingestion import sandbox, splitter
from knowledge.ingestion.splitter import Piece
from knowledge.ingestion.types import (
    Extracted,
    ExtractionStopped,
    IngestionError,
    LimitExceeded,
    SourceFile,
    UnreadableFile,
)
from knowledge.models import Chunk, DocumentVersion
from knowledge.retrieval.embedder import EmbedderUnavailable

logger = logging.getLogger(__name__)

BROKE_OFF = "Reading this file broke off three times. Check the file, then process it again."
GONE = "The stored file is missing. Upload it again."
NO_TEXT = "No text was found in this file."
TOO_LONG = "This document is too long. Split it into several files."
MAX_CHUNKS = 50_000
# Pauses after the first and second attempt: a database or disk that was busy is back by then.
_PAUSES = (timedelta(seconds=10), timedelta(seconds=60))
_WITHOUT_EMBEDDER = timedelta(seconds=60)
_SPLIT_AT, _EMBED_AT, _EMBEDDED_AT = 40, 45, 95  # percent where a step begins or ends


def process_version(version_id: int) -> bool:
    """Process a version if it is due and nobody else has it; returns whether it was embedded.

    Safe to call twice and at the same time. Never raises for the file's sake: what is wrong with
    it becomes a state and a sentence.
    """
    lease = claim_version(version_id) if _can_start(version_id) else None
    if lease is None:
        return False
    try:
        with Heartbeat(lease.renew) as heartbeat:
            _work(lease, heartbeat)
    except (LeaseLost, ExtractionStopped):
        logger.info("version %s was taken over or cancelled", version_id)
    except IngestionError as error:
        logger.info("version %s cannot be read: %s", version_id, type(error).__name__)
        _end(lease, partial(_fail, lease, error.sentence))
    except EmbedderUnavailable:
        logger.exception("version %s waits for the embedding model", version_id)
        _end(lease, partial(_wait_for_embedder, lease))
    except Exception:  # the task's edge: the row says what happened
        logger.exception("version %s broke off", version_id)
        _end(lease, partial(_retry_later, lease))
    else:
        return True
    return False


def _can_start(version_id: int) -> bool:
    """Whether there is room and a model; without a model the version is due later, unread."""
    if storage.lacks_space():
        logger.warning("version %s waits: %s", version_id, storage.NO_SPACE)
        return False
    try:
        conf.fingerprint()
    except EmbedderUnavailable:
        logger.exception("version %s waits for the embedding model", version_id)
        DocumentVersion.objects.filter(is_claimable(), pk=version_id).update(
            due_at=database_now(_WITHOUT_EMBEDDER)
        )
        return False
    return True


def give_up_exhausted() -> int:
    """Fail the versions whose last allowed attempt ended without a word: their worker died."""
    return DocumentVersion.objects.filter(is_claimable(), attempts__gte=MAX_ATTEMPTS).update(
        state=Version.FAILED,
        error=BROKE_OFF,
        lease_token=None,
        lease_until=None,
        finished_at=timezone.now(),
        updated_at=timezone.now(),
    )


def due_version_ids(limit: int) -> list[int]:
    """Versions that wait for a worker, those that wait longest first."""
    due = DocumentVersion.objects.filter(is_claimable(), attempts__lt=MAX_ATTEMPTS)
    return list(due.order_by("due_at", "pk").values_list("pk", flat=True)[:limit])


def _work(lease: VersionLease, heartbeat: Heartbeat) -> None:
    version = DocumentVersion.objects.select_related("document").get(pk=lease.version_id)
    extracted = _extract(version, lease, heartbeat)
    lease.write(
        step=Step.SPLITTING,
        percent=_SPLIT_AT,
        text=extracted.text,
        outline=[vars(heading) for heading in extracted.outline],
        pages=list(extracted.pages),
        page_count=len(extracted.pages) or None,
        warnings=list(extracted.warnings),
    )
    pieces = _split(extracted, version.document.title)
    heartbeat.check()
    _store_chunks(lease, pieces)
    _embed(lease, heartbeat, pieces)
    with transaction.atomic():
        index_store.want_build()
        lease.close(
            state=Version.EMBEDDED,
            step=Step.INDEXING,
            percent=_EMBEDDED_AT,
            chunk_count=len(pieces),
        )


def _extract(version: DocumentVersion, lease: VersionLease, heartbeat: Heartbeat) -> Extracted:
    try:
        with storage.local_path(version.file) as path:
            return sandbox.extract(
                SourceFile(path, version.file_name, version.media_type),
                on_progress=_Reporter(lease).report,
                should_stop=_Watch(lease, heartbeat).should_stop,
                folder=Path(settings.FILE_UPLOAD_TEMP_DIR),
            )
    except FileNotFoundError as error:
        raise UnreadableFile(GONE) from error


class _Watch:
    """Looks at the row once a second, however often it is asked."""

    def __init__(self, lease: VersionLease, heartbeat: Heartbeat) -> None:
        self._lease = lease
        self._heartbeat = heartbeat
        self._looked_at = monotonic()

    def should_stop(self) -> bool:
        if monotonic() - self._looked_at > 1.0:
            self._looked_at = monotonic()
            return not self._lease.is_ours()
        return self._heartbeat.lost.is_set()


class _Reporter:
    """Writes the progress of extraction to the row at most twice a second."""

    def __init__(self, lease: VersionLease) -> None:
        self._lease = lease
        self._written_at = 0.0

    def report(self, percent: int) -> None:
        if monotonic() - self._written_at > 0.5:
            self._written_at = monotonic()
            self._lease.write(percent=max(0, min(percent, 100)) * _SPLIT_AT // 100)


def _split(extracted: Extracted, title: str) -> list[Piece]:
    pieces = splitter.split(extracted, title, conf.splitter_config(), conf.embedder().count_tokens)
    if not pieces:
        raise UnreadableFile(NO_TEXT)
    if len(pieces) > MAX_CHUNKS:
        raise LimitExceeded(TOO_LONG)
    return pieces


def _store_chunks(lease: VersionLease, pieces: Sequence[Piece]) -> None:
    """Replace what a dead attempt may have left. No build reads them before `embedded`."""
    with transaction.atomic():
        lease.write(step=Step.EMBEDDING, percent=_EMBED_AT)
        Chunk.objects.filter(version_id=lease.version_id).delete()
    for start in range(0, len(pieces), vectors.ROWS):
        rows = [_chunk(lease.version_id, p) for p in pieces[start : start + vectors.ROWS]]
        with transaction.atomic():
            lease.write()
            Chunk.objects.bulk_create(rows)


def _chunk(version_id: int, piece: Piece) -> Chunk:
    return Chunk(
        version_id=version_id,
        splitter=conf.splitter_config().identity,
        ordinal=piece.ordinal,
        heading=piece.heading[:500],
        page=piece.page,
        start=piece.start,
        end=piece.end,
        text=piece.text,
        tokens=piece.tokens,
        content_hash=piece.content_hash,
    )


def _embed(lease: VersionLease, heartbeat: Heartbeat, pieces: Sequence[Piece]) -> None:
    embedder = conf.embedder()
    by_hash = {piece.content_hash: piece.embedded_text for piece in pieces}
    absent = vectors.missing(list(by_hash), embedder.fingerprint)
    span = _EMBEDDED_AT - _EMBED_AT

    def on_batch(done: int) -> None:
        heartbeat.check()
        lease.write(percent=_EMBED_AT + span * done // len(absent))

    vectors.fill({key: by_hash[key] for key in absent}, embedder, on_batch)


def _end(lease: VersionLease, write: Callable[[], None]) -> None:
    """Write the end of a failed attempt, unless the row is another's by now."""
    try:
        write()
    except LeaseLost:
        logger.info("version %s was taken over meanwhile", lease.version_id)


def _fail(lease: VersionLease, sentence: str) -> None:
    lease.close(state=Version.FAILED, error=sentence[:500], finished_at=timezone.now())


def _retry_later(lease: VersionLease) -> None:
    attempts = DocumentVersion.objects.values_list("attempts", flat=True).get(pk=lease.version_id)
    if attempts >= MAX_ATTEMPTS:
        _fail(lease, BROKE_OFF)
        return
    _wait(lease, _PAUSES[attempts - 1], attempts)


def _wait_for_embedder(lease: VersionLease) -> None:
    """The file is not to blame: wait without counting the attempt."""
    attempts = DocumentVersion.objects.values_list("attempts", flat=True).get(pk=lease.version_id)
    _wait(lease, _WITHOUT_EMBEDDER, attempts - 1)


def _wait(lease: VersionLease, pause: timedelta, attempts: int) -> None:
    lease.close(
        state=Version.QUEUED,
        step=Step.WAITING,
        percent=0,
        attempts=attempts,
        due_at=database_now(pause),
    )
