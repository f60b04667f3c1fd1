"""What is left of a deleted document: nothing."""

import pytest
from django.core.files.storage import default_storage
from django.db import IntegrityError

from knowledge.indexing.leases import LeaseLost, VersionLease, claim_version
from knowledge.models import Chunk, Document, DocumentVersion, Embedding, IndexState
from knowledge.services import add_version, delete_document
from tests.knowledge.conftest import LEAVE

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.engine]

forgotten: list[tuple[int, bool]] = []


def note_forgotten(document_id: int) -> None:
    """A hook as other apps have it: called in the transaction, before the rows are gone."""
    forgotten.append((document_id, Document.objects.filter(pk=document_id).exists()))


leases: list[VersionLease] = []
fenced: list[bool] = []
broken: list[int] = []


def write_as_worker(document_id: int) -> None:
    try:
        leases[0].write(percent=50)
    except LeaseLost:
        fenced.append(True)


def break_once(document_id: int) -> None:
    if not broken:
        broken.append(document_id)
        raise IntegrityError("a chunk refers to it")


def refuse(document_id: int) -> None:
    raise RuntimeError("no")


@pytest.fixture(autouse=True)
def _hooks(settings):
    settings.DOCUMENT_FORGOTTEN_HOOKS = [f"{__name__}.note_forgotten"]
    for noted in (forgotten, leases, fenced, broken):
        noted.clear()


def test_rows_vectors_and_files_go_and_a_build_is_asked_for(add_text, work):
    document, other = add_text("Leave", LEAVE), add_text("Other", "quite other words")
    add_version(document, "# Leave\n\nSix days.")
    work()
    wanted = IndexState.objects.get().wanted
    number = document.pk
    delete_document(document)
    assert list(Document.objects.all()) == [other]
    assert set(DocumentVersion.objects.values_list("document", flat=True)) == {other.pk}
    assert Embedding.objects.count() == Chunk.objects.count() == 1
    assert len(default_storage.listdir("documents")[1]) == 1
    assert IndexState.objects.get().wanted == wanted + 1
    assert forgotten == [(number, True)]


def test_a_vector_that_another_document_needs_stays(add_text):
    first = add_text("Leave", LEAVE)
    add_text("Leave", LEAVE)
    delete_document(first)
    assert Embedding.objects.count() == 1


def test_a_hook_that_fails_keeps_the_document_whole(add_text, settings):
    settings.DOCUMENT_FORGOTTEN_HOOKS = [f"{__name__}.refuse"]
    document = add_text("Leave", LEAVE)
    wanted = IndexState.objects.get().wanted
    with pytest.raises(RuntimeError):
        delete_document(document)
    assert Document.objects.exists()
    assert len(default_storage.listdir("documents")[1]) == 1
    assert IndexState.objects.get().wanted == wanted


def test_deleting_twice_is_no_error(add_text):
    document = add_text("Leave", LEAVE)
    same = Document.objects.get(pk=document.pk)
    delete_document(document)
    delete_document(same)
    assert not Document.objects.exists()


def test_a_file_that_is_gone_already_is_no_error(add_text):
    document = add_text("Leave", LEAVE)
    default_storage.delete(document.versions.get().file)
    delete_document(document)
    assert not Document.objects.exists()


def test_a_worker_that_holds_a_version_stores_nothing_of_it_any_more(queued, settings):
    """The hook stands for the moment between the fence and the end of the rows."""
    document = queued()
    leases.append(claim_version(document.versions.get().pk))
    settings.DOCUMENT_FORGOTTEN_HOOKS = [f"{__name__}.write_as_worker"]
    delete_document(document)
    assert fenced == [True]
    assert not Document.objects.exists()


def test_a_row_that_came_in_between_is_seen_the_second_time(queued, settings):
    document = queued()
    settings.DOCUMENT_FORGOTTEN_HOOKS = [f"{__name__}.break_once"]
    delete_document(document)
    assert not Document.objects.exists()
    assert len(broken) == 1
