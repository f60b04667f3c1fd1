"""Changes to a document that is there: its fields, its audience, whether it answers."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.contrib.auth.models import Group
from django.db import transaction

from core.errors import NotFound
from knowledge import index_store
from knowledge.models import Document
from knowledge.services import fields
from knowledge.services.uploads import NewFile, discard
from knowledge.services.versions import add_content, store_content


@dataclass(frozen=True)
class DocumentChanges:
    """New values; None leaves a field as it is."""

    title: str | None = None
    source: str | None = None
    document_type: str | None = None
    groups: tuple[str, ...] | None = None  # names
    is_active: bool | None = None


def update_document(
    document: Document, changes: DocumentChanges, new: NewFile | str | None = None
) -> Document:
    """Change fields and, with a file or a text, add a version; all of it or nothing.

    Who may see a document is read at every search, so that these changes hold from the commit on.

    Raises:
        Invalid, UnsupportedType, TooLarge, Unavailable, NotFound: nothing was changed.
    """
    values = _checked(changes)
    groups = fields.checked_groups(changes.groups) if changes.groups is not None else None
    content = store_content(document, new) if new is not None else None
    try:
        with transaction.atomic():
            _save(document, values, groups)
            version = add_content(document, content) if content is not None else None
    except BaseException:
        if content is not None:
            discard(content)
        raise
    if content is not None and version is not None and version.file != content.file:
        discard(content)
    return document


def set_active(document: Document, is_active: bool) -> Document:  # noqa: FBT001  (the value itself)
    """Take a document out of answers, or back into them, from now on."""
    return update_document(document, DocumentChanges(is_active=is_active))


def set_groups(document: Document, names: Iterable[str]) -> Document:
    """Only these groups may read it from now on; none means everyone."""
    return update_document(document, DocumentChanges(groups=tuple(names)))


def _checked(changes: DocumentChanges) -> dict[str, str | bool]:
    values: dict[str, str | bool] = {}
    if changes.title is not None:
        values["title"] = fields.checked_title(changes.title)
    if changes.source is not None:
        values["source"] = fields.checked_source(changes.source)
    if changes.document_type is not None:
        values["document_type"] = fields.checked_type(changes.document_type)
    if changes.is_active is not None:
        values["is_active"] = changes.is_active
    return values


def _save(document: Document, values: dict[str, str | bool], groups: list[Group] | None) -> None:
    if "title" in values and values["title"] != document.title:
        index_store.want_build()  # words of the title are in the lexical index
    if groups is not None:
        values = {**values, "is_restricted": bool(groups)}
    for name, value in values.items():
        setattr(document, name, value)
    if not Document.objects.filter(pk=document.pk).exists():
        raise NotFound
    document.save(update_fields=[*values, "updated_at"])
    if groups is not None:
        document.groups.set(groups)
