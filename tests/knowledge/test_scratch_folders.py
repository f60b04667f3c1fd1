"""What lies on disk while a document is read: its claim's alone, and gone with the claim."""

import json
import os
import time
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from knowledge import indexing
from knowledge.indexing import cleaning, scratch
from knowledge.indexing.leases import claim_version
from knowledge.ingestion import sandbox
from knowledge.models import DocumentVersion, Receipt
from knowledge.schedule import erase, sweep
from knowledge.services import cancel, delete_document, empty_knowledge_base
from knowledge.services.emptying import CONFIRMATION
from tests.knowledge.conftest import newest

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.engine]

SECRET = "xyzzyplugh opens the vault at noon."


@pytest.fixture(autouse=True)
def temporary(settings, tmp_path) -> Path:
    folder = tmp_path / "tmp"
    folder.mkdir()
    settings.FILE_UPLOAD_TEMP_DIR = str(folder)
    return folder


@pytest.fixture
def killed():
    """``killed(document)``: its worker dies while the text lies in its folder."""
    begun = []

    def die(document) -> Path:
        lease = claim_version(newest(document).pk)
        context = scratch.folder_of(lease)
        folder = context.__enter__()
        begun.append(context)  # whoever is killed never leaves it
        inner = folder / f"{sandbox.FOLDER_PREFIX}ab"
        inner.mkdir()
        (inner / "result.json").write_text(json.dumps({"extracted": {"text": SECRET}}))
        return folder

    yield die
    begun.clear()


def expire() -> None:
    DocumentVersion.objects.update(lease_until=timezone.now() - timedelta(seconds=1))


def test_words_of_a_killed_reading_go_with_the_next_sweep_when_all_is_erased(
    queued, killed, work, bob, temporary
):
    folder = killed(queued(SECRET))
    receipt = empty_knowledge_base(bob, CONFIRMATION)
    assert folder.is_dir()
    erase(str(receipt.pk))
    work()
    sweep()
    assert list(temporary.iterdir()) == []
    receipt.refresh_from_db()
    assert (receipt.waits_for, receipt.completed_at is not None) == ([], True)


def test_they_go_when_another_worker_takes_the_document_over(queued, killed, temporary):
    document = queued(SECRET)
    folder = killed(document)
    expire()
    assert cleaning.remove_temporary_files() == 0  # nobody has taken it over yet
    assert indexing.process_version(newest(document).pk)
    assert cleaning.remove_temporary_files() == 1
    assert not folder.exists()


@pytest.mark.parametrize("end", [cancel, lambda document: document.delete()])
def test_they_go_when_the_document_is_cancelled_or_gone(queued, killed, end, temporary):
    document = queued(SECRET)
    killed(document)
    end(document)
    assert cleaning.remove_temporary_files() == 1
    assert list(temporary.iterdir()) == []


def test_they_go_when_the_document_is_given_up(queued, killed, temporary):
    document = queued(SECRET)
    for _ in range(3):
        killed(document)
        expire()
    indexing.give_up_exhausted()
    assert cleaning.remove_temporary_files() == 3
    assert list(temporary.iterdir()) == []


def test_the_folder_of_a_claim_that_stands_stays_however_old_it_is(queued, killed):
    folder = killed(queued(SECRET))
    old = time.time() - 7200
    os.utime(folder, (old, old))
    sweep()
    assert (folder / f"{sandbox.FOLDER_PREFIX}ab" / "result.json").exists()


def test_a_document_that_is_being_read_holds_up_no_other_ones_receipt(queued, killed, work):
    queued("Other words", "Other")
    secret = queued(SECRET, "Secret")
    work()
    reading = killed(queued("A long file", "Long"))
    delete_document(secret)
    work()
    sweep()
    assert Receipt.objects.get().completed_at is not None
    assert reading.is_dir()


def test_a_worker_whose_claim_and_folder_were_taken_away_changes_nothing(
    queued, temporary, monkeypatch
):
    document = queued(SECRET)
    plain = sandbox.extract

    def swept(*arguments, **options):
        cancel(document)
        cleaning.remove_temporary_files()
        return plain(*arguments, **options)

    monkeypatch.setattr(sandbox, "extract", swept)
    assert indexing.process_version(newest(document).pk) is False
    assert (newest(document).state, newest(document).text) == ("cancelled", "")
    assert list(temporary.iterdir()) == []


def test_reading_leaves_nothing_behind(queued, work, temporary):
    queued(SECRET)
    work()
    assert list(temporary.iterdir()) == []
