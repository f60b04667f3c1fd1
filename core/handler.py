"""Django's ASGI handler with a request's work in one thread, and few such threads at a time.

Django hands a request to a thread and back again for each of its middlewares and once more for the
view: 17 times here. All of them are made for threads, so one handing over is enough. And a hundred
requests at once would be a hundred threads that take turns at one interpreter, in front of the
streams that it writes meanwhile: so a few work, and the others wait where waiting costs nothing.

Django also gives each request a thread of its own until its response is sent, which for a stream
may be minutes. Here the thread goes on to the next request as soon as the response is there.
"""

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from contextvars import ContextVar
from typing import Any

from asgiref.sync import ThreadSensitiveContext, sync_to_async
from django.core.handlers.asgi import ASGIHandler
from django.db import close_old_connections
from django.http.response import HttpResponseBase

from core.middleware import answer_if_alive

PLACES = 4
MOST_IDLE = 8  # threads that are kept for the next requests
LONGEST_SECONDS = 0.5  # then the next one goes ahead too: slow requests stop no others


class Threads:
    """Threads for one request each, used again; only the loop's own thread asks for them."""

    def __init__(self, most_idle: int = MOST_IDLE) -> None:
        self._most_idle = most_idle
        self._idle: list[ThreadPoolExecutor] = []

    @asynccontextmanager
    async def one(self) -> AsyncIterator[None]:
        """A thread for what is handed to threads inside. One that is left at work is not reused."""
        thread = self._idle.pop() if self._idle else ThreadPoolExecutor(1, "request")
        is_done = False
        try:
            async with ThreadSensitiveContext(executor=thread):
                yield
            is_done = True
        finally:
            if is_done and len(self._idle) < self._most_idle:
                self._idle.append(thread)
            else:
                thread.shutdown(wait=False)


class Turn:
    """A place among those that work; it is given back once, from whatever thread."""

    def __init__(self, places: asyncio.Semaphore) -> None:
        self._places = places
        self._loop = asyncio.get_running_loop()
        self._is_held = False
        self._end: asyncio.TimerHandle | None = None

    async def take(self) -> None:
        """Wait for a place, first come first served."""
        self._is_held = await self._places.acquire()
        self._end = self._loop.call_later(LONGEST_SECONDS, self.leave)

    def leave(self) -> None:
        """In the loop's own thread."""
        if self._is_held:
            self._is_held = False
            self._places.release()
        if self._end is not None:
            self._end.cancel()

    def leave_from_thread(self) -> None:
        self._loop.call_soon_threadsafe(self.leave)


_turn: ContextVar[Turn | None] = ContextVar("turn", default=None)


def step_aside() -> None:
    """Let others work while this request only waits; for whoever sleeps in a view."""
    turn = _turn.get()
    if turn is not None:
        turn.leave_from_thread()


class Handler(ASGIHandler):
    """One thread for all of a request's middlewares and its view."""

    def __init__(self) -> None:
        super().__init__()
        self._places = asyncio.Semaphore(PLACES)
        self._threads = Threads()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """As Django's, without a thread for all of it."""
        if scope["type"] != "http":
            raise ValueError(f"this is for HTTP alone, not for {scope['type']}")
        await self.handle(scope, receive, send)

    def load_middleware(self, is_async: bool = False) -> None:  # noqa: FBT001  (Django's signature)
        super().load_middleware(is_async=False)

    async def get_response_async(self, request: Any) -> HttpResponseBase:
        """The response. Whether the process lives is told without a thread."""
        alive = answer_if_alive(request)
        if alive is not None:
            return alive
        async with self._one_of_few(), self._threads.one():
            respond: Any = sync_to_async(self._respond, thread_sensitive=True)
            response: HttpResponseBase = await respond(request)
            return response

    def _respond(self, request: Any) -> HttpResponseBase:
        """In a thread, whose connections nobody else would close."""
        try:
            return self.get_response(request)
        finally:
            close_old_connections()

    @asynccontextmanager
    async def _one_of_few(self) -> AsyncIterator[None]:
        turn = Turn(self._places)
        await turn.take()
        token = _turn.set(turn)
        try:
            yield
        finally:
            _turn.reset(token)
            turn.leave()
