"""The drift meter is zero, whatever happened; where it is not, it says why and repairs it."""

import json
import random
from datetime import timedelta
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from core.models import PeriodicRun
from knowledge import health, index_store, indexing
from knowledge.indexing import drift, due
from knowledge.models import Chunk, Document, Embedding, IndexBuild
from knowledge.schedule import sweep
from knowledge.services import (
    DocumentChanges,
    NewDocument,
    activate_build,
    add_document,
    add_version,
    delete_document,
    reprocess,
    request_rebuild,
    update_document,
)
from tests.knowledge.releases import active, embedded, folders, found, on_disk, settle

pytestmark = [pytest.mark.django_db, pytest.mark.engine]


def figures():
    return {name: number for name, number in drift.measure().as_dict().items() if number}


def test_without_documents_it_is_zero(db):
    assert drift.measure().is_zero


def test_after_adding_it_is_zero_and_counts_what_was_compared(add_text):
    for n in range(3):
        add_text(f"T{n}", f"text about thing{n}")
    assert figures() == {"checked": 3, "build": active().pk}


def test_a_chunk_that_the_release_lacks_is_missing(add_text):
    document = add_text("Leave", "first words")
    chunk = Chunk.objects.get()
    Chunk.objects.create(
        version=document.active_version, splitter=chunk.splitter, ordinal=1, start=0, end=5,
        text="first", tokens=3, content_hash=chunk.content_hash,
    )  # fmt: skip
    assert drift.measure().missing == 1
    assert drift.repair().is_zero
    assert active().vectors == 2


def test_a_chunk_that_the_database_lacks_is_orphaned(add_text):
    add_text("Leave", "first words")
    add_text("Other", "other text")
    Chunk.objects.filter(version__document__title="Other").delete()
    assert drift.measure().orphaned == 1
    assert drift.repair().is_zero  # split again from its text
    assert found("other text")[0] == "Other"


def test_a_document_that_nobody_deleted_and_that_is_gone_is_orphaned(add_text):
    gone = add_text("Leave", "first words")
    add_text("Other", "other text")
    Document.objects.filter(pk=gone.pk).delete()
    assert drift.measure().orphaned == 1
    assert drift.repair().is_zero


def test_another_version_than_the_one_that_answers_is_stale(add_text, work):
    document = add_text("Leave", "first words")
    add_version(document, "second text")
    work()
    Document.objects.filter(pk=document.pk).update(
        active_version=document.versions.get(number=1), revision=0
    )
    found_here = drift.measure()
    assert (found_here.stale, found_here.missing) == (1, 1)
    assert drift.repair().is_zero


def test_a_lost_vector_is_found_and_embedded_again(add_text):
    add_text("Leave", "first words")
    Embedding.objects.all().delete()
    assert drift.measure().wrong_model == 1
    assert drift.repair().is_zero
    assert Embedding.objects.count() == 1


def test_vectors_of_another_model_than_the_configurations_are_wrong(add_text):
    add_text("Leave", "first words")
    configuration = active().configuration
    type(configuration).objects.update(embedding_model="other@9")
    assert drift.measure().wrong_model == 1


def test_a_deleted_document_is_no_drift_while_its_erasure_waits(add_text):
    gone = add_text("Gone", "first words")
    add_text("Other", "other text")
    delete_document(gone)
    assert figures()["pending_erasure"] == 1
    assert drift.measure().is_zero
    indexing.build_index()
    assert "pending_erasure" not in figures()


def test_what_waits_for_a_build_is_no_drift(add_text, work):
    document = add_text("Leave", "first words")
    before = active()
    add_version(document, "second text")
    work()
    activate_build(before)
    assert drift.measure().is_zero
    request_rebuild()
    assert indexing.build_index()
    assert drift.measure().is_zero
    embedded("third text", "Third")
    assert drift.measure().is_zero


def test_after_going_back_what_came_later_waits(add_text):
    add_text("Leave", "first words")
    add_text("Other", "other text")
    activate_build(IndexBuild.objects.filter(state="kept")[0])
    measured = drift.measure()
    assert measured.is_zero
    assert measured.waiting == 1


def run_command(*arguments):
    out = StringIO()
    try:
        call_command("check_index", *arguments, stdout=out)
    except SystemExit as end:
        return end.code, out.getvalue()
    return 0, out.getvalue()


def test_the_command_says_what_differs_and_ends_with_one(add_text):
    add_text("Leave", "first words")
    code, said = run_command()
    assert code == 0
    assert "Database and index agree." in said
    Embedding.objects.all().delete()
    code, said = run_command("--json")
    assert code == 1
    assert json.loads(said)["wrong_model"] == 1
    assert json.loads(said)["zero"] is False
    assert run_command("--repair")[0] == 0
    assert run_command()[0] == 0


def test_the_command_says_when_the_active_build_cannot_be_read(add_text):
    add_text("Leave", "first words")
    for path in index_store.folder_of(active()).glob("*.npy"):
        path.unlink()
    with pytest.raises(CommandError, match="Build the index again"):
        call_command("check_index")


@pytest.fixture
def late(monkeypatch):
    """Five in the morning."""
    at = timezone.now().replace(hour=5, minute=0)
    monkeypatch.setattr("core.periods.timezone.now", lambda: at)
    return at


