"""Documents equal to a folder, whatever happens to it."""

import os
import threading
import time
from datetime import timedelta
from pathlib import Path

import pytest
from celery import current_app
from django.contrib.auth.models import Group
from django.db import connections
from django.utils import timezone

from core.errors import Conflict, Invalid
from core.models import PeriodicRun
from knowledge.models import Document, Receipt, WatchedFolder
from knowledge.schedule import sweep, sync
from knowledge.search import search
from knowledge.services import delete_document, folders, scanning, syncing
from knowledge.services.folders import change_folder, watch_folder
from knowledge.services.looks import Manner
from knowledge.services.syncing import sync_folder
from tests.knowledge.conftest import newest

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.engine]

OLD = time.time() - 3600


@pytest.fixture
def root(tmp_path):
    folder = tmp_path / "handbook"
    folder.mkdir()
    return folder


@pytest.fixture
def put(root):
    """``put("a.md", "text")``: a file that nobody has written for an hour."""

    def write(name: str, text: str | bytes, at: float = OLD) -> Path:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        os.utime(path, (at, at))
        return path

    return write


@pytest.fixture
def watched(root, put):
    put("leave.md", "# Annual leave\n\nFive days may be carried over.")
    put("deep/travel.txt", "Trains only, says the needleword.")
    put("picture.png", b"\x89PNG")
    return watch_folder(root)


def counts(report):
    names = ("added", "updated", "moved", "removed", "unchanged", "waiting")
    return {name: getattr(report, name) for name in names if getattr(report, name)}


def paths():
    return set(Document.objects.values_list("watched_path", flat=True))


def test_files_become_documents(watched, work):
    report = sync_folder(watched)
    assert counts(report) == {"added": 2}
    assert (report.left_out, report.failed, report.error) == (1, {}, "")
    rows = set(Document.objects.values_list("title", "source", "watched_path"))
    assert rows == {
        ("Annual leave", "handbook/leave.md", "leave.md"),
        ("travel", "handbook/deep/travel.txt", "deep/travel.txt"),
    }
    work()
    assert search("needleword", user=None).passages[0].title == "travel"
    watched.refresh_from_db()
    assert (watched.result["added"], watched.result["failed"]) == (2, [])
    assert watched.synced_at is not None


def test_a_second_look_changes_nothing(watched, work):
    sync_folder(watched)
    work()
    assert counts(sync_folder(watched)) == {"unchanged": 2}
    assert [newest(d).number for d in Document.objects.all()] == [1, 1]


def test_changes_are_told_by_checksum_alone(watched, put):
    sync_folder(watched)
    put("leave.md", "# Annual leave\n\nFour days may be carried over.")  # same size, same time
    put("deep/travel.txt", "Trains only, says the needleword.", at=OLD + 60)  # only touched
    assert counts(sync_folder(watched)) == {"updated": 1, "unchanged": 1}
    assert newest(Document.objects.get(watched_path="leave.md")).number == 2


def test_what_is_gone_is_erased_under_one_receipt(watched, root, work):
    sync_folder(watched)
    work()
    gone = Document.objects.get(watched_path="leave.md").pk
    (root / "leave.md").unlink()
    assert counts(sync_folder(watched)) == {"removed": 1, "unchanged": 1}
    assert paths() == {"deep/travel.txt"}
    receipt = Receipt.objects.get()
    assert receipt.document_ids == [gone]
    assert "no longer in the watched folder" in receipt.reason
    assert gone not in {p.document_id for p in search("carried over", user=None).passages}


def test_a_moved_file_keeps_its_document(watched, root, work):
    sync_folder(watched)
    work()
    before = set(Document.objects.values_list("pk", flat=True))
    (root / "archive").mkdir()
    (root / "deep" / "travel.txt").rename(root / "archive" / "journeys.txt")
    (root / "leave.md").rename(root / "days.md")
    assert counts(sync_folder(watched)) == {"moved": 2}
    assert set(Document.objects.values_list("pk", flat=True)) == before
    assert set(Document.objects.values_list("title", "source", "watched_path")) == {
        ("journeys", "handbook/archive/journeys.txt", "archive/journeys.txt"),
        ("Annual leave", "handbook/days.md", "days.md"),  # its heading is its title
    }
    assert not Receipt.objects.exists()
    assert {newest(d).number for d in Document.objects.all()} == {1}


