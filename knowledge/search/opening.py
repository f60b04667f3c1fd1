"""Documents opened and listed for somebody, within what they may read and what answers today."""

from dataclasses import dataclass
from typing import Any

from django.utils import timezone

from knowledge import index_store
from knowledge.models import Chunk, Document
from knowledge.passages import Filters, Passage
from knowledge.search.audiences import Audience, Scope

MOST_SECTIONS = 60  # headings of a document that are named
_LARGEST_ID = 2**63 - 1
_UNFILTERED = Filters()


@dataclass(frozen=True)
class Opened:
    """A document, read from some place on. ``sections`` are its headings, in reading order."""

    document_id: int
    document_version: int
    title: str
    sections: tuple[str, ...]
    passages: tuple[Passage, ...]  # in reading order, with a score of 0: nobody searched
    left: int  # passages that follow


@dataclass(frozen=True)
class Listed:
    """A document in a list."""

    document_id: int
    document_version: int
    title: str
    document_type: str
    source: str
    since: str  # ISO 8601 date, of the version


@dataclass(frozen=True)
class Place:
    """Where to read on: in the first section whose heading has these words, or from an offset."""

    section: str = ""
    start: int = 0


_BEGIN = Place()


def open_document(
    document_id: int,
    *,
    user: Any,
    place: Place = _BEGIN,
    limit: int = 6,
    filters: Filters = _UNFILTERED,
) -> Opened | None:
    """Passages of the version that answers, in reading order; three queries.

    None where there is no such document for this user, today, within the filters; and no passages
    where there is no such section.
    """
    snapshot = index_store.current()
    if snapshot is None or not 0 < document_id <= _LARGEST_ID:
        return None
    row = _documents(user, filters).filter(pk=document_id).select_related("active_version").first()
    if row is None or row.active_version is None:
        return None
    chunks = Chunk.objects.filter(
        version=row.active_version, splitter=snapshot.configuration.splitter
    ).order_by("ordinal")
    if place.section:
        chunks = chunks.filter(heading__icontains=place.section)
    if place.start:
        chunks = chunks.filter(end__gt=place.start)
    found = list(chunks[:limit])
    outline = (str(one.get("title", "")) for one in row.active_version.outline or [])
    return Opened(
        document_id=row.pk,
        document_version=row.active_version.number,
        title=row.title,
        sections=tuple(dict.fromkeys(filter(None, outline)))[:MOST_SECTIONS],
        passages=tuple(_passage(row, chunk) for chunk in found),
        left=max(0, chunks.count() - len(found)),
    )


def list_documents(
    *, user: Any, words: str = "", limit: int = 20, filters: Filters = _UNFILTERED
) -> tuple[tuple[Listed, ...], int]:
    """Documents whose titles have all of these words, newest first, and how many there are."""
    documents = _documents(user, filters)
    for word in words.split()[:10]:
        documents = documents.filter(title__icontains=word)
    rows = documents.order_by("-active_version__created_at", "-pk").values_list(
        "pk",
        "active_version__number",
        "title",
        "document_type",
        "source",
        "active_version__created_at",
    )
    listed = tuple(
        Listed(pk, number, title, kind, source, at.date().isoformat())
        for pk, number, title, kind, source, at in rows[:limit]
    )
    return listed, documents.count()


def _documents(user: Any, filters: Filters) -> Any:
    return Scope(Audience.of(user), filters, timezone.localdate()).documents()


def _passage(document: Document, chunk: Chunk) -> Passage:
    version = document.active_version
    if version is None:
        raise ValueError("a document without a version that answers has no passages")
    return Passage(
        chunk_id=str(chunk.pk),
        document_id=document.pk,
        version_id=version.pk,
        document_version=version.number,
        title=document.title,
        heading=chunk.heading,
        page=chunk.page,
        text=chunk.text,
        start=chunk.start,
        end=chunk.end,
        score=0.0,
        document_type=document.document_type,
        source=document.source,
        uploaded_at=version.created_at.isoformat(),
        review_by=document.review_by.isoformat() if document.review_by else "",
        is_overdue=document.review_by is not None and document.review_by < timezone.localdate(),
    )
