"""Bodies are refused at the door, before Django writes them to disk."""

import asyncio
import json
from collections.abc import Iterable
from typing import Any

import pytest

from core.limits import body_limit, limit_bodies

MEBIBYTE = 1024 * 1024


class Inner:
    """An application that reads its whole body, as Django's does."""

    def __init__(self) -> None:
        self.read = 0
        self.is_disconnected = False

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                self.is_disconnected = True
                return
            self.read += len(message["body"])
            if not message.get("more_body"):
                break
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"read"})


def ask(path: str, chunks: Iterable[bytes], length: int | None = None) -> tuple[Inner, list[Any]]:
    inner, sent = Inner(), []
    waiting = iter(chunks)

    async def receive() -> Any:
        chunk = next(waiting, None)
        if chunk is None:
            return {"type": "http.request", "body": b"", "more_body": False}
        return {"type": "http.request", "body": chunk, "more_body": True}

    async def send(message: Any) -> None:
        sent.append(message)

    headers = [] if length is None else [(b"content-length", str(length).encode())]
    scope = {"type": "http", "path": path, "headers": headers}
    asyncio.run(limit_bodies(inner)(scope, receive, send))
    return inner, sent


def never() -> Iterable[bytes]:
    raise AssertionError("the body must not be read")
    yield b""


def test_a_declared_300_megabytes_are_refused_without_reading_any() -> None:
    inner, sent = ask("/api/knowledge/documents/", never(), length=300 * MEBIBYTE)
    assert inner.read == 0
    assert sent[0]["status"] == 413
    assert json.loads(sent[1]["body"])["code"] == "too_large"


def test_a_chunked_body_is_counted_and_refused_when_it_passes_the_limit() -> None:
    endless = (b"x" * 65536 for _ in range(10_000))
    inner, sent = ask("/api/chat/send/", endless)
    assert inner.is_disconnected
    assert inner.read <= body_limit("/api/chat/send/")
    assert [message["type"] for message in sent] == ["http.response.start", "http.response.body"]
    assert sent[0]["status"] == 413


def test_a_declared_length_that_lies_is_counted_as_well() -> None:
    inner, sent = ask("/api/chat/send/", (b"x" * 65536 for _ in range(100)), length=10)
    assert sent[0]["status"] == 413
    assert inner.is_disconnected


@pytest.mark.parametrize("length", [0, MEBIBYTE])
def test_what_fits_is_let_through(length: int) -> None:
    inner, sent = ask("/api/chat/send/", [b"x" * length], length=length)
    assert inner.read == length
    assert sent[0]["status"] == 200


def test_uploads_have_the_limit_of_documents_and_nothing_else_has() -> None:
    assert body_limit("/api/knowledge/documents/") > 50 * MEBIBYTE
    assert body_limit("/admin/knowledge/document/add/") > 50 * MEBIBYTE
    for path in ("/api/knowledge/search/", "/api/chat/send/", "/ask/", "/accounts/login/"):
        assert body_limit(path) == MEBIBYTE
