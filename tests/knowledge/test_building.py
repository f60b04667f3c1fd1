"""Builds: written aside, published whole, shared by changes, kept for a rollback, cleared."""

import threading
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connections, transaction
from django.utils import timezone

from knowledge import conf, index_store, indexing
from knowledge.indexing import rows
from knowledge.indexing.leases import LeaseLost, claim_build
from knowledge.indexing.publishing import point_at
from knowledge.models import Document, Embedding, IndexBuild, IndexState
from knowledge.search import search
from knowledge.services import (
    DocumentChanges,
    add_version,
    cancel,
    delete_document,
    request_rebuild,
    update_document,
)
from tests.fakes import BagOfWordsEmbedder
from tests.knowledge.conftest import LEAVE, newest
from tests.knowledge.releases import chunks_of, holding

pytestmark = [pytest.mark.django_db, pytest.mark.engine]


def active():
    return IndexBuild.objects.get(state="active")


def folders(settings):
    return sorted(p.name for p in Path(settings.INDEX_DIR).iterdir() if p.is_dir())


def found(query, user=None):
    return [p.title for p in search(query, user=user).passages]


def test_a_build_makes_its_versions_ready(queued):
    document = queued()
    indexing.process_version(newest(document).pk)
    assert indexing.build_index()
    document.refresh_from_db()
    version = newest(document)
    assert (version.state, version.step, version.percent) == ("ready", "done", 100)
    assert version.finished_at is not None
    assert document.active_version == version
    build = active()
    assert (build.vectors, build.documents) == (version.chunk_count, 1)
    assert build.model == "bag-of-words@1"
    assert build.bytes > 0


def test_nothing_new_builds_nothing(add_text):
    add_text("Leave", LEAVE)
    assert indexing.build_index() is False
    assert IndexBuild.objects.count() == 1


def test_without_documents_there_is_no_build(db):
    assert indexing.build_index() is False
    assert not IndexBuild.objects.exists()


def test_several_documents_share_one_build(queued):
    for n in range(5):
        indexing.process_version(newest(queued(f"text about thing{n}", f"T{n}")).pk)
    assert indexing.build_index()
    assert IndexBuild.objects.count() == 1
    assert active().documents == 5


def test_what_arrives_during_a_build_gets_one_more(queued):
    """The second document is embedded while the first build writes its vectors."""
    first, second = queued("first text", "First"), queued("second text", "Second")
    indexing.process_version(newest(first).pk)

    class BusyEmbedder(BagOfWordsEmbedder):
        def embed_passages(self, texts):
            conf.set_embedder(BagOfWordsEmbedder("other@1"))
            indexing.process_version(newest(second).pk)
            return super().embed_passages(texts)

    conf.set_embedder(BusyEmbedder("other@1"))  # so that this build has to embed again
    assert indexing.build_index()
    assert active().documents == 2
    state = IndexState.objects.get()
    assert state.built == state.wanted


def test_one_build_at_a_time(queued):
    indexing.process_version(newest(queued()).pk)
    lease = claim_build(full=True)
    assert claim_build(full=True) is None
    assert indexing.build_index() is False
    lease.close()
    assert indexing.build_index()


def test_one_extension_at_a_time(add_text, queued):
    add_text("Leave", LEAVE)
    indexing.process_version(newest(queued("words about parking", "Parking")).pk)
    lease = claim_build()
    assert claim_build() is None
    assert indexing.build_index() is False
    lease.close()
    assert indexing.build_index()
    assert active().base is not None


def test_a_build_that_was_overtaken_publishes_nothing(queued, settings):
    """The first builder is paused beyond its lease; a second one publishes; the first wakes up."""
    indexing.process_version(newest(queued()).pk)
    Embedding.objects.all().delete()

    class PausedEmbedder(BagOfWordsEmbedder):
        def embed_passages(self, texts):
            conf.set_embedder(BagOfWordsEmbedder())
            IndexState.objects.update(full_lease_until=timezone.now() - timedelta(seconds=1))
            assert indexing.build_index()
            return super().embed_passages(texts)

    conf.set_embedder(PausedEmbedder())
    assert indexing.build_index() is False
    assert IndexBuild.objects.exclude(state="failed").count() == 1
    assert folders(settings) == [active().folder]


def test_a_lost_lease_writes_nothing(queued):
    lease = claim_build()
    IndexState.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    assert claim_build() is not None
    with pytest.raises(LeaseLost):
        lease.close(built=99)
    assert IndexState.objects.get().built == 0


def test_a_build_killed_midway_leaves_the_old_one_active(add_text, queued, settings):
    add_text("Leave", LEAVE)
    old = active()
    indexing.process_version(newest(queued("words about parking", "Parking")).pk)
    # What a worker leaves that dies between the rename and the transaction.
    claim_build()
    dead = IndexBuild.objects.create(model="bag-of-words@1", revision=9)
    (Path(settings.INDEX_DIR) / f"build-{dead.pk}").mkdir()
    index_store.forget()
    assert active() == old
    assert found("annual leave") == ["Leave"]

    IndexState.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    assert indexing.build_index()
    dead.refresh_from_db()
    assert dead.state == "failed"
    assert f"build-{dead.pk}" not in folders(settings)
    assert found("parking words")[0] == "Parking"


def test_a_failed_build_says_so_and_is_tried_again_later(add_text, queued, settings):
    add_text("Leave", LEAVE)
    old = active()
    indexing.process_version(newest(queued("more words", "More")).pk)
    settings.MIN_FREE_BYTES = 2**62
    assert indexing.build_index() is False
    failed = IndexBuild.objects.get(state="failed")
    assert "disk space" in failed.error
    assert active() == old
    settings.MIN_FREE_BYTES = 0
    assert indexing.build_index() is False  # not due yet
    request_rebuild()
    assert indexing.build_index()


