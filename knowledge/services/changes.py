"""Changes to a document that is there: its fields, its audience, its days, whether it answers."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from django.contrib.auth.models import Group
from django.db import transaction

from core.errors import NotFound
from knowledge import index_store
from knowledge.models import Document
from knowledge.services import fields
from knowledge.services.dates import KEPT, Kept, Term, check_order, checked_successor
from knowledge.services.uploads import NewFile, discard, discard_unless
from knowledge.services.versions import add_content, store_content


@dataclass(frozen=True)
class DocumentChanges:
    """New values; None leaves a field as it is, and KEPT where None is a value."""

    title: str | None = None
    source: str | None = None
    document_type: str | None = None
    groups: tuple[str, ...] | None = None  # names
    is_active: bool | None = None
    term: Term = field(default_factory=Term)
    superseded_by: int | Kept | None = KEPT  # a document's id


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
            _save(document, values, groups, changes)
            version = add_content(document, content) if content is not None else None
    except BaseException:
        if content is not None:
            discard(content)
        raise
    if content is not None and version is not None:
        discard_unless(content, version.file)
    return document


def set_active(document: Document, is_active: bool) -> Document:  # noqa: FBT001  (the value itself)
    """Take a document out of answers, or back into them, from now on."""
    return update_document(document, DocumentChanges(is_active=is_active))


def set_groups(document: Document, names: Iterable[str]) -> Document:
    """Only these groups may read it from now on; none means everyone."""
    return update_document(document, DocumentChanges(groups=tuple(names)))


def _checked(changes: DocumentChanges) -> dict[str, Any]:
    values: dict[str, Any] = {}
    if changes.title is not None:
        values["title"] = fields.checked_title(changes.title)
    if changes.source is not None:
        values["source"] = fields.checked_source(changes.source)
    if changes.document_type is not None:
        values["document_type"] = fields.checked_type(changes.document_type)
    if changes.is_active is not None:
        values["is_active"] = changes.is_active
    return values


def _save(
    document: Document,
    values: dict[str, Any],
    groups: list[Group] | None,
    changes: DocumentChanges,
) -> None:
    if "title" in values and values["title"] != document.title:
        # Words of the title are in the lexical index.
        index_store.want_build(documents=[document.pk])
    index_store.audience_changed()
    row = Document.objects.select_for_update().filter(pk=document.pk).first()
    if row is None:
        raise NotFound
    values = {**values, **_when(row, changes)}
    if groups is not None:
        values["is_restricted"] = bool(groups)
    for name, value in values.items():
        setattr(document, name, value)
    document.save(update_fields=[*values, "updated_at"])
    if groups is not None:
        document.groups.set(groups)


def _when(row: Document, changes: DocumentChanges) -> dict[str, Any]:
    """The new days and successor, held against what the row has now."""
    given: dict[str, Any] = dict(changes.term.given())
    if given:
        check_order(changes.term.over(row))
    if changes.superseded_by is not KEPT:
        given["superseded_by_id"] = checked_successor(row.pk, changes.superseded_by)
    return given
