"""The product behind a real uvicorn, and Server-Sent Events as a client sees them."""

import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import uvicorn
from django.conf import settings
from django.db import connection

from core.asgi import application

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Frame:
    id: int
    event: str
    data: dict[str, Any]


def frames(lines: Iterable[str]) -> Iterator[Frame]:
    """Parse an event stream line by line; comments are left out."""
    found: dict[str, str] = {}
    for line in lines:
        if line == "":
            if "event" in found:
                yield Frame(int(found["id"]), found["event"], json.loads(found["data"]))
            found = {}
        elif not line.startswith(":"):
            name, _, value = line.partition(": ")
            found[name] = value


def parse(body: bytes) -> list[Frame]:
    return list(frames(body.decode().split("\n")))


def text_of(found: Iterable[Frame]) -> str:
    return "".join(frame.data["text"] for frame in found if frame.event == "token")


def kinds(found: Iterable[Frame]) -> list[str]:
    """The events in order, tokens joined and steps left out."""
    names: list[str] = []
    for frame in found:
        if frame.event != "step" and not (frame.event == "token" and names[-1:] == ["token"]):
            names.append(frame.event)
    return names


@contextmanager
def served() -> Iterator[str]:
    """The ASGI application in this process, on a free port."""
    config = uvicorn.Config(application, port=0, lifespan="off", log_config=None)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(10)


@dataclass
class WebProcess:
    """A web process of its own on the database of the test."""

    url: str
    process: "subprocess.Popen[bytes]"

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(10)


@contextmanager
def web_process(folder: Path, **environment: str) -> Iterator[WebProcess]:
    """``folder`` is the test's own: its index and media lie there."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    ours = {"DATA_DIR": str(folder), "DATABASE_URL": _database_url(), "LOG_LEVEL": "WARNING"}
    process = subprocess.Popen(
        [sys.executable, "-m", "uvicorn", "core.asgi:application", "--port", str(port)],
        cwd=ROOT,
        env={**os.environ, **ours, **environment},
    )
    web = WebProcess(f"http://127.0.0.1:{port}", process)
    try:
        _wait_until_up(web)
        yield web
    finally:
        web.kill()


def _wait_until_up(web: WebProcess) -> None:
    for _ in range(600):
        assert web.process.poll() is None, "the web process ended"
        try:
            if httpx.get(f"{web.url}/health/").status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.05)
    raise AssertionError("the web process does not answer")


def _database_url() -> str:
    if settings.USES_SQLITE:
        return f"sqlite:///{connection.settings_dict['NAME']}"
    given = connection.settings_dict
    place = f"{given['HOST'] or 'localhost'}:{given['PORT'] or 5432}"
    return f"postgres://{given['USER']}:{given['PASSWORD']}@{place}/{given['NAME']}"
