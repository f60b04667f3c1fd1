"""A command that is told to wait comes back when all is searchable, whoever does the work."""

import threading
import time
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError
from django.db import connections
from django.utils import timezone

from knowledge import conf, indexing
from knowledge.indexing.leases import claim_version
from knowledge.management import waiting
from knowledge.models import DocumentVersion
from knowledge.search import search
from tests.fakes import BagOfWordsEmbedder
from tests.knowledge.conftest import newest

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.engine]


class HeldEmbedder(BagOfWordsEmbedder):
    """Embeds when it is let; who waits for it is at work."""

    def __init__(self):
        super().__init__()
        self.begun, self.go_on = threading.Event(), threading.Event()

    def embed_passages(self, texts):
        self.begun.set()
        assert self.go_on.wait(30)
        return super().embed_passages(texts)


def run(*documents):
    out, errors = StringIO(), StringIO()
    try:
        waiting.process([newest(one).pk for one in documents], out, errors)
    finally:
        run.said = (out.getvalue(), errors.getvalue())
    return out.getvalue()


@pytest.fixture
def impatient(monkeypatch):
    """What is waited for takes less time in a test."""
    monkeypatch.setattr(waiting, "_LOOK_SECONDS", 0.05)
    monkeypatch.setattr(waiting, "_PATIENCE_SECONDS", 0.5)


def test_what_a_worker_has_is_waited_for(queued):
    embedder = HeldEmbedder()
    conf.set_embedder(embedder)
    document = queued("# Leave\n\nneedleword of leave")

    def work():
        try:
            indexing.process_version(newest(document).pk)
        finally:
            connections.close_all()

    worker = threading.Thread(target=work)
    worker.start()
    assert embedder.begun.wait(30)
    threading.Timer(1.5, embedder.go_on.set).start()
    began = time.monotonic()
    out = run(document)
    worker.join()
    assert time.monotonic() - began > 1
    assert "Waiting for 1 " in out
    assert out.endswith("1 of 1 are searchable.")
    assert search("needleword", user=None).passages


def test_what_a_dead_worker_had_is_taken_over(queued, impatient):
    document = queued()
    claim_version(newest(document).pk)
    soon = timezone.now() + timedelta(seconds=0.2)
    DocumentVersion.objects.update(lease_until=soon)
    assert "1 of 1 are searchable." in run(document)


def test_one_that_failed_is_an_error_after_the_others_are_searchable(queued):
    good, bad = queued("needleword"), queued("\u200b\u200b", "Empty")
    with pytest.raises(CommandError, match="1 of 2 files could not be read"):
        run(good, bad)
    out, errors = run.said
    assert "1 of 2 are searchable." in out
    assert errors.startswith("Empty: ")
    assert search("needleword", user=None).passages


def test_one_that_was_deleted_or_cancelled_meanwhile_is_no_error(queued):
    document, other = queued("needleword"), queued("other")
    DocumentVersion.objects.filter(document=other).update(state="cancelled")
    assert "1 of 2 are searchable." in run(document, other)


def test_where_nothing_goes_on_it_says_so(queued, impatient):
    document = queued()
    claim_version(newest(document).pk)
    with pytest.raises(CommandError, match="did not go on"):
        run(document)


def test_a_full_disk_is_said_at_once(queued, settings):
    document = queued()
    settings.MIN_FREE_BYTES = 2**62
    with pytest.raises(CommandError, match="disk space"):
        run(document)


def test_nothing_to_wait_for_is_no_error(db):
    assert "0 of 0 are searchable." in run()