def test_every_night_it_is_measured_and_what_differs_is_built_again(add_text, late):
    add_text("Leave", "first words")
    sweep()
    assert drift.last_measured()["missing"] == 0
    assert health.index()[1]["drift"]["checked"] == 1
    assert health.index()[0] == "ok"
    PeriodicRun.objects.filter(name=drift.NIGHTLY).delete()
    Embedding.objects.all().delete()
    assert not indexing.is_build_due()
    sweep()
    assert drift.last_measured()["wrong_model"] == 1
    state, facts = health.index()
    assert state == "degraded"
    assert "check_index --repair" in facts["detail"]
    assert indexing.is_build_due()
    assert indexing.build_index()
    assert drift.measure().is_zero


def test_a_release_that_cannot_be_read_does_not_stop_the_night(add_text, late):
    add_text("Leave", "first words")
    for path in index_store.folder_of(active()).glob("*.npy"):
        path.unlink()
    assert sweep()["drift"] == 1
    assert drift.last_measured()["unreadable"] == 1


class Killed(BaseException):
    """A worker ends in the middle."""


DOORS = (  # where a worker may end: before or after one of these
    ("knowledge.indexing.preparing", "prepare"),
    ("knowledge.indexing.vectors", "fill"),
    ("knowledge.indexing.extending", "write_extension"),
    ("knowledge.indexing.extending", "publish"),
    ("knowledge.indexing.full_builds", "write_full"),
    ("knowledge.indexing.full_builds", "publish"),
    ("knowledge.indexing.publishing", "point_at"),
    ("knowledge.indexing.retention", "drop_old_builds"),
)


class World:
    """Random orders to documents, and workers that may be killed."""

    def __init__(self, seed, monkeypatch):
        self.chance = random.Random(seed)
        self.monkeypatch = monkeypatch
        self.words = 0

    def text(self):
        self.words += 1
        return f"# Part\n\nThis is about subject{self.words} and nothing else."

    def step(self):
        orders = [self.add, self.add, self.replace, self.replace, self.delete, self.switch,
                  self.rename, self.again, self.rebuild]  # fmt: skip
        self.chance.choice(orders)()
        self.work()

    def any_document(self):
        documents = list(Document.objects.order_by("pk"))
        return self.chance.choice(documents) if documents else None

    def add(self):
        add_document(NewDocument(title=f"T{self.words}", content=self.text()), owner=None)

    def replace(self):
        if document := self.any_document():
            add_version(document, self.text())

    def delete(self):
        if document := self.any_document():
            delete_document(document)

    def switch(self):
        if document := self.any_document():
            update_document(document, DocumentChanges(is_active=not document.is_active))

    def rename(self):
        if document := self.any_document():
            update_document(document, DocumentChanges(title=f"New{self.words}"))

    def again(self):
        if document := self.any_document():
            reprocess(document)

    def rebuild(self):
        request_rebuild()

    def work(self):
        """Do all that waits, half of it, or be killed in the middle."""
        how = self.chance.choice(("all", "half", "killed", "killed"))
        if how == "all":
            settle()
        elif how == "half":
            for version_id in indexing.due_version_ids(2):
                indexing.process_version(version_id)
        else:
            self.be_killed()

    def be_killed(self):
        path, name = self.chance.choice(DOORS)
        after = self.chance.random() < 0.5
        with self.monkeypatch.context() as patch:
            original = __import__(path, fromlist=[name]).__dict__[name]

            def door(*arguments, **named):
                if after:
                    original(*arguments, **named)
                raise Killed

            patch.setattr(f"{path}.{name}", door)
            # Who is killed tidies nothing up, and gives nothing back.
            patch.setattr("knowledge.indexing.retention.remove_unpublished", lambda build: None)
            patch.setattr("knowledge.indexing.full_builds.release", lambda lease: None)
            try:
                for version_id in indexing.due_version_ids(1000):
                    indexing.process_version(version_id)
                indexing.build_index()
            except Killed:
                pass


@pytest.mark.parametrize("seed", range(3))
def test_it_is_zero_after_random_orders_with_workers_killed_in_between(db, monkeypatch, seed):
    monkeypatch.setattr(due, "SMALL_CHUNKS", 3)  # so that both kinds of builds come up
    monkeypatch.setattr(due, "LARGE_CHUNKS", 4)
    world = World(seed, monkeypatch)
    for _ in range(20):
        world.step()
        assert drift.measure().is_zero, drift.measure()
    settle()
    measured = drift.measure()
    assert measured.is_zero
    assert (measured.waiting, measured.pending_erasure) == (0, 0)
    assert (
        measured.checked
        == Chunk.objects.filter(
            version__document__active_version__pk__isnull=False,
            version__in=Document.objects.values("active_version"),
        ).count()
    )
    assert folders() == on_disk()
    for document in Document.objects.filter(is_active=True):
        text = document.active_version.text
        assert document.title in found(text), text
    assert not list(Path(index_store.settings.INDEX_DIR).glob(".tmp-*"))
    assert not IndexBuild.objects.filter(state="building").exists()


def test_a_long_break_changes_nothing(add_text):
    add_text("Leave", "first words")
    Document.objects.update(created_at=timezone.now() - timedelta(days=400))
    assert drift.measure().is_zero
