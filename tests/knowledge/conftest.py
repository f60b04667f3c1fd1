"""What tests of knowledge share: uploads, and workers without a broker."""

from collections.abc import Callable
from io import BytesIO

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from knowledge import indexing
from knowledge.models import Document, DocumentVersion
from knowledge.services import NewDocument, NewFile, add_document

LEAVE = "# Leave\n\nUp to five days of annual leave may be carried into the next year."


@pytest.fixture
def queued(db: None) -> Callable[..., Document]:
    """``queued(text)``: a document whose first version waits for a worker."""

    def add(text: str = LEAVE, title: str = "Leave", **fields: object) -> Document:
        return add_document(NewDocument(title=title, content=text, **fields), owner=None)  # type: ignore[arg-type]

    return add


@pytest.fixture
def new_file() -> Callable[..., NewFile]:
    """``new_file("a.md", b"...")``: an upload as a service takes it."""

    def make(name: str, data: bytes, declared: str = "") -> NewFile:
        return NewFile(BytesIO(data), name, declared)

    return make


@pytest.fixture
def upload() -> Callable[..., SimpleUploadedFile]:
    """``upload("a.md", b"...")``: an upload as a form carries it."""

    def make(name: str, data: bytes, kind: str = "application/octet-stream") -> SimpleUploadedFile:
        return SimpleUploadedFile(name, data, kind)

    return make


@pytest.fixture
def work() -> Callable[[], None]:
    """Do what a worker would do with all that waits."""

    def run() -> None:
        for version_id in indexing.due_version_ids(1000):
            indexing.process_version(version_id)
        indexing.build_index()

    return run


def newest(document: Document) -> DocumentVersion:
    return document.versions.order_by("-number")[0]
