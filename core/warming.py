"""Around a server's life: load what the first question needs, and end what still runs.

Both happen in threads, at the start and the end that the server says by ASGI's ``lifespan``.
"""

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

from django.conf import settings
from django.db import connections
from django.utils.module_loading import import_string

from core.native import spare_what_stays

logger = logging.getLogger(__name__)


def warm_up() -> None:
    """Call everything that ``settings.WARM_UP`` names; meant for a thread of its own."""
    _call_all(settings.WARM_UP)
    spare_what_stays()


def wind_down() -> None:
    """Call everything that ``settings.WIND_DOWN`` names; each bounds its own time."""
    _call_all(settings.WIND_DOWN)


def _call_all(paths: Sequence[str]) -> None:
    for path in paths:
        started_at = time.monotonic()
        try:
            import_string(path)()
        except Exception:  # edge: a thread; the first question meets the fault again
            logger.exception("%s failed", path)
        else:
            logger.info("%s took %.1f s", path, time.monotonic() - started_at)
        finally:
            connections.close_all()


def warm_early(
    app: Any, work: Callable[[], None] = warm_up, at_the_end: Callable[[], None] = wind_down
) -> Any:
    """Wrap an ASGI application: warm up when the server starts, wind down when it stops.

    Nothing waits for the warm-up: the server accepts callers at once. Winding down is waited for;
    the connections are closed by then. A process that only imports the application (a test, a
    command) does neither.
    """

    async def wrapped(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "lifespan":
            await app(scope, receive, send)
            return
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                threading.Thread(target=work, name="warm-up", daemon=True).start()
            elif message["type"] == "lifespan.shutdown":
                await asyncio.to_thread(at_the_end)
            await send({"type": f"{message['type']}.complete"})
            if message["type"] == "lifespan.shutdown":
                return

    return wrapped
