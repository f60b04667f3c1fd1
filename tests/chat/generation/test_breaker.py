"""A model that fails again and again is left alone, and tried once when its pause has passed."""

import pytest

from chat.generation.breaker import FAILURES, FIRST_PAUSE, LONGEST_PAUSE, Breaker
from chat.generation.modelconfig import ModelResting


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def breaker(clock: Clock) -> Breaker:
    return Breaker(clock)


def fail(breaker: Breaker, times: int) -> None:
    for _ in range(times):
        breaker.enter()
        breaker.failed()


def test_a_few_failures_keep_nobody_away(breaker: Breaker) -> None:
    fail(breaker, FAILURES - 1)
    breaker.enter()
    assert breaker.state == "closed"


def test_a_success_in_between_begins_the_count_anew(breaker: Breaker) -> None:
    fail(breaker, FAILURES - 1)
    breaker.enter()
    breaker.succeeded()
    fail(breaker, FAILURES - 1)
    assert breaker.state == "closed"


def test_many_failures_in_a_row_open_it(breaker: Breaker, clock: Clock) -> None:
    fail(breaker, FAILURES)
    assert breaker.state == "open"
    with pytest.raises(ModelResting) as resting:
        breaker.enter()
    assert resting.value.retry_after == FIRST_PAUSE
    clock.now += FIRST_PAUSE - 0.1
    with pytest.raises(ModelResting):
        breaker.enter()


def test_after_the_pause_one_call_tries_and_the_others_wait(breaker: Breaker, clock: Clock) -> None:
    fail(breaker, FAILURES)
    clock.now += FIRST_PAUSE
    assert breaker.state == "half_open"
    breaker.enter()
    for _ in range(3):
        with pytest.raises(ModelResting):
            breaker.enter()
    breaker.succeeded()
    breaker.enter()
    assert breaker.state == "closed"


def test_a_trial_that_fails_doubles_the_pause_up_to_its_longest(
    breaker: Breaker, clock: Clock
) -> None:
    fail(breaker, FAILURES)
    pauses = []
    for _ in range(8):
        pauses.append(breaker.seconds_left)
        clock.now += breaker.seconds_left
        breaker.enter()
        breaker.failed()
    assert pauses[:3] == [FIRST_PAUSE, 2 * FIRST_PAUSE, 4 * FIRST_PAUSE]
    assert max(pauses) == LONGEST_PAUSE


def test_a_trial_that_was_stopped_lets_another_one_try(breaker: Breaker, clock: Clock) -> None:
    fail(breaker, FAILURES)
    clock.now += FIRST_PAUSE
    breaker.enter()
    breaker.left()
    breaker.enter()


def test_a_provider_that_names_a_time_is_left_alone_for_just_that_long(
    breaker: Breaker, clock: Clock
) -> None:
    breaker.enter()
    breaker.failed(retry_after=42.0)
    assert breaker.seconds_left == 42.0
    clock.now += 42.0
    breaker.enter()
    breaker.failed(retry_after=1e9)
    assert breaker.seconds_left == LONGEST_PAUSE
