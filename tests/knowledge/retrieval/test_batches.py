"""Threads that search for the same kind of thing at the same time are served together."""

import threading
import time

import numpy as np
import pytest

from knowledge.retrieval.backends.batches import Batches


def vector(number):
    return np.array([number], dtype=np.float32)


class Scan:
    """Doubles numbers; notes each batch, and waits while it is held."""

    def __init__(self):
        self.batches = []
        self.go_on = threading.Event()
        self.begun = threading.Semaphore(0)

    def __call__(self, vectors):
        self.batches.append([int(v[0]) for v in vectors])
        self.begun.release()
        assert self.go_on.wait(10)
        return [2 * int(v[0]) for v in vectors]


def ask(batches, scan, number, kind, found):
    def run():
        try:
            found[number] = batches.search(vector(number), kind, scan)
        except ValueError as error:
            found[number] = str(error)

    thread = threading.Thread(target=run)
    thread.start()
    return thread


def wait_until_queued(batches, count):
    end = time.monotonic() + 10
    while len(batches._waiting) < count:
        assert time.monotonic() < end
        time.sleep(0.001)


def queue(batches, scan, kinds, found):
    """One search that holds the only place, and others that come behind it in this order."""
    threads = [ask(batches, scan, 0, "a", found)]
    assert scan.begun.acquire(timeout=10)
    for number, kind in enumerate(kinds, 1):
        threads.append(ask(batches, scan, number, kind, found))
        wait_until_queued(batches, number)
    return threads


def finish(scan, threads):
    scan.go_on.set()
    for thread in threads:
        thread.join(10)
        assert not thread.is_alive()


def test_one_search_is_done_at_once_and_alone():
    scan = Scan()
    scan.go_on.set()
    assert Batches(1).search(vector(4), "a", scan) == 8
    assert scan.batches == [[4]]


def test_those_that_wait_for_the_same_kind_go_together_and_the_first_kind_goes_first():
    batches, scan, found = Batches(1), Scan(), {}
    finish(scan, queue(batches, scan, ["b", "a", "b", "a", "c"], found))
    assert found == {number: 2 * number for number in range(6)}
    assert scan.batches == [[0], [1, 3], [2, 4], [5]]


def test_at_most_sixteen_go_together():
    batches, scan, found = Batches(1), Scan(), {}
    finish(scan, queue(batches, scan, ["a"] * 20, found))
    assert [len(batch) for batch in scan.batches] == [1, 16, 4]
    assert found == {number: 2 * number for number in range(21)}


def test_as_many_searches_run_at_a_time_as_there_are_places():
    batches, scan, found = Batches(2), Scan(), {}
    threads = [ask(batches, scan, number, "a", found) for number in range(2)]
    for _ in range(2):
        assert scan.begun.acquire(timeout=10)
    threads.append(ask(batches, scan, 2, "a", found))
    wait_until_queued(batches, 1)
    assert len(scan.batches) == 2
    finish(scan, threads)
    assert found == {0: 0, 1: 2, 2: 4}


def test_an_error_reaches_everyone_it_concerns_and_nobody_else():
    batches, scan, found = Batches(1), Scan(), {}

    def fail(vectors):
        raise ValueError("out of order")

    threads = [ask(batches, scan, 0, "a", found)]
    assert scan.begun.acquire(timeout=10)
    for number, kind in enumerate(["b", "b", "a"], 1):
        threads.append(ask(batches, fail if kind == "b" else scan, number, kind, found))
        wait_until_queued(batches, number)
    finish(scan, threads)
    assert found == {0: 0, 1: "out of order", 2: "out of order", 3: 6}
    with pytest.raises(ValueError, match="out of order"):
        batches.search(vector(1), "b", fail)
    assert batches.search(vector(5), "a", scan) == 10


def test_no_search_is_lost_when_many_threads_ask_for_many_things():
    batches, found = Batches(2), {}

    def scan(vectors):
        time.sleep(0.0005)
        return [2 * int(v[0]) for v in vectors]

    def run(thread):
        for turn in range(40):
            number = thread * 1000 + turn
            found[number] = batches.search(vector(number), number % 3, scan)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(found) == 480
    assert all(value == 2 * number for number, value in found.items())
    assert batches._free == 2