def test_a_title_that_a_manager_gave_stays_when_the_file_moves(watched, root):
    sync_folder(watched)
    Document.objects.filter(watched_path="deep/travel.txt").update(title="How we travel")
    (root / "deep" / "travel.txt").rename(root / "journeys.txt")
    sync_folder(watched)
    assert Document.objects.get(watched_path="journeys.txt").title == "How we travel"


def test_files_of_the_same_content_are_documents_of_their_own(watched, put, root):
    for name in ("a.md", "b.md", "c.md"):
        put(name, "# Same\n\nWords.")
    assert counts(sync_folder(watched)) == {"added": 5}
    for name in ("a.md", "b.md"):
        (root / name).rename(root / f"x{name}")
    assert counts(sync_folder(watched)) == {"moved": 2, "unchanged": 3}


def test_the_folders_type_and_groups_hold_for_its_documents(root, put, charlie, work):
    Group.objects.create(name="hr")
    put("leave.md", "# Leave\n\nneedleword")
    folder = watch_folder(root, "policy", ["hr"])
    sync_folder(folder)
    work()
    document = Document.objects.get()
    assert (document.document_type, document.is_restricted) == ("policy", True)
    assert search("needleword", user=charlie).passages == ()
    change_folder(folder, groups=[])
    assert search("needleword", user=charlie).passages
    change_folder(folder, groups=["hr"])
    assert search("needleword", user=charlie).passages == ()


def test_a_group_that_is_gone_lets_nothing_in_for_everyone(root, put):
    group = Group.objects.create(name="hr")
    folder = watch_folder(root, groups=["hr"])
    group.delete()
    put("secret.md", "# Secret")
    report = sync_folder(folder)
    assert "group" in report.error
    assert not Document.objects.exists()
    change_folder(folder, groups=[])
    assert counts(sync_folder(folder)) == {"added": 1}


def test_what_changes_while_a_look_lasts_holds_for_what_comes_in_after_it(root, put, monkeypatch):
    Group.objects.create(name="hr")
    put("a.md", "# A")
    put("b.md", "# B")
    folder = watch_folder(root)
    plain = syncing.add_document

    def restricted_meanwhile(*given, **named):
        change_folder(WatchedFolder.objects.get(), groups=["hr"])
        return plain(*given, **named)

    monkeypatch.setattr(syncing, "add_document", restricted_meanwhile)
    sync_folder(folder)
    assert set(Document.objects.values_list("is_restricted", flat=True)) == {True}
    assert not folders.has_lost_groups(WatchedFolder.objects.get())


def test_a_group_that_goes_while_a_look_lasts_lets_nothing_in(root, put, monkeypatch):
    group = Group.objects.create(name="hr")
    put("secret.md", "# Secret")
    folder = watch_folder(root, groups=["hr"])
    plain = syncing.add_document

    def deleted_meanwhile(*given, **named):
        group.delete()
        return plain(*given, **named)

    monkeypatch.setattr(syncing, "add_document", deleted_meanwhile)
    report = sync_folder(folder)
    assert report.failed == {"secret.md": folders.LOST_GROUPS}
    assert not Document.objects.exists()


def test_a_folder_that_vanished_removes_nothing(watched, root):
    sync_folder(watched)
    root.rename(root.with_name("elsewhere"))
    report = sync_folder(watched)
    assert "is not there" in report.error
    assert Document.objects.count() == 2
    watched.refresh_from_db()
    assert watched.result["error"] == report.error
    root.write_text("a file now")
    assert "is not a folder" in sync_folder(watched).error
    assert Document.objects.count() == 2


def test_a_part_that_may_not_be_read_removes_nothing(watched, root, monkeypatch):
    sync_folder(watched)
    (root / "leave.md").unlink()
    plain = os.scandir

    def scandir(path):
        if Path(path).name == "deep":
            raise PermissionError(13, "Permission denied")
        return plain(path)

    with monkeypatch.context() as locked:
        locked.setattr(scanning.os, "scandir", scandir)
        report = sync_folder(watched)
    assert counts(report) == {}
    assert "nothing was removed" in report.error
    assert "may not be read" in report.failed["deep"]
    assert Document.objects.count() == 2
    assert counts(sync_folder(watched)) == {"unchanged": 1, "removed": 1}


