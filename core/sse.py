"""What every stream of events shares: headers that keep proxies from gathering it, and a response.

``tests/faults/test_proxies.py`` holds these headers against a real nginx.
"""

import asyncio
from collections.abc import Iterator
from typing import Any

from django.http import StreamingHttpResponse

CONTENT_TYPE = "text/event-stream"
HEADERS = {
    "Cache-Control": "no-cache, no-transform",
    "X-Accel-Buffering": "no",  # nginx sends each event on as it comes
    "Content-Encoding": "identity",  # makes compressing middleware and proxies leave it alone
}


class EventStream(StreamingHttpResponse):
    """A stream that is sent piece by piece under ASGI and, one loop a response, under WSGI."""

    def __iter__(self) -> Iterator[bytes]:
        iterator: Any = self._iterator  # type: ignore[attr-defined]
        loop = asyncio.new_event_loop()
        try:
            while True:
                try:
                    yield self.make_bytes(loop.run_until_complete(anext(iterator)))
                except StopAsyncIteration:
                    return
        finally:
            loop.run_until_complete(iterator.aclose())
            loop.close()
