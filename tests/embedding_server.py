"""A scripted server of embeddings over real HTTP: OpenAI's protocol, with NVIDIA's additions.

``with EmbeddingServer() as server: server.script = [Reply(429), Reply()]``. Each request takes the
next reply; the last one stays. Vectors are bags of words, so that other texts get other ones.
"""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

import pytest

from tests.fakes import BagOfWordsEmbedder


@dataclass(frozen=True)
class Reply:
    """What the server does with one request.

    ``kind``: ``vectors``, ``fewer`` (one too few), ``doubled`` (the same place twice), ``nan``,
    ``garbage`` (no JSON), ``shapeless`` (JSON of another kind), ``cut`` (closes the connection in
    the middle), ``hang`` (says nothing for ``delay`` seconds).
    """

    status: int = 200
    kind: str = "vectors"
    dimension: int = 64
    retry_after: str = ""
    delay: float = 0.0
    message: str = "as the script says"


@dataclass
class EmbeddingServer:
    """Runs in threads. ``requests`` holds the bodies that came, ``keys`` their keys."""

    script: list[Reply] = field(default_factory=lambda: [Reply()])
    most_texts: int = 1000
    needs_input_type: bool = False
    knows_input_type: bool = True
    key: str = ""
    requests: list[dict[str, Any]] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/v1"

    def __enter__(self) -> Self:
        server = self

        class Handler(_Handler):
            scripted = server

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.02,), name="embedding-server", daemon=True
        )
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)

    def take(self, body: dict[str, Any], path: str, key: str) -> Reply:
        with self.lock:
            self.requests.append(body)
            self.paths.append(path)
            self.keys.append(key)
            self.times.append(time.monotonic())
            reply = self.script[0]
            if len(self.script) > 1:
                self.script.pop(0)
        return self._refusal(body, key) or reply

    def _refusal(self, body: dict[str, Any], key: str) -> Reply | None:
        if self.key and key != self.key:
            return Reply(401)
        if len(body["input"]) > self.most_texts:
            return Reply(413)
        if self.needs_input_type and "input_type" not in body:
            return Reply(400, message="'input_type' parameter is required")
        if not self.knows_input_type and "input_type" in body:
            return Reply(400, message="Unrecognized request argument: input_type")
        return None


class _Handler(BaseHTTPRequestHandler):
    scripted: EmbeddingServer
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        key = self.headers.get("Authorization", "").removeprefix("Bearer ")
        reply = self.scripted.take(body, self.path, key)
        time.sleep(reply.delay)
        with suppress(BrokenPipeError, ConnectionError):
            self._answer(reply, _content(reply, body["input"]))

    def _answer(self, reply: Reply, content: bytes) -> None:
        self.send_response(reply.status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        if reply.retry_after:
            self.send_header("Retry-After", reply.retry_after)
        self.end_headers()
        if reply.kind == "cut":
            self.wfile.write(content[: len(content) // 2])
            self.wfile.flush()
            self.close_connection = True
            return
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Nothing among the tests' lines."""


def _content(reply: Reply, texts: list[str]) -> bytes:
    if reply.status != 200:
        return json.dumps({"error": {"message": reply.message}}).encode()
    if reply.kind == "garbage":
        return b"<html>a proxy's page</html>"
    if reply.kind == "shapeless":
        return b'{"data": {"embedding": "no"}}'
    items = [
        {"object": "embedding", "index": number, "embedding": _vector(text, reply)}
        for number, text in enumerate(texts)
    ]
    if reply.kind == "fewer":
        items.pop()
    if reply.kind == "doubled":
        items[0]["index"] = len(items) - 1
    return json.dumps({"object": "list", "data": items[::-1], "model": "scripted"}).encode()


def _vector(text: str, reply: Reply) -> list[float]:
    fake = BagOfWordsEmbedder()
    fake.dimension = reply.dimension
    vector = [3.0 * float(value) for value in fake.embed_query(text)]  # not of unit length
    return [float("nan"), *vector[1:]] if reply.kind == "nan" else vector


@pytest.fixture
def embedding_server() -> Iterator[EmbeddingServer]:
    with EmbeddingServer() as server:
        yield server
