"""Of several processes on one socket, the one with the fewest connections takes the next caller."""

import asyncio
import errno
import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import psutil
import pytest

from core.entrance import MOMENT_SECONDS, MOST_MOMENTS, Board, Connections, Entrance, new_board

ROOT = Path(__file__).resolve().parents[2]
CALLERS = 40


class Held(asyncio.Protocol):
    """A connection that stays in the set while it is open, as uvicorn's do."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._connections.discard(self)


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(64)
        yield listening


@contextmanager
def callers(listener: socket.socket, count: int) -> Iterator[list[socket.socket]]:
    with ExitStack() as stack:
        yield [
            stack.enter_context(socket.create_connection(listener.getsockname()))
            for _ in range(count)
        ]


def opened(listener: socket.socket, connections: Connections) -> Entrance:
    return Entrance(listener, lambda: Held(connections), connections)


async def until(is_so: Callable[[], bool], seconds: float = 5) -> float:
    """How long it took."""
    began = time.monotonic()
    while not is_so():
        assert time.monotonic() - began < seconds
        await asyncio.sleep(0.001)
    return time.monotonic() - began


async def all_gone(*sets: Connections) -> None:
    """Of callers who left; the loop can be closed then."""
    await until(lambda: not any(each.count for each in sets))


@pytest.fixture
def again(listener: socket.socket) -> Iterator[socket.socket]:
    """The same listening socket, as another process has it."""
    with listener.dup() as same:
        yield same


def two_boards() -> tuple[Board, Board]:
    fd = new_board(2)
    return Board(fd, 0), Board(fd, 1)


def test_a_burst_is_shared_out_evenly(listener: socket.socket, again: socket.socket) -> None:
    one, other = map(Connections, two_boards())

    async def share() -> tuple[int, int]:
        opened(listener, one)
        opened(again, other)
        with callers(listener, CALLERS):
            await until(lambda: len(one) + len(other) == CALLERS)
            found = len(one), len(other)
        await all_gone(one, other)
        return found

    assert max(asyncio.run(share())) <= CALLERS // 2 + 2


def test_a_fuller_process_waits_for_the_emptier_one(listener: socket.socket) -> None:
    board, other = two_boards()
    other.post(5)
    own = Connections(board)

    async def fill() -> float:
        opened(listener, own)
        with callers(listener, 7):
            await until(lambda: len(own) == 7)
            with callers(listener, 1):
                patient = await until(lambda: len(own) == 8)
        await all_gone(own)
        return patient

    # The other one did not come for the caller.
    assert asyncio.run(fill()) >= MOMENT_SECONDS * (MOST_MOMENTS - 1)


def test_a_caller_is_taken_though_the_emptier_process_hangs(listener: socket.socket) -> None:
    board, other = two_boards()
    other.post(0)
    own = Connections(board)

    async def fill() -> None:
        opened(listener, own)
        with callers(listener, 8):
            await until(lambda: len(own) == 8)
        await all_gone(own)

    asyncio.run(fill())


def test_a_process_alone_or_beside_absent_ones_waits_for_none(
    listener: socket.socket, again: socket.socket
) -> None:
    fd = new_board(3)
    own, other = Connections(Board(fd, 0)), Connections(Board(fd, 2))

    async def fill() -> bool:
        opened(listener, own)
        opened(again, other).close()
        with callers(listener, 8):
            await until(lambda: len(own) == 8)
            is_waiting = own.are_more_than_others
        await all_gone(own)
        return is_waiting

    assert asyncio.run(fill()) is False


def test_without_free_descriptors_a_caller_waits_and_is_not_lost(
    listener: socket.socket, caplog: pytest.LogCaptureFixture
) -> None:
    class Short(socket.socket):
        """The system has no descriptor for its first caller."""

        tries = 0

        def accept(self) -> tuple[socket.socket, object]:
            self.tries += 1
            if self.tries == 1:
                raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
            return super().accept()

    own = Connections(Board(new_board(1), 0))
    short = Short(fileno=listener.dup().detach())

    async def fill() -> None:
        opened(short, own)
        with callers(listener, 1):
            await until(lambda: len(own) == 1)
        await all_gone(own)

    with short:
        asyncio.run(fill())
    assert "No caller can be taken for a moment" in caplog.text


@contextmanager
def processes(listener: socket.socket) -> Iterator[list[subprocess.Popen[bytes]]]:
    """Two real servers on the socket, with streams that last."""
    board = new_board(2)
    code = (
        "import sys; from core import hosting;"
        "hosting.APPLICATION = 'tests.core.stream_app:application';"
        "hosting.main()"
    )
    made = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(listener.fileno()), str(board), str(slot)],
            cwd=ROOT,
            env={**os.environ, "DJANGO_SETTINGS_MODULE": "core.settings"},
            pass_fds=(listener.fileno(), board),
        )
        for slot in range(2)
    ]
    os.close(board)
    try:
        yield made
    finally:
        for process in made:
            process.kill()
            process.wait(10)


def taken_by(process: subprocess.Popen[bytes], port: int) -> int:
    links = psutil.Process(process.pid).net_connections("tcp")
    return sum(x.status == psutil.CONN_ESTABLISHED and x.laddr[1] == port for x in links)


def test_real_servers_share_their_streams_also_after_one_was_killed(
    listener: socket.socket,
) -> None:
    port = listener.getsockname()[1]
    with processes(listener) as (one, other), ExitStack() as stack:

        def open_streams(count: int) -> None:
            for _ in range(count):
                link = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
                stack.enter_context(closing(link)).request("GET", "/")
                assert stack.enter_context(link.getresponse()).readline() == b"open\n"

        open_streams(1)
        until_both = time.monotonic() + 20
        while not (taken_by(one, port) and taken_by(other, port)):  # the second is still starting
            assert time.monotonic() < until_both
            open_streams(1)
            time.sleep(0.05)
        before = taken_by(one, port) + taken_by(other, port)
        open_streams(max(0, CALLERS - before))
        assert abs(taken_by(one, port) - taken_by(other, port)) <= max(4, before)
        other.send_signal(signal.SIGKILL)
        other.wait(10)
        began = time.monotonic()
        open_streams(5)
        assert time.monotonic() - began < 5
