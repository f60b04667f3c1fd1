"""New versions, the same content again, processing again, cancelling."""

import threading

import pytest
from django.core.files.storage import default_storage
from django.db import connections

from core.errors import Conflict, NotFound
from knowledge import indexing
from knowledge.models import DocumentVersion, IndexState, VersionState
from knowledge.services import add_version, cancel, delete_document, reprocess
from tests.knowledge.conftest import LEAVE, newest

pytestmark = [pytest.mark.django_db, pytest.mark.engine]


def test_a_new_content_becomes_the_next_version_and_the_old_one_answers_on(add_text):
    document = add_text("Leave", LEAVE)
    version = add_version(document, "# Leave\n\nSix days.")
    document.refresh_from_db()
    assert (version.number, version.state) == (2, "queued")
    assert document.active_version.number == 1


def test_the_same_content_again_changes_nothing(add_text):
    document = add_text("Leave", LEAVE)
    before = default_storage.listdir("documents")[1]
    version = add_version(document, LEAVE)
    assert version.number == 1
    assert document.versions.count() == 1
    assert default_storage.listdir("documents")[1] == before


def test_the_same_content_counts_as_new_when_the_newest_failed(queued):
    document = queued()
    document.versions.update(state=VersionState.FAILED)
    assert add_version(document, LEAVE).number == 2


def test_a_newer_version_ends_an_unfinished_older_one(queued):
    document = queued()
    add_version(document, "something else")
    first, second = document.versions.order_by("number")
    assert (first.state, first.error) == ("cancelled", "A newer version was uploaded.")
    assert second.state == "queued"


@pytest.mark.django_db(transaction=True)
def test_versions_that_come_at_once_have_numbers_of_their_own(queued):
    document = queued()
    errors = []

    def add(text):
        try:
            add_version(document, text)
        except Exception as error:  # noqa: BLE001  (a thread reports to the test)
            errors.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=add, args=(f"text {n}",)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    numbers = list(document.versions.order_by("number").values_list("number", flat=True))
    assert numbers == [1, 2, 3, 4, 5]
    assert document.versions.filter(state=VersionState.QUEUED).count() == 1


def test_a_failed_version_is_processed_again_as_it_is(queued):
    document = queued()
    document.versions.update(state=VersionState.FAILED, error="no", attempts=3)
    version = reprocess(document)
    assert (version.number, version.state, version.error, version.attempts) == (1, "queued", "", 0)


def test_an_answering_version_is_processed_again_beside_itself(add_text, work):
    document = add_text("Leave", LEAVE)
    version = reprocess(document)
    document.refresh_from_db()
    assert (version.number, version.state) == (2, "queued")
    assert document.active_version.number == 1
    work()
    document.refresh_from_db()
    assert document.active_version.number == 2


def test_processing_again_what_waits_changes_nothing(queued):
    document = queued()
    version = reprocess(document)
    assert (version.number, version.state) == (1, "queued")


def test_cancelling_ends_what_waits(queued):
    document = queued()
    version = cancel(document)
    assert (version.state, version.error) == ("cancelled", "Cancelled by a manager.")
    assert indexing.process_version(version.pk) is False


def test_a_cancelled_version_is_in_no_build(queued, work):
    document = queued()
    indexing.process_version(newest(document).pk)
    cancel(document)
    work()
    document.refresh_from_db()
    assert document.active_version is None
    assert newest(document).state == "cancelled"


def test_there_is_nothing_to_cancel_in_what_is_finished(add_text):
    with pytest.raises(Conflict):
        cancel(add_text("Leave", LEAVE))


def test_a_deleted_document_takes_no_version(queued):
    document = queued()
    delete_document(document)
    document.pk = 1
    for order in (reprocess, cancel, lambda d: add_version(d, "text")):
        with pytest.raises(NotFound):
            order(document)
    assert not DocumentVersion.objects.exists()


def test_cancelling_what_waits_for_a_build_asks_for_another_one(queued):
    document = queued()
    indexing.process_version(newest(document).pk)
    wanted = IndexState.objects.get().wanted
    assert cancel(document).state == "cancelled"
    assert IndexState.objects.get().wanted == wanted + 1
    with pytest.raises(Conflict):
        cancel(document)
    assert IndexState.objects.get().wanted == wanted + 1
