"""The server's last words: on SIGTERM every open stream is told, so that it can end by itself.

uvicorn waits for open streams and then leaves without running ``finally``. Lifespan's shutdown
comes after the connections, too late; so the first call of the application hooks the signal.
uvicorn closes WebSockets as soon as it hears of the signal, so it hears of it a moment later.
"""

import asyncio
import signal
import threading
from functools import partial
from typing import Any

LAST_WORDS_SECONDS = 0.25

_events: dict[asyncio.AbstractEventLoop, asyncio.Event] = {}
_draining = threading.Event()


def is_draining() -> bool:
    """Whether this process was told to stop."""
    return _draining.is_set()


def drain_event() -> asyncio.Event:
    """The event of the running loop that is set when the process drains."""
    loop = asyncio.get_running_loop()
    event = _events.setdefault(loop, asyncio.Event())
    if _draining.is_set():
        event.set()
    return event


def _announce(signum: int, frame: Any, previous: Any) -> None:
    _draining.set()
    told = [(loop, event) for loop, event in list(_events.items()) if not loop.is_closed()]
    for loop, event in told:
        loop.call_soon_threadsafe(event.set)
    if not callable(previous):
        return
    if told:
        later = partial(told[0][0].call_later, LAST_WORDS_SECONDS, previous, signum, frame)
        told[0][0].call_soon_threadsafe(later)
    else:
        previous(signum, frame)


def announce_drain(app: Any) -> Any:
    """Wrap an ASGI application: hook SIGTERM and SIGINT at the first call."""
    hooked = False

    async def wrapped(scope: Any, receive: Any, send: Any) -> None:
        nonlocal hooked
        if not hooked and threading.current_thread() is threading.main_thread():
            hooked = True
            for name in (signal.SIGTERM, signal.SIGINT):
                signal.signal(name, partial(_announce, previous=signal.getsignal(name)))
        drain_event()
        await app(scope, receive, send)

    return wrapped