def test_a_file_that_may_not_be_read_keeps_its_document(watched, root, monkeypatch):
    sync_folder(watched)
    plain = os.open

    def locked(path, *given, **named):
        if str(path).endswith("leave.md"):
            raise PermissionError(13, "Permission denied")
        return plain(path, *given, **named)

    with monkeypatch.context() as no_access:
        no_access.setattr(scanning.os, "open", locked)
        report = sync_folder(watched)
    assert "cannot be read" in report.failed["leave.md"]
    assert Document.objects.count() == 2


def test_most_of_many_documents_are_not_removed_without_force(watched, root, put):
    for number in range(30):
        put(f"n{number}.md", f"# N{number}")
    sync_folder(watched)
    for number in range(25):
        (root / f"n{number}.md").unlink()
    report = sync_folder(watched)
    assert (report.removed, Document.objects.count()) == (0, 32)
    assert "25 of 32" in report.error
    assert "--force" in report.error
    assert counts(sync_folder(watched, Manner(may_remove_many=True))) == {
        "removed": 25, "unchanged": 7,
    }  # fmt: skip


def test_an_empty_folder_of_another_disk_removes_nothing(watched, root):
    """As where a disk is not mounted: the folder is there, and empty."""
    sync_folder(watched)
    (root / "leave.md").unlink()
    (root / "deep" / "travel.txt").unlink()
    watched.result = {**watched.result, "device": 12345}
    watched.save()
    report = sync_folder(watched)
    assert "another disk" in report.error
    assert Document.objects.count() == 2


def test_an_empty_folder_of_the_same_disk_is_believed(watched, root):
    sync_folder(watched)
    (root / "leave.md").unlink()
    (root / "deep" / "travel.txt").unlink()
    assert counts(sync_folder(watched)) == {"removed": 2}


