"""Two at a time, first come, first served."""

import threading
import time

from knowledge.search.turnstile import Turnstile


def test_no_more_than_its_places_are_taken_at_once():
    turnstile, lock = Turnstile(2), threading.Lock()
    inside, most = 0, 0

    def visit():
        nonlocal inside, most
        with turnstile.turn():
            with lock:
                inside += 1
                most = max(most, inside)
            time.sleep(0.01)
            with lock:
                inside -= 1

    threads = [threading.Thread(target=visit) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 2


def test_the_order_of_arrival_is_kept():
    turnstile, order = Turnstile(1), []

    def visit(number):
        with turnstile.turn():
            order.append(number)

    with turnstile.turn():
        threads = []
        for number in range(8):
            threads.append(threading.Thread(target=visit, args=(number,)))
            threads[-1].start()
            while len(turnstile._waiting) <= number:
                time.sleep(0.001)
    for thread in threads:
        thread.join()
    assert order == list(range(8))


def test_an_error_inside_frees_the_place():
    turnstile = Turnstile(1)
    try:
        with turnstile.turn():
            raise ValueError
    except ValueError:
        pass
    with turnstile.turn():
        pass
