"""A version from bytes to chunks: claimed once, retried, given up, never twice."""

import threading
import uuid
from datetime import timedelta

import pytest
from django.db import InterfaceError
from django.utils import timezone

from knowledge import conf, indexing, storage
from knowledge.indexing.leases import LEASE, Heartbeat, LeaseLost, VersionLease, claim_version
from knowledge.models import Chunk, DocumentVersion, Embedding, IndexState, VersionState
from knowledge.retrieval.embedder import EmbedderUnavailable
from knowledge.services import add_version, cancel
from tests.fakes import BagOfWordsEmbedder
from tests.knowledge.conftest import LEAVE, newest

pytestmark = [pytest.mark.django_db, pytest.mark.engine]

LONG = "# Handbook\n\n" + "\n\n".join(
    f"## Part {n}\n\nRule number {n} says something about topic{n} that nobody else says."
    for n in range(40)
)


class ExplodingEmbedder(BagOfWordsEmbedder):
    """Breaks off like a bug or a full disk would."""

    def embed_passages(self, texts):
        raise RuntimeError("unforeseen")


class AbsentEmbedder(BagOfWordsEmbedder):
    def embed_passages(self, texts):
        raise EmbedderUnavailable("no model")


def expire(version):
    past = timezone.now() - timedelta(seconds=1)
    DocumentVersion.objects.filter(pk=version.pk).update(lease_until=past, due_at=past)


def test_a_text_becomes_chunks_that_lie_where_they_say(queued):
    version = queued(LONG, "Handbook").versions.get()
    assert indexing.process_version(version.pk)
    version.refresh_from_db()
    chunks = list(version.chunks.all())
    assert (version.state, version.step, version.error) == ("embedded", "indexing", "")
    assert version.chunk_count == len(chunks) > 1
    assert all(version.text[c.start : c.end] == c.text for c in chunks)
    assert [c.ordinal for c in chunks] == list(range(len(chunks)))
    assert set(Embedding.objects.values_list("content_hash", flat=True)) == {
        c.content_hash for c in chunks
    }
    assert (version.lease_token, version.attempts) == (None, 1)


def test_the_same_content_is_embedded_once(queued, fake_embedder, work):
    queued()
    work()
    before = len(fake_embedder.embedded)
    queued()
    work()
    assert len(fake_embedder.embedded) == before
    assert Chunk.objects.count() == 2 * Embedding.objects.count()


def test_a_version_is_claimed_once(queued):
    version = queued().versions.get()
    assert claim_version(version.pk) is not None
    assert claim_version(version.pk) is None
    assert indexing.process_version(version.pk) is False


def test_an_expired_lease_is_claimed_again_and_the_old_worker_changes_nothing(queued):
    version = queued().versions.get()
    paused = claim_version(version.pk)
    expire(version)
    assert indexing.process_version(version.pk)
    chunks = set(version.chunks.values_list("pk", flat=True))

    with pytest.raises(LeaseLost):
        paused.write(percent=1)
    with pytest.raises(LeaseLost):
        paused.close(state=VersionState.FAILED, error="from the past")
    assert paused.renew() is False

    version.refresh_from_db()
    assert (version.state, version.error, version.attempts) == ("embedded", "", 2)
    assert set(version.chunks.values_list("pk", flat=True)) == chunks


def test_a_worker_that_is_overtaken_in_the_middle_leaves_the_chunks_of_the_other(queued):
    """The first worker is paused while it embeds; the second one finishes; the first wakes up."""
    version = queued(LONG, "Handbook").versions.get()

    class PausedEmbedder(BagOfWordsEmbedder):
        def embed_passages(self, texts):
            conf.set_embedder(BagOfWordsEmbedder())
            expire(version)
            assert indexing.process_version(version.pk)
            return super().embed_passages(texts)

    conf.set_embedder(PausedEmbedder())
    assert indexing.process_version(version.pk) is False
    version.refresh_from_db()
    assert version.state == "embedded"
    ordinals = list(version.chunks.values_list("ordinal", flat=True))
    assert ordinals == list(range(version.chunk_count))


def test_what_a_dead_attempt_left_is_replaced(queued):
    version = queued().versions.get()
    Chunk.objects.create(
        version=version, ordinal=0, start=0, end=3, text="old", tokens=1, content_hash="0" * 64
    )
    assert indexing.process_version(version.pk)
    assert "old" not in version.chunks.values_list("text", flat=True)


def test_an_unforeseen_error_is_tried_three_times_and_then_said(queued):
    conf.set_embedder(ExplodingEmbedder())
    version = queued().versions.get()
    for attempt in (1, 2):
        assert indexing.process_version(version.pk) is False
        version.refresh_from_db()
        assert (version.state, version.attempts) == ("queued", attempt)
        assert version.due_at > timezone.now()
        assert indexing.process_version(version.pk) is False  # not due yet
        expire(version)
    indexing.process_version(version.pk)
    version.refresh_from_db()
    assert (version.state, version.attempts) == ("failed", 3)
    assert "three times" in version.error


