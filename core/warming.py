"""Load what the first question needs while nobody waits: models and the index, in a thread."""

import logging
import threading
import time
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.db import connections
from django.utils.module_loading import import_string

logger = logging.getLogger(__name__)


def warm_up() -> None:
    """Call everything that ``settings.WARM_UP`` names; meant for a thread of its own."""
    for path in settings.WARM_UP:
        started_at = time.monotonic()
        try:
            import_string(path)()
        except Exception:  # edge: a thread; the first question meets the fault again
            logger.exception("warm-up of %s failed", path)
        else:
            logger.info("%s took %.1f s", path, time.monotonic() - started_at)
        finally:
            connections.close_all()


def warm_early(app: Any, work: Callable[[], None] = warm_up) -> Any:
    """Wrap an ASGI application: warm up when the server starts, which it says by ``lifespan``.

    Nothing waits for it: the server accepts callers at once. A process that only imports the
    application (a test, a command) warms nothing.
    """

    async def wrapped(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "lifespan":
            await app(scope, receive, send)
            return
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                threading.Thread(target=work, name="warm-up", daemon=True).start()
            await send({"type": f"{message['type']}.complete"})
            if message["type"] == "lifespan.shutdown":
                return

    return wrapped
