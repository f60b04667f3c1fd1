"""What a reader may search, for the empty page."""

from typing import Any

from django.db.models import Count

from knowledge.models import Document, IndexBuild
from knowledge.passages import Shelf, source_url


def shelf(user: Any) -> Shelf:
    """How many documents answer this user, of what kinds, and which is the newest."""
    documents = Document.objects.visible_to(user).answering()
    counts = (
        Document.objects.filter(pk__in=documents.values("pk"))
        .order_by()
        .values_list("document_type")
        .annotate(n=Count("pk"))
    )
    labels = dict(Document.Type.choices)
    kinds = sorted(((str(labels.get(t, t)), n) for t, n in counts), key=lambda k: (-k[1], k[0]))
    newest = (
        documents.order_by("-active_version__created_at", "-pk")
        .values_list("pk", "title", "active_version__number", "active_version__created_at")
        .first()
    )
    built_at = (
        IndexBuild.objects.filter(state=IndexBuild.State.ACTIVE)
        .values_list("built_at", flat=True)
        .first()
    )
    total = sum(n for _, n in kinds)
    as_of = built_at.isoformat() if built_at else ""
    if newest is None:
        return Shelf(total, tuple(kinds), as_of=as_of)
    pk, title, number, uploaded_at = newest
    return Shelf(
        documents=total,
        kinds=tuple(kinds),
        newest_title=title,
        newest_url=source_url(pk, number, 0, 0),
        newest_at=uploaded_at.isoformat(),
        as_of=as_of,
    )
