"""Warming up happens beside the start, once, and harms nothing when it fails."""

import asyncio
import threading
from typing import Any

import pytest

from core.warming import warm_early, warm_up

_calls: list[str] = []


def note() -> None:
    _calls.append(threading.current_thread().name)


def fail() -> None:
    raise RuntimeError("no model here")


async def inner(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "inner"})


def run(scope_type: str, messages: list[str], work: Any) -> list[str]:
    sent: list[str] = []
    waiting = iter(messages)

    async def receive() -> Any:
        return {"type": next(waiting)}

    async def send(message: Any) -> None:
        sent.append(message["type"])

    asyncio.run(warm_early(inner, work)({"type": scope_type}, receive, send))
    return sent


def test_the_server_is_told_at_once_while_the_work_goes_on() -> None:
    started, release = threading.Event(), threading.Event()

    def work() -> None:
        started.set()
        release.wait(5)

    sent = run("lifespan", ["lifespan.startup", "lifespan.shutdown"], work)
    assert sent == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
    assert started.wait(5)
    release.set()


def test_a_request_warms_nothing() -> None:
    assert run("http", [], fail) == ["inner"]


def test_a_part_that_fails_does_not_keep_the_next_one_cold(
    settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    _calls.clear()
    settings.WARM_UP = [f"{__name__}.fail", f"{__name__}.note"]
    warm_up()
    assert len(_calls) == 1
    assert "fail failed" in caplog.text


def test_winding_down_is_done_before_the_server_is_told() -> None:
    order: list[str] = []
    waiting = iter(["lifespan.startup", "lifespan.shutdown"])

    async def receive() -> Any:
        return {"type": next(waiting)}

    async def send(message: Any) -> None:
        order.append(message["type"])

    app = warm_early(inner, lambda: None, lambda: order.append("wound down"))
    asyncio.run(app({"type": "lifespan"}, receive, send))
    assert order == ["lifespan.startup.complete", "wound down", "lifespan.shutdown.complete"]
