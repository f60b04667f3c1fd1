"""The sweep: whatever a lost message or a dead worker left undone."""

import os
import time
from datetime import timedelta
from pathlib import Path

import pytest
from celery import current_app
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.utils import timezone

from core.models import PeriodicRun
from knowledge import tasks
from knowledge.indexing import cleaning
from knowledge.indexing.leases import claim_version
from knowledge.models import DocumentVersion, Embedding, IndexBuild
from knowledge.schedule import sweep
from tests.knowledge.conftest import LEAVE, newest

pytestmark = [pytest.mark.django_db, pytest.mark.engine]


@pytest.fixture
def hints(monkeypatch):
    """What the sweep sends, instead of a broker."""
    sent = []
    monkeypatch.setattr(
        current_app, "send_task", lambda name, args=(), **_: sent.append((name, *args))
    )
    return sent


def run(hints):
    """Do at once what a worker would do with the hints."""
    for name, *arguments in hints:
        getattr(tasks, name.rpartition(".")[2])(*arguments)
    hints.clear()


def test_a_lost_message_is_found(queued, hints):
    document = queued()
    sweep()
    assert hints == [("knowledge.tasks.process_version", newest(document).pk)]
    run(hints)
    assert sweep()["builds"] == 1
    run(hints)
    document.refresh_from_db()
    assert newest(document).state == "ready"
    hints.clear()
    sweep()
    assert hints == []


def test_a_dead_workers_version_is_found_when_its_lease_has_ended(queued, hints):
    version = newest(queued())
    claim_version(version.pk)
    sweep()
    assert hints == []
    DocumentVersion.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    sweep()
    run(hints)
    version.refresh_from_db()
    assert (version.state, version.attempts) == ("embedded", 2)
    assert version.chunks.count() == version.chunk_count


def test_a_version_that_killed_three_workers_is_given_up(queued, hints):
    past = timezone.now() - timedelta(seconds=1)
    version = newest(queued())
    DocumentVersion.objects.update(state="processing", lease_until=past, attempts=3)
    assert sweep()["failed"] == 1
    version.refresh_from_db()
    assert version.state == "failed"
    assert hints == []


def test_a_waiting_version_waits_until_it_is_due(queued, hints):
    queued()
    DocumentVersion.objects.update(due_at=timezone.now() + timedelta(minutes=5))
    sweep()
    assert hints == []


def test_files_without_a_row_go_after_an_hour(queued, settings, hints):
    kept = newest(queued()).file
    orphan = default_storage.save("documents/orphan.md", ContentFile(b"x"))
    young = default_storage.save("documents/young.md", ContentFile(b"x"))
    old = time.time() - 7200
    for name in (kept, orphan):
        os.utime(default_storage.path(name), (old, old))
    assert sweep()["files"] == 1
    assert default_storage.exists(kept)
    assert default_storage.exists(young)
    assert not default_storage.exists(orphan)


def test_temporary_folders_go_after_an_hour(add_text, settings, hints):
    add_text("Leave", LEAVE)
    root = Path(settings.INDEX_DIR)
    old = time.time() - 7200
    for name in (".tmp-old", "build-999", ".tmp-young", "quarantine-young"):
        (root / name).mkdir()
        if not name.endswith("young"):
            os.utime(root / name, (old, old))
    active = IndexBuild.objects.get(state="active").folder
    os.utime(root / active, (old, old))
    assert sweep()["folders"] == 2
    left = {path.name for path in root.iterdir() if path.is_dir()}
    assert left == {active, ".tmp-young", "quarantine-young"}


def test_once_a_day_vectors_without_a_text_go(add_text):
    add_text("Leave", LEAVE)
    Embedding.objects.create(content_hash="f" * 64, model="m", dimension=1, vector=b"0000")
    assert cleaning.remove_all_orphan_vectors() == 1
    assert Embedding.objects.count() == 1


def test_notes_on_old_builds_go_after_a_month(db):
    old = IndexBuild.objects.create(state="failed", model="m")
    IndexBuild.objects.create(state="failed", model="m")
    IndexBuild.objects.filter(pk=old.pk).update(created_at=timezone.now() - timedelta(days=40))
    assert cleaning.forget_old_builds() == 1


def test_the_sweep_may_run_twice(queued, hints):
    queued()
    for _ in range(3):
        sweep()
    assert PeriodicRun.objects.filter(name="knowledge.clean").count() <= 1


def test_what_does_not_say_whose_it_is_goes_after_an_hour(settings, tmp_path, hints):
    settings.FILE_UPLOAD_TEMP_DIR = str(tmp_path)
    old = time.time() - 7200
    for name in ("footnote-read-old", "footnote-read-young"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "result.json").write_text("secret")
    for name in ("tmpold.upload.pdf", "footnote-copy-old", "tmpyoung.upload", "another-old"):
        (tmp_path / name).touch()
    for path in tmp_path.glob("*old*"):
        os.utime(path, (old, old))
    assert sweep()["temporary"] == 3
    left = {path.name for path in tmp_path.iterdir()}
    assert left >= {"footnote-read-young", "tmpyoung.upload", "another-old"}
    assert not left & {"footnote-read-old", "tmpold.upload.pdf", "footnote-copy-old"}
