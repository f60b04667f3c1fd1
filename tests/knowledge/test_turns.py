"""A long document is embedded in turns: what is short does not wait for its end."""

import time

import pytest
from celery import current_app
from django.utils import timezone

from knowledge import conf, indexing, storage, tasks
from knowledge.indexing import embedding
from knowledge.indexing.embedding import Turn
from knowledge.indexing.leases import LeaseLost, claim_version
from knowledge.models import DocumentVersion, Embedding
from knowledge.services import cancel, reprocess
from tests.fakes import BagOfWordsEmbedder
from tests.knowledge.conftest import newest
from tests.knowledge.test_processing import expire

pytestmark = [pytest.mark.django_db, pytest.mark.engine]

RULES = " ".join(f"Rule {{n}}.{m} says that item{m} is kept dry." for m in range(12))
LONG = "# Handbook\n\n" + "\n\n".join(f"## Part {n}\n\n" + RULES.format(n=n) for n in range(200))


@pytest.fixture(autouse=True)
def messages(monkeypatch):
    """What lies in the broker, first in, first out."""
    sent = []
    monkeypatch.setattr(
        current_app, "send_task", lambda name, args=(), **_: sent.append((name, *args))
    )
    return sent


@pytest.fixture(autouse=True)
def _a_batch_a_turn(monkeypatch):
    monkeypatch.setattr(embedding, "_WORTH", 0)


@pytest.fixture
def short_turns(monkeypatch):
    monkeypatch.setattr(tasks, "_DOCUMENT_SECONDS", 0.0)


class Killed(BaseException):
    """Ends a process like kill -9: nobody catches it, nothing is written."""


class MortalEmbedder(BagOfWordsEmbedder):
    """Embeds some batches, and then its process is killed."""

    def __init__(self, batches):
        super().__init__()
        self.batches = batches

    def embed_passages(self, texts):
        if self.batches == 0:
            raise Killed
        self.batches -= 1
        return super().embed_passages(texts)


def turns_of(version, most=50):
    """Turns until it is embedded; returns how many it took."""
    for number in range(1, most):
        if indexing.process_version(version.pk, 0.0):
            return number
    raise AssertionError("it does not come to its end")


def test_one_place_serves_what_is_short_before_a_long_document_ends(
    queued, messages, short_turns, django_capture_on_commit_callbacks
):
    with django_capture_on_commit_callbacks(execute=True):
        long, short = queued(LONG, "Handbook"), queued("needleword", "Short")
    ended = []
    while messages:
        name, pk = messages.pop(0)
        assert name == "knowledge.tasks.process_version"
        if tasks.process_version(pk):
            ended.append(DocumentVersion.objects.get(pk=pk).document)
    assert ended == [short, long]


def test_each_turn_goes_on_where_the_last_one_ended(queued, fake_embedder):
    version = newest(queued(LONG, "Handbook"))
    assert indexing.process_version(version.pk, 0.0) is False
    version.refresh_from_db()
    first = version.percent
    assert (version.state, version.step, version.attempts) == ("processing", "embedding", 0)
    assert (version.lease_token, 45 < first < 95) == (None, True)
    chunks = set(version.chunks.values_list("pk", flat=True))
    storage.remove([version.file])  # so it cannot be read again
    assert indexing.process_version(version.pk, 0.0) is False
    version.refresh_from_db()
    assert version.percent > first
    turns_of(version)
    version.refresh_from_db()
    assert (version.state, version.error, version.progress) == ("embedded", "", {})
    assert set(version.chunks.values_list("pk", flat=True)) == chunks
    assert version.chunk_count == len(chunks) > 128
    assert len(fake_embedder.embedded) == len(set(fake_embedder.embedded))
    assert set(Embedding.objects.values_list("content_hash", flat=True)) == set(
        version.chunks.values_list("content_hash", flat=True)
    )


def test_what_is_embedded_in_turns_is_what_is_embedded_at_once(queued, fake_embedder):
    version = newest(queued(LONG, "Handbook"))
    turns_of(version)
    in_turns = sorted(fake_embedder.embedded)
    Embedding.objects.all().delete()
    fake_embedder.embedded.clear()
    document = version.document
    DocumentVersion.objects.filter(pk=version.pk).update(state="cancelled")
    indexing.process_version(reprocess(document).pk)
    assert sorted(fake_embedder.embedded) == in_turns


def test_it_goes_behind_those_that_wait(queued):
    long, short = queued(LONG, "Handbook"), queued("needleword", "Short")
    assert indexing.due_version_ids(10) == [newest(long).pk, newest(short).pk]
    indexing.process_version(newest(long).pk, 0.0)
    assert indexing.due_version_ids(10) == [newest(short).pk, newest(long).pk]


