"""Stored texts into the chunks and vectors of a configuration, as far as they are missing.

Nothing is extracted again. What is done stays done: a run that was paused or killed goes on where
it was, as each chunk and vector is a row.
"""

import logging
from collections.abc import Iterable, Sequence

from django.db import IntegrityError, transaction

from knowledge.indexing import rows, vectors
from knowledge.indexing.configurations import Tools
from knowledge.indexing.rows import Chosen, Row
from knowledge.indexing.runs import SPLITTING, Run
from knowledge.ingestion import splitter
from knowledge.ingestion.splitter import Piece
from knowledge.ingestion.types import Extracted, Heading
from knowledge.ingestion.units import embedded_form
from knowledge.models import Chunk, DocumentVersion
from knowledge.retrieval.types import Vector

logger = logging.getLogger(__name__)

_WAITING = 4 * vectors.BATCH  # texts of several small documents that are embedded together


def prepare(run: Run, tools: Tools, chosen: Sequence[Chosen], *, is_known: bool = False) -> bool:
    """Split and embed what is missing; False where the run paused before the end.

    Args:
        run: whose turn it is.
        tools: what splits and embeds.
        chosen: the versions whose chunks and vectors are wanted.
        is_known: whether an earlier build had them all, so that a vector that is missing is an
            accident, which is made good while the build is written.

    Raises:
        EmbedderUnavailable, LeaseLost.
    """
    total, done = rows.size_of(chosen), 0
    texts: dict[str, str] = {}
    run.begin(SPLITTING, 0, total)
    for part in vectors.batched(chosen, vectors.ROWS):
        missing = _missing(tools, part, is_known=is_known)
        for item in part:
            if item.version_id in missing:
                texts.update(_texts_of(run, tools, item))
            done += item.chunks
            if len(texts) >= _WAITING:
                _embed(run, tools, texts)
                texts.clear()
                if run.is_over():
                    run.pause(done)
                    return False
            run.advance(done)
    _embed(run, tools, texts)
    return True


def _missing(tools: Tools, part: Sequence[Chosen], *, is_known: bool) -> set[int]:
    splitting, model = tools.splitter.identity, tools.embedder.fingerprint
    if is_known:
        return rows.without_chunks(part, splitting)
    return rows.incomplete(part, splitting, model)


def fill(run: Run, tools: Tools, missing: list[Row]) -> dict[str, Vector]:
    """The vectors of rows that lost theirs, embedded again and stored."""
    logger.warning("%s chunks have no vector: they are embedded again", len(missing))
    texts: dict[str, str] = {}
    for version_id in dict.fromkeys(row.version_id for row in missing):
        version = _version(version_id)
        if version is None:
            continue
        title = version.document.title
        known = {piece.content_hash: piece.embedded_text for piece in _pieces(tools, version)}
        for row in missing:
            if row.version_id == version_id:
                text = known.get(row.content_hash) or _as_embedded(title, row)
                texts[row.content_hash] = text
    _embed(run, tools, texts)
    made: dict[str, Vector] = {}
    for part in vectors.batched(list(texts), vectors.ROWS):
        made.update(vectors.stored(part, tools.embedder.fingerprint))
    return made


def _as_embedded(title: str, row: Row) -> str:
    """What is embedded of a chunk whose document has another title since it was split."""
    prefix = "\n".join(part for part in (" ".join(title.split()), row.heading) if part)
    return "\n\n".join(part for part in (prefix, embedded_form(row.text)) if part)


def _texts_of(run: Run, tools: Tools, item: Chosen) -> dict[str, str]:
    """The texts of a version that have no vector, after its chunks are stored."""
    version = _version(item.version_id)
    if version is None:
        return {}
    pieces = _pieces(tools, version)
    if rows.without_chunks([item], tools.splitter.identity):
        _store(run, tools, item.version_id, pieces)
    by_hash = {piece.content_hash: piece.embedded_text for piece in pieces}
    absent = vectors.missing(list(by_hash), tools.embedder.fingerprint)
    return {key: by_hash[key] for key in absent}


def _version(version_id: int) -> DocumentVersion | None:
    """A version with its text and title; None where it was deleted meanwhile."""
    return DocumentVersion.objects.select_related("document").filter(pk=version_id).first()


def _pieces(tools: Tools, version: DocumentVersion) -> list[Piece]:
    outline = tuple(Heading(h["level"], h["title"], h["start"]) for h in version.outline)
    extracted = Extracted(text=version.text, outline=outline, pages=tuple(version.pages))
    title = version.document.title
    return splitter.split(extracted, title, tools.splitter, tools.embedder.count_tokens)


def _store(run: Run, tools: Tools, version_id: int, pieces: Sequence[Piece]) -> None:
    """Store a splitting from its end to its beginning: the first chunk says that it is complete."""
    identity = tools.splitter.identity
    try:
        with transaction.atomic():
            run.keep()
            Chunk.objects.filter(version_id=version_id, splitter=identity).delete()
        for part in vectors.batched(pieces[::-1], vectors.ROWS):
            with transaction.atomic():
                run.keep()
                Chunk.objects.bulk_create(_chunks(version_id, identity, part))
    except IntegrityError:
        if _version(version_id) is not None:
            raise
        logger.info("version %s was deleted while it was split", version_id)


def _chunks(version_id: int, identity: str, pieces: Iterable[Piece]) -> list[Chunk]:
    return [
        Chunk(
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
        for piece in pieces
    ]


def _embed(run: Run, tools: Tools, texts: dict[str, str]) -> None:
    vectors.fill(texts, tools.embedder, lambda _done: run.keep())
