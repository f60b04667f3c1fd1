"""A file or a text at the door: recognised at once, then stored, before any row knows of it."""

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import IO

from django.conf import settings

from core.errors import Invalid, TooLarge, Unavailable, UnsupportedType
from knowledge import storage
from knowledge.ingestion.sniffing import (
    HEAD_BYTES,
    SUPPORTED,
    MediaType,
    clean_file_name,
    recognise,
)
from knowledge.ingestion.types import UnreadableFile, UnsupportedFile
from knowledge.models import DocumentVersion
from knowledge.services.fields import without_controls

ARCHIVE = "application/zip"  # the media type of what is taken apart, not read
_CHUNK = 64 * 1024
_NO_TEXT = "There is no text."


@dataclass(frozen=True)
class Content:
    """A file that was recognised and stored, ready for a row."""

    file: str  # name in the storage
    file_name: str
    media_type: str
    size: int
    sha256: str


@dataclass(frozen=True)
class NewFile:
    """An upload as it came: a readable stream at its start, the given name, the declared type.

    ``stored`` is what `store_file` made of it already, for a caller who comes in a transaction.
    """

    stream: IO[bytes]
    name: str
    declared: str = ""
    stored: Content | None = None


def store_file(new: NewFile) -> Content:
    """Recognise and store an upload.

    Raises:
        UnsupportedType: the type is not taken, or the bytes are not what the name says.
        TooLarge: more than MAX_UPLOAD_MB.
        Invalid: an empty file.
        Unavailable: the disk is nearly full.
    """
    if new.stored is not None:
        return new.stored
    head = new.stream.read(HEAD_BYTES)
    media_type = _recognised(head, new)
    return _store(_limited(head, new.stream), clean_file_name(new.name), media_type)


def is_archive(new: NewFile) -> bool:
    """Whether an upload is taken apart instead of read; its stream is at its start again.

    Raises UnsupportedType or Invalid, as `store_file` would.
    """
    head = new.stream.read(HEAD_BYTES)
    new.stream.seek(0)
    return _recognised(head, new) == ARCHIVE


def store_text(text: str, title: str) -> Content:
    """Store a text that was written or pasted, as Markdown; the errors are those of a file."""
    check_text(text)
    text = without_controls(text)
    name = f"{clean_file_name(title.replace('/', ' '))[:190]}.md"
    data = text.encode("utf-8")
    parts = (data[start : start + _CHUNK] for start in range(0, len(data), _CHUNK))
    return _store(parts, name, MediaType.MARKDOWN)


def check_file(new: NewFile) -> None:
    """Raise what `store_file` would raise for this file; the stream is at its start again."""
    head = new.stream.read(HEAD_BYTES)
    _recognised(head, new)
    size = new.stream.seek(0, os.SEEK_END)
    new.stream.seek(0)
    if (size or new.stream.tell()) > _most_bytes():
        raise TooLarge(_too_large())


def check_text(text: str) -> None:
    """Raise what `store_text` would raise for this text."""
    text = without_controls(text)
    if not text.strip():
        raise Invalid(fields={"content": [_NO_TEXT]})
    if len(text.encode("utf-8")) > _most_bytes():
        raise TooLarge(_too_large())


def discard(content: Content) -> None:
    """Delete stored bytes that no row will point at."""
    storage.remove([content.file])


def discard_unless(content: Content, used: str) -> None:
    """Delete bytes that were stored although a version's file ``used`` has the same ones."""
    if content.file != used:
        discard(content)


def in_shared_file(content: Content) -> Content:
    """Within a transaction: the content in the file of another version that has the same bytes.

    That version's row stays locked until the commit: who deletes it waits, and then sees the new
    one (see `remove_unused`).
    """
    twins = DocumentVersion.objects.select_for_update().filter(
        sha256=content.sha256, size=content.size
    )
    twin = twins.exclude(file=content.file).order_by("pk").values_list("file", flat=True).first()
    return replace(content, file=twin) if twin and storage.exists(twin) else content


def remove_unused(names: Iterable[str]) -> int:
    """Delete stored files that no version has any more; returns how many. After the commit."""
    wanted = list(dict.fromkeys(names))
    used = set(DocumentVersion.objects.filter(file__in=wanted).values_list("file", flat=True))
    unused = [name for name in wanted if name not in used]
    storage.remove(unused)
    return len(unused)


def title_of(name: str) -> str:
    """A title made of a file's name."""
    stem = PurePosixPath(clean_file_name(name)).stem
    return " ".join(stem.replace("_", " ").split())[:200] or "Document"


def _recognised(head: bytes, new: NewFile) -> MediaType:
    try:
        return recognise(head, new.name, new.declared)
    except UnsupportedFile as error:
        raise UnsupportedType(error.sentence) from error
    except UnreadableFile as error:
        raise Invalid(fields={"file": [error.sentence]}) from error


def _limited(head: bytes, stream: IO[bytes]) -> Iterator[bytes]:
    yield from _counted(_read(head, stream))


def _read(head: bytes, stream: IO[bytes]) -> Iterator[bytes]:
    yield head
    while chunk := stream.read(_CHUNK):
        yield chunk


def _counted(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """The same chunks, until there are more than may be."""
    most = _most_bytes()
    seen = 0
    for chunk in chunks:
        seen += len(chunk)
        if seen > most:
            raise TooLarge(_too_large())
        yield chunk


def _most_bytes() -> int:
    return int(settings.MAX_UPLOAD_MB) * 1024 * 1024


def _too_large() -> str:
    return f"A file may have at most {settings.MAX_UPLOAD_MB} MB."


def _store(chunks: Iterator[bytes], file_name: str, media_type: MediaType) -> Content:
    if storage.lacks_space():
        raise Unavailable(storage.NO_SPACE)
    stored = storage.store(chunks, _EXTENSIONS[media_type])
    return Content(stored.name, file_name, media_type, stored.size, stored.sha256)


def _extensions() -> dict[MediaType, str]:
    """The extension that stored files of a type get: the first one that is known for it."""
    known: dict[MediaType, str] = {}
    for extension, media_type in SUPPORTED.items():
        known.setdefault(media_type, extension)
    return known


_EXTENSIONS = _extensions()