@pytest.mark.parametrize("batches", [0, 1, 2])
def test_killed_in_any_turn_it_goes_on_with_what_was_stored(queued, batches):
    version = newest(queued(LONG, "Handbook"))
    assert indexing.process_version(version.pk, 0.0) is False
    conf.set_embedder(MortalEmbedder(batches))
    with pytest.raises(Killed):
        indexing.process_version(version.pk)
    assert indexing.process_version(version.pk) is False  # the dead one's lease holds
    expire(version)
    storage.remove([version.file])
    survivor = BagOfWordsEmbedder()
    conf.set_embedder(survivor)
    assert indexing.process_version(version.pk)
    version.refresh_from_db()
    assert (version.state, version.attempts) == ("embedded", 2)
    assert len(survivor.embedded) == version.chunk_count - 64 * (1 + batches)


def test_another_process_goes_on_without_reading_it_again(queued, fake_embedder, monkeypatch):
    version = newest(queued(LONG, "Handbook"))
    assert indexing.process_version(version.pk, 0.0) is False
    storage.remove([version.file])
    while not indexing.process_version(version.pk, 0.0):
        monkeypatch.setattr(embedding, "_kept", embedding._Kept())
    assert newest(version.document).chunk_count == len(fake_embedder.embedded)


def test_little_is_kept_in_memory_between_turns(queued, fake_embedder, monkeypatch):
    monkeypatch.setattr(embedding, "_MOST_KEPT", 250)
    documents = [queued(LONG.replace("Rule", f"Rule {n}"), f"Book {n}") for n in range(3)]
    while waiting := indexing.due_version_ids(1):
        indexing.process_version(waiting[0], 0.0)
        assert sum(len(job.order) for job in embedding._kept._jobs.values()) <= 250
    assert {newest(one).state for one in documents} == {"embedded"}
    assert len(fake_embedder.embedded) == len(set(fake_embedder.embedded))


def test_killed_before_all_chunks_are_stored_it_is_split_again(queued):
    version = newest(queued(LONG, "Handbook"))
    indexing.process_version(version.pk, 0.0)
    version.chunks.filter(ordinal__gt=100).delete()
    assert turns_of(version) > 1
    version.refresh_from_db()
    ordinals = list(version.chunks.order_by("ordinal").values_list("ordinal", flat=True))
    assert ordinals == list(range(version.chunk_count))


def test_a_message_that_comes_twice_finds_the_turn_taken(queued):
    version = newest(queued(LONG, "Handbook"))
    indexing.process_version(version.pk, 0.0)
    lease = claim_version(version.pk)
    assert claim_version(version.pk) is None
    assert indexing.process_version(version.pk, 0.0) is False
    lease.lapse(due_at=timezone.now())
    with pytest.raises(LeaseLost):
        lease.write(percent=1)
    with pytest.raises(LeaseLost):
        lease.lapse()
    turns_of(version)


def test_cancelled_between_two_turns_it_stays_cancelled_and_is_read_anew_when_asked(queued):
    document = queued(LONG, "Handbook")
    indexing.process_version(newest(document).pk, 0.0)
    cancel(document)
    assert indexing.process_version(newest(document).pk, 0.0) is False
    assert newest(document).state == "cancelled"
    version = reprocess(document)
    assert version.progress == {}
    storage.remove([version.file])
    indexing.process_version(version.pk)
    assert "missing" in newest(document).error


def test_a_new_title_between_two_turns_costs_no_vector(queued, fake_embedder):
    document = queued(LONG, "Handbook")
    version = newest(document)
    indexing.process_version(version.pk, 0.0)
    type(document).objects.filter(pk=document.pk).update(title="Another")
    turns_of(version)
    assert not any("Another" in text for text in fake_embedder.embedded)
    assert len(fake_embedder.embedded) == version.chunks.count()


def test_headings_longer_than_their_column_change_nothing(queued, fake_embedder):
    version = newest(queued(LONG.replace("# Handbook", f"# {'word ' * 150}"), "Endless"))
    storage_file = version.file
    assert indexing.process_version(version.pk, 0.0) is False
    storage.remove([storage_file])
    turns_of(version)
    assert len(fake_embedder.embedded) == len(set(fake_embedder.embedded))


def test_what_takes_long_to_split_has_a_longer_turn(queued, monkeypatch):
    monkeypatch.setattr(embedding, "_WORTH", 3)
    version = newest(queued(LONG, "Handbook"))
    turn = Turn(claim_version(version.pk), None, 0.0)
    time.sleep(0.1)
    turn.begin_embedding()
    assert not turn.is_over()
    time.sleep(0.35)
    assert turn.is_over()
    assert Turn(turn.lease, None).is_over() is False
