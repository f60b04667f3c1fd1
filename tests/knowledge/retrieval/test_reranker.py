"""A cross-encoder ranks passages again, within its time, or leaves them as they are."""

import threading
import time

import pytest

from knowledge.retrieval.reranker import CrossEncoderReranker, RerankerUnavailable, order
from tests.knowledge.retrieval.tiny_reranker import tiny_reranker


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return tiny_reranker(tmp_path_factory.mktemp("reranker"))


@pytest.fixture(scope="module")
def reranker(model):
    made = CrossEncoderReranker(model)
    made.warm_up()
    return made


@pytest.mark.model
def test_each_passage_has_its_own_score_whatever_its_company(reranker):
    passages = ["leave pay", "the cat is long", "office " * 500, ""]
    together = reranker.scores("how long is the leave", passages, 30)
    assert len(together) == 4
    assert all(0 <= score <= 1 for score in together)
    assert len(set(together)) == 4
    alone = [reranker.scores("how long is the leave", [text], 30)[0] for text in passages]
    assert together == pytest.approx(alone, abs=1e-4)
    assert reranker.scores("how long", [], 30) == []


@pytest.mark.model
def test_it_is_given_up_when_its_time_is_over(reranker):
    started = time.monotonic()
    assert reranker.scores("how long", ["cat dog " * 30] * 5000, 0.05) is None
    assert time.monotonic() - started < 1
    # What was given up does not keep the next question waiting.
    assert reranker.scores("how long", ["cat"], 5) is not None


@pytest.mark.model
def test_many_may_ask_at_once(reranker):
    found = []
    threads = [
        threading.Thread(target=lambda: found.append(reranker.scores("how", ["cat", "dog"], 30)))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert all(scores == pytest.approx(found[0], abs=1e-5) for scores in found)


def test_a_model_that_is_not_there_says_so(tmp_path):
    with pytest.raises(RerankerUnavailable, match="nowhere"):
        CrossEncoderReranker(str(tmp_path / "nowhere")).scores("how", ["cat"], 30)


@pytest.mark.model
def test_a_damaged_model_says_so_again_without_being_read_again(tmp_path, model):
    (tmp_path / "config.json").write_text("{broken")
    damaged = CrossEncoderReranker(str(tmp_path))
    with pytest.raises(RerankerUnavailable, match="does not load"):
        damaged.scores("how", ["cat"], 60)
    started = time.monotonic()
    with pytest.raises(RerankerUnavailable):
        damaged.scores("how", ["cat"], 60)
    assert time.monotonic() - started < 0.2


def test_the_best_comes_first_and_equals_keep_their_order():
    assert order([0.1, 0.9, 0.1, 0.5]) == [1, 3, 0, 2]
    assert order([]) == []
