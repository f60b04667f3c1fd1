"""The vectors of questions: together, remembered, and never waited for long."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from knowledge import conf, health
from knowledge.retrieval.embedder import EmbedderUnavailable
from knowledge.search import query_vectors as asking
from knowledge.search import search
from knowledge.search.circuit import Circuit
from knowledge.search.query_line import MOST, QueryLine
from knowledge.search.remembered import Remembered
from tests.fakes import BagOfWordsEmbedder
from tests.knowledge.conftest import LEAVE


class Moody(BagOfWordsEmbedder):
    """An embedder whose speed and health the test sets; ``runs`` holds the batches it was given."""

    def __init__(self, fingerprint="moody@1"):
        super().__init__(fingerprint)
        self.delay = 0.0
        self.fault = None
        self.runs = []

    def embed_queries(self, texts):
        self.runs.append(list(texts))
        time.sleep(self.delay)
        if self.fault is not None:
            raise self.fault
        return super().embed_queries(texts)


@pytest.fixture
def moody(fake_embedder, settings):
    settings.QUERY_EMBEDDING_TIMEOUT_MS = 100
    embedder = Moody()
    conf.set_embedder(embedder)
    return embedder


def warmed(embedder):
    assert asking.query_vector("warm up", embedder.fingerprint) is not None
    embedder.runs.clear()
    return embedder


def wait_for(condition, seconds=5.0):
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.01)


def test_a_question_is_embedded_once(moody):
    first = asking.query_vector("how many days?", "moody@1")
    again = asking.query_vector("  how many\n days? ", "moody@1")
    assert np.array_equal(first, again)
    assert moody.runs == [["how many days?"]]
    assert first == pytest.approx(moody.embed_query("how many days?"))


def test_other_forms_of_the_same_characters_are_the_same_question(moody):
    asking.query_vector("Gru\u0308ße", "moody@1")
    asking.query_vector("Grüße", "moody@1")
    assert moody.runs == [["Grüße"]]


def test_a_half_character_harms_nobody(moody):
    assert asking.query_vector("what \ud83d now", "moody@1") is not None
    assert moody.runs == [["what ? now"]]


def test_several_wordings_are_embedded_in_one_run_without_those_known(moody):
    asking.query_vector("annual leave", "moody@1")
    vectors = asking.query_vectors(["leave days", "annual leave", "leave days", "rest"], "moody@1")
    assert moody.runs == [["annual leave"], ["leave days", "rest"]]
    assert vectors.shape == (4, 512)
    assert np.array_equal(vectors[0], vectors[2])
    assert vectors[1] == pytest.approx(moody.embed_query("annual leave"))


def test_what_is_remembered_cannot_be_changed_by_who_got_it(moody):
    vector = asking.query_vector("leave", "moody@1")
    expected = vector.copy()
    vector[:] = 0
    assert asking.query_vector("leave", "moody@1") == pytest.approx(expected)


def test_another_model_than_the_releases_is_not_asked(moody):
    assert asking.query_vector("leave", "other@1") is None
    assert moody.runs == []


def test_memory_is_counted_in_bytes_and_the_oldest_goes_first():
    remembered = Remembered(10 * (400 + 250 + 44))
    for number in range(30):
        remembered.put(f"question {number}", np.zeros(100, dtype=np.float32))
        remembered.get(["question 0"])
    assert remembered.bytes <= 10 * (400 + 250 + 44)
    assert len(remembered) == 10
    assert set(remembered.get([f"question {number}" for number in range(30)])) == {
        "question 0",
        *(f"question {number}" for number in range(21, 30)),
    }


def test_questions_that_wait_go_in_one_run():
    begun, go_on = threading.Event(), threading.Event()
    runs = []

    def embed(texts):
        runs.append(list(texts))
        begun.set()
        assert go_on.wait(5)
        return np.array([[float(text)] for text in texts], dtype=np.float32)

    line = QueryLine(embed)
    first = line.ask(["0"])
    assert begun.wait(5)
    others = [line.ask([str(number)]) for number in range(1, 25)]
    go_on.set()
    assert first.result(5)[0, 0] == 0
    assert [future.result(5)[0, 0] for future in others] == list(range(1, 25))
    assert [len(run) for run in runs] == [1, MOST, 24 - MOST]


def test_who_gave_up_is_not_embedded():
    begun, go_on = threading.Event(), threading.Event()
    runs = []

    def embed(texts):
        runs.append(list(texts))
        begun.set()
        assert go_on.wait(5)
        return np.zeros((len(texts), 2), dtype=np.float32)

    line = QueryLine(embed)
    first = line.ask(["first"])
    assert begun.wait(5)
    assert line.ask(["gone"]).cancel()
    last = line.ask(["last"])
    go_on.set()
    assert (first.result(5).shape, last.result(5).shape) == ((1, 2), (1, 2))
    assert runs == [["first"], ["last"]]


def test_a_fault_reaches_everyone_of_the_run_and_the_next_one_works():
    faults = [EmbedderUnavailable("broken"), ZeroDivisionError("surprise"), None]

    def embed(texts):
        fault = faults.pop(0)
        if fault is not None:
            raise fault
        return np.zeros((len(texts), 2), dtype=np.float32)

    line = QueryLine(embed)
    with pytest.raises(EmbedderUnavailable):
        line.ask(["a"]).result(5)
    with pytest.raises(ZeroDivisionError):
        line.ask(["b"]).result(5)
    assert line.ask(["c"]).result(5).shape == (1, 2)


def test_fewer_vectors_than_texts_are_a_fault():
    with pytest.raises(EmbedderUnavailable):
        QueryLine(lambda texts: np.zeros((1, 2))).ask(["a", "b"]).result(5)


def test_many_callers_get_their_own_vectors_in_few_runs(moody, settings):
    settings.QUERY_EMBEDDING_TIMEOUT_MS = 10_000
    warmed(moody)
    moody.delay = 0.01
    questions = [f"question {number}" for number in range(64)]
    with ThreadPoolExecutor(16) as pool:
        found = list(pool.map(lambda each: asking.query_vector(each, "moody@1"), questions))
    expected = BagOfWordsEmbedder().embed_queries(questions)
    assert np.stack(found) == pytest.approx(expected)
    assert len(moody.runs) < 32


def test_a_slow_model_is_not_waited_for(moody):
    warmed(moody).delay = 0.4
    began = time.monotonic()
    assert asking.query_vector("slow", "moody@1") is None
    assert 0.08 < time.monotonic() - began < 0.3
    moody.delay = 0.0
    # Its vector came too late for the asker, and is there for the next one.
    time.sleep(0.45)
    assert asking.query_vector("slow", "moody@1") is not None
    assert moody.runs == [["slow"]]


def test_after_three_failures_nobody_waits_until_it_works_again(moody):
    warmed(moody).delay = 0.3
    for number in range(3):
        assert asking.query_vector(f"slow {number}", "moody@1") is None
        time.sleep(0.25)
    assert asking.state("moody@1") == "down"
    began = time.monotonic()
    assert all(asking.query_vector(f"more {n}", "moody@1") is None for n in range(20))
    assert time.monotonic() - began < 0.05
    with pytest.raises(EmbedderUnavailable):
        asking.embed(["a", "b"])
    moody.delay = 0.0
    wait_for(lambda: asking.state("moody@1") == "ok")
    assert asking.query_vector("healed", "moody@1") is not None
    assert asking.embed(["a", "b"]).shape == (2, 512)


@pytest.mark.parametrize("fault", [EmbedderUnavailable("broken"), RuntimeError("surprise")])
def test_a_broken_model_is_left_out_and_comes_back(moody, fault):
    warmed(moody).fault = fault
    for number in range(3):
        assert asking.query_vector(f"broken {number}", "moody@1") is None
    assert asking.state("moody@1") == "down"
    moody.fault = None
    wait_for(lambda: asking.state("moody@1") == "ok")
    assert asking.query_vector("healed", "moody@1") is not None


def test_one_failure_among_successes_changes_nothing(moody):
    warmed(moody)
    for number in range(6):
        moody.fault = EmbedderUnavailable("now and then") if number % 2 else None
        asking.query_vector(f"question {number}", "moody@1")
    assert asking.state("moody@1") == "ok"


def test_the_first_question_waits_for_the_model_and_later_ones_do_not_while_it_loads(
    moody, monkeypatch
):
    monkeypatch.setattr(asking, "COLD_SECONDS", 0.5)
    moody.delay = 0.3
    assert asking.query_vector("first of all", "moody@1") is not None  # though 100 ms are the limit
    slow = Moody("slow@1")
    slow.delay = 1.0
    conf.set_embedder(slow)
    assert asking.query_vector("first", "slow@1") is None
    assert asking.state("slow@1") == "loading"
    began = time.monotonic()
    assert asking.query_vector("second", "slow@1") is None
    assert time.monotonic() - began < 0.1
    slow.delay = 0.0
    wait_for(lambda: asking.state("slow@1") == "ok")
    assert asking.query_vector("third", "slow@1") is not None


def test_a_model_that_hangs_and_fails_at_the_first_question_is_tried_again(moody, monkeypatch):
    monkeypatch.setattr(asking, "COLD_SECONDS", 0.1)
    moody.delay, moody.fault = 0.3, EmbedderUnavailable("no answer")
    assert asking.query_vector("first", "moody@1") is None
    assert asking.query_vector("at once", "moody@1") is None
    moody.delay, moody.fault = 0.0, None
    wait_for(lambda: asking.query_vector("again", "moody@1") is not None)
    assert asking.state("moody@1") == "ok"


def test_those_who_waited_through_one_stall_are_one_failure(moody):
    warmed(moody).delay = 0.5
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda n: asking.query_vector(f"{n}", "moody@1"), range(8)))
    assert found == [None] * 8
    assert asking.state("moody@1") == "ok"


def test_a_replaced_embedder_is_probed_no_more(fake_embedder):
    probes = []
    circuit = Circuit(lambda: bool(probes.append(1)), "a test", first_pause=0.01)
    for _ in range(3):
        circuit.fail("broken", time.monotonic())
    wait_for(lambda: len(probes) > 1)
    circuit.end()
    time.sleep(0.1)
    count = len(probes)
    time.sleep(0.2)
    assert len(probes) == count
    assert circuit.is_open


@pytest.mark.django_db
def test_search_goes_by_words_alone_says_so_and_heals(moody, add_text, alice):
    add_text("Leave", LEAVE)
    moody.runs.clear()
    assert search("annual leave", user=alice).degraded == ()
    moody.fault = EmbedderUnavailable("broken")
    for number in range(3):
        found = search(f"annual leave {number}", user=alice)
        assert found.degraded == ("dense",)
        assert found.passages[0].title == "Leave"
        assert found.passages[0].scores.dense is None
    state, facts = health.index()
    assert state == "degraded"
    assert "words alone" in facts["detail"]
    moody.fault = None
    wait_for(lambda: asking.state("moody@1") == "ok")
    assert search("annual leave 0", user=alice).degraded == ()
    assert health.index()[0] == "ok"


def test_short_texts_are_compared_at_length_one(moody):
    moody.metric = "dot"
    real = moody._vector
    moody._vector = lambda text: 3 * real(text)
    assert np.linalg.norm(asking.embed(["a cat", "a dog"]), axis=1) == pytest.approx(1)
    assert asking.embed([]).shape == (0, 512)
