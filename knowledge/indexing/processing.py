"""One version from bytes to stored chunks and vectors: extract, split, embed.

What another version of the same bytes has already is copied (see ``copying``).

    queued --claim--> processing: extracting, splitting, embedding --> embedded (waits for a build)
       ^                  |  |                           ^ in turns: see `embedding`
       +---- retry -------+  +--> failed (with a sentence) | cancelled

Between a claim and its end every write repeats the claim's token. CPU work is done outside
transactions, and a transaction holds at most 500 rows.
"""

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import timedelta
from functools import partial

from django.db import transaction
from django.utils import timezone

from core.hints import send_hint
from knowledge import conf, index_store, storage
from knowledge.indexing import configurations, copying, embedding, reading, vectors
from knowledge.indexing.configurations import Tools
from knowledge.indexing.embedding import EMBED_AT, EMBEDDED_AT, Turn, TurnOver
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
from knowledge.ingestion import splitter
from knowledge.ingestion.splitter import Piece
from knowledge.ingestion.types import (
    Extracted,
    ExtractionStopped,
    IngestionError,
    LimitExceeded,
    UnreadableFile,
)
from knowledge.models import Chunk, DocumentVersion, IndexBuild
from knowledge.retrieval.embedder import EmbedderUnavailable

logger = logging.getLogger(__name__)

BROKE_OFF = "Reading this file broke off three times. Check the file, then process it again."
NO_TEXT = "No text was found in this file."
TOO_LONG = "This document is too long. Split it into several files."
MAX_CHUNKS = 50_000
ARCHIVE = "application/zip"  # what is taken apart by its own task, and never read as a text
# Pauses after the first and second attempt: a database or disk that was busy is back by then.
_PAUSES = (timedelta(seconds=10), timedelta(seconds=60))
_WITHOUT_EMBEDDER = timedelta(seconds=60)


def process_version(version_id: int, seconds: float | None = None) -> bool:
    """Process a version if it is due and nobody else has it; returns whether it was embedded.

    Safe to call twice and at the same time. Never raises for the file's sake: what is wrong with
    it becomes a state and a sentence.

    Args:
        version_id: of the version.
        seconds: how long it may be worked on before others in the queue have a turn; it goes on
            behind them, where it was.
    """
    lease = claim_version(version_id) if _can_start(version_id) else None
    if lease is None:
        return False
    try:
        with Heartbeat(lease.renew) as heartbeat:
            _work(Turn(lease, heartbeat, seconds))
    except TurnOver:
        _end(lease, partial(_hand_back, lease))
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
    if DocumentVersion.objects.filter(pk=version_id, media_type=ARCHIVE).exists():
        return False
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
    due = due.exclude(media_type=ARCHIVE)
    return list(due.order_by("due_at", "pk").values_list("pk", flat=True)[:limit])


def _work(turn: Turn) -> None:
    lease = turn.lease
    version = DocumentVersion.objects.select_related("document").get(pk=lease.version_id)
    tools = _tools()
    job = embedding.next_job(turn, version, tools)
    if job is None:
        job = _prepare(turn, version, tools)
    if job is not None:
        embedding.embed(turn, job, tools)
    count = Chunk.objects.filter(version=version.pk, splitter=tools.splitter.identity).count()
    with transaction.atomic():
        index_store.want_build(documents=[version.document_id])
        lease.close(
            state=Version.EMBEDDED,
            step=Step.INDEXING,
            percent=EMBEDDED_AT,
            progress={},
            chunk_count=count,
        )


def _prepare(turn: Turn, version: DocumentVersion, tools: Tools) -> embedding.Job | None:
    """Read and split it into stored chunks; None where a twin's came with all their vectors."""
    lease, heartbeat = turn.lease, turn.heartbeat
    twin = copying.twin_of(version)
    extracted = copying.extracted_of(twin) if twin else reading.extract(version, lease, heartbeat)
    reading.store_text(lease, extracted)
    heartbeat.check()
    if twin is not None and copying.may_copy_chunks(version, twin, tools):
        _store_chunks(lease, copying.copies(version.pk, twin, tools))
        return None
    pieces = _split(extracted, version.document.title, tools)
    heartbeat.check()
    _store_chunks(lease, _rows(lease.version_id, pieces, tools))
    return embedding.first_job(version, pieces, tools)


def _tools() -> Tools:
    """What the release that answers was made with, so that it can be extended.

    Where there is none, or its model is not there any more, what the settings say. A full build
    with other settings splits the stored texts again.
    """
    active = IndexBuild.objects.filter(state=IndexBuild.State.ACTIVE)
    build = active.select_related("configuration").first()
    own = build.configuration if build is not None else None
    if own is not None and configurations.is_usable(own):
        return configurations.tools_of(own)
    return configurations.tools_of(configurations.wanted())


def _split(extracted: Extracted, title: str, tools: Tools) -> list[Piece]:
    pieces = splitter.split(extracted, title, tools.splitter, tools.embedder.count_tokens)
    if not pieces:
        raise UnreadableFile(NO_TEXT)
    if len(pieces) > MAX_CHUNKS:
        raise LimitExceeded(TOO_LONG)
    return pieces


def _store_chunks(lease: VersionLease, pages: Iterable[list[Chunk]]) -> None:
    """Replace what a dead attempt may have left.

    No build reads them before `embedded`.
    """
    with transaction.atomic():
        lease.write(step=Step.EMBEDDING, percent=EMBED_AT, progress={})
        Chunk.objects.filter(version_id=lease.version_id).delete()
    for rows in pages:
        with transaction.atomic():
            lease.write()
            Chunk.objects.bulk_create(rows)


def _rows(version_id: int, pieces: Sequence[Piece], tools: Tools) -> Iterator[list[Chunk]]:
    for start in range(0, len(pieces), vectors.ROWS):
        part = pieces[start : start + vectors.ROWS]
        yield [_chunk(version_id, piece, tools.splitter.identity) for piece in part]


def _chunk(version_id: int, piece: Piece, identity: str) -> Chunk:
    return Chunk(
        version_id=version_id,
        splitter=identity,
        ordinal=piece.ordinal,
        heading=piece.heading[:500],
        page=piece.page,
        start=piece.start,
        end=piece.end,
        text=piece.text,
        tokens=piece.tokens,
        content_hash=piece.content_hash,
    )


def _hand_back(lease: VersionLease) -> None:
    """Go behind those that wait. A turn that came to its end was no failed attempt."""
    lease.lapse(attempts=0, due_at=database_now())
    send_hint("knowledge.tasks.process_version", lease.version_id)


def _end(lease: VersionLease, write: Callable[[], None]) -> None:
    """Write the end of a failed attempt, unless the row is another's by now."""
    try:
        write()
    except LeaseLost:
        logger.info("version %s was taken over meanwhile", lease.version_id)


def _fail(lease: VersionLease, sentence: str) -> None:
    lease.close(state=Version.FAILED, error=sentence[:500], progress={}, finished_at=timezone.now())


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
        progress={},
        attempts=attempts,
        due_at=database_now(pause),
    )
