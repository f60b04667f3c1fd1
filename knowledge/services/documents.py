"""A new document with its first version."""

from dataclasses import dataclass

from django.db import transaction

from knowledge.models import Document
from knowledge.services import fields
from knowledge.services.uploads import NewFile, discard, store_file, store_text, title_of
from knowledge.services.versions import queue_version
from users.models import User


@dataclass(frozen=True)
class NewDocument:
    """What a caller brings: a text or a file. Without a title the file's name is the title."""

    title: str = ""
    content: str = ""
    file: NewFile | None = None
    source: str = ""
    document_type: str = Document.Type.OTHER
    groups: tuple[str, ...] = ()  # names; empty means everyone
    is_active: bool = True


def add_document(new: NewDocument, owner: User | None) -> Document:
    """Store a document and queue its first version; the worker is told after the commit.

    The bytes are on disk before the row is, so that a row always has its file; bytes whose row
    never came are cleared by the sweep.

    Raises:
        Invalid, UnsupportedType, TooLarge, Unavailable: nothing was kept.
    """
    title = fields.checked_title(new.title or (title_of(new.file.name) if new.file else ""))
    source = fields.checked_source(new.source)
    document_type = fields.checked_type(new.document_type)
    groups = fields.checked_groups(new.groups)
    content = store_file(new.file) if new.file else store_text(new.content, title)
    try:
        with transaction.atomic():
            document = Document.objects.create(
                title=title,
                source=source,
                document_type=document_type,
                owner=owner,
                is_active=new.is_active,
                is_restricted=bool(groups),
            )
            document.groups.set(groups)
            queue_version(document, content)
    except BaseException:
        discard(content)
        raise
    return document
