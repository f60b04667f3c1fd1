"""Uploads of a form on their way into the storage, before its transaction begins."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest

from core.errors import AppError
from knowledge.models import DocumentVersion
from knowledge.services import NewFile
from knowledge.services.uploads import Content, check_file, discard, store_file

_STORED = "footnote_stored"  # the attribute of an upload that is in the storage


def new_file(file: "UploadedFile[Any]") -> NewFile:
    """An upload of a form as the services take it."""
    stored: Content | None = getattr(file, _STORED, None)
    return NewFile(file, file.name or "", file.content_type or "", stored)


@contextmanager
def stored_first(request: HttpRequest, field: str) -> Iterator[None]:
    """Store the uploads of a field now; in the end those that no version took are deleted.

    The admin saves in a transaction, and SQLite lets nobody else write while that copies files. A
    file that is not taken stays as it is: the form says why.

    Raises:
        Unavailable: the disk is nearly full.
    """
    stored: list[Content] = []
    try:
        for file in request.FILES.getlist(field):
            if not _is_taken(file):
                continue
            stored.append(store_file(new_file(file)))
            file.seek(0)
            setattr(file, _STORED, stored[-1])
        yield
    finally:
        names = [content.file for content in stored]
        known = set(DocumentVersion.objects.filter(file__in=names).values_list("file", flat=True))
        for content in stored:
            if content.file not in known:
                discard(content)


def _is_taken(file: "UploadedFile[Any]") -> bool:
    try:
        check_file(new_file(file))
    except AppError:
        return False
    finally:
        file.seek(0)
    return True