def test_a_file_that_kills_its_worker_each_time_is_given_up(queued):
    version = queued().versions.get()
    for _ in range(3):
        assert claim_version(version.pk) is not None  # and the worker dies
        expire(version)
    assert claim_version(version.pk) is None
    assert indexing.give_up_exhausted() == 1
    version.refresh_from_db()
    assert (version.state, version.attempts) == ("failed", 3)
    assert indexing.due_version_ids(10) == []


def test_without_its_model_a_document_waits_and_is_not_blamed(queued):
    conf.set_embedder(AbsentEmbedder())
    version = queued().versions.get()
    for _ in range(5):
        indexing.process_version(version.pk)
        expire(version)
    version.refresh_from_db()
    assert (version.state, version.attempts) == ("queued", 0)
    conf.set_embedder(BagOfWordsEmbedder())
    assert indexing.process_version(version.pk)


def test_a_missing_file_fails_at_once_with_a_sentence(queued):
    version = queued().versions.get()
    storage.remove([version.file])
    indexing.process_version(version.pk)
    version.refresh_from_db()
    assert (version.state, version.attempts) == ("failed", 1)
    assert "missing" in version.error


def test_a_broken_pdf_fails_at_once_and_the_old_version_answers_on(add_text, new_file, work):
    document = add_text("Leave", LEAVE)
    add_version(document, new_file("leave.pdf", b"%PDF-1.4\nnot really"))
    work()
    document.refresh_from_db()
    failed = newest(document)
    assert (failed.number, failed.state, failed.attempts) == (2, "failed", 1)
    assert failed.error.endswith(".")
    assert document.active_version.number == 1


def test_a_text_without_words_fails_with_a_sentence(queued):
    version = queued("\u200b\u200b").versions.get()
    indexing.process_version(version.pk)
    version.refresh_from_db()
    assert version.state == "failed"
    assert version.error


def test_cancelling_while_it_is_read_keeps_it_cancelled(queued):
    document = queued()
    version = document.versions.get()

    class CancellingEmbedder(BagOfWordsEmbedder):
        def embed_passages(self, texts):
            cancel(document)
            return super().embed_passages(texts)

    conf.set_embedder(CancellingEmbedder())
    assert indexing.process_version(version.pk) is False
    version.refresh_from_db()
    assert version.state == "cancelled"
    assert not IndexState.objects.filter(wanted__gt=0).exists()


def test_a_full_disk_leaves_the_version_waiting(queued, settings):
    version = queued().versions.get()
    settings.MIN_FREE_BYTES = 2**62
    assert indexing.process_version(version.pk) is False
    version.refresh_from_db()
    assert (version.state, version.attempts) == ("queued", 0)


def test_a_version_that_is_gone_is_no_error(db):
    assert indexing.process_version(12345) is False


def test_a_lease_is_two_minutes_of_the_databases_clock(queued):
    version = queued().versions.get()
    claim_version(version.pk)
    version.refresh_from_db()
    left = version.lease_until - timezone.now()
    assert LEASE - timedelta(seconds=10) < left <= LEASE + timedelta(seconds=2)


@pytest.mark.django_db(transaction=True)
def test_the_heartbeat_renews_and_notices_a_loss(queued):
    version = queued().versions.get()
    lease = claim_version(version.pk)
    expire(version)
    with Heartbeat(lease.renew, every_seconds=0.02) as heartbeat:
        deadline = timezone.now() + timedelta(seconds=5)
        while timezone.now() < deadline:
            version.refresh_from_db()
            if version.lease_until > timezone.now():
                break
        assert version.lease_until > timezone.now()
        DocumentVersion.objects.update(lease_token=uuid.uuid4())
        assert heartbeat.lost.wait(5)
        with pytest.raises(LeaseLost):
            heartbeat.check()


def test_a_lease_of_another_token_is_not_ours(queued):
    version = queued().versions.get()
    claim_version(version.pk)
    assert VersionLease(version.pk, uuid.uuid4()).is_ours() is False


def test_without_its_model_nothing_is_read_and_the_version_is_due_later(queued):
    class MissingEmbedder(BagOfWordsEmbedder):
        @property
        def fingerprint(self):
            raise EmbedderUnavailable("no files")

        @fingerprint.setter
        def fingerprint(self, value):
            """The files that it would be read from are not there."""

    version = queued().versions.get()
    conf.set_embedder(MissingEmbedder())
    assert indexing.process_version(version.pk) is False
    version.refresh_from_db()
    assert (version.state, version.attempts, version.started_at) == ("queued", 0, None)
    assert version.due_at > timezone.now() + timedelta(seconds=30)
    assert indexing.due_version_ids(10) == []


def test_a_beat_survives_a_connection_that_breaks():
    beaten = threading.Event()

    def renew():
        if not beaten.is_set():
            beaten.set()
            raise InterfaceError("connection already closed")
        return False

    with Heartbeat(renew, every_seconds=0.01) as heartbeat:
        assert heartbeat.lost.wait(5)
