"""The time that is left of a document follows from its embedding's own pace, once that is known."""

import time

import pytest

from knowledge import conf, indexing
from knowledge.catalogue import seconds_left
from knowledge.models import DocumentVersion, VersionState
from tests.fakes import BagOfWordsEmbedder
from tests.knowledge.conftest import newest

PROGRESS = {"total": 1000, "from": 200, "done": 400, "spent": 30.0}


def version(state=VersionState.PROCESSING, step="embedding", **progress):
    return DocumentVersion(state=state, step=step, percent=60, progress={**PROGRESS, **progress})


def test_it_follows_from_the_pace_of_embedding_alone():
    assert seconds_left(version()) == 90


def test_what_had_a_vector_before_says_nothing_of_the_pace():
    assert seconds_left(version(**{"from": 0})) == 45


@pytest.mark.parametrize(
    "made",
    [
        version(step="extracting"),
        version(done=210),  # too little to know
        version(done=200),
        version(VersionState.QUEUED),
        version(VersionState.READY),
        DocumentVersion(state=VersionState.PROCESSING, step="embedding", percent=45),
    ],
)
def test_it_is_not_guessed(made):
    assert seconds_left(made) is None


@pytest.mark.engine
@pytest.mark.django_db
def test_quick_reading_does_not_promise_quick_embedding(queued):
    """What is told while a document is embedded is right from the first batch on."""
    text = "# Handbook\n\n" + "\n\n".join(
        f"## Part {n}\n\n" + " ".join(f"Rule {n}.{m} of word{n} is kept dry." for m in range(12))
        for n in range(320)
    )
    document, told = queued(text, "Handbook"), []

    class SteadyEmbedder(BagOfWordsEmbedder):
        def embed_passages(self, texts):
            told.append((seconds_left(newest(document)), time.monotonic()))
            time.sleep(0.02 * len(texts))
            return super().embed_passages(texts)

    conf.set_embedder(SteadyEmbedder())
    assert indexing.process_version(newest(document).pk)
    ended = time.monotonic()
    assert len(told) >= 5
    assert told[0][0] is None
    for left, at in told[1:]:
        assert left == pytest.approx(ended - at, rel=0.6, abs=1.5)
    assert newest(document).progress == {}