def test_the_same_failure_is_noted_once(queued, settings):
    indexing.process_version(newest(queued()).pk)
    settings.MIN_FREE_BYTES = 2**62
    for _ in range(3):
        IndexState.objects.update(due_at=timezone.now() - timedelta(seconds=1))
        indexing.build_index()
    assert IndexBuild.objects.filter(state="failed").count() == 1


def test_of_full_builds_three_are_kept(add_text, settings):
    add_text("T", "text")
    for _ in range(4):
        request_rebuild()
        assert indexing.build_index()
    states = list(IndexBuild.objects.order_by("pk").values_list("state", flat=True))
    assert states == ["removed", "removed", "kept", "kept", "active"]
    kept = IndexBuild.objects.filter(state__in=("kept", "active"))
    assert folders(settings) == sorted(kept.values_list("folder", flat=True))


def test_of_extensions_the_last_one_is_kept_with_what_they_extend(add_text, settings):
    for n in range(5):
        add_text(f"T{n}", f"text number {n}")
    states = list(IndexBuild.objects.order_by("pk").values_list("state", flat=True))
    assert states == ["kept", "removed", "removed", "kept", "active"]
    kept = IndexBuild.objects.filter(state__in=("kept", "active"))
    assert folders(settings) == sorted(kept.values_list("folder", flat=True))


@pytest.mark.parametrize(("number", "left"), [(0, 1), (1, 2), (3, 4)])
def test_how_many_are_kept_is_a_setting(add_text, settings, number, left):
    settings.KEPT_BUILDS = number
    add_text("T", "text")
    for _ in range(4):
        request_rebuild()
        assert indexing.build_index()
    assert len(folders(settings)) == left


def test_builds_with_a_deleted_document_go_with_the_next_build(add_text, settings):
    first = add_text("First", "needleone text")
    add_text("Second", "other text")
    chunks = chunks_of(first)
    delete_document(first)
    assert holding(chunks)
    assert indexing.build_index()
    assert active().documents == 1
    assert folders(settings) == [active().folder]
    assert holding(chunks) == []


def test_without_any_document_left_no_build_is_active(add_text, settings):
    document = add_text("Only", "needle text")
    delete_document(document)
    assert indexing.build_index()
    assert not IndexBuild.objects.filter(state__in=("active", "kept")).exists()
    assert folders(settings) == []
    assert search("needle", user=None).passages == ()
    assert indexing.is_build_due() is False


def test_another_embedding_model_embeds_again_beside_the_running_build(add_text):
    add_text("Leave", LEAVE)
    old = active()
    conf.set_embedder(BagOfWordsEmbedder("other@1"))
    assert active() == old
    request_rebuild()
    assert indexing.build_index()
    assert active().model == "other@1"
    assert Embedding.objects.filter(model="other@1").exists()


def test_a_lost_vector_is_embedded_again(add_text):
    add_text("Leave", LEAVE)
    Embedding.objects.all().delete()
    request_rebuild()
    assert indexing.build_index()
    assert active().vectors == Embedding.objects.count()


def test_a_rebuild_embeds_nothing(add_text, fake_embedder):
    add_text("Leave", LEAVE)
    before = len(fake_embedder.embedded)
    request_rebuild()
    assert indexing.build_index()
    assert len(fake_embedder.embedded) == before


def test_a_new_title_reaches_the_index(add_text):
    document = add_text("Leave", LEAVE)
    update_document(document, DocumentChanges(title="Sabbatical"))
    assert IndexState.objects.get().wanted > IndexState.objects.get().built
    assert indexing.build_index()
    assert found("sabbatical") == ["Sabbatical"]


@pytest.mark.django_db(transaction=True)
def test_two_builders_at_once_publish_each_state_once(queued):
    for n in range(3):
        indexing.process_version(newest(queued(f"text about thing{n}", f"T{n}")).pk)
    results = []

    def build():
        try:
            results.append(indexing.build_index())
        finally:
            connections.close_all()

    threads = [threading.Thread(target=build) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results.count(True) == 1
    assert IndexBuild.objects.filter(state="active").count() == 1
    assert Document.objects.exclude(active_version=None).count() == 3


def test_a_version_that_is_cancelled_while_it_is_built_does_not_answer(add_text):
    document = add_text("Leave", "first words")
    version = add_version(document, "second words")
    indexing.process_version(version.pk)

    class CancellingEmbedder(BagOfWordsEmbedder):
        def embed_passages(self, texts):
            if not self.embedded:
                cancel(document)
            return super().embed_passages(texts)

    conf.set_embedder(CancellingEmbedder("other@1"))  # so that this build has to embed again
    assert indexing.build_index()
    document.refresh_from_db()
    version.refresh_from_db()
    assert (document.active_version.number, version.state) == (1, "cancelled")
    assert {p.text for p in search("words", user=None).passages} == {"first words"}
    state = IndexState.objects.get()
    assert state.built == state.wanted
    assert not IndexBuild.objects.filter(state="failed").exists()


def test_only_what_is_embedded_or_ready_is_pointed_at(add_text):
    document = add_text("Leave", "first words")
    version = add_version(document, "second words")
    chosen = [rows.Chosen(document.pk, "Leave", version.pk)]
    for state, number in (("cancelled", 1), ("embedded", 2)):
        document.versions.filter(pk=version.pk).update(state=state)
        with transaction.atomic():
            point_at(chosen)
        document.refresh_from_db()
        assert document.active_version.number == number