def test_links_are_never_followed(watched, root, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret.md").write_text("# Secret\n\noutsideword")
    (root / "file.md").symlink_to(outside / "secret.md")
    (root / "folder").symlink_to(outside)
    (root / "loop").symlink_to(root)
    report = sync_folder(watched)
    assert counts(report) == {"added": 2}
    assert set(report.failed) == {"file.md", "folder", "loop"}
    assert not Document.objects.filter(watched_path__contains="secret").exists()


def test_a_file_that_becomes_a_link_between_two_looks_at_it_is_not_read(
    watched, root, tmp_path, monkeypatch
):
    secret = tmp_path / "secret.md"
    secret.write_text("# Secret\n\noutsideword")
    plain = scanning.scan

    def swapped(*given):
        seen = plain(*given)
        (root / "leave.md").unlink()
        (root / "leave.md").symlink_to(secret)
        return seen

    monkeypatch.setattr(syncing.scanning, "scan", swapped)
    sync_folder(watched)
    assert paths() == {"deep/travel.txt"}


def test_a_folder_that_becomes_a_link_is_not_read_either(watched, root, tmp_path, monkeypatch):
    other = tmp_path / "other"
    other.mkdir()
    (other / "travel.txt").write_text("outsideword")
    plain = scanning.scan

    def swapped(*given):
        seen = plain(*given)
        (root / "deep").rename(root / "was")
        (root / "deep").symlink_to(other)
        return seen

    monkeypatch.setattr(syncing.scanning, "scan", swapped)
    report = sync_folder(watched)
    assert counts(report) == {"added": 1, "waiting": 1}
    assert paths() == {"leave.md"}


def test_a_file_that_is_being_written_waits_for_the_next_look(watched, put, root):
    put("young.md", "# Young, half", at=time.time())
    slept = []

    def goes_on_writing(seconds):
        slept.append(seconds)
        put("young.md", "# Young, half and more", at=time.time() + 1)

    report = sync_folder(watched, Manner(sleep=goes_on_writing))
    assert counts(report) == {"added": 2, "waiting": 1}
    assert 0 < slept[0] <= syncing.SETTLES_SECONDS
    os.utime(root / "young.md", (OLD, OLD))
    assert counts(sync_folder(watched)) == {"added": 1, "unchanged": 2}


def test_a_young_file_that_stays_as_it_is_is_taken_at_once(watched, put):
    put("young.md", "# Young", at=time.time())
    assert counts(sync_folder(watched, Manner(sleep=lambda _: None))) == {"added": 3}


def test_a_known_file_that_is_being_written_is_not_removed(watched, put):
    sync_folder(watched)

    def writes(_):
        put("leave.md", "# Half", at=time.time() + 1)

    put("leave.md", "# Ha", at=time.time())
    report = sync_folder(watched, Manner(sleep=writes))
    assert counts(report) == {"waiting": 1, "unchanged": 1}
    assert Document.objects.count() == 2


def test_what_is_not_taken_is_said_and_what_is_taken_goes_on(watched, put, root):
    put("broken.pdf", "no pdf")
    put("empty.md", "")
    put("batch.zip", b"PK\x03\x04")
    put(".hidden.md", "# Hidden")
    put("~$open.docx", "lock")
    os.mkfifo(root / "pipe.md")
    (root / ("n" * 200 + ".md")).write_text("# Long name")
    report = sync_folder(watched, Manner(sleep=lambda _: None))
    assert report.added == 3
    assert {"broken.pdf", "empty.md", "batch.zip"} == set(report.failed)
    assert all(sentence.endswith(".") for sentence in report.failed.values())


def test_names_that_are_no_text_or_too_long_are_said(watched, root):
    with open(os.fsencode(root) + b"/bad\xff.md", "wb") as stream:  # noqa: PTH123  (bytes)
        stream.write(b"# Bad")
    deep = root
    for _ in range(4):
        deep = deep / ("d" * 140)
        deep.mkdir()
    (deep / "x.md").write_text("# Deep")
    report = sync_folder(watched, Manner(sleep=lambda _: None))
    assert report.added == 2
    assert sorted(report.failed.values()) == sorted([scanning.STRANGE_NAME, scanning.LONG_NAME])


def test_a_dry_run_says_what_it_would_do_and_does_nothing(watched, put, root):
    sync_folder(watched)
    before = WatchedFolder.objects.get().result
    put("new.md", "# New")
    put("leave.md", "# Annual leave\n\nFour.")
    (root / "deep" / "travel.txt").unlink()
    report = sync_folder(watched, Manner(is_dry=True))
    assert counts(report) == {"added": 1, "updated": 1, "removed": 1}
    assert paths() == {"leave.md", "deep/travel.txt"}
    assert WatchedFolder.objects.get().result == before


def test_a_dry_run_counts_what_the_real_one_takes_and_names_what_it_does_not(
    watched, put, settings
):
    settings.MAX_UPLOAD_MB = 1
    sync_folder(watched)
    put("empty.md", "")
    put("scan.pdf", b"\x89PNG\r\n\x1a\n" + b"\0" * 64)
    put("large.txt", "words " * 200_000)
    put("leave.md", "")  # a new version that cannot be one
    put("good.md", "# Good\n\nwords")
    dry = sync_folder(watched, Manner(is_dry=True))
    assert counts(dry) == {"added": 1, "unchanged": 1}
    assert set(dry.failed) == {"empty.md", "scan.pdf", "large.txt", "leave.md"}
    assert paths() == {"leave.md", "deep/travel.txt"}
    real = sync_folder(watched)
    assert (counts(real), real.failed) == (counts(dry), dry.failed)


def test_a_dry_run_on_a_full_disk_says_what_the_real_one_would(watched, settings):
    settings.MIN_FREE_BYTES = 2**62
    assert "disk space" in sync_folder(watched, Manner(is_dry=True)).error


class Killed(BaseException):
    """As by kill -9."""


@pytest.mark.parametrize("place", ["add_document", "store_file", "add_version", "delete_documents"])
def test_killed_in_the_middle_the_next_look_does_the_rest(watched, put, root, monkeypatch, place):
    sync_folder(watched)
    put("leave.md", "# Annual leave\n\nFour.")
    put("a.md", "# A")
    put("b.md", "# B")
    (root / "deep" / "travel.txt").unlink()

    def die(*_, **__):
        raise Killed

    with monkeypatch.context() as deadly:
        deadly.setattr(syncing, place, die)
        with pytest.raises(Killed):
            sync_folder(watched)
    sync_folder(watched)
    assert paths() == {"leave.md", "a.md", "b.md"}
    assert Document.objects.count() == 3
    assert newest(Document.objects.get(watched_path="leave.md")).number == 2
    assert counts(sync_folder(watched)) == {"unchanged": 3}


def test_one_process_at_a_time_looks_at_a_folder(watched, monkeypatch):
    inner = []
    plain = syncing.add_document

    def meanwhile(*given, **named):
        try:
            sync_folder(watched)
        except Conflict as error:
            inner.append(error.detail)
        return plain(*given, **named)

    monkeypatch.setattr(syncing, "add_document", meanwhile)
    sync_folder(watched)
    assert inner == [syncing.BUSY, syncing.BUSY]
    assert Document.objects.count() == 2


def test_a_paused_process_that_comes_back_adds_nothing_twice(watched, monkeypatch):
    plain = syncing.add_document

    def overtaken(*given, **named):
        monkeypatch.setattr(syncing, "add_document", plain)
        PeriodicRun.objects.update(lease_until=timezone.now() - timedelta(minutes=1))
        sync_folder(watched)
        return plain(*given, **named)

    monkeypatch.setattr(syncing, "add_document", overtaken)
    with pytest.raises(Conflict):
        sync_folder(watched)
    assert Document.objects.count() == 2


def test_two_threads_at_once_make_each_document_once(watched, put):
    for number in range(20):
        put(f"n{number}.md", f"# N{number}")
    barrier, errors = threading.Barrier(2), []

    def look():
        try:
            barrier.wait(10)
            sync_folder(WatchedFolder.objects.get())
        except Conflict:
            pass
        except Exception as error:  # noqa: BLE001  (a thread reports to the test)
            errors.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=look) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert Document.objects.count() == 22


