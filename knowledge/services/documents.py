"""A new document with its first version."""

from dataclasses import dataclass, field
from typing import Any

from django.db import transaction

from knowledge import index_store
from knowledge.models import Document, WatchedFolder
from knowledge.services import fields
from knowledge.services.dates import KEPT, Kept, Term, check_order, checked_successor
from knowledge.services.folders import groups_for_new
from knowledge.services.uploads import (
    NewFile,
    discard,
    discard_unless,
    store_file,
    store_text,
    title_of,
)
from knowledge.services.versions import queue_version
from users.models import User


@dataclass(frozen=True)
class NewDocument:
    """What a caller brings: a text or a file. Without a title the file's name is the title.

    An archive becomes a document that waits to be taken apart (see ``archives``).
    """

    title: str = ""
    content: str = ""
    file: NewFile | None = None
    source: str = ""
    document_type: str = Document.Type.OTHER
    groups: tuple[str, ...] = ()  # names; empty means everyone
    is_active: bool = True
    term: Term = field(default_factory=Term)
    superseded_by: int | Kept | None = KEPT  # a document's id
    # Where it lies, if a folder is watched: the folder, whose groups it gets, and the path in it.
    watched: tuple[WatchedFolder, str] | None = None


def add_document(new: NewDocument, owner: User | None, *, tell_worker: bool = True) -> Document:
    """Store a document and queue its first version; the worker is told after the commit.

    The bytes are on disk before the row is, so that a row always has its file; bytes whose row
    never came are cleared by the sweep.

    Raises:
        Invalid, UnsupportedType, TooLarge, Unavailable, Conflict: nothing was kept.
    """
    values = checked_values(new)
    groups = fields.checked_groups(new.groups)
    content = store_file(new.file) if new.file else store_text(new.content, values["title"])
    try:
        with transaction.atomic():
            successor = _successor(new)
            if new.watched is not None:
                groups = groups_for_new(new.watched[0])
            document = Document.objects.create(
                **values, owner=owner, is_restricted=bool(groups), superseded_by_id=successor
            )
            document.groups.set(groups)
            version = queue_version(document, content, tell_worker=tell_worker)
    except BaseException:
        discard(content)
        raise
    discard_unless(content, version.file)
    return document


def checked_values(new: NewDocument) -> dict[str, Any]:
    """The fields of the row, but for what depends on other rows; raises Invalid."""
    check_order(new.term)
    folder, path = new.watched or (None, "")
    return {
        "title": fields.checked_title(new.title or (title_of(new.file.name) if new.file else "")),
        "source": fields.checked_source(new.source),
        "document_type": fields.checked_type(new.document_type),
        "is_active": new.is_active,
        "watched_folder": folder,
        "watched_path": path,
        **new.term.given(),
    }


def _successor(new: NewDocument) -> int | None:
    if new.superseded_by is KEPT or new.superseded_by is None:
        return None
    index_store.audience_changed()
    return checked_successor(None, new.superseded_by)
