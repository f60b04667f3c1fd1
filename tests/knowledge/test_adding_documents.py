"""A document is added: checked at once, stored under a name of ours, queued."""

import hashlib

import pytest
from celery import current_app
from django.core.files.storage import default_storage

from core.errors import Invalid, TooLarge, Unavailable, UnsupportedType
from knowledge import storage
from knowledge.models import Document, DocumentVersion, VersionState
from knowledge.services import NewDocument, add_document

pytestmark = [pytest.mark.django_db, pytest.mark.engine]

PDF = b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\n"


def stored_files():
    try:
        return default_storage.listdir("documents")[1]
    except FileNotFoundError:
        return []


def bytes_of(version):
    with storage.open_stored(version.file) as stored:
        return stored.read()


def test_a_text_becomes_a_queued_first_version():
    document = add_document(NewDocument(title="Leave", content="# Leave\n\nFive days."), owner=None)
    version = document.versions.get()
    assert (version.number, version.state, version.media_type) == (1, "queued", "text/markdown")
    assert version.file_name == "Leave.md"
    assert version.sha256 == hashlib.sha256(b"# Leave\n\nFive days.").hexdigest()
    assert bytes_of(version) == b"# Leave\n\nFive days."


def test_a_file_is_stored_under_a_name_of_ours(new_file, alice):
    file = new_file("../../etc/pass\x00wd\u202e.pdf", PDF)
    document = add_document(NewDocument(file=file), owner=alice)
    version = document.versions.get()
    assert version.file.startswith("documents/")
    assert version.file.endswith(".pdf")
    assert "passwd" in version.file_name
    assert "/" not in version.file_name
    assert "\x00" not in version.file_name
    assert document.title == "passwd"
    assert document.owner == alice


def test_the_worker_is_told_after_the_commit(django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks() as callbacks:
        document = add_document(NewDocument(title="A", content="b"), owner=None)
    (hint,) = callbacks
    with current_app.connection_for_read() as connection:
        queue = connection.SimpleQueue("celery")
        queue.clear()
        hint()
        message = queue.get(timeout=5)
        message.ack()
    assert message.headers["task"] == "knowledge.tasks.process_version"
    assert message.payload[0] == [document.versions.get().pk]


@pytest.mark.parametrize(
    ("name", "data", "error"),
    [
        ("slides.pptx", b"PK\x03\x04", UnsupportedType),
        ("table.ods", b"PK\x03\x04", UnsupportedType),
        ("archive.7z", b"7z\xbc\xaf\x27\x1c", UnsupportedType),
        ("notes.md", b"\x7fELF\x02\x01\x01\x00\x00", UnsupportedType),
        ("notes.md", b"MZ\x90\x00\x03\x00\x00\x00\x04\x00\xff\xff", UnsupportedType),
        ("report.pdf", b"hello, no PDF", UnsupportedType),
        ("report.docx", b"%PDF-1.4", UnsupportedType),
        ("noextension", b"words", UnsupportedType),
        ("empty.md", b"", Invalid),
    ],
)
def test_what_is_no_document_is_refused_at_once(new_file, name, data, error):
    with pytest.raises(error):
        add_document(NewDocument(title="x", file=new_file(name, data)), owner=None)
    assert not Document.objects.exists()
    assert stored_files() == []


def test_too_large_a_file_leaves_nothing_behind(new_file, settings):
    settings.MAX_UPLOAD_MB = 1
    file = new_file("large.txt", b"word " * 300_000)
    with pytest.raises(TooLarge):
        add_document(NewDocument(title="x", file=file), owner=None)
    assert not Document.objects.exists()
    assert stored_files() == []


def test_a_full_disk_refuses_uploads_with_a_sentence(settings):
    settings.MIN_FREE_BYTES = 2**62
    with pytest.raises(Unavailable, match="disk space"):
        add_document(NewDocument(title="x", content="y"), owner=None)
    assert not Document.objects.exists()


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"title": ""}, "title"),
        ({"title": " \x00\x07 "}, "title"),
        ({"title": "x" * 201}, "title"),
        ({"source": "x" * 201}, "source"),
        ({"document_type": "poem"}, "document_type"),
        ({"groups": ("no such group",)}, "groups"),
        ({"content": " \n\x00 "}, "content"),
    ],
)
def test_a_bad_field_is_named(fields, named):
    with pytest.raises(Invalid) as raised:
        add_document(NewDocument(**{"title": "t", "content": "c", **fields}), owner=None)
    assert set(raised.value.fields) == {named}
    assert not Document.objects.exists()


def test_control_characters_and_lone_surrogates_are_removed():
    new = NewDocument(
        title="A\x00 b\x1b\ud800", source="s\x07", content="one\x00 two\ud800\n\tthree"
    )
    document = add_document(new, owner=None)
    assert (document.title, document.source) == ("A b", "s")
    assert bytes_of(document.versions.get()) == b"one two\n\tthree"


def test_the_longest_title_of_any_script_makes_a_file_name():
    document = add_document(NewDocument(title="ф" * 200, content="c"), owner=None)
    assert len(document.versions.get().file_name) <= 200


def test_a_version_starts_with_nothing_claimed():
    version = add_document(NewDocument(title="A", content="b"), owner=None).versions.get()
    assert version.state == VersionState.QUEUED
    assert version.attempts == 0
    assert version.lease_token is None
    assert DocumentVersion.objects.count() == 1