def test_beat_looks_at_it_when_it_is_due(watched, monkeypatch, settings):
    sent = []
    monkeypatch.setattr(
        current_app, "send_task", lambda name, args=(), **_: sent.append((name, *args))
    )

    def hinted():
        sent.clear()
        sweep()
        return ("knowledge.schedule.sync", watched.pk) in sent

    assert hinted()
    assert sync(watched.pk) is True
    assert Document.objects.count() == 2
    assert not hinted()
    past = timezone.now() - timedelta(minutes=settings.SYNC_MINUTES + 1)
    WatchedFolder.objects.update(synced_at=past)
    assert hinted()
    change_folder(watched, is_active=False)
    assert not hinted()
    assert sync(999_999) is False


def test_a_vanished_folder_is_looked_at_once_in_its_time_and_not_every_minute(watched, root):
    root.rename(root.with_name("elsewhere"))
    sync(watched.pk)
    assert syncing.due_folder_ids() == []


def test_which_folders_may_be_watched(root, tmp_path, settings):
    settings.DATA_DIR = tmp_path / "data"
    (tmp_path / "data" / "media").mkdir(parents=True)
    for path in (tmp_path / "nowhere", tmp_path / "data", tmp_path / "data" / "media"):
        with pytest.raises(Invalid):
            watch_folder(path)
    (root / "inner").mkdir()
    watch_folder(root)
    for path in (root / "inner", root, tmp_path):
        with pytest.raises(Invalid):
            watch_folder(path)
    with pytest.raises(Invalid):
        watch_folder(root, "poem")


def test_footnotes_own_folder_inside_a_watched_one_is_passed_over(root, put, settings):
    settings.DATA_DIR = root / "data"
    put("data/media/documents/own.md", "# Own")
    put("a.md", "# A")
    sync_folder(watch_folder(root))
    assert paths() == {"a.md"}


def test_a_deleted_document_comes_back_while_its_file_is_there(watched):
    sync_folder(watched)
    delete_document(Document.objects.get(watched_path="leave.md"))
    assert counts(sync_folder(watched)) == {"added": 1, "unchanged": 1}


def test_a_full_disk_is_said_and_the_rest_waits(watched, settings):
    settings.MIN_FREE_BYTES = 2**62
    report = sync_folder(watched)
    assert "disk space" in report.error
    assert not Document.objects.exists()
    settings.MIN_FREE_BYTES = 0
    assert counts(sync_folder(watched)) == {"added": 2}


def test_clearing_erases_its_documents_alone_and_stops_looking(watched, queued, root, bob):
    other = queued("other words")
    sync_folder(watched)
    receipt = folders.clear_folder(watched, bob, "moved away")
    assert len(receipt.document_ids) == 2
    assert list(Document.objects.all()) == [other]
    assert WatchedFolder.objects.get().is_active is False
    assert (root / "leave.md").exists()
    assert folders.clear_folder(watched, bob) is None
