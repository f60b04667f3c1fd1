"""What pages say of documents: questions to begin with, and names of types."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django import template

from knowledge.models import Document

register = template.Library()
_LOOKED_AT = 24  # newest documents
# A heading that begins with one of these tells what to do: "Add a document".
_VERBS_IN_ENGLISH = """
add apply approve ask book change check choose claim close connect create delete export find install
log move open order pay print read register remove rename repair replace report reset restore retry
return search see send set share sign start stop submit turn update upload use verify write
"""
_VERBS = frozenset(_VERBS_IN_ENGLISH.split())
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
    found = [
        (*_question(document.title, _headings(document)), document.get_document_type_display())
        for document in documents
    ]
    found.sort(key=lambda made: made[0])  # the plainest first, then the newest
    return [Suggestion(question, where) for _, question, where in found[:limit]]


def _headings(document: Document) -> Sequence[str]:
    version = document.active_version
    outline = version.outline if version else []
    return [str(heading.get("title", "")).strip() for heading in outline]


def _question(title: str, headings: Sequence[str]) -> tuple[int, str]:
    """How far-fetched a question about a document is, and the question.

    A heading that is a question already is the best, then one that tells what to do, then any.
    """
    fitting = [h for h in headings if 4 < len(h) <= 70 and h.casefold() != title.casefold()]
    for heading in fitting:
        if heading.endswith("?"):
            return 0, heading
    bare = [_bare(heading) for heading in fitting]
    for words in bare:
        if words.split()[0].casefold() in _VERBS:
            return 1, f"How do I {words[0].lower()}{words[1:]}?"
    for words in bare:
        named = words.casefold()
        if named not in _GENERIC and not named.startswith(_ABOUT_ITSELF):
            return 2, f"What does “{title}” say about “{words}”?"
    return 3, f"What is in “{title}”?"


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
