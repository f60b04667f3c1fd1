"""Which of several web processes takes the next caller: the one with the fewest open connections.

The system wakes every process that listens on a socket and gives a caller to whichever comes first,
often a whole burst to one. A process with 60 questions answers them no sooner than one with 40, so
its callers wait half as long again. Here a process that has more connections than another lets a
moment pass, in which the other can take the caller. Least connections first is what balancers do;
this one needs no process in between.
"""

import asyncio
import errno
import logging
import mmap
import os
import socket
import struct
import tempfile
from collections.abc import Callable
from typing import Any

logger = logging.getLogger(__name__)

SLACK = 1  # connections more than another has: a caller who has just left is not worth waiting for
MOMENT_SECONDS = 0.004  # a busy process looks at its sockets about as often
MOST_MOMENTS = 5  # then the caller is taken all the same: the other process may be gone
PAUSE_SECONDS = 1.0  # without a free descriptor, as asyncio waits
_ABSENT = 2**32 - 1
_SLOT = struct.Struct("I")
_OUT_OF_FILES = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}


def new_board(slots: int) -> int:
    """A descriptor of memory for so many processes, to be inherited by them."""
    with tempfile.TemporaryFile() as file:
        file.write(_SLOT.pack(_ABSENT) * slots)
        file.flush()
        return os.dup(file.fileno())


class Board:
    """How many connections each process has, in memory that all of them share."""

    def __init__(self, fd: int, own: int) -> None:
        """``own`` is the slot of this process, from 0."""
        self._shared = mmap.mmap(fd, os.fstat(fd).st_size)
        self._own = own
        self.leave()

    def post(self, count: int) -> None:
        _SLOT.pack_into(self._shared, self._own * _SLOT.size, count)

    def leave(self) -> None:
        """This process takes no callers."""
        self.post(_ABSENT)

    def least_of_others(self) -> int:
        """Very many where no other process takes callers."""
        counts = [count for (count,) in _SLOT.iter_unpack(self._shared[:])]
        return min((x for slot, x in enumerate(counts) if slot != self._own), default=_ABSENT)


class Connections(set[Any]):
    """uvicorn's set of open connections, which posts its size."""

    def __init__(self, board: Board) -> None:
        super().__init__()
        self._board = board
        self.coming = 0  # accepted, not yet in the set
        self.is_open = False

    def add(self, one: Any) -> None:
        super().add(one)
        self.post()

    def discard(self, one: Any) -> None:
        super().discard(one)
        self.post()

    @property
    def count(self) -> int:
        return len(self) + self.coming

    @property
    def are_more_than_others(self) -> bool:
        return self.count > self._board.least_of_others() + SLACK

    def post(self) -> None:
        if self.is_open:
            self._board.post(self.count)

    def close(self) -> None:
        self.is_open = False
        self._board.leave()


class Entrance:
    """Takes callers of a listening socket one by one; stands in for an ``asyncio.Server``."""

    def __init__(
        self,
        listener: socket.socket,
        protocol: Callable[[], asyncio.Protocol],
        connections: Connections,
    ) -> None:
        """Begin to take callers in the running loop."""
        self._loop = asyncio.get_running_loop()
        self._listener, self._protocol, self._connections = listener, protocol, connections
        self._coming: set[asyncio.Task[Any]] = set()
        self._later: asyncio.TimerHandle | None = None
        self._moments = 0
        listener.setblocking(False)
        connections.is_open = True
        connections.post()
        self._look_out()

    def close(self) -> None:
        """Take no more callers."""
        self._connections.close()
        self._loop.remove_reader(self._listener)
        if self._later is not None:
            self._later.cancel()

    async def wait_closed(self) -> None:
        await asyncio.gather(*self._coming, return_exceptions=True)

    def _look_out(self) -> None:
        self._later = None
        self._loop.add_reader(self._listener, self._knocked)

    def _knocked(self) -> None:
        if self._moments < MOST_MOMENTS and self._connections.are_more_than_others:
            self._moments += 1
            self._pause(MOMENT_SECONDS)
            return
        self._moments = 0
        try:
            taken, _ = self._listener.accept()
        except (BlockingIOError, InterruptedError, ConnectionAbortedError):
            return  # another process was quicker, or the caller has left
        except OSError as error:
            if error.errno not in _OUT_OF_FILES:
                raise
            logger.error("No caller can be taken for a moment: %s", error.strerror)
            self._pause(PAUSE_SECONDS)
            return
        self._welcome(taken)

    def _pause(self, seconds: float) -> None:
        self._loop.remove_reader(self._listener)
        self._later = self._loop.call_later(seconds, self._look_out)

    def _welcome(self, taken: socket.socket) -> None:
        self._connections.coming += 1
        self._connections.post()
        task = self._loop.create_task(self._connected(taken))
        self._coming.add(task)
        task.add_done_callback(self._coming.discard)

    async def _connected(self, taken: socket.socket) -> None:
        try:
            await self._loop.connect_accepted_socket(self._protocol, taken)
        except OSError as error:  # the caller has left
            logger.debug("A caller left before a word: %s", error.strerror)
            taken.close()
        finally:
            self._connections.coming -= 1
            self._connections.post()
