"""What a caller may write into a document's fields, and the sentences for what not."""

import unicodedata
from collections.abc import Iterable

from django.contrib.auth.models import Group

from core.errors import Invalid
from knowledge.models import Document

LONGEST = 200
_KEPT_CONTROLS = "\n\t"


def without_controls(text: str) -> str:
    """Text in NFC without control characters (newline and tab stay) and lone surrogates."""
    plain = text.replace("\r\n", "\n").replace("\r", "\n")
    kept = [c for c in plain if c in _KEPT_CONTROLS or unicodedata.category(c) not in {"Cc", "Cs"}]
    return unicodedata.normalize("NFC", "".join(kept))


def clean_line(text: str) -> str:
    """One line: no control characters, white space collapsed."""
    return " ".join(without_controls(text).split())


def checked_title(title: str) -> str:
    """The title as it is stored; raises Invalid."""
    title = clean_line(title)
    if not title:
        raise Invalid(fields={"title": ["A title is needed."]})
    return _short_enough("title", title)


def checked_source(source: str) -> str:
    """The source as it is stored; raises Invalid."""
    return _short_enough("source", clean_line(source))


def checked_type(document_type: str) -> str:
    """The document type; raises Invalid for one that is not in the list."""
    if document_type not in Document.Type.values:
        known = ", ".join(Document.Type.values)
        raise Invalid(fields={"document_type": [f"Choose one of: {known}."]})
    return document_type


def checked_groups(names: Iterable[str]) -> list[Group]:
    """The groups of these names; raises Invalid where one does not exist."""
    wanted = list(dict.fromkeys(without_controls(str(name)) for name in names))
    found = {group.name: group for group in Group.objects.filter(name__in=wanted)}
    missing = [name for name in wanted if name not in found]
    if missing:
        sentences = [f"There is no group “{name[:LONGEST]}”." for name in missing]
        raise Invalid(fields={"groups": sentences})
    return [found[name] for name in wanted]


def _short_enough(field: str, text: str) -> str:
    if len(text) > LONGEST:
        raise Invalid(fields={field: [f"At most {LONGEST} characters."]})
    return text
