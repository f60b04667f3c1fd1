"""A search whose passages a cross-encoder ranks again, and one that does without."""

import pytest

from knowledge.search import search
from tests.knowledge.retrieval.tiny_reranker import tiny_reranker

pytestmark = [pytest.mark.django_db]
QUESTION = "how long is annual leave carried over"
TEXTS = {
    "Leave": "Annual leave is carried over into the next year for five days.",
    "Office": "The office is open; a cat and a dog are there on most days.",
    "Days": "How long is long? Days are long in summer.",
}


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return tiny_reranker(tmp_path_factory.mktemp("reranker"))


@pytest.fixture
def documents(add_text):
    for title, text in TEXTS.items():
        add_text(title, text)


def rerank_scores(result):
    return [passage.scores.rerank for passage in result.passages]


@pytest.mark.model
def test_the_reranker_orders_what_was_found(documents, settings, model):
    plain = search(QUESTION, user=None)
    settings.RERANKER_MODEL = model
    settings.RERANKER_TIMEOUT_MS = 60_000
    result = search(QUESTION, user=None)
    assert result.degraded == ()
    assert rerank_scores(result) == sorted(rerank_scores(result), reverse=True)
    assert {p.title for p in result.passages} == {p.title for p in plain.passages}
    assert result.answerable == plain.answerable
    assert rerank_scores(plain) == [None] * len(plain.passages)


def test_a_missing_reranker_leaves_the_order_and_is_told(documents, settings, tmp_path):
    plain = search(QUESTION, user=None)
    settings.RERANKER_MODEL = str(tmp_path / "nowhere")
    result = search(QUESTION, user=None)
    assert result.degraded == ("rerank",)
    assert [p.title for p in result.passages] == [p.title for p in plain.passages]
    assert rerank_scores(result) == [None] * len(result.passages)


@pytest.mark.model
def test_a_slow_reranker_leaves_the_order_and_is_told(documents, settings, model):
    settings.RERANKER_MODEL = model
    settings.RERANKER_TIMEOUT_MS = 60_000
    search(QUESTION, user=None)  # loaded
    settings.RERANKER_TIMEOUT_MS = 0
    result = search(QUESTION, user=None)
    assert result.degraded == ("rerank",)
    assert result.passages
