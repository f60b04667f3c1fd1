"""On SIGTERM every open stream is told and ends by itself, and the server leaves."""

import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
STREAMS = 20


@pytest.fixture
def server() -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(64)
        port = listener.getsockname()[1]
        code = (
            "import socket; from core import hosting;"
            "hosting.APPLICATION = 'tests.core.stream_app:application';"
            f"hosting.server().run(sockets=[socket.socket(fileno={listener.fileno()})])"
        )
        process = subprocess.Popen(
            [sys.executable, "-c", code],
            cwd=ROOT,
            env={**os.environ, "DJANGO_SETTINGS_MODULE": "core.settings"},
            pass_fds=(listener.fileno(),),
        )
    yield process, port
    process.kill()
    process.wait(10)


def open_stream(stack: ExitStack, port: int) -> http.client.HTTPResponse:
    link = stack.enter_context(closing(http.client.HTTPConnection("127.0.0.1", port, timeout=30)))
    link.request("GET", "/")
    response = stack.enter_context(link.getresponse())
    assert response.readline() == b"open\n"
    return response


def test_open_streams_end_with_a_last_event_and_the_process_leaves(
    server: tuple[subprocess.Popen[bytes], int],
) -> None:
    process, port = server
    with ExitStack() as stack:
        streams = [open_stream(stack, port) for _ in range(STREAMS)]
        asked_at = time.monotonic()
        process.send_signal(signal.SIGTERM)
        assert [stream.read() for stream in streams] == [b"event: reconnect\n"] * STREAMS
    process.wait(10)
    assert time.monotonic() - asked_at < 10
