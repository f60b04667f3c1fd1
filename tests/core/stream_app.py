"""An application whose streams last until the server drains; served by test_drain."""

import asyncio
from typing import Any

from core.drain import announce_drain, drain_event


async def stream(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] != "http":
        raise NotImplementedError
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"open\n", "more_body": True})
    await asyncio.wait_for(drain_event().wait(), 60)
    await send({"type": "http.response.body", "body": b"event: reconnect\n"})


application = announce_drain(stream)
