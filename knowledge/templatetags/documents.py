"""What pages say of documents: questions to begin with, and names of types."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django import template

from knowledge.models import Document

register = template.Library()
_LOOKED_AT = 12  # newest documents
_ABOUT_ITSELF = ("who this", "what this", "about this", "how to read", "table of")
_GENERIC = {"introduction", "overview", "contents", "summary", "about", "purpose", "scope"}


@dataclass(frozen=True)
class Suggestion:
    question: str
    where: str  # what kind of document it is about


@register.simple_tag
def suggested_questions(user: Any, limit: int = 4) -> list[Suggestion]:
    """Up to ``limit`` questions, one a document, in one query."""
    documents = (
        Document.objects.visible_to(user)
        .filter(active_version__isnull=False)
        .select_related("active_version")
        .only("title", "document_type", "uploaded_at", "active_version__outline")[:_LOOKED_AT]
    )
    return [
        Suggestion(
            _question(document.title, _headings(document)), document.get_document_type_display()
        )
        for document in documents
    ][:limit]


def _headings(document: Document) -> Sequence[str]:
    version = document.active_version
    outline = version.outline if version else []
    return [str(heading.get("title", "")).strip() for heading in outline]


def _question(title: str, headings: Sequence[str]) -> str:
    """A heading that is a question already, else one about a heading, else about the document."""
    fitting = [h for h in headings if 4 < len(h) <= 70 and h.casefold() != title.casefold()]
    for heading in fitting:
        if heading.endswith("?"):
            return heading
    for heading in fitting:
        words = _bare(heading).casefold()
        if words not in _GENERIC and not words.startswith(_ABOUT_ITSELF):
            return f"What does “{title}” say about “{_bare(heading)}”?"
    return f"What is in “{title}”?"


def _bare(heading: str) -> str:
    """Without the number of its section."""
    return heading.lstrip("0123456789.) ").strip("“”\"' ") or heading


_KINDS = {
    "application/pdf": "PDF",
    "text/markdown": "Markdown",
    "text/html": "web page",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "DOCX",
}


@register.filter
def kind(media_type: str) -> str:
    """What a reader calls a type of file."""
    return _KINDS.get(media_type, "text")
