"""The open sockets of a process: how many a person may have, and whether each may stay open."""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial
from typing import Protocol, TypeVar
from weakref import WeakKeyDictionary

from chat.runtime import closing
from users.connections import Credential, ended

logger = logging.getLogger(__name__)

T = TypeVar("T")
SOCKETS_A_PERSON = 10  # in each web process; a browser's tabs and a phone need fewer
WAITING_AT_ONCE = 200  # sockets of a process that have not said yet whose they are
WAITING_AN_ADDRESS = 20
RECHECK_SECONDS = 10.0  # who was logged out, revoked or deactivated is gone within this time
THREADS = 4  # questions of sockets that are stored at a time; the others wait in line


class Socket(Protocol):
    """A socket, as the room needs it."""

    credential: Credential | None
    address: str

    def end(self) -> None: ...


class Room:
    """The sockets of one event loop; a web process has one loop."""

    def __init__(self) -> None:
        self._sockets: set[Socket] = set()
        self._task: asyncio.Task[None] | None = None

    def __len__(self) -> int:
        return len(self._sockets)

    def enter(self, socket: Socket) -> bool:
        """Let one more in, unless too many have not said yet whose they are."""
        waiting = [one.address for one in self._sockets if one.credential is None]
        if len(waiting) >= WAITING_AT_ONCE or waiting.count(socket.address) >= WAITING_AN_ADDRESS:
            return False
        self._sockets.add(socket)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._recheck())
        return True

    def leave(self, socket: Socket) -> None:
        self._sockets.discard(socket)

    def is_full_for(self, user_id: int) -> bool:
        """Whether this person has as many as one may have."""
        people = Counter(one.credential.user_id for one in self._sockets if one.credential)
        return people[user_id] >= SOCKETS_A_PERSON

    async def _recheck(self) -> None:
        """Look after all of them at once, until the last one has left."""
        while self._sockets:
            await asyncio.sleep(RECHECK_SECONDS)
            held = {one.credential for one in self._sockets if one.credential is not None}
            try:
                over = await in_thread(partial(ended, held)) if held else set()
            except Exception:  # edge: a task; the database may be back at the next look
                logger.exception("open sockets could not be checked; the next look tries again")
                continue
            for socket in [one for one in self._sockets if one.credential in over]:
                socket.end()


_rooms: "WeakKeyDictionary[asyncio.AbstractEventLoop, Room]" = WeakKeyDictionary()


def room() -> Room:
    """The room of the running loop."""
    return _rooms.setdefault(asyncio.get_running_loop(), Room())


@cache
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(THREADS, "chat-sockets")


async def in_thread(work: Callable[[], T]) -> T:
    """Do a short job with rows in a thread that gives its connection back."""
    return await asyncio.wrap_future(_threads().submit(closing, work))
