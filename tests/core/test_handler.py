"""A request's work is done in one thread, and few requests work at a time."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.urls import path

from core.handler import LONGEST_SECONDS, PLACES, Handler, step_aside

seen: list[str] = []
inside: list[int] = []
flowing: list[int] = []
gate, flows = threading.Event(), threading.Event()
_lock = threading.Lock()


def tell_thread(request: HttpRequest) -> HttpResponse:
    seen.append(threading.current_thread().name)
    return HttpResponse("told")


def work(request: HttpRequest) -> HttpResponse:
    with _lock:
        inside.append(1)
    gate.wait(10)
    return HttpResponse("worked")


def rest(request: HttpRequest) -> HttpResponse:
    step_aside()
    return work(request)


async def flow() -> AsyncIterator[bytes]:
    flowing.append(1)
    while not flows.is_set():
        await asyncio.sleep(0.01)
    yield b"flown"


def stream(request: HttpRequest) -> StreamingHttpResponse:
    return StreamingHttpResponse(flow())


urlpatterns = [
    path("tell/", tell_thread),
    path("busy/", work),
    path("rest/", rest),
    path("stream/", stream),
]


def note_thread(get_response: Callable[[HttpRequest], Any]) -> Callable[[HttpRequest], Any]:
    def middleware(request: HttpRequest) -> Any:
        seen.append(threading.current_thread().name)
        return get_response(request)

    return middleware


@pytest.fixture(autouse=True)
def _few_routes(settings: Any) -> None:
    settings.ROOT_URLCONF = __name__
    note = f"{__name__}.note_thread"
    settings.MIDDLEWARE = [settings.MIDDLEWARE[0], note, settings.MIDDLEWARE[1], note]
    seen.clear()
    inside.clear()
    gate.clear()
    flowing.clear()
    flows.clear()


async def ask(handler: Handler, address: str, leave: asyncio.Event | None = None) -> int:
    """The status of a GET; 0 where its asker left, with ``leave``, before there was one."""
    scope = {
        "type": "http", "method": "GET", "path": address, "query_string": b"",
        "headers": [(b"host", b"localhost")], "http_version": "1.1", "scheme": "http",
        "server": ("localhost", 80), "client": ("127.0.0.1", 1),
    }  # fmt: skip
    messages: list[dict[str, Any]] = []
    asked = asyncio.Event()

    async def receive() -> dict[str, Any]:
        if asked.is_set():
            await (leave or asyncio.Event()).wait()
            return {"type": "http.disconnect"}
        asked.set()
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        messages.append(message)

    await handler(scope, receive, send)
    return int(messages[0]["status"]) if messages else 0


async def until(is_so: Callable[[], bool], seconds: float = 5) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end and not is_so():
        await asyncio.sleep(0.01)
    return is_so()


def test_middlewares_and_view_of_a_request_run_in_one_thread() -> None:
    assert asyncio.run(ask(Handler(), "/tell/")) == 200
    assert len(seen) == 3
    assert len(set(seen)) == 1
    assert seen[0] != threading.main_thread().name


def test_the_next_request_gets_the_thread_of_one_that_is_done() -> None:
    async def two() -> None:
        handler = Handler()
        await ask(handler, "/tell/")
        await ask(handler, "/tell/")

    asyncio.run(two())
    assert len(seen) == 6
    assert len(set(seen)) == 1


def test_a_request_that_was_left_keeps_its_thread_to_its_end() -> None:
    async def two() -> int:
        handler = Handler()
        leave = asyncio.Event()
        left = asyncio.ensure_future(ask(handler, "/busy/", leave))
        assert await until(lambda: len(inside) == 1)
        leave.set()
        assert await asyncio.wait_for(left, 30) == 0
        return await asyncio.wait_for(ask(handler, "/tell/"), 30)

    assert asyncio.run(two()) == 200
    gate.set()


def test_a_stream_goes_on_without_a_thread() -> None:
    before = set(threading.enumerate())

    async def streams() -> int:
        handler = Handler()
        asking = [asyncio.ensure_future(ask(handler, "/stream/")) for _ in range(5)]
        assert await until(lambda: len(flowing) == 5)
        working = set(threading.enumerate()) - before
        flows.set()
        await asyncio.gather(*asking)
        return sum(thread.name.startswith("request") for thread in working)

    assert asyncio.run(streams()) <= PLACES


def test_that_the_process_lives_is_told_without_a_thread() -> None:
    assert asyncio.run(ask(Handler(), "/health/")) == 200
    assert seen == []


def test_more_requests_than_places_wait_and_all_are_answered() -> None:
    async def many() -> list[int]:
        handler = Handler()
        asking = [asyncio.ensure_future(ask(handler, "/busy/")) for _ in range(PLACES + 3)]
        assert await until(lambda: len(inside) == PLACES)
        await asyncio.sleep(LONGEST_SECONDS / 4)
        assert len(inside) == PLACES
        gate.set()
        return await asyncio.gather(*asking)

    assert asyncio.run(many()) == [200] * (PLACES + 3)


def test_slow_requests_stop_no_others_for_long() -> None:
    async def many() -> int:
        handler = Handler()
        asking = [asyncio.ensure_future(ask(handler, "/busy/")) for _ in range(PLACES)]
        assert await until(lambda: len(inside) == PLACES)
        status = await asyncio.wait_for(ask(handler, "/tell/"), 10 * LONGEST_SECONDS)
        gate.set()
        await asyncio.gather(*asking)
        return status

    assert asyncio.run(many()) == 200


def test_a_request_that_only_waits_gives_its_place_to_another(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("core.handler.LONGEST_SECONDS", 60)

    async def many() -> None:
        handler = Handler()
        asking = [asyncio.ensure_future(ask(handler, "/rest/")) for _ in range(PLACES)]
        assert await until(lambda: len(inside) == PLACES)
        assert await asyncio.wait_for(ask(handler, "/tell/"), 30) == 200
        gate.set()
        await asyncio.gather(*asking)

    asyncio.run(many())
