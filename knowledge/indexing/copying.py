"""What another version of the same bytes has already: its text, and its chunks with their vectors.

The same file is read once and embedded once, whoever uploads it. Each document keeps its own
audience: what is copied are rows, and who may see them is asked of their own document.
"""

from collections.abc import Iterator

from django.contrib.auth.models import AnonymousUser
from django.db.models import QuerySet

from knowledge.indexing import vectors
from knowledge.indexing.configurations import Tools
from knowledge.indexing.leases import Version
from knowledge.ingestion.types import Extracted, Heading, PageKind, PageReport
from knowledge.models import Chunk, Document, DocumentVersion

_READ = (Version.EMBEDDED, Version.READY)


def twin_of(version: DocumentVersion) -> DocumentVersion | None:
    """The newest version of the same bytes that was read to its end.

    None where this one is to be read again: its document's version before it has the same bytes,
    so that somebody asked for a second reading.
    """
    before = DocumentVersion.objects.filter(
        document=version.document_id, number=version.number - 1, sha256=version.sha256
    )
    if before.exists():
        return None
    return (
        DocumentVersion.objects.filter(
            sha256=version.sha256, media_type=version.media_type, state__in=_READ
        )
        .exclude(pk=version.pk)
        .exclude(text="")
        .select_related("document")
        .order_by("-pk")
        .first()
    )


def extracted_of(twin: DocumentVersion) -> Extracted:
    """What was read of a version, out of its row."""
    return Extracted(
        text=twin.text,
        outline=tuple(Heading(**heading) for heading in twin.outline),
        pages=tuple(twin.pages),
        warnings=tuple(twin.warnings),
        page_count=twin.page_count or 0,
        page_report=tuple(
            PageReport(page["page"], page["characters"], PageKind(page["kind"]))
            for page in twin.page_report
        ),
        is_complete=twin.is_complete,
        hides=tuple(twin.hides),
    )


def may_copy_chunks(version: DocumentVersion, twin: DocumentVersion, tools: Tools) -> bool:
    """Whether a twin's chunks can be this version's too: split alike, and all embedded.

    A title is embedded with each chunk. Where the titles differ, one that not everyone may read
    must not colour what everyone finds.
    """
    if not _may_share_title(version.document, twin.document):
        return False
    hashes = list(_chunks(twin, tools).values_list("content_hash", flat=True))
    return bool(hashes) and not vectors.missing(hashes, tools.embedder.fingerprint)


def copies(version_id: int, twin: DocumentVersion, tools: Tools) -> Iterator[list[Chunk]]:
    """A twin's chunks as rows of another version, 500 at a time; nothing is stored here."""
    rows = _chunks(twin, tools)
    after = -1
    while page := list(rows.filter(ordinal__gt=after)[: vectors.ROWS]):
        after = page[-1].ordinal
        yield [_copy(chunk, version_id) for chunk in page]


def _chunks(twin: DocumentVersion, tools: Tools) -> QuerySet[Chunk]:
    identity = tools.splitter.identity
    return Chunk.objects.filter(version=twin, splitter=identity).order_by("ordinal")


def _copy(chunk: Chunk, version_id: int) -> Chunk:
    return Chunk(
        version_id=version_id,
        splitter=chunk.splitter,
        ordinal=chunk.ordinal,
        heading=chunk.heading,
        page=chunk.page,
        start=chunk.start,
        end=chunk.end,
        text=chunk.text,
        tokens=chunk.tokens,
        content_hash=chunk.content_hash,
    )


def _may_share_title(document: Document, other: Document) -> bool:
    if document.pk == other.pk or document.title == other.title:
        return True
    return Document.objects.visible_to(AnonymousUser()).filter(pk=other.pk).exists()
