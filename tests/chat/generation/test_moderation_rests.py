"""A moderation endpoint that hangs is left alone for a while; one that refuses is asked again."""

import asyncio
import time

import pytest

from chat.generation.breaker import FAILURES, FIRST_PAUSE
from chat.generation.moderation import ModerationConfig, ModerationFailed, Moderator
from tests.model_server import ModelServer, Moderation

ROUNDS = FAILURES + 3


async def failures(moderator: Moderator) -> list[str]:
    found = []
    for _ in range(ROUNDS):
        with pytest.raises(ModerationFailed) as failed:
            await moderator.judge("A text.")
        found.append(str(failed.value))
    await moderator.close()
    return found


def moderating(server: ModelServer) -> Moderator:
    return Moderator(ModerationConfig("moderating", "", server.url, seconds=0.2))


def test_an_endpoint_that_hangs_costs_five_checks_their_time(model_server: ModelServer) -> None:
    model_server.moderation = Moderation(delay=5.0)
    began = time.monotonic()
    said = asyncio.run(failures(moderating(model_server)))
    assert said[:FAILURES] == ["nothing came in time"] * FAILURES
    assert all("not asked" in one for one in said[FAILURES:])
    assert len(model_server.moderated) == FAILURES
    assert time.monotonic() - began < 5


def test_an_endpoint_that_answers_with_an_error_is_asked_each_time(
    model_server: ModelServer,
) -> None:
    model_server.moderation = Moderation(status=500)
    assert set(asyncio.run(failures(moderating(model_server)))) == {"it answered 500"}
    assert len(model_server.moderated) == ROUNDS


def test_it_is_asked_again_after_fifteen_seconds_however_often_it_hung() -> None:
    now = [0.0]
    breaker = Moderator(ModerationConfig("moderating", "")).breaker
    breaker.clock = lambda: now[0]
    for _ in range(FAILURES + 4):
        breaker.failed()
        assert breaker.seconds_left <= FIRST_PAUSE
        now[0] += FIRST_PAUSE
    assert breaker.state == "half_open"
