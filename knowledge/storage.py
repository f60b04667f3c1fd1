"""Uploaded files: stored under names of our own, read through one door, and room on the disk."""

import hashlib
import shutil
import tempfile
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import IO

from django.conf import settings
from django.core.files.base import File
from django.core.files.storage import default_storage
from django.utils import timezone

FOLDER = "documents"
COPY_PREFIX = "footnote-copy-"
ORPHAN_AGE = timedelta(hours=1)  # an upload's row follows its bytes within seconds
NO_SPACE = "The server is short of disk space. Free some, then try again."


@dataclass(frozen=True)
class StoredFile:
    """Bytes that lie in the storage: their name there, length and checksum."""

    name: str
    size: int
    sha256: str


class _Counting(File):  # type: ignore[type-arg]
    """A file that is hashed and counted while the storage reads it."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        super().__init__(None)
        self._source = chunks
        self.digest = hashlib.sha256()
        self.counted = 0

    def chunks(self, chunk_size: int | None = None) -> Iterator[bytes]:
        for chunk in self._source:
            self.digest.update(chunk)
            self.counted += len(chunk)
            yield chunk


def store(chunks: Iterable[bytes], extension: str) -> StoredFile:
    """Write bytes under ``documents/<uuid>.<extension>``; the given name is never a path."""
    content = _Counting(chunks)
    wanted = f"{FOLDER}/{uuid.uuid4().hex}.{extension}"
    try:
        name = default_storage.save(wanted, content)
    except BaseException:
        default_storage.delete(wanted)  # what was written of it before the source broke off
        raise
    return StoredFile(name, content.counted, content.digest.hexdigest())


def open_stored(name: str) -> IO[bytes]:
    """The bytes of a stored file. The name comes from a row, never from a request."""
    return default_storage.open(name, "rb")


@contextmanager
def local_path(name: str, folder: Path | None = None) -> Iterator[Path]:
    """A path on this machine for as long as the context lasts; remote storages are copied.

    The copy lies in ``folder``, the folder of uploads under way by default.

    Raises:
        FileNotFoundError: the storage does not have it.
    """
    try:
        path = Path(default_storage.path(name))
    except NotImplementedError:
        with tempfile.NamedTemporaryFile(
            prefix=COPY_PREFIX, dir=folder or settings.FILE_UPLOAD_TEMP_DIR
        ) as copy:
            with open_stored(name) as source:
                shutil.copyfileobj(source, copy)
            copy.flush()
            yield Path(copy.name)
        return
    if not path.is_file():
        raise FileNotFoundError(name)
    yield path


def exists(name: str) -> bool:
    """Whether the storage has a file of this name."""
    return default_storage.exists(name)


def remove(names: Iterable[str]) -> None:
    """Delete stored files; one that is gone already is no error."""
    for name in names:
        default_storage.delete(name)


def old_names() -> list[str]:
    """Stored files older than an hour: each should have a row by now."""
    try:
        _, names = default_storage.listdir(FOLDER)
    except FileNotFoundError:
        return []
    before = timezone.now() - ORPHAN_AGE
    stored = [f"{FOLDER}/{name}" for name in names]
    return [name for name in stored if _modified_before(name, before)]


def _modified_before(name: str, before: datetime) -> bool:
    try:
        return default_storage.get_modified_time(name) < before
    except FileNotFoundError:
        return False


def lacks_space() -> bool:
    """Whether less than ``MIN_FREE_BYTES`` are free where the product writes."""
    return shutil.disk_usage(settings.DATA_DIR).free < settings.MIN_FREE_BYTES
