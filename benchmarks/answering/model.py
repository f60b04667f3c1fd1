"""A scripted model for the benchmarks that remembers when each of its tokens went out.

    python -m benchmarks.answering.model --port 8901 --tokens 300 --delay 0.05

Every answer has the same words. ``GET /sent/N`` tells, for the question that ends in ``(N)``, the
moments at which its pieces were written, as ``time.monotonic`` (one clock for all processes).
"""

import argparse
import asyncio
import json
import re
import time
from typing import Any

MARKED = 20  # every so many words a footnote mark
_SAID = (
    "Each request goes to the person in charge who reads it looks at the rules of the house and "
    "writes down what was decided so that others may follow later without having to ask again"
)
_WORDS = _SAID.split()
_NUMBER = re.compile(r"\((\d+)\)")
_HEAD = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n"
    b"Connection: keep-alive\r\n\r\n"
)


def pieces(count: int) -> list[str]:
    """So many tokens: words with the blank before them, as tokenisers cut, and marks."""
    found = []
    for at in range(count):
        # Not the same words in the same order again: that would be a model that runs in a circle.
        word = _WORDS[at * (1 + at // len(_WORDS)) % len(_WORDS)]
        place = at % MARKED
        found.append(" [1]" if place == MARKED - 2 else "." if place == MARKED - 1 else f" {word}")
    return [found[0].lstrip(), *found[1:]]


class Model:
    """Speaks the protocol of chat completions, streamed; nothing else of it."""

    def __init__(self, tokens: int, delay: float, first_delay: float) -> None:
        self.lines = [_delta(piece) for piece in pieces(tokens)]
        self.delay, self.first_delay = delay, first_delay
        self.sent: dict[str, list[float]] = {}

    async def serve(self, port: int) -> None:
        server = await asyncio.start_server(self._accept, "127.0.0.1", port, backlog=4096)
        async with server:
            await server.serve_forever()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                length = re.search(r"content-length: *(\d+)", head, re.IGNORECASE)
                body = await reader.readexactly(int(length.group(1)) if length else 0)
                if head.startswith("GET"):
                    _plain(writer, self.sent.get(head.split(" ")[1].rpartition("/")[2], []))
                else:
                    await self._answer(json.loads(body), writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def _answer(self, request: dict[str, Any], writer: asyncio.StreamWriter) -> None:
        asked = _NUMBER.findall(str(request["messages"][-1]["content"]))
        moments = self.sent[asked[-1] if asked else ""] = []
        writer.write(_HEAD)
        await asyncio.sleep(self.first_delay)
        begun = time.monotonic()
        for number, line in enumerate(self.lines):
            # Each at its own moment, so that a late one does not delay those behind it.
            wait = begun + number * self.delay - time.monotonic()
            if wait > 0:
                await asyncio.sleep(wait)
            moments.append(time.monotonic())
            writer.write(line)
            if self.delay:
                await writer.drain()
        writer.write(_delta("", "stop") + _line(b"[DONE]") + b"0\r\n\r\n")
        await writer.drain()


def _plain(writer: asyncio.StreamWriter, value: Any) -> None:
    body = json.dumps(value).encode()
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)


def _delta(content: str, finish_reason: str | None = None) -> bytes:
    choice = {"index": 0, "delta": {"content": content}, "finish_reason": finish_reason}
    chunk = {"id": "x", "object": "chat.completion.chunk", "created": 0, "model": "instant"}
    return _line(json.dumps({**chunk, "choices": [choice]}).encode())


def _line(data: bytes) -> bytes:
    event = b"data: " + data + b"\n\n"
    return b"%x\r\n%s\r\n" % (len(event), event)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--tokens", type=int, default=300)
    parser.add_argument("--delay", type=float, default=0.0, help="seconds between tokens")
    parser.add_argument("--first-delay", type=float, default=0.0)
    given = parser.parse_args()
    asyncio.run(Model(given.tokens, given.delay, given.first_delay).serve(given.port))


if __name__ == "__main__":
    main()
