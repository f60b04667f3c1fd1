"""Erasure leaves a receipt: where the words went from, when, and only then that they are gone."""

import os
import sqlite3
import time
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings as django_settings
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.core.files.storage import default_storage
from django.db import connection, connections
from django.utils import timezone

from knowledge import engines
from knowledge.models import Chunk, Document, IndexBuild, IndexState, Receipt
from knowledge.schedule import erase, sweep
from knowledge.search import search
from knowledge.services import (
    Erasure,
    add_version,
    delete_document,
    delete_documents,
    receipts,
    settling,
)
from knowledge.services.settling import settle_receipts
from tests.knowledge.conftest import LEAVE
from tests.knowledge.test_document_calls import one
from users.models import User

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.engine]

NEEDLE = "xyzzyplugh"
SECRET = f"# Plans of {NEEDLE}\n\nThe {NEEDLE} opens the vault at noon, says the keeper of keys."


def places(receipt):
    return {place["place"]: place for place in receipt.places}


def found_in(folder: Path, *needles: bytes) -> list[str]:
    """Files below a folder that have a needle somewhere in their bytes."""
    return [
        path.name
        for path in folder.rglob("*")
        if path.is_file() and any(needle in path.read_bytes() for needle in needles)
    ]


def known_by_builds() -> bool:
    """Whether a build on disk has the word: its lists of words are compressed, so it is asked."""
    indexes = [engines.open_build(build) for build in receipts.builds_on_disk()]
    return any(index.lexical(NEEDLE, index.allow(None), 5) for index in indexes)


def in_database() -> bool:
    """Whether the needle is anywhere in the database: in its file, or in a table's rows."""
    if connection.vendor == "sqlite":
        name = Path(connection.settings_dict["NAME"])
        files = [name, name.with_name(name.name + "-wal")]
        return any(f.is_file() and NEEDLE.encode() in f.read_bytes() for f in files)
    with connection.cursor() as cursor:
        tables = connection.introspection.table_names(cursor)
        for table in tables:
            cursor.execute(
                f'SELECT count(*) FROM "{table}" t WHERE t::text LIKE %s', [f"%{NEEDLE}%"]
            )
            if cursor.fetchone()[0]:
                return True
    return False


def settle(work) -> None:
    """What a worker and a few ticks of beat do."""
    for _ in range(3):
        work()
        sweep()


def test_a_deleted_document_leaves_a_receipt_that_tells_no_words(add_text, bob, api):
    document = add_text(f"About {NEEDLE}", SECRET)
    number, sha256 = document.pk, document.versions.get().sha256
    assert api(bob).delete(one(document)).status_code == 204
    receipt = Receipt.objects.get()
    assert (receipt.kind, receipt.document_ids, receipt.sha256) == ("document", [number], [sha256])
    assert (receipt.requested_by, receipt.completed_at) == (bob, None)
    assert receipt.waits_for == [IndexBuild.objects.get(state="active").pk]
    noted = places(receipt)
    assert set(noted) == {
        receipts.ANSWERS, receipts.ROWS, receipts.VECTORS, receipts.QUOTES, receipts.JOURNAL,
        receipts.FILES, receipts.INDEX,
    }  # fmt: skip
    assert noted[receipts.VECTORS]["count"] >= 1
    assert noted[receipts.FILES]["count"] == 1
    assert all(place["at"] for name, place in noted.items() if name != receipts.INDEX)
    assert NEEDLE not in str(receipt.places)
    assert search(NEEDLE, user=None).passages == ()


def test_the_words_are_nowhere_on_disk_when_the_receipt_is_complete(add_text, work, tmp_path):
    add_text("Other", LEAVE)
    document = add_text(f"About {NEEDLE}", SECRET)
    add_version(document, SECRET + " And at midnight.")
    work()
    LogEntry.objects.create(
        user=_staff(), content_type=ContentType.objects.get_for_model(Document), action_flag=CHANGE,
        object_id=str(document.pk), object_repr=document.title, change_message=NEEDLE,
    )  # fmt: skip
    chunks = Chunk.objects.filter(version__document=document)
    needles = [NEEDLE.encode(), *(pk.bytes for pk in chunks.values_list("pk", flat=True))]
    assert found_in(tmp_path / "media", *needles)
    assert found_in(tmp_path / "index", *needles)
    assert known_by_builds()
    assert in_database()
    delete_document(document, reason="asked for")
    assert Receipt.objects.get().completed_at is None
    settle(work)
    receipt = Receipt.objects.get()
    assert (receipt.waits_for, receipt.completed_at is not None) == ([], True)
    assert found_in(tmp_path, *needles) == []
    assert not known_by_builds()
    assert not in_database()
    assert search("annual leave", user=None).passages


def _staff():
    return User.objects.create_user("journal@example.org", "a long enough phrase 7", is_staff=True)


def test_it_is_not_complete_while_the_active_build_has_the_document(add_text, work):
    add_text("Other", LEAVE)
    document = add_text("Secret", SECRET)
    delete_document(document)
    active = IndexBuild.objects.get(state="active")
    assert settle_receipts() == 0
    receipt = Receipt.objects.get()
    assert receipt.waits_for == [active.pk]
    work()
    assert settle_receipts() == 1
    assert settle_receipts() == 0


