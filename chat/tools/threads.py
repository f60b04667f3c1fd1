"""Code of a site in threads of its own: one that hangs holds up neither an answer nor the end."""

import asyncio
import threading
from collections.abc import Callable
from typing import Any, TypeVar

from django.db import connections

T = TypeVar("T")
AT_ONCE = 8  # threads of one process; such code mostly waits for another server
_free = threading.BoundedSemaphore(AT_ONCE)


class AllBusy(Exception):
    """As many calls as are allowed are running, or hang."""


async def in_a_thread(work: Callable[[], T]) -> T:
    """Run it where waiting for it can be given up: the thread ends by itself, or never.

    Raises:
        AllBusy: no thread is free.
    """
    if not _free.acquire(blocking=False):
        raise AllBusy
    loop = asyncio.get_running_loop()
    done: asyncio.Future[T] = loop.create_future()

    def tell(set_it: Callable[[Any], None], value: Any) -> None:
        if not done.done():  # given up meanwhile
            set_it(value)

    def run() -> None:
        try:
            value = work()
        except BaseException as error:  # noqa: BLE001  (handed to who waits, whatever it is)
            _call(loop, tell, done.set_exception, error)
        else:
            _call(loop, tell, done.set_result, value)
        finally:
            connections.close_all()
            _free.release()

    threading.Thread(target=run, name="chat-tool", daemon=True).start()
    return await done


def _call(loop: asyncio.AbstractEventLoop, *work: Any) -> None:
    try:
        loop.call_soon_threadsafe(*work)
    except RuntimeError:  # the loop is closed: nobody waits any more
        return
