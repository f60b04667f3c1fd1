"""A request's work is done in one thread, and few requests work at a time."""

import asyncio
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse
from django.urls import path

from core.handler import LONGEST_SECONDS, PLACES, Handler, step_aside

seen: list[str] = []
inside: list[int] = []
gate = threading.Event()
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


urlpatterns = [path("tell/", tell_thread), path("busy/", work), path("rest/", rest)]


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


async def ask(handler: Handler, address: str) -> int:
    """The status of a GET."""
    scope = {
        "type": "http", "method": "GET", "path": address, "query_string": b"",
        "headers": [(b"host", b"localhost")], "http_version": "1.1", "scheme": "http",
        "server": ("localhost", 80), "client": ("127.0.0.1", 1),
    }  # fmt: skip
    messages: list[dict[str, Any]] = []
    asked = asyncio.Event()

    async def receive() -> dict[str, Any]:
        if asked.is_set():
            await asyncio.sleep(3600)
        asked.set()
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        messages.append(message)

    await handler(scope, receive, send)
    return int(messages[0]["status"])


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