def test_builds_that_are_kept_for_a_rollback_go_when_they_hold_it(add_text, work):
    document = add_text("Secret", SECRET)
    add_text("Other", LEAVE)
    add_text("Third", "quite other words")
    delete_document(document)
    settle(work)
    for build in IndexBuild.objects.filter(state__in=("active", "kept", "refused")):
        assert document.pk not in engines.open_build(build).versions()
    assert Receipt.objects.get().completed_at is not None


def test_one_that_is_being_built_may_hold_it(add_text, work):
    document = add_text("Secret", SECRET)
    before = IndexBuild.objects.create(state="building", model="m")
    delete_document(document)
    settle_receipts()
    assert before.pk in Receipt.objects.get().waits_for
    IndexBuild.objects.filter(pk=before.pk).update(state="failed")
    settle(work)
    assert Receipt.objects.get().completed_at is not None


@pytest.mark.parametrize(
    "place", ["index/.tmp-killed", "index/quarantine-build-1-ab", "tmp/footnote-read-ab"]
)
def test_what_a_killed_process_left_is_waited_for(add_text, work, tmp_path, settings, place):
    settings.FILE_UPLOAD_TEMP_DIR = str(tmp_path / "tmp")
    (tmp_path / "tmp").mkdir()
    document = add_text("Secret", SECRET)
    left = tmp_path / place
    left.mkdir(parents=True)
    delete_document(document)
    work()
    assert settle_receipts() == 0
    assert left.name in Receipt.objects.get().waits_for
    old = time.time() - 2 * 86400
    os.utime(left, (old, old))
    settle(work)
    assert not left.exists()
    assert Receipt.objects.get().completed_at is not None


def test_killed_after_the_commit_the_sweep_deletes_the_file(add_text, work, monkeypatch):
    document = add_text("Secret", SECRET)

    def die(*_):
        raise RuntimeError("killed")

    with monkeypatch.context() as deadly:
        deadly.setattr(receipts, "remove_unused", die)
        delete_document(document)  # what comes after the commit is lost
    assert default_storage.listdir("documents")[1]
    settle(work)
    assert default_storage.listdir("documents")[1] == []
    assert Receipt.objects.get().completed_at is not None


def test_a_file_that_a_twin_needs_stays_and_the_receipt_says_so(add_text, work):
    first = add_text("Secret", SECRET)
    add_text("Secret", SECRET)
    delete_document(first)
    settle(work)
    receipt = Receipt.objects.get()
    assert places(receipt)[receipts.FILES]["count"] == 0
    assert "same content" in places(receipt)[receipts.FILES]["detail"]
    assert receipt.completed_at is not None
    assert len(default_storage.listdir("documents")[1]) == 1


def test_deleting_twice_gives_one_receipt(add_text):
    document = add_text("Secret", SECRET)
    same = Document.objects.get(pk=document.pk)
    assert delete_document(document) is not None
    assert delete_document(same) is None
    assert Receipt.objects.count() == 1


forgotten: list[int] = []


def die_at_the_third(document_id: int) -> None:
    """A hook as other apps have it."""
    forgotten.append(document_id)
    if len(forgotten) == 3:
        raise RuntimeError("killed")


def test_many_go_under_one_receipt_even_when_killed_in_the_middle(queued, work, settings):
    documents = [queued(f"text {n} of {NEEDLE}", f"T{n}") for n in range(6)]
    work()
    stay = queued("stays", "Stay")
    settings.DOCUMENT_FORGOTTEN_HOOKS = [f"{__name__}.die_at_the_third"]
    forgotten.clear()
    with pytest.raises(RuntimeError):
        delete_documents([d.pk for d in documents], Erasure(None, "all of them"))
    assert Document.objects.count() == 7  # what was begun together is whole
    assert search(NEEDLE, user=None).passages == ()  # all of them, from the first moment on
    receipt = Receipt.objects.get()
    assert settling.unfinished_erasures(5) == [str(receipt.pk)]
    assert settle_receipts() == 0
    assert erase(str(receipt.pk)) == 6
    assert erase(str(receipt.pk)) == 0
    assert list(Document.objects.all()) == [stay]
    settle(work)
    receipt.refresh_from_db()
    assert receipt.completed_at is not None
    assert len(receipt.sha256) == 6
    assert places(receipt)[receipts.FILES]["count"] == 6


def test_deleting_wants_a_build_without_the_words(add_text):
    document = add_text("Secret", SECRET)
    before = IndexState.objects.get()
    delete_document(document)
    after = IndexState.objects.get()
    assert after.full_wanted > before.full_wanted
    assert after.audience > before.audience


def test_a_reader_of_the_database_delays_a_receipt_and_breaks_nothing(add_text, work):
    if connection.vendor != "sqlite":
        return
    document = add_text("Secret", SECRET)
    name = connections["default"].settings_dict["NAME"]
    with sqlite3.connect(name) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM knowledge_document").fetchone()
        delete_document(document)
        work()
        assert settle_receipts() == 0
        reader.execute("COMMIT")
    reader.close()
    assert settle_receipts() == 1
    assert django_settings.DATABASES["default"]["OPTIONS"]["timeout"] == 20
    with connection.cursor() as cursor:
        assert cursor.execute("PRAGMA busy_timeout").fetchone() == (20_000,)


def test_receipts_of_long_ago_stay(add_text, work):
    delete_document(add_text("Secret", SECRET))
    Receipt.objects.update(requested_at=timezone.now() - timedelta(days=4000))
    settle(work)
    assert Receipt.objects.count() == 1
