"""Limits at the door: bodies before Django spools them, and hashing at a time.

Django writes a whole body to disk before any of its middleware looks (600 MB measured), so a body
is refused here: by its declared length at once, else while it is counted.
"""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings

from core.errors import Code

# Of a WebSocket: a message of 5,000 characters as JSON's \u escapes and a thousand document ids.
FRAME_MAX_BYTES = 128 * 1024

_hashing = threading.BoundedSemaphore(2)
_UPLOAD_PATHS = ("/api/knowledge/documents/", "/admin/knowledge/", "/admin/evaluation/")


@contextmanager
def one_of_two_hashings() -> Iterator[None]:
    """Two password hashes at a time: each takes 19 MiB, and 50 log-ins may come at once."""
    with _hashing:
        yield


def body_limit(path: str) -> int:
    """How many bytes a request to this path may bring."""
    if path.startswith(_UPLOAD_PATHS):
        return int(settings.MAX_UPLOAD_MB) * 1024 * 1024 + 64 * 1024  # the form around the file
    return int(settings.JSON_BODY_MAX_BYTES)


def limit_bodies(app: Any) -> Any:
    """Wrap an ASGI application so that a body over its path's limit is answered 413."""

    async def wrapped(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await app(scope, receive, send)
            return
        limit = body_limit(scope["path"])
        if _declared_length(scope) > limit:
            await _refuse(send)
            return
        await _counted(app, scope, receive, send, limit)

    return wrapped


def _declared_length(scope: Any) -> int:
    for name, value in scope["headers"]:
        if name == b"content-length":
            return int(value) if value.isdigit() else 0
    return 0


async def _counted(app: Any, scope: Any, receive: Any, send: Any, limit: int) -> None:
    """Count what arrives; past the limit answer 413 and let Django see a disconnect."""
    seen = 0
    refused = False

    async def counting_receive() -> Any:
        nonlocal seen, refused
        message = await receive()
        if message["type"] == "http.request":
            seen += len(message.get("body", b""))
            if seen > limit:
                if not refused:
                    refused = True
                    await _refuse(send)
                return {"type": "http.disconnect"}
        return message

    async def guarded_send(message: Any) -> None:
        if not refused:
            await send(message)

    await app(scope, counting_receive, guarded_send)


async def _refuse(send: Any) -> None:
    body = json.dumps({"detail": "This is too large.", "code": Code.TOO_LARGE}).encode()
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        (b"connection", b"close"),
    ]
    await send({"type": "http.response.start", "status": 413, "headers": headers})
    await send({"type": "http.response.body", "body": body})
