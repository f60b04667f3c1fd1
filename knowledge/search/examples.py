"""Documents that a reader may be told of as examples of what can be asked about."""

from dataclasses import dataclass
from typing import Any

from knowledge.models import Document
from knowledge.passages import source_url

_SECTIONS = 3  # headings of a document that say what it is about


@dataclass(frozen=True)
class Example:
    """A document that answers this user, and what it is about in the words of its headings."""

    document_id: int
    document_version: int
    title: str
    url: str
    about: str


def examples(user: Any, *, limit: int) -> tuple[Example, ...]:
    """Some documents that this user may read, of different types where there are any.

    The newest of each type comes first, then the next of each.
    """
    rows = (
        Document.objects.visible_to(user)
        .answering()
        .order_by("-active_version__created_at", "-pk")
        .values_list(
            "pk", "title", "document_type", "active_version__number", "active_version__outline"
        )[: 10 * limit]
    )
    by_type: dict[str, int] = {}
    ranked = []
    for place, (pk, title, kind, number, outline) in enumerate(rows):
        by_type[kind] = by_type.get(kind, 0) + 1
        url = source_url(pk, number, 0, 0)
        ranked.append((by_type[kind], place, Example(pk, number, title, url, _about(outline))))
    return tuple(one for _, _, one in sorted(ranked, key=lambda row: row[:2])[:limit])


def _about(outline: Any) -> str:
    """The first headings below the title, as one sentence; empty where there are none."""
    headings = [str(heading.get("title", "")).strip() for heading in outline or []][1:]
    named = [heading for heading in dict.fromkeys(headings) if heading][:_SECTIONS]
    return f"Has sections such as {', '.join(f'“{name}”' for name in named)}." if named else ""
