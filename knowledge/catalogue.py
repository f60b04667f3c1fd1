"""Documents as managers see them: with their newest upload, in a constant number of queries."""

from typing import Any

from django.db.models import (
    Count,
    Exists,
    F,
    IntegerField,
    OuterRef,
    Prefetch,
    Q,
    QuerySet,
    Subquery,
    Sum,
)

from knowledge.indexing import drift, embedding
from knowledge.models import Chunk, Document, DocumentVersion, IndexBuild, VersionState

_HEAVY = ("text", "outline", "pages", "page_report")  # megabytes that no list shows
PENDING = (VersionState.QUEUED, VersionState.PROCESSING, VersionState.EMBEDDED)
# What callers see of a state: `embedded` is still on its way.
_SHOWN = {VersionState.EMBEDDED: VersionState.PROCESSING}


def shown_state(state: str) -> str:
    """The state's name for callers."""
    return str(_SHOWN.get(VersionState(state), VersionState(state)).value)


def documents() -> QuerySet[Document]:
    """All documents with what a list shows of them.

    Each has ``newest_versions`` (a list of the newest upload alone), ``newest_state``,
    ``active_number``, ``active_chunks`` and ``same_as``: the oldest other document whose newest
    content is the same.
    """
    newest = DocumentVersion.objects.filter(document=OuterRef("pk")).order_by("-number")
    newer = DocumentVersion.objects.filter(
        document=OuterRef("document"), number__gt=OuterRef("number")
    )
    twin = (
        DocumentVersion.objects.filter(
            ~Exists(newer), sha256=OuterRef("newest_sha256"), document__lt=OuterRef("pk")
        )
        .order_by("document")
        .values("document")[:1]
    )
    return (
        Document.objects.annotate(
            newest_state=Subquery(newest.values("state")[:1]),
            newest_sha256=Subquery(newest.values("sha256")[:1]),
            active_number=F("active_version__number"),
            active_chunks=F("active_version__chunk_count"),
        )
        .annotate(same_as=Subquery(twin, output_field=IntegerField()))
        .prefetch_related(
            "groups",
            Prefetch(
                "versions",
                queryset=DocumentVersion.objects.filter(~Exists(newer)).defer(*_HEAVY),
                to_attr="newest_versions",
            ),
        )
    )


def versions(document: Document) -> QuerySet[DocumentVersion]:
    """A document's versions, newest first, without their texts."""
    return document.versions.defer(*_HEAVY).order_by("-number")


def chunks(version_id: int) -> QuerySet[Chunk]:
    """The passages of a version in reading order, of one splitting.

    Another one may stand beside it while an index with other settings is built: it is the one that
    the active release answers from, or else the last one that there is.
    """
    own = Chunk.objects.filter(version=version_id)
    known = sorted(own.order_by().values_list("splitter", flat=True).distinct())
    active = IndexBuild.objects.filter(state=IndexBuild.State.ACTIVE).values_list(
        "configuration__splitter", flat=True
    )
    splitter = next((name for name in active if name in known), known[-1] if known else "")
    return own.filter(splitter=splitter).order_by("ordinal")


def pages_without_text(version: DocumentVersion) -> list[int]:
    """The numbers of the pages that gave no text, from 1; an empty page counts as well."""
    return [page["page"] for page in version.page_report if not page["characters"]]


def stats() -> dict[str, Any]:
    """Counts of what is known and of what waits, and the active build."""
    newer = DocumentVersion.objects.filter(
        document=OuterRef("document"), number__gt=OuterRef("number")
    )
    newest = DocumentVersion.objects.filter(~Exists(newer)).aggregate(
        pending=Count("pk", filter=Q(state__in=PENDING)),
        failed=Count("pk", filter=Q(state=VersionState.FAILED)),
    )
    known = Document.objects.aggregate(
        documents=Count("pk"), chunks=Sum("active_version__chunk_count")
    )
    build = IndexBuild.objects.filter(state=IndexBuild.State.ACTIVE).first()
    return {
        "documents": known["documents"],
        "chunks": known["chunks"] or 0,
        "pending": newest["pending"],
        "failed": newest["failed"],
        "index": {
            "build": build.pk if build else None,
            "vectors": build.vectors if build else 0,
            "model": build.model if build else "",
            "built_at": build.built_at if build else None,
            "bytes": build.bytes if build else 0,
        },
        "drift": drift.last_measured(),
    }


def seconds_left(version: DocumentVersion) -> int | None:
    """What is left of a version's embedding, which takes nearly all of the time; None before."""
    is_embedded = version.step == DocumentVersion.Step.EMBEDDING
    if version.state != VersionState.PROCESSING or not is_embedded:
        return None
    return embedding.seconds_left(version.progress)
